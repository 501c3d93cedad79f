package service

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/record"
)

// example is the shipped example with a person, of whose recipients nobody listens.
func example(t *testing.T, now time.Time) *setup.Example {
	t.Helper()
	w := &setup.Example{Dir: t.TempDir(), Now: now, People: 1, Batch: 20}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Ministry.URL, w.Oblast.URL = "https://127.0.0.1:9", "https://127.0.0.1:9"
	if err := w.WriteConfig(now); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestDeployment: what a process does moves the digest of its deployment; where its files lie, its pace and its keys do not.
func TestDeployment(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	w := example(t, now)
	if err := w.Write("calendars.yaml", []byte("calendars: [{name: year, zone: Asia/Almaty}]\n")); err != nil {
		t.Fatal(err)
	}
	digest := func(dir string) record.Digest {
		t.Helper()
		v, err := Open(t.Context(), Env{Config: filepath.Join(dir, "almasu.yaml"), Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)}, Parts{})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		d, err := v.Deployment()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	was := digest(w.Dir)
	for _, c := range []struct {
		what, file, old, new string
		moves                bool
	}{
		{"another folder", "almasu.yaml", "", "", false},
		{"the pace", "almasu.yaml", "poll: 300ms", "poll: 5s, parallel: 4, metrics: 127.0.0.1:0", false},
		{"a comment", "almasu.yaml", "connectors:\n", "# ours\nconnectors:\n", false},
		{"the schedule", "almasu.yaml", "zone: Asia/Almaty", "zone: Asia/Qyzylorda", true},
		{"the calendars' file", "almasu.yaml", "schemas: schemas\n", "schemas: schemas\ncalendars: calendars.yaml\n", true},
		{"limits", "almasu.yaml", "    compare: none\n", "    compare: none\n    hold: {changed: {share: 10%}}\n", true},
		{"the comparison", "almasu.yaml", "compare: none", "compare: full", true},
		{"the size of messages", "almasu.yaml", "batch: 20\n", "batch: 21\n", true},
		{"where it sends", "almasu.yaml", "127.0.0.1:9", "127.0.0.1:8", true},
		{"the platform's relations", "platform.yaml", "updated: updated_at", "updated: changed_at", true},
		{"a mapping", "mapping/oblast-consent.yaml", "version: 1", "version: 2", true},
		{"the register", "register/routes/oblast-consent.yaml", "correction_days: 365", "correction_days: 364", true},
	} {
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(w.Dir)); err != nil {
			t.Fatal(err)
		}
		if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chmod(path, 0o600)
		}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, c.file))
		if err != nil || !bytes.Contains(text, []byte(c.old)) {
			t.Fatalf("%s: %s does not hold %q", c.what, c.file, c.old)
		}
		if c.old != "" {
			if err := os.WriteFile(filepath.Join(dir, c.file), bytes.Replace(text, []byte(c.old), []byte(c.new), 1), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if moved := digest(dir) != was; moved != c.moves {
			t.Errorf("%s: moved %v, want %v", c.what, moved, c.moves)
		}
	}
}

// TestRegisterIsNotedOnce: processes that begin at the same moment all note the register that they have in common, and it stands in the log once.
func TestRegisterIsNotedOnce(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	w := example(t, now)
	env := Env{Config: w.Path("almasu.yaml"), Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)}
	v, err := Open(t.Context(), env, Parts{Store: true, AnySchema: true})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, err := v.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	start := make(chan struct{})
	for range 16 {
		group.Go(func() error {
			<-start
			return v.NoteRegister(t.Context(), "test")
		})
	}
	close(start)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if r, err := v.VerifyLog(t.Context(), nil); err != nil || r.Entries != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
