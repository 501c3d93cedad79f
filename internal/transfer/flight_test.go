package transfer_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// together delivers nothing until so many messages are on their way at once, or the patience of the test ends.
type together struct {
	connectors.Connector
	wanted int

	mu    sync.Mutex
	here  int
	ready chan struct{}
}

func (g *together) Deliver(ctx context.Context, e *signing.Envelope, t *transferlog.Ticket) ([]byte, error) {
	g.mu.Lock()
	if g.here++; g.here == g.wanted {
		close(g.ready)
	}
	g.mu.Unlock()
	select {
	case <-g.ready:
		return g.Connector.Deliver(ctx, e, t)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestSeveralInFlight: as many messages of one transfer are on their way at once as the connection has senders, all of them logged before.
func TestSeveralInFlight(t *testing.T) {
	r := newRig(t, store.SQLite)
	r.conn.Senders = 5
	g := &together{Connector: r.conn.Connector, wanted: 5, ready: make(chan struct{})}
	r.conn.Connector = g
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	report, err := r.run(ctx, r.order())
	if err != nil || report.Totals.Delivered != report.Totals.Messages || report.Totals.Messages < 10 {
		t.Fatalf("%+v, %v: %d were on their way at once", report.Totals, err, g.here)
	}
	r.check()
}

// early answers the first attempts as a recipient does that misses an earlier number.
type early struct {
	connectors.Connector
	mu   sync.Mutex
	left int
}

func (e *early) Deliver(ctx context.Context, env *signing.Envelope, t *transferlog.Ticket) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left > 0 {
		e.left--
		return nil, &connectors.Failure{Kind: connectors.Transient, Code: "delivery.window", Err: errors.New("an earlier number is missing")}
	}
	return e.Connector.Deliver(ctx, env, t)
}

// TestMissingNumberLeavesTheLineUp: a recipient that waits for an earlier number answers; whoever has that number may bring it at once.
func TestMissingNumberLeavesTheLineUp(t *testing.T) {
	r := newRig(t, store.SQLite)
	r.conn.Connector = &early{Connector: r.conn.Connector, left: 8}
	report := r.finish(r.order())
	if report.Totals.Accepted == 0 || r.count("line is down") != 0 || r.line().State != transfer.LineUp {
		t.Errorf("%s, the line %+v", report.Totals, r.line())
	}
}

// daily puts every message where a recipient takes it that looks there once a day.
type daily struct {
	connectors.Connector

	mu     sync.Mutex
	put    map[string]bool
	opened bool
}

func (d *daily) Deliver(ctx context.Context, env *signing.Envelope, t *transferlog.Ticket) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put[env.Header().Message.String()] = true
	if d.opened {
		return d.Connector.Deliver(ctx, env, t)
	}
	return nil, &connectors.Failure{Kind: connectors.Transient, Placed: true, Code: "delivery.no_receipt_yet", Err: errors.New("there is no receipt yet")}
}

// TestARecipientThatLooksOnceADay: as many messages are put as may wait, the line stays up, and all are settled at the recipient's next look.
func TestARecipientThatLooksOnceADay(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.conn.Batch = 6
		d := &daily{Connector: r.conn.Connector, put: map[string]bool{}}
		r.conn.Connector = d
		first := r.finish(r.order())
		if len(d.put) != 16 || first.Totals.Accepted != 0 || r.count("line is down") != 0 || r.line().State != transfer.LineUp {
			r.Fatalf("%d messages are put, %s, the line %+v", len(d.put), first.Totals, r.line())
		}
		if n := r.count("delivery attempt failed", "WARN"); n != 0 {
			r.Errorf("%d warnings of what only waits", n)
		}
		d.opened = true
		second := r.finish(r.order())
		counted, err := tally.Read(r.Context(), r.store, r.clock.now())
		r.must(err)
		if len(counted.Waiting) != 0 || second.Totals.Accepted == 0 {
			r.Errorf("%+v, %s", counted.Waiting, second.Totals)
		}
	})
}
