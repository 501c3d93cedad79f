package formats

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/xmllint"
	"birgeoqy.kz/almasu/internal/authority/tabular"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/judging"
	"birgeoqy.kz/almasu/schemas"
)

// verdict is what is said of one document.
type verdict struct {
	File  string `json:"file"`
	Valid bool   `json:"valid"`
	// Problem says why the document cannot be read.
	Problem    *record.Problem     `json:"problem,omitempty"`
	Violations []schemas.Violation `json:"violations,omitempty"`
}

func (t *tool) validateCommand() *cobra.Command {
	var schema, validator string
	var columns []string
	cmd := &cobra.Command{
		Use:   "validate --schema SCHEMA FILE...",
		Short: "Check documents against a schema of JSON or XML",
		Long: `Every violation is told with its line, the record (counted from 0), the place inside the record, words and a code; never with a value.
Documents for an XML schema are XML. For a JSON schema they are JSON, or by the ending of their names JSON Lines, CSV or XLSX; a table's columns
are the schema's values in their order, unless --columns names them. A CSV file that is not UTF-8 is read as windows-1251.

--validator xmllint asks the program xmllint instead, for XML schemas that use what Almasu's own validator refuses; it tells lines only.

Exit code 0: all are valid; 1: one is not; 2: the schema cannot be used; 3: a file cannot be read.`,
		Example: "  almasu validate --schema schemas/birgeoqy-oblast-pupils.v1.json package.json\n  almasu validate --schema package.xsd *.xml --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case schema == "" || len(args) == 0:
				return usage(cmd, "arguments", "expected --schema and at least one document")
			case validator == "xmllint":
				return t.xmllint(cmd.Context(), schema, args)
			case validator != "":
				return usage(cmd, "validator", "the only other validator is xmllint")
			}
			s, err := t.schema(schema)
			if err != nil {
				return err
			}
			var list []verdict
			for _, file := range args {
				raw, err := t.read(file)
				if err != nil {
					return err
				}
				list = append(list, judge(s, file, raw, columns))
			}
			return t.verdicts(list)
		},
	}
	cmd.Flags().StringVar(&schema, "schema", "", "the schema's file")
	cmd.Flags().StringVar(&validator, "validator", "", "xmllint: let that program judge")
	cmd.Flags().StringSliceVar(&columns, "columns", nil, `what a table's columns are, e.g. iin,address/region,grade:integer`)
	return cmd
}

// verdicts prints what was found.
func (t *tool) verdicts(list []verdict) error {
	for _, v := range list {
		switch {
		case v.Problem != nil:
			t.say("%s", strings.TrimPrefix(v.Problem.Error(), ": "))
		case v.Valid:
			t.say("%s: valid", v.File)
		default:
			for _, one := range v.Violations {
				t.say("%s", line(v.File, one))
			}
			t.say("%s: %d violations", v.File, len(v.Violations))
		}
		if !v.Valid {
			t.Code(1)
		}
	}
	t.Result(map[string]any{"documents": list})
	return nil
}

// means says in words what a violation is; a code that is not here speaks for itself.
var means = map[string]string{
	"schema.additional_properties": "something stands here that the schema does not know",
	"schema.const":                 "it is not the one value that may stand here",
	"schema.content":               "the elements are not those, or not in the order, that the schema lists",
	"schema.enum":                  "it is none of the values that the schema lists",
	"schema.exclusive_maximum":     "the number is too great",
	"schema.exclusive_minimum":     "the number is too small",
	"schema.format":                "it is not of the form that the schema names",
	"schema.fraction_digits":       "it has too many digits after the point",
	"schema.key":                   "it stands twice, or is missing",
	"schema.keyref":                "it refers to something that is not there",
	"schema.length":                "it has not the length that the schema demands",
	"schema.max_items":             "there are too many",
	"schema.max_length":            "it is too long",
	"schema.maximum":               "the number is too great",
	"schema.min_items":             "there are too few",
	"schema.min_length":            "it is too short",
	"schema.minimum":               "the number is too small",
	"schema.nil":                   "it may not be nil, or is nil and has content",
	"schema.pattern":               "it does not fit the schema's pattern",
	"schema.required":              "it is missing",
	"schema.root":                  "the document's root is another one: is this the right schema?",
	"schema.too_many_violations":   "there are more violations, which are not listed",
	"schema.total_digits":          "it has too many digits",
	"schema.twice":                 "it stands twice",
	"schema.type":                  "it is not of the type that the schema demands",
	"schema.unexpected":            "it may not stand here",
	"schema.unexpected_attribute":  "the element may not have this attribute",
	"schema.xmllint":               "xmllint objects to this line",
}

