package pattern

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"sort"
	"unicode/utf8"
)

// Bounds of a pattern's automaton.
const (
	maxNodes  = 2000
	maxStates = 1000
	maxTable  = 1<<16 - 1
)

// Matcher is a pattern as a table: one step for each character, no memory.
type Matcher struct {
	low    [0x800]uint8 // the class of each character below U+0800
	bounds []rune       // the first character of each range above
	above  []uint8      // the class of that range
	width  int
	// next is the table: a state is the place of its row, and next[state+class] the state after a character of the class.
	next []uint16
	// ends says of each row whether the text may end there.
	ends []bool
	// straight is a shorter way to the same answer, nil if there is none.
	straight *straight
}

// The first rows are fixed: nothing can match any more; everything matches; the start.
const (
	rowNever  = 0
	rowAlways = 1
	rowStart  = 2
)

// Match reports whether the pattern matches somewhere in b, which is valid UTF-8.
func (m *Matcher) Match(b []byte) bool {
	if m.straight != nil {
		return m.straight.match(m, b)
	}
	return m.walk(b)
}

// walk goes through the table.
func (m *Matcher) walk(b []byte) bool {
	next, always := m.next, m.width*rowAlways
	state := m.width * rowStart
	for i := 0; i < len(b); {
		c := b[i]
		class := 0
		if c < utf8.RuneSelf {
			class = int(m.low[c])
			i++
		} else if c < 0xE0 && i+1 < len(b) {
			class = int(m.low[int(c&0x1F)<<6|int(b[i+1]&0x3F)])
			i += 2
		} else {
			r, n := utf8.DecodeRune(b[i:])
			class = int(m.class(r))
			i += n
		}
		if state = int(next[state+class]); state <= always {
			return state == always
		}
	}
	return m.ends[state/m.width]
}

func (m *Matcher) class(r rune) uint8 {
	if r < 0x800 {
		return m.low[r]
	}
	return m.above[sort.Search(len(m.bounds), func(i int) bool { return m.bounds[i] > r })-1]
}

// Reasons why a pattern is refused; [Compile] wraps one of them.
var (
	ErrUnsupported = errors.New("outside the supported patterns")
	ErrSyntax      = errors.New("not a regular expression")
	ErrSize        = errors.New("too large")
)

// Compile compiles a pattern. The error is one of the above, with the place and what is expected.
func Compile(p string) (*Matcher, error) {
	if err := check(p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	re, err := syntax.Parse(p, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrSyntax, err.(*syntax.Error).Code)
	}
	return build(re)
}

// build makes the table of a parsed expression.
func build(re *syntax.Regexp) (*Matcher, error) {
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if len(prog.Inst) > maxNodes {
		return nil, fmt.Errorf("%w: more than %d steps", ErrSize, maxNodes)
	}
	b := builder{prog: prog, m: &Matcher{}, ids: map[string]int{}}
	if b.classes(); b.build() {
		b.m.straight = straightOf(b.m)
		return b.m, nil
	}
	return nil, fmt.Errorf("%w: more than %d states", ErrSize, maxStates)
}

// builder makes the table by the subset construction.
type builder struct {
	prog   *syntax.Prog
	m      *Matcher
	sample []rune // a character of each class
	sign   []byte // the steps that take a character
	ids    map[string]int
	sets   [][]uint32
}

