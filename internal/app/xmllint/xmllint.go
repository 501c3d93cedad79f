// Package xmllint has the program xmllint (of libxml2) judge documents by schemas of XML, for what birgeoqy.kz/almasu/schemas/xsd refuses.
//
// A document reaches the program by its standard input: nothing of it is written to a disk. The schema's files are those that were pinned: their digest is taken again
// before each judgement. The program has no network (--nonet), no catalogs (--nocatalogs), no environment, and a minute. Its messages quote values; of them only the numbers
// of lines are kept.
//
// Codes: xmllint.missing (not installed), xmllint.timeout, xmllint.failed, xml.syntax (no well-formed document), schema.unreadable (the program cannot use the schema),
// schema.changed (its files are not those that were pinned).
package xmllint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// Program is the program as it was found.
type Program struct {
	// Path is the program's file, Limit how long one judgement may take.
	Path  string
	Limit time.Duration
}

// Find looks for the program in PATH. The error is a [*record.Problem] with the code xmllint.missing.
func Find() (*Program, error) {
	path, err := exec.LookPath("xmllint")
	if err != nil {
		return nil, record.NewProblem("xmllint.missing", "", "install libxml2-utils", "the program xmllint is not installed")
	}
	return &Program{Path: path, Limit: time.Minute}, nil
}

// violation is how a message about a violation begins; - is standard input.
var violation = regexp.MustCompile(`(?m)^-:([0-9]+): element [^ ]+: Schemas validity error`)

// Judge returns the numbers, from 1, of the lines that break the schema, in the order in which the program tells them; none if the document fits.
// The error is a [*record.Problem] with one of the package's codes, or that of ctx.
func (p *Program) Judge(ctx context.Context, schema string, doc []byte) ([]int, error) {
	file, err := filepath.Abs(schema)
	if err != nil {
		return nil, fmt.Errorf("finding the schema: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, p.Limit)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(limited, p.Path, "--noout", "--nonet", "--nocatalogs", "--schema", file, "-")
	cmd.Env, cmd.Stdin, cmd.Stderr, cmd.WaitDelay = []string{"LC_ALL=C"}, bytes.NewReader(doc), &said, time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, record.NewProblem("xmllint.timeout", "", "send smaller messages (batch)", "xmllint has not judged the document in %v", p.Limit)
	case errors.As(err, &exit) && exit.ExitCode() == 5:
		return nil, record.NewProblem("schema.unreadable", schema, "run: xmllint --noout --schema "+schema+" DOCUMENT", "xmllint cannot use the schema")
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return nil, record.NewProblem("xml.syntax", "", "", "xmllint cannot read the document")
	}
	var lines []int
	for _, m := range violation.FindAllSubmatch(said.Bytes(), -1) {
		if n, err := strconv.Atoi(string(m[1])); err == nil {
			lines = append(lines, n)
		}
	}
	if !errors.As(err, &exit) || exit.ExitCode() != 3 && exit.ExitCode() != 4 || len(lines) == 0 {
		return nil, record.NewProblem("xmllint.failed", "", "try it by hand: almasu validate --validator xmllint", "xmllint has not judged the document")
	}
	return lines, nil
}

// JudgeBy is Judge by the schema in a file that was loaded from there as s.
func (p *Program) JudgeBy(ctx context.Context, s *schemas.Schema, file string, doc []byte) ([]int, error) {
	dir := os.DirFS(filepath.Dir(file))
	now, err := schemas.Pin(dir, filepath.Base(file))
	if err != nil || now.Digest() != s.Digest() {
		return nil, record.NewProblem("schema.changed", file, "put back the files that the mapping pins, and start again", "the schema's files are not those that were loaded")
	}
	return p.Judge(ctx, file, doc)
}

// Try has the program read a schema. The error is that of JudgeBy.
func (p *Program) Try(ctx context.Context, s *schemas.Schema, file string) error {
	_, err := p.JudgeBy(ctx, s, file, []byte("<nothing/>"))
	return err
}
