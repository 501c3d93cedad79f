package transform

import (
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestPlainPairs tries every two characters of the plain ranges side by side.
func TestPlainPairs(t *testing.T) {
	var plain []rune
	for r := rune(0x20); r < 0x600; r++ {
		if ok, _ := look(utf8.AppendRune(nil, r)); ok {
			plain = append(plain, r)
		}
	}
	if len(plain) < 900 {
		t.Errorf("%d characters are plain", len(plain))
	}
	for _, a := range plain {
		for _, b := range plain {
			if pair := utf8.AppendRune(utf8.AppendRune(nil, a), b); !norm.NFC.IsNormal(pair) {
				t.Errorf("%U %U is not normal", a, b)
			}
		}
	}
}