// line is a violation for people: file, line, record, place, words, code.
func line(file string, v schemas.Violation) string {
	out := file
	if v.Line > 0 {
		out += ":" + strconv.Itoa(v.Line)
	}
	if v.Record >= 0 {
		out += fmt.Sprintf(": record %d", v.Record)
	}
	if v.Path != "" {
		out += ": " + v.Path
	}
	if words, ok := means[v.Code]; ok {
		return out + ": " + words + " [" + v.Code + "]"
	}
	return out + ": " + v.Code
}

// judge checks one document.
func judge(s *schemas.Schema, file string, raw []byte, columns []string) verdict {
	v := verdict{File: file}
	doc, first := raw, 0 // first is the line of the first record where each record has a line
	var err error
	if media, ok := tables[strings.ToLower(filepath.Ext(file))]; ok && s.XML() == nil {
		if len(columns) == 0 {
			columns = columnsOf(s)
		}
		if strings.HasPrefix(media, "text/csv") && !utf8.Valid(raw) {
			media = "text/csv; charset=windows-1251"
		}
		doc, err = tabular.JSON(raw, media, s.Records(), columns)
		first = map[string]int{".jsonl": 1, ".csv": 2}[strings.ToLower(filepath.Ext(file))]
		if bytes.Count(raw, []byte{'"'}) > 0 && first == 2 && quotedLines(raw) {
			first = 0
		}
	}
	if err == nil {
		v.Violations, err = s.CheckDocument(doc)
	}
	if err != nil {
		if !errors.As(err, &v.Problem) {
			v.Problem = record.NewProblem("input.unreadable", "", "", "the document cannot be read")
		}
		at := *v.Problem
		at.Where = strings.TrimSuffix(file+":"+strings.TrimPrefix(at.Where, "byte "), ":")
		v.Problem, v.Violations = &at, nil
		return v
	}
	if len(doc) != len(raw) || first > 0 {
		for i := range v.Violations {
			if one := &v.Violations[i]; one.Record >= 0 && first > 0 {
				one.Line = one.Record + first
			} else {
				one.Line = 0
			}
		}
	}
	v.Valid = len(v.Violations) == 0
	return v
}

// tables are the endings of names that are not documents of one JSON text.
var tables = map[string]string{".jsonl": "application/jsonl", ".csv": "text/csv; charset=utf-8",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

// quotedLines reports whether a quoted cell may hold a line end, so that lines are no records.
func quotedLines(raw []byte) bool {
	inside := false
	for _, c := range raw {
		if c == '"' {
			inside = !inside
		} else if c == '\n' && inside {
			return true
		}
	}
	return false
}

// columnsOf are the columns of a table that has every value of the schema in its order.
func columnsOf(s *schemas.Schema) []string {
	var list []string
	for _, t := range s.RecordTargets() {
		if t.Type == "integer" || t.Type == "boolean" {
			t.Path += ":" + t.Type
		}
		list = append(list, t.Path)
	}
	return list
}

// xmllint lets that program judge.
func (t *tool) xmllint(ctx context.Context, schema string, files []string) error {
	program, err := xmllint.Find()
	if err != nil {
		return t.Environment(err)
	}
	if _, err := t.read(schema); err != nil {
		return err
	}
	var list []verdict
	for _, file := range files {
		raw, err := t.read(file)
		if err != nil {
			return err
		}
		lines, err := program.Judge(ctx, schema, raw)
		v := verdict{File: file, Valid: err == nil && len(lines) == 0}
		switch record.CodeOf(err) {
		case "":
			if err != nil {
				return t.Environment(err)
			}
		case "xml.syntax":
			errors.As(err, &v.Problem)
			at := *v.Problem
			at.Where = file
			v.Problem = &at
		case "schema.unreadable":
			return err
		default:
			return t.Environment(err)
		}
		for _, n := range lines {
			v.Violations = append(v.Violations, schemas.Violation{Record: -1, Code: judging.Code, Line: n})
		}
		list = append(list, v)
	}
	return t.verdicts(list)
}
