package transfer_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/connectors/rest"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/store/notices"
	chunks "birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

const (
	connector = "ministry-statute"
	people    = 300
	batch     = 20
)

var began = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// clock is a clock that waiting moves: no test sleeps.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// rig is a service of real parts in a folder, and a receiver that misbehaves on script.
type rig struct {
	*testing.T
	kind     store.Kind
	dsn      string
	w        *setup.Example
	clock    *clock
	register *legal.Register
	set      *schemas.Set
	vault    *vault.Vault
	secret   string // of the log
	tags     []byte // the key of pseudonyms
	seal     *signing.Key
	peer     *connectortest.Peer
	platform *sqlx.DB

	// What restart makes anew.
	store  *store.Store
	engine *transfer.Engine
	conn   *transfer.Connection
	// Hooks into the next process: around every Record, before every Next of a stream, instead of waiting.
	before, after func(w transfer.Work) error
	next          func(batch int) error
	waits         func(ctx context.Context, d time.Duration) error
	logged        *bytes.Buffer
}

// onBoth runs f with a service on a store of each kind.
func onBoth(t *testing.T, f func(r *rig)) {
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		t.Run(string(kind), func(t *testing.T) { f(newRig(t, kind)) })
	}
}

func newRig(t *testing.T, kind store.Kind) *rig { t.Helper(); return newRigOf(t, kind, people, batch) }

