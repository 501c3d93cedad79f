package xmlscan

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestUsual puts every byte, and every pair of bytes, at every place of eight, behind a character and inside one.
func TestUsual(t *testing.T) {
	for at := range 8 {
		for pair := range 1 << 16 {
			for _, before := range []string{"abcdefgh", "abcdefg\xd2"} {
				b := []byte(before + "қnАқa<ұ ")[:17]
				b[8+at], b[9+at] = byte(pair), byte(pair>>8)
				whole, want := string(b[:16]), 16
				if b[15] >= 0xC0 {
					whole, want = whole+"\x80", 15
				}
				if !utf8.ValidString(whole) || strings.ContainsFunc(whole, func(r rune) bool { return r < ' ' || r > 0x7FF }) {
					want = 8 - int(b[7]>>7)
				}
				if got := usual(b[:16]); got != want {
					t.Fatalf("%x: %d, want %d", b[:16], got, want)
				}
			}
		}
	}
}

// TestPlain puts every byte at every place of texts of several lengths.
func TestPlain(t *testing.T) {
	for n := range 26 {
		for at := range n {
			for c := range 256 {
				b := []byte("Нұрсұлтан =%\\\x0c\x0e;>^ Әбд")[:n]
				b[at] = byte(c)
				want := slices.IndexFunc(b, func(c byte) bool { return inText[c] })
				if want < 0 {
					want = n
				}
				if got := plain(b); got != want {
					t.Fatalf("%q: %d, want %d", b, got, want)
				}
			}
		}
	}
}
