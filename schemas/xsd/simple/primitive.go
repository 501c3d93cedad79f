package simple

import (
	"bytes"
	"strconv"

	"birgeoqy.kz/almasu/schemas/pattern"
)

// primitive is one of the types that all others are derived from (3.2).
type primitive struct {
	name string
	// tag begins every key, so that values of different primitives differ.
	tag byte
	// parse reports whether text has the lexical form, and notes what comparing needs.
	parse func(v *value, text []byte, s *Scratch) bool
	// appendKey appends the value without the tag.
	appendKey func(dst []byte, v *value, text []byte, s *Scratch) []byte
	// measure is the length in the facets' sense; nil if lengths do not apply.
	measure func(text []byte) int
	// characters says that it counts these.
	characters bool
	// ordered says that bounds are supported.
	ordered bool
	space   whiteSpace
}

func textKey(dst []byte, _ *value, text []byte, _ *Scratch) []byte { return append(dst, text...) }

func momentKey(dst []byte, v *value, _ []byte, _ *Scratch) []byte { return v.appendMoment(dst) }

func anyText(*value, []byte, *Scratch) bool { return true }

// The primitives.
var (
	primString  = &primitive{name: "string", tag: 's', parse: anyText, appendKey: textKey, measure: runes, characters: true, space: preserve}
	primBoolean = &primitive{name: "boolean", tag: 'b', space: collapse,
		parse: func(_ *value, text []byte, _ *Scratch) bool {
			switch string(text) {
			case "true", "false", "1", "0":
				return true
			}
			return false
		},
		appendKey: func(dst []byte, _ *value, text []byte, _ *Scratch) []byte {
			return strconv.AppendBool(dst, text[0] == 't' || text[0] == '1')
		}}
	primDecimal = &primitive{name: "decimal", tag: 'd', parse: parseDecimal, ordered: true, space: collapse,
		appendKey: func(dst []byte, v *value, _ []byte, _ *Scratch) []byte { return v.appendDecimal(dst) }}
	primFloat    = &primitive{name: "float", tag: 'f', parse: parseFloat, ordered: true, space: collapse, appendKey: floatKey(32)}
	primDouble   = &primitive{name: "double", tag: 'g', parse: parseFloat, ordered: true, space: collapse, appendKey: floatKey(64)}
	primDuration = &primitive{name: "duration", tag: 'p', parse: parseDuration, space: collapse, appendKey: momentKey}
	primDateTime = &primitive{name: "dateTime", tag: 'T', parse: shaped("yT"), ordered: true, space: collapse, appendKey: momentKey}
	primTime     = &primitive{name: "time", tag: 't', parse: shaped("T"), ordered: true, space: collapse, appendKey: momentKey}
	primDate     = &primitive{name: "date", tag: 'D', parse: shaped("y"), ordered: true, space: collapse, appendKey: momentKey}
	primMonth    = &primitive{name: "gYearMonth", tag: 'M', parse: shaped("M"), ordered: true, space: collapse, appendKey: momentKey}
	primYear     = &primitive{name: "gYear", tag: 'Y', parse: shaped("Y"), ordered: true, space: collapse, appendKey: momentKey}
	primMonthDay = &primitive{name: "gMonthDay", tag: 'a', parse: shaped("a"), ordered: true, space: collapse, appendKey: momentKey}
	primDay      = &primitive{name: "gDay", tag: 'e', parse: shaped("e"), ordered: true, space: collapse, appendKey: momentKey}
	primJustM    = &primitive{name: "gMonth", tag: 'm', parse: shaped("m"), ordered: true, space: collapse, appendKey: momentKey}
	primHex      = &primitive{name: "hexBinary", tag: 'h', parse: parseHex, space: collapse, measure: func(t []byte) int { return len(t) / 2 },
		appendKey: func(dst []byte, _ *value, text []byte, _ *Scratch) []byte { return append(dst, bytes.ToUpper(text)...) }}
	primBase64 = &primitive{name: "base64Binary", tag: '6', parse: parseBase64, space: collapse, measure: base64Bytes,
		appendKey: func(dst []byte, _ *value, text []byte, _ *Scratch) []byte {
			for _, c := range text {
				if c != ' ' {
					dst = append(dst, c)
				}
			}
			return dst
		}}
	primURI   = &primitive{name: "anyURI", tag: 'u', parse: parseURI, appendKey: textKey, measure: runes, characters: true, space: collapse}
	primQName = &primitive{name: "QName", tag: 'q', parse: parseQName, space: collapse,
		appendKey: func(dst []byte, _ *value, text []byte, s *Scratch) []byte {
			prefix, local, _ := splitName(text)
			uri := ""
			if s.Names != nil {
				uri, _ = s.Names.Resolve(prefix)
			}
			return append(append(append(dst, uri...), 0), local...)
		}}
)

