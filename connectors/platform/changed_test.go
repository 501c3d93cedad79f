package platform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/synth"
)

// ddl is what the manual tells a platform's owner to run.
func ddl(t testing.TB) string {
	t.Helper()
	block, err := synth.Changes(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return block
}

// withMarks is the shipped configuration with columns of changes.
func withMarks(t testing.TB) Config {
	c := example(t, Postgres)
	c.Profiles.Changed, c.Accounts.Changed, c.Consents.Changed, c.Blocks.Changed, c.ParentBlocks.Changed = "changed", "changed", "changed", "changed", "changed"
	return c
}

// marked makes the synthetic people on PostgreSQL with the columns of changes that the manual describes.
func marked(t testing.TB) *pgtest.Database {
	t.Helper()
	return pgtest.NewFrom(t, "marked", func(db *sqlx.DB) error {
		if err := synth.Load(context.Background(), db, options); err != nil {
			return err
		}
		_, err := db.Exec(ddl(t) + "; ANALYZE")
		return err
	})
}

// read reads everybody, or those who may have changed since a horizon, and returns the snapshot's own horizon.
func read(t testing.TB, s *Source, since string) (all []seen, horizon string, err error) {
	t.Helper()
	stream, err := s.Open(context.Background(), connectors.Query{Fields: allFields, Since: since})
	if err != nil {
		return nil, "", err
	}
	defer stream.Close()
	all, err = collect(t, stream, allFields, 100)
	return all, stream.Horizon(), err
}

func mustRead(t testing.TB, s *Source, since string) ([]seen, string) {
	t.Helper()
	all, horizon, err := read(t, s, since)
	if err != nil {
		t.Fatal(err)
	}
	return all, horizon
}

// ids are the platform's keys of people who were read.
func ids(all []seen) (list []int) {
	for _, one := range all {
		n := 0
		for _, b := range one.Person.Key[1:] {
			n = n<<8 | int(b)
		}
		list = append(list, n)
	}
	return list
}

func expectIDs(t testing.TB, what string, all []seen, want ...int) {
	t.Helper()
	if got := ids(all); !slices.Equal(got, want) {
		t.Errorf("%s: people %v are read, want %v", what, got, want)
	}
}

// Each change of each relation makes its person a candidate, and nothing else does.
func TestWhatChangedIsRead(t *testing.T) {
	db := marked(t)
	s := source(t, withMarks(t), db.DB)
	all, horizon := mustRead(t, s, "")
	if len(all) != options.People || horizon == "" {
		t.Fatalf("%d people, horizon %q", len(all), horizon)
	}
	var withConsent, other int
	if err := db.QueryRow("SELECT min(user_id), max(user_id) FROM consents").Scan(&withConsent, &other); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		want []int
	}{
		{"SELECT 1", nil},
		{"UPDATE profiles SET given_name = 'x', updated_at = '2001-01-01' WHERE id = 5", []int{5}}, // the clock of the platform does not matter
		{"UPDATE profiles SET given_name = given_name WHERE id IN (9, 7)", []int{7, 9}},
		{"UPDATE accounts SET state = 'erased' WHERE user_id = 3", []int{3}},
		{"DELETE FROM accounts WHERE user_id = 4", []int{4}},
		{fmt.Sprintf("UPDATE consents SET withdrawn_at = '2001-01-01' WHERE user_id = %d", withConsent), []int{withConsent}},
		{fmt.Sprintf("DELETE FROM consents WHERE user_id = %d", withConsent), []int{withConsent}},
		{fmt.Sprintf("UPDATE consents SET user_id = 12 WHERE user_id = %d", other), []int{12, other}},
		{"INSERT INTO blocks (id, user_id, requested_by, received_at) VALUES (9000, 20, 'user', now())", []int{20}},
		{"UPDATE blocks SET lifted_at = now() WHERE id = 9000", []int{20}},
		{"DELETE FROM blocks WHERE id = 9000", []int{20}},
		{"INSERT INTO parent_blocks (id, user_id) VALUES (9000, 21), (9001, 19)", []int{19, 21}},
		{"INSERT INTO profiles (id, iin) VALUES (100000, '1')", []int{100000}},
		{"DELETE FROM profiles WHERE id = 100000", nil}, // nobody is left to be read
	} {
		db.MustExec(c.what)
		all, horizon = mustRead(t, s, horizon)
		expectIDs(t, c.what, all, c.want...)
	}
}

