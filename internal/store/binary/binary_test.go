package binary_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"

	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/store/binary"
)

const some = "SELECT convert_to(repeat(n::text, $1::int), 'UTF8') FROM generate_series(1, 3) AS n"

// read returns what a query gives, one column of bytes.
func read(ctx context.Context, db binary.Preparer, query string, args ...any) (out []string, err error) {
	rows, err := binary.Query(ctx, db, query, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, string(b))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, rows.Close()
}

// prepared counts what is prepared on the one connection of a database, or on that of a transaction.
func prepared(t *testing.T, db sqlx.QueryerContext) (n int) {
	t.Helper()
	if err := db.QueryRowxContext(t.Context(), "SELECT count(*) FROM pg_prepared_statements").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKeptIsPreparedOnce, also by several who ask at once; in a transaction nothing outlives its rows.
func TestKeptIsPreparedOnce(t *testing.T) {
	db := pgtest.New(t).DB
	kept := binary.Keep(db)
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for range 20 {
				if got, err := read(t.Context(), kept, some, i); err != nil || len(got) != 3 || len(got[2]) != i {
					t.Error(got, err)
				}
			}
		})
	}
	work.Wait()
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	for range 3 {
		if got, err := read(t.Context(), kept, some, 2); err != nil || fmt.Sprint(got) != "[11 22 33]" {
			t.Error(got, err)
		}
	}
	if n := prepared(t, db); n != 1 {
		t.Errorf("%d statements are prepared", n)
	}
	tx, err := db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for range 3 {
		if got, err := read(t.Context(), tx, some, 1); err != nil || len(got) != 3 {
			t.Error(got, err)
		}
	}
	if n := prepared(t, tx); n != 1 {
		t.Errorf("%d statements are prepared after those of the transaction", n)
	}
}

// TestKeptAfterFailures: neither a failure, nor the end of a connection, nor that of somebody's context spoils a query for whoever asks next.
func TestKeptAfterFailures(t *testing.T) {
	db := pgtest.New(t).DB
	kept := binary.Keep(db)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	ask := func() ([]string, error) {
		return read(t.Context(), kept, "SELECT convert_to(v, 'UTF8') FROM one")
	}
	if _, err := ask(); err == nil {
		t.Error("a table that is not there was read")
	}
	db.MustExec("CREATE TABLE one (v text); INSERT INTO one VALUES ('x')")
	for _, step := range []func(){
		func() {},
		func() { _, _ = read(over, kept, "SELECT convert_to(v, 'UTF8') FROM one") },
		func() { db.MustExec("ALTER TABLE one ADD COLUMN more int") },
		func() {
			db.MustExec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		},
	} {
		step()
		if got, err := ask(); err != nil || fmt.Sprint(got) != "[x]" {
			t.Error(got, err)
		}
	}
}

// TestKeptOnSQLite reads what was written, and a table that has changed.
func TestKeptOnSQLite(t *testing.T) {
	db, err := sqlx.Open("sqlite", "file:"+t.TempDir()+"/s.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept := binary.Keep(db)
	db.MustExec("CREATE TABLE one (v blob)")
	for i, change := range []string{"INSERT INTO one VALUES (x'61')", "ALTER TABLE one ADD COLUMN more", "DELETE FROM one", "DROP TABLE one; CREATE TABLE one (more, v blob); INSERT INTO one VALUES (1, x'62')"} {
		db.MustExec(change)
		if got, err := read(t.Context(), kept, "SELECT v FROM one"); err != nil || fmt.Sprint(got) != []string{"[a]", "[a]", "[]", "[b]"}[i] {
			t.Error(i, got, err)
		}
	}
}
