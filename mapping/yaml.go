package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"birgeoqy.kz/almasu/internal/record"
)

// kind is the kind of a YAML value.
type kind uint8

const (
	kindBad kind = iota // a problem has been reported
	kindNull
	kindString
	kindInt
	kindBool
	kindMap
	kindList
)

var kindNames = [...]string{kindBad: "what it is", kindNull: "nothing", kindString: "text", kindInt: "a whole number", kindBool: "true or false", kindMap: "a mapping", kindList: "a list"}

// node is a YAML value with its place.
type node struct {
	kind      kind
	text      string // of a scalar, as written if it is not text
	line, col int
	keys      []*node // of a map
	items     []*node // of a list; the values of a map's keys
}

// reader collects the findings about one file.
type reader struct {
	file     string
	problems record.Problems
}

func (r *reader) where(n *node) string { return fmt.Sprintf("%s:%d:%d", r.file, n.line, n.col) }

func (r *reader) add(code string, n *node, hint, format string, args ...any) {
	r.problems.Add(code, r.where(n), hint, format, args...)
}

// parse reads exactly one YAML document; nil means that a problem was found.
func (r *reader) parse(raw []byte) *node {
	if at := tooDeep(raw); at != nil {
		r.add("mapping.yaml_feature", at, "", "brackets or dashes nest too deeply for a mapping")
		return nil
	}
	f, err := parser.ParseBytes(raw, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at := &node{line: 1, col: 1}
		message := "the text is not YAML"
		var bad *yaml.SyntaxError
		if errors.As(err, &bad) {
			message = bad.Message
			if bad.Token != nil && bad.Token.Position != nil {
				at.line, at.col = bad.Token.Position.Line, bad.Token.Position.Column
			}
		}
		r.add("mapping.yaml_syntax", at, "", "%s", strings.ReplaceAll(message, "\n", " "))
		return nil
	}
	var root *node
	for _, doc := range f.Docs {
		if doc == nil || doc.Body == nil {
			continue
		}
		if _, comment := doc.Body.(*ast.CommentGroupNode); comment {
			continue
		}
		n := r.convert(doc.Body, 0)
		if root != nil {
			r.add("mapping.yaml_documents", n, "", "a mapping is one YAML document")
			break
		}
		root = n
	}
	if root == nil {
		r.add("mapping.empty", &node{line: 1, col: 1}, "", "the file holds no mapping")
	}
	return root
}

// tooDeep finds the first place where more brackets are open, or more list dashes stand on one line, than a mapping
// needs: the parser takes quadratic time for those. It counts brackets in texts too, hence the generous bound.
func tooDeep(raw []byte) *node {
	const most = 100
	brackets, dashes := 0, 0
	at := &node{line: 1, col: 0}
	for i, c := range raw {
		at.col++
		switch c {
		case '[', '{':
			brackets++
		case ']', '}':
			brackets = max(brackets-1, 0)
		case ' ':
			if i > 0 && raw[i-1] == '-' {
				dashes++
			}
		case '\n':
			at.line, at.col, dashes = at.line+1, 0, 0
		}
		if brackets > most || dashes > most {
			return at
		}
	}
	return nil
}

// maxYAMLDepth is how deep maps and lists may nest; a mapping needs four.
const maxYAMLDepth = 8

func (r *reader) convert(from ast.Node, depth int) *node {
	n := &node{kind: kindNull, line: 1, col: 1}
	if from == nil {
		return n
	}
	if t := from.GetToken(); t != nil && t.Position != nil {
		n.line, n.col = t.Position.Line, t.Position.Column
	}
	if depth > maxYAMLDepth {
		r.add("mapping.yaml_feature", n, "", "maps and lists nest too deeply for a mapping")
		return n
	}
	switch from := from.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.kind, n.text = kindString, from.Value
	case *ast.LiteralNode:
		n.kind, n.text = kindString, from.Value.Value
	case *ast.IntegerNode:
		n.kind, n.text = kindInt, from.Token.Value
	case *ast.BoolNode:
		n.kind, n.text = kindBool, from.Token.Value
	case *ast.MappingNode:
		r.pairs(n, from.Values, depth)
	case *ast.MappingValueNode:
		r.pairs(n, []*ast.MappingValueNode{from}, depth)
	case *ast.SequenceNode:
		n.kind = kindList
		for _, v := range from.Values {
			n.items = append(n.items, r.convert(v, depth+1))
		}
	default:
		n.kind = kindBad
		r.add("mapping.yaml_feature", n, "write the value out", "%s has no place in a mapping", strings.ToLower(from.Type().String()))
	}
	return n
}

func (r *reader) pairs(n *node, pairs []*ast.MappingValueNode, depth int) {
	n.kind = kindMap
	seen := map[string]bool{}
	for i, pair := range pairs {
		key := r.convert(pair.Key, depth+1)
		if i == 0 {
			n.line, n.col = key.line, key.col
		}
		if key.kind == kindBad {
			continue
		}
		if key.kind != kindString {
			r.add("mapping.yaml_feature", key, "", "a key must be text")
			continue
		}
		if seen[key.text] {
			r.add("mapping.duplicate_key", key, "", "the key %q occurs twice", key.text)
			continue
		}
		seen[key.text] = true
		n.keys, n.items = append(n.keys, key), append(n.items, r.convert(pair.Value, depth+1))
	}
}

// keys describes the keys that a map may have: the kind of each, and whether it must be there.
type keys map[string]struct {
	kind     kind
	required bool
}

// object checks that n is a map with these keys and returns a look-up of the values that have the right kind.
func (r *reader) object(n *node, what string, want keys) map[string]*node {
	got := map[string]*node{}
	if n.kind != kindMap && n.kind != kindBad {
		r.add("mapping.wrong_kind", n, "", "%s must be a mapping, not %s", what, kindNames[n.kind])
	}
	if n.kind != kindMap {
		return nil
	}
	for i, key := range n.keys {
		w, ok := want[key.text]
		v := n.items[i]
		switch {
		case !ok:
			r.add("mapping.unknown_key", key, suggest(key.text, want), "%s has no key %q", what, key.text)
		case v.kind == kindBad:
			got[key.text] = nil
		case w.kind != 0 && v.kind != w.kind:
			r.add("mapping.wrong_kind", v, "", "%s must be %s, not %s", key.text, kindNames[w.kind], kindNames[v.kind])
			got[key.text] = nil
		default:
			got[key.text] = v
		}
	}
	for _, name := range sortedKeys(want) {
		if _, ok := got[name]; !ok && want[name].required {
			r.add("mapping.missing_key", n, "", "%s has no %s", what, name)
		}
	}
	return got
}

// sorted returns the findings in the order of the file.
func (r *reader) sorted() record.Problems {
	place := func(p *record.Problem) (line, col int) {
		_, _ = fmt.Sscanf(strings.TrimPrefix(p.Where, r.file), ":%d:%d", &line, &col)
		return line, col
	}
	slices.SortStableFunc(r.problems, func(a, b *record.Problem) int {
		al, ac := place(a)
		bl, bc := place(b)
		return cmp.Or(cmp.Compare(al, bl), cmp.Compare(ac, bc))
	})
	return r.problems
}