// A transaction that was open at the snapshot and ends later is found, after others that began and ended meanwhile; a read between finds the others only.
func TestLateCommitIsFound(t *testing.T) {
	db := marked(t)
	s := source(t, withMarks(t), db.DB)
	late, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	late.MustExec("UPDATE profiles SET given_name = 'late' WHERE id = 2")
	_, first := mustRead(t, s, "")
	db.MustExec("UPDATE profiles SET given_name = 'meanwhile' WHERE id = 3")
	all, second := mustRead(t, s, first)
	expectIDs(t, "before it ends", all, 3)
	all, third := mustRead(t, s, second)
	expectIDs(t, "while it is open what came after it is read again", all, 3)
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	all, fourth := mustRead(t, s, third)
	expectIDs(t, "after it has ended", all, 2, 3)
	if all[0].Values[1] != "late" {
		t.Errorf("the value is %q", all[0].Values[1])
	}
	all, _ = mustRead(t, s, fourth)
	expectIDs(t, "nothing is open and nothing has changed", all)
}

// Whatever would make the horizon mean something else is refused, so that the caller reads everybody.
func TestHorizonThatMeansNothing(t *testing.T) {
	db := marked(t)
	for _, c := range []struct {
		name  string
		spoil func(c *Config, horizon string) string
	}{
		{"another text", func(_ *Config, _ string) string { return "pg1:1" }},
		{"no number", func(_ *Config, h string) string { return strings.Replace(h, "pg1:", "pg1:x", 1) }},
		{"another form of it", func(_ *Config, h string) string { return strings.Replace(h, "pg1:", "pg1:0", 1) }},
		{"the server went back", func(_ *Config, h string) string { return strings.Replace(h, "pg1:", "pg1:99", 1) }},
		{"a consent form", func(_ *Config, h string) string {
			db.MustExec("UPDATE consent_forms SET method = 'x' WHERE id = 1")
			return h
		}},
		{"a form is gone", func(_ *Config, h string) string { db.MustExec("DELETE FROM consent_forms WHERE id = 1"); return h }},
		{"a table is emptied", func(_ *Config, h string) string { db.MustExec("TRUNCATE parent_blocks"); return h }},
		{"a table is another", func(_ *Config, h string) string {
			db.MustExec("CREATE TABLE b AS TABLE blocks; DROP TABLE blocks; ALTER TABLE b RENAME TO blocks")
			return h
		}},
		{"another configuration", func(c *Config, h string) string { c.Profiles.Updated = ""; return h }},
		{"no columns are named", func(c *Config, h string) string { *c = example(t, Postgres); return h }},
		{"a copy of the database", func(_ *Config, h string) string { db = marked(t); return h }},
	} {
		config := withMarks(t)
		_, horizon := mustRead(t, source(t, config, db.DB), "")
		if _, _, err := read(t, source(t, config, db.DB), horizon); err != nil {
			t.Fatalf("before %s: %v", c.name, err)
		}
		horizon = c.spoil(&config, horizon)
		s := source(t, config, db.DB)
		if _, _, err := read(t, s, horizon); !errors.Is(err, connectors.ErrHorizon) || record.CodeOf(err) != "source.horizon" {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, _, err := read(t, s, ""); err != nil {
			t.Errorf("%s, everybody: %v", c.name, err)
		}
	}
}

// A replica continues its primary's horizons; once it is promoted it is another server.
func TestHorizonOfReplica(t *testing.T) {
	primary, err := pgtest.Start("")
	if err != nil {
		if errors.Is(err, pgtest.ErrNotInstalled) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	defer primary.Stop()
	dial := func(c *pgtest.Cluster) *sqlx.DB {
		db, err := sqlx.Open("postgres", c.DSN("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	db := dial(primary)
	if err := synth.Load(t.Context(), db, options); err != nil {
		t.Fatal(err)
	}
	db.MustExec(ddl(t))
	replica, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	defer replica.Stop()
	_, horizon := mustRead(t, source(t, withMarks(t), db), "")
	db.MustExec("SET synchronous_commit = on; UPDATE profiles SET given_name = 'x' WHERE id = 8")
	copied := source(t, withMarks(t), dial(replica))
	var end string
	if err := db.Get(&end, "SELECT pg_current_wal_lsn()"); err != nil {
		t.Fatal(err)
	}
	for behind := true; behind; {
		if err := copied.db.Get(&behind, "SELECT pg_last_wal_replay_lsn() < $1::pg_lsn", end); err != nil {
			t.Fatal(err)
		}
	}
	all, next, err := read(t, copied, horizon)
	if err != nil {
		t.Fatal(err)
	}
	expectIDs(t, "on the replica", all, 8)
	if err := replica.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, copied, next); !errors.Is(err, connectors.ErrHorizon) {
		t.Errorf("after the promotion: %v", err)
	}
}

// TestCandidatesAreEnough lets transactions run beside each other, end in any order or roll back, and reads candidates between: what was known of people, with the candidates put over
// it, is what a whole read finds.
func TestCandidatesAreEnough(t *testing.T) {
	db := marked(t)
	const open = 4
	rapid.Check(t, func(r *rapid.T) {
		s := source(t, withMarks(t), db.DB)
		known := map[string]seen{}
		all, horizon := mustRead(t, s, "")
		for _, one := range all {
			known[string(one.Person.Key)] = one
		}
		var txs [open]*sqlx.Tx
		defer func() {
			for _, tx := range txs {
				if tx != nil {
					_ = tx.Rollback()
				}
			}
		}()
		mine := func(slot int) int { return rapid.IntRange(0, 24).Draw(r, "person")*open + slot + 1 } // nobody waits for a lock
		write := func(x sqlx.Execer, slot int) {
			id := mine(slot)
			statement := rapid.SampledFrom([]string{
				"UPDATE profiles SET given_name = left(given_name || 'x', 9) || floor(random() * 100) WHERE id = $1",
				"UPDATE accounts SET state = CASE state WHEN 'active' THEN 'closed' ELSE 'active' END WHERE user_id = $1",
				"UPDATE consents SET withdrawn_at = CASE WHEN withdrawn_at IS NULL THEN now() END WHERE user_id = $1",
				"DELETE FROM consents WHERE user_id = $1",
				"DELETE FROM blocks WHERE user_id = $1",
				"DELETE FROM accounts WHERE user_id = $1",
				"DELETE FROM profiles WHERE id = $1",
				"INSERT INTO profiles (id, iin, given_name) VALUES ($1, '1', 'new') ON CONFLICT DO NOTHING",
				"INSERT INTO accounts (user_id, state) VALUES ($1, 'active') ON CONFLICT DO NOTHING",
				"INSERT INTO blocks (id, user_id, requested_by, received_at) VALUES (floor(random() * 1e12), $1, 'user', now())",
				"INSERT INTO consents (id, user_id, form_id, given_at) VALUES (floor(random() * 1e12), $1, 1, now())",
				"INSERT INTO parent_blocks (id, user_id) VALUES (floor(random() * 1e12), $1)",
				"UPDATE parent_blocks SET lifted_at = now() WHERE user_id = $1",
			}).Draw(r, "statement")
			if _, err := x.Exec(statement, id); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		for range rapid.IntRange(5, 40).Draw(r, "steps") {
			slot := rapid.IntRange(0, open-1).Draw(r, "slot")
			switch what := rapid.SampledFrom([]string{"write", "write", "write", "savepoint", "commit", "rollback", "read", "alone"}).Draw(r, "what"); {
			case what == "read":
				var some []seen
				some, horizon = mustRead(t, s, horizon)
				whole, _ := mustRead(t, s, "")
				for _, one := range some {
					known[string(one.Person.Key)] = one
				}
				for _, one := range whole {
					if before, ok := known[string(one.Person.Key)]; !ok || !same(before, one) {
						t.Fatalf("person %v has changed and was no candidate", ids([]seen{one}))
					}
				}
			case what == "alone" && txs[slot] == nil:
				write(db, slot)
			case what == "commit" && txs[slot] != nil:
				if err := txs[slot].Commit(); err != nil {
					t.Fatal(err)
				}
				txs[slot] = nil
			case what == "rollback" && txs[slot] != nil:
				if err := txs[slot].Rollback(); err != nil {
					t.Fatal(err)
				}
				txs[slot] = nil
			default:
				if txs[slot] == nil {
					tx, err := db.Beginx()
					if err != nil {
						t.Fatal(err)
					}
					txs[slot] = tx
				}
				if what == "savepoint" {
					txs[slot].MustExec("SAVEPOINT s")
				}
				write(txs[slot], slot)
			}
		}
	})
}

// What has changed is found by indexes, also before the database has statistics.
func TestCandidatesAreFoundByIndexes(t *testing.T) {
	db := marked(t)
	c := withMarks(t)
	_, horizon := mustRead(t, source(t, c, db.DB), "")
	for _, analyzed := range []string{"DELETE FROM pg_statistic", "ANALYZE"} {
		db.MustExec(analyzed)
		st, err := c.people(connectors.Query{Fields: allFields, Since: horizon})
		if err != nil {
			t.Fatal(err)
		}
		tx := db.MustBegin()
		tx.MustExec("SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0")
		var plan []string
		if err := tx.Select(&plan, "EXPLAIN "+st.text, st.args...); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		if strings.Contains(text, "Seq Scan") || strings.Count(text, "_changed_idx") != 5 {
			t.Errorf("after %s:\n%s", analyzed, text)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

// The check says which column of changes would let a change pass.
func TestCheckOfColumnsOfChanges(t *testing.T) {
	db := marked(t)
	const column = "ALTER TABLE blocks ADD changed xid8 NOT NULL DEFAULT pg_current_xact_id(); CREATE INDEX blocks_changed_idx ON blocks (changed)"
	index, kept := "CREATE INDEX blocks_changed_idx ON blocks (changed)", trigger("note_change", "INSERT OR UPDATE")
	for _, c := range []struct {
		spoil, mend string
		want        []string
	}{
		{"SELECT 1", "", []string{""}},
		{"ALTER TABLE consents ALTER changed DROP NOT NULL", "ALTER TABLE consents ALTER changed SET NOT NULL", []string{"source.changed_null"}},
		{"DROP INDEX blocks_changed_idx", index, []string{"source.changed_index"}},
		{"DROP INDEX blocks_changed_idx; CREATE INDEX part ON blocks (changed) WHERE lifted_at IS NULL", "DROP INDEX part; " + index, []string{"source.changed_index"}},
		{"DROP INDEX blocks_changed_idx; CREATE INDEX other ON blocks (user_id, changed)", "DROP INDEX other; " + index, []string{"source.changed_index"}},
		{"DROP TRIGGER note_change ON blocks", kept, []string{"source.changed_trigger"}},
		{"ALTER TABLE profiles DISABLE TRIGGER note_change", "ALTER TABLE profiles ENABLE TRIGGER note_change", []string{"source.changed_trigger"}},
		{"ALTER TABLE profiles ENABLE REPLICA TRIGGER note_change", "ALTER TABLE profiles ENABLE ALWAYS TRIGGER note_change", []string{"source.changed_trigger"}},
		{"DROP TRIGGER note_change ON blocks; " + trigger("a", "INSERT"), "DROP TRIGGER a ON blocks; " + kept, []string{"source.changed_trigger"}},
		{"DROP TRIGGER note_change ON blocks; " + trigger("a", "INSERT OR UPDATE OF user_id"), "DROP TRIGGER a ON blocks; " + kept, []string{"source.changed_trigger"}},
		{"DROP TRIGGER note_change ON blocks; " + trigger("a", "INSERT") + trigger("b", "UPDATE"), "", []string{""}},
		{"ALTER TABLE blocks DROP changed", column, []string{"source.column_missing"}},
		{"ALTER TABLE blocks DROP changed; ALTER TABLE blocks ADD changed bigint", "ALTER TABLE blocks DROP changed; " + column, []string{"source.column_type"}},
		{"SELECT 1", "", []string{""}},
		{"ALTER TABLE blocks RENAME TO base; CREATE VIEW blocks AS SELECT * FROM base; DROP TRIGGER a ON base", "", []string{""}}, // a view's owner answers for it
	} {
		db.MustExec(c.spoil)
		if got := codes(Check(t.Context(), db.DB, withMarks(t))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.spoil, got, c.want)
		}
		if c.mend != "" {
			db.MustExec(c.mend)
		}
	}
}

func trigger(name, events string) string {
	return fmt.Sprintf("CREATE TRIGGER %s BEFORE %s ON blocks FOR EACH ROW EXECUTE FUNCTION note_change();", name, events)
}

func TestConfigOfColumnsOfChanges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"all":              {func(*Config) {}, []string{""}},
		"none":             {func(c *Config) { *c = example(t, Postgres) }, []string{""}},
		"SQLite":           {func(c *Config) { c.Dialect = SQLite }, []string{"source.changed_dialect"}},
		"without consents": {func(c *Config) { c.Consents.Changed = "" }, []string{"source.changed_incomplete"}},
		"only of blocks": {func(c *Config) {
			c.Profiles.Changed, c.Accounts.Changed, c.Consents.Changed, c.ParentBlocks.Changed = "", "", "", ""
		},
			[]string{"source.changed_incomplete", "source.changed_incomplete", "source.changed_incomplete", "source.changed_incomplete"}},
		"no relation of accounts": {func(c *Config) { c.Accounts.Relation, c.Accounts.Key = "", "" }, []string{"source.missing"}},
		"in the profiles":         {func(c *Config) { c.Accounts.Relation, c.Accounts.Key, c.Accounts.Changed = "", "", "" }, []string{""}},
		"no name":                 {func(c *Config) { c.Blocks.Changed = "changed; DROP" }, []string{"source.identifier"}},
	} {
		config := withMarks(t)
		c.change(&config)
		if got := codes(config.Validate()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The role reads columns of changes if they are named, and its candidates with them.
func TestRoleReadsColumnsOfChanges(t *testing.T) {
	db := marked(t)
	name := "reader_of_" + db.Name
	db.MustExec("CREATE ROLE " + name + " LOGIN NOINHERIT")
	t.Cleanup(func() { db.MustExec("DROP OWNED BY " + name + "; DROP ROLE " + name) })
	role, err := sqlx.Open("postgres", db.Cluster.DSNFor(db.Name, name))
	if err != nil {
		t.Fatal(err)
	}
	defer role.Close()
	grant := func(c Config) {
		text, err := Grants(c, allFields, name)
		if err != nil {
			t.Fatal(err)
		}
		db.MustExec(text)
	}
	grant(example(t, Postgres))
	s := source(t, withMarks(t), role)
	_, horizon, err := read(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(t, s, horizon); record.CodeOf(err) != "source.database" {
		t.Errorf("without the right: %v", err)
	}
	grant(withMarks(t))
	db.MustExec("UPDATE accounts SET state = 'closed' WHERE user_id = 6")
	all, _ := mustRead(t, s, horizon)
	expectIDs(t, "with the right", all, 6)
	if excess, err := Excess(t.Context(), role, withMarks(t), allFields); err != nil || len(excess) > 0 {
		t.Errorf("beyond: %v, %v", excess, err)
	}
}
