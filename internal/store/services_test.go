package store

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

func TestRequestsAndApprovals(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		q := Request{ID: "q1", Connector: "pupils", Body: "sealed", Digest: record.DigestOf([]byte("q")), Initiator: "a"}
		act := func(actor, what string) *transferlog.Act {
			return &transferlog.Act{Actor: actor, Act: what, Object: "q1", Digest: q.Digest}
		}
		if _, err := r.s.GetRequest(ctx, "q1"); !errors.Is(err, ErrNoRequest) {
			t.Fatalf("unknown request: %v", err)
		}
		q.Created = r.tick()
		r.must(r.s.PutRequest(ctx, q.Created, q, act("a", "request")))
		if err := r.s.PutRequest(ctx, r.tick(), q, act("a", "request")); !errors.Is(err, ErrEntered) {
			t.Error("one id for two requests")
		}
		if r.s.PutApproval(ctx, r.tick(), "q2", Approval{Approver: "b", At: r.now}, act("b", "approve_request")) == nil {
			t.Error("an approval of no request")
		}
		for _, who := range []string{"c", "b"} {
			q.Approvals = append(q.Approvals, Approval{Approver: who, Body: "signed", At: r.tick()})
			r.must(r.s.PutApproval(ctx, r.now, "q1", q.Approvals[len(q.Approvals)-1], act(who, "approve_request")))
		}
		if err := r.s.PutApproval(ctx, r.tick(), "q1", Approval{Approver: "b", Body: "again", At: r.now}, act("b", "approve_request")); !errors.Is(err, ErrTwice) {
			t.Errorf("approved twice: %v", err)
		}
		got, err := r.s.GetRequest(ctx, "q1")
		if err != nil || got.Digest != q.Digest || got.Created != q.Created || !slices.Equal(got.Approvals, q.Approvals) {
			t.Errorf("got %+v, want %+v; %v", got, q, err)
		}
		r.check()
		entries, err := r.s.Entries(ctx, 1, 10)
		if err != nil || len(entries) != 2 || !bytes.Contains(entries[0], []byte(`"actor":"c"`)) {
			t.Errorf("entries %q, %v", entries, err)
		}
	})
}

func TestLogIsProven(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		var sizes []int64
		points := map[int64]transferlog.Checkpoint{}
		for i := range 6 {
			var entries []transferlog.Entry
			for range i + 1 {
				entries = append(entries, &transferlog.Act{Actor: "a", Act: "keys.rotate"})
			}
			first, err := r.s.Append(ctx, r.tick(), entries...)
			r.must(err)
			signed, err := r.s.Checkpoint(ctx)
			r.must(err)
			c, err := r.s.PublicKey().Open(signed)
			r.must(err)
			if c.Size != first+int64(len(entries)) {
				t.Fatalf("the checkpoint is of %d entries, not %d", c.Size, first+int64(len(entries)))
			}
			sizes, points[c.Size] = append(sizes, c.Size), c
			if i == 3 {
				r.open() // its log remembers nothing
			}
		}
		for i, from := range sizes {
			for _, to := range sizes[i:] {
				proof, err := r.s.Consistency(ctx, from, to)
				r.must(err)
				r.must(transferlog.CheckExtension(points[from], points[to], proof))
			}
		}
		if _, err := r.s.Append(ctx, r.tick()); !errors.Is(err, transferlog.ErrNothing) {
			t.Errorf("appending nothing: %v", err)
		}
		r.check()
	})
}

func TestDisclosures(t *testing.T) {
	onBoth(t, func(r *rig) {
		tr := r.begin("pupils", ministry)
		parts := []*transfer.Part{r.part(tr, 1, 0, 3, 0), r.part(tr, 2, 3, 3, 0)}
		r.must(r.s.Record(t.Context(), r.tick(), r.work(tr, parts...)))
		w := r.work(tr)
		w.Void = r.void(tr, parts[1].Intent)
		w.Settlements = []*transfer.Settlement{r.settle(parts[0].Intent, transfer.Delivered, false)}
		r.must(r.s.Record(t.Context(), r.tick(), w))
		var got []Disclosure
		r.must(r.s.Disclosures(t.Context(), func(d Disclosure) error {
			if _, err := r.s.Transfer(t.Context(), d.Transfer); err != nil { // the store can be asked meanwhile
				return err
			}
			got = append(got, d)
			return nil
		}))
		if len(got) != 2 || got[0].Outcome != "delivered" || got[1].Outcome != "" || got[1].Sequence != 2 || got[0].Message != parts[0].Intent.Message {
			t.Fatalf("disclosures %+v", got)
		}
		people, err := got[1].Set.Disclosed()
		if err != nil || !people.Contains(5) || people.Contains(3) {
			t.Errorf("the set of the second message: %v", err)
		}
		stop := errors.New("enough")
		if err := r.s.Disclosures(t.Context(), func(Disclosure) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("stopped with %v", err)
		}
	})
}

