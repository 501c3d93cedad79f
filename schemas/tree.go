package schemas

import (
	"fmt"
	"unicode/utf8"
)

// tree is a JSON value with the places of its parts, for reading a schema.
type tree struct {
	kind  Kind
	text  string // of a String or Number
	pos   int
	names []string
	items []*tree // of an Array; the values of an Object's names
}

// member returns the value of a name, or nil.
func (t *tree) member(name string) *tree {
	for i, n := range t.names {
		if n == name {
			return t.items[i]
		}
	}
	return nil
}

// planter builds a tree from a scanner's events.
type planter struct {
	s    *scanner
	root *tree
	open []*tree
}

func parseTree(raw []byte) (*tree, error) {
	p := &planter{s: &scanner{doc: raw}}
	p.s.to = p
	if err := p.s.run(); err != nil {
		return nil, err
	}
	return p.root, nil
}

// Event implements Events.
func (p *planter) Event(k Kind, text []byte) {
	var top *tree
	if len(p.open) > 0 {
		top = p.open[len(p.open)-1]
	}
	switch k {
	case Name:
		top.names = append(top.names, string(text))
		return
	case EndObject, EndArray:
		p.open = p.open[:len(p.open)-1]
		return
	}
	t := &tree{kind: k, text: string(text), pos: p.s.start}
	if top != nil {
		top.items = append(top.items, t)
	} else {
		p.root = t
	}
	if k == Object || k == Array {
		p.open = append(p.open, t)
	}
}

// place returns "line:column" of a byte, both counted from 1, columns in characters.
func place(raw []byte, pos int) string {
	line, start := 1, 0
	for i, c := range raw[:min(pos, len(raw))] {
		if c == '\n' {
			line, start = line+1, i+1
		}
	}
	return fmt.Sprintf("%d:%d", line, utf8.RuneCount(raw[start:min(pos, len(raw))])+1)
}