// newRigOf is a rig with a platform of another size.
func newRigOf(t *testing.T, kind store.Kind, people, batch int) *rig {
	t.Helper()
	r := &rig{T: t, kind: kind, clock: &clock{at: began}}
	r.w = &setup.Example{Dir: t.TempDir(), Now: began, People: people, Batch: batch}
	r.must(r.w.Build(t.Context()))
	var err error
	r.register, err = legal.Load(os.DirFS(r.w.Path("register")))
	r.must(err)
	r.set, err = schemas.LoadSet(os.DirFS(r.w.Path("schemas")))
	r.must(err)
	r.vault, err = vault.Parse(r.read("keys", setup.VaultKeyFile))
	r.must(err)
	r.tags, err = hex.DecodeString(strings.TrimSpace(string(r.read("keys", setup.PseudonymKeyFile))))
	r.must(err)
	r.secret = string(r.read("keys", setup.LogKeyFile))
	keyset, err := signing.ParseKeyset("k", r.read("keys", setup.SealKeyFile))
	r.must(err)
	r.seal, err = keyset.Entries[0].Key(func(name string) ([]byte, error) { return r.read("keys", name), nil })
	r.must(err)
	r.platform, err = sqlx.Open("sqlite", "file:"+r.w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
	r.must(err)
	t.Cleanup(func() { _ = r.platform.Close() })
	log := r.log()
	recipient := r.register.Recipient(r.register.Route(connector).Recipient)
	r.peer = connectortest.NewPeer(t, recipient.BIN, r.ring(), log.PublicKey(), r.clock.now)
	if kind == store.SQLite {
		r.dsn = filepath.Join(t.TempDir(), "almasu.db")
	} else {
		r.dsn = pgtest.New(t).DSN
	}
	r.restart()
	_, err = r.store.Migrate(t.Context())
	r.must(err)
	return r
}

func (r *rig) read(elements ...string) []byte {
	b, err := os.ReadFile(r.w.Path(elements...))
	r.must(err)
	return b
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) log() *transferlog.Log {
	log, err := transferlog.New(r.secret)
	r.must(err)
	return log
}

// endsAtVoid resumes, and ends the process when a void notice is logged and not delivered.
func (r *rig) endsAtVoid() {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	r.after = func(w transfer.Work) error {
		if w.Void != nil {
			cancel()
		}
		return nil
	}
	if err := r.engine.Resume(ctx, r.conn); !errors.Is(err, context.Canceled) {
		r.Fatal(err)
	}
}

func (r *rig) ring() *signing.Keyring { return connectortest.RingOf(r.T, r.seal) }

// restart is a new process on the same store: nothing of the engine before is left. Hooks are gone.
func (r *rig) restart() {
	r.Helper()
	r.before, r.after, r.next, r.waits = nil, nil, nil, nil
	r.logged = &bytes.Buffer{}
	if r.store != nil {
		_ = r.store.Close()
	}
	var err error
	r.store, err = store.Open(r.kind, r.dsn, r.log())
	r.must(err)
	opened := r.store
	opened.Protect(r.vault)
	r.Cleanup(func() { _ = opened.Close() })
	relations, err := platform.LoadConfig("platform.yaml", r.read("platform.yaml"))
	r.must(err)
	source, err := platform.New(relations, r.platform)
	r.must(err)
	table := r.table(string(r.read("mapping", connector+".yaml")))
	entry, ok := r.set.Find(table.Schema().Digest)
	if !ok {
		r.Fatal("no schema")
	}
	r.conn = &transfer.Connection{
		Name: connector, Route: connector, Channel: "rest", Sender: r.register.Operator.BIN, Source: hookedSource{source, r}, Connector: r.connect(opened),
		Table: table, Schema: entry.Schema, Key: r.seal, Ring: r.ring(), Batch: r.w.Batch, Senders: 3, Patience: 20 * time.Second, Deadline: 72 * time.Hour,
	}
	r.engine = &transfer.Engine{
		Ledger: hookedLedger{opened, r}, Blocks: opened, Lines: lines.Book{Store: opened}, Vault: r.vault, Now: r.clock.now, Demo: true,
		Roster: func() (*roster.Roster, error) {
			return chunks.Open(context.Background(), opened.People(), opened.Periods(), r.vault, r.clock.now(), r.tags)
		}, Register: func() *legal.Register { return r.register },
		Notice: func(ctx context.Context, id record.ID) (*telling.Notice, error) {
			n, err := notices.Of(ctx, opened, id)
			if n == nil {
				return nil, err
			}
			return &n.Notice, err
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			r.clock.add(d)
			if r.waits != nil {
				if err := r.waits(ctx, d); err != nil {
					return err
				}
			}
			return ctx.Err()
		},
		Logger: slog.New(slog.NewTextHandler(&locked{w: r.logged}, nil)),
	}
}

// table is a mapping of the rig's connector.
func (r *rig) table(text string) *mapping.Table {
	r.Helper()
	table, err := mapping.Load(connector+".yaml", []byte(text), r.register.Permitted(connector))
	r.must(err)
	return table
}

// locked makes a buffer safe for several goroutines.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.w.Write(b) }

func (r *rig) connect(s *store.Store) *rest.Connector {
	c, err := rest.New(rest.Config{
		BaseURL: r.peer.URL(), CA: r.peer.CA(), Recipient: r.register.Recipient(r.register.Route(connector).Recipient).BIN, Key: r.seal, Peers: r.peer.Keys(),
		LogKey: r.log().PublicKey(), Prover: prover{s}, Now: r.clock.now, AttemptTimeout: 2 * time.Second,
	})
	r.must(err)
	r.Cleanup(c.Close)
	return c
}

type prover struct{ *store.Store }

func (p prover) Consistency(ctx context.Context, from, to int64) (tlog.TreeProof, error) {
	return p.Store.Consistency(ctx, from, to)
}

type hookedLedger struct {
	*store.Store
	r *rig
}

func (h hookedLedger) Record(ctx context.Context, at time.Time, w transfer.Work) error {
	if h.r.before != nil {
		if err := h.r.before(w); err != nil {
			return err
		}
	}
	err := h.Store.Record(ctx, at, w)
	if err == nil && h.r.after != nil {
		err = h.r.after(w)
	}
	return err
}

type hookedSource struct {
	connectors.Source
	r *rig
}

type hookedStream struct {
	connectors.Stream
	r *rig
	n int
}

func (h hookedSource) Open(ctx context.Context, q connectors.Query) (connectors.Stream, error) {
	s, err := h.Source.Open(ctx, q)
	return &hookedStream{Stream: s, r: h.r}, err
}

func (h *hookedStream) Next(ctx context.Context, b *record.Batch, n int) error {
	h.n++
	if h.r.next != nil {
		if err := h.r.next(h.n); err != nil {
			return err
		}
	}
	return h.Stream.Next(ctx, b, n)
}

// order is a new transfer.
func (r *rig) order() transfer.Order {
	return transfer.Order{Transfer: transfer.Transfer{ID: record.NewID(), Connector: connector, Route: connector, Trigger: transfer.RunNow, Due: r.clock.now(),
		Started: r.clock.now(), Actor: "tester", Reason: "test"}}
}

func (r *rig) run(ctx context.Context, o transfer.Order) (*transfer.Report, error) {
	return r.engine.Run(ctx, r.conn, o)
}

// finish runs a transfer to its end and checks the world.
func (r *rig) finish(o transfer.Order) *transfer.Report {
	r.Helper()
	report, err := r.run(r.Context(), o)
	r.must(err)
	r.check()
	return report
}

// world is what the log says and what the receiver has.
type world struct {
	intents  map[record.ID]*transferlog.Intent
	outcomes map[record.ID]*transferlog.Settlement
	runs     []*transferlog.Run
	// people counts the records of each person at the receiver by IIN, once records by transfer and IIN.
	people map[string]int
	once   map[string]bool
}

// check verifies the whole log offline, and compares it with what the receiver has kept: what is delivered is there, what is there is
// delivered, disputed or pending, nobody is there twice, and every attempt at a message sent the same bytes (I2, I3, I4).
func (r *rig) check() *world {
	r.Helper()
	w := &world{intents: map[record.ID]*transferlog.Intent{}, outcomes: map[record.ID]*transferlog.Settlement{}, people: map[string]int{}, once: map[string]bool{}}
	var file bytes.Buffer
	out := evidence.NewWriter(&file, r.log().PublicKey(), r.clock.now())
	r.must(r.store.Export(r.Context(), out))
	r.must(out.Close())
	recipient := r.register.Recipient(r.register.Route(connector).Recipient).BIN
	r.must(evidence.CheckAll(&file, evidence.Options{
		LogKey: r.log().PublicKey(), Keyrings: map[string]*signing.Keyring{recipient: r.peer.Keys()},
		Observe: func(_ int64, e transferlog.Entry) {
			switch e := e.(type) {
			case *transferlog.Intent:
				w.intents[e.Message] = e
			case *transferlog.Settlement:
				w.outcomes[e.Message] = e
			case *transferlog.Run:
				w.runs = append(w.runs, e)
			}
		},
	}))
	kept := map[record.ID]bool{}
	for _, m := range r.peer.Kept() {
		kept[m.Header.Message] = true
		s := w.outcomes[m.Header.Message]
		switch {
		case w.intents[m.Header.Message] == nil:
			r.Error("a message arrived without an intent")
		case s != nil && s.Outcome != transferlog.Delivered && s.Outcome != transferlog.Disputed:
			r.Errorf("message %d has arrived, and the log says %s", m.Header.Sequence, s.Outcome)
		case s != nil && s.Outcome == transferlog.Delivered && s.Accepted != m.Records:
			r.Errorf("message %d: %d records taken, the log says %d", m.Header.Sequence, m.Records, s.Accepted)
		}
		if m.Header.Operation == signing.OperationProvide {
			w.read(r, m)
		}
	}
	for id, s := range w.outcomes {
		if s.Outcome == transferlog.Delivered && !kept[id] {
			r.Errorf("message %d is delivered in the log only", s.Sequence)
		}
	}
	seen := map[record.ID]connectortest.Message{}
	for _, m := range r.peer.Arrived() {
		if w.intents[m.Header.Message] == nil {
			r.Error("a message left without an intent")
		}
		if first, again := seen[m.Header.Message]; again && (first.Wire != m.Wire || !bytes.Equal(first.Payload, m.Payload)) {
			r.Errorf("message %d was sent in two forms", m.Header.Sequence)
		}
		seen[m.Header.Message] = m
	}
	return w
}

func (w *world) read(r *rig, m connectortest.Message) {
	r.Helper()
	doubled := 0
	for _, iin := range iins(r, m.Payload) {
		w.people[iin]++
		key := m.Header.Transfer.String() + iin
		if w.once[key] {
			doubled++
		}
		w.once[key] = true
	}
	if doubled > 0 {
		r.Errorf("message %d: %d people have arrived before", m.Header.Sequence, doubled)
	}
}

func iins(r *rig, document []byte) (out []string) {
	var d struct {
		Pupils []struct {
			IIN string `json:"iin"`
		} `json:"pupils"`
	}
	r.must(json.Unmarshal(document, &d))
	for _, p := range d.Pupils {
		out = append(out, p.IIN)
	}
	return out
}

var (
	baseline     []string
	baselineOnce sync.Once
)

// everybody lists whom an undisturbed transfer sends.
func everybody(t *testing.T) []string {
	baselineOnce.Do(func() {
		t.Run("baseline", func(t *testing.T) {
			r := newRig(t, store.SQLite)
			report := r.finish(r.order())
			w := r.check()
			for iin := range w.people {
				baseline = append(baseline, iin)
			}
			slices.Sort(baseline)
			if report.Totals.Accepted != len(baseline) || len(baseline) < 100 || report.Totals.Refused < 5 || report.Totals.Messages < 10 || report.Totals.Read != people {
				t.Fatalf("%s", report.Totals)
			}
		})
	})
	return baseline
}

// complete insists that everybody arrived, but those who are excepted, and that the totals say so.
func (r *rig) complete(report *transfer.Report, except ...string) {
	r.Helper()
	w := r.check()
	missing, extra := 0, len(w.people)
	for _, iin := range everybody(r.T) {
		switch {
		case slices.Contains(except, iin) && w.people[iin] > 0:
			r.Error("somebody arrived who may not")
		case slices.Contains(except, iin):
		case w.people[iin] == 0:
			missing++
		default:
			extra--
		}
	}
	if missing > 0 || extra > 0 {
		r.Errorf("%d people are missing, %d should not be there", missing, extra)
	}
	t := report.Totals
	if !t.Balanced() || t.Read != people || t.Accepted != len(w.people) || t.Pending != 0 {
		r.Errorf("%s: %s (%s)", report.Status, t, report.Code)
	}
	for id := range w.intents {
		if w.outcomes[id] == nil {
			r.Error("an intent has no settlement")
		}
	}
}

// first is the settlement of the message with number 1 that is no void notice.
func (w *world) first() *transferlog.Settlement {
	for id, in := range w.intents {
		if in.Sequence == 1 && in.Voids.IsZero() {
			if s := w.outcomes[id]; s != nil {
				return s
			}
		}
	}
	return &transferlog.Settlement{Outcome: "pending"}
}

var errCut = errors.New("the process is killed here")

func (r *rig) block(iin string) {
	r.Helper()
	ros, err := r.engine.Roster()
	r.must(err)
	ordinals, err := ros.Find(context.Background(), []byte(iin))
	r.must(err)
	subject := uint64(1)
	if len(ordinals) > 0 {
		subject = uint64(ordinals[0])
	}
	r.must(r.store.Block(context.Background(), r.clock.now(), store.Block{ID: record.NewID(), Tag: ros.TagOf([]byte(iin)), Requester: "user", Reason: "contested", Received: r.clock.now()},
		&transferlog.Block{Act: "block", Subject: subject, Requester: "user", Received: r.clock.now(), Reason: "contested"}))
}

func describe(w *world) string {
	var b strings.Builder
	for id, in := range w.intents {
		s := w.outcomes[id]
		if s == nil {
			s = &transferlog.Settlement{Outcome: "pending"}
		}
		fmt.Fprintf(&b, "%d void=%v %s %s\n", in.Sequence, !in.Voids.IsZero(), s.Outcome, s.Code)
	}
	return b.String()
}

func (r *rig) unblock(iin string) {
	r.Helper()
	ros, err := r.engine.Roster()
	r.must(err)
	err = r.store.Unblock(r.Context(), r.clock.now(), ros.TagOf([]byte(iin)), "unfounded", &transferlog.Block{Act: "unblock", Subject: 1, Requester: "user", Received: r.clock.now(), Reason: "unfounded"})
	if err != nil && !errors.Is(err, store.ErrNotBlocked) { // the life in which they were to be blocked ended before
		r.Fatal(err)
	}
}
