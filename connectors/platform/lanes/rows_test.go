package lanes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/pgtest"
)

// connected gives a connection with a transaction, and how many statements are prepared on it.
func connected(t *testing.T, db *sqlx.DB) (conn *sqlx.Conn, tx *sqlx.Tx, prepared func() int) {
	t.Helper()
	conn, err := db.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if tx, err = conn.BeginTxx(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return conn, tx, func() (n int) {
		if err := conn.GetContext(context.WithoutCancel(t.Context()), &n, "SELECT count(*) FROM pg_prepared_statements"); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// TestRowsOfAllSizes reads rows that are empty, that fill a block just so, and that are longer than one.
func TestRowsOfAllSizes(t *testing.T) {
	conn, _, prepared := connected(t, pgtest.New(t).DB)
	for _, size := range []int{0, 1, 100, blockBytes - 5, blockBytes - 4, blockBytes - 3, blockRoom, 3 * blockRoom} {
		rows, err := Query(t.Context(), conn, "SELECT convert_to(repeat('x', $1::int - n % 2), 'UTF8') FROM generate_series(1, 40) AS n", size+1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			row, err := rows.Row()
			if err != nil || string(row) != strings.Repeat("x", size+i%2) {
				t.Fatalf("rows of %d: row %d has %d bytes, %v", size, i, len(row), err)
			}
		}
		for range 2 {
			if row, err := rows.Row(); row != nil || err != nil {
				t.Fatalf("rows of %d: after the last one: %d bytes, %v", size, len(row), err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := prepared(); n != 0 {
		t.Errorf("%d statements are left", n)
	}
}

// TestQueriesThatFail say so, at once or where they fail, never that the rows are over; they leave nothing prepared.
func TestQueriesThatFail(t *testing.T) {
	for name, query := range map[string]string{
		"no query":        "SELECT",
		"in the middle":   "SELECT convert_to((1 / (10000 - n))::text, 'UTF8') FROM generate_series(1, 20000) AS n",
		"no bytes":        "SELECT 1",
		"a row of NULL":   "SELECT NULL::bytea",
		"too few":         "SELECT convert_to('x', 'UTF8') WHERE $1 = 1",
		"an unknown name": "SELECT nothing",
	} {
		t.Run(name, func(t *testing.T) {
			conn, tx, prepared := connected(t, pgtest.New(t).DB)
			rows, err := Query(t.Context(), conn, query)
			if err == nil {
				for row := []byte{0}; err == nil; row, err = rows.Row() {
					if row == nil {
						t.Fatal("the rows are over")
					}
				}
				_ = rows.Close()
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if n := prepared(); n != 0 {
				t.Errorf("%d statements are left", n)
			}
		})
	}
}

// TestCancelledWhileItWaits: a query that the server works on ends with its context, whether it has given rows or not, and its connection ends its transaction.
func TestCancelledWhileItWaits(t *testing.T) {
	for _, before := range []int{0, 1, 5000} {
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			db := pgtest.New(t).DB
			conn, tx, prepared := connected(t, db)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer cancel()
				for asleep := 0; asleep == 0 && t.Context().Err() == nil; {
					if err := db.Get(&asleep, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			began := time.Now()
			rows, err := Query(ctx, conn, fmt.Sprintf("SELECT CASE WHEN n > %d THEN convert_to(pg_sleep(60)::text, 'UTF8') ELSE repeat('x', 100)::bytea END FROM generate_series(1, 6000) AS n", before))
			read := 0
			if err == nil {
				for row := []byte{0}; err == nil; row, err = rows.Row() {
					if row == nil {
						t.Fatal("the rows are over")
					}
					read++
				}
				_ = rows.Close()
			}
			if took := time.Since(began); !errors.Is(err, context.Canceled) || took > 20*time.Second || read > before+1 {
				t.Errorf("%d rows in %s, then %v", read, took, err)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if n := prepared(); n != 0 {
				t.Errorf("%d statements are left", n)
			}
		})
	}
}

// TestConnectionIsCut: a connection that ends in the middle is an error, and closing what is left does not wait.
func TestConnectionIsCut(t *testing.T) {
	db := pgtest.New(t).DB
	conn, err := db.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := tx.Get(&pid, "SELECT pg_backend_pid()"); err != nil {
		t.Fatal(err)
	}
	rows, err := Query(t.Context(), conn, "SELECT repeat('x', 1000)::bytea FROM generate_series(1, 1000000)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.Row(); err != nil {
		t.Fatal(err)
	}
	db.MustExec("SELECT pg_terminate_backend($1)", pid)
	for row := []byte{0}; err == nil; row, err = rows.Row() {
		if row == nil {
			t.Fatal("the rows are over")
		}
	}
	if rows.Close() == nil || tx.Rollback() == nil {
		t.Error("what is left was closed as if nothing had happened")
	}
	_ = conn.Close()
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are in use", n)
	}
	db.MustExec("SELECT 1")
}
