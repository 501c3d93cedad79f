package strict

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"birgeoqy.kz/almasu/internal/record"
)

// MaxBytes and MaxDepth bound a file.
const (
	MaxBytes = 1 << 20
	MaxDepth = 32
)

// Where holds the places of a decoded mapping and of its values.
type Where struct {
	self string
	keys map[string]string
}

// String is the place of the mapping as "file:line:column".
func (w Where) String() string { return w.self }

// Key is the place of the value of a key, or of an item of its sequence as "fields[2]"; it is
// the place of the mapping if there is no such value.
func (w Where) Key(key string) string {
	if at, ok := w.keys[key]; ok {
		return at
	}
	return w.self
}

type decoder struct {
	file     string
	problems record.Problems
}

// Decode reads the one document of b into the struct that into points to. What it could read is set even
// if there are problems. The name stands for the file in places.
func Decode(name string, b []byte, into any) record.Problems {
	d := &decoder{file: name}
	if body := d.parse(b); body != nil {
		d.value(body, reflect.ValueOf(into).Elem(), nil, "")
	}
	return d.problems
}

func (d *decoder) add(code string, at *token.Position, hint, format string, args ...any) {
	d.problems.Add(code, d.place(at), hint, format, args...)
}

func (d *decoder) place(at *token.Position) string {
	if at == nil {
		return d.file + ":1:1"
	}
	return fmt.Sprintf("%s:%d:%d", d.file, at.Line, at.Column)
}

func (d *decoder) parse(b []byte) ast.Node {
	if len(b) > MaxBytes {
		d.add("yaml.too_large", nil, "split the file", "the file has %d bytes, at most %d are read", len(b), MaxBytes)
		return nil
	}
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		d.add("yaml.syntax", nil, "save the file as UTF-8", "the file is not UTF-8 text")
		return nil
	}
	if depth := flowDepth(b); depth > MaxDepth {
		d.add("yaml.too_large", nil, "write lists and mappings a line each", "brackets are nested %d deep, at most %d are read", depth, MaxDepth)
		return nil
	}
	f, err := parser.ParseBytes(b, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil {
			d.add("yaml.syntax", syntax.Token.Position, "", "not YAML: %s", syntax.Message)
		} else {
			d.add("yaml.syntax", nil, "", "not YAML")
		}
		return nil
	}
	var body ast.Node
	for i, doc := range f.Docs {
		if i > 0 {
			at := doc.Start
			if doc.Body != nil {
				at = doc.Body.GetToken()
			}
			var pos *token.Position
			if at != nil {
				pos = at.Position
			}
			d.add("yaml.second_document", pos, "remove the line ---", "a second document begins here; a file holds one")
			break
		}
		body = doc.Body
	}
	if body == nil && len(d.problems) == 0 {
		d.add("yaml.empty", nil, "", "the file holds nothing")
	}
	return body
}

// flowDepth bounds the nesting of flow style before the parser, which is recursive, sees it.
func flowDepth(b []byte) int {
	depth, most := 0, 0
	for _, c := range b {
		switch c {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth = max(0, depth-1)
		case '\n':
			// Brackets in prose must not add up over a whole file; real nesting goes on across few lines.
			if depth > 0 && depth <= 4 {
				depth = 0
			}
		}
	}
	return most
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// value decodes n into v; key names it in messages.
func (d *decoder) value(n ast.Node, v reflect.Value, where *Where, key string) {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.MappingKeyNode:
		d.add("yaml.not_plain", n.GetToken().Position, "write the value out", "%sanchors, aliases, tags and merge keys are not read", about(key))
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if reflect.PointerTo(v.Type()).Implements(textType) {
		d.text(n, v, key)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.mapping(n, v, key)
	case reflect.Slice:
		d.sequence(n, v, where, key)
	case reflect.String:
		if s, ok := d.scalar(n, key, "a text"); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.wrong(n, key, "true or false")
		}
	case reflect.Int:
		i, ok := n.(*ast.IntegerNode)
		if !ok {
			d.wrong(n, key, "a whole number")
			return
		}
		x, err := strconv.Atoi(i.Token.Value)
		if err != nil {
			d.wrong(n, key, "a whole number in decimal digits")
			return
		}
		v.SetInt(int64(x))
	default:
		panic("strict: a field of type " + v.Type().String())
	}
}

func about(key string) string {
	if key == "" {
		return ""
	}
	return "\"" + key + "\": "
}

func (d *decoder) wrong(n ast.Node, key, want string) {
	d.add("yaml.wrong_type", n.GetToken().Position, "", "%sexpected %s, found %s", about(key), want, kindOf(n))
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "a truth value"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return "a text"
}

func (d *decoder) scalar(n ast.Node, key, want string) (string, bool) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.IntegerNode:
		s = n.Token.Value
	case *ast.FloatNode:
		s = n.Token.Value
	default:
		d.wrong(n, key, want)
		return "", false
	}
	if strings.TrimSpace(s) == "" {
		d.add("yaml.wrong_type", n.GetToken().Position, "leave the key out if there is nothing to say", "%sexpected %s, found an empty one", about(key), want)
		return "", false
	}
	return strings.TrimSpace(s), true
}

func (d *decoder) text(n ast.Node, v reflect.Value, key string) {
	s, ok := d.scalar(n, key, "a text")
	if !ok {
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		d.add("yaml.bad_value", n.GetToken().Position, "", "%s%v", about(key), err)
	}
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, where *Where, key string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.wrong(n, key, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values))
	for i, item := range list.Values {
		name := key + "[" + strconv.Itoa(i) + "]"
		if where != nil && item.GetToken() != nil {
			where.keys[name] = d.place(item.GetToken().Position)
		}
		d.value(item, out.Index(i), where, name)
	}
	v.Set(out)
}
