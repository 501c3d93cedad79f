package ber

import (
	"bytes"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TLV encodes a value of the given identifier octet with the concatenated contents.
func TLV(id byte, contents ...[]byte) []byte {
	n := 0
	for _, c := range contents {
		n += len(c)
	}
	out := make([]byte, 0, n+6)
	out = append(out, id)
	out = appendLength(out, n)
	for _, c := range contents {
		out = append(out, c...)
	}
	return out
}

func appendLength(out []byte, n int) []byte {
	if n < 0x80 {
		return append(out, byte(n))
	}
	var octets []byte
	for m := n; m > 0; m >>= 8 {
		octets = append(octets, byte(m))
	}
	slices.Reverse(octets)
	out = append(out, 0x80|byte(len(octets)))
	return append(out, octets...)
}

// Seq encodes a SEQUENCE of encoded values.
func Seq(values ...[]byte) []byte { return TLV(0x30, values...) }

// Set encodes a SET of encoded values in the given order.
func Set(values ...[]byte) []byte { return TLV(0x31, values...) }

// SetOf encodes a SET OF: the elements sorted as DER demands.
func SetOf(values ...[]byte) []byte {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, bytes.Compare)
	return TLV(0x31, sorted...)
}

// Explicit encodes [n] around encoded values.
func Explicit(n int, values ...[]byte) []byte { return TLV(0xa0|byte(n), values...) }

// Implicit encodes primitive [n] with raw contents.
func Implicit(n int, contents []byte) []byte { return TLV(0x80|byte(n), contents) }

// Octets encodes an OCTET STRING.
func Octets(b []byte) []byte { return TLV(0x04, b) }

// Bits encodes a BIT STRING of whole octets.
func Bits(b []byte) []byte { return TLV(0x03, []byte{0}, b) }

// Null encodes NULL.
func Null() []byte { return []byte{0x05, 0} }

// Bool encodes a BOOLEAN.
func Bool(v bool) []byte {
	if v {
		return []byte{0x01, 1, 0xff}
	}
	return []byte{0x01, 1, 0}
}

// Int encodes an INTEGER.
func Int(n int64) []byte { return Integer(big.NewInt(n)) }

// Integer encodes an INTEGER of any size.
func Integer(n *big.Int) []byte {
	if n.Sign() >= 0 {
		b := n.Bytes()
		if len(b) == 0 || b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return TLV(0x02, b)
	}
	size := new(big.Int).Not(n).BitLen()/8 + 1
	b := new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size))).FillBytes(make([]byte, size))
	return TLV(0x02, b)
}

// OID encodes a dotted object identifier that is a constant of the program or was read
// by [Reader.OID]. It panics on text that is none; see [ParseOID] for other text.
func OID(dotted string) []byte {
	b, err := ParseOID(dotted)
	if err != nil {
		panic("ber: " + err.Error())
	}
	return b
}

// ParseOID encodes a dotted object identifier, or fails with an error that wraps [ErrSyntax].
func ParseOID(dotted string) ([]byte, error) {
	parts := strings.Split(dotted, ".")
	arcs := make([]uint64, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 62)
		if err != nil {
			return nil, syntax("not an object identifier: %q", dotted)
		}
		arcs[i] = n
	}
	if len(arcs) < 2 || arcs[0] > 2 || arcs[0] < 2 && arcs[1] > 39 {
		return nil, syntax("not an object identifier: %q", dotted)
	}
	arcs[1] += arcs[0] * 40
	var b []byte
	for _, arc := range arcs[1:] {
		var octets []byte
		for more := byte(0); ; more = 0x80 {
			octets = append(octets, byte(arc&0x7f)|more)
			if arc >>= 7; arc == 0 {
				break
			}
		}
		slices.Reverse(octets)
		b = append(b, octets...)
	}
	return TLV(0x06, b), nil
}

// UTCTime encodes t as UTCTime up to 2049 and as GeneralizedTime from 2050 on, in
// whole seconds, as X.509 and CMS want times.
func UTCTime(t time.Time) []byte {
	t = t.UTC()
	if t.Year() < 1950 || t.Year() > 2049 {
		return GeneralizedTime(t)
	}
	return TLV(0x17, []byte(t.Format("060102150405Z")))
}

// GeneralizedTime encodes t in whole seconds.
func GeneralizedTime(t time.Time) []byte {
	return TLV(0x18, []byte(t.UTC().Format("20060102150405Z")))
}

// UTF8 encodes a UTF8String.
func UTF8(s string) []byte { return TLV(0x0c, []byte(s)) }

// Printable encodes a PrintableString.
func Printable(s string) []byte { return TLV(0x13, []byte(s)) }

// Algorithm encodes an AlgorithmIdentifier whose parameters are NULL.
func Algorithm(oid string) []byte { return Seq(OID(oid), Null()) }

// DER re-encodes v with definite, shortest lengths, joins segmented octet strings and
// sorts every universal SET. It is the form in which CMS hashes attributes that came
// in BER (RFC 5652, section 5.4).
func DER(v Value) ([]byte, error) {
	r := NewReader(v.Full)
	out := der(r, r.Next())
	return out, r.Err()
}

func der(r *Reader, v Value) []byte {
	if r.Err() != nil {
		return nil
	}
	id := v.Full[:1]
	if v.Full[0]&0x1f == 0x1f {
		r.Fail(syntax("tag number above 30"))
		return nil
	}
	if !v.Constructed {
		return TLV(id[0], v.Body)
	}
	if v.Is(Universal, TagOctetString) {
		return Octets(r.OctetsOf(v))
	}
	var parts [][]byte
	for in := r.Inside(v); !in.Empty(); {
		parts = append(parts, der(in, in.Next()))
	}
	if v.Is(Universal, TagSet) {
		return SetOf(parts...)
	}
	return TLV(id[0], parts...)
}
