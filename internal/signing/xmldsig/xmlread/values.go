package xmlread

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": `"`}

// value turns the raw text of character data, or of an attribute value, into the value
// that a processor reports. raw ends at or before the place of r only for messages.
func (r *reader) value(raw string, attr bool) (string, error) {
	special := "&\r"
	if attr {
		special = "&\r\n\t"
	}
	k := strings.IndexAny(raw, special)
	if k < 0 {
		return raw, nil
	}
	out := make([]byte, 0, len(raw))
	for k >= 0 {
		out = append(out, raw[:k]...)
		raw = raw[k:]
		if raw[0] == '&' {
			text, n, err := r.reference(raw)
			if err != nil {
				return "", err
			}
			out = append(out, text...)
			raw = raw[n:]
		} else {
			out = append(out, normal(raw[0], attr))
			n := 1
			if strings.HasPrefix(raw, "\r\n") {
				n = 2
			}
			raw = raw[n:]
		}
		k = strings.IndexAny(raw, special)
	}
	return string(append(out, raw...)), nil
}

// normal is what a literal white space character becomes.
func normal(c byte, attr bool) byte {
	if attr {
		return ' '
	}
	return '\n'
}

// reference reads one reference at the start of raw, and how long it is.
func (r *reader) reference(raw string) (string, int, error) {
	end := strings.IndexByte(raw, ';')
	if end < 0 {
		return "", 0, r.fail("xml.syntax", `"&" without a reference`)
	}
	body := raw[1:end]
	if !strings.HasPrefix(body, "#") {
		text, ok := predefined[body]
		if !ok {
			return "", 0, r.fail("xml.entity", "an entity beyond the five predefined")
		}
		return text, end + 1, nil
	}
	digits, base := body[1:], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return "", 0, r.fail("xml.syntax", "a character reference without a number")
	}
	if n > utf8.MaxRune || !isChar(rune(n)) {
		return "", 0, r.fail("xml.character", "a reference to a character that XML does not allow")
	}
	return string(rune(n)), end + 1, nil
}

// declaration reads the XML declaration, if there is one.
func (r *reader) declaration() error {
	if !r.has("<?xml") || len(r.s) == 5 || !isSpace(r.s[5]) {
		return nil
	}
	r.i = len("<?xml")
	order := []string{"version", "encoding", "standalone"}
	next := 0
	for {
		spaced := r.skipSpace()
		if r.has("?>") {
			break
		}
		name, err := r.name()
		if err != nil {
			return err
		}
		for next < len(order) && order[next] != name && next > 0 {
			next++
		}
		if !spaced || next >= len(order) || order[next] != name {
			return r.fail("xml.syntax", "a declaration with an unexpected part")
		}
		next++
		value, err := r.quoted()
		if err != nil {
			return err
		}
		if err := r.declared(name, value); err != nil {
			return err
		}
	}
	if next == 0 {
		return r.fail("xml.syntax", "a declaration without a version")
	}
	r.i += 2
	return nil
}

func (r *reader) declared(name, value string) error {
	switch {
	case name == "version" && value != "1.0":
		return r.fail("xml.version", "a version other than 1.0")
	case name == "encoding" && !strings.EqualFold(value, "UTF-8"):
		return r.fail("xml.encoding", "an encoding other than UTF-8 is declared")
	case name == "standalone" && value != "yes" && value != "no":
		return r.fail("xml.syntax", "standalone is neither yes nor no")
	}
	return nil
}