// TestExportVerifies changes single rows behind the store's back: the export is made, and the verifier finds each change.
func TestExportVerifies(t *testing.T) {
	changes := []struct{ name, code, sql string }{
		{"an entry", "log.root_mismatch", "UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), '\"records\":3', '\"records\":2') AS BLOB) WHERE idx = 0"},
		{"a checkpoint", "log.checkpoint_order", "UPDATE log_checkpoint SET body = (SELECT body FROM log_checkpoint WHERE size = 2) WHERE size = 3"},
		{"a receipt", "receipt.other_bytes", "UPDATE settlement SET receipt = CAST(replace(CAST(receipt AS TEXT), '\"accepted\":3', '\"accepted\":2') AS BLOB)"},
		{"a lost receipt", "receipt.missing", "UPDATE settlement SET outcome = 'refused', code = 'x', receipt = CAST('' AS BLOB)"},
	}
	onBoth(t, func(r *rig) {
		tr := r.begin("pupils", ministry)
		a, b := r.part(tr, 1, 0, 3, 0), r.part(tr, 2, 3, 3, 1)
		r.must(r.s.Record(t.Context(), r.tick(), r.work(tr, a, b)))
		w := r.work(tr)
		w.Settlements = []*transfer.Settlement{r.settle(a.Intent, transfer.Delivered, false)}
		r.must(r.s.Record(t.Context(), r.tick(), w))
		r.must(r.s.Finish(t.Context(), r.tick(), &transfer.Report{Transfer: tr}))
		if report := r.verified(); report.Entries != 5 || report.Receipts != 1 || report.Pending != 1 || report.Checkpoints != 3 {
			t.Fatalf("report %+v", report)
		}
		r.unguard()
		for _, c := range changes {
			tx := r.s.DB().MustBegin()
			statement := c.sql
			if r.kind == Postgres {
				statement = strings.NewReplacer("CAST(body AS TEXT)", "encode(body, 'escape')", "CAST(receipt AS TEXT)", "encode(receipt, 'escape')", "AS BLOB", "AS bytea").Replace(statement)
			}
			res, err := tx.Exec(statement)
			r.must(err)
			if n, _ := res.RowsAffected(); n != 1 {
				t.Fatalf("%s: %d rows were changed", c.name, n)
			}
			codes := verify(t, r.exportOf(func(w *evidence.Writer) error { return exportLog(t.Context(), tx, w) })).Codes()
			if !slices.Contains(codes, c.code) {
				t.Errorf("%s was changed: %v, want %s", c.name, codes, c.code)
			}
			r.must(tx.Rollback())
		}
		if _, err := r.s.DB().Exec("DELETE FROM log_entry WHERE idx = 1"); err != nil {
			t.Fatal(err)
		}
		err := r.s.Export(t.Context(), evidence.NewWriter(&bytes.Buffer{}, r.s.PublicKey(), r.now))
		if record.CodeOf(err) != "log.entries_missing" {
			t.Errorf("an entry is missing: %v", err)
		}
		if got, err := r.s.Entries(t.Context(), 0, 10); record.CodeOf(err) != "log.entries_missing" {
			t.Errorf("an entry is missing: %d entries, %v", len(got), err)
		}
		if r.world() == nil {
			t.Error("the world checker does not see a missing entry")
		}
	})
}

// TestExportPages exports a log of several pages while it grows: what is written is one state of it.
func TestExportPages(t *testing.T) {
	onBoth(t, func(r *rig) {
		entries := make([]transferlog.Entry, page+10)
		for i := range entries {
			entries[i] = &transferlog.Act{Actor: "a", Act: "keys.rotate"}
		}
		_, err := r.s.Append(t.Context(), r.tick(), entries...)
		r.must(err)
		grow := func() {
			_, err := r.s.Append(t.Context(), r.tick(), &transferlog.Act{Actor: "a", Act: "keys.rotate"})
			r.must(err)
		}
		var out growing
		out.grow = sync.OnceFunc(grow)
		w := evidence.NewWriter(&out, r.s.PublicKey(), r.now)
		r.must(r.s.Export(t.Context(), w))
		r.must(w.Close())
		if report := verify(t, out.Bytes()); !report.OK() || report.Entries != page+10 {
			t.Errorf("%d entries, %v", report.Entries, report.Err())
		}
		if report := r.verified(); report.Entries != page+11 {
			t.Errorf("%d entries", report.Entries)
		}
	})
}

// growing lets the log grow when the first bytes of its export are written.
type growing struct {
	bytes.Buffer
	grow func()
}

