// Package doctor looks at what a transfer needs and the configuration cannot say: disks, the files of secrets, recipients' certificates and clocks, rights in
// both databases, what has waited for too long, what waits for a decision. It changes nothing, and sends recipients nothing but a TLS handshake and a HEAD request without content.
//
// A [Finding] has a level: "ok", "warn" (something ends, or is tighter or looser than it should be) or "fail" (a transfer fails or should not run). Its code is
// stable; its hint says what to do. No finding has a value of a profile.
package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/serving"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
)

// The levels.
const (
	OK   = "ok"
	Warn = "warn"
	Fail = "fail"
)

// Finding is one line of the doctor's.
type Finding struct {
	Level   string `json:"level"`
	Code    string `json:"code,omitempty"`
	What    string `json:"what"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Soon is within what time an end is worth a warning.
const Soon = 30 * 24 * time.Hour

// The room that a disk must have: below the first there is a warning, below the second nothing should be begun.
const (
	lowBytes, noBytes = 2 << 30, 200 << 20
	lowPart, noPart   = 0.10, 0.02
)

// space judges a file system's room.
func space(what, dir string, free, size uint64, readOnly bool) Finding {
	part := float64(free) / float64(max(size, 1))
	f := Finding{OK, "", what, fmt.Sprintf("%d MiB free, %.0f %%, at %s", free>>20, 100*part, dir), ""}
	switch {
	case readOnly:
		f.Level, f.Code, f.Hint = Fail, "doctor.disk_read_only", "the file system is mounted read-only, often after an error of the disk: look at the kernel's log (dmesg), then remount"
	case free < noBytes || part < noPart && free < lowBytes:
		f.Level, f.Code, f.Hint = Fail, "doctor.disk_full", "make room before the next run: nothing is sent if it cannot be logged"
	case free < lowBytes && part < 2*lowPart || part < lowPart && free < 10*lowBytes:
		f.Level, f.Code, f.Hint = Warn, "doctor.disk_low", "make room, or give the volume more"
	}
	return f
}

// Disk looks at the file system of a folder that the service writes into.
func Disk(what, dir string) Finding {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return Finding{Fail, "doctor.disk_unreadable", what, fmt.Sprintf("%s cannot be looked at: %v", dir, err), "is the folder there, and may the service's account enter it?"}
	}
	const rdonly = 1 // ST_RDONLY, statvfs(3)
	return space(what, dir, uint64(st.Bavail)*uint64(st.Bsize), uint64(st.Blocks)*uint64(st.Bsize), st.Flags&rdonly != 0)
}

// Secrets looks at the files of secrets and the folders they lie in: whoever may write into the folder may replace the file.
func Secrets(paths []string) []Finding {
	var out []Finding
	seen := map[string]bool{}
	for _, path := range paths {
		dir := filepath.Dir(path)
		if !seen[dir] {
			seen[dir] = true
			info, err := os.Stat(dir)
			if err == nil && info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
				out = append(out, Finding{Fail, "doctor.folder_writable", "secrets", fmt.Sprintf("others may write into %s (mode %#o), and replace what lies there", dir, info.Mode().Perm()), "run: chmod go-w " + dir})
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			continue // found by whoever reads it
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
			out = append(out, Finding{Warn, "doctor.secret_owner", "secrets", fmt.Sprintf("%s belongs to uid %d, and this program runs as uid %d", path, st.Uid, os.Geteuid()),
				"run the doctor as the service's account; a secret belongs to that account or to root"})
		}
	}
	if len(out) == 0 {
		out = append(out, Finding{OK, "", "secrets", fmt.Sprintf("%d files, readable and replaceable by their owner alone", len(paths)), ""})
	}
	return out
}

// Reader looks at the rights of the role that reads the platform. fields are those of all routes.
func Reader(ctx context.Context, db *sqlx.DB, c platform.Config, fields []string) Finding {
	excess, err := platform.Excess(ctx, db, c, fields)
	switch {
	case err != nil:
		return Finding{Fail, "doctor.platform_rights", "platform's role", fmt.Sprintf("its rights cannot be asked for: %v", err), "see the database's log"}
	case len(excess) > 0:
		return Finding{Warn, "doctor.platform_rights", "platform's role", "it may do more than transfers need: " + listed(excess), "make a role with: almasu grants CONNECTOR"}
	}
	return Finding{OK, "", "platform's role", "may read what transfers need, and no more", ""}
}

// listed shortens a list.
func listed(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(" and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}

// evidence are the tables that are only inserted into.
var evidence = []string{"log_entry", "log_hash", "log_checkpoint", "situations", "part", "message", "settlement"}

// Writer looks at the rights of the role that the store is opened as: on PostgreSQL it may not change evidence.
func Writer(ctx context.Context, db *sqlx.DB, kind store.Kind) Finding {
	if kind != store.Postgres {
		return Finding{OK, "", "store's role", "SQLite: triggers refuse changes of evidence; for production use PostgreSQL", ""}
	}
	var loose []string
	for _, table := range evidence {
		var may bool
		if err := db.GetContext(ctx, &may, "SELECT has_table_privilege($1, 'UPDATE, DELETE, TRUNCATE')", table); err != nil {
			return Finding{Fail, "doctor.store_rights", "store's role", fmt.Sprintf("its rights cannot be asked for: %v", err), "run: almasu migrate"}
		}
		if may {
			loose = append(loose, table)
		}
	}
	if len(loose) > 0 {
		return Finding{Warn, "doctor.store_rights", "store's role", "it may change evidence: " + listed(loose), "let the service log in as almasu_service; its rights: almasu migrate --roles"}
	}
	return Finding{OK, "", "store's role", "may add evidence and not change it", ""}
}

// Holds looks at the runs that wait for a person's decision: a warning, and a failure on the last day for deciding.
func Holds(t *tally.Tally, now time.Time) []Finding {
	var out []Finding
	for _, h := range t.Held {
		f := Finding{Warn, "doctor.held", "hold of " + h.Connector, fmt.Sprintf("%d runs wait for a decision since %s; nothing of them is sent unless somebody approves before %s",
			h.Runs, h.Since.UTC().Format(time.DateTime), h.Expires.UTC().Format(time.DateTime)), "see: almasu holds, and docs/operations.md, \"A run is held\""}
		if h.Expires.Sub(now) < 24*time.Hour {
			f.Level, f.Code = Fail, "doctor.hold_expires"
		}
		out = append(out, f)
	}
	if len(out) == 0 {
		out = append(out, Finding{OK, "", "holds", "no run waits for a decision", ""})
	}
	return out
}

// Serving looks at the processes that serve the store or wait to, and at whether the files of this machine are what they serve by.
func Serving(all []serving.Process, ours record.Digest) []Finding {
	var out []Finding
	n, others := 0, 0
	for _, p := range all {
		if p.State == serving.Waits {
			out = append(out, Finding{Fail, "doctor.deployment_waits", "process " + p.Worker, "waits since " + p.Since.UTC().Format(time.DateTime) + ": others serve by another configuration",
				"give all the same configuration, register, mappings and calendars, and send them SIGHUP, or stop the one that is wrong"})
			continue
		}
		if n++; p.Deployment != ours {
			others++
		}
	}
	f := Finding{OK, "", "processes", fmt.Sprintf("%d serve, by the files of this machine", n), ""}
	if others > 0 {
		f.Level, f.Code, f.Message = Warn, "doctor.deployment_differs", fmt.Sprintf("%d serve, and by other files than those of this machine", n)
		f.Hint = "send them SIGHUP if these files are to be taken into use, everywhere; else put back what they serve by"
	}
	return append(out, f)
}

// Outbox looks at what waits, at lines that are down or halted, and at runs that were left behind.
func Outbox(t *tally.Tally, now time.Time) []Finding {
	var out []Finding
	for _, l := range t.Lines {
		what := "recipient " + l.Recipient
		switch l.State {
		case transfer.LineHalted:
			out = append(out, Finding{Fail, "doctor.line_halted", what, fmt.Sprintf("nothing is sent to it since %s: it has objected to message %s of %s [%s]", l.Since.UTC().Format(time.DateTime), l.Message, l.Connector, l.Code),
				"see docs/operations.md, \"Nothing goes to a recipient any more\""})
		case transfer.LineDown:
			out = append(out, Finding{Warn, "doctor.line_down", what, fmt.Sprintf("does not answer since %s [%s]", l.Since.UTC().Format(time.DateTime), l.Code), "it is tried again by itself; ask the recipient"})
		}
	}
	for _, w := range t.Waiting {
		f := Finding{Warn, "doctor.waiting", "outbox", fmt.Sprintf("%d messages with %d people wait for %s, the oldest since %s", w.Messages, w.People, w.Recipient, w.Oldest.UTC().Format(time.DateTime)),
			"almasu serve delivers them; see: almasu recipients"}
		if now.Sub(w.Oldest) > 24*time.Hour {
			f.Level, f.Code = Fail, "doctor.waiting_long"
		}
		out = append(out, f)
	}
	for _, j := range t.Jobs {
		if !j.Lease.IsZero() && now.Sub(j.Lease) > 5*time.Minute {
			out = append(out, Finding{Warn, "doctor.lease_lapsed", "run of " + j.Connector, "was left behind by a process that is gone", "start almasu serve: it goes on where the run was"})
		}
		if !j.Oldest.IsZero() && now.Sub(j.Oldest) > 15*time.Minute {
			out = append(out, Finding{Warn, "doctor.run_late", "run of " + j.Connector, "is due since " + j.Oldest.UTC().Format(time.DateTime) + " and nobody has begun it", "does almasu serve run?"})
		}
	}
	if len(out) == 0 {
		out = append(out, Finding{OK, "", "outbox", "nothing waits", ""})
	}
	return out
}
