package schemas

import "bytes"

// decimal is the exact value of a JSON number: 0.digits times ten to the power exp. digits has no zero at
// either end; zero has none at all.
type decimal struct {
	negative bool
	digits   []byte
	exp      int64
}

// exponentBound stops exponents from overflowing; numbers beyond it compare as equally far away.
const exponentBound = 1 << 40

// parseDecimal reads a JSON number, whose grammar has been checked.
func parseDecimal(text []byte) decimal {
	var d decimal
	if text[0] == '-' {
		d.negative, text = true, text[1:]
	}
	exp := int64(0)
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		exp, text = parseExponent(text[i+1:]), text[:i]
	}
	whole, part, _ := bytes.Cut(text, []byte("."))
	digits := append(append(make([]byte, 0, len(text)), whole...), part...)
	d.exp = exp + int64(len(whole))
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
		d.exp--
	}
	d.digits = bytes.TrimRight(digits, "0")
	if len(d.digits) == 0 {
		return decimal{}
	}
	return d
}

func parseExponent(b []byte) int64 {
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	var e int64
	for _, c := range b {
		e = min(e*10+int64(c-'0'), exponentBound)
	}
	if negative {
		return -e
	}
	return e
}

// whole reports whether d is an integer, as 1, 1.0 and 1e2 are.
func (d decimal) whole() bool { return len(d.digits) == 0 || int64(len(d.digits)) <= d.exp }

// compare returns -1, 0 or 1 as d is less than, equal to or greater than e.
func (d decimal) compare(e decimal) int {
	sign := func(d decimal) int {
		switch {
		case len(d.digits) == 0:
			return 0
		case d.negative:
			return -1
		}
		return 1
	}
	ds, es := sign(d), sign(e)
	switch {
	case ds < es:
		return -1
	case ds > es:
		return 1
	case ds == 0:
		return 0
	case d.exp < e.exp:
		return -ds
	case d.exp > e.exp:
		return ds
	}
	return ds * bytes.Compare(d.digits, e.digits)
}
