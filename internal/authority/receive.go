package authority

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// maxVoid bounds the document of a void notice, which carries no records.
const maxVoid = 4096

// arrival is a message on its way from the wire to the store.
type arrival struct {
	sender  *sender
	at      time.Time
	nonce   inbox.Nonce
	payload signing.Payload
	env     *signing.Envelope

	ticket  string
	state   transferlog.Checkpoint // that the ticket is against
	index   int64
	verdict verdict

	document []byte // compressed
	receipt  []byte
}

// inFile reports whether the message came in a file, which has no nonce.
func (a *arrival) inFile() bool { return a.nonce == inbox.Nonce{} }

// body is a request whose signature was proven.
type body struct {
	sender   *sender
	verified *httpsig.Verified
	bytes    []byte
	payload  signing.Payload
}

func nonceOf(v *httpsig.Verified) inbox.Nonce {
	return inbox.Nonce{KeyID: v.KeyID, Nonce: v.Nonce, Expires: v.Expires}
}

// buffers are reused for bodies and compressed documents.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// authentic reads the request's body, proves its signature, and finds who sent it. into is a buffer to reuse.
func (s *Server) authentic(r *http.Request, at time.Time, into *[]byte) (*body, error) {
	b := &body{}
	verified, err := s.verifier.Verify(r, at, func() (record.Digest, error) {
		if int64(cap(*into)) < r.ContentLength {
			*into = make([]byte, r.ContentLength)
		}
		b.bytes = (*into)[:r.ContentLength]
		if _, err := io.ReadFull(r.Body, b.bytes); err != nil {
			return record.Digest{}, refuse("request.body", "", "the body is not of the length stated")
		}
		b.payload = signing.NewPayload(b.bytes, r.Header.Get("Content-Type"))
		return b.payload.Digest(), nil
	})
	if err != nil {
		return nil, err
	}
	b.verified = verified
	if b.sender = s.owners[verified.KeyID]; b.sender == nil {
		return nil, refuse("signing.unknown_key", "", "the key belongs to no sender")
	}
	return b, nil
}

// message answers POST /v1/messages: the checks stand in the order of the package comment.
func (s *Server) message(w http.ResponseWriter, r *http.Request) error {
	at := s.now()
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	b, err := s.authentic(r, at, buffer)
	if err != nil {
		return err
	}
	a := &arrival{
		sender: b.sender, at: at, payload: b.payload, nonce: nonceOf(b.verified), ticket: r.Header.Get(httpsig.FieldTicket),
	}
	pause.At("authority.read")
	if err := s.open(a, r.Header); err != nil {
		return err
	}
	receipt, err := s.take(r.Context(), a, r.Header.Get(httpsig.FieldCheckpoint))
	if err != nil {
		return err
	}
	writeReceipt(w, receipt)
	return nil
}

// take brings a message whose envelope is open to its receipt, durably; checkpoint is the signed one in base64. A message that is refused for good
// comes back as a refusal with a receipt.
func (s *Server) take(ctx context.Context, a *arrival, checkpoint string) (receipt []byte, err error) {
	prior, err := s.prior(ctx, a)
	if err != nil {
		return nil, err
	}
	if prior != nil {
		return s.repeat(ctx, a, prior)
	}
	if err := s.admit(ctx, a, checkpoint); err != nil {
		return s.taken(ctx, a, err)
	}
	if err := s.judge(ctx, a); err != nil {
		return nil, err
	}
	if err := s.sign(a); err != nil {
		return nil, err
	}
	packed := buffers.Get().(*[]byte)
	defer buffers.Put(packed)
	if a.verdict.refused == nil {
		*packed = inbox.Pack(*packed, a.payload.Bytes())
		a.document = *packed
	}
	pause.At("authority.verified")
	if prior, err = s.keep(ctx, a); err != nil {
		return s.taken(ctx, a, err)
	}
	if prior != nil {
		return s.repeat(ctx, a, prior)
	}
	pause.At("authority.kept")
	if a.verdict.refused != nil {
		return nil, &refusal{Problem: a.verdict.refused, receipt: a.receipt}
	}
	return a.receipt, nil
}

// open verifies the envelope, compares it with the request's fields, and insists that we are the recipient.
func (s *Server) open(a *arrival, fields http.Header) error {
	env, err := signing.OpenWire(fields.Get(httpsig.FieldEnvelope), a.payload, a.sender.Ring, a.at)
	if err != nil {
		return err
	}
	a.env = env
	if err := httpsig.CheckEnvelope(fields, env); err != nil {
		return err
	}
	return s.addressed(a)
}

// addressed insists that the envelope is from the key's holder to us.
func (s *Server) addressed(a *arrival) error {
	h := a.env.Header()
	if h.Sender != a.sender.BIN {
		return refuse("message.wrong_sender", "", "the envelope names another sender than the key's holder")
	}
	if h.Recipient != s.config.BIN {
		return refuse("message.wrong_recipient", "look at the route's address", "the envelope is for another recipient")
	}
	return nil
}

