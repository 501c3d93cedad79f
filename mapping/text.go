package mapping

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// plain reports whether b is text that needs no closer look: valid UTF-8 of characters that stand alone in NFC. ASCII, Latin
// letters up to U+02FF and the Cyrillic letters, Kazakh ones included, are such; other text may be and yet give false.
func plain(b []byte) bool {
	i, n := 0, len(b)
	for i < n {
		if i+8 <= n {
			w := binary.LittleEndian.Uint64(b[i:]) & tops
			if w == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(w) >> 3
		}
		c := b[i]
		if c < utf8.RuneSelf {
			i++
			continue
		}
		// Pairs follow one another in Kazakh and Russian text.
		for {
			if i+1 >= n || b[i+1]&0xC0 != 0x80 {
				return false
			}
			switch t := b[i+1]; {
			case c == 0xD0 || c == 0xD1 || c == 0xD3:
			case c == 0xD2 && t >= 0x8A: // U+0483 to U+0489 combine
			case c == 0xD4 && t <= 0xAF:
			case c >= 0xC2 && c <= 0xCB:
			default:
				return false
			}
			if i += 2; i >= n {
				return true
			}
			if c = b[i]; c < utf8.RuneSelf {
				break
			}
		}
	}
	return true
}

// appendString appends b, which is valid UTF-8, as a JSON string. Escaped are the quote, the backslash and the
// control characters below U+0020, nothing else.
func appendString(dst, b []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(b); {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			// Bytes from 0x80 on give false alarms in none of the three terms because of the masks.
			m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & tops
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		c := b[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, b[from:i]...)
		dst = appendEscape(dst, c)
		i++
		from = i
	}
	dst = append(dst, b[from:]...)
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
