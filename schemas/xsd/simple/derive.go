package simple

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"birgeoqy.kz/almasu/schemas/pattern"
)

// Facet is one facet of a restriction, as a schema writes it.
type Facet struct {
	Name, Value string
	// Fixed says that no further restriction may change it.
	Fixed bool
}

// FacetError says which facet of a restriction is refused.
type FacetError struct {
	// Index is its position among the facets, Code is xsd.facet, xsd.pattern or xsd.unsupported.
	Index   int
	Code    string
	Message string
}

// Error implements error.
func (e *FacetError) Error() string { return e.Message }

// ListOf is the list type of an atomic or union type.
func ListOf(name string, item *Type) *Type {
	return &Type{Name: name, variety: List, base: Any(), item: item, space: collapse, length: -1, minLength: -1, maxLength: -1, totalDigits: -1, fractionDigits: -1}
}

// UnionOf is the union of member types, in order.
func UnionOf(name string, members []*Type) *Type {
	return &Type{Name: name, variety: Union, base: Any(), members: members, space: preserve, length: -1, minLength: -1, maxLength: -1, totalDigits: -1, fractionDigits: -1}
}

// HasList reports whether the type is a list, or a union with one among its members.
func (t *Type) HasList() bool {
	return t.variety == List || slices.ContainsFunc(t.members, (*Type).HasList)
}

// Weight is how many types are asked about a text, at most.
func (t *Type) Weight() int {
	n := 1
	for _, m := range t.members {
		n += m.Weight()
	}
	if t.item != nil {
		n += t.item.Weight()
	}
	return n
}

// DerivedFrom reports whether t is other, or was derived from it in steps.
func (t *Type) DerivedFrom(other *Type) bool {
	for at := t; at != nil; at = at.base {
		if at == other {
			return true
		}
	}
	return other.variety == Union && slices.ContainsFunc(other.members, t.DerivedFrom)
}

// Restrict is the type of a name with further facets. names resolves prefixes in the values. The error is a [*FacetError].
func (t *Type) Restrict(name string, facets []Facet, names Context) (*Type, error) {
	d := *t
	d.Name, d.base, d.patterns, d.fixed = name, t, slices.Clone(t.patterns), map[string]bool{}
	for k := range t.fixed {
		d.fixed[k] = true
	}
	r := restriction{base: t, t: &d, scratch: Scratch{Names: names}, seen: map[string]bool{}}
	for i, f := range facets {
		if code, err := r.apply(f); err != nil {
			return nil, &FacetError{Index: i, Code: code, Message: f.Name + ": " + err.Error()}
		}
		if f.Fixed {
			d.fixed[f.Name] = true
		}
	}
	if len(r.alternatives) > 1 {
		var err error
		if r.matcher, err = pattern.CompileXML("(" + strings.Join(r.alternatives, ")|(") + ")"); err != nil {
			return nil, &FacetError{Code: "xsd.pattern", Message: "the patterns together: " + err.Error()}
		}
	}
	if r.matcher != nil {
		d.patterns = append(d.patterns, r.matcher)
	}
	d.hasBounds = d.minimum != nil || d.maximum != nil || d.above != nil || d.below != nil
	if err := r.consistent(); err != nil {
		return nil, &FacetError{Index: max(len(facets)-1, 0), Code: "xsd.facet", Message: err.Error()}
	}
	return &d, nil
}

// restriction is one step of derivation under way.
type restriction struct {
	base, t      *Type
	scratch      Scratch
	seen         map[string]bool
	alternatives []string
	matcher      *pattern.Matcher // of all patterns
}

var (
	errTwice       = errors.New("the facet occurs twice")
	errFixed       = errors.New("the base type has fixed the facet")
	errNotNarrower = errors.New("the facet is wider than that of the base type")
	errNotHere     = errors.New("the facet does not apply to this type")
)

func (r *restriction) apply(f Facet) (code string, err error) {
	if r.seen[f.Name] && f.Name != "pattern" && f.Name != "enumeration" {
		return "xsd.facet", errTwice
	}
	r.seen[f.Name] = true
	switch f.Name {
	case "pattern":
		m, err := pattern.CompileXML(f.Value)
		if err != nil {
			return "xsd.pattern", err
		}
		r.alternatives, r.matcher = append(r.alternatives, f.Value), m
		return "", nil
	case "enumeration":
		return "xsd.facet", r.enumeration(f.Value)
	case "whiteSpace":
		return "xsd.facet", r.whiteSpace(f.Value)
	case "length", "minLength", "maxLength":
		if r.t.variety == Union || r.t.variety == Atomic && (r.t.prim.measure == nil || r.t.Name == "anySimpleType") {
			return "xsd.facet", errNotHere
		}
		return "xsd.facet", r.number(f)
	case "totalDigits", "fractionDigits":
		if r.t.variety != Atomic || r.t.prim != primDecimal {
			return "xsd.facet", errNotHere
		}
		return "xsd.facet", r.number(f)
	case "minInclusive", "maxInclusive", "minExclusive", "maxExclusive":
		if r.t.variety == Atomic && r.t.prim == primDuration {
			return "xsd.unsupported", errors.New("bounds on durations are not in the supported subset")
		}
		if r.t.variety != Atomic || !r.t.prim.ordered {
			return "xsd.facet", errNotHere
		}
		return "xsd.facet", r.bound(f)
	}
	return "xsd.facet", errors.New("there is no such facet")
}

// maxFew is how many values of an enumeration are compared one by one.
const maxFew = 8

