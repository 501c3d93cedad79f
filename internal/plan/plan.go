// Package plan says what a transfer would do, without doing it.
//
// A plan takes the road as a run does, as far as the document: the same gate, the same snapshot of the platform, the same projection, mapping and checks, the same
// blocks. Nothing is recorded, sealed or sent, and nobody gets an ordinal. It counts people by what would become of them and why, messages and bytes, and shows the shape
// of the first records: letters become x or X, digits 9.
//
// # Digest
//
// Two plans have the same digest if and only if the transfer would send the same documents to the same recipient on the same legal footing, and refuse the same number
// of people for the same reasons. It is HMAC-SHA256, under a key of the service, over
//
//	almasu-plan/v1 LF
//	the JSON array of connector, route, recipient, request, basis, purpose, fields, digests of register, route, policy, mapping and schema, batch size, LF
//	for each batch the SHA-256 of its document, written with ids of 1 and the time 1970-01-01 in its header
//	the JSON of the counts and reasons, LF
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
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/mapping"
)

// Maker makes plans.
type Maker struct {
	Register *legal.Register
	Blocks   transfer.Blocks
	// TagOf is the tag of an IIN, by which blocks name people.
	TagOf func(iin []byte) roster.Tag
	// Key keeps digests from telling anything; at least 16 bytes.
	Key []byte
	Now func() time.Time
	// Demo admits acts that are marked as examples.
	Demo bool
	// Observe, if set, is called with the number of people read so far.
	Observe func(read int)
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
	// Read = Send + Refused + Withheld, in people.
	Read     int               `json:"read"`
	Send     int               `json:"send"`
	Refused  int               `json:"refused"`
	Withheld int               `json:"withheld"`
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
// permit is a *legal.Refusal, as for a run.
func (m *Maker) Make(ctx context.Context, c *transfer.Connection, o transfer.Order, samples int) (*Plan, error) {
	if len(m.Key) < 16 {
		return nil, errors.New("a plan needs a key")
	}
	gate, err := m.Register.Gate(legal.Case{Route: c.Route, Now: m.Now(), Demo: m.Demo, Request: o.Request, Channel: c.Channel, PublishedText: o.PublishedText})
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
	source, err := c.Source.Open(ctx, connectors.Query{Fields: gate.Fields()})
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
	w := &work{maker: m, gate: gate, encoder: encoder, blocked: blocked, samples: samples, mac: hmac.New(sha256.New, m.Key), tally: map[transfer.Reason]int{}}
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
	b := record.NewBatch(gate.Fields(), c.Batch)
	for {
		err := source.Next(ctx, b, c.Batch)
		if errors.Is(err, io.EOF) {
			return w.plan, w.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("reading the source: %w", err)
		}
		if err := w.batch(b, c); err != nil {
			return nil, err
		}
	}
}

// fixed stands for the ids in a document's header.
var fixed = record.ID{15: 1}

// work is a plan in the making.
type work struct {
	maker   *Maker
	plan    *Plan
	gate    *legal.Gate
	encoder *mapping.Encoder
	blocked map[roster.Tag]struct{}
	samples int
	batches int
	mac     interface {
		io.Writer
		Sum([]byte) []byte
	}
	cleared legal.Cleared
	page    []byte
	tally   map[transfer.Reason]int
}

// footing puts into the digest what the transfer would stand on.
func (w *work) footing(c *transfer.Connection) error {
	p, g := w.plan, w.gate
	line, err := json.Marshal([]any{p.Connector, p.Route, p.Recipient, p.Request, p.Basis, p.Purpose, p.Fields, g.RegisterDigest().String(), g.RouteDigest().String(),
		g.PolicyDigest().String(), c.Table.Digest().String(), c.Schema.Digest().String(), c.Batch})
	if err != nil {
		return err
	}
	w.add(append(append([]byte("almasu-plan/v1\n"), line...), '\n'))
	return nil
}

func (w *work) add(b []byte) { _, _ = w.mac.Write(b) } // a hash takes everything

func (w *work) batch(b *record.Batch, c *transfer.Connection) error {
	for i := range b.Len() {
		p := b.Person(i)
		p.Ordinal = uint32(w.plan.Read + i + 1) // stands in for the roster's
		if len(w.blocked) > 0 {
			if _, hit := w.blocked[w.maker.TagOf(p.IIN)]; hit {
				p.Blocked = true
			}
		}
	}
	w.gate.Project(b, &w.cleared)
	w.batches++
	document, res, err := w.encoder.Encode(w.page[:0], &w.cleared, mapping.DocHeader{
		Transfer: fixed, Message: fixed, Batch: w.batches, Created: time.Unix(0, 0),
		Sender: c.Sender, Recipient: w.plan.Recipient, Route: c.Route, Purpose: w.plan.Purpose, Path: w.plan.Basis.Path, Ground: w.plan.Basis.Ground,
	})
	if err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	w.page = document
	p := w.plan
	p.Read += b.Len()
	p.Refused += len(w.cleared.Refused())
	p.Withheld += w.cleared.Len() - len(res.Rows)
	p.Send += len(res.Rows)
	for _, r := range w.cleared.Refused() {
		x := w.gate.Explain(r.Situation)
		w.tally[transfer.Reason{Kind: "refused", Rule: x.Rule, Why: x.Why}]++
	}
	last := int32(-1)
	for _, x := range res.Withheld {
		if x.Row != last { // one reason a person
			w.tally[transfer.Reason{Kind: "withheld", Rule: x.Code, Why: x.Target}]++
			last = x.Row
		}
	}
	for _, row := range res.Rows {
		if len(p.Sample) < w.samples {
			p.Sample = append(p.Sample, w.shape(int(row)))
		}
	}
	if len(res.Rows) > 0 {
		p.Messages++
		p.Bytes += int64(len(document))
		sum := sha256.Sum256(document)
		w.add(sum[:])
	}
	if w.maker.Observe != nil {
		w.maker.Observe(p.Read)
	}
	return nil
}

// shape is a record without its values.
func (w *work) shape(i int) map[string]string {
	out := map[string]string{}
	for f, name := range w.plan.Fields {
		if v, ok := w.cleared.Value(i, f); ok {
			out[name] = Mask(string(v))
		}
	}
	return out
}

func (w *work) finish() error {
	p := w.plan
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
	line, err := json.Marshal([]any{p.Read, p.Send, p.Refused, p.Withheld, p.Reasons})
	if err != nil {
		return err
	}
	w.add(append(line, '\n'))
	p.Digest = hex.EncodeToString(w.mac.Sum(nil))
	return nil
}
