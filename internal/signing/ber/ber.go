// Package ber reads the Basic Encoding Rules of ASN.1 (ITU-T X.690) as certification
// authorities and their tools write them, and writes the Distinguished Encoding Rules.
//
// # Reading
//
// A [Reader] walks one value after another and keeps the first error; after an error
// every further read returns a zero value, so that a parser reads a whole structure
// and asks for [Reader.Err] once. Accepted besides DER: indefinite lengths, lengths
// in more octets than needed, and octet strings in segments. Refused: a nesting
// deeper than [MaxDepth], lengths above the input, a tag number above 2^21,
// integers with superfluous leading octets, and a constructed bit that contradicts the type. Nothing is copied except
// segmented octet strings, so memory is bounded by the input, and the time by the
// input times the nesting.
//
// Object identifiers are dotted decimal text.
//
// # Writing
//
// The functions [Seq], [Set], [Octets] and so on return one encoded value each in
// DER; [SetOf] sorts its elements as DER demands.
package ber

import (
	"errors"
	"fmt"
	"math/big"
	"time"
)

// MaxDepth bounds the nesting of values.
const MaxDepth = 48

// Classes of tags.
const (
	Universal   = 0
	Application = 1
	Context     = 2
	Private     = 3
)

// Universal tag numbers in use here.
const (
	TagBoolean         = 1
	TagInteger         = 2
	TagBitString       = 3
	TagOctetString     = 4
	TagNull            = 5
	TagOID             = 6
	TagEnumerated      = 10
	TagUTF8String      = 12
	TagSequence        = 16
	TagSet             = 17
	TagNumericString   = 18
	TagPrintableString = 19
	TagTeletexString   = 20
	TagIA5String       = 22
	TagUTCTime         = 23
	TagGeneralizedTime = 24
	TagVisibleString   = 26
	TagUniversalString = 28
	TagBMPString       = 30
)

// ErrSyntax is wrapped by every error about the encoding.
var ErrSyntax = errors.New("malformed BER")

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

// Value is one encoded value. Full is its whole encoding as it stands in the input,
// Body the contents without tag, length and end marker. The zero Value is no value.
type Value struct {
	Class       int
	Tag         int
	Constructed bool
	Indefinite  bool
	Full        []byte
	Body        []byte
	depth       int
}

// Is reports whether v has the given class and tag number.
func (v Value) Is(class, tag int) bool {
	return v.Full != nil && v.Class == class && v.Tag == tag
}

// IsNull reports whether v is NULL with empty contents.
func (v Value) IsNull() bool {
	return v.Is(Universal, TagNull) && !v.Constructed && len(v.Body) == 0
}

// header is a decoded tag and length; size is the octets they take.
type header struct {
	class, tag  int
	constructed bool
	indefinite  bool
	length      int
	size        int
}

func parseHeader(b []byte) (header, error) {
	var h header
	if len(b) < 2 {
		return h, syntax("value cut off")
	}
	h.class = int(b[0] >> 6)
	h.constructed = b[0]&0x20 != 0
	h.tag = int(b[0] & 0x1f)
	i := 1
	if h.tag == 0x1f {
		h.tag = 0
		for n := 0; ; n++ {
			if n == 3 || i >= len(b) {
				return h, syntax("tag number too long")
			}
			h.tag = h.tag<<7 | int(b[i]&0x7f)
			i++
			if b[i-1]&0x80 == 0 {
				break
			}
		}
		if h.tag < 0x1f {
			return h, syntax("tag number in the long form")
		}
	}
	if i >= len(b) {
		return h, syntax("length cut off")
	}
	l := b[i]
	i++
	switch {
	case l < 0x80:
		h.length = int(l)
	case l == 0x80:
		if !h.constructed {
			return h, syntax("primitive value of indefinite length")
		}
		h.indefinite = true
	default:
		n := int(l & 0x7f)
		if n > 8 || i+n > len(b) {
			return h, syntax("length of %d octets", n)
		}
		for _, c := range b[i : i+n] {
			if h.length > 1<<40 {
				return h, syntax("length above the input")
			}
			h.length = h.length<<8 | int(c)
		}
		i += n
	}
	h.size = i
	if !h.indefinite && h.length > len(b)-i {
		return h, syntax("length %d above the %d octets left", h.length, len(b)-i)
	}
	return h, nil
}

