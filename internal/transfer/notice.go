package transfer

import (
	"context"
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/outbox"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// single is the road of a transfer of one message, a notice or a table: it logs what write makes, unless an earlier run has, and brings it to its end
// or leaves it waiting. left is how many messages wait already. write returns no part if there is nothing to send.
func (r *run) single(ctx context.Context, from Progress, left int, write func(context.Context) (*Part, int64, error)) error {
	if from.Parts > 0 {
		return nil
	}
	if left >= window {
		return errStalled
	}
	part, generation, err := write(ctx)
	if err != nil || part == nil {
		return err
	}
	if err := r.record(ctx, Work{Parts: []*Part{part}, Generation: generation}); err != nil {
		return err
	}
	s, err := r.send(ctx, newMessage(part.Intent, r.report.ID, r.engine.Now(), generation))
	if err != nil || s == nil {
		return err
	}
	return r.record(ctx, Work{Settlements: s})
}

// tell is the road of a notice.
func (r *run) tell(ctx context.Context, from Progress, left int) error {
	return r.single(ctx, from, left, r.compose)
}

// compose writes the notice as the law permits now, as of a generation of blocks, as a part with one message.
func (r *run) compose(ctx context.Context) (*Part, int64, error) {
	door, generation, err := r.newDoor(ctx)
	if err != nil {
		return nil, 0, err
	}
	message, c := record.NewID(), r.conn
	w := telling.Writer{Notice: r.order.Notice, Gate: r.gate, Refusal: r.refusal, Table: c.Table, Schema: c.Schema, Source: c.Source, Resolve: door.Resolve, Header: r.header(message, 1)}
	out, err := w.Write(ctx, message)
	if err != nil {
		return nil, 0, err
	}
	r.report.Snapshot = out.Snapshot
	part := &Part{LastKey: []byte{}, Read: out.Records, Intent: &Intent{Message: message, Records: out.Records}}
	if len(out.Fields) > 0 {
		part.Decision, part.Situations = append([]byte("almasu-decision/v1\n"), r.gate.Record()...), r.gate.Situations()
		if part.Intent.Disclosure, err = transferlog.NewSet(part.Situations, out.Set.Encode); err != nil {
			return nil, 0, fmt.Errorf("encoding the disclosure set: %w", err)
		}
	}
	part.Intent.Seal = func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
		env, err := out.Seal(r.envelopeHeader(message, sequence), c.Key)
		if err != nil {
			return nil, nil, err
		}
		entry := r.intentOf(env)
		entry.Disclosure, entry.Notice, entry.About = part.Intent.Disclosure.Digest(), string(w.Notice.Act), w.Notice.About()
		return env, entry, nil
	}
	part.Intent.Outbox, _, err = outbox.Pack(r.engine.Vault, message, out.Payload, nil, nil)
	return part, generation, err
}
