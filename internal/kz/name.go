package kz

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// CleanName returns s in NFC, without spaces at the ends, with each run of Unicode spaces inside as one U+0020. It changes nothing else: no
// letter, no case, no punctuation.
func CleanName(s string) string {
	if isPlain(s) {
		return s
	}
	return string(AppendName(nil, []byte(s)))
}

// AppendName appends to dst what [CleanName] makes of src. It allocates only if dst must grow or src is not in NFC.
func AppendName(dst, src []byte) []byte {
	if isPlain(src) {
		return append(dst, src...)
	}
	if !norm.NFC.IsNormal(src) {
		src = norm.NFC.Bytes(src)
	}
	start, gap := len(dst), false
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		switch {
		case unicode.IsSpace(r):
			gap = true
		default:
			if gap && len(dst) > start {
				dst = append(dst, ' ')
			}
			gap = false
			dst = append(dst, src[:size]...)
		}
		src = src[size:]
	}
	return dst
}

// isPlain reports whether s is clean already and made of printable ASCII and Cyrillic letters only. False decides nothing.
func isPlain[T string | []byte](s T) bool {
	gap := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ':
			if gap {
				return false
			}
			gap = true
			continue
		case c > ' ' && c < 0x7f:
		case c >= 0xd0 && c <= 0xd3 && i+1 < len(s) && s[i+1]&0xc0 == 0x80 && (c != 0xd2 || s[i+1] >= 0x8a):
			i++ // U+0400 to U+04FF without the combining marks U+0483 to U+0489: normal letters
		default:
			return false
		}
		gap = false
	}
	return !gap || len(s) == 0
}

// Phone appends to dst the E.164 form ("+7" and ten digits) of a number of country code 7. Accepted are eleven digits
// that begin with 7 or with the trunk prefix 8, and ten digits that begin with 7; between the digits spaces, no-break
// spaces, hyphens, dots and round brackets may stand, and a + before a 7. The area or mobile code
// must begin with 3 to 9. ok is false, and dst is returned as it was, for anything else.
func Phone(dst, src []byte) (out []byte, ok bool) {
	var digits [11]byte
	n, plus := 0, false
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		src = src[size:]
		switch {
		case r >= '0' && r <= '9':
			if n == len(digits) {
				return dst, false
			}
			digits[n] = byte(r)
			n++
		case r == '+' && n == 0 && !plus:
			plus = true
		case r == ' ' || r == '\u00a0' || r == '-' || r == '.' || r == '(' || r == ')':
		default:
			return dst, false
		}
	}
	national := digits[:n]
	switch {
	case n == 11 && (digits[0] == '7' || digits[0] == '8' && !plus):
		national = digits[1:]
	case n == 10 && digits[0] == '7' && !plus:
	default:
		return dst, false
	}
	if national[0] < '3' {
		return dst, false
	}
	return append(append(dst, "+7"...), national...), true
}
