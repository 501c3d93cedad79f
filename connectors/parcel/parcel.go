package parcel

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The pauses between looks for an answer double from firstLook up to lastLook.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = 2 * time.Second
)

// Connector delivers to one recipient. It is safe for concurrent use; make one with [New].
type Connector struct {
	conf  Config
	chain chain
}

var _ connectors.Connector = (*Connector)(nil)

// New returns a connector, or all problems of its configuration at once. It opens nothing.
func New(conf Config) (*Connector, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	return &Connector{conf: conf}, nil
}

// Seal returns the document as it is: it is encrypted, where that is configured, when it is put, so that the envelope vouches for the document itself.
func (c *Connector) Seal(document []byte, mediaType string) ([]byte, string, error) {
	return document, mediaType, nil
}

// Deliver makes one attempt; see the package comment. The acknowledgement is the receipt's bytes. Errors are [*connectors.Failure].
func (c *Connector) Deliver(ctx context.Context, env *signing.Envelope, ticket *transferlog.Ticket) ([]byte, error) {
	if err := connectors.Admit(env, ticket, c.conf.Recipient); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.conf.AttemptTimeout+c.conf.Wait)
	defer cancel()
	if ctx.Err() != nil {
		return nil, broken(ctx, ctx.Err())
	}
	p, shut, err := c.open(ctx)
	if err != nil {
		return nil, broken(ctx, err)
	}
	defer shut()
	a := &attempt{Connector: c, place: p, env: env, ticket: ticket}
	if ack, err := a.receipt(ctx); ack != nil || err != nil {
		return ack, err
	}
	if err := a.put(ctx); err != nil {
		return nil, err
	}
	return a.await(ctx)
}

// Visit finds out whether a parcel could be delivered now: it connects, looks into both folders, and makes and removes an empty file that nobody reads. The error is what an attempt would
// fail with, [*connectors.Failure].
func (c *Connector) Visit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*c.conf.ConnectTimeout)
	defer cancel()
	p, shut, err := c.open(ctx)
	if err != nil {
		return broken(ctx, err)
	}
	defer shut()
	for _, name := range []string{parcel.Out, parcel.In} {
		if _, err := p.Names(name); err != nil {
			return broken(ctx, err)
		}
	}
	name := partial(parcel.In + "/visit")
	if err := errors.Join(p.Put(name, nil), p.Remove(name)); err != nil {
		return broken(ctx, err)
	}
	return nil
}

// ReadReceipt verifies the receipt against the envelope by the recipient's keys of now. What is not a good receipt for this envelope is Disputed.
func (c *Connector) ReadReceipt(env *signing.Envelope, acknowledgement []byte) (*signing.Receipt, error) {
	return connectors.ReadReceipt(env, acknowledgement, c.conf.Peers, c.conf.Now())
}

// attempt is one call of Deliver.
type attempt struct {
	*Connector
	place
	env    *signing.Envelope
	ticket *transferlog.Ticket
	// former is the answer that was there before this attempt put the parcel: it is about another file, as one that was cut short and removed.
	former []byte
}

// receipt returns the bytes of the receipt, nil if there is none yet.
func (a *attempt) receipt(ctx context.Context) ([]byte, error) {
	b, err := a.Read(parcel.Out+"/"+parcel.ReceiptName(a.env.Header().Message), signing.MaxReceiptBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, errTooLarge):
		return nil, &connectors.Failure{Kind: connectors.Disputed, Code: "delivery.answer_too_large", Hint: "ask the recipient what writes these files", Err: err}
	case err != nil:
		return nil, broken(ctx, err)
	case !bytes.HasSuffix(b, []byte("\n")):
		return nil, nil // still being written, by somebody who does not know how to
	}
	return b, nil
}

// put makes sure that the parcel is there.
func (a *attempt) put(ctx context.Context) error {
	h := a.env.Header()
	name := parcel.In + "/" + parcel.Name(h.Message)
	there, err := a.standing(name)
	if err != nil || there {
		return asFailure(ctx, err)
	}
	if h.Operation == signing.OperationVoid {
		if err := a.withdraw(); err != nil {
			return broken(ctx, err)
		}
	}
	if err := a.introduce(ctx, a.place, h.Sender, a.ticket.Checkpoint(), nil); err != nil {
		return err
	}
	at, err := a.conf.LogKey.Open(a.ticket.Checkpoint())
	if err != nil {
		return connectors.Halted("delivery.bad_checkpoint", "the ticket's checkpoint is not signed by our log", err)
	}
	b, err := parcel.Write(a.env, a.ticket, at, a.conf.recipients)
	if err == nil {
		err = sweep(a.place, name)
	}
	if err == nil {
		a.former, err = a.answered()
	}
	if err == nil {
		err = a.Put(name, b)
	}
	if errors.Is(err, fs.ErrExist) { // another attempt was quicker
		_, err = a.standing(name)
	}
	return asFailure(ctx, err)
}