func (g *growing) Write(b []byte) (int, error) {
	g.grow()
	return g.Buffer.Write(b)
}

func TestRosterStore(t *testing.T) {
	line, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(r *rig) {
		ros := func(s *Store) *roster.Roster {
			one, err := roster.New(people.Chunks{DB: s.People()}, v, bytes.Repeat([]byte{7}, 32))
			r.must(err)
			return one
		}
		first := ros(r.s)
		resolve := func(one *roster.Roster, from, n, step int) []uint32 {
			b := pupils(from, n, step)
			r.must(one.Resolve(t.Context(), b))
			out := make([]uint32, n)
			for i := range out {
				out[i] = b.Person(i).Ordinal
			}
			return out
		}
		resolve(first, 1000, 1500, 2)
		r.check()
		resolve(first, 0, 900, 1) // before everything
		resolve(first, 1001, 1500, 2)
		r.check()
		known := resolve(first, 1000, 3000, 1)
		if again := resolve(ros(r.another(r.dsn)), 1000, 3000, 1); !slices.Equal(known, again) {
			t.Error("another process knows people under other ordinals")
		}
		distinct := slices.Clone(known)
		slices.Sort(distinct)
		if len(slices.Compact(distinct)) != 3000 {
			t.Error("two people have one ordinal")
		}
		found, err := first.Find(t.Context(), iinOf(1500))
		if err != nil || !slices.Equal(found, []uint32{known[500]}) {
			t.Errorf("found %v, want %d; %v", found, known[500], err)
		}

		// Two processes meet the same new people at once.
		var both [2][]uint32
		var wg sync.WaitGroup
		for i := range both {
			one := ros(r.another(r.dsn))
			wg.Go(func() { both[i] = resolve(one, 20_000, 2000, 1) })
		}
		wg.Wait()
		if !slices.Equal(both[0], both[1]) {
			t.Error("two processes gave the same people different ordinals")
		}
		r.check()
	})
}

func pupils(from, n, step int) *record.Batch {
	b := record.NewBatch(nil, n)
	for i := range n {
		b.Add(record.Person{Key: key(from + i*step), IIN: iinOf(from + i*step)}, nil)
	}
	return b
}

func iinOf(n int) []byte { return append([]byte("0000"), key(n)...) }

// TestMigrateRaces lets several processes migrate an empty database at once.
func TestMigrateRaces(t *testing.T) {
	for _, kind := range []Kind{SQLite, Postgres} {
		t.Run(string(kind), func(t *testing.T) {
			r := bareRig(t)
			if r.kind, r.dsn = kind, t.TempDir()+"/store.db"; kind == Postgres {
				r.dsn = pgtest.New(t).DSN
			}
			r.open()
			if err := r.s.Check(t.Context()); !errors.Is(err, ErrSchema) {
				t.Errorf("an empty database: %v", err)
			}
			var wg sync.WaitGroup
			applied := make([]int, 4)
			for i := range applied {
				s := r.another(r.dsn)
				wg.Go(func() {
					names, err := s.Migrate(t.Context())
					if err != nil {
						t.Errorf("migrating: %v", err)
					}
					applied[i] = len(names)
				})
			}
			wg.Wait()
			files, err := migrations.ReadDir("migrations/" + string(kind))
			r.must(err)
			if total := applied[0] + applied[1] + applied[2] + applied[3]; total != len(files) {
				t.Errorf("%v migrations of %d were applied", applied, len(files))
			}
			r.must(r.s.Check(t.Context()))
			r.check()
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open("mysql", "", nil); record.CodeOf(err) != "store.kind" {
		t.Errorf("%v", err)
	}
	if _, err := Open(Postgres, "postgres://%zz", nil); err == nil {
		t.Error("a malformed URL was taken")
	}
	got, err := withBinaryParameters("postgres://h/d?sslmode=disable")
	if err != nil || got != "postgres://h/d?binary_parameters=yes&sslmode=disable" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestClock(t *testing.T) {
	onBoth(t, func(r *rig) {
		got, err := r.s.Clock(t.Context())
		if off := time.Since(got); err != nil || off < -2*time.Second || off > 2*time.Minute {
			t.Errorf("the database's clock is %v off: %v", off, err)
		}
	})
}

// unguard does what only the owner of the database can: from now on evidence can be changed.
func (r *rig) unguard() {
	r.Helper()
	if r.kind == Postgres {
		return // the tests connect as superuser
	}
	var names []string
	r.must(r.s.DB().Select(&names, "SELECT name FROM sqlite_master WHERE type = 'trigger'"))
	for _, name := range names {
		r.s.DB().MustExec("DROP TRIGGER " + name)
	}
}
