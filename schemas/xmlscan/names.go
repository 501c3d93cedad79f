package xmlscan

import "unicode/utf8"

// Span is a range of characters, both ends included.
type Span struct{ Low, High rune }

// NameStart is production [4] NameStartChar of XML 1.0 without the colon; NameMore is what production [4a] NameChar adds.
var (
	NameStart = []Span{
		{'A', 'Z'}, {'_', '_'}, {'a', 'z'}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
		{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
	}
	NameMore = []Span{{'-', '-'}, {'.', '.'}, {'0', '9'}, {0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}
)

// The classes of ASCII bytes in names; all others are 0.
const (
	startByte = 1
	moreByte  = 2
)

var nameBytes = func() (t [256]uint8) {
	for c := range rune(utf8.RuneSelf) {
		if within(NameStart, c) {
			t[c] = startByte
		} else if within(NameMore, c) {
			t[c] = moreByte
		}
	}
	return t
}()

func within(spans []Span, r rune) bool {
	for _, s := range spans {
		if r >= s.Low && r <= s.High {
			return true
		}
	}
	return false
}

// IsNameStart reports whether a name without a colon can begin with r.
func IsNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return nameBytes[r] == startByte
	}
	return within(NameStart, r)
}

// IsNameChar reports whether r can stand in a name without a colon.
func IsNameChar(r rune) bool {
	if r < utf8.RuneSelf {
		return nameBytes[r] != 0
	}
	return within(NameStart, r) || within(NameMore, r)
}

// IsNCName reports whether b is a name without a colon.
func IsNCName(b []byte) bool {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if i == 0 && !IsNameStart(r) || !IsNameChar(r) {
			return false
		}
		i += n
	}
	return len(b) > 0
}

// IsSpace reports whether c is white space of XML.
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// IsChar reports whether r is a character of XML 1.0 (production [2]).
func IsChar(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	}
	return r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}
