package signing

import (
	"encoding/base64"
	"strconv"
	"time"
	"unicode/utf8"

	"birgeoqy.kz/almasu/internal/record"
)

// timeForm is the only way to write a time: UTC, microseconds.
const timeForm = "2006-01-02T15:04:05.000000Z"

// maxNumber is the largest number that every JSON reader holds exactly.
const maxNumber = 1<<53 - 1

const hexDigits = "0123456789abcdef"

func appendText(dst []byte, key, value string) []byte {
	return appendString(append(dst, key...), value)
}

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

func appendNumber(dst []byte, key string, n uint64) []byte {
	return strconv.AppendUint(append(dst, key...), n, 10)
}

func appendTime(dst []byte, key string, t time.Time) []byte {
	dst = append(append(dst, key...), '"')
	return append(t.UTC().AppendFormat(dst, timeForm), '"')
}

// canonicalReader reads canonical JSON. The first thing out of place stops it: what is read after that is zero.
type canonicalReader struct {
	rest []byte
	bad  bool
}

func (r *canonicalReader) fail() { r.bad, r.rest = true, nil }

// next consumes the literal if it comes next.
func (r *canonicalReader) next(literal string) bool {
	if len(r.rest) < len(literal) || string(r.rest[:len(literal)]) != literal {
		return false
	}
	r.rest = r.rest[len(literal):]
	return true
}

func (r *canonicalReader) literal(s string) {
	if !r.next(s) {
		r.fail()
	}
}

func (r *canonicalReader) number(key string) uint64 {
	r.literal(key)
	n := 0
	for n < len(r.rest) && r.rest[n] >= '0' && r.rest[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(string(r.rest[:n]), 10, 64)
	if err != nil || v > maxNumber || n > 1 && r.rest[0] == '0' {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count is a number that fits an int on every machine.
func (r *canonicalReader) count(key string) int {
	v := r.number(key)
	if v > maxRecords {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *canonicalReader) text(key string) string {
	r.literal(key)
	return r.string()
}

func (r *canonicalReader) string() string {
	r.literal(`"`)
	var escaped []byte
	for i := 0; i < len(r.rest); i++ {
		switch c := r.rest[i]; {
		case c == '"':
			s := string(r.rest[:i])
			if escaped != nil {
				s = string(append(escaped, r.rest[:i]...))
			}
			if !utf8.ValidString(s) {
				r.fail()
				return ""
			}
			r.rest = r.rest[i+1:]
			return s
		case c == '\\':
			escaped = append(escaped, r.rest[:i]...)
			if escaped == nil {
				escaped = []byte{}
			}
			r.rest = r.rest[i:]
			escaped = append(escaped, r.escape())
			i = -1
		case c < 0x20:
			r.fail()
		}
	}
	r.fail()
	return ""
}

// escape consumes one of the three escapes that exist.
func (r *canonicalReader) escape() byte {
	switch {
	case r.next(`\"`):
		return '"'
	case r.next(`\\`):
		return '\\'
	case len(r.rest) >= 6 && string(r.rest[:4]) == `\u00` && (r.rest[4] == '0' || r.rest[4] == '1'):
		high := (r.rest[4] - '0') << 4
		for low := byte(0); low < 16; low++ {
			if r.rest[5] == hexDigits[low] {
				r.rest = r.rest[6:]
				return high | low
			}
		}
	}
	r.fail()
	return 0
}

func (r *canonicalReader) digest(key string) record.Digest {
	d, err := record.ParseDigest(r.text(key))
	if err != nil {
		r.fail()
	}
	return d
}

func (r *canonicalReader) id(key string) record.ID {
	id, err := record.ParseID(r.text(key))
	if err != nil {
		r.fail()
	}
	return id
}

func (r *canonicalReader) time(key string) time.Time {
	s := r.text(key)
	t, err := time.Parse(timeForm, s)
	if err != nil || t.Format(timeForm) != s {
		r.fail()
		return time.Time{}
	}
	return t
}

// done reports whether everything was canonical and nothing is left.
func (r *canonicalReader) done() bool { return !r.bad && len(r.rest) == 0 }

// plain reports whether s is UTF-8 without control characters, of 1 to limit bytes.
func plain(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if c < 0x20 || c >= 0x7f && c <= 0x9f {
			return false
		}
	}
	return true
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decode64 accepts only what encode64 writes; the standard decoder would skip line breaks.
func decode64(s string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && base64.RawURLEncoding.EncodedLen(len(b)) == len(s)
}
