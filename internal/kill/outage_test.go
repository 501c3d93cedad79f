package kill

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/synth"
)

const outagePeople, outageBatch = 400, 5

// calm gives a deployment leases that outlast an outage, and runs with a patience.
func (w *world) calm(patience string) *world {
	w.edit("almasu.yaml", "lease: "+lease.String(), "lease: 60s")
	w.edit("almasu.yaml", "patience: 20s", "patience: "+patience)
	return w
}

// lapse passes over the lease of a run that could not give it back.
func (w *world) lapse() { w.skew += 61 * time.Second }

// ends waits for the end of a life and returns its exit code.
func (w *world) ends(l *life) int {
	w.Helper()
	w.within(l, 50*time.Second)
	if l.alive() {
		w.Fatalf("the run does not end\n%s", l.said())
	}
	return l.cmd.ProcessState.ExitCode()
}

// advises holds that a life has ended for the environment's sake, with a code and its hint.
func (w *world) advises(l *life, hint string, codes ...string) {
	w.Helper()
	code, named := w.ends(l), false
	for _, c := range codes {
		named = named || strings.Contains(l.said(), "["+c+"]")
	}
	if code == 0 || code == 5 || !named || !strings.Contains(l.said(), hint) || strings.Contains(l.said(), "almasu.failed") {
		w.Errorf("exit code %d; %v, %q are expected in\n%s", code, codes, hint, l.said())
	}
}

// middle waits until a life has logged some messages more than there were before.
func (w *world) middle(before, more int) {
	w.Helper()
	tick, late := time.NewTicker(2*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	w.look(func(s *store.Store) {
		for n := 0; n < before+more; {
			select {
			case <-tick.C:
			case <-late:
				w.Fatalf("only %d messages, %d before", n, before)
			}
			w.must(s.DB().Get(&n, "SELECT count(*) FROM message"))
		}
	})
}

func (w *world) messages() (n int) {
	w.look(func(s *store.Store) { w.must(s.DB().Get(&n, "SELECT count(*) FROM message")) })
	return n
}

// smallDisk moves the store to a file system of its own.
func (w *world) smallDisk() (dir string) {
	w.Helper()
	dir = w.Path("disk")
	w.must(os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=700"); err != nil {
		needs.Refused(w, "mounting a small file system", err)
	}
	w.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			w.Errorf("unmounting: %v", err)
		}
	})
	files, err := filepath.Glob(w.Path("almasu.db*"))
	w.must(err)
	for _, from := range files {
		b, err := os.ReadFile(from)
		w.must(err)
		w.must(os.WriteFile(filepath.Join(dir, filepath.Base(from)), b, 0o600))
		w.must(os.Remove(from))
	}
	w.edit("almasu.yaml", "path: almasu.db", "path: disk/almasu.db")
	w.dsn = filepath.Join(dir, "almasu.db")
	return dir
}

// fill leaves some octets of a disk free; the function that it returns frees the rest.
func (w *world) fill(dir string, free int) func() {
	w.Helper()
	var st syscall.Statfs_t
	w.must(syscall.Statfs(dir, &st))
	name := filepath.Join(dir, "other")
	w.must(os.WriteFile(name, make([]byte, max(int(st.Bavail)*int(st.Bsize)-free, 0)), 0o600))
	return func() { w.must(os.Remove(name)) }
}

// TestDiskOfTheStore fills the disk of an embedded store at different moments of a transfer, and makes it read-only. The run ends saying what to do; whatever
// was logged is delivered by the next run, and nobody is sent twice.
func TestDiskOfTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shipped, "", outagePeople, 20).calm("500ms")
	dir := w.smallDisk()
	between := 0
	for _, free := range []int{0, 64 << 10, 256 << 10, 512 << 10} {
		before, release := w.messages(), w.fill(dir, free)
		l := w.run("")
		w.advises(l, "free space on the disk", "store.disk_full", "store.disk_error")
		release()
		w.events(nil)
		if w.messages() > before {
			between++
		}
		w.lapse()
		w.finish(w.next(""))
		w.judge()
	}
	if between == 0 {
		t.Error("no disk was full in the middle of a transfer")
	}
	w.must(syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	w.advises(w.run(""), "writable", "store.read_only", "store.cannot_open")
	w.must(syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""))
	w.finish(w.run(""))
	w.whole()
	w.judge()
}

