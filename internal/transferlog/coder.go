package transferlog

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/record"
)

// timeForm is the one form of a time: RFC 3339, UTC, six digits of a second.
const timeForm = "2006-01-02T15:04:05.000000Z"

// A coder walks the keys of an entry in their order, and either writes them to buf or reads them from it: one
// description of each kind serves both directions. After the first failure of reading it does nothing more.
type coder struct {
	buf     []byte
	pos     int
	reading bool
	inside  bool // a key of the present object has been seen
	err     error
}

func (c *coder) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("at byte %d: expected %s", c.pos, what)
	}
}

// literal writes s, or insists on it.
func (c *coder) literal(s string) {
	switch {
	case !c.reading:
		c.buf = append(c.buf, s...)
	case c.err != nil:
	case len(c.buf)-c.pos >= len(s) && string(c.buf[c.pos:c.pos+len(s)]) == s:
		c.pos += len(s)
	default:
		c.fail(s)
	}
}

func (c *coder) key(k string) {
	if c.inside {
		c.literal(",")
	}
	c.inside = true
	c.literal(`"`)
	c.literal(k)
	c.literal(`":`)
}

// peek reports whether the next byte of the input is b.
func (c *coder) peek(b byte) bool {
	return c.err == nil && c.pos < len(c.buf) && c.buf[c.pos] == b
}

func (c *coder) text(k string, v *string) {
	c.key(k)
	if !c.reading {
		c.buf = appendText(c.buf, *v)
		return
	}
	*v = c.readText()
}

const hexDigits = "0123456789abcdef"

// appendText writes s as RFC 8785 section 3.2.2.2 does; bytes that are not UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		ch := s[i]
		if ch >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += size
			continue
		}
		i++
		switch {
		case ch == '"' || ch == '\\':
			b = append(b, '\\', ch)
		case ch >= ' ':
			b = append(b, ch)
		case ch == '\b':
			b = append(b, '\\', 'b')
		case ch == '\t':
			b = append(b, '\\', 't')
		case ch == '\n':
			b = append(b, '\\', 'n')
		case ch == '\f':
			b = append(b, '\\', 'f')
		case ch == '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[ch>>4], hexDigits[ch&15])
		}
	}
	return append(b, '"')
}

// raw returns the bytes between the quotes of the next string, and whether they hold an escape.
func (c *coder) raw() (span []byte, escaped bool) {
	if !c.peek('"') {
		c.fail("a string")
		return nil, false
	}
	for i := c.pos + 1; i < len(c.buf); i++ {
		switch c.buf[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			span = c.buf[c.pos+1 : i]
			c.pos = i + 1
			return span, escaped
		}
	}
	c.fail("the end of a string")
	return nil, false
}

func (c *coder) readText() string {
	start := c.pos
	span, escaped := c.raw()
	if c.err != nil || !escaped {
		return string(span)
	}
	var s string
	if json.Unmarshal(c.buf[start:c.pos], &s) != nil {
		c.fail("a string of valid escapes")
	}
	return s
}

func (c *coder) digest(k string, v *record.Digest) {
	c.key(k)
	switch {
	case c.reading:
		span, _ := c.raw()
		if v.UnmarshalText(span) != nil {
			c.fail("a digest")
		}
	case v.IsZero():
		c.buf = append(c.buf, '"', '"')
	default:
		c.buf = append(hex.AppendEncode(append(c.buf, `"sha256:`...), v[:]), '"')
	}
}

func (c *coder) id(k string, v *record.ID) {
	c.key(k)
	c.idValue(v)
}

func (c *coder) idValue(v *record.ID) {
	switch {
	case c.reading:
		span, _ := c.raw()
		if v.UnmarshalText(span) != nil {
			c.fail("an id")
		}
	case v.IsZero():
		c.buf = append(c.buf, '"', '"')
	default:
		c.buf = append(hex.AppendEncode(append(c.buf, '"'), v[:]), '"')
	}
}

// when codes a time; the zero time is the empty string.
func (c *coder) when(k string, v *time.Time) {
	c.key(k)
	if !c.reading {
		c.buf = append(c.buf, '"')
		if !v.IsZero() {
			c.buf = v.UTC().AppendFormat(c.buf, timeForm)
		}
		c.buf = append(c.buf, '"')
		return
	}
	span, _ := c.raw()
	*v = time.Time{}
	if c.err != nil || len(span) == 0 {
		return
	}
	t, err := time.Parse(timeForm, string(span))
	if err != nil {
		c.fail("a time")
	}
	*v = t
}

func (c *coder) digits() string {
	start := c.pos
	for c.err == nil && c.pos < len(c.buf) && (c.buf[c.pos] == '-' || c.buf[c.pos]-'0' < 10) {
		c.pos++
	}
	return string(c.buf[start:c.pos])
}

func (c *coder) number(k string, v *int64) {
	c.key(k)
	if !c.reading {
		c.buf = strconv.AppendInt(c.buf, *v, 10)
		return
	}
	n, err := strconv.ParseInt(c.digits(), 10, 64)
	if err != nil {
		c.fail("an integer")
	}
	*v = n
}

func (c *coder) count(k string, v *int) {
	n := int64(*v)
	c.number(k, &n)
	*v = int(n)
}

func (c *coder) sequence(k string, v *uint64) {
	n := int64(*v)
	c.number(k, &n)
	*v = uint64(n)
}

// list codes an array whose elements are coded by each.
func list[T any](c *coder, k string, v *[]T, each func(*coder, *T)) {
	c.key(k)
	c.literal("[")
	if !c.reading {
		for i := range *v {
			if i > 0 {
				c.literal(",")
			}
			each(c, &(*v)[i])
		}
		c.literal("]")
		return
	}
	*v = nil
	for c.err == nil && !c.peek(']') {
		if len(*v) > 0 {
			c.literal(",")
		}
		var one T
		each(c, &one)
		*v = append(*v, one)
	}
	c.literal("]")
}

// object codes the braces around the keys that body codes.
func (c *coder) object(body func()) {
	outer := c.inside
	c.literal("{")
	c.inside = false
	body()
	c.literal("}")
	c.inside = outer
}

func (c *coder) texts(k string, v *[]string) {
	list(c, k, v, func(c *coder, s *string) {
		if c.reading {
			*s = c.readText()
		} else {
			c.buf = appendText(c.buf, *s)
		}
	})
}

// canonical reports whether writing e gives b again: it closes every second spelling that reading lets through.
func canonical(e Entry, b []byte) bool {
	return bytes.Equal(Encode(e), b)
}
