package store

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

const (
	sender   = "990140000009"
	ministry = "010140000005"
	city     = "020240000001"
)

var start = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

// rig is a store with the keys of the service and of two recipients.
type rig struct {
	testing.TB
	s         *Store
	kind      Kind
	dsn       string
	pg        *pgtest.Database
	secret    string
	key       *signing.Key
	ring      *signing.Keyring
	receivers map[string]*signing.Key
	vault     string // the line of a key
	now       time.Time
}

// onBoth runs f on a fresh store of each kind.
func onBoth(t *testing.T, f func(r *rig)) {
	for _, kind := range []Kind{SQLite, Postgres} {
		t.Run(string(kind), func(t *testing.T) { f(newRig(t, kind)) })
	}
}

func newRig(t testing.TB, kind Kind) *rig {
	t.Helper()
	r := bareRig(t)
	r.kind = kind
	if kind == SQLite {
		r.dsn = filepath.Join(t.TempDir(), "store.db")
		r.open()
		if _, err := r.s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r.pg = pgtest.NewFrom(t, "store", func(db *sqlx.DB) error {
		s := &Store{db: db, read: db, kind: Postgres, dialect: dialects[Postgres]}
		if _, err := s.Migrate(t.Context()); err != nil {
			return err
		}
		_, err := db.Exec(Roles)
		return err
	})
	r.dsn = r.pg.DSN
	r.open()
	return r
}

// bareRig has keys and no store.
func bareRig(t testing.TB) *rig {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	line, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, secret: secret, vault: line, ring: signing.NewKeyring(sender), receivers: map[string]*signing.Key{}, now: start}
	newKey := func() *signing.Key {
		k, err := signing.GenerateKey(signing.Ed25519, nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	r.key, r.receivers[ministry], r.receivers[city] = newKey(), newKey(), newKey()
	r.must(r.ring.Add(r.key.Public(), time.Time{}, time.Time{}))
	return r
}

// open opens the store, with a Log that remembers nothing.
func (r *rig) open() {
	r.Helper()
	r.s = r.another(r.dsn)
}

// another opens the database once more, as another process would.
func (r *rig) another(dsn string) *Store {
	r.Helper()
	log, err := transferlog.New(r.secret)
	r.must(err)
	s, err := Open(r.kind, dsn, log)
	r.must(err)
	v, err := vault.Parse([]byte(r.vault))
	r.must(err)
	s.Protect(v)
	r.Cleanup(func() { _ = s.Close() })
	return s
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// tick is a second later.
func (r *rig) tick() time.Time {
	r.now = r.now.Add(time.Second)
	return r.now
}

// begin makes a transfer's row.
func (r *rig) begin(connector, recipient string) transfer.Transfer {
	r.Helper()
	t := transfer.Transfer{ID: record.NewID(), Connector: connector, Route: "r-" + connector, Recipient: recipient, Trigger: transfer.Schedule,
		Due: r.now, Started: r.tick(), Actor: "schedule"}
	_, err := r.s.Begin(r.Context(), t)
	r.must(err)
	return t
}

// set is a disclosure set of people.
func (r *rig) set(ordinals ...uint32) transfer.Set {
	r.Helper()
	var d transferlog.DisclosureSet
	for _, o := range ordinals {
		d.Add(1, 1, o)
	}
	out := make([]byte, 48)
	_, _ = rand.Read(out[:16])
	out, err := d.Encode(out)
	r.must(err)
	return out
}

// intent is an ordinary message; its outbox body is the plain payload.
func (r *rig) intent(t transfer.Transfer, payload []byte, ordinals ...uint32) *transfer.Intent {
	i := &transfer.Intent{Message: record.NewID(), Records: len(ordinals), Disclosure: r.set(ordinals...), Outbox: payload}
	p := signing.NewPayload(payload, "application/json")
	h := signing.Header{
		Transfer: t.ID, Message: i.Message, Sender: sender, Recipient: t.Recipient, Route: t.Route, Connector: t.Connector, Purpose: "4.1.2",
		Path: "statute", Operation: signing.OperationProvide, Clause: "5.3", Ground: "act 1, article 2", Fields: []string{"name"}, Records: i.Records, Sealed: r.now,
	}
	for _, d := range []*record.Digest{&h.Decision, &h.Register, &h.Policy, &h.Mapping, &h.Schema} {
		*d = record.DigestOf([]byte("pinned"))
	}
	i.Seal = r.sealer(h, p, record.ID{}, i.Disclosure.Digest())
	return i
}

func (r *rig) sealer(h signing.Header, p signing.Payload, voids record.ID, disclosure record.Digest) func(uint64) (*signing.Envelope, *transferlog.Intent, error) {
	return func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
		h.Sequence = sequence
		env, err := signing.Seal(h, p, r.key)
		if err != nil {
			return nil, nil, err
		}
		return env, &transferlog.Intent{
			Transfer: h.Transfer, Message: h.Message, Sequence: sequence, Connector: h.Connector, Route: h.Route, Recipient: h.Recipient, Purpose: h.Purpose,
			Path: h.Path, Clause: h.Clause, Ground: h.Ground, Decision: h.Decision, Register: h.Register, Policy: h.Policy, Mapping: h.Mapping, Schema: h.Schema,
			Envelope: env.Digest(), Payload: p.Digest(), Fields: h.Fields, Records: h.Records, Disclosure: disclosure, Voids: voids, Actor: "schedule",
		}, nil
	}
}

// void is a void notice for a message that waits.
func (r *rig) void(t transfer.Transfer, m *transfer.Intent) *transfer.Intent {
	payload := []byte(`{"void":"` + m.Message.String() + `"}`)
	i := &transfer.Intent{Message: record.NewID(), Outbox: payload, Voids: m.Message, VoidsSequence: m.Envelope.Header().Sequence}
	h := m.Envelope.Header()
	h.Message, h.Operation, h.Fields, h.Records = i.Message, signing.OperationVoid, nil, 0
	i.Seal = r.sealer(h, signing.NewPayload(payload, "application/json"), m.Message, record.Digest{})
	return i
}

// part is a batch of people of whom the first refused are refused and the rest are sent.
func (r *rig) part(t transfer.Transfer, number, first, people, refused int) *transfer.Part {
	p := &transfer.Part{Number: number, AfterKey: key(first - 1), LastKey: key(first + people - 1), Read: people, Refused: refused}
	if first == 0 {
		p.AfterKey = nil
	}
	if refused > 0 {
		p.Reasons = []transfer.Reason{{Kind: "refused", Rule: "BLK-1", Why: "legal.blocked", People: refused}}
		p.Refusal = r.set(uint32(first + 1))
		p.Situations = []byte(fmt.Sprintf("situations %d", refused))
	}
	var ordinals []uint32
	for i := refused; i < people; i++ {
		ordinals = append(ordinals, uint32(first+i+1))
	}
	if len(ordinals) > 0 {
		p.Intent = r.intent(t, []byte(fmt.Sprintf(`{"records":%d,"first":%d}`, len(ordinals), first)), ordinals...)
	}
	return p
}

func key(n int) []byte { return []byte(fmt.Sprintf("%08d", n)) }

// work is the work of one transfer under the present generation of blocks.
func (r *rig) work(t transfer.Transfer, parts ...*transfer.Part) transfer.Work {
	r.Helper()
	generation, _, err := r.s.Blocked(r.Context())
	r.must(err)
	return transfer.Work{Transfer: t.ID, Connector: t.Connector, Recipient: t.Recipient, Parts: parts, Generation: generation}
}

// settle is the settlement of a logged message; delivered and refused ones have a receipt. One record of a delivery is rejected if reject is set.
func (r *rig) settle(i *transfer.Intent, outcome transfer.Outcome, reject bool) *transfer.Settlement {
	r.Helper()
	h := i.Envelope.Header()
	s := &transfer.Settlement{Transfer: h.Transfer, Message: h.Message, Sequence: h.Sequence, Intent: i.Ticket.Index(), Outcome: outcome, Records: h.Records, Attempts: 1}
	if outcome != transfer.Delivered {
		s.Code = "some.reason"
	}
	if outcome != transfer.Delivered && outcome != transfer.Refused {
		return s
	}
	receipt := signing.Receipt{Message: h.Message, Envelope: i.Envelope.Digest(), Sequence: h.Sequence, Recipient: h.Recipient, Received: r.now,
		Status: signing.StatusAccepted, Records: h.Records, Accepted: h.Records}
	switch {
	case outcome == transfer.Refused:
		receipt.Status, receipt.Code, receipt.Accepted, receipt.Rejected = signing.StatusRefused, "some.reason", 0, h.Records
	case reject && h.Records > 0:
		receipt.Accepted, receipt.Rejected = h.Records-1, 1
		receipt.Outcomes = []signing.Outcome{{Index: 0, Status: signing.StatusRejected, Code: "schema.pattern"}}
		s.Reasons = []transfer.Reason{{Kind: "rejected", Rule: "schema.pattern", People: 1}}
	}
	b, err := signing.SignReceipt(receipt, r.receivers[h.Recipient])
	r.must(err)
	s.Receipt, s.Accepted, s.Updated, s.Rejected = b, receipt.Accepted, receipt.Updated, receipt.Rejected
	return s
}