// own starts a PostgreSQL that a test may halt.
func own(t *testing.T) *pgtest.Cluster {
	t.Helper()
	pgtest.New(t) // skips where nothing is installed
	c, err := pgtest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// TestStoreAway halts the service's PostgreSQL in the middle of transfers: for less than the run's patience, and the run goes on and ends well; for
// longer, and it ends saying what to do, and the next goes on; and lets it refuse to write.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	c := own(t)
	w := newWorld(t, shipped, c.DSN("postgres"), outagePeople, outageBatch).calm("20s")
	interrupted := func() *life {
		before := w.messages()
		l := w.run("")
		w.middle(before, 3)
		w.must(c.Halt())
		return l
	}
	l := interrupted()
	w.within(l, time.Second)
	w.must(c.Resume(t.Context()))
	if code := w.ends(l); code != 0 && code != 5 || !strings.Contains(l.said(), "is taken up again") || !strings.Contains(l.said(), "[store.unreachable]") || !strings.Contains(l.said(), "start the database") {
		t.Errorf("exit code %d\n%s", code, l.said())
	}
	w.finish(l)
	w.whole()
	w.judge()

	w.edit("almasu.yaml", "patience: 20s", "patience: 500ms")
	for range 2 {
		l = interrupted()
		w.advises(l, "start the database", "store.unreachable")
		w.advises(w.run(""), "start the database", "store.unreachable")
		w.must(c.Resume(t.Context()))
		w.events(nil)
		w.lapse()
		w.finish(w.next(""))
		w.whole()
		w.judge()
	}

	db := sqlx.MustConnect("postgres", c.DSN("template1"))
	defer db.Close()
	for try := 0; ; try++ {
		before := w.messages()
		l = w.run("")
		w.middle(before, 3)
		db.MustExec("ALTER DATABASE postgres SET default_transaction_read_only = on")
		db.MustExec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'")
		code := w.ends(l)
		late := code == 0 || code == 5 // the transfer was closed before the store refused
		if !late {
			w.advises(l, "name the primary", "store.read_only")
		}
		db.MustExec("ALTER DATABASE postgres RESET default_transaction_read_only")
		w.events(nil)
		w.lapse()
		w.finish(w.next(""))
		w.whole()
		w.judge()
		if !late {
			break
		}
		if try == 5 {
			t.Fatal("no transfer was in its middle when the store began to refuse")
		}
	}
}

// TestPlatformAway halts the platform's PostgreSQL in the middle of transfers, for less and for longer than the run's patience.
func TestPlatformAway(t *testing.T) {
	t.Parallel()
	c := own(t)
	const people = 4000 // more than the connection holds when the first message is logged
	w := newWorld(t, shipped, "", people, 20).calm("20s")
	db := sqlx.MustOpen("postgres", c.DSN("postgres"))
	defer db.Close()
	w.must(synth.Load(t.Context(), db, synth.Options{People: people, Seed: 1, At: w.Now}))
	w.edit("platform.yaml", "dialect: sqlite", "dialect: postgres")
	w.must(os.WriteFile(w.Path("platform.dsn"), []byte(c.DSN("postgres")+"\n"), 0o600))
	w.finish(w.run(""))
	w.judge()

	before := w.messages()
	l := w.run("")
	w.middle(before, 1)
	w.must(c.Halt())
	w.within(l, time.Second)
	w.must(c.Resume(t.Context()))
	if code := w.ends(l); code != 0 && code != 5 || !strings.Contains(l.said(), "[source.database]") {
		t.Errorf("exit code %d\n%s", code, l.said())
	}
	w.whole()
	w.judge()

	w.edit("almasu.yaml", "patience: 20s", "patience: 500ms")
	before = w.messages()
	l = w.run("")
	w.middle(before, 1)
	w.must(c.Halt())
	w.advises(l, "start the platform's database", "source.database")
	w.advises(w.run(""), "start the platform's database", "source.database")
	w.events(nil)
	w.must(c.Resume(t.Context()))
	w.finish(w.run(""))
	w.whole()
	w.judge()
}

// TestClockIsWrong runs almasu an hour ahead of the recipient, and an hour behind: nothing is taken, the message says that the clocks differ, and what was
// logged is delivered when the clock has jumped back.
func TestClockIsWrong(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn func() string) {
		w := newWorld(t, shipped, dsn(), pointPeople, pointBatch).calm("500ms")
		for _, jump := range []time.Duration{time.Hour, -time.Hour} {
			before := w.messages()
			w.skew += jump
			l := w.run("")
			if code := w.ends(l); code != 1 || !strings.Contains(l.said(), `"code":"delivery.clock"`) || !strings.Contains(l.said(), "compare both clocks") {
				t.Errorf("%s: exit code %d\n%s", jump, code, l.said())
			}
			if w.messages() == before {
				t.Errorf("%s: nothing was logged", jump)
			}
			w.events(nil)
			w.skew -= jump
			w.finish(w.run(""))
			w.judge()
		}
		w.finish(w.run(""))
		w.whole()
		w.judge()
	})
}
