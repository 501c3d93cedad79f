package vault

import (
	"bytes"
	"testing"
)

// FuzzOpen opens sealed bytes under keys of a file: nothing opens but what was sealed, and a file that is accepted seals and opens.
func FuzzOpen(f *testing.F) {
	key := []byte(newKey(f))
	own, err := Parse(key)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := own.Seal(nil, "p", "n", []byte("plain"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, sealed)
	f.Add([]byte("# two\n"+string(key)+newKey(f)), []byte{})
	f.Fuzz(func(t *testing.T, file, b []byte) {
		if plain, err := own.Open("p", "n", b); err == nil && (!bytes.Equal(b, sealed) || string(plain) != "plain") {
			t.Fatal("other bytes were opened")
		}
		v, err := Parse(file)
		if err != nil {
			return
		}
		again, err := v.Seal(nil, "p", "n", b)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := v.Open("p", "n", again); err != nil || !bytes.Equal(plain, b) {
			t.Fatalf("what was sealed does not open: %v", err)
		}
	})
}
