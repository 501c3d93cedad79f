package exit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
)

// TestStatus has an error of each kind, alone and wrapped.
func TestStatus(t *testing.T) {
	plain, problem := errors.New("plain"), record.NewProblem("a.code", "there", "do this", "it is wrong")
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, OK},
		{plain, NotWell},
		{problem, NotUnderstood},
		{record.Problems{problem}, NotUnderstood},
		{&legal.Refusal{Rule: "ACT-1"}, NotWell},
		{record.NewProblem("source.database", "", "", "gone"), NotReached},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, NotReached},
		{&net.OpError{Op: "dial", Err: plain}, NotReached},
		{context.Canceled, NotReached},
		{BadInput(plain), NotUnderstood},
		{Environment(problem), NotReached},
		{Failed(problem), NotWell},
		{Held(plain), Waiting},
	} {
		if got := Status(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
		if c.err != nil {
			if got := Status(fmt.Errorf("doing something: %w", c.err)); got != c.want {
				t.Errorf("%v, wrapped: %d, want %d", c.err, got, c.want)
			}
		}
	}
}

// TestStatusOf: only a transfer in which everybody is accounted for is 0, and what was sent with rejects has a code of its own.
func TestStatusOf(t *testing.T) {
	for s, want := range map[transfer.Status]int{
		transfer.Successful: OK, transfer.SentWithRejects: WithRejects, transfer.InProgress: NotWell, transfer.NotPermitted: NotWell, transfer.Failed: NotWell, "": NotWell,
	} {
		if got := StatusOf(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

// TestProblems: whatever the error is, there is a code.
func TestProblems(t *testing.T) {
	a, b := record.NewProblem("a.code", "", "", "one"), record.NewProblem("b.code", "", "", "two")
	for _, c := range []struct {
		err  error
		want []string
	}{
		{errors.New("plain"), []string{"almasu.failed"}},
		{&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, []string{"file.missing"}},
		{Environment(&fs.PathError{Op: "open", Path: "x", Err: fs.ErrExist}), []string{"file.exists"}},
		{fmt.Errorf("reading: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}), []string{"file.permission"}},
		{BadInput(fmt.Errorf("doing something: %w", a)), []string{"a.code"}},
		{record.Problems{a, b}, []string{"a.code", "b.code"}},
	} {
		got := Problems(c.err)
		if len(got) != len(c.want) {
			t.Fatalf("%v: %d problems", c.err, len(got))
		}
		for i, p := range got {
			if p.Code != c.want[i] || p.Message == "" {
				t.Errorf("%v: %+v", c.err, p)
			}
		}
	}
}

// TestRefusalHasAHint: who is refused by the law is told where to look.
func TestRefusalHasAHint(t *testing.T) {
	got := Problems(fmt.Errorf("planning: %w", &legal.Refusal{Route: "r", Rule: "ADM-1", Why: "not_approved"}))
	if len(got) != 1 || got[0].Code != "legal.not_approved" || !strings.Contains(got[0].Hint, "approve --route r ") {
		t.Errorf("%+v", got[0])
	}
	if got := Problems(&legal.Refusal{Route: "r", Rule: "ACT-1", Why: "other"}); got[0].Hint == "" {
		t.Errorf("%+v", got[0])
	}
}
