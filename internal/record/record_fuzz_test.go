package record

import (
	"strings"
	"testing"
)

// FuzzNames reads ids and digests: what is accepted is written as it was.
func FuzzNames(f *testing.F) {
	f.Add(NewID().String())
	f.Add(DigestOf(nil).String())
	f.Add("")
	f.Add(strings.Repeat("0", 32))
	f.Add(digestPrefix + strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseID(text); err == nil && id.String() != text {
			t.Fatalf("%q is read as %s", text, id)
		}
		if d, err := ParseDigest(text); err == nil && d.String() != text {
			t.Fatalf("%q is read as %s", text, d)
		}
	})
}

func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{"a/b.db": "file:a/b.db", "/x#1/y?z 50%.db": "file:/x%231/y%3Fz%2050%25.db", "/Ә/b.db": "file:/%D3%98/b.db"} {
		if got := FileURI(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
