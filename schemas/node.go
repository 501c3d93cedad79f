package schemas

import "birgeoqy.kz/almasu/schemas/pattern"

// kindSet is a set of JSON types.
type kindSet uint8

const (
	typeNull kindSet = 1 << iota
	typeBoolean
	typeObject
	typeArray
	typeNumber
	typeInteger
	typeString
	typeAll = typeNull | typeBoolean | typeObject | typeArray | typeNumber | typeInteger | typeString
)

var typeNames = map[string]kindSet{"null": typeNull, "boolean": typeBoolean, "object": typeObject, "array": typeArray,
	"number": typeNumber, "integer": typeInteger, "string": typeString}

// node is what one value must follow. A negative bound is none.
type node struct {
	any   bool // everything is allowed
	types kindSet
	ref   *node
	one   *choice // const
	enum  *choice

	minLength, maxLength int
	pattern              *pattern.Matcher
	format               func([]byte) bool

	minimum, maximum, above, below *decimal

	props    []property
	required uint64
	closed   bool

	items              *node
	minItems, maxItems int

	// For people and for scaffolding only.
	about        string
	constant     *string
	constantType string
	listed       []string
}

// typeName is the only type allowed, or "".
func (n *node) typeName() string {
	if n.constant != nil {
		return n.constantType
	}
	for name, bit := range typeNames {
		if n.types == bit {
			return name
		}
	}
	return ""
}

type property struct {
	name, about string
	node        *node
}

// choice is the values of an enum, or the one of a const.
type choice struct {
	texts    map[string]bool
	numbers  []decimal
	literals uint16 // bit k for Kind k
}

// anything is the schema true.
var anything = func() *node { n := &node{}; n.reset(); n.any = true; return n }()

func (n *node) reset() { *n = node{types: typeAll, maxLength: -1, maxItems: -1} }

// find returns the number of a declared property, or -1.
func (n *node) find(name string) int {
	for i := range n.props {
		if n.props[i].name == name {
			return i
		}
	}
	return -1
}

// target follows references.
func (n *node) target() *node {
	for n.ref != nil {
		n = n.ref
	}
	return n
}

func (ch *choice) hasText(text []byte) bool { return ch.texts[string(text)] }

func (ch *choice) hasLiteral(k Kind) bool { return ch.literals>>k&1 == 1 }

func (ch *choice) hasNumber(d decimal) bool {
	for _, e := range ch.numbers {
		if d.compare(e) == 0 {
			return true
		}
	}
	return false
}

// isDate reports whether b is an RFC 3339 full-date of the Gregorian calendar, years 0000 to 9999.
func isDate(b []byte) bool {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return false
	}
	number := func(b []byte) (n int) {
		for _, c := range b {
			if c < '0' || c > '9' {
				return -1 << 20
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, m, d := number(b[:4]), number(b[5:7]), number(b[8:])
	if y < 0 || m < 1 || m > 12 || d < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m-1]
	if m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		days = 29
	}
	return d <= days
}
