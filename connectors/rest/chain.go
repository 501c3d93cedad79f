package rest

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/signing"
)

// maxIntroduced bounds the memory of introduced checkpoints; beyond it they are asked about again.
const maxIntroduced = 4096

// chain is what the recipient holds of our log, as far as we know.
type chain struct {
	c    *Connector
	turn chan struct{} // holds one token: introductions are made one after another

	mu sync.Mutex // guards what follows
	// held is the size that the recipient stated or accepted last; 0 until something is known.
	held int64
	// introduced are the checkpoints, as signed, that the recipient has accepted.
	introduced map[string]struct{}
}

func newChain(c *Connector) *chain {
	ch := &chain{c: c, turn: make(chan struct{}, 1), introduced: map[string]struct{}{}}
	ch.turn <- struct{}{}
	return ch
}

// state returns whether a checkpoint was introduced, and the size that is held.
func (ch *chain) state(note []byte) (introduced bool, held int64) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	_, introduced = ch.introduced[string(note)]
	return introduced, ch.held
}

// accepted records that the recipient has accepted a checkpoint.
func (ch *chain) accepted(note []byte, size int64) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.held = max(ch.held, size)
	if len(ch.introduced) >= maxIntroduced {
		clear(ch.introduced)
	}
	ch.introduced[string(note)] = struct{}{}
}

// forget drops what was introduced: the recipient says that it holds a log of another size than we knew.
func (ch *chain) forget(held int64) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.held = held
	clear(ch.introduced)
}

// introduce makes the recipient accept a signed checkpoint, unless it has.
func (ch *chain) introduce(ctx context.Context, note []byte) error {
	if done, _ := ch.state(note); done {
		return nil
	}
	select {
	case <-ch.turn:
		defer func() { ch.turn <- struct{}{} }()
	case <-ctx.Done():
		return broken(ctx, ctx.Err())
	}
	done, held := ch.state(note)
	if done { // by another sender in the meantime
		return nil
	}
	checkpoint, err := ch.c.conf.LogKey.Open(note)
	if err != nil {
		return connectors.Halted("delivery.bad_checkpoint", "the ticket's checkpoint is not signed by our log", err)
	}
	for range maxIntroductions {
		pause.At("checkpoint.before")
		a, err := ch.offer(ctx, note, held, checkpoint.Size)
		if err != nil {
			return err
		}
		pause.At("checkpoint.after")
		if a.status == http.StatusOK {
			ch.accepted(note, checkpoint.Size)
			return nil
		}
		r := a.refusal()
		if a.status != http.StatusConflict || r.Code != "log.checkpoint_base" || r.HeldSize == held {
			return ch.refused(a, r)
		}
		held = r.HeldSize
		ch.forget(held)
	}
	return &connectors.Failure{Code: "delivery.checkpoint_moving", Err: errors.New("the size that the recipient holds changed with every try")}
}

// refused is the failure of an introduction. A message is not refused by it: only the log's own code has consequences beyond this attempt.
func (ch *chain) refused(a *answer, r refusal) *connectors.Failure {
	f := ch.c.failure(a, r)
	if f.Kind == connectors.Refused || f.Kind == connectors.Disputed {
		f.Kind, f.Code = connectors.Transient, "delivery.checkpoint_refused"
		f.Hint = "the recipient does not take this checkpoint: renew the ticket, and compare what it holds with almasu log verify"
	}
	return f
}

// offer posts the checkpoint with the proof from or to the size that is held.
func (ch *chain) offer(ctx context.Context, note []byte, held, size int64) (*answer, error) {
	body, err := connectors.Introduction(ctx, ch.c.conf.Prover, note, held, size)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return ch.c.post(ctx, checkpointsPath, maxRefusalBytes, request{payload: signing.NewPayload(body, "application/json"), header: header})
}