// prior returns what was answered to this message before, nil if it is new. The store is asked only where the number was received:
// a message that is repeated has its old number, and an id that comes back under a new one is met in the writer.
func (s *Server) prior(ctx context.Context, a *arrival) (*inbox.Answered, error) {
	h := a.env.Header()
	a.sender.mu.Lock()
	received := a.sender.progress.Has(h.Sequence)
	a.sender.mu.Unlock()
	if !received {
		return nil, nil
	}
	return s.store.Answer(ctx, a.sender.BIN, h.Message)
}

// repeat gives the earlier answer again, whatever came since. The same id with other bytes is an alarm.
func (s *Server) repeat(ctx context.Context, a *arrival, prior *inbox.Answered) ([]byte, error) {
	if !bytes.Equal(prior.Header, a.env.HeaderBytes()) {
		return nil, s.alarm(ctx, a.sender, a.at, refuse("message.other_envelope", "a message id stands for one envelope", "this message id was received with another envelope"), evidenceOf(a.env), a.inFile())
	}
	if prior.Status == signing.StatusRefused {
		return nil, &refusal{Problem: record.NewProblem(prior.Code, "", "", "the message was refused when it was first received"), receipt: prior.Receipt}
	}
	return prior.Receipt, nil
}

// evidenceOf is the signed header of an envelope without its document.
func evidenceOf(env *signing.Envelope) []byte {
	return append(append(append(bytes.Clone(env.HeaderBytes()), '\n'), env.KeyID()...), append([]byte{' '}, base64.RawURLEncoding.EncodeToString(env.Signature())...)...)
}

// alarm stores evidence against a sender and returns the refusal, once it is durable.
func (s *Server) alarm(ctx context.Context, sd *sender, at time.Time, r *refusal, evidence []byte, once bool) error {
	s.log.Error("alarm", "sender", sd.BIN, "code", r.Code)
	return s.group.submit(ctx, func(ctx context.Context, g *group) error {
		if err := g.Raise(ctx, sd.BIN, at, r.Code, evidence, once); err != nil {
			return err
		}
		return r
	})
}

// admit checks number, checkpoint and ticket.
func (s *Server) admit(ctx context.Context, a *arrival, checkpoint string) error {
	h := a.env.Header()
	a.sender.mu.Lock()
	err := checkSequence(a.sender.progress, h.Sequence, s.config.Window)
	a.sender.mu.Unlock()
	if err != nil {
		return err
	}
	signed, err := base64.StdEncoding.Strict().DecodeString(checkpoint)
	if err != nil {
		return refuse("log.checkpoint_malformed", "", "the field %s is not base64", httpsig.FieldCheckpoint)
	}
	if a.state, err = a.sender.LogKey.Open(signed); err != nil {
		return err
	}
	if err := s.known(ctx, a, signed); err != nil {
		return err
	}
	intent, index, err := transferlog.CheckWire(a.ticket, a.state)
	if err != nil {
		return err
	}
	a.index = index
	if intent.Envelope != a.env.Digest() || !inbox.Agrees(intent, &h) {
		return refuse("log.ticket_other_message", "", "the intent in the log is not for this message")
	}
	return nil
}

const codeTaken = "sequence.duplicate_other_message"

func refuseTaken(sequence uint64) *refusal {
	return refuse(codeTaken, "the sender has given one number to two messages; compare logs", "another message with number %d was received", sequence)
}

// checkSequence says whether a new message may take the number.
func checkSequence(p *inbox.Progress, sequence, window uint64) error {
	if p.Has(sequence) {
		return refuseTaken(sequence)
	}
	if sequence-p.Lowest >= window {
		return refuse("sequence.too_far", "send the missing messages first", "number %d is %d or more beyond the lowest missing number %d", sequence, window, p.Lowest)
	}
	return nil
}

// taken turns to the case that a number is taken. By this very message, which came by another request meanwhile: it is repeated.
// Between a message and the void notice for it: the two have crossed, and a void notice is told the receipt of what came before it. Else the
// sender has used a number twice, and the header is kept as evidence. Other errors pass.
func (s *Server) taken(ctx context.Context, a *arrival, err error) ([]byte, error) {
	var r *refusal
	if !errors.As(err, &r) || r.Code != codeTaken {
		return nil, err
	}
	prior, err := s.prior(ctx, a)
	if err != nil {
		return nil, err
	}
	if prior != nil {
		return s.repeat(ctx, a, prior)
	}
	h := a.env.Header()
	holder, err := s.store.Holder(ctx, a.sender.BIN, h.Sequence)
	if err != nil {
		return nil, err
	}
	switch {
	case holder == nil:
	case h.Operation == signing.OperationVoid:
		r.receipt = holder.Receipt
		return nil, r
	case operationOf(holder.Header) == signing.OperationVoid:
		return nil, r
	}
	return nil, s.alarm(ctx, a.sender, a.at, r, evidenceOf(a.env), a.inFile())
}

