package notice

import (
	"bytes"
	"encoding/json"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
)

// Value is what stands in a record at a path; ok is false if nothing does.
func Value(one json.RawMessage, path string) (v json.RawMessage, ok bool) {
	for name := range strings.SplitSeq(path, "/") {
		var members map[string]json.RawMessage
		if json.Unmarshal(one, &members) != nil {
			return nil, false
		}
		if one, ok = members[name]; !ok {
			return nil, false
		}
	}
	return one, true
}

// Apply writes the new values into a record and strikes out what may not be said any more. The members of the objects that it touches come in the
// order of their names. The code of an error is notice.places: a place leads through something that is no object.
func Apply(one json.RawMessage, places []Place) (json.RawMessage, error) {
	var root map[string]any
	d := json.NewDecoder(bytes.NewReader(one))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		return nil, record.NewProblem("notice.places", "", "", "the record is no object")
	}
	for _, p := range places {
		if !set(root, strings.Split(p.At, "/"), p.Value) {
			return nil, record.NewProblem("notice.places", "", "", "the place %s is not in the record's form", p.At)
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(root); err != nil {
		return nil, record.NewProblem("notice.places", "", "", "the corrected record cannot be written")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// set writes a value at a path, or removes what stands there if there is none; objects on the way are made.
func set(object map[string]any, path []string, value json.RawMessage) bool {
	for len(path) > 1 {
		inner, ok := object[path[0]].(map[string]any)
		if _, there := object[path[0]]; there && !ok {
			return false
		}
		if !ok {
			inner = map[string]any{}
			object[path[0]] = inner
		}
		object, path = inner, path[1:]
	}
	if value == nil || string(value) == "null" {
		delete(object, path[0])
		return true
	}
	object[path[0]] = value
	return true
}
