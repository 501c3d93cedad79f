package connectortest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// play treats a message by an act. take checks and keeps it.
func (p *Peer) play(ctx context.Context, w http.ResponseWriter, act Act, take func(reject bool) answer, env *signing.Envelope) {
	cut := func() { panic(http.ErrAbortHandler) }
	switch act {
	case CutBefore:
		cut()
	case CutAfter:
		take(false)
		cut()
	case Silent:
		<-ctx.Done()
		return
	case SilentAfter:
		take(false)
		<-ctx.Done()
		return
	case Slow:
		a := take(false)
		_, _ = w.Write(a.receipt[:min(10, len(a.receipt))])
		w.(http.Flusher).Flush()
		<-ctx.Done()
		return
	case ServerError, ServerErrorAfter:
		if act == ServerErrorAfter {
			take(false)
		}
		w.WriteHeader(http.StatusInternalServerError)
		return
	case Busy:
		a := refuse(http.StatusTooManyRequests, "limit.rate", 0)
		a.busy = true
		a.write(w)
		return
	case Forked:
		refuse(http.StatusConflict, "log.inconsistent", 0).write(w)
		return
	case Distrusts:
		refuse(http.StatusUnauthorized, "signing.unknown_key", 0).write(w)
		return
	case Dismisses:
		refuse(http.StatusBadRequest, "message.malformed", 0).write(w)
		return
	case Refuses:
		p.mu.Lock()
		a := p.refuseSigned(env)
		p.mu.Unlock()
		a.write(w)
		return
	case Doubled:
		take(false)
	}
	a := take(act == RejectsOne)
	if a.receipt == nil {
		a.write(w)
		return
	}
	p.spoil(ctx, w, act, a, env)
}

// lie makes a receipt that no honest program would sign, in its canonical form and well signed.
func (p *Peer) lie(act Act, env *signing.Envelope) []byte {
	h := env.Header()
	r := signing.Receipt{V: 1, Message: h.Message, Envelope: env.Digest(), Sequence: h.Sequence, Recipient: h.Recipient, Receiver: p.key.ID(), Received: p.now().UTC().Truncate(time.Microsecond),
		Status: signing.StatusAccepted, Records: h.Records, Accepted: h.Records, CheckpointSize: p.held.Size}
	switch act {
	case BadSum:
		r.Accepted--
	case BadPlace:
		r.Accepted, r.Rejected, r.Outcomes = h.Records-1, 1, []signing.Outcome{{Index: h.Records, Status: signing.StatusRejected, Code: "schema.pattern"}}
	case Silence:
		r.Accepted, r.Rejected, r.Outcomes = h.Records-2, 2, []signing.Outcome{{Index: 0, Status: signing.StatusRejected, Code: "schema.pattern"}}
	}
	b, err := signing.SignLine("almasu-receipt/v1\n", r.Append(nil), p.key)
	if err != nil {
		p.t.Error(err)
	}
	return b
}

// spoil answers to a message that was kept.
func (p *Peer) spoil(ctx context.Context, w http.ResponseWriter, act Act, a answer, env *signing.Envelope) {
	h := env.Header()
	full := signing.Receipt{Status: signing.StatusAccepted, Accepted: h.Records}
	switch act {
	case Forged:
		a.receipt = p.sign(env, full, NewKey(p.t))
	case OtherBytes, Miscounted:
		r := full
		r.Message, r.Envelope, r.Sequence, r.Recipient, r.Records = h.Message, env.Digest(), h.Sequence, h.Recipient, h.Records
		r.Received = p.now()
		if act == OtherBytes {
			r.Envelope = record.DigestOf([]byte("other"))
		} else {
			r.Records, r.Accepted = r.Records+1, r.Accepted+1
		}
		var err error
		if a.receipt, err = signing.SignReceipt(r, p.key); err != nil {
			p.t.Error(err)
		}
	case BadSum, BadPlace, Silence:
		a.receipt = p.lie(act, env)
	case Garbled:
		a.receipt = append([]byte(nil), a.receipt...)
		a.receipt[len(a.receipt)/2] ^= 1
	case NoReceipt:
		w.WriteHeader(http.StatusNoContent)
		return
	case Huge:
		w.Header().Set("Content-Length", strconv.Itoa(signing.MaxReceiptBytes*100))
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-ctx.Done()
		return
	case Endless:
		for ctx.Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
		return
	}
	a.write(w)
}
