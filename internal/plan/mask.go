package plan

import (
	"strings"
	"unicode"
)

// Mask shows the shape of a value: letters as x or X, digits as 9, everything else as it is.
func Mask(v string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsUpper(r):
			return 'X'
		case unicode.IsLetter(r) || unicode.IsMark(r):
			return 'x'
		case unicode.IsNumber(r):
			return '9'
		case unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r):
			return r
		}
		return '?'
	}, v)
}
