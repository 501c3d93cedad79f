package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/transfer"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitBadInput    = 2
	exitEnvironment = 3
	exitHeld        = 4
	exitRejects     = 5
)

// exitError is an error that says its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func badInput(err error) error    { return &exitError{exitBadInput, err} }
func environment(err error) error { return &exitError{exitEnvironment, err} }
func failed(err error) error      { return &exitError{exitFailed, err} }
func held(err error) error        { return &exitError{exitHeld, err} }

// exitCode is the one place where errors become exit codes.
func exitCode(err error) int {
	var exit *exitError
	var refusal *legal.Refusal
	var problems record.Problems
	var problem *record.Problem
	var netErr net.Error
	var pathErr *fs.PathError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &refusal):
		return exitFailed
	case record.CodeOf(err) == "source.database", fault.Known(fault.Wrap(err)):
		return exitEnvironment
	case errors.As(err, &problems), errors.As(err, &problem):
		return exitBadInput
	case errors.As(err, &netErr), errors.As(err, &pathErr), errors.Is(err, context.Canceled):
		return exitEnvironment
	}
	return exitFailed
}

// exitOf is the exit code of a finished transfer.
func exitOf(s transfer.Status) int {
	switch s {
	case transfer.Successful:
		return exitOK
	case transfer.SentWithRejects:
		return exitRejects
	}
	return exitFailed
}

// envelope is the one JSON form of every answer.
type envelope struct {
	Command  string            `json:"command"`
	OK       bool              `json:"ok"`
	Result   any               `json:"result,omitempty"`
	Problems []*record.Problem `json:"problems,omitempty"`
}

// problemsOf turns any error into problems.
func problemsOf(err error) []*record.Problem {
	var ps record.Problems
	err = fault.Wrap(err)
	ps.Merge(err, "almasu.failed", "")
	if code := record.CodeOf(err); code != "" && len(ps) == 1 && ps[0].Code == "almasu.failed" {
		ps[0].Code = code
	}
	return ps
}

// printError writes an error for people: a line each, with its hint.
func printError(w io.Writer, err error) {
	for _, p := range problemsOf(err) {
		line := strings.TrimSuffix(p.Message, " ["+p.Code+"]")
		if p.Where != "" {
			line = p.Where + ": " + line
		}
		fmt.Fprintf(w, "error: %s [%s]\n", line, p.Code)
		if p.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", p.Hint)
		}
	}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table prints rows in columns.
func table(w io.Writer, rows [][]string) {
	width := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-len([]rune(cell))+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
