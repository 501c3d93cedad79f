package results

import (
	"regexp"
	"strings"
	"unicode"

	"birgeoqy.kz/almasu/internal/plan"
)

// longest is how many characters of foreign words are shown.
const longest = 200

var (
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'|«[^»]*»|“[^”]*”|„[^“”]*[“”]`)
	numbers = regexp.MustCompile(`\+?\pN(?:[ \-().]*\pN){3,}`)
	mails   = regexp.MustCompile(`\S+@\S+`)
	codes   = regexp.MustCompile(`^[a-z0-9_.\-]{1,80}$`)
)

// Foreign makes words that a recipient has chosen fit to be shown: one line of at most 200 characters. Characters that do not print become ?; what looks like a number of
// somebody (four digits or more), a mail address, or stands in quotes is shown by its shape ([plan.Mask]), unless it is in quotes and known says that it is the name of
// something.
func Foreign(s string, known func(string) bool) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
	s = quoted.ReplaceAllStringFunc(s, func(q string) string {
		if inner := strings.Trim(q, `"'«»“”„`); known != nil && known(inner) {
			return q
		}
		return plan.Mask(q)
	})
	s = mails.ReplaceAllStringFunc(s, plan.Mask)
	s = numbers.ReplaceAllStringFunc(s, plan.Mask)
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "…"
	}
	return s
}

// Code is a recipient's code as it is shown: itself if it is one, else its [Foreign] form.
func Code(s string) string {
	if codes.MatchString(s) && !numbers.MatchString(s) {
		return s
	}
	return Foreign(s, nil)
}