func (r *restriction) enumeration(text string) error {
	if r.t.variety == Atomic && r.t.prim == primBoolean {
		return errNotHere
	}
	if code := r.base.Check([]byte(text), &r.scratch); code != "" {
		return fmt.Errorf("the value is not of the base type (%s)", code)
	}
	if r.t.enum == nil || !r.started() {
		r.t.enum, r.t.few, r.t.texts = map[string]bool{}, nil, nil
		r.seen["enumeration started"] = true
	}
	key := string(r.base.Key(nil, []byte(text), &r.scratch))
	r.t.enum[key] = true
	r.t.texts = append(r.t.texts, text)
	if r.t.few = nil; r.t.prim == primString && len(r.t.enum) <= maxFew {
		for one := range r.t.enum {
			r.t.few = append(r.t.few, one[len("s"):]) // without the tag of the primitive
		}
	}
	return nil
}

func (r *restriction) started() bool { return r.seen["enumeration started"] }

func (r *restriction) whiteSpace(text string) error {
	w, ok := map[string]whiteSpace{"preserve": preserve, "replace": replace, "collapse": collapse}[text]
	switch {
	case !ok:
		return errors.New("whiteSpace is preserve, replace or collapse")
	case r.t.variety == Union:
		return errNotHere
	case w < r.base.space:
		return errNotNarrower
	case w != r.base.space && r.base.fixed["whiteSpace"]:
		return errFixed
	}
	r.t.space = w
	return nil
}

// number takes a facet whose value is a count.
func (r *restriction) number(f Facet) error {
	n64, err := strconv.ParseUint(strings.TrimPrefix(strings.Trim(f.Value, " \t\r\n"), "+"), 10, 31)
	if err != nil || f.Name == "totalDigits" && n64 == 0 {
		return errors.New("the value must be a whole number from 0 (of totalDigits: 1) to 2147483647")
	}
	n := int(n64)
	place := map[string]*int{"length": &r.t.length, "minLength": &r.t.minLength, "maxLength": &r.t.maxLength,
		"totalDigits": &r.t.totalDigits, "fractionDigits": &r.t.fractionDigits}[f.Name]
	old := *place
	switch {
	case old >= 0 && old != n && r.base.fixed[f.Name]:
		return errFixed
	case old >= 0 && (f.Name == "length" && n != old || f.Name == "minLength" && n < old || f.Name != "length" && f.Name != "minLength" && n > old):
		return errNotNarrower
	}
	*place = n
	return nil
}

// bound takes one of the four bounds.
func (r *restriction) bound(f Facet) error {
	own := *r.base
	own.minimum, own.maximum, own.above, own.below, own.hasBounds, own.patterns, own.enum = nil, nil, nil, nil, false, nil, nil
	if own.Check([]byte(f.Value), &r.scratch) != "" {
		return errors.New("the value is not of the base type")
	}
	v := r.base.parsed(string(own.white([]byte(f.Value), &Scratch{})))
	if own.prim == primFloat || own.prim == primDouble {
		if floatOf(v.text, 64) != floatOf(v.text, 64) {
			return errors.New("NaN bounds nothing")
		}
	}
	if r.base.fixed[f.Name] {
		return errFixed
	}
	b := r.base
	outside := func(low, high *value, strictLow, strictHigh bool) bool {
		return low != nil && (v.compare(low, b.prim) < 0 || strictLow && v.compare(low, b.prim) == 0) ||
			high != nil && (v.compare(high, b.prim) == 1 || strictHigh && v.compare(high, b.prim) == 0)
	}
	inclusive := strings.HasSuffix(f.Name, "Inclusive")
	if outside(b.minimum, b.maximum, false, false) || outside(b.above, b.below, inclusive, inclusive) {
		return errNotNarrower
	}
	switch f.Name {
	case "minInclusive":
		r.t.minimum, r.t.above = v, unlessSeen(r, "minExclusive", r.t.above)
	case "minExclusive":
		r.t.above, r.t.minimum = v, unlessSeen(r, "minInclusive", r.t.minimum)
	case "maxInclusive":
		r.t.maximum, r.t.below = v, unlessSeen(r, "maxExclusive", r.t.below)
	default:
		r.t.below, r.t.maximum = v, unlessSeen(r, "maxInclusive", r.t.maximum)
	}
	return nil
}

// unlessSeen keeps a bound of the same step; an inherited one is replaced by the narrower one.
func unlessSeen(r *restriction, name string, v *value) *value {
	if r.seen[name] {
		return v
	}
	return nil
}

// consistent refuses facets that exclude each other.
func (r *restriction) consistent() error {
	t := r.t
	crossed := func(low, high *value, both bool) bool {
		if low == nil || high == nil {
			return false
		}
		c := low.compare(high, t.prim)
		return c == 1 || c == 0 && !both
	}
	switch {
	case t.minimum != nil && t.above != nil, t.maximum != nil && t.below != nil:
		return errors.New("a bound is both inclusive and exclusive")
	case crossed(t.minimum, t.maximum, true), crossed(t.above, t.below, true), crossed(t.minimum, t.below, false), crossed(t.above, t.maximum, false):
		return errors.New("the lower bound is above the upper bound")
	case t.maxLength >= 0 && t.minLength > t.maxLength:
		return errors.New("minLength is larger than maxLength")
	case t.length >= 0 && (t.minLength > t.length || t.maxLength >= 0 && t.maxLength < t.length), r.seen["length"] && (r.seen["minLength"] || r.seen["maxLength"]):
		return errors.New("length stands beside minLength or maxLength")
	case t.totalDigits >= 0 && t.fractionDigits > t.totalDigits:
		return errors.New("fractionDigits is larger than totalDigits")
	}
	return nil
}
