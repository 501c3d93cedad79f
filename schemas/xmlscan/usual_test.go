package xmlscan

import (
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
