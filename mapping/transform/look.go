package transform

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// look says of b whether it is plain: valid UTF-8 of characters that stand alone in NFC; and whether it is tidy: without
// white space other than single U+0020 between other characters. Both are sure if true; of text beyond ASCII, Latin up to U+02FF and
// Cyrillic (the Kazakh letters included) it says neither.
func look(b []byte) (plain, tidy bool) {
	tidy = true
	for i, n := 0, len(b); i < n; {
		if n >= 8 {
			// Eight bytes at once; at the end, those that end it.
			at := min(i, n-8)
			w := binary.LittleEndian.Uint64(b[at:])
			if visible(w) || cyrillic(w) {
				i = at + 8
				continue
			}
		}
		switch c := b[i]; {
		case c > ' ' && c < utf8.RuneSelf:
			i++
		case c == ' ':
			if i == 0 || i == n-1 || b[i+1] == ' ' {
				tidy = false
			}
			i++
		case c < ' ':
			tidy = false
			i++
		case i+1 < n && alone(c, b[i+1]):
			if c == 0xC2 && b[i+1] <= 0xA0 { // U+0085 and U+00A0 are white space
				tidy = false
			}
			i += 2
		default:
			return false, false
		}
	}
	return true, tidy
}

// visible reports whether all eight bytes are ASCII above the space.
func visible(w uint64) bool { return (w|(w-ones*0x21))&tops == 0 }

// cyrillic reports whether w is four characters from U+0400 to U+04FF. The marks among them (U+0483 to U+0489) compose with
// nothing, and stand in canonical order among themselves.
func cyrillic(w uint64) bool { return w&0xC0FCC0FCC0FCC0FC == 0x80D080D080D080D0 }

// alone reports whether the bytes are a character from U+0080 to U+02FF or from U+0400 to U+052F.
func alone(lead, tail byte) bool {
	if tail&0xC0 != 0x80 {
		return false
	}
	return lead >= 0xD0 && lead <= 0xD3 || lead >= 0xC2 && lead <= 0xCB || lead == 0xD4 && tail <= 0xAF
}