// take splits the first value off b.
func take(b []byte, depth int) (Value, []byte, error) {
	if depth > MaxDepth {
		return Value{}, nil, syntax("nested deeper than %d", MaxDepth)
	}
	h, err := parseHeader(b)
	if err != nil {
		return Value{}, nil, err
	}
	v := Value{Class: h.class, Tag: h.tag, Constructed: h.constructed, Indefinite: h.indefinite, depth: depth}
	if v.Class == Universal && v.Tag == 0 {
		return Value{}, nil, syntax("end marker out of place")
	}
	if !h.indefinite {
		end := h.size + h.length
		v.Full, v.Body = b[:end:end], b[h.size:end:end]
		return v, b[end:], nil
	}
	rest := b[h.size:]
	for {
		if len(rest) >= 2 && rest[0] == 0 && rest[1] == 0 {
			bodyEnd := len(b) - len(rest)
			v.Full, v.Body = b[:bodyEnd+2:bodyEnd+2], b[h.size:bodyEnd:bodyEnd]
			return v, rest[2:], nil
		}
		if _, rest, err = take(rest, depth+1); err != nil {
			return Value{}, nil, err
		}
	}
}

// Reader reads the values of one structure in order. Readers made from it share its
// error.
type Reader struct {
	rest  []byte
	depth int
	err   *error
}

// NewReader reads the values in b.
func NewReader(b []byte) *Reader {
	var err error
	return &Reader{rest: b, err: &err}
}

// Parse returns the one value that b holds; trailing octets are an error.
func Parse(b []byte) (Value, error) {
	v, rest, err := take(b, 0)
	if err != nil {
		return Value{}, err
	}
	if len(rest) != 0 {
		return Value{}, syntax("%d octets after the value", len(rest))
	}
	return v, nil
}

// Err returns the first error of this reader and of all that were made from it.
func (r *Reader) Err() error { return *r.err }

// Fail records err unless there is an error already.
func (r *Reader) Fail(err error) {
	if *r.err == nil {
		*r.err = err
	}
	r.rest = nil
}

// Empty reports whether nothing is left, which is also so after an error.
func (r *Reader) Empty() bool { return *r.err != nil || len(r.rest) == 0 }

// End records an error if anything is left and returns [Reader.Err].
func (r *Reader) End() error {
	if !r.Empty() {
		r.Fail(syntax("%d unexpected octets at the end of a structure", len(r.rest)))
	}
	return *r.err
}

// Next returns the next value whatever it is.
func (r *Reader) Next() Value {
	if *r.err != nil {
		return Value{}
	}
	v, rest, err := take(r.rest, r.depth)
	if err != nil {
		r.Fail(err)
		return Value{}
	}
	r.rest = rest
	return v
}

// Has reports whether the next value has the given class and tag, without taking it.
func (r *Reader) Has(class, tag int) bool {
	if r.Empty() {
		return false
	}
	h, err := parseHeader(r.rest)
	return err == nil && h.class == class && h.tag == tag
}

// Expect takes the next value, which must have the given class, tag and form.
func (r *Reader) Expect(class, tag int, constructed bool) Value {
	v := r.Next()
	if *r.err != nil {
		return Value{}
	}
	if !v.Is(class, tag) || v.Constructed != constructed {
		r.Fail(syntax("found class %d tag %d, expected class %d tag %d", v.Class, v.Tag, class, tag))
		return Value{}
	}
	return v
}

// Inside reads the values within the constructed value v, sharing r's error.
func (r *Reader) Inside(v Value) *Reader {
	if v.Full != nil && !v.Constructed {
		r.Fail(syntax("primitive value where a structure is expected"))
	}
	if *r.err != nil {
		return &Reader{err: r.err}
	}
	return &Reader{rest: v.Body, depth: v.depth + 1, err: r.err}
}

// Seq enters the next value, a SEQUENCE.
func (r *Reader) Seq() *Reader { return r.Inside(r.Expect(Universal, TagSequence, true)) }

