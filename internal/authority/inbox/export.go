package inbox

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/authority/tabular"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/schemas"
	"birgeoqy.kz/almasu/schemas/reading"
)

// Export writes the accepted records of one sender, in the order of sequence number and position, in the format "json" (a line
// {"message":ID,"sequence":N,"index":N,"record":{...}} for each) or "csv" (UTF-8, a column for each scalar that a configured
// schema declares, members of a list and repeated elements joined by "; "; a text that a spreadsheet would take for a formula begins with an apostrophe).
// A record that a notice has marked has its state ("corrected", "withdrawn" or "destroyed") and the notice's message id beside it: a corrected one
// comes as it is now, one that was withdrawn or destroyed comes without its values ("record":null). It returns the number of records.
func Export(ctx context.Context, c *Config, sender, format string, out io.Writer) (int64, error) {
	if !slices.ContainsFunc(c.Senders, func(s SenderConfig) bool { return s.BIN == sender }) {
		return 0, record.NewProblem("request.sender", "", "give the BIN of a configured sender", "there is no sender %q", sender)
	}
	st, err := Open(ctx, c.Data, false)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	e := &exporter{agreed: map[record.Digest]*schemas.Schema{}, tables: map[record.Digest][]string{}}
	if err := e.schemas(c); err != nil {
		return 0, err
	}
	switch format {
	case "json":
		e.put = lineWriter(out)
	case "csv":
		w := csv.NewWriter(out)
		defer w.Flush()
		e.put = e.csvWriter(w)
	default:
		return 0, record.NewProblem("request.format", "", "csv or json", "there is no format %q", format)
	}
	if e.marks, _, err = st.Marks(ctx, sender); err != nil {
		return 0, err
	}
	err = e.run(ctx, st, sender)
	return e.count, err
}

// taken is one accepted record with its place.
type taken struct {
	message  string
	sequence uint64
	index    int
	record   json.RawMessage
	// state and notice are empty where no notice is about the record.
	state, notice string
}

// states are the words for what notices have said.
var states = map[notice.Act]string{notice.Correct: "corrected", notice.Withdraw: "withdrawn", notice.Destroy: "destroyed"}

// mark puts what notices have said of a record beside it.
func (e *exporter) mark(t *taken, id record.ID) (err error) {
	m, ok := e.marks[Spot{id, t.index}]
	if !ok {
		return nil
	}
	t.state, t.notice = states[m.Act], m.Notice.String()
	if m.Act != notice.Correct {
		t.record = json.RawMessage("null")
		return nil
	}
	t.record, err = notice.Apply(t.record, m.Places)
	return err
}

type exporter struct {
	agreed  map[record.Digest]*schemas.Schema
	tables  map[record.Digest][]string // the columns of tables, by schema
	columns []string
	put     func(taken) error
	marks   map[Spot]Mark
	count   int64
}

func (e *exporter) schemas(c *Config) error {
	for _, one := range c.Schemas {
		schema, err := LoadSchema(one)
		if err != nil {
			return err
		}
		e.agreed[schema.Digest()], e.tables[schema.Digest()] = schema, one.Columns
		for _, t := range schema.RecordTargets() {
			if schema.XML() != nil {
				t.Path = strings.ReplaceAll(t.Path, "[]", "")
			}
			if !slices.Contains(e.columns, t.Path) {
				e.columns = append(e.columns, t.Path)
			}
		}
	}
	return nil
}

func (e *exporter) run(ctx context.Context, st *Store, sender string) error {
	rows, err := st.db.QueryContext(ctx, selectMessages, sender)
	if err != nil {
		return fmt.Errorf("reading messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := r.scan(rows); err != nil {
			return err
		}
		if r.status != signing.StatusAccepted || r.accepted == 0 {
			continue
		}
		if err := e.message(&r); err != nil {
			return fmt.Errorf("message %d: %w", r.sequence, err)
		}
	}
	return rows.Err()
}

