package xmlread

// Limits bounds a document. The zero value refuses every document.
type Limits struct {
	// Bytes is the largest size of the input.
	Bytes int
	// Depth is the deepest nesting; the root element has depth 1.
	Depth int
	// Elements is the largest number of elements.
	Elements int
	// Attributes is the largest number of attributes of an element, namespace
	// declarations included.
	Attributes int
	// Namespaces is the largest number of namespace declarations in scope at any place.
	Namespaces int
}

// DefaultLimits are wide enough for every message of the gateway and every signed
// business document, and small enough for a tree in memory: 16 MiB, 128 levels,
// 500,000 elements, 128 attributes, 128 declarations.
func DefaultLimits() Limits {
	return Limits{Bytes: 16 << 20, Depth: 128, Elements: 500_000, Attributes: 128, Namespaces: 128}
}

// ForCanonical returns l widened for the canonical form of a document that was within
// l: escaping makes text up to five times longer, and a canonicalised element carries
// the declarations of its ancestors.
func (l Limits) ForCanonical() Limits {
	l.Bytes *= 8
	l.Attributes += l.Namespaces
	l.Namespaces *= 2
	return l
}
