package transfer

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/account"
	"birgeoqy.kz/almasu/internal/transfer/comparing"
	"birgeoqy.kz/almasu/internal/transfer/door"
	"birgeoqy.kz/almasu/internal/transfer/outbox"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/mapping"
)

// counter is a run's progress, in people.
type counter struct{ read, logged, settled atomic.Int64 }

func (r *run) observe() {
	if r.engine.Observe == nil {
		return
	}
	c := &r.counts
	r.engine.Observe(Event{Transfer: r.report.ID, Read: int(c.read.Load()), Logged: int(c.logged.Load()), Settled: int(c.settled.Load())})
}

// newDoor reads who is blocked, as of a generation of blocks, and opens the roster.
func (r *run) newDoor(ctx context.Context) (*door.Door, int64, error) {
	generation, blocked, err := r.engine.Blocks.Blocked(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the blocks: %w", err)
	}
	ros, err := r.engine.Roster()
	if err != nil {
		return nil, 0, fmt.Errorf("opening the roster: %w", err)
	}
	return &door.Door{Roster: ros, Blocked: blocked}, generation, nil
}

func resolveAll(ctx context.Context, d *door.Door, read <-chan *record.Batch, resolved chan<- *record.Batch) error {
	for b := range read {
		if err := d.Resolve(ctx, b); err != nil {
			return err
		}
		pause.At("resolved")
		if err := put(ctx, resolved, b); err != nil {
			return err
		}
	}
	return nil
}

// desk turns batches of resolved people into drafts: it asks the law about each, and writes the document. One goroutine.
type desk struct {
	run        *run
	encoder    *mapping.Encoder
	number     int
	after      []byte // the last key of the part before
	generation int64
	cleared    legal.Cleared
	again      legal.Cleared // of those who were gathered
	disclosed  transferlog.DisclosureSet
	refused    transferlog.RefusalSet
	table      []byte            // of situations, as of the last part
	reasons    map[uint16]Reason // of refusing situations
	pages      outbox.Memory     // of documents that are packed

	compare comparing.Comparer
	// open is the part that is being gathered, nil if none is, with the reasons of those who are refused in it; gathered are those to be sent, from several batches,
	// and digests what they would leave with the recipient, by row.
	open     *Part
	tally    account.Tally
	gathered *record.Batch
	digests  []delta.Digest
}

// MostBatches is how many batches make one part at most, however few of their people are to be sent: it bounds what is read again after an interruption.
const MostBatches = 100

// draft is a decided batch with its document, before it is sealed.
type draft struct {
	part     *Part
	message  record.ID
	document []byte
	held     []delta.Entry
}

func (d *desk) clearAll(ctx context.Context, resolved <-chan *record.Batch, free chan<- *record.Batch, drafts chan<- *draft) error {
	for b := range resolved {
		out, err := d.take(ctx, b)
		free <- b // never blocks: there is room for every batch
		if err != nil {
			return err
		}
		for _, one := range out {
			pause.At("cleared")
			if err := put(ctx, drafts, one); err != nil {
				return err
			}
		}
	}
	if d.open == nil {
		return nil
	}
	out, err := d.cut()
	if err != nil {
		return err
	}
	return put(ctx, drafts, out)
}

