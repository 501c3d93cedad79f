package reading

import (
	"fmt"
	"strconv"

	"birgeoqy.kz/almasu/schemas"
)

// AsJSON is a document as JSON: one of JSON as it is, one of XML as the object that [Reader.Read] tells of, every value as text. An element that follows
// others of its name in one element has [n] behind its name. The error is that of [Reader.Read].
func AsJSON(s *schemas.Schema, doc []byte) ([]byte, error) {
	if s.XML() == nil {
		return doc, nil
	}
	w := &writer{}
	if err := New(s).Read(doc, w); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return w.out, nil
}

// writer writes events as JSON.
type writer struct {
	out   []byte
	open  []map[string]int // of the open objects: how often a name has occurred; nil of an array
	value bool             // a name was written
	begun bool             // the innermost object or array has a member
}

// Event implements schemas.Events.
func (w *writer) Event(k schemas.Kind, text []byte) {
	switch k {
	case schemas.EndObject:
		w.end('}')
		return
	case schemas.EndArray:
		w.end(']')
		return
	}
	if w.begun && !w.value {
		w.out = append(w.out, ',')
	}
	w.value, w.begun = false, true
	switch k {
	case schemas.Name:
		names := w.open[len(w.open)-1]
		names[string(text)]++
		if n := names[string(text)]; n > 1 {
			text = fmt.Appendf(nil, "%s[%d]", text, n)
		}
		w.out = append(appendText(w.out, text), ':')
		w.value = true
	case schemas.Object:
		w.out, w.open, w.begun = append(w.out, '{'), append(w.open, map[string]int{}), false
	case schemas.Array:
		w.out, w.open, w.begun = append(w.out, '['), append(w.open, nil), false
	case schemas.Null:
		w.out = append(w.out, "null"...)
	default:
		w.out = appendText(w.out, text)
	}
}

func (w *writer) end(mark byte) {
	w.out, w.open, w.begun, w.value = append(w.out, mark), w.open[:len(w.open)-1], true, false
}

// appendText appends a string of JSON; XML has no control characters but these three.
func appendText(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, `\u00`...)
			if c < 16 {
				dst = append(dst, '0')
			}
			dst = strconv.AppendInt(dst, int64(c), 16)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
