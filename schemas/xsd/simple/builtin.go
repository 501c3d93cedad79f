package simple

import "birgeoqy.kz/almasu/schemas/pattern"

// Builtin is the built-in type of this local name; ok is false if there is none here.
func Builtin(local string) (t *Type, ok bool) {
	t, ok = builtins[local]
	return t, ok
}

// Any is anySimpleType: every text.
func Any() *Type { return anySimple }

var anySimple = primitiveType(primString, "anySimpleType")

var builtins = makeBuiltins()

func primitiveType(p *primitive, name string) *Type {
	return &Type{Name: name, prim: p, space: p.space, length: -1, minLength: -1, maxLength: -1, totalDigits: -1, fractionDigits: -1}
}

func makeBuiltins() map[string]*Type {
	m := map[string]*Type{}
	m["anySimpleType"] = anySimple
	for _, p := range []*primitive{primString, primBoolean, primDecimal, primFloat, primDouble, primDuration, primDateTime, primTime, primDate, primMonth,
		primYear, primMonthDay, primDay, primJustM, primHex, primBase64, primURI, primQName} {
		m[p.name] = primitiveType(p, p.name)
		m[p.name].base = anySimple
	}
	derive := func(name, base string, change func(*Type)) {
		t := *m[base]
		t.Name, t.base = name, m[base]
		change(&t)
		m[name] = &t
	}
	derive("normalizedString", "string", func(t *Type) { t.space = replace })
	derive("token", "normalizedString", func(t *Type) { t.space = collapse })
	derive("language", "token", func(t *Type) { t.narrow = isLanguage })
	derive("NMTOKEN", "token", func(t *Type) { t.narrow = func(b []byte) bool { return pattern.IsName(b, false, true) } })
	derive("Name", "token", func(t *Type) { t.narrow = func(b []byte) bool { return pattern.IsName(b, true, true) } })
	derive("NCName", "Name", func(t *Type) { t.narrow = func(b []byte) bool { return pattern.IsName(b, true, false) } })
	m["NMTOKENS"] = ListOf("NMTOKENS", m["NMTOKEN"])
	m["NMTOKENS"].minLength = 1
	derive("integer", "decimal", func(t *Type) { t.narrow, t.fractionDigits = noPoint, 0 })
	bounded := func(name, base, low, high string) {
		derive(name, base, func(t *Type) {
			if t.hasBounds = true; low != "" {
				t.minimum = t.parsed(low)
			}
			if high != "" {
				t.maximum = t.parsed(high)
			}
		})
	}
	bounded("nonPositiveInteger", "integer", "", "0")
	bounded("negativeInteger", "nonPositiveInteger", "", "-1")
	bounded("long", "integer", "-9223372036854775808", "9223372036854775807")
	bounded("int", "long", "-2147483648", "2147483647")
	bounded("short", "int", "-32768", "32767")
	bounded("byte", "short", "-128", "127")
	bounded("nonNegativeInteger", "integer", "0", "")
	bounded("positiveInteger", "nonNegativeInteger", "1", "")
	bounded("unsignedLong", "nonNegativeInteger", "", "18446744073709551615")
	m["unsignedLong"].narrow = func(b []byte) bool { return leading(b) == len(b) } // no sign (3.3.21.1)
	bounded("unsignedInt", "unsignedLong", "", "4294967295")
	bounded("unsignedShort", "unsignedInt", "", "65535")
	bounded("unsignedByte", "unsignedShort", "", "255")
	return m
}

// parsed is the value of a text of the type's primitive.
func (t *Type) parsed(text string) *value {
	var v value
	t.prim.parse(&v, []byte(text), &Scratch{})
	return &v
}

// noPoint is what an integer has beyond a decimal.
func noPoint(text []byte) bool {
	for _, c := range text {
		if c == '.' {
			return false
		}
	}
	return true
}

// isLanguage is the form of RFC 3066.
func isLanguage(text []byte) bool {
	n, first := 0, true
	for _, c := range append(text[:len(text):len(text)], '-') {
		switch {
		case c == '-':
			if n == 0 || n > 8 {
				return false
			}
			n, first = 0, false
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9' && !first:
			n++
		default:
			return false
		}
	}
	return true
}
