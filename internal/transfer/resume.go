package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
)

// maxPayload bounds a payload taken from the outbox.
const maxPayload = 256 << 20

// probes is how many messages in a row, taken up again, may go unanswered before the rest of what waits is not tried this time.
const probes = 3

// Resume delivers what waits for the connector's recipient, in sequence order, after looking again at blocks (I5) and
// citations. It is the ordinary road from step 7 on, and what a service does after a crash.
func (e *Engine) Resume(ctx context.Context, c *Connection) error {
	_, err := e.resume(ctx, c, &line{})
	return err
}

// resume returns how many messages it has left waiting.
func (e *Engine) resume(ctx context.Context, c *Connection, l *line) (left int, err error) {
	for {
		if left, err = e.takeUpAll(ctx, c, l); !errors.Is(err, ErrBlocksMoved) {
			return left, err
		}
	}
}

func (e *Engine) takeUpAll(ctx context.Context, c *Connection, l *line) (left int, err error) {
	waiting, err := e.Ledger.Waiting(ctx, c.Name)
	if err != nil {
		return 0, fmt.Errorf("reading the outbox: %w", err)
	}
	voids := map[record.ID]*Waiting{}
	for _, w := range waiting {
		if !w.Voids.IsZero() {
			voids[w.Voids] = w
		}
	}
	unanswered := 0
	for _, w := range waiting {
		if !w.Voids.IsZero() {
			continue
		}
		settled := false
		if unanswered < probes {
			if settled, err = e.takeUp(ctx, c, l, w, voids[w.Message]); err != nil {
				return left, err
			}
		}
		if settled {
			unanswered = 0
		} else {
			unanswered, left = unanswered+1, left+1
		}
	}
	return left, nil
}

// takeUp brings one waiting message to its end, or leaves it waiting.
func (e *Engine) takeUp(ctx context.Context, c *Connection, l *line, w, void *Waiting) (settled bool, err error) {
	env, err := e.reopen(c, w)
	if err != nil {
		return false, fmt.Errorf("opening message %s from the outbox: %w", w.Message, err)
	}
	r, generation, why, err := e.lookAgain(ctx, c, w)
	if err != nil {
		return false, err
	}
	r.line = l
	m := &message{transfer: w.Transfer.ID, envelope: env, ticket: w.Ticket, logged: w.Logged, generation: generation}
	if void == nil && why == "" {
		s, err := r.send(ctx, m)
		if err != nil || s == nil {
			return false, err
		}
		return true, r.record(ctx, Work{Settlements: s})
	}
	var notice *message
	if void != nil {
		env, err := e.reopen(c, void)
		if err != nil {
			return false, fmt.Errorf("opening void notice %s from the outbox: %w", void.Message, err)
		}
		notice = &message{transfer: w.Transfer.ID, envelope: env, ticket: void.Ticket, logged: void.Logged, generation: nobody}
	}
	if why == "" && c.Deadline > 0 && e.Now().Sub(w.Logged) > c.Deadline {
		s, err := r.withdraw(ctx, m, notice, m.settle(Abandoned, codeDeadline, 0))
		if err != nil || s == nil {
			return false, err
		}
		return true, r.record(ctx, Work{Settlements: s})
	}
	if why == "" {
		why = "void.begun" // by a run that was interrupted
	}
	return r.cancel(ctx, w, m, notice, why)
}

func (r *run) record(ctx context.Context, w Work) error {
	w.Transfer, w.Connector, w.Recipient = r.report.ID, r.conn.Name, r.report.Recipient
	if err := r.engine.Ledger.Record(ctx, r.engine.Now(), w); err != nil {
		return fmt.Errorf("recording in the log: %w", err)
	}
	return nil
}

// reopen restores an envelope from its bytes at rest, verifying signature and digests.
func (e *Engine) reopen(c *Connection, w *Waiting) (*signing.Envelope, error) {
	h, err := signing.ParseHeader(w.Header)
	if err != nil {
		return nil, err
	}
	payload, err := e.unpack(nil, w.Message, w.Outbox)
	if err != nil {
		return nil, err
	}
	return signing.OpenParts(w.Header, w.KeyID, w.Signature, signing.NewPayload(payload, h.MediaType), c.Ring, h.Sealed)
}

// unpack reads a payload from its bytes at rest, into the memory of page if it fits.
func (e *Engine) unpack(page []byte, message record.ID, sealed []byte) ([]byte, error) {
	compressed, err := e.Vault.Open(outboxPurpose, message.String(), sealed)
	if err != nil {
		return nil, err
	}
	if n, err := s2.DecodedLen(compressed); err != nil || n > maxPayload {
		return nil, errors.Join(errors.New("the payload is not compressed as it should be"), err)
	}
	return s2.Decode(page[:cap(page)], compressed)
}

// lookAgain asks law and blocks about a waiting message now, as of a generation of blocks. why is the code for which it may not leave
// any more, empty if it may.
func (e *Engine) lookAgain(ctx context.Context, c *Connection, w *Waiting) (r *run, generation int64, why string, err error) {
	order := Order{Transfer: w.Transfer}
	if w.Transfer.Request != "" {
		if order.Request, err = e.Request(ctx, w.Transfer.Request); err != nil {
			return nil, 0, "", fmt.Errorf("reading request %s: %w", w.Transfer.Request, err)
		}
	}
	r = &run{engine: e, conn: c, order: order, report: &Report{Transfer: w.Transfer}}
	generation, tags, err := e.Blocks.Blocked(ctx)
	if err != nil {
		return nil, 0, "", fmt.Errorf("reading the blocks: %w", err)
	}
	if err := r.open(); err != nil {
		var refusal *legal.Refusal
		if !errors.As(err, &refusal) {
			return nil, 0, "", err
		}
		return r, generation, refusal.Rule, nil
	}
	hit, err := e.holds(ctx, w, tags)
	if err != nil {
		return nil, 0, "", err
	}
	if hit {
		why = "legal.blocked"
	}
	return r, generation, why, nil
}

// holds reports whether anybody with one of the tags is inside.
func (e *Engine) holds(ctx context.Context, w *Waiting, tags map[roster.Tag]struct{}) (bool, error) {
	if len(tags) == 0 {
		return false, nil
	}
	set, err := w.Disclosure.Disclosed()
	if err != nil {
		return false, err
	}
	ros, err := e.Roster()
	if err != nil {
		return false, err
	}
	ordinals, err := ros.FindTags(ctx, tags)
	if err != nil {
		return false, fmt.Errorf("looking up blocked people: %w", err)
	}
	return slices.ContainsFunc(ordinals, set.Contains), nil
}
