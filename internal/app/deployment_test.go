package app

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/setup"
)

// deployment builds an example whose consent route is permitted outside a demonstration too. The platform is on SQLite if there is no DSN.
func deployment(t *testing.T, platformDSN string) *setup.Example {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 1000, Batch: 100, Canary: canary, PlatformDSN: platformDSN}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// start runs a body's authority as it is shipped.
func start(t *testing.T, w *setup.Example, b *setup.Body) {
	t.Helper()
	if err := w.Start(context.Background(), b, w.Now, filepath.Join(binaries, "authority")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Errorf("stopping the authority: %v", err)
		}
	})
}

// oblastOnly starts the oblast's authority, which stands at the ministry's address too, and configures both connectors, first due at a time.
func oblastOnly(t *testing.T, w *setup.Example, first time.Time) {
	t.Helper()
	start(t, w, w.Oblast)
	w.Ministry.URL = w.Oblast.URL
	if err := w.WriteConfig(first); err != nil {
		t.Fatal(err)
	}
}

// migrate makes the service's store.
func migrate(t *testing.T, w *setup.Example) {
	t.Helper()
	if _, stderr, code := run(t, "almasu", almasuArgs(w, "migrate")...); code != 0 {
		t.Fatal(stderr)
	}
}

// storeOf is the database of the service's store.
func storeOf(t *testing.T, w *setup.Example) *sqlx.DB {
	t.Helper()
	db, err := sqlx.Open("sqlite", "file:"+w.Path("almasu.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// opened is the whole service of a session, with its register noted.
func opened(t *testing.T, s *session) *service.Service {
	t.Helper()
	v, err := s.open(t.Context(), service.Parts{Platform: true, Store: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if err := v.NoteRegister(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	return v
}

// background starts almasu, and kills it after a minute if it has not ended; it returns its log.
func background(t *testing.T, args []string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "almasu"), args...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { killer.Stop() })
	return cmd, log
}
