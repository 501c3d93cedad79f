package register

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"birgeoqy.kz/almasu/internal/record"
)

// NormaliseText brings a published policy text into the form that is registered: Unicode NFC, without byte order mark, each
// run of white space (line ends, no-break spaces) one space, none at either end. Mark-up is part of the text.
func NormaliseText(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.Join(strings.Fields(norm.NFC.String(text)), " ")
}

// TextDigest is the SHA-256 of the normalised text (rule POL-5).
func TextDigest(text string) record.Digest { return record.DigestOf([]byte(NormaliseText(text))) }
