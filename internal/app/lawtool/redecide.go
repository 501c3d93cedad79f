package lawtool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// redecider makes stored decisions again. A table of situations names the register and the decision that it was made under; the decision's digest covers
// the register, the route, the request, and the moment.
type redecider struct {
	ctx    context.Context
	v      *Service
	known  map[record.Digest]*legal.Register // by digest
	cases  map[record.Digest]sought          // by decision
	tables map[record.Digest]answer          // by digest of the table
}

// sought is the case of a decision, or why it was not found.
type sought struct {
	found *legal.Case
	err   error
}

// answer is a table decided again, or why it was not.
type answer struct {
	gate    *legal.Gate
	problem *record.Problem
}

// notReplayed are the codes of what cannot be decided again here; everything else that is wrong is a finding.
var notReplayed = []string{"replay.other_register", "replay.moment_unknown", "replay.no_request"}

func newRedecider(ctx context.Context, v *Service) redecider {
	return redecider{ctx: ctx, v: v, known: map[record.Digest]*legal.Register{v.Register.Digest(): v.Register}, cases: map[record.Digest]sought{}, tables: map[record.Digest]answer{}}
}

// registers loads former registers.
func (r *redecider) registers(folders []string) error {
	var problems record.Problems
	for _, dir := range folders {
		if !isFolder(dir) {
			problems.Add("usage.register", dir, "", "the register's folder cannot be read")
			continue
		}
		reg, err := legal.Load(os.DirFS(dir))
		if err != nil {
			problems.Merge(within(err, dir), "register.unreadable", dir)
			continue
		}
		r.known[reg.Digest()] = reg
	}
	return problems.Err()
}

// gate decides a stored table of situations again, once, and returns the gate that answers for each. A message that was sealed at the given time is among
// what it decided; zero if none is known. The error is a *record.Problem, or the store's.
func (r *redecider) gate(t *transfer.Report, table record.Digest, sealed time.Time) (*legal.Gate, error) {
	a, done := r.tables[table]
	if !done {
		var err error
		a.gate, err = r.decide(t, table, sealed)
		if err != nil && !errors.As(err, &a.problem) {
			return nil, err
		}
		r.tables[table] = a
	}
	if a.problem != nil {
		return nil, a.problem
	}
	return a.gate, nil
}

func (r *redecider) decide(t *transfer.Report, digest record.Digest, sealed time.Time) (*legal.Gate, error) {
	table, err := r.v.Store.Situations(r.ctx, digest)
	damaged := record.NewProblem("replay.table_damaged", "", "restore the store from a backup", "the table of situations that a set names is not stored as it was")
	if errors.Is(err, store.ErrNoSituations) || err == nil && record.DigestOf(table) != digest {
		return nil, damaged
	}
	if err != nil {
		return nil, err
	}
	var head struct {
		Register record.Digest `json:"register"`
		Route    string        `json:"route"`
		Decision record.Digest `json:"decision"`
	}
	if json.Unmarshal(table, &head) != nil {
		return nil, damaged
	}
	reg, ok := r.known[head.Register]
	if !ok {
		return nil, record.NewProblem("replay.other_register", "", "fetch the register of that day from its archive and name its folder: --register DIR",
			"the register has changed since: this was decided under %s, the register here is %s", head.Register, r.v.Register.Digest())
	}
	c, ok := r.cases[head.Decision]
	if !ok {
		c.found, c.err = r.caseOf(reg, t, head.Route, head.Decision, sealed)
		r.cases[head.Decision] = c
	}
	if c.err != nil {
		return nil, c.err
	}
	g, err := reg.Replay(*c.found, table)
	var refusal *legal.Refusal
	if errors.As(err, &refusal) {
		return nil, record.NewProblem("replay.refused", "", "", "the law refuses the run that was made: %v", refusal)
	}
	return g, err
}

// How long after its beginning a transfer's gate was opened, and how long before the first message under a decision, for the moment to be found: a transfer
// that was interrupted and taken up again has a gate, and a decision, for each part of it.
const (
	afterBeginning = 250 * time.Millisecond
	beforeSealing  = 250 * time.Millisecond
)

// caseOf finds the case that a decision was made on. What is not stored of it is tried: the moment, whether examples were admitted, and which text was published.
func (r *redecider) caseOf(reg *legal.Register, t *transfer.Report, route string, decision record.Digest, sealed time.Time) (*legal.Case, error) {
	unknown := record.NewProblem("replay.moment_unknown", "", "without --sample the first message is looked at, whose sealing bounds the moment",
		"the moment of the decision is not known: none near the transfer's beginning or the message's sealing gives its digest")
	rt := reg.Route(route)
	if rt == nil {
		return nil, unknown
	}
	c := legal.Case{Route: rt.ID, Channel: rt.Channel}
	if t.Request != "" {
		var err error
		if c.Request, err = r.v.Request(r.ctx, t.Request); err != nil {
			return nil, record.NewProblem("replay.no_request", "", "restore it from a backup", "the request that the transfer answers cannot be read: %v", err)
		}
	}
	published, err := r.v.Published()
	if err != nil {
		return nil, err
	}
	texts := []record.Digest{{}, published}
	if p := reg.PolicyAt(register.At(t.Started)); p != nil {
		texts = append(texts, p.TextDigest)
	}
	slices.SortFunc(texts, func(a, b record.Digest) int { return bytes.Compare(a[:], b[:]) })
	texts = slices.Compact(texts)
	windows := [][2]time.Time{{t.Started, t.Started.Add(afterBeginning)}}
	if !sealed.IsZero() {
		windows = append(windows, [2]time.Time{sealed.Add(-beforeSealing), sealed})
	}
	for _, w := range windows {
		for _, c.PublishedText = range texts {
			for _, c.Demo = range []bool{r.v.Demo, !r.v.Demo} {
				c.Now = w[0]
				if at, ok := momentOf(reg, c, decision, w[1]); ok {
					c.Now = at
					return &c, nil
				}
			}
		}
	}
	return nil, unknown
}

// momentOf finds the microsecond, from c.Now to last, at which the case gives the decision's digest. The record of a decision says its moment, and within a
// second nothing else in it changes but at the border of a period, so only its text is put in.
func momentOf(reg *legal.Register, c legal.Case, decision record.Digest, last time.Time) (time.Time, bool) {
	first := c.Now.Truncate(time.Microsecond)
	c.Now = first
	g, err := reg.Gate(c)
	if err != nil {
		return time.Time{}, false
	}
	if g.Decision() == decision {
		return first, true
	}
	mark := append([]byte(`"now":"`), register.At(first).String()...)
	text := g.Record()
	at := bytes.Index(text, mark)
	if at < 0 {
		return time.Time{}, false
	}
	head := append([]byte("almasu-decision/v1\n"), text[:at+len(`"now":"`)]...)
	tail := text[at+len(mark):]
	buf := make([]byte, 0, len(text)+64)
	for now := first.Add(time.Microsecond); !now.After(last); now = now.Add(time.Microsecond) {
		buf = append(append(append(buf[:0], head...), register.At(now).String()...), tail...)
		if sha256.Sum256(buf) == decision {
			return now, true
		}
	}
	return time.Time{}, false
}
