package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/line"
	"birgeoqy.kz/almasu/internal/transfer/outbox"
)

// Resume delivers what waits for the connector's recipient, in sequence order, after looking again at blocks (I5) and
// citations. It is the ordinary road from step 7 on, and what a service does after a crash. That the line is halted by another connector's message, or
// still is by one of this connector, is no error.
func (e *Engine) Resume(ctx context.Context, c *Connection) error {
	w, err := e.way(ctx, c)
	if err != nil {
		return err
	}
	before := w.Known().Objected()
	_, err = e.resume(ctx, c, w)
	var failure *connectors.Failure
	if before != nil && errors.As(err, &failure) && failure.Kind == connectors.Halt && failure.Code == before.Code {
		return nil
	}
	return err
}

// resume returns how many messages it has left waiting.
func (e *Engine) resume(ctx context.Context, c *Connection, w *line.Way) (left int, err error) {
	for {
		if left, err = e.takeUpAll(ctx, c, w); !errors.Is(err, ErrBlocksMoved) {
			return left, err
		}
	}
}

func (e *Engine) takeUpAll(ctx context.Context, c *Connection, w *line.Way) (left int, err error) {
	waiting, err := e.Ledger.Waiting(ctx, c.Name)
	if err != nil {
		return 0, fmt.Errorf("reading the outbox: %w", err)
	}
	voids := map[record.ID]*Waiting{}
	messages := waiting[:0:0]
	for _, m := range waiting {
		if m.Voids.IsZero() {
			messages = append(messages, m)
		} else {
			voids[m.Voids] = m
		}
	}
	if err := e.objectedFirst(ctx, c, w.Shared, messages); err != nil {
		return len(messages), err
	}
	for _, m := range messages {
		settled, err := e.takeUp(ctx, c, w, m, voids[m.Message])
		if err != nil {
			return left, err
		}
		if !settled {
			left++
		}
	}
	return left, nil
}

// objectedFirst puts the message that the recipient has objected to before the others: nothing else is tried before it is taken. If it is no longer
// waiting, the line is up again; if another connector's message halts the line, nothing is tried.
func (e *Engine) objectedFirst(ctx context.Context, c *Connection, l *line.Shared, messages []*Waiting) error {
	now := l.Known()
	halt := now.Objected()
	if halt == nil {
		return nil
	}
	if now.Connector != c.Name {
		return halt
	}
	i := slices.IndexFunc(messages, func(w *Waiting) bool { return w.Message == now.Message })
	if i < 0 {
		return e.lines().Answered(ctx, l, now.Message, true)
	}
	first := messages[i]
	copy(messages[1:i+1], messages[:i])
	messages[0] = first
	return nil
}

// takeUp brings one waiting message to its end, or leaves it waiting.
func (e *Engine) takeUp(ctx context.Context, c *Connection, y *line.Way, w, void *Waiting) (settled bool, err error) {
	env, err := outbox.Reopen(e.Vault, w.Message, w.Header, w.KeyID, w.Signature, w.Outbox, c.Ring)
	damaged := err != nil && env != nil && e.opensOther()
	if err != nil && !damaged {
		return false, fmt.Errorf("opening message %s from the outbox: %w", w.Message, err)
	}
	r, generation, why, err := e.lookAgain(ctx, c, w, env.Header().Operation == signing.OperationNotice)
	if err != nil {
		return false, err
	}
	if r.way = y; damaged && why == "" { // nobody can send it any more: its number is filled, and its people are sent anew
		why = "outbox.damaged"
	}
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
		env, err := outbox.Reopen(e.Vault, void.Message, void.Header, void.KeyID, void.Signature, void.Outbox, c.Ring)
		if err != nil && env != nil {
			env, err = env.Carrying(outbox.Void(w.Message))
		}
		if err != nil {
			return false, fmt.Errorf("opening void notice %s from the outbox: %w", void.Message, err)
		}
		notice = &message{transfer: w.Transfer.ID, envelope: env, ticket: void.Ticket, logged: void.Logged, generation: nobody, voids: w.Message}
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

// opensOther reports whether the vault opens something else, so that what does not open is damaged, and the key is the right one.
func (e *Engine) opensOther() bool {
	_, err := e.Roster()
	return err == nil
}

// lookAgain asks law and blocks about a waiting message now, as of a generation of blocks. why is the code for which it may not leave
// any more, empty if it may. A notice that gives no values always may.
func (e *Engine) lookAgain(ctx context.Context, c *Connection, w *Waiting, notice bool) (r *run, generation int64, why string, err error) {
	order := Order{Transfer: w.Transfer}
	if w.Transfer.Request != "" {
		if order.Request, err = e.Request(ctx, w.Transfer.Request); err != nil {
			return nil, 0, "", fmt.Errorf("reading request %s: %w", w.Transfer.Request, err)
		}
	}
	if notice {
		if order.Notice, err = e.Notice(ctx, w.Transfer.ID); err != nil {
			return nil, 0, "", fmt.Errorf("reading notice %s: %w", w.Transfer.ID, err)
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
		why = refusal.Rule
	}
	if len(w.Disclosure) == 0 {
		return r, nobody, "", nil
	}
	if why != "" {
		return r, generation, why, nil
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