// Set enters the next value, a SET.
func (r *Reader) Set() *Reader { return r.Inside(r.Expect(Universal, TagSet, true)) }

// Explicit enters the next value, [n] constructed.
func (r *Reader) Explicit(n int) *Reader { return r.Inside(r.Expect(Context, n, true)) }

// OID reads an object identifier as dotted text.
func (r *Reader) OID() string {
	v := r.Expect(Universal, TagOID, false)
	if v.Full == nil {
		return ""
	}
	s, err := oidText(v.Body)
	if err != nil {
		r.Fail(err)
	}
	return s
}

// Integer reads an INTEGER.
func (r *Reader) Integer() *big.Int {
	v := r.Expect(Universal, TagInteger, false)
	if v.Full == nil {
		return new(big.Int)
	}
	n, err := ParseInteger(v.Body)
	if err != nil {
		r.Fail(err)
		return new(big.Int)
	}
	return n
}

// ParseInteger decodes the contents of an INTEGER.
func ParseInteger(b []byte) (*big.Int, error) {
	if len(b) == 0 || len(b) > 1024 {
		return nil, syntax("integer of %d octets", len(b))
	}
	if len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
		return nil, syntax("integer with superfluous octets")
	}
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n, nil
}

// Int reads an INTEGER that must lie within 0..limit.
func (r *Reader) Int(limit int) int {
	n := r.Integer()
	if *r.err != nil {
		return 0
	}
	if n.Sign() < 0 || !n.IsInt64() || n.Int64() > int64(limit) {
		r.Fail(syntax("integer outside 0..%d", limit))
		return 0
	}
	return int(n.Int64())
}

// Enumerated reads an ENUMERATED of one octet.
func (r *Reader) Enumerated() int {
	v := r.Expect(Universal, TagEnumerated, false)
	if v.Full != nil && (len(v.Body) != 1 || v.Body[0] > 0x7f) {
		r.Fail(syntax("enumerated outside 0..127"))
		return 0
	}
	if v.Full == nil {
		return 0
	}
	return int(v.Body[0])
}

// Bool reads a BOOLEAN; any octet but 0 is true.
func (r *Reader) Bool() bool {
	v := r.Expect(Universal, TagBoolean, false)
	if v.Full != nil && len(v.Body) != 1 {
		r.Fail(syntax("boolean of %d octets", len(v.Body)))
	}
	return v.Full != nil && *r.err == nil && v.Body[0] != 0
}

// Octets reads an OCTET STRING, whole or in segments.
func (r *Reader) Octets() []byte {
	v := r.Next()
	if *r.err != nil {
		return nil
	}
	if !v.Is(Universal, TagOctetString) {
		r.Fail(syntax("found class %d tag %d, expected an octet string", v.Class, v.Tag))
		return nil
	}
	return r.OctetsOf(v)
}

// OctetsOf returns the octets of v, an OCTET STRING or an implicitly tagged one,
// whole or in segments.
func (r *Reader) OctetsOf(v Value) []byte {
	if *r.err != nil || v.Full == nil {
		return nil
	}
	if !v.Constructed {
		return v.Body
	}
	var all []byte
	for in := r.Inside(v); !in.Empty(); {
		all = append(all, in.Octets()...)
	}
	return all
}

// Bits reads a BIT STRING of whole octets.
func (r *Reader) Bits() []byte {
	v := r.Expect(Universal, TagBitString, false)
	if v.Full == nil {
		return nil
	}
	if len(v.Body) == 0 || v.Body[0] != 0 {
		r.Fail(syntax("bit string with unused bits"))
		return nil
	}
	return v.Body[1:]
}

// Null takes a NULL if it is next.
func (r *Reader) Null() {
	if v := r.Next(); *r.err == nil && !v.IsNull() {
		r.Fail(syntax("found class %d tag %d, expected NULL", v.Class, v.Tag))
	}
}

// Time reads a UTCTime or a GeneralizedTime.
func (r *Reader) Time() time.Time {
	v := r.Next()
	if *r.err != nil {
		return time.Time{}
	}
	t, err := ParseTime(v)
	if err != nil {
		r.Fail(err)
	}
	return t
}
