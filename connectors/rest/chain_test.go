package rest

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
)

var quiet = log.New(io.Discard, "", 0)

func TestIntroductionAfterRestartOfEitherSide(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	c := rc.connect(s)
	for range 5 {
		env, ticket := s.message(payload(10))
		deliver(t, c, env, ticket)
	}
	c = rc.connect(s) // we have forgotten what the recipient holds, and learn it from its answer
	env, ticket := s.message(payload(10))
	deliver(t, c, env, ticket)
	if n := rc.count(checkpointsPath); n != 7 || rc.held.Size != 6 {
		t.Fatalf("%d introductions, %d held", n, rc.held.Size)
	}
	env, ticket = s.message(payload(10))
	rc.loseMemory()
	deliver(t, c, env, ticket) // introduced from the size that the recipient states
	env2, ticket2 := s.message(payload(10))
	deliver(t, c, env2, ticket2)
	rc.loseMemory()
	third, ticketThird := s.message(payload(10))
	deliver(t, rc.connect(s), third, ticketThird)
	rc.loseMemory()
	delete(rc.receipts, env.Header().Message.String())
	before := rc.count(messagesPath)
	deliver(t, c, env, ticket) // answered checkpoint_unknown, introduced and sent again in one attempt
	if n := rc.count(messagesPath) - before; n != 2 {
		t.Fatalf("%d posts of the message", n)
	}
	if c.chain.held != rc.held.Size {
		t.Fatalf("the recipient holds %d entries, and we believe %d", rc.held.Size, c.chain.held)
	}
}

func TestOlderCheckpointIsIntroducedLate(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	c := rc.connect(s)
	one, ticketOne := s.message(payload(10))
	two, ticketTwo := s.message(payload(10))
	deliver(t, c, two, ticketTwo)
	deliver(t, c, one, ticketOne)
	if rc.held.Size != 2 || c.chain.held != 2 {
		t.Fatalf("held %d, known %d", rc.held.Size, c.chain.held)
	}
}

// fork is another log under the same key.
func fork(s *sender) *sender {
	return &sender{t: s.t, key: s.key, log: s.log}
}

func TestRewrittenLogHalts(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	for range 3 {
		env, ticket := s.message(payload(10))
		deliver(t, rc.connect(s), env, ticket)
	}
	secret, rewritten := rc.held, fork(s)
	var err error
	for range 5 {
		env, ticket := rewritten.message(payload(10))
		_, err = rc.connect(rewritten).Deliver(t.Context(), env, ticket)
		var f *connectors.Failure
		if !errors.As(err, &f) || f.Kind != connectors.Halt {
			t.Fatalf("log of %d entries: %v", len(rewritten.mem.Entries), err)
		}
		if n := len(rewritten.mem.Entries); n < 3 {
			wantFailure(t, err, connectors.Halt, "log.recipient_ahead")
		} else {
			wantFailure(t, err, connectors.Halt, "log.inconsistent")
		}
	}
	if rc.held != secret || len(rc.receipts) != 3 {
		t.Fatal("the rewritten log left traces")
	}
}

func TestIntroductionFailures(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		held   int64
		kind   connectors.Kind
		want   string
	}{
		"busy":             {503, "", 0, connectors.Transient, "delivery.busy"},
		"refused":          {400, "malformed", 0, connectors.Transient, "delivery.checkpoint_refused"},
		"strange success":  {204, "", 0, connectors.Transient, "delivery.checkpoint_refused"},
		"keys":             {401, "signing.unknown_key", 0, connectors.Halt, "delivery.keys"},
		"fork":             {409, "log.inconsistent", 0, connectors.Halt, "log.inconsistent"},
		"same base again":  {409, "log.checkpoint_base", 0, connectors.Transient, "delivery.checkpoint_refused"},
		"longer than ours": {409, "log.checkpoint_base", 99, connectors.Halt, "log.recipient_ahead"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSender(t)
			rc := newReceiver(t, s, true)
			rc.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				refuse(w, c.status, c.code, c.held)
				return true
			}
			env, ticket := s.message(payload(10))
			_, err := rc.connect(s).Deliver(t.Context(), env, ticket)
			wantFailure(t, err, c.kind, c.want)
			if rc.count(messagesPath) != 0 {
				t.Fatal("the message left without its checkpoint")
			}
		})
	}
}

// A recipient that always answers the same is not asked for ever.
func TestRepetitionsAreBounded(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	env, ticket := s.message(payload(10))
	for range 30 {
		s.message(payload(10))
	}
	rc.before = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		refuse(w, http.StatusConflict, "log.checkpoint_base", int64(1+n%20))
		return true
	}
	_, err := rc.connect(s).Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Transient, "delivery.checkpoint_moving")
	if n := rc.count(checkpointsPath); n != maxIntroductions {
		t.Fatalf("%d introductions", n)
	}
	rc = newReceiver(t, s, true)
	rc.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path == messagesPath {
			refuse(w, http.StatusConflict, "log.checkpoint_unknown", 0)
		}
		return true
	}
	_, err = rc.connect(s).Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Refused, "delivery.refused")
	if n := rc.count(messagesPath); n != 1+maxUnknownAnswers {
		t.Fatalf("%d posts", n)
	}
}

// noProver is a prover whose log cannot be read.
type noProver struct{}

// Consistency implements [Prover].
func (noProver) Consistency(context.Context, int64, int64) (tlog.TreeProof, error) {
	return nil, errors.New("disk")
}

func TestNoProofAndForeignCheckpoint(t *testing.T) {
	s := newSender(t)
	rc := newReceiver(t, s, true)
	env, ticket := s.message(payload(10))
	deliver(t, rc.connect(s), env, ticket)
	env, ticket = s.message(payload(10))
	_, err := rc.connect(s, func(c *Config) { c.Prover = noProver{} }).Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Transient, "delivery.no_proof")
	_, err = rc.connect(s, func(c *Config) { c.LogKey = newSender(t).log.PublicKey() }).Deliver(t.Context(), env, ticket)
	wantFailure(t, err, connectors.Halt, "delivery.bad_checkpoint")
}

func TestMemoryOfIntroductionsIsBounded(t *testing.T) {
	ch := newChain(nil)
	for i := range maxIntroduced + 10 {
		ch.accepted([]byte{byte(i), byte(i >> 8)}, int64(i))
	}
	if len(ch.introduced) > maxIntroduced || ch.held != maxIntroduced+9 {
		t.Fatal(len(ch.introduced), ch.held)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(409, []byte(`{"code":"log.checkpoint_base","held_size":3}`), "7")
	f.Add(200, []byte(`[]`), "Sun, 22 Nov 2026 10:30:00 GMT")
	c := &Connector{conf: Config{Now: func() time.Time { return testTime }, MaxRetryAfter: time.Hour}}
	f.Fuzz(func(t *testing.T, status int, body []byte, retry string) {
		a := &answer{status: status, body: body, retryAfter: retry}
		r := a.refusal()
		failure := c.failure(a, r)
		if failure.Code == "" || r.HeldSize < 0 || failure.RetryAfter < 0 || failure.RetryAfter > time.Hour {
			t.Fatalf("%+v", failure)
		}
		if strings.ContainsAny(failure.Remote, " \n\"<>@") || len(failure.Remote) > 64 {
			t.Fatalf("the recipient's words became a code: %q", failure.Remote)
		}
	})
}
