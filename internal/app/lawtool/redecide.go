package lawtool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// redecider makes stored decisions again. A table of situations names the register and the decision that it was made under; the decision's record says
// route, moment, channel, published text and the digests of register and request.
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
var notReplayed = []string{"replay.other_register", "replay.no_request"}

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

// gate decides a stored table of situations again, once, and returns the gate that answers for each. The error is a *record.Problem, or the store's.
func (r *redecider) gate(t *transfer.Report, table record.Digest) (*legal.Gate, error) {
	a, done := r.tables[table]
	if !done {
		var err error
		a.gate, err = r.decide(t, table)
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

func (r *redecider) decide(t *transfer.Report, digest record.Digest) (*legal.Gate, error) {
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
		c.found, c.err = r.caseOf(t, head.Decision)
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

// caseOf reads the case that a decision was made on from the decision's own record.
func (r *redecider) caseOf(t *transfer.Report, decision record.Digest) (*legal.Case, error) {
	body, err := r.v.Store.Situations(r.ctx, decision)
	damaged := record.NewProblem("replay.decision_damaged", "", "restore the store from a backup", "the record of a decision is not stored as it was")
	if errors.Is(err, store.ErrNoSituations) || err == nil && record.DigestOf(body) != decision {
		return nil, damaged
	}
	if err != nil {
		return nil, err
	}
	var kept struct {
		Route     string           `json:"route"`
		Now       register.Instant `json:"now"`
		Demo      bool             `json:"demo"`
		Channel   string           `json:"channel"`
		Published record.Digest    `json:"published_text"`
	}
	_, text, _ := bytes.Cut(body, []byte("\n"))
	if json.Unmarshal(text, &kept) != nil {
		return nil, damaged
	}
	c := &legal.Case{Route: kept.Route, Now: kept.Now.Time(), Demo: kept.Demo, Channel: kept.Channel, PublishedText: kept.Published}
	if t.Request != "" {
		if c.Request, err = r.v.Request(r.ctx, t.Request); err != nil {
			return nil, record.NewProblem("replay.no_request", "", "restore it from a backup", "the request that the transfer answers cannot be read: %v", err)
		}
	}
	return c, nil
}
