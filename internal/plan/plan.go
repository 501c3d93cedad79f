// Package plan says what a transfer would do, without doing it.
//
// A plan takes the road as a run does, as far as the document: the same gate, the same snapshot of the platform, the same projection, mapping and checks, the same
// blocks, the same comparison with what the recipient has. Nothing is recorded, sealed or sent, and nobody gets an ordinal. It counts people by what would become of them and
// why, messages and bytes, and shows the shape of the first records: letters become x or X, digits 9.
//
// # Digest
//
// Two plans have the same digest if and only if the transfer would send the same documents to the same recipient on the same legal footing, and refuse the same number
// of people for the same reasons. It is HMAC-SHA256, under a key of the service, over
//
//	almasu-plan/v1 LF
//	the JSON array of connector, route, recipient, request, basis, purpose, fields, digests of register, route, policy, mapping and schema, batch size, LF
//	for each batch the SHA-256 of its document, written with ids of 1 and the time 1970-01-01 in its header
//	the JSON of the counts, of what the comparison has counted, and of the reasons, LF
//
// so that it tells nothing to who does not have the key, also of a plan that holds one person. Snapshot and time of the plan are not in it.
package plan

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
)

// Maker makes plans.
type Maker struct {
	Register *legal.Register
	Blocks   transfer.Blocks
	// Roster looks up ordinals and tags of people, for one goroutine.
	Roster *roster.Roster
	// Held is what recipients have; nil compares nobody.
	Held Held
	// Key keeps digests from telling anything; at least 16 bytes. It is the secret of the service's digests of what recipients have, too.
	Key []byte
	Now func() time.Time
	// Demo admits acts that are marked as examples.
	Demo bool
	// Observe, if set, is called with the number of people read so far.
	Observe func(read int)
}

// Held is what recipients have of each person, over each connector.
type Held interface {
	Book(ctx context.Context, connector, recipient string) (*delta.Book, error)
	// Count counts the people of whom a recipient has anything.
	Count(ctx context.Context, connector, recipient string) (int, error)
}

// Comparison is what was found by comparing people with what the recipient has, in people. A record that is withheld for its data is not counted.
type Comparison struct {
	// New are those who would be sent and of whom it has nothing, Changed those of whom it has something else, Unchanged those who would not be sent because it has just that.
	New       int `json:"new"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	// Withdrawn are those of whom it has something and who were not read, or are refused now for another reason than a block. Has is of how many it has something.
	Withdrawn int `json:"withdrawn"`
	Has       int `json:"has"`
}

// Plan is what a transfer would do.
type Plan struct {
	Connector string `json:"connector"`
	Route     string `json:"route"`
	// Recipient is the BIN.
	Recipient string         `json:"recipient"`
	Request   string         `json:"request,omitempty"`
	At        time.Time      `json:"at"`
	Snapshot  string         `json:"snapshot"`
	Basis     legal.Basis    `json:"basis"`
	Purpose   string         `json:"purpose"`
	Fields    []string       `json:"fields"`
	Denied    []legal.Denied `json:"denied,omitempty"`
	// Read = Send + Unchanged + Refused + Withheld, in people; Unchanged is in Compared, nil where everybody is sent.
	Read     int               `json:"read"`
	Send     int               `json:"send"`
	Refused  int               `json:"refused"`
	Withheld int               `json:"withheld"`
	Compared *Comparison       `json:"compared,omitempty"`
	Reasons  []transfer.Reason `json:"reasons,omitempty"`
	// Messages and Bytes are how many documents would go, and their size before transport.
	Messages int   `json:"messages"`
	Bytes    int64 `json:"bytes"`
	// Sample is the shape of the first records: the values by field.
	Sample []map[string]string `json:"sample,omitempty"`
	// Digest is 64 hexadecimal digits.
	Digest string `json:"digest"`
}

// ErrCounts is returned for a route of statistics, whose table is previewed by another way.
var ErrCounts = errors.New("the route sends counts of people")

// Make plans a run of a connection now. An order's transfer is not looked at. samples is how many records are shown. A run that the law does not
// permit is a *legal.Refusal, as for a run; whether a request is approved is left out of account, since the plan is what is approved.
func (m *Maker) Make(ctx context.Context, c *transfer.Connection, o transfer.Order, samples int) (*Plan, error) {
	if len(m.Key) < 16 {
		return nil, errors.New("a plan needs a key")
	}
	gate, err := m.Register.Gate(legal.Case{Route: c.Route, Now: m.Now(), Demo: m.Demo, Request: o.Request, Unapproved: true, Channel: c.Channel, PublishedText: o.PublishedText})
	if err != nil {
		return nil, err
	}
	if gate.Counts() {
		return nil, ErrCounts
	}
	_, blocked, err := m.Blocks.Blocked(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the blocks: %w", err)
	}
	source, err := c.Source.Open(ctx, connectors.Query{Fields: gate.Fields(), Wide: true})
	if err != nil {
		return nil, fmt.Errorf("opening the source: %w", err)
	}
	defer source.Close()
	sink, err := c.Table.Checker(ctx, c.Schema, c.Judge)
	if err != nil {
		return nil, fmt.Errorf("the schema of the mapping %s: %w", c.Name, err)
	}
	encoder, err := c.Table.Bind(gate.Fields(), sink)
	if err != nil {
		return nil, fmt.Errorf("binding the mapping %s: %w", c.Name, err)
	}
	w := &work{maker: m, conn: c, gate: gate, encoder: encoder, blocked: blocked, samples: samples, mac: hmac.New(sha256.New, m.Key), tally: map[transfer.Reason]int{}}
	w.plan = &Plan{
		Connector: c.Name, Route: c.Route, Recipient: gate.Recipient().BIN, At: m.Now(), Snapshot: source.Snapshot(), Basis: gate.Basis(), Purpose: gate.Purpose(),
		Fields: gate.Fields(), Denied: gate.Denied(),
	}
	if o.Request != nil {
		w.plan.Request = o.Request.Digest().String()
	}
	if err := w.footing(c); err != nil {
		return nil, err
	}
	if o.Request == nil && c.Compare && m.Held != nil {
		if err := w.open(ctx); err != nil {
			return nil, err
		}
	}
	b := record.NewBatch(gate.Fields(), c.Batch)
	for {
		err := source.Next(ctx, b, c.Batch)
		if errors.Is(err, io.EOF) {
			return w.plan, w.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("reading the source: %w", err)
		}
		if err := w.take(ctx, b); err != nil {
			return nil, err
		}
	}
}

func (w *work) finish() error {
	if err := w.cut(); err != nil {
		return err
	}
	p := w.plan
	if c := p.Compared; c != nil {
		c.Withdrawn = max(0, c.Has-w.kept)
	}
	for r, n := range w.tally {
		r.People = n
		p.Reasons = append(p.Reasons, r)
	}
	slices.SortFunc(p.Reasons, func(a, b transfer.Reason) int {
		if a.People != b.People {
			return b.People - a.People
		}
		return strings.Compare(a.Kind+a.Rule+a.Why, b.Kind+b.Rule+b.Why)
	})
	line, err := json.Marshal([]any{p.Read, p.Send, p.Refused, p.Withheld, p.Compared, p.Reasons})
	if err != nil {
		return err
	}
	w.add(append(line, '\n'))
	p.Digest = hex.EncodeToString(w.mac.Sum(nil))
	return nil
}
