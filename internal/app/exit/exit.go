// Package exit says what an error means outside of the program: its exit status, and the problems that people and machines are told.
//
// [Status] is the one place where errors become exit codes. An error that was wrapped by [BadInput], [Environment], [Failed] or [Held] has the code that this
// says; else a refusal by law and a store in doubt are 1, a database that does not answer, the network and files are 3, a [record.Problem] is 2, and anything
// else is 1.
package exit

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"strings"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/transfer"
)

// The exit codes.
const (
	OK            = 0 // done
	NotWell       = 1 // the transfer, the check or the verification has findings
	NotUnderstood = 2 // bad input: arguments, configuration, register, mapping, request
	NotReached    = 3 // environment: database, network, files, permissions
	Waiting       = 4 // held for approval
	WithRejects   = 5 // sent, with rejected or withheld records
)

// exitError is an error that says its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

// BadInput is err with the exit code [NotUnderstood].
func BadInput(err error) error { return &exitError{NotUnderstood, err} }

// Environment is err with the exit code [NotReached].
func Environment(err error) error { return &exitError{NotReached, err} }

// Failed is err with the exit code [NotWell].
func Failed(err error) error { return &exitError{NotWell, err} }

// Held is err with the exit code [Waiting].
func Held(err error) error { return &exitError{Waiting, err} }

// Status is the one place where errors become exit codes.
func Status(err error) int {
	var exit *exitError
	var refusal *legal.Refusal
	var problems record.Problems
	var problem *record.Problem
	var netErr net.Error
	var pathErr *fs.PathError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &refusal):
		return NotWell
	case record.CodeOf(err) == "source.database", fault.Known(fault.Wrap(err)):
		return NotReached
	case strings.HasPrefix(record.CodeOf(err), "restore."): // nothing is wrong with what was asked
		return NotWell
	case errors.As(err, &problems), errors.As(err, &problem):
		return NotUnderstood
	case errors.As(err, &netErr), errors.As(err, &pathErr), errors.Is(err, context.Canceled):
		return NotReached
	}
	return NotWell
}

// StatusOf is the exit code of a finished transfer.
func StatusOf(s transfer.Status) int {
	switch s {
	case transfer.Successful:
		return OK
	case transfer.SentWithRejects:
		return WithRejects
	}
	return NotWell
}

// Problems turns any error into problems, each with a code.
func Problems(err error) []*record.Problem {
	var ps record.Problems
	err = fault.Wrap(err)
	ps.Merge(err, "almasu.failed", "")
	if code := record.CodeOf(err); code != "" && len(ps) == 1 && ps[0].Code == "almasu.failed" {
		ps[0].Code = code
	}
	if len(ps) == 1 && ps[0].Code == "almasu.failed" {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			ps[0].Code, ps[0].Hint = "file.missing", "check the path"
		case errors.Is(err, fs.ErrExist):
			ps[0].Code, ps[0].Hint = "file.exists", "nothing is overwritten: choose another name"
		case errors.Is(err, fs.ErrPermission):
			ps[0].Code, ps[0].Hint = "file.permission", "run it as an account that has the right, or give it the right"
		}
	}
	var refusal *legal.Refusal
	if errors.As(err, &refusal) && len(ps) == 1 && ps[0].Hint == "" {
		ps[0].Hint = "see: almasu check, and docs/operations.md, \"A run is not permitted\""
		if refusal.Why == string(rules.WhyNotApproved) {
			ps[0].Hint = "two administrators other than its author approve it: almasu approve --route " + refusal.Route + " --as WHO --key FILE"
		}
	}
	return ps
}
