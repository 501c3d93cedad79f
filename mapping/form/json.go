package form

// JSON is a document of one object: {"<header>":{..},"<records>":[{..},..]} and a line feed. Strings are UTF-8; escaped are the quote, the backslash and
// characters below U+0020, nothing else. An object without any value is omitted.
type JSON struct {
	layout Layout
	// header and records hold the bytes `,"name":` of each op.
	header, records [][]byte
}

// NewJSON returns the JSON form of a layout.
func NewJSON(l Layout) *JSON {
	return &JSON{layout: l, header: jsonNames(l.Header), records: jsonNames(l.Records)}
}

func jsonNames(t Tree) [][]byte {
	names := make([][]byte, len(t.ops))
	for i := range t.ops {
		names[i] = append(appendString([]byte{','}, t.ops[i].name), ':')
	}
	return names
}

// Begin implements Form.
func (j *JSON) Begin(dst []byte, header [][]byte) []byte {
	dst = append(dst, '{')
	if j.layout.HeaderName != "" {
		dst = append(appendString(dst, []byte(j.layout.HeaderName)), ':')
		dst = appendObject(dst, &j.layout.Header, j.header, header)
		dst = append(dst, ',')
	}
	dst = append(appendString(dst, []byte(j.layout.RecordsName)), ':')
	return append(dst, '[')
}

// Record implements Form. It never fails.
func (j *JSON) Record(dst []byte, n int, values [][]byte) ([]byte, int, string) {
	if n > 0 {
		dst = append(dst, ',')
	}
	return appendObject(dst, &j.layout.Records, j.records, values), 0, ""
}

// End implements Form.
func (j *JSON) End(dst []byte) []byte { return append(dst, "]}\n"...) }

// JSONLines is one object a line, for each record; it has no header.
type JSONLines struct {
	records Tree
	names   [][]byte
}

// NewJSONLines returns the JSON Lines form of a layout without a header.
func NewJSONLines(l Layout) *JSONLines {
	return &JSONLines{l.Records, jsonNames(l.Records)}
}

// Begin implements Form.
func (j *JSONLines) Begin(dst []byte, _ [][]byte) []byte { return dst }

// Record implements Form. It never fails.
func (j *JSONLines) Record(dst []byte, _ int, values [][]byte) ([]byte, int, string) {
	return append(appendObject(dst, &j.records, j.names, values), '\n'), 0, ""
}

// End implements Form.
func (j *JSONLines) End(dst []byte) []byte { return dst }

func appendObject(dst []byte, t *Tree, names [][]byte, values [][]byte) []byte {
	dst = append(dst, '{')
	first := 1 // skips the comma
	for i := 0; i < len(t.ops); i++ {
		o := &t.ops[i]
		switch o.kind {
		case opBegin:
			if !t.written(o, values) {
				i = o.after - 1
				continue
			}
			dst = append(append(dst, names[i][first:]...), '{')
			first = 1
		case opEnd:
			dst = append(dst, '}')
			first = 0
		case opValue:
			f := &t.Fields[o.field]
			v := values[o.field]
			if v == nil && !f.Null {
				continue
			}
			dst = append(dst, names[i][first:]...)
			switch first = 0; {
			case v == nil:
				dst = append(dst, "null"...)
			case f.Kind == String:
				dst = appendString(dst, v)
			default:
				dst = append(dst, v...)
			}
		}
	}
	return append(dst, '}')
}
