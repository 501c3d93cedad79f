package fault

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
)

// TestCodes holds the table of the package's comment, and that every code says what to do.
func TestCodes(t *testing.T) {
	for code, states := range map[string][]string{
		DiskFull: {"53100"}, ReadOnly: {"25006"}, DiskError: {"58030", "58P01"}, CannotOpen: {"3D000"}, Busy: {"53300", "53200", "55P03", "40001", "40P01"},
		Damaged: {"XX000", "XX001"}, Unreachable: {"08006", "57P01", "57P02", "57P03"}, Login: {"28000", "28P01"}, Rights: {"42501"}, Schema: {"42P01", "42703"},
	} {
		if Hint(code) == "" || Problem(code).Hint != Hint(code) || Problem(code).Message == "" {
			t.Errorf("%s does not say what to do", code)
		}
		for _, state := range states {
			err := Wrap(fmt.Errorf("writing: %w", &pq.Error{Code: pqerror.Code(state), Message: "so it says", Detail: "a value"}))
			if record.CodeOf(err) != code || !strings.Contains(err.Error(), "so it says, SQLSTATE "+state) || strings.Contains(err.Error(), "a value") {
				t.Errorf("%s: %v", state, err)
			}
		}
	}
	for n, code := range map[int]string{13: DiskFull, 8: ReadOnly, 8 | 4<<8: ReadOnly, 10: DiskError, 10 | 3<<8: DiskError, 10 | 19<<8: DiskFull, 14: CannotOpen, 3: CannotOpen, 5: Busy, 6: Busy, 11: Damaged, 26: Damaged, 23: Rights, 1: "", 19: ""} {
		if got := ofSQLite(n); got != code {
			t.Errorf("result code %d is %q, want %q", n, got, code)
		}
	}
}

// TestOthersStayAsTheyAre: what is no database's, or has its code, is not touched; the driver's error stays inside.
func TestOthersStayAsTheyAre(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, err := range []error{
		nil, context.Canceled, errors.New("some sentinel"), &pq.Error{Code: "22P02"}, &pq.Error{Code: "23505"}, record.NewProblem("other.code", "", "", "x"),
		&url.Error{Op: "Get", Err: refused}, &net.OpError{Op: "listen", Err: errors.New("in use")},
	} {
		if got := Wrap(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
	for _, err := range []error{fmt.Errorf("reading: %w", refused), driver.ErrBadConn} {
		got := Wrap(err)
		var p *record.Problem
		if !errors.Is(got, err) || !errors.As(got, &p) || p.Code != Unreachable || p.Hint == "" || Wrap(got) != got {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// TestRealDatabases lets both databases say it themselves.
func TestRealDatabases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db := sqlx.MustOpen("sqlite", path)
	defer db.Close()
	db.MustExec("CREATE TABLE t (x); PRAGMA max_page_count = 2")
	demand(t, DiskFull, func() error { _, err := db.Exec("INSERT INTO t VALUES (zeroblob(100000))"); return err })
	db.MustExec("PRAGMA query_only = 1")
	demand(t, ReadOnly, func() error { _, err := db.Exec("INSERT INTO t VALUES (1)"); return err })
	if err := os.WriteFile(path+"x", []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{path + "x": Damaged, filepath.Join(path+"-nowhere", "b.db"): CannotOpen} {
		other := sqlx.MustOpen("sqlite", name)
		defer other.Close()
		demand(t, code, func() error { _, err := other.Exec("CREATE TABLE t (x)"); return err })
	}
	server := pgtest.New(t)
	for statement, code := range map[string]string{"SELECT * FROM no_such_table": Schema, "BEGIN READ ONLY; CREATE TABLE t (x int)": ReadOnly} {
		conn := sqlx.MustOpen("postgres", server.DSN)
		defer conn.Close()
		demand(t, code, func() error { _, err := conn.Exec(statement); return err })
	}
	for dsn, code := range map[string]string{
		server.Cluster.DSN("no_such_database"): CannotOpen, server.Cluster.DSNFor(server.Name, "nobody_known"): Login, "host=" + t.TempDir() + " sslmode=disable": Unreachable,
	} {
		conn := sqlx.MustOpen("postgres", dsn)
		defer conn.Close()
		demand(t, code, conn.Ping)
	}
}

func demand(t *testing.T, code string, f func() error) {
	t.Helper()
	if err := f(); err == nil || record.CodeOf(Wrap(err)) != code {
		t.Errorf("%v has the code %q, want %q", err, record.CodeOf(Wrap(err)), code)
	}
}
