package backup

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/store/standing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// keys are those of one deployment.
type keys struct{ log, vault string }

func newKeys(t testing.TB, origin string) keys {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	line, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return keys{secret, line}
}

// empty is a store with its schema and nothing in it.
func empty(t testing.TB, kind store.Kind, k keys) *store.Store {
	t.Helper()
	dsn := filepath.Join(t.TempDir(), "store.db")
	if kind == store.Postgres {
		dsn = pgtest.New(t).DSN
	}
	log, err := transferlog.New(k.log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(kind, dsn, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	v, err := vault.Parse([]byte(k.vault))
	if err != nil {
		t.Fatal(err)
	}
	s.Protect(v)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// fill puts something into the log, the roster and other tables.
func filled(t testing.TB, kind store.Kind, k keys) *store.Store {
	t.Helper()
	s := empty(t, kind, k)
	ctx := t.Context()
	ros, err := people.Open(ctx, s.People(), s.Periods(), s.Vault(), now, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := record.NewBatch(nil, 3000)
	for i := range 3000 {
		b.Add(record.Person{Key: fmt.Appendf(nil, "k%05d", i), IIN: fmt.Appendf(nil, "85010130%04d", i)}, nil)
	}
	if err := ros.Resolve(ctx, b); err != nil {
		t.Fatal(err)
	}
	for i := range 37 {
		if _, err := s.Append(ctx, now, &transferlog.Act{Actor: "clerk", Act: "test", Object: strings.Repeat("x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	tag := roster.Tag{1, 2, 3}
	err = s.OpenDuty(ctx, now, store.Duty{ID: "d1", Kind: "claim", Opened: now, Due: now, Note: "қазақша, \x00 және NULL емес"[:10]}, &tag, &transferlog.Act{Actor: "clerk", Act: "duty.open"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// content is every row of every table, as text.
func content(t testing.TB, s *store.Store) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := s.Look(t.Context(), func(tx *sqlx.Tx) error {
		tables, err := tablesOf(t.Context(), tx, s.Kind())
		if err != nil {
			return err
		}
		for _, name := range tables {
			rows, err := tx.QueryxContext(t.Context(), "SELECT * FROM "+name)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			order := make([]int, len(columns)) // the two kinds of store need not agree on it
			for i := range order {
				order[i] = i
			}
			slices.SortFunc(order, func(a, b int) int { return strings.Compare(columns[a], columns[b]) })
			for rows.Next() {
				values, err := rows.SliceScan()
				if err != nil {
					return err
				}
				line := ""
				for _, i := range order {
					if name == "log_head" && columns[i] == "restored" {
						continue
					}
					line += fmt.Sprintf("%s=%T:%v;", columns[i], values[i], values[i])
				}
				out[name] = append(out[name], line)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			slices.Sort(out[name])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestThereAndBack: what was in a store of one kind is in a store of any kind after restoring, and the restored one is in doubt.
func TestThereAndBack(t *testing.T) {
	for _, from := range []store.Kind{store.SQLite, store.Postgres} {
		k := newKeys(t, "birgeoqy.kz/almasu/log")
		s := filled(t, from, k)
		path := filepath.Join(t.TempDir(), "one.backup")
		sum, err := Write(t.Context(), s, path, now)
		if err != nil || sum.Manifest.Size != 38 || sum.Rows["log_entry"] != 38 || sum.Rows["roster_chunk"] != 3 || sum.Rows["legal_hold"] != 1 {
			t.Fatalf("%s: %+v, %v", from, sum, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != sum.Bytes {
			t.Errorf("the file: %v, %v", info, err)
		}
		if _, err := Write(t.Context(), s, path, now); record.CodeOf(err) != "backup.exists" {
			t.Errorf("written over: %v", err)
		}
		want := content(t, s)
		for _, to := range []store.Kind{store.SQLite, store.Postgres} {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				f, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				other := empty(t, to, k)
				if _, err := Restore(t.Context(), other, f); err != nil {
					t.Fatal(err)
				}
				got := content(t, other)
				for name := range want {
					if !slices.Equal(got[name], want[name]) {
						t.Errorf("%s differs:\n%.300s\n%.300s", name, got[name], want[name])
					}
				}
				if _, err := other.Append(t.Context(), now, &transferlog.Act{Actor: "a", Act: "b"}); record.CodeOf(err) != "restore.not_compared" {
					t.Errorf("a restored store logs: %v", err)
				}
				if err := standing.Settle(t.Context(), other, now, "clerk", "drill", []*standing.Result{{Recipient: "010140000005", Next: 1}}); err != nil {
					t.Fatal(err)
				}
				if _, err := other.Append(t.Context(), now, &transferlog.Act{Actor: "a", Act: "b"}); err != nil {
					t.Errorf("after the comparison: %v", err)
				}
				if err := other.Compared(t.Context(), "020240000001"); record.CodeOf(err) != "restore.not_compared" {
					t.Errorf("a recipient that was not compared: %v", err)
				}
				if _, err := f.Seek(0, 0); err != nil {
					t.Fatal(err)
				}
				if _, err := Restore(t.Context(), other, f); record.CodeOf(err) != "backup.not_empty" {
					t.Errorf("restored over: %v", err)
				}
			})
		}
	}
}

// TestEveryChangeIsSeen changes and cuts the file at many places: nothing of it is restored.
func TestEveryChangeIsSeen(t *testing.T) {
	k := newKeys(t, "birgeoqy.kz/almasu/log")
	s := filled(t, store.SQLite, k)
	path := filepath.Join(t.TempDir(), "one.backup")
	if _, err := Write(t.Context(), s, path, now); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(b []byte) error {
		_, err := Check(bytes.NewReader(b), s.Vault(), s.PublicKey())
		return err
	}
	if err := check(whole); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 1 + at/20 {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		if err := check(bad); record.CodeOf(err) == "" {
			t.Errorf("byte %d changed: %v", at, err)
		}
		if err := check(whole[:at]); record.CodeOf(err) != "backup.truncated" {
			t.Errorf("cut at %d: %v", at, err)
		}
	}
	if err := check(append(bytes.Clone(whole), 0)); record.CodeOf(err) != "backup.malformed" {
		t.Errorf("a byte more: %v", err)
	}
	other := newKeys(t, "birgeoqy.kz/almasu/other")
	v, err := vault.Parse([]byte(other.vault))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(bytes.NewReader(whole), v, s.PublicKey()); record.CodeOf(err) != "backup.sealed" {
		t.Errorf("another vault: %v", err)
	}
	log, err := transferlog.New(other.log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(bytes.NewReader(whole), s.Vault(), log.PublicKey()); record.CodeOf(err) != "backup.other_log" {
		t.Errorf("another log: %v", err)
	}
}

// TestDamagedStores: a store whose log was altered is not backed up, and no file is left.
func TestDamagedStores(t *testing.T) {
	for name, statement := range map[string]string{
		"an entry":   "UPDATE log_entry SET body = CAST(replace(CAST(body AS TEXT), 'clerk', 'nobody') AS BLOB) WHERE idx = 3",
		"a hash":     "UPDATE log_hash SET hash = randomblob(32) WHERE idx = 5",
		"a lost one": "DELETE FROM log_entry WHERE idx = 7",
	} {
		s := filled(t, store.SQLite, newKeys(t, "birgeoqy.kz/almasu/log"))
		var triggers []string
		if err := s.DB().Select(&triggers, "SELECT name FROM sqlite_master WHERE type = 'trigger'"); err != nil {
			t.Fatal(err)
		}
		for _, trigger := range triggers {
			s.DB().MustExec("DROP TRIGGER " + trigger)
		}
		s.DB().MustExec(statement)
		dir := t.TempDir()
		if _, err := Write(t.Context(), s, filepath.Join(dir, "one.backup"), now); record.CodeOf(err) != "backup.damaged" {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
}

// rows counts what a decoder shows.
type rows struct{ n int }

func (*rows) manifest(*Manifest) error     { return nil }
func (*rows) table(string, []string) error { return nil }
func (*rows) end() error                   { return nil }
func (r *rows) row(values []any) error {
	if r.n++; len(values) == 0 {
		return errRow
	}
	return nil
}

// FuzzRows reads foreign rows: no panic, and no row without columns.
func FuzzRows(f *testing.F) {
	row, err := appendValue(nil, int64(-5))
	for _, v := range []any{nil, []byte{1}, "text"} {
		if err == nil {
			row, err = appendValue(row, v)
		}
	}
	if err != nil {
		f.Fatal(err)
	}
	table := appendText([]byte{'T'}, "one")
	table = append(table, 4)
	for _, c := range []string{"a", "b", "c", "d"} {
		table = appendText(table, c)
	}
	f.Add(append(append(table, 'R'), row...))
	f.Add([]byte("R"))
	f.Fuzz(func(t *testing.T, b []byte) {
		to := &rows{}
		d := &decoder{to: to, rows: map[string]int64{}}
		_ = d.take(b)
	})
}

// TestStandings compares a store with what recipients say.
func TestStandings(t *testing.T) {
	k := newKeys(t, "birgeoqy.kz/almasu/log")
	s := filled(t, store.SQLite, k)
	ctx := t.Context()
	log, err := transferlog.New(k.log)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(size int64, flip byte) ([]byte, string) {
		root, err := s.Root(ctx, min(size, 38))
		if err != nil {
			t.Fatal(err)
		}
		root[0] ^= flip
		note, err := log.Sign(size, root)
		if err != nil {
			t.Fatal(err)
		}
		return note, root.String()
	}
	foreign, err := transferlog.New(newKeys(t, "birgeoqy.kz/almasu/log").log)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		size   int64
		flip   byte
		last   uint64
		change func(*signing.Standing)
		code   string
	}{
		"nothing held":            {},
		"the same":                {size: 38},
		"less":                    {size: 5},
		"longer":                  {size: 39, code: "restore.recipient_ahead"},
		"another log":             {size: 20, flip: 1, code: "log.inconsistent"},
		"another and longer":      {size: 50, flip: 1, code: "restore.recipient_ahead"},
		"a number without proof":  {size: 38, last: 1, code: "standing.unproven"},
		"a message without proof": {size: 38, change: func(h *signing.Standing) { h.Messages = []signing.Held{{Sequence: 1, Message: record.NewID()}} }, code: "standing.unproven"},
		"a size without proof":    {size: 38, change: func(h *signing.Standing) { h.HeldSize = 39 }, code: "standing.unproven"},
		"a root without proof":    {size: 38, change: func(h *signing.Standing) { h.HeldRoot = "AAAA" }, code: "standing.unproven"},
		"no checkpoint":           {size: 38, change: func(h *signing.Standing) { h.Checkpoint = nil }, code: "standing.unproven"},
		"another's signature": {size: 38, change: func(h *signing.Standing) {
			root, _ := s.Root(ctx, 38)
			h.Checkpoint, _ = foreign.Sign(38, root)
		}, code: "standing.unproven"},
	} {
		held := &signing.Standing{Recipient: "010140000005", Last: c.last, HeldSize: c.size}
		if c.size > 0 {
			held.Checkpoint, held.HeldRoot = sign(c.size, c.flip)
		}
		if c.change != nil {
			c.change(held)
		}
		r, err := standing.Compare(ctx, s, held)
		if err != nil || r.Code != c.code {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if err := standing.Settle(ctx, s, now, "clerk", "x", []*standing.Result{{Code: "standing.unproven"}}); err == nil {
		t.Error("settled with somebody who was not compared")
	}
	if err := standing.Doubt(ctx, s); err != nil {
		t.Fatal(err)
	}
	if doubt, err := standing.InDoubt(ctx, s); err != nil || !doubt {
		t.Errorf("in doubt: %v, %v", doubt, err)
	}
}
