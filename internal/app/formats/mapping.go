package formats

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

func (t *tool) mappingCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mapping", Short: "Mapping tables", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return usage(cmd, "arguments", "expected: mapping new") }}
	cmd.AddCommand(t.newCommand())
	return cmd
}

// scaffoldOptions are the flags of mapping new.
type scaffoldOptions struct{ from, register, route, out, schemaOut string }

func (t *tool) newCommand() *cobra.Command {
	var o scaffoldOptions
	cmd := &cobra.Command{
		Use:   "new NAME --from-schema FILE",
		Short: "Begin a mapping table for a schema, or for the headings of a CSV file",
		Long: `Writes a table with a row for every value that the schema declares: required ones are marked, constants entered, fields of the register
suggested where names or descriptions agree. Then it says what is left to decide: the table does not load before.

From a CSV file only the first line is read; since a table pins a schema, one with a text for each column is written, too (--schema-out).

Exit code 0: written. A file that exists is never overwritten.`,
		Example: "  almasu mapping new oblast-consent --from-schema package.v1.xsd --register register --out mapping/oblast-consent.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || o.from == "" {
				return usage(cmd, "arguments", "expected a name for the mapping, and --from-schema")
			}
			return t.scaffold(args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.from, "from-schema", "", "a schema of JSON or XML, or a CSV file")
	cmd.Flags().StringVar(&o.register, "register", "", "the register's folder, for suggestions")
	cmd.Flags().StringVar(&o.route, "route", "", "suggest only fields that this route permits; default: the route whose connector has the name")
	cmd.Flags().StringVar(&o.out, "out", "", "the file to write; default: standard output")
	cmd.Flags().StringVar(&o.schemaOut, "schema-out", "", "with CSV: where to write the schema; default: NAME.v1.json beside --out")
	return cmd
}

func (t *tool) scaffold(name string, o scaffoldOptions) error {
	var s *schemas.Schema
	var headings []string
	var err error
	if strings.EqualFold(filepath.Ext(o.from), ".csv") {
		s, headings, err = t.fromHeadings(name, &o)
	} else {
		s, err = t.schema(o.from)
	}
	if err != nil {
		return err
	}
	candidates, permitted, err := t.candidates(name, o)
	if err != nil {
		return err
	}
	entry := schemas.Entry{Name: name, Version: 1, Schema: s}
	file := o.from
	if headings != nil {
		file = o.schemaOut
	}
	if m := versioned.FindStringSubmatch(filepath.Base(file)); m != nil {
		entry.Name = m[1]
		entry.Version, _ = strconv.Atoi(m[2])
	}
	raw := mapping.Scaffold(name, entry, candidates)
	if headings != nil {
		raw = mapping.ScaffoldTable(name, entry, headings, candidates)
	}
	if o.out == "" && !*t.JSON {
		if _, err := t.Stdout.Write(raw); err != nil {
			return t.Environment(err)
		}
	} else if o.out != "" {
		if err := writeNew(o.out, raw); err != nil {
			return t.Environment(err)
		}
	}
	return t.left(name, o.out, raw, permitted)
}

// left says what a person has to decide before the table loads.
func (t *tool) left(name, out string, raw []byte, permitted func(string) (string, bool)) error {
	var problems record.Problems
	file := cmp.Or(out, name+".yaml")
	_, err := mapping.Load(file, raw, permitted)
	problems.Merge(err, "mapping.unreadable", file)
	if out != "" {
		t.say("written: %s", out)
		for _, p := range problems {
			t.say("  to do  %s", p.Error())
		}
		t.say("%d things are left to decide. Then: almasu lint", len(problems))
	}
	result := map[string]any{"mapping": out, "left": problems}
	if out == "" {
		result["table"] = string(raw)
	}
	t.Result(result)
	return nil
}

// candidates are the fields to suggest, and what loading asks the register.
func (t *tool) candidates(name string, o scaffoldOptions) ([]mapping.Candidate, func(string) (string, bool), error) {
	if o.register == "" {
		return nil, func(field string) (string, bool) { return "", field != mapping.Unchosen }, nil
	}
	reg, err := legal.Load(os.DirFS(o.register))
	if err != nil {
		return nil, nil, err
	}
	route := o.route
	for i := range reg.Routes {
		if route == "" && reg.Routes[i].Connector == name {
			route = reg.Routes[i].ID
		}
	}
	if o.route != "" && reg.Route(route) == nil {
		return nil, nil, record.NewProblem("usage.route", "", "routes stand in the register's folder routes/", "the register has no route %q", route)
	}
	permitted := func(field string) (string, bool) { return "POL-3", reg.Field(field) != nil }
	if route != "" {
		permitted = reg.Permitted(route)
	}
	var list []mapping.Candidate
	for _, f := range reg.Fields {
		if _, ok := permitted(f.ID); ok {
			list = append(list, mapping.Candidate{ID: f.ID, Names: []string{f.KK, f.RU, f.EN}})
		}
	}
	return list, permitted, nil
}

var versioned = regexp.MustCompile(`^([a-z][a-z0-9-]*)\.v([1-9][0-9]{0,3})\.(?:json|xsd)$`)

// fromHeadings makes a schema for the headings of a CSV file, writes it, and returns the headings.
func (t *tool) fromHeadings(name string, o *scaffoldOptions) (*schemas.Schema, []string, error) {
	raw, err := t.read(o.from)
	if err != nil {
		return nil, nil, err
	}
	head, _, _ := bytes.Cut(bytes.TrimPrefix(raw, []byte("\ufeff")), []byte("\n"))
	r := csv.NewReader(bytes.NewReader(head))
	for _, c := range ",;\t" {
		if bytes.ContainsRune(head, c) {
			r.Comma = c
		}
	}
	headings, err := r.Read()
	if err != nil {
		return nil, nil, record.NewProblem("input.csv", o.from, "", "the first line holds no headings")
	}
	properties := map[string]any{}
	for i, h := range headings {
		properties[mapping.ColumnName(h, i)] = map[string]any{"type": "string", "description": h}
	}
	record := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	text, err := json.MarshalIndent(map[string]any{"$schema": schemas.Dialect, "type": "object", "additionalProperties": false, "required": []string{"rows"},
		"properties": map[string]any{"rows": map[string]any{"type": "array", "items": record}}}, "", "  ")
	if err != nil {
		return nil, nil, err
	}
	text = append(text, '\n')
	s, err := schemas.Compile(text)
	if err != nil {
		return nil, nil, err
	}
	if o.schemaOut == "" {
		o.schemaOut = filepath.Join(filepath.Dir(o.out), name+".v1.json")
	}
	if err := writeNew(o.schemaOut, text); err != nil {
		return nil, nil, t.Environment(err)
	}
	t.say("# written: %s", o.schemaOut)
	return s, headings, nil
}

// writeNew writes a file that must not exist.
func writeNew(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return record.NewProblem("output.exists", name, "give another name, or move the file away", "the file exists, and is not written over")
	}
	if err != nil {
		return record.NewProblem("output.unwritable", name, "look at the rights of the folder", "the file cannot be written")
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
