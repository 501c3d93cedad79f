package form

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzAppendString(f *testing.F) {
	f.Add("Сейітқали \"x\"\\\n\x00\x7f\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		var got string
		if err := json.Unmarshal(appendString(nil, []byte(s)), &got); err != nil || got != s {
			t.Fatalf("%v", err)
		}
	})
}
