// Package candidates opens the source of a run that compares: for everybody, or only for the people whose record may have changed since the last comparison.
//
// # What is kept
//
// For each connector and recipient a [Mark]: the horizon of the last snapshot whose read was completed and whose parts are durable, what that comparison was made
// under (its scope), and when the last full comparison began. A horizon is the source's own (see [connectors.Stream]); no clock decides who is read.
//
// # When candidates are enough
//
// A person whose rows are as they were can be decided about anew for three reasons only, and each of them makes the comparison full: what the decision or the
// record is made by is another (the scope); time has passed (the last full comparison began on an earlier day of the register's zone, or longer ago than
// the configuration says, or the clock went back); what the recipient holds has changed otherwise than by a delivery (then the mark was
// forgotten). The source itself may refuse a horizon that means nothing any more [connectors.ErrHorizon]. Why a comparison is full stands in the report.
//
// # Forgetting
//
// Whatever else changes what the recipient is to be sent forgets the mark, in its own transaction: a full comparison before it reads, so that one that is
// interrupted is followed by another; a message that ends without being delivered; everything held being made stale. Each forgetting counts
// up the mark's version, and a run keeps its own horizon only if the version is what it was when it began. So a run that failed, or was gone on with in the
// middle, keeps the older horizon, or none.
//
// # What candidates cannot tell
//
// Who is not among them may have changed nothing or be gone: a run of candidates withdraws nobody whom it has not seen. Records that the recipient has rejected or that were withheld
// are tried again when their person's rows change or the comparison is full.
package candidates

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// Mark is what is kept of comparisons over one connector with one recipient. The zero Mark is that of no comparison.
type Mark struct {
	// Version counts how often the mark was forgotten.
	Version int64
	// Horizon is of the last completed read, empty if it was forgotten; then the others mean nothing.
	Horizon string
	// Scope is what it was made under.
	Scope Scope
	// Full is when the last full comparison began.
	Full time.Time
}

// Scope is what a comparison is made under: names and values, "name value", each name once. Names and values have no line feed.
type Scope []string

// differs names what is not the same, "" if all is.
func (s Scope) differs(o Scope) string {
	for i := range max(len(s), len(o)) {
		switch {
		case i >= len(s):
			return strings.Fields(o[i])[0]
		case i >= len(o) || s[i] != o[i]:
			return strings.Fields(s[i])[0]
		}
	}
	return ""
}

// Why everybody is compared: there is nothing to go on from; the clock is before the last full comparison; that was on an earlier day, or longer ago than the configuration
// allows; the source refuses the horizon. Under is followed by the name of what is another in the scope, e.g. "compare.under.mapping".
const (
	First   = "compare.first"
	Clock   = "compare.clock"
	Day     = "compare.day"
	Term    = "compare.term"
	Horizon = "compare.horizon"
	Under   = "compare.under."
)

// Marks keeps marks.
type Marks interface {
	// Mark returns the mark of a connector and a recipient.
	Mark(ctx context.Context, connector, recipient string) (Mark, error)
	// Forget makes the mark one without a horizon, under a new version, and returns it.
	Forget(ctx context.Context, connector, recipient string) (Mark, error)
	// Keep replaces a mark if its version is still m.Version, and does nothing else.
	Keep(ctx context.Context, connector, recipient string, m Mark) error
}

// ScopeOf is the scope of a run through a gate: what decides about people and makes their records, as of a generation of the service's own blocks.
func ScopeOf(gate *legal.Gate, table *mapping.Table, schema *schemas.Schema, published record.Digest, generation int64) Scope {
	return Scope{
		"register " + gate.RegisterDigest().String(), "route " + gate.RouteDigest().String(), "policy " + gate.PolicyDigest().String(), "published-policy " + published.String(),
		"basis " + fmt.Sprintf("%q", fmt.Sprint(gate.Basis())), "fields " + strings.Join(gate.Columns(), ","),
		"mapping " + table.Digest().String(), "schema " + schema.Digest().String(), "block-list " + strconv.FormatInt(generation, 10),
	}
}

// Reader opens the source of one run.
type Reader struct {
	// Marks is nil where the run does not compare candidates: then everybody is read.
	Marks                Marks
	Source               connectors.Source
	Connector, Recipient string
	Scope                Scope
	// Now is when the run begins to read, and Every the longest time from one full comparison to the next.
	Now   time.Time
	Every time.Duration

	mark  Mark
	full  string // why everybody is read
	query connectors.Query
}

// Compared says, once the source is open, how a run that compares candidates does so: "candidates", or "full" and the code that says why.
func (r *Reader) Compared() (how, why string) {
	switch {
	case r.Marks == nil:
		return "", ""
	case r.Whole():
		return "full", r.full
	}
	return "candidates", ""
}

// Whole reports, once the source is open, whether everybody is read: of whom it is not so, nothing follows from not being seen.
func (r *Reader) Whole() bool { return r.Marks == nil || r.full != "" }

// Open opens the source for the query, with the mark's horizon if candidates are enough.
func (r *Reader) Open(ctx context.Context, q connectors.Query) (connectors.Stream, error) {
	if r.Marks == nil {
		return r.Source.Open(ctx, q)
	}
	r.query = q
	var err error
	if r.mark, err = r.Marks.Mark(ctx, r.Connector, r.Recipient); err != nil {
		return nil, err
	}
	if r.full = r.mark.full(r.Scope, r.Now, r.Every); r.full == "" {
		q.Since = r.mark.Horizon
		s, err := r.Source.Open(ctx, q)
		if !errors.Is(err, connectors.ErrHorizon) {
			return s, err
		}
		q.Since, r.full = "", Horizon
	}
	if r.mark, err = r.Marks.Forget(ctx, r.Connector, r.Recipient); err != nil {
		return nil, err
	}
	return r.Source.Open(ctx, q)
}

// Done keeps the horizon of the stream, once it was read to its end and its parts are durable. A stream that was not opened for all keys keeps nothing.
func (r *Reader) Done(ctx context.Context, s connectors.Stream) error {
	if r.Marks == nil || r.query.After != nil || r.query.Through != nil || s.Horizon() == "" {
		return nil
	}
	m := r.mark
	m.Horizon = s.Horizon()
	if r.full != "" {
		m.Full, m.Scope = r.Now, r.Scope
	}
	return r.Marks.Keep(ctx, r.Connector, r.Recipient, m)
}

// full says why candidates are not enough, "" if they are.
func (m *Mark) full(scope Scope, now time.Time, every time.Duration) string {
	day := func(t time.Time) string { return t.In(register.Zone).Format(time.DateOnly) }
	switch what := m.Scope.differs(scope); {
	case m.Horizon == "":
		return First
	case what != "":
		return Under + what
	case now.Before(m.Full):
		return Clock
	case day(now) != day(m.Full):
		return Day
	case now.Sub(m.Full) >= every:
		return Term
	}
	return ""
}