// operationOf reads the operation from a header that was verified when it was stored.
func operationOf(header []byte) string {
	h, err := signing.ParseHeader(header)
	if err != nil {
		return ""
	}
	return h.Operation
}

// known insists that a checkpoint was introduced and accepted.
func (s *Server) known(ctx context.Context, a *arrival, signed []byte) error {
	sd, state := a.sender, a.state
	sd.mu.Lock()
	root, ok := sd.progress.Root(state.Size)
	held := sd.progress.Held
	sd.mu.Unlock()
	if !ok {
		var err error
		if root, ok, err = s.store.Root(ctx, sd.BIN, state.Size); err != nil {
			return err
		}
	}
	switch {
	case !ok:
		r := refuse("log.checkpoint_unknown", "post it to /v1/checkpoints with a proof first", "the checkpoint of %d entries was not introduced", state.Size)
		r.held = &held
		return r
	case root != state.Root:
		return s.alarm(ctx, sd, a.at, inconsistent(held), signed, a.inFile())
	}
	return nil
}

func inconsistent(held transferlog.Checkpoint) *refusal {
	r := refuse("log.inconsistent", "nothing more is taken under this state of the log; a person has to look", "the log is not an extension of the one that is held: it was rewritten or forked")
	r.held = &held
	return r
}

// judge checks the document. What it refuses takes its number all the same, with a receipt that says so.
func (s *Server) judge(ctx context.Context, a *arrival) (err error) {
	h := a.env.Header()
	switch j := s.judges[h.Schema]; {
	case h.Operation == signing.OperationVoid:
		if h.Records != 0 || len(a.payload.Bytes()) > maxVoid {
			a.verdict.refused = record.NewProblem("message.void", "", "", "a void notice carries no records and at most %d bytes", maxVoid)
		}
	case h.Operation == signing.OperationNotice && h.MediaType == "application/json":
		a.verdict, err = s.judgeNotice(ctx, a)
	case h.Operation == signing.OperationNotice:
		a.verdict.refused = record.NewProblem("message.media_type", "", "", "expected application/json")
	case j == nil:
		a.verdict.refused = record.NewProblem("schema.not_agreed", "", "compare the digests of the schema", "no schema with this digest was agreed on")
	default:
		var document []byte
		if document, a.verdict.refused = j.plain(a.payload.Bytes(), h.MediaType); a.verdict.refused == nil {
			a.verdict = j.judge(document, h.Records)
		}
	}
	a.verdict.records = h.Records
	return err
}

// sign makes the receipt.
func (s *Server) sign(a *arrival) error {
	h := a.env.Header()
	a.sender.mu.Lock()
	held := a.sender.progress.Held.Size
	a.sender.mu.Unlock()
	r := signing.Receipt{
		Message: h.Message, Envelope: a.env.Digest(), Sequence: h.Sequence, Recipient: h.Recipient, Received: a.at,
		Status: signing.StatusAccepted, Records: h.Records, Accepted: a.verdict.accepted(), Updated: a.verdict.updated, Rejected: a.verdict.rejected(),
		Outcomes: a.verdict.outcomes, CheckpointSize: held, LogIndex: a.index,
	}
	if a.verdict.refused != nil {
		r.Status, r.Code, r.Updated, r.Rejected, r.Outcomes = signing.StatusRefused, a.verdict.code(), 0, h.Records, nil
	}
	var err error
	if a.receipt, err = signing.SignReceipt(r, s.key); err != nil {
		return fmt.Errorf("signing a receipt: %w", err)
	}
	return nil
}

// keep stores message and receipt durably; prior is not nil if the same message came first by another request.
func (s *Server) keep(ctx context.Context, a *arrival) (prior *inbox.Answered, err error) {
	h := a.env.Header()
	err = s.group.submit(ctx, func(ctx context.Context, g *group) error {
		var err error
		if prior, err = g.Answer(ctx, a.sender.BIN, h.Message); err != nil || prior != nil {
			return err
		}
		taken, err := g.Taken(ctx, a.sender.BIN, h.Sequence)
		if err != nil {
			return err
		}
		if taken {
			return refuseTaken(h.Sequence)
		}
		if err := g.PutMessage(ctx, a.stored()); err != nil {
			return err
		}
		g.after = append(g.after, func() {
			a.sender.mu.Lock()
			defer a.sender.mu.Unlock()
			a.sender.progress.Receive(h.Sequence)
		})
		return nil
	})
	return prior, err
}

// stored is the message as it is kept.
func (a *arrival) stored() *inbox.Message {
	status := signing.StatusAccepted
	if a.verdict.refused != nil {
		status = signing.StatusRefused
	}
	return &inbox.Message{
		Sender: a.sender.BIN, Nonce: a.nonce, Received: a.at, Envelope: a.env, Document: a.document, Ticket: a.ticket, Checkpoint: a.state.Size,
		Status: status, Code: a.verdict.code(), Accepted: a.verdict.accepted(), Rejected: a.verdict.rejected(), Receipt: a.receipt,
	}
}
