package parcel

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/parcel"
)

// maxIntroduced bounds the memory of introduced checkpoints.
const maxIntroduced = 4096

// chain is which states of our log the recipient holds, or will hold when it has read what waits for it.
type chain struct {
	mu sync.Mutex // guards what follows; introductions are made one after another
	// end is what the chain of introductions reaches, as far as we have made it ourselves.
	end int64
	// introduced are the checkpoints, as signed, that were introduced.
	introduced map[string]struct{}
}

// introduce puts the introduction of a signed checkpoint, unless that was done. held, if not nil, is what the recipient says to hold, and undoes what was thought before.
func (c *Connector) introduce(ctx context.Context, p place, sender string, note []byte, held *int64) error {
	at, err := c.conf.LogKey.Open(note)
	if err != nil {
		return connectors.Halted("delivery.bad_checkpoint", "the ticket's checkpoint is not signed by our log", err)
	}
	ch := &c.chain
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if held != nil {
		ch.end, ch.introduced = 0, nil
	} else if _, done := ch.introduced[string(note)]; done {
		return nil
	} else {
		now, err := c.heldNow(p, sender)
		if err != nil {
			return broken(ctx, err)
		}
		held = &now
	}
	end, err := waiting(p, sender, *held) // others may introduce states too: another connector to this recipient
	if err != nil {
		return broken(ctx, err)
	}
	ch.end = max(ch.end, end)
	body, err := connectors.Introduction(ctx, c.conf.Prover, note, ch.end, at.Size)
	if err != nil {
		return err
	}
	name := parcel.In + "/" + parcel.CheckpointName(sender, ch.end, at.Size)
	if err := p.Put(name, body); err != nil && !errors.Is(err, fs.ErrExist) { // what is there leads from and to the same sizes
		return broken(ctx, err)
	}
	ch.end = max(ch.end, at.Size)
	if ch.introduced == nil || len(ch.introduced) >= maxIntroduced {
		ch.introduced = map[string]struct{}{}
	}
	ch.introduced[string(note)] = struct{}{}
	return nil
}

// heldNow is the size that the recipient's status says it holds; 0 if there is none that verifies.
func (c *Connector) heldNow(p place, sender string) (int64, error) {
	b, err := p.Read(parcel.Out+"/"+parcel.StatusName(sender), parcel.MaxAnswerBytes)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errTooLarge) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	held, err := parcel.HeldSize(b, c.conf.Peers, c.conf.Now(), sender)
	if err != nil {
		return 0, nil // an introduction from the wrong size is answered with the right one
	}
	return held, nil
}

// waiting follows the introductions that wait for the recipient, from the size that it holds.
func waiting(p place, sender string, from int64) (int64, error) {
	names, err := p.Names(parcel.In)
	if err != nil {
		return 0, err
	}
	next := map[int64]int64{}
	for _, name := range names {
		if s, a, b, ok := parcel.IntroductionOf(name); ok && s == sender && b > a {
			next[a] = max(next[a], b)
		}
	}
	for next[from] > from {
		from = next[from]
	}
	return from, nil
}