func (e *exporter) message(r *row) error {
	h, err := signing.ParseHeader(r.header)
	if err != nil {
		return err
	}
	document, err := unpack(r.document)
	if err != nil {
		return fmt.Errorf("decompressing the document: %w", err)
	}
	schema, ok := e.agreed[h.Schema]
	if !ok || schema.Records() == "" {
		return record.NewProblem("schema.not_agreed", "", "configure the schema again", "the document's schema is not among those configured")
	}
	switch {
	case schema.XML() != nil:
		document, err = reading.AsJSON(schema, document)
	case h.MediaType != "application/json":
		document, err = tabular.JSON(document, h.MediaType, schema.Records(), e.tables[h.Schema])
	}
	if err != nil {
		return err
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(document, &parts); err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(parts[schema.Records()], &records); err != nil {
		return fmt.Errorf("reading the records: %w", err)
	}
	rejected, err := rejectedOf(r.receipt)
	if err != nil {
		return err
	}
	for i, one := range records {
		if rejected[i] {
			continue
		}
		t := taken{message: hex.EncodeToString(r.message), sequence: r.sequence, index: i, record: one}
		if err := e.mark(&t, h.Message); err != nil {
			return err
		}
		if err := e.put(t); err != nil {
			return err
		}
		e.count++
	}
	return nil
}

// rejectedOf reads the positions of rejected records from one of our own receipts, which [Verify] verifies.
func rejectedOf(receipt []byte) (map[int]bool, error) {
	line, _, _ := bytes.Cut(receipt, []byte("\n"))
	var r struct {
		Outcomes []struct {
			Index  int    `json:"index"`
			Status string `json:"status"`
		} `json:"outcomes"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("reading the receipt: %w", err)
	}
	out := map[int]bool{}
	for _, o := range r.Outcomes {
		out[o.Index] = o.Status == signing.StatusRejected
	}
	return out, nil
}

func lineWriter(out io.Writer) func(taken) error {
	return func(t taken) error {
		marked := ""
		if t.state != "" {
			marked = fmt.Sprintf(`,"state":%q,"notice":%q`, t.state, t.notice)
		}
		_, err := fmt.Fprintf(out, `{"message":%q,"sequence":%d,"index":%d%s,"record":%s}`+"\n", t.message, t.sequence, t.index, marked, t.record)
		return err
	}
}

func (e *exporter) csvWriter(w *csv.Writer) func(taken) error {
	head := append([]string{"message", "sequence", "index", "state", "notice"}, e.columns...)
	line := make([]string, len(head))
	begun := false
	return func(t taken) error {
		if !begun {
			begun = true
			if err := w.Write(head); err != nil {
				return err
			}
		}
		values := map[string]string{}
		f := &flattener{values: values}
		if err := schemas.Scan(t.record, f); err != nil {
			return err
		}
		line[0], line[1], line[2], line[3], line[4] = t.message, strconv.FormatUint(t.sequence, 10), strconv.Itoa(t.index), t.state, t.notice
		for i, c := range e.columns {
			line[5+i] = guard(values[c])
		}
		return w.Write(line)
	}
}

// guard keeps a spreadsheet from reading a text as a formula.
func guard(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// flattener collects the scalars of a record by path.
type flattener struct {
	path   []string
	values map[string]string
}

// Event implements schemas.Events.
func (f *flattener) Event(k schemas.Kind, text []byte) {
	last := len(f.path) - 1
	switch k {
	case schemas.Name:
		f.path[last] = string(text)
	case schemas.Object:
		f.path = append(f.path, "")
	case schemas.Array:
		f.path = append(f.path, "[]")
	case schemas.EndObject, schemas.EndArray:
		f.path = f.path[:last]
	case schemas.String, schemas.Number:
		f.set(string(text))
	case schemas.True:
		f.set("true")
	case schemas.False:
		f.set("false")
	}
}

// set stores a value under the path as schemas.Target spells it: the list mark follows its name without a slash.
func (f *flattener) set(v string) {
	path := ofXML.ReplaceAllString(strings.ReplaceAll(strings.Join(f.path, "/"), "/[]", "[]"), "")
	if old, ok := f.values[path]; ok {
		v = old + "; " + v
	}
	f.values[path] = v
}

// ofXML is what [reading.AsJSON] adds to names: positions, and the member for an element's text.
var ofXML = regexp.MustCompile(`\[[0-9]+\]|/#text$`)

// ExportName is the default name of an export.
func ExportName(sender, format string, at time.Time) string {
	return fmt.Sprintf("records-%s-%s.%s", sender, at.UTC().Format("20060102T150405Z"), format)
}