// take decides about a batch. Of those who may be sent it gathers whose record is another one than the recipient holds, until they make a message; a batch whose
// people are all to be sent makes one as it is.
func (d *desk) take(ctx context.Context, b *record.Batch) (out []*draft, err error) {
	d.run.gate.Project(b, &d.cleared)
	d.run.counts.read.Add(int64(b.Len()))
	err = d.compare.See(ctx, b, &d.cleared)
	if err == nil {
		err = d.compare.Compare(ctx, &d.cleared)
	}
	if err != nil {
		return nil, err
	}
	if d.open != nil && (len(d.digests)+len(d.compare.Fresh) > d.run.conn.Batch || d.open.Read >= MostBatches*d.run.conn.Batch) {
		one, err := d.cut()
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	whole := d.open == nil && len(d.compare.Fresh) == d.cleared.Len() && (d.compare.Book == nil || len(d.compare.Fresh) > 0)
	d.enter(b)
	if whole {
		d.digests = slices.Grow(d.digests, b.Len())[:b.Len()]
		for _, f := range d.compare.Fresh {
			d.digests[d.cleared.Row(f.Index)] = f.Digest
		}
		one, err := d.write(&d.cleared)
		return append(out, one), err
	}
	if d.gathered == nil {
		d.gathered = record.NewBatch(d.run.gate.Fields(), len(d.compare.Fresh))
	}
	for _, f := range d.compare.Fresh {
		d.gathered.AddFrom(b, d.cleared.Row(f.Index))
		d.digests = append(d.digests, f.Digest)
	}
	d.run.observe()
	return out, nil
}

// enter counts a batch into the part that is open, or into a new one.
func (d *desk) enter(b *record.Batch) {
	if d.open == nil {
		d.number++
		d.open = &Part{Number: d.number, AfterKey: d.after, generation: d.generation}
		d.tally = account.Tally{}
		d.refused.Reset()
		d.digests = d.digests[:0]
		if d.gathered != nil {
			d.gathered.Reset()
		}
	}
	p := d.open
	p.LastKey = append([]byte(nil), b.Person(b.Len()-1).Key...)
	p.Read, p.Unchanged = p.Read+b.Len(), p.Unchanged+d.cleared.Len()-len(d.compare.Fresh)
	d.refuse(b, &d.cleared)
}

// refuse notes who of a batch is refused, and why.
func (d *desk) refuse(b *record.Batch, c *legal.Cleared) {
	for _, x := range c.Refused() {
		d.refused.Add(x.Situation, b.Person(int(x.Row)).Ordinal)
		d.tally.Add(d.reason(x.Situation))
		d.open.Refused++
	}
}

// cut ends the part that is open with a message of those who were gathered.
func (d *desk) cut() (*draft, error) {
	if len(d.digests) > 0 {
		d.run.gate.Project(d.gathered, &d.again)
		d.refuse(d.gathered, &d.again)
		return d.write(&d.again)
	}
	out := &draft{part: d.open}
	d.after, d.open = d.open.LastKey, nil
	return out, d.account(out, nil, nil)
}

// write ends the part that is open with the document of the cleared.
func (d *desk) write(c *legal.Cleared) (*draft, error) {
	out := &draft{message: record.NewID(), part: d.open}
	d.after, d.open = d.open.LastKey, nil
	doc, res, err := d.encoder.Encode(d.pages.Take(), c, d.run.header(out.message, out.part.Number))
	if err != nil {
		return nil, fmt.Errorf("writing the document: %w", err)
	}
	out.document, out.part.Withheld = doc, c.Len()-len(res.Rows)
	return out, d.account(out, c, res)
}

// header is what the document can say about its transfer.
func (r *run) header(message record.ID, number int) mapping.DocHeader {
	return mapping.DocHeader{
		Transfer: r.report.ID, Message: message, Batch: number, Sender: r.conn.Sender, Recipient: r.report.Recipient,
		Route: r.conn.Route, Purpose: r.report.Purpose, Path: r.report.Basis.Path, Ground: r.report.Basis.Ground, Created: r.engine.Now(), Marks: r.gate.Marks(),
	}
}

// account writes down who is sent with which fields, and who is not and why; res is nil if nobody is to be sent.
func (d *desk) account(out *draft, c *legal.Cleared, res *mapping.Result) error {
	part, table := out.part, d.run.gate.Situations()
	if d.table == nil {
		part.Decision = append([]byte("almasu-decision/v1\n"), d.run.gate.Record()...)
	}
	if !bytes.Equal(table, d.table) {
		d.table, part.Situations = table, table
	}
	if part.Refused > 0 {
		set, err := transferlog.NewSet(d.table, d.refused.Encode)
		if err != nil {
			return fmt.Errorf("encoding the refusal set: %w", err)
		}
		part.Refusal = set
	}
	if res == nil {
		part.Reasons = d.tally.Reasons
		return nil
	}
	last := int32(-1)
	for _, w := range res.Withheld {
		if w.Row != last { // one reason a person
			d.tally.Add(Reason{Kind: "withheld", Rule: w.Code, Why: w.Target})
			last = w.Row
		}
	}
	part.Reasons = d.tally.Reasons
	if len(res.Rows) == 0 {
		return nil
	}
	d.disclosed.Reset()
	reads := d.encoder.Mask()
	for _, row := range res.Rows {
		d.disclosed.Add(c.Situation(int(row)), c.Mask(int(row))&reads, c.Ordinal(int(row)))
		if d.compare.Hasher != nil {
			out.held = append(out.held, delta.Entry{Ordinal: c.Ordinal(int(row)), Digest: d.digests[c.Row(int(row))]})
		}
	}
	set, err := transferlog.NewSet(d.table, d.disclosed.Encode)
	if err != nil {
		return fmt.Errorf("encoding the disclosure set: %w", err)
	}
	part.Intent = &Intent{Message: out.message, Records: len(res.Rows), Disclosure: set}
	return nil
}

func (d *desk) reason(situation uint16) Reason {
	why, ok := d.reasons[situation]
	if !ok {
		x := d.run.gate.Explain(situation)
		why = Reason{Kind: "refused", Rule: x.Rule, Why: x.Why}
		d.reasons[situation] = why
	}
	return why
}

// packer compresses and seals documents at rest, and prepares their intents. From here on a message is its bytes at rest, until it is sent. One
// goroutine.
type packer struct {
	run     *run
	scratch []byte
	sent    outbox.Memory // of messages that are settled
	pages   outbox.Memory // of documents that are packed
}

func (p *packer) packAll(ctx context.Context, drafts <-chan *draft, parts chan<- *Part) error {
	for d := range drafts {
		if err := p.pack(d); err != nil {
			return err
		}
		if d.document != nil {
			p.pages.Give(d.document)
		}
		pause.At("packed")
		if err := put(ctx, parts, d.part); err != nil {
			return err
		}
	}
	return nil
}

// pack refers to the draft's document no more when it returns.
func (p *packer) pack(d *draft) error {
	i := d.part.Intent
	if i == nil {
		return nil
	}
	sealed, mediaType, err := p.run.conn.Connector.Seal(d.document, p.run.conn.Table.MediaType())
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	payload := signing.NewPayload(sealed, mediaType)
	if i.Outbox, p.scratch, err = outbox.Pack(p.run.engine.Vault, i.Message, payload, p.sent.Take(), p.scratch); err != nil {
		return fmt.Errorf("sealing for the outbox: %w", err)
	}
	if i.Held, err = delta.SealList(p.run.engine.Vault, i.Message, d.held); err != nil {
		return fmt.Errorf("sealing what the recipient will hold: %w", err)
	}
	i.Seal = p.run.sealer(i, payload.Bare())
	return nil
}

// sealer returns the closure that makes an intent's envelope and log entry once its sequence number is known.
func (r *run) sealer(i *Intent, payload signing.Payload) func(uint64) (*signing.Envelope, *transferlog.Intent, error) {
	return func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
		h := r.envelopeHeader(i.Message, sequence)
		h.Operation, h.Fields, h.Records = signing.OperationProvide, r.report.Fields, i.Records
		env, err := signing.Seal(h, payload, r.conn.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("sealing: %w", err)
		}
		entry := r.intentOf(env)
		entry.Disclosure = i.Disclosure.Digest()
		return env, entry, nil
	}
}

