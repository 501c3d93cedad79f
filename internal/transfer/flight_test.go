package transfer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
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
