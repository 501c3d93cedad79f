package ber

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// oidText decodes the contents of an OBJECT IDENTIFIER.
func oidText(b []byte) (string, error) {
	if len(b) == 0 || len(b) > 64 {
		return "", syntax("object identifier of %d octets", len(b))
	}
	var out []byte
	var arc uint64
	first, start := true, true
	for i, c := range b {
		if start && c == 0x80 {
			return "", syntax("object identifier with superfluous octets")
		}
		if arc > 1<<54 {
			return "", syntax("object identifier with a huge arc")
		}
		arc = arc<<7 | uint64(c&0x7f)
		start = c&0x80 == 0
		if !start {
			if i == len(b)-1 {
				return "", syntax("object identifier cut off")
			}
			continue
		}
		if first {
			top := min(arc/40, 2)
			out = strconv.AppendUint(out, top, 10)
			arc -= top * 40
			first = false
		}
		out = append(out, '.')
		out = strconv.AppendUint(out, arc, 10)
		arc = 0
	}
	return string(out), nil
}

// ParseTime decodes a UTCTime or GeneralizedTime of the forms YYMMDDhhmm[ss] and
// YYYYMMDDhhmmss[.f...], in UTC ("Z") or, for UTCTime, with an offset. Two-digit
// years are those of 1950 to 2049 (RFC 5280, 4.1.2.5.1).
func ParseTime(v Value) (time.Time, error) {
	if v.Constructed {
		return time.Time{}, syntax("constructed time")
	}
	s := string(v.Body)
	var layouts []string
	switch {
	case v.Is(Universal, TagUTCTime):
		layouts = []string{"060102150405Z", "0601021504Z", "060102150405-0700", "0601021504-0700"}
	case v.Is(Universal, TagGeneralizedTime):
		layouts = []string{"20060102150405Z"}
		if dot := strings.IndexByte(s, '.'); dot == 14 && len(s) > 16 && len(s) <= 26 {
			layouts[0] = "20060102150405." + strings.Repeat("0", len(s)-16) + "Z"
		}
	default:
		return time.Time{}, syntax("found class %d tag %d, expected a time", v.Class, v.Tag)
	}
	for _, layout := range layouts {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if v.Tag == TagUTCTime && t.Year() >= 2050 {
			t = t.AddDate(-100, 0, 0)
		}
		return t.UTC(), nil
	}
	return time.Time{}, syntax("not a time")
}

// Text decodes a character string of any of the ASN.1 string types.
func Text(v Value) (string, error) {
	if v.Class != Universal || v.Constructed {
		return "", syntax("not a character string")
	}
	switch v.Tag {
	case TagUTF8String:
		if !utf8.Valid(v.Body) {
			return "", syntax("text is not UTF-8")
		}
		return string(v.Body), nil
	case TagPrintableString, TagNumericString, TagIA5String, TagVisibleString:
		for _, c := range v.Body {
			if c >= 0x80 || v.Tag == TagNumericString && c != ' ' && (c < '0' || c > '9') {
				return "", syntax("text outside the string type's letters")
			}
		}
		return string(v.Body), nil
	case TagTeletexString:
		runes := make([]rune, len(v.Body))
		for i, c := range v.Body {
			runes[i] = rune(c)
		}
		return string(runes), nil
	case TagBMPString:
		return wide(v.Body, 2)
	case TagUniversalString:
		return wide(v.Body, 4)
	}
	return "", syntax("tag %d is not a character string", v.Tag)
}

func wide(b []byte, size int) (string, error) {
	if len(b)%size != 0 {
		return "", syntax("text of %d octets", len(b))
	}
	var units []uint16
	var out []rune
	for i := 0; i < len(b); i += size {
		if size == 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
			continue
		}
		r := rune(b[i])<<24 | rune(b[i+1])<<16 | rune(b[i+2])<<8 | rune(b[i+3])
		if !utf8.ValidRune(r) {
			return "", syntax("text is not Unicode")
		}
		out = append(out, r)
	}
	if size == 2 {
		out = utf16.Decode(units)
	}
	return string(out), nil
}
