package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

func TestDatabasesAreSeparate(t *testing.T) {
	a, b := New(t), New(t)
	if a.Name == b.Name {
		t.Fatal("one database for two")
	}
	a.MustExec("CREATE TABLE t (x int)")
	if _, err := b.Exec("SELECT x FROM t"); err == nil {
		t.Error("a table of one database is visible in the other")
	}
}

func TestServerKeepsItsPromises(t *testing.T) {
	db := New(t)
	for setting, want := range map[string]string{"fsync": "on", "listen_addresses": "", "server_encoding": "UTF8"} {
		var got string
		if err := db.Get(&got, "SELECT current_setting($1)", setting); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", setting, got, err, want)
		}
	}
	info, err := os.Stat(filepath.Join(db.Cluster.Dir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Sys().(*syscall.Stat_t).Uid == 0 {
		t.Error("the cluster belongs to root")
	}
}

func TestTemplateIsPreparedOnce(t *testing.T) {
	prepared := 0
	prepare := func(db *sqlx.DB) error {
		prepared++
		_, err := db.Exec("CREATE TABLE t (x int); INSERT INTO t VALUES (7)")
		return err
	}
	for range 2 {
		db := NewFrom(t, "once", prepare)
		var x int
		if err := db.Get(&x, "SELECT x FROM t"); err != nil || x != 7 {
			t.Fatalf("x = %d, %v", x, err)
		}
		db.MustExec("DELETE FROM t")
	}
	if prepared != 1 {
		t.Errorf("prepared %d times", prepared)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	c := start(t)
	c.Stop()
	c.Stop()
	if _, err := os.Stat(c.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestFailureSaysWhy(t *testing.T) {
	start(t).Stop()
	_, err := Start("", "no_such_setting=1")
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got %v", err)
	}
}

// A program that is killed leaves no server and no directory: its half of the pipe is gone.
func TestKilledProgramLeavesNothing(t *testing.T) {
	if os.Getenv("PGTEST_VICTIM") != "" {
		db := New(t)
		if err := os.WriteFile(os.Getenv("PGTEST_VICTIM"), []byte(db.Cluster.Dir()), 0o600); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}
	start(t).Stop()
	said := filepath.Join(t.TempDir(), "dir")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProgramLeavesNothing$")
	cmd.Env = append(os.Environ(), "PGTEST_VICTIM="+said)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir []byte
	eventually(t, func() bool { dir, _ = os.ReadFile(said); return len(dir) > 0 })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	eventually(t, func() bool {
		_, err := os.Stat(string(dir))
		return errors.Is(err, os.ErrNotExist)
	})
}

// TestStandby follows the primary, and takes writes once it is promoted; a synchronous one has everything that was committed.
func TestStandby(t *testing.T) {
	primary := start(t)
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	db := sqlx.MustOpen("postgres", primary.DSN("postgres"))
	defer db.Close()
	db.MustExec("ALTER SYSTEM SET synchronous_standby_names = '*'")
	db.MustExec("SELECT pg_reload_conf()")
	eventually(t, func() bool {
		var n int
		return db.Get(&n, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == nil && n == 1
	})
	db.MustExec("CREATE TABLE t (x int); INSERT INTO t VALUES (7)")
	both := sqlx.MustOpen("postgres", "host="+primary.Dir()+","+standby.Dir()+" user=postgres dbname=postgres sslmode=disable target_session_attrs=read-write")
	defer both.Close()
	if err := primary.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	var x int
	if err := both.Get(&x, "INSERT INTO t SELECT x + 1 FROM t RETURNING x"); err != nil || x != 8 {
		t.Errorf("x = %d, %v", x, err)
	}
}

// TestHaltAndResume: a halted server is away, and comes back with its data; a halted one can be stopped.
func TestHaltAndResume(t *testing.T) {
	c := start(t)
	db := sqlx.MustOpen("postgres", c.DSN("postgres"))
	defer db.Close()
	db.MustExec("CREATE TABLE t (x int)")
	for range 2 {
		if err := c.Halt(); err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(); err == nil {
			t.Error("a halted server answers")
		}
		if err := c.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.MustExec("INSERT INTO t VALUES (1)")
	}
	if err := c.Halt(); err != nil {
		t.Fatal(err)
	}
	c.Stop()
	if _, err := os.Stat(c.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func start(t *testing.T) *Cluster {
	t.Helper()
	New(t) // skips where nothing is installed
	c, err := Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen")
		}
	}
}
