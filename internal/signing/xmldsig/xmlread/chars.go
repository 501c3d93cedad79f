package xmlread

import "unicode/utf8"

// isChar is production [2] Char of XML 1.0.
func isChar(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	case r < 0xE000:
		return false
	case r <= 0xFFFD:
		return true
	}
	return r >= 0x10000 && r <= 0x10FFFF
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

type span struct{ lo, hi rune }

// nameStart is production [4] NameStartChar without the colon, beyond ASCII.
var nameStart = []span{
	{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
	{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF},
	{0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
}

// nameMore is what production [4a] NameChar adds, beyond ASCII.
var nameMore = []span{{0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}

func within(spans []span, r rune) bool {
	for _, s := range spans {
		if r >= s.lo && r <= s.hi {
			return true
		}
	}
	return false
}

func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
	}
	return within(nameStart, r)
}

func isNameChar(r rune) bool {
	if r < utf8.RuneSelf {
		return isNameStart(r) || r >= '0' && r <= '9' || r == '-' || r == '.'
	}
	return within(nameStart, r) || within(nameMore, r)
}
