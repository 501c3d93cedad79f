package watch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/mod/sumdb/note"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/parcel"
	"birgeoqy.kz/almasu/connectors/rest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// ends are a ledger, a source and a connector that do as they are told.
type ends struct {
	transfer.Ledger
	connectors.Connector
	err error
}

func (e *ends) Record(context.Context, time.Time, transfer.Work) error { return e.err }

func (e *ends) Deliver(context.Context, *signing.Envelope, *transferlog.Ticket) ([]byte, error) {
	return nil, e.err
}

func (e *ends) ReadReceipt(*signing.Envelope, []byte) (*signing.Receipt, error) { return nil, e.err }

func (e *ends) Open(context.Context, connectors.Query) (connectors.Stream, error) { return e, e.err }

func (e *ends) Next(_ context.Context, b *record.Batch, _ int) error {
	if b.Len() > 0 {
		return io.EOF
	}
	b.Add(record.Person{}, nil)
	return nil
}

func (e *ends) Snapshot() string { return "s" }
func (e *ends) Horizon() string  { return "" }
func (e *ends) Close() error     { return nil }

// TestMeter counts what becomes durable and what is attempted, and nothing that failed to become durable; labels that others choose do not get through.
func TestMeter(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMeter(registry)
	e := &ends{}
	c := &transfer.Connection{Name: "a", Source: e, Connector: e}
	m.Connect(c)
	work := transfer.Work{Connector: "a", Void: &transfer.Intent{},
		Parts: []*transfer.Part{{Read: 7, Refused: 2, Withheld: 1, Reasons: []transfer.Reason{{Kind: "refused", Rule: "CNS-1", People: 2}, {Kind: "withheld", Rule: "kz.iin", People: 1}}, Intent: &transfer.Intent{}}},
		Settlements: []*transfer.Settlement{{Outcome: transfer.Abandoned, Attempts: 4}, {Outcome: transfer.Delivered, Attempts: 1, Accepted: 3, Rejected: 1,
			Reasons: []transfer.Reason{{Kind: "rejected", Rule: "870101300123", People: 1}}}}}
	l := m.Ledger(e)
	if err := l.Record(t.Context(), time.Now(), work); err != nil {
		t.Fatal(err)
	}
	e.err = errors.New("no")
	if err := l.Record(t.Context(), time.Now(), work); err == nil {
		t.Fatal("an error was swallowed")
	}
	e.err = &connectors.Failure{Kind: connectors.Halt, Code: "log.inconsistent"}
	_, _ = c.Connector.Deliver(t.Context(), nil, nil)
	e.err = nil
	_, _ = c.Connector.Deliver(t.Context(), nil, nil)
	_, _ = c.Connector.ReadReceipt(nil, nil)
	s, err := c.Source.Open(t.Context(), connectors.Query{})
	if err != nil {
		t.Fatal(err)
	}
	b := record.NewBatch(nil, 3)
	_ = s.Next(t.Context(), b, 3)
	_ = s.Next(t.Context(), b, 3)
	m.Closed(&transfer.Report{Transfer: transfer.Transfer{Connector: "a"}, Status: transfer.Failed})
	want := `
# HELP almasu_people_total People by what became of their record, and the rule or code.
# TYPE almasu_people_total counter
almasu_people_total{code="CNS-1",connector="a",outcome="refused"} 2
almasu_people_total{code="by_recipient",connector="a",outcome="rejected"} 1
almasu_people_total{code="kz.iin",connector="a",outcome="withheld"} 1
almasu_people_total{code="none",connector="a",outcome="accepted"} 3
almasu_people_total{code="none",connector="a",outcome="read"} 7
almasu_people_total{code="none",connector="a",outcome="updated"} 0
# HELP almasu_messages_settled_total Messages by their end.
# TYPE almasu_messages_settled_total counter
almasu_messages_settled_total{connector="a",outcome="abandoned"} 1
almasu_messages_settled_total{connector="a",outcome="cancelled"} 0
almasu_messages_settled_total{connector="a",outcome="delivered"} 1
almasu_messages_settled_total{connector="a",outcome="disputed"} 0
almasu_messages_settled_total{connector="a",outcome="refused"} 0
# HELP almasu_messages_logged_total Messages whose intent was logged; void notices apart.
# TYPE almasu_messages_logged_total counter
almasu_messages_logged_total{connector="a",kind="people"} 1
almasu_messages_logged_total{connector="a",kind="void"} 1
# HELP almasu_delivery_failures_total Failed attempts by code.
# TYPE almasu_delivery_failures_total counter
almasu_delivery_failures_total{code="log.inconsistent",connector="a"} 1
# HELP almasu_delivery_attempts_total Attempts to deliver, by result: receipt, transient, refused, disputed, halt.
# TYPE almasu_delivery_attempts_total counter
almasu_delivery_attempts_total{connector="a",result="disputed"} 0
almasu_delivery_attempts_total{connector="a",result="halt"} 1
almasu_delivery_attempts_total{connector="a",result="receipt"} 1
almasu_delivery_attempts_total{connector="a",result="refused"} 0
almasu_delivery_attempts_total{connector="a",result="transient"} 0
# HELP almasu_delivery_retries_total Attempts beyond the first at messages that were settled.
# TYPE almasu_delivery_retries_total counter
almasu_delivery_retries_total{connector="a"} 3
# HELP almasu_source_people_total People read from the platform.
# TYPE almasu_source_people_total counter
almasu_source_people_total{connector="a"} 1
`
	names := []string{"almasu_people_total", "almasu_messages_settled_total", "almasu_messages_logged_total", "almasu_delivery_failures_total", "almasu_delivery_attempts_total",
		"almasu_delivery_retries_total", "almasu_source_people_total"}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// TestMeteredConnectorsAreAsked: a connector whose recipient can be asked what it holds is one also with a meter on it, and no other is.
func TestMeteredConnectorsAreAsked(t *testing.T) {
	m := NewMeter(prometheus.NewRegistry())
	for _, c := range []connectors.Connector{&rest.Connector{}, &parcel.Connector{}} {
		_, want := c.(connectors.Asker)
		conn := &transfer.Connection{Name: "a", Connector: c}
		m.Connect(conn)
		if _, got := conn.Connector.(connectors.Asker); got != want {
			t.Errorf("%T: it can be asked: %v, with a meter: %v", c, want, got)
		}
		if conn.Connector == c {
			t.Errorf("%T has no meter", c)
		}
	}
}

// TestState shows lines, the log and expiries, is ready while the store answers and a key is in force, and says why not otherwise.
func TestState(t *testing.T) {
	secret, _, err := note.GenerateKey(nil, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := transferlog.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(store.SQLite, filepath.Join(t.TempDir(), "a.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s := &State{Store: st, Now: func() time.Time { return now }, Recipients: []string{"351240000020"}, Connectors: []string{"a", "b"}, Logger: slog.New(slog.DiscardHandler),
		Expiries: []Expiry{{Kind: "seal", Name: "k", Ends: now.Add(48 * time.Hour)}}, Permitted: func() map[string]bool { return map[string]bool{"a": true} }}
	ready := func(want ...string) {
		t.Helper()
		got := s.Ready(t.Context())
		ok := len(got) == len(want)
		for i := range got {
			ok = ok && got[i].Code == want[i] && got[i].Message != ""
		}
		if !ok {
			t.Errorf("%v", got)
		}
	}
	ready("store.schema")
	if _, err := st.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready()
	if err := (lines.Book{Store: st}).SetLine(t.Context(), transfer.Line{Recipient: "351240000020", State: transfer.LineHalted, Code: "x", Since: now, Connector: "a", Message: record.NewID()}); err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"a", "over"} { // of the other the time for deciding is over
		st.DB().MustExec("INSERT INTO hold (id, connector, due, body, made, expires, state) VALUES ($1, $1, 1, '{}', $2, $3, 'open')",
			id, now.Add(-time.Hour).UnixMicro(), now.Add(time.Duration(1-i)*2*time.Hour).UnixMicro())
	}
	want := `
# HELP almasu_expiry_days Days until a key or certificate ends.
# TYPE almasu_expiry_days gauge
almasu_expiry_days{kind="seal",name="k"} 2
# HELP almasu_hold_age_seconds How long the hold has waited for a decision.
# TYPE almasu_hold_age_seconds gauge
almasu_hold_age_seconds{connector="a"} 3600
# HELP almasu_hold_seconds_left Until the hold expires and nothing of it is sent.
# TYPE almasu_hold_seconds_left gauge
almasu_hold_seconds_left{connector="a"} 7200
# HELP almasu_holds_open Holds that wait for a person's decision.
# TYPE almasu_holds_open gauge
almasu_holds_open{connector="a"} 1
almasu_holds_open{connector="b"} 0
# HELP almasu_line_state 1 for the state that the line to the recipient is in: up, down or halted.
# TYPE almasu_line_state gauge
almasu_line_state{recipient="351240000020",state="down"} 0
almasu_line_state{recipient="351240000020",state="halted"} 1
almasu_line_state{recipient="351240000020",state="up"} 0
# HELP almasu_runs_missed Runs that were missed, since the beginning.
# TYPE almasu_runs_missed gauge
almasu_runs_missed{connector="a"} 0
almasu_runs_missed{connector="b"} 0
# HELP almasu_store_up 1 if the store has answered this scrape.
# TYPE almasu_store_up gauge
almasu_store_up 1
`
	if err := testutil.CollectAndCompare(s, strings.NewReader(want), "almasu_expiry_days", "almasu_line_state", "almasu_runs_missed", "almasu_store_up",
		"almasu_holds_open", "almasu_hold_age_seconds", "almasu_hold_seconds_left"); err != nil {
		t.Error(err)
	}
	now = now.Add(72 * time.Hour)
	ready("signing.key_expired")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	ready("store.unreachable", "signing.key_expired")
	if err := testutil.CollectAndCompare(s, strings.NewReader(strings.Replace(want[strings.Index(want, "# HELP almasu_store_up"):], "_up 1\n", "_up 0\n", 1)), "almasu_store_up"); err != nil {
		t.Error(err)
	}
}