// envelopeHeader is what every envelope of the run says. Without a gate, which only a notice without values can do without, it names no decision.
func (r *run) envelopeHeader(message record.ID, sequence uint64) signing.Header {
	rep := r.report
	h := signing.Header{
		Transfer: rep.ID, Message: message, Sequence: sequence, Sender: r.conn.Sender, Recipient: rep.Recipient, Register: r.engine.Register().Digest(),
		Route: r.conn.Route, Connector: r.conn.Name, Purpose: rep.Purpose, Path: rep.Basis.Path, Clause: rep.Basis.Clause, Ground: rep.Basis.Ground,
		Mapping: r.conn.Table.Digest(), Schema: r.conn.Schema.Digest(), Sealed: r.engine.Now(),
	}
	if r.gate != nil {
		h.Decision, h.Register, h.Policy = r.gate.Decision(), r.gate.RegisterDigest(), r.gate.PolicyDigest()
	}
	return h
}

// intentOf is the log entry of an envelope.
func (r *run) intentOf(env *signing.Envelope) *transferlog.Intent {
	h := env.Header()
	return &transferlog.Intent{
		Transfer: h.Transfer, Message: h.Message, Sequence: h.Sequence, Connector: h.Connector, Route: h.Route, Recipient: h.Recipient,
		Purpose: h.Purpose, Path: h.Path, Clause: h.Clause, Ground: h.Ground, Procedure: r.report.Basis.Procedure, Request: r.requestDigest(),
		Decision: h.Decision, Register: h.Register, Policy: h.Policy, Mapping: h.Mapping, Schema: h.Schema,
		Envelope: env.Digest(), Payload: h.Payload, Fields: h.Fields, Records: h.Records,
		Actor: r.report.Actor, Snapshot: r.report.Snapshot,
	}
}

func (r *run) requestDigest() record.Digest {
	if r.order.Request == nil {
		return record.Digest{}
	}
	return r.order.Request.Digest()
}
