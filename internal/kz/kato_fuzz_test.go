package kz

import (
	"strings"
	"testing"
)

// FuzzEdition reads the CSV form of a classifier: the rows of one that is accepted ascend, and each is found by its code.
func FuzzEdition(f *testing.F) {
	lines := strings.SplitAfterN(kato20260717, "\n", 8)
	f.Add(strings.Join(lines[:7], ""))
	f.Add("kato,kato_version,level,type_code,name_ru,name_kk\n110000000,NK,1,0,a,b\n110000000,NK,1,0,a,b\n")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ReadEdition("v", strings.NewReader(text))
		if err != nil {
			return
		}
		for i, p := range e.Places() {
			if i > 0 && e.Places()[i-1].Code >= p.Code {
				t.Fatal("rows do not ascend")
			}
			if found, ok := e.Lookup(p.Code); !ok || found.Code != p.Code {
				t.Fatalf("row %d is not found", i)
			}
		}
	})
}