// classes divides all characters into classes that no step of the pattern tells apart.
func (b *builder) classes() {
	cuts := map[rune]bool{0: true, 0x800: true}
	for i := range b.prog.Inst {
		in := &b.prog.Inst[i]
		switch in.Op {
		case syntax.InstRune1:
			cuts[in.Rune[0]], cuts[in.Rune[0]+1] = true, true
		case syntax.InstRune:
			if len(in.Rune) == 1 {
				cuts[in.Rune[0]], cuts[in.Rune[0]+1] = true, true
				continue
			}
			for k := 0; k < len(in.Rune); k += 2 {
				cuts[in.Rune[k]], cuts[in.Rune[k+1]+1] = true, true
			}
		}
	}
	starts := make([]rune, 0, len(cuts))
	for r := range cuts {
		starts = append(starts, r)
	}
	slices.Sort(starts)
	known := map[string]int{}
	for k, r := range starts {
		id := b.classOf(r, known)
		end := rune(0x800)
		if k+1 < len(starts) {
			end = min(end, starts[k+1])
		}
		for c := r; c < end; c++ {
			b.m.low[c] = uint8(id)
		}
		if r >= 0x800 {
			b.m.bounds, b.m.above = append(b.m.bounds, r), append(b.m.above, uint8(id))
		}
	}
	b.m.width = len(b.sample)
}

func (b *builder) classOf(r rune, known map[string]int) int {
	b.sign = b.sign[:0]
	for i := range b.prog.Inst {
		if in := &b.prog.Inst[i]; consumes(in) && in.MatchRune(r) {
			b.sign = binary.AppendUvarint(b.sign, uint64(i))
		}
	}
	id, ok := known[string(b.sign)]
	if !ok {
		id = len(b.sample)
		known[string(b.sign)] = id
		b.sample = append(b.sample, r)
	}
	return id
}

func consumes(in *syntax.Inst) bool {
	switch in.Op {
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return false
}

// build fills the table; it returns false if the table would be too large.
func (b *builder) build() bool {
	if b.m.width > 256 {
		return false
	}
	b.sets = [][]uint32{nil, nil, {uint32(b.prog.Start)}}
	b.m.ends = []bool{false, true, false}
	for state := rowStart; state < len(b.sets); state++ {
		if len(b.sets) > maxStates || len(b.sets)*b.m.width > maxTable {
			return false
		}
		b.fill(state)
	}
	return true
}

func (b *builder) fill(state int) {
	begin := syntax.EmptyOp(0)
	if state == rowStart {
		begin = syntax.EmptyBeginText
	}
	_, b.m.ends[state] = b.closure(b.sets[state], begin|syntax.EmptyEndText)
	steps, matched := b.closure(b.sets[state], begin)
	row := make([]uint16, b.m.width)
	for class, r := range b.sample {
		if matched {
			row[class] = uint16(b.m.width * rowAlways)
			continue
		}
		var after []uint32
		for _, pc := range steps {
			if b.prog.Inst[pc].MatchRune(r) {
				after = append(after, b.prog.Inst[pc].Out)
			}
		}
		row[class] = uint16(b.m.width * b.state(append(after, uint32(b.prog.Start))))
	}
	if b.m.next == nil {
		b.m.next = make([]uint16, 2*b.m.width)
	}
	b.m.next = append(b.m.next, row...)
}

// state returns the number of the state for a set of places, which is new if no state has it.
func (b *builder) state(places []uint32) int {
	slices.Sort(places)
	places = slices.Compact(places)
	steps, now := b.closure(places, 0)
	_, atEnd := b.closure(places, syntax.EmptyEndText)
	switch {
	case now:
		return rowAlways
	case len(steps) == 0 && !atEnd:
		return rowNever
	}
	key := make([]byte, 0, 4*len(places))
	for _, p := range places {
		key = binary.LittleEndian.AppendUint32(key, p)
	}
	id, ok := b.ids[string(key)]
	if !ok {
		id = len(b.sets)
		b.ids[string(key)] = id
		b.sets, b.m.ends = append(b.sets, places), append(b.m.ends, false)
	}
	return id
}

// closure follows the steps that consume nothing and returns those that consume a character, and whether a match is reached.
func (b *builder) closure(places []uint32, here syntax.EmptyOp) (steps []uint32, matched bool) {
	seen := make([]bool, len(b.prog.Inst))
	todo := slices.Clone(places)
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &b.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^here == 0 {
				todo = append(todo, in.Out)
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			steps = append(steps, pc)
		}
	}
	return steps, matched
}
