package form

import (
	"encoding/binary"
	"math/bits"
)

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// appendString appends b, which is valid UTF-8, as a JSON string. Escaped are the quote, the backslash and the
// control characters below U+0020, nothing else.
func appendString(dst, b []byte) []byte {
	dst = append(dst, '"')
	from, n := 0, len(b)
	for i := 0; i < n; {
		if n >= 8 {
			// Eight bytes at once; at the end, those that end it.
			at := min(i, n-8)
			if m := escaped(binary.LittleEndian.Uint64(b[at:])); m == 0 {
				i = at + 8
				continue
			} else if at == i {
				i += bits.TrailingZeros64(m) >> 3
			}
		}
		if c := b[i]; c < 0x20 || c == '"' || c == '\\' {
			dst = append(dst, b[from:i]...)
			dst = appendEscape(dst, c)
			from = i + 1
		}
		i++
	}
	dst = append(dst, b[from:]...)
	return append(dst, '"')
}

// escaped has the top bit set in the lowest byte of w that must be escaped; bits above that one mean nothing.
func escaped(w uint64) uint64 {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & tops
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
