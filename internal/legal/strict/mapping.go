package strict

import (
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// slot is a field of a target struct.
type slot struct {
	key      string
	index    int
	optional bool
}

// slotsOf lists the keys of a struct; whereAt is the index of its Where, or -1.
func slotsOf(t reflect.Type) (slots []slot, whereAt int) {
	whereAt = -1
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == reflect.TypeFor[Where]() {
			whereAt = i
			continue
		}
		key, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		slots = append(slots, slot{key: key, index: i, optional: option == "optional"})
	}
	return slots, whereAt
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, key string) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		d.wrong(n, key, "a mapping")
		return
	}
	start := n.GetToken().Position
	if len(values) > 0 {
		start = values[0].Key.GetToken().Position
	}
	where := Where{self: d.place(start), keys: make(map[string]string)}
	slots, whereAt := slotsOf(v.Type())
	seen := make(map[string]bool)
	for _, kv := range values {
		name, ok := plainKey(kv.Key)
		at := kv.Key.GetToken().Position
		if !ok {
			d.add("yaml.not_plain", at, "write the key as a plain word", "%sthis key is not a plain word", about(key))
			continue
		}
		if seen[name] {
			d.add("yaml.duplicate_key", at, "keep one of them", "the key %q stands here for the second time", name)
			continue
		}
		seen[name] = true
		s := find(slots, name)
		if s == nil {
			d.add("yaml.unknown_key", at, nearest(slots, name), "no key %q is known here", name)
			continue
		}
		if tok := kv.Value.GetToken(); tok != nil {
			where.keys[name] = d.place(tok.Position)
		}
		d.value(kv.Value, v.Field(s.index), &where, name)
	}
	for _, s := range slots {
		if !s.optional && !seen[s.key] {
			d.add("yaml.missing_key", start, "", "%sthe key %q is missing", about(key), s.key)
		}
	}
	if whereAt >= 0 {
		v.Field(whereAt).Set(reflect.ValueOf(where))
	}
}

func plainKey(k ast.MapKeyNode) (string, bool) {
	s, ok := k.(*ast.StringNode)
	if !ok {
		return "", false
	}
	return s.Value, true
}

func find(slots []slot, name string) *slot {
	for i := range slots {
		if slots[i].key == name {
			return &slots[i]
		}
	}
	return nil
}

// nearest suggests the known key that is closest to a mistyped one.
func nearest(slots []slot, name string) string {
	best, cost := "", 4
	for _, s := range slots {
		if c := distance(s.key, name); c < cost {
			best, cost = s.key, c
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	known := make([]string, len(slots))
	for i, s := range slots {
		known[i] = s.key
	}
	return "known keys: " + strings.Join(known, ", ")
}

// distance is the edit distance of two short words.
func distance(a, b string) int {
	if len(b) > 64 {
		return len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}
