package simple

import (
	"bytes"
	"cmp"
	"strconv"
)

// value is what comparing needs of one text; its slices are parts of the text.
type value struct {
	// Of a decimal: whole without leading zeros, fraction without trailing zeros; of a moment: fraction of the second.
	negative        bool
	whole, fraction []byte
	// Of a moment: seconds since the year 1 BC began, in UTC if zoned. Of a duration: seconds, with months beside them.
	seconds, months int64
	zoned           bool
	// Of a float.
	text []byte
}

// incomparable is the order of two moments when only one of them has a zone and they are less than 14 hours apart.
const incomparable = -2

// compare is -1, 0 or 1, or incomparable.
func (v *value) compare(w *value, p *primitive) int {
	switch p {
	case primDecimal:
		return v.compareDecimal(w)
	case primFloat, primDouble:
		bits := 64
		if p == primFloat {
			bits = 32
		}
		a, b := floatOf(v.text, bits), floatOf(w.text, bits)
		if (a != a) != (b != b) {
			return incomparable
		}
		return cmp.Compare(a, b)
	}
	if v.zoned == w.zoned {
		return v.compareMoment(w, 0)
	}
	const widest = 14 * 3600
	switch {
	case v.compareMoment(w, -widest) < 0:
		return -1
	case v.compareMoment(w, widest) > 0:
		return 1
	}
	return incomparable
}

func (v *value) compareMoment(w *value, shift int64) int {
	return cmp.Or(cmp.Compare(v.seconds, w.seconds+shift), bytes.Compare(v.fraction, w.fraction))
}

func (v *value) compareDecimal(w *value) int {
	if v.negative != w.negative {
		if v.negative {
			return -1
		}
		return 1
	}
	c := cmp.Or(cmp.Compare(len(v.whole), len(w.whole)), bytes.Compare(v.whole, w.whole), bytes.Compare(v.fraction, w.fraction))
	if v.negative {
		return -c
	}
	return c
}

// total is the number of digits (4.3.11).
func (v *value) total() int { return max(len(v.whole)+len(v.fraction), 1) }

func (v *value) appendDecimal(dst []byte) []byte {
	if v.negative {
		dst = append(dst, '-')
	}
	return append(append(append(dst, v.whole...), '.'), v.fraction...)
}

func (v *value) appendMoment(dst []byte) []byte {
	if v.negative {
		dst = append(dst, '-')
	}
	dst = strconv.AppendInt(append(dst, 'm'), v.months, 10)
	dst = strconv.AppendInt(append(dst, 's'), v.seconds, 10)
	dst = append(append(dst, '.'), v.fraction...)
	return strconv.AppendBool(dst, v.zoned)
}

func parseDecimal(v *value, text []byte, _ *Scratch) bool {
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		v.negative = text[0] == '-'
		text = text[1:]
	}
	n := leading(text)
	v.whole = bytes.TrimLeft(text[:n], "0")
	digits, rest := n, text[n:]
	if len(rest) > 0 && rest[0] == '.' {
		if leading(rest[1:]) != len(rest)-1 {
			return false
		}
		digits += len(rest) - 1
		v.fraction = bytes.TrimRight(rest[1:], "0")
		rest = nil
	}
	if len(v.whole) == 0 && len(v.fraction) == 0 {
		v.negative = false
	}
	return len(rest) == 0 && digits > 0
}

// parseDuration reads 3.2.6.
func parseDuration(v *value, text []byte, _ *Scratch) bool {
	if len(text) > 0 && text[0] == '-' {
		v.negative = true
		text = text[1:]
	}
	if len(text) < 3 || text[0] != 'P' {
		return false
	}
	text = text[1:]
	units, inTime := "YMD", false
	for len(text) > 0 {
		if text[0] == 'T' && !inTime {
			units, inTime, text = "HMS", true, text[1:]
			if len(text) == 0 {
				return false
			}
		}
		n := leading(text)
		if n == 0 || n > 12 || n == len(text) {
			return false
		}
		number, rest := whole(text[:n]), text[n:]
		if rest[0] == '.' {
			m := leading(rest[1:])
			if !inTime || m == 0 || len(rest) != m+2 || rest[m+1] != 'S' {
				return false
			}
			v.fraction, rest = bytes.TrimRight(rest[1:m+1], "0"), rest[m+1:]
		}
		k := bytes.IndexByte([]byte(units), rest[0])
		if k < 0 {
			return false
		}
		v.add(inTime, units[k], number)
		units, text = units[k+1:], rest[1:]
	}
	v.negative = v.negative && (v.months > 0 || v.seconds > 0 || len(v.fraction) > 0)
	return true
}

func (v *value) add(inTime bool, unit byte, n int64) {
	switch {
	case unit == 'Y':
		v.months += 12 * n
	case unit == 'M' && !inTime:
		v.months += n
	case unit == 'D':
		v.seconds += 86400 * n
	case unit == 'H':
		v.seconds += 3600 * n
	case unit == 'M':
		v.seconds += 60 * n
	default:
		v.seconds += n
	}
}

func whole(digits []byte) (n int64) {
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	return n
}
