// Package fault says of an error of a database what it means for whoever runs the service: a stable code, a sentence, and what to do.
//
// [Wrap] looks at the error's type, never at its text: SQLite's result code, PostgreSQL's SQLSTATE (appendix A of its manual), or a connection that
// could not be made or has broken. The [Fault] keeps the driver's error inside. An error that has a code already, and one that is none of
// a database's (a sentinel, a context that has ended), comes back as it is. [Hint] is the one table of what to do.
//
//	code               SQLite                     PostgreSQL
//	store.disk_full    FULL, IOERR_SHMSIZE        53100
//	store.read_only    READONLY                   25006
//	store.disk_error   IOERR (others)             58030, class 58
//	store.cannot_open  CANTOPEN, PERM             3D000
//	store.busy         BUSY, LOCKED               53300, 53200, 55P03, 40001, 40P01
//	store.damaged      CORRUPT, NOTADB            class XX
//	store.unreachable                             class 08, 57P01 to 57P03, no connection, a broken one
//	store.login                                   class 28
//	store.rights       AUTH                       42501
//	store.schema                                  42P01, 42703
//
// Whatever the fault, nothing that is not logged has left, and a transaction that fails leaves nothing behind: the next run goes on from what is durable.
package fault

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"

	"birgeoqy.kz/almasu/internal/record"
)

// The codes.
const (
	DiskFull    = "store.disk_full"
	ReadOnly    = "store.read_only"
	DiskError   = "store.disk_error"
	CannotOpen  = "store.cannot_open"
	Busy        = "store.busy"
	Damaged     = "store.damaged"
	Unreachable = "store.unreachable"
	Login       = "store.login"
	Rights      = "store.rights"
	Schema      = "store.schema"
)

// texts are what a code means, and what to do.
var texts = map[string]struct{ message, hint string }{
	DiskFull: {"the store's disk is full",
		"free space on the disk of the store (df shows it; almasu doctor looks at it); then run again: what waits goes first, and nothing is sent twice"},
	ReadOnly: {"the store may not be written",
		"SQLite: the file, its folder and its disk must be writable for the service's account (ls -l, mount); PostgreSQL: name the primary, not a replica; then run again"},
	DiskError: {"the store's disk has failed",
		"look at the disk's room (df) and at the kernel's log (dmesg); when the disk is sound: almasu log verify, then run again"},
	CannotOpen: {"the store cannot be opened",
		"check the store's path or database name in almasu.yaml, and that file, folder and disk are writable for the service's account (ls -l, mount)"},
	Busy: {"the store is busy",
		"another program holds it, or it has no connection left: end what is not needed, and run again"},
	Damaged: {"the store is damaged",
		"stop the service and copy the store as it is; then see docs/operations.md, \"Restore\""},
	Unreachable: {"the store's database does not answer",
		"start the database or mend the way to it; almasu serve goes on by itself, or run again: what waits goes first"},
	Login: {"the store's database refuses the login",
		"check role and password in the store's dsn_file, and pg_hba.conf of the database"},
	Rights: {"the service's role lacks a right in the store",
		"give it the rights that almasu migrate --roles prints"},
	Schema: {"the store's schema is not up to date", "run almasu migrate, on PostgreSQL as the owner of the schema (README, step 4: almasu migrate -c migrate.yaml)"},
}

// Hint is what to do about a code, "" for a code of another's.
func Hint(code string) string { return texts[code].hint }

// Known reports whether err has one of the codes: its cause is the store, not what the caller has asked for.
func Known(err error) bool { return Hint(record.CodeOf(err)) != "" }

// Problem is what a code says, for errors that no driver has made.
func Problem(code string) *record.Problem {
	return record.NewProblem(code, "", texts[code].hint, "%s", texts[code].message)
}

// Fault is an error of a database with its code.
type Fault struct {
	problem *record.Problem
	cause   error
}

// Error says what is wrong and what the driver said, with the code at the end.
func (f *Fault) Error() string { return f.problem.Error() }

// Unwrap is the problem, with its hint, and the driver's error.
func (f *Fault) Unwrap() []error { return []error{f.problem, f.cause} }

// Wrap returns err as a [*Fault] if a database has made it and it has no code, else err.
func Wrap(err error) error {
	if err == nil || record.CodeOf(err) != "" {
		return err
	}
	code := codeOf(err)
	if code == "" {
		return err
	}
	said := err.Error()
	var server *pq.Error
	if errors.As(err, &server) {
		said = fmt.Sprintf("%s, SQLSTATE %s", server.Message, server.Code)
	}
	t := texts[code]
	return &Fault{record.NewProblem(code, "", t.hint, "%s: %s", t.message, said), err}
}

func codeOf(err error) string {
	var embedded *sqlite.Error
	var server *pq.Error
	var network *net.OpError
	var web *url.Error
	switch {
	case errors.As(err, &embedded):
		return ofSQLite(embedded.Code())
	case errors.As(err, &server):
		return ofPostgres(string(server.Code))
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.ErrUnexpectedEOF):
		return Unreachable
	case errors.As(err, &network) && network.Op != "listen" && !errors.As(err, &web):
		return Unreachable
	}
	return ""
}

// ofSQLite reads a result code (sqlite.org/rescode.html); the lower byte of an extended one is the primary.
func ofSQLite(code int) string {
	if code == 10|19<<8 { // the file beside the log of changes cannot grow: the disk is full
		return DiskFull
	}
	return map[int]string{
		3: CannotOpen, 5: Busy, 6: Busy, 8: ReadOnly, 10: DiskError, 11: Damaged, 13: DiskFull, 14: CannotOpen, 23: Rights, 26: Damaged,
	}[code&0xff]
}

// ofPostgres reads an SQLSTATE.
func ofPostgres(state string) string {
	known := map[string]string{
		"53100": DiskFull, "25006": ReadOnly, "3D000": CannotOpen, "53200": Busy, "53300": Busy, "55P03": Busy, "40001": Busy, "40P01": Busy,
		"57P01": Unreachable, "57P02": Unreachable, "57P03": Unreachable, "42501": Rights, "42P01": Schema, "42703": Schema,
	}
	if code := known[state]; code != "" {
		return code
	}
	for class, code := range map[string]string{"08": Unreachable, "28": Login, "58": DiskError, "XX": Damaged} {
		if strings.HasPrefix(state, class) {
			return code
		}
	}
	return ""
}