func splitName(text []byte) (prefix, local []byte, ok bool) {
	if i := bytes.IndexByte(text, ':'); i >= 0 {
		return text[:i], text[i+1:], pattern.IsName(text[:i], true, false) && pattern.IsName(text[i+1:], true, false)
	}
	return nil, text, pattern.IsName(text, true, false)
}

// parseQName insists on a prefix that is bound.
func parseQName(_ *value, text []byte, s *Scratch) bool {
	prefix, _, ok := splitName(text)
	if !ok || len(prefix) == 0 || s.Names == nil {
		return ok && len(prefix) == 0
	}
	_, ok = s.Names.Resolve(prefix)
	return ok
}

func parseFloat(v *value, text []byte, _ *Scratch) bool {
	v.text = text
	switch string(text) {
	case "INF", "-INF", "NaN":
		return true
	}
	rest, digits := text, 0
	if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	n := leading(rest)
	digits, rest = n, rest[n:]
	if len(rest) > 0 && rest[0] == '.' {
		n = leading(rest[1:])
		digits, rest = digits+n, rest[n+1:]
	}
	if digits == 0 {
		return false
	}
	if len(rest) > 0 && (rest[0] == 'e' || rest[0] == 'E') {
		if rest = rest[1:]; len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		n = leading(rest)
		return n > 0 && n == len(rest)
	}
	return len(rest) == 0
}

// leading is how many digits text begins with.
func leading(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

func floatOf(text []byte, bits int) float64 {
	f, _ := strconv.ParseFloat(string(text), bits) // out of range is infinite, or zero
	return f
}

func floatKey(bits int) func([]byte, *value, []byte, *Scratch) []byte {
	return func(dst []byte, _ *value, text []byte, _ *Scratch) []byte {
		return strconv.AppendFloat(dst, floatOf(text, bits)+0, 'g', -1, bits)
	}
}

func parseHex(_ *value, text []byte, _ *Scratch) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return len(text)%2 == 0
}

// parseBase64 insists on whole groups of four, and on unused bits that are zero; a space may stand between any two characters.
func parseBase64(_ *value, text []byte, _ *Scratch) bool {
	n, pads, last := 0, 0, byte(0)
	for _, c := range text {
		switch {
		case c == ' ':
			continue
		case c == '=':
			pads++
		case pads > 0, base64Digit(c) < 0:
			return false
		default:
			last = c
		}
		n++
	}
	switch {
	case n%4 != 0 || pads > 2:
		return false
	case pads == 1:
		return base64Digit(last)&3 == 0
	case pads == 2:
		return base64Digit(last)&15 == 0
	}
	return true
}

func base64Digit(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

func base64Bytes(text []byte) int {
	n := len(text) - bytes.Count(text, []byte{' '})
	return n/4*3 - bytes.Count(text, []byte{'='})
}

// parseURI takes a reference of RFC 3986 in which every character that it lacks may stand unescaped (3.2.17).
func parseURI(_ *value, text []byte, _ *Scratch) bool {
	rest := text
	if i := bytes.IndexByte(rest, '#'); i >= 0 {
		if !uriText(rest[i+1:]) {
			return false
		}
		rest = rest[:i]
	}
	if i := bytes.IndexByte(rest, '?'); i >= 0 {
		if !uriText(rest[i+1:]) {
			return false
		}
		rest = rest[:i]
	}
	colon, slash := bytes.IndexByte(rest, ':'), bytes.IndexByte(rest, '/')
	if colon >= 0 && (slash < 0 || colon < slash) {
		for i, c := range rest[:colon] {
			letter := c|0x20 >= 'a' && c|0x20 <= 'z'
			if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
				return false
			}
		}
		if colon == 0 {
			return false
		}
		rest = rest[colon+1:]
	}
	if bytes.HasPrefix(rest, []byte("//")) {
		return uriAuthority(rest[2:])
	}
	return uriText(rest)
}

// uriAuthority is host, port and path; an address in brackets is refused, as no schema here needs one.
func uriAuthority(rest []byte) bool {
	end := bytes.IndexByte(rest, '/')
	if end < 0 {
		end = len(rest)
	}
	host := rest[bytes.IndexByte(rest[:end], '@')+1 : end]
	if i := bytes.IndexByte(host, ':'); i >= 0 && leading(host[i+1:]) != len(host)-i-1 {
		return false
	}
	return uriText(rest)
}

// uriText refuses brackets, a second number sign, and a percent sign without two hexadecimal digits.
func uriText(text []byte) bool {
	for i, c := range text {
		switch c {
		case '#', '[', ']':
			return false
		case '%':
			if i+2 >= len(text) || !parseHex(nil, text[i+1:i+3], nil) {
				return false
			}
		}
	}
	return true
}