// standing reports whether the parcel is there already. One that is not this message's is a Halt.
func (a *attempt) standing(name string) (bool, error) {
	payload := a.env.Payload()
	limit := payload.Size()
	b, err := a.Read(name, 2*limit+(4<<20))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil && !errors.Is(err, errTooLarge) {
		return false, err
	}
	p, err := parcel.Read(b, limit)
	if err != nil || p.Wire != a.env.Wire() || !p.Encrypted && record.DigestOf(p.Stored) != payload.Digest() {
		return false, connectors.Halted("delivery.other_parcel", "look who else writes into the recipient's folder; nothing is written over",
			errors.New("under the message's name there is something else than this message"))
	}
	return true, nil
}

// withdraw removes the parcel of the message that a void notice is for.
func (a *attempt) withdraw() error {
	entry, err := transferlog.Decode(a.ticket.EntryBytes())
	if err != nil {
		return err
	}
	intent, ok := entry.(*transferlog.Intent)
	if !ok || intent.Voids.IsZero() {
		return nil
	}
	return a.Remove(parcel.In + "/" + parcel.Name(intent.Voids))
}

// await looks for an answer until the wait is over. What a later look may mend does not end it.
func (a *attempt) await(ctx context.Context) ([]byte, error) {
	pause, introduced := firstLook, false
	for waited := time.Duration(0); ; waited += pause {
		ack, err := a.receipt(ctx)
		if ack != nil || err != nil {
			return ack, err
		}
		answer, err := a.answer(ctx)
		switch {
		case err != nil:
			return nil, err
		case answer == nil:
		case answer.Code == "log.checkpoint_unknown" && answer.HeldSize != nil:
			if !introduced {
				if err := a.introduce(ctx, a.place, a.env.Header().Sender, a.noteThere(), answer.HeldSize); err != nil {
					return nil, err
				}
				introduced = true
			}
		case connectors.CarriesReceipt(a.env, answer.Code, answer.Receipt, a.conf.Peers, a.conf.Now()):
			return answer.Receipt, nil
		default:
			if f := failure(answer); f.Kind != connectors.Transient {
				return nil, f
			}
		}
		if waited >= a.conf.Wait {
			return nil, unanswered(answer)
		}
		if waited > 0 {
			pause = min(2*pause, lastLook)
		}
		pause = min(pause, a.conf.Wait-waited)
		if err := a.conf.Pause(ctx, pause); err != nil {
			return nil, broken(ctx, err)
		}
	}
}

// noteThere is the checkpoint in the parcel that is there, which may have been put with an earlier ticket than the present one.
func (a *attempt) noteThere() []byte {
	b, err := a.Read(parcel.In+"/"+parcel.Name(a.env.Header().Message), 2*a.env.Payload().Size()+(4<<20))
	if err == nil {
		if p, err := parcel.Read(b, a.env.Payload().Size()); err == nil {
			return p.Checkpoint
		}
	}
	return a.ticket.Checkpoint()
}

// answered is the file of an answer that is no receipt, nil if there is none.
func (a *attempt) answered() ([]byte, error) {
	b, err := a.Read(parcel.Out+"/"+parcel.AnswerName(a.env.Header().Message), parcel.MaxAnswerBytes)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errTooLarge) {
		return nil, nil
	}
	return b, err
}

// answer reads an answer that is no receipt; nil if there is none that verifies, or only a former one that does not bring a receipt either.
func (a *attempt) answer(ctx context.Context) (*parcel.Answer, error) {
	b, err := a.answered()
	if err != nil {
		return nil, broken(ctx, err)
	}
	if b == nil {
		return nil, nil
	}
	answer, err := parcel.OpenAnswer(b, a.conf.Peers, a.conf.Now(), a.env.Header().Message)
	if err != nil || bytes.Equal(b, a.former) && len(answer.Receipt) == 0 {
		return nil, nil
	}
	return answer, nil
}
