package authority

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"birgeoqy.kz/almasu/internal/authority/box"
	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// intake is one look into a folder.
type intake struct {
	*Server
	box        *box.Box
	identities []age.Identity
	found      box.Intake
	// inconsistent are the introduced checkpoints, as signed, that contradict what is held.
	inconsistent map[string]error
}

// Receive looks once into a folder of parcels (package internal/parcel): it takes introductions of states and parcels, by the same checks in the same
// order as requests, and leaves receipts, answers and the signed status of each sender. The error is for what no single file is to blame for.
func (s *Server) Receive(ctx context.Context, dir string, identities []age.Identity) (*box.Intake, error) {
	folder, err := box.Open(dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	in := &intake{Server: s, box: folder, identities: identities, inconsistent: map[string]error{}, found: box.Intake{Waiting: []box.Waiting{}}}
	for progress := true; progress; {
		before := in.found.States + in.found.Taken
		in.found.Waiting = in.found.Waiting[:0]
		names, err := in.box.Names()
		if err == nil {
			err = in.states(ctx, names)
		}
		if err == nil {
			err = in.parcels(ctx, names)
		}
		if err != nil {
			return nil, err
		}
		progress = in.found.States+in.found.Taken > before && len(in.found.Waiting) > 0 // what waited for others may be taken now
	}
	for bin, sd := range s.senders {
		b, err := s.status(ctx, sd, s.now(), nil)
		if err == nil {
			err = in.box.Write(parcel.StatusName(bin), b)
		}
		if err != nil {
			return nil, fmt.Errorf("writing the status of sender %s: %w", bin, err)
		}
	}
	return &in.found, nil
}

// wait notes a file that stays, if the error is about the file.
func (in *intake) wait(name string, err error) error {
	var p *record.Problem
	if !errors.As(err, &p) {
		return fmt.Errorf("%s: %w", name, err)
	}
	hint := p.Hint
	if p.Code == "log.checkpoint_unknown" || p.Code == "log.checkpoint_base" {
		hint = "wait: the sender's next run introduces it"
	}
	in.found.Waiting = append(in.found.Waiting, box.Waiting{File: name, Code: p.Code, Text: p.Message, Hint: hint})
	return nil
}

// states takes introductions, each from the state that is held when its turn comes.
func (in *intake) states(ctx context.Context, names []string) error {
	type step struct {
		name     string
		from, to int64
	}
	var steps []step
	for _, name := range names {
		if _, from, to, ok := parcel.IntroductionOf(name); ok {
			steps = append(steps, step{name, from, to})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return int(min(a.from+a.to, 1<<40)) - int(min(b.from+b.to, 1<<40)) })
	for _, one := range steps {
		bin, _, _, _ := parcel.IntroductionOf(one.name)
		switch err := in.state(ctx, bin, one.name); {
		case err == nil:
			in.found.States++
			if err := in.box.Take(one.name); err != nil {
				return err
			}
		case errors.Is(err, fs.ErrNotExist):
		default:
			if err := in.wait(one.name, err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *intake) state(ctx context.Context, bin, name string) error {
	sd := in.senders[bin]
	if sd == nil {
		return refuse("signing.unknown_key", "compare the sender's BIN with those under senders in the configuration", "the file names a sender that is not configured")
	}
	b, err := in.box.Read(name, maxUpdate)
	if err != nil {
		return err
	}
	u, err := readState(sd, b, in.now())
	if err != nil {
		return err
	}
	_, err = in.advance(ctx, sd, u)
	if record.CodeOf(err) == "log.inconsistent" {
		in.inconsistent[string(u.Signed)] = err
	}
	return err
}

// parcels takes parcels; one that has its receipt is removed.
func (in *intake) parcels(ctx context.Context, names []string) error {
	for _, name := range names {
		message, ok := parcel.MessageOf(name)
		if !ok {
			continue
		}
		a := &arrival{at: in.now()}
		receipt, err := in.parcel(ctx, a, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // withdrawn by the sender meanwhile
		}
		var r *refusal
		if errors.As(err, &r) && r.receipt != nil && r.Code != codeTaken {
			receipt, err = r.receipt, nil
			in.found.Refused++
		}
		if err == nil && a.env.Header().Message != message {
			err = record.NewProblem("parcel.malformed", "", "remove it, and ask who has copied or renamed it", "the file has the name of another message")
		}
		if err == nil {
			err = in.done(name, message, receipt)
		} else {
			err = in.answer(a, name, message, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// done leaves the receipt, and then removes the parcel.
func (in *intake) done(name string, message record.ID, receipt []byte) error {
	pause.At("authority.parcel_kept")
	if err := in.box.Write(parcel.ReceiptName(message), receipt); err != nil {
		return fmt.Errorf("writing a receipt: %w", err)
	}
	pause.At("authority.receipt_written")
	in.found.Taken++
	return errors.Join(in.box.Recall(parcel.AnswerName(message)), in.box.Take(name))
}

// answer leaves the reason why a parcel is not taken. A void notice that came too late has got its answer; any other parcel stays.
func (in *intake) answer(a *arrival, name string, message record.ID, err error) error {
	out := parcel.Answer{Message: message.String(), At: a.at.UTC().Format(time.RFC3339), Code: record.CodeOf(err)}
	if a.env != nil {
		out.Envelope = a.env.Digest().String()
	}
	var p *record.Problem
	if errors.As(err, &p) {
		out.Text, out.Hint = p.Message, p.Hint
	}
	var r *refusal
	if errors.As(err, &r) {
		out.Receipt = r.receipt
		if r.held != nil {
			out.HeldSize = &r.held.Size
		}
	}
	late := out.Receipt != nil
	if !late {
		if err := in.wait(name, err); err != nil {
			return err
		}
	}
	b, serr := out.Sign(in.key)
	if serr == nil {
		serr = in.box.Write(parcel.AnswerName(message), b)
	}
	if serr == nil && late {
		in.found.Taken++
		serr = in.box.Take(name)
	}
	if serr != nil {
		return fmt.Errorf("writing an answer: %w", serr)
	}
	return nil
}

// parcel takes one parcel and returns its receipt.
func (in *intake) parcel(ctx context.Context, a *arrival, name string) ([]byte, error) {
	limit := in.config.Limits.BodyBytes
	b, err := in.box.Read(name, 2*limit+(4<<20))
	if err != nil {
		return nil, err
	}
	p, err := parcel.Read(b, limit)
	if err != nil {
		return nil, err
	}
	if parts := strings.Split(p.Wire, "."); len(parts) == 3 {
		a.sender = in.owners[parts[1]]
	}
	if a.sender == nil {
		return nil, refuse("signing.unknown_key", "ask the sender for its sealing key, and compare fingerprints by telephone", "the envelope is signed by a key that belongs to no sender")
	}
	document, err := p.Document(in.identities, limit)
	if err != nil {
		return nil, err
	}
	a.payload, a.ticket = signing.NewPayload(document, p.MediaType), p.Ticket
	if a.env, err = signing.OpenWire(p.Wire, a.payload, a.sender.Ring, a.at); err != nil {
		return nil, err
	}
	if err := in.addressed(a); err != nil {
		return nil, err
	}
	state, err := a.sender.LogKey.Open(p.Checkpoint)
	if err != nil {
		return nil, err
	}
	_, index, err := transferlog.CheckWire(p.Ticket, state)
	if err != nil {
		return nil, err
	}
	if err := p.CheckManifest(a.env, index, state); err != nil {
		return nil, err
	}
	receipt, err := in.take(ctx, a, base64.StdEncoding.EncodeToString(p.Checkpoint))
	if err != nil && record.CodeOf(err) == "log.checkpoint_unknown" && in.inconsistent[string(p.Checkpoint)] != nil {
		return nil, in.inconsistent[string(p.Checkpoint)]
	}
	return receipt, err
}
