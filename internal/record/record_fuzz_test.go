package record

import "testing"

// FuzzNames reads ids and digests: what is accepted is written as it was.
func FuzzNames(f *testing.F) {
	f.Add(NewID().String())
	f.Add(DigestOf(nil).String())
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseID(text); err == nil && id.String() != text && !(id.IsZero() && text == "") {
			t.Fatalf("%q is read as %s", text, id)
		}
		if d, err := ParseDigest(text); err == nil && d.String() != text {
			t.Fatalf("%q is read as %s", text, d)
		}
	})
}
