package app

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transfer"
)

// TestServeOnPostgres runs the service as in production, on PostgreSQL for platform and store: a schedule falls due, the transfer is closed, the
// service ends when it is told to, and everything verifies.
func TestServeOnPostgres(t *testing.T) {
	platform, own := pgtest.New(t), pgtest.New(t)
	if err := synth.Load(t.Context(), platform.DB, synth.Options{People: 1000, Seed: 2, At: demo.Start}); err != nil {
		t.Fatal(err)
	}
	w := deployment(t, platform.DSN)
	if err := w.Write("store.dsn", []byte(own.DSN+"\n")); err != nil {
		t.Fatal(err)
	}
	w.StoreDSN = own.DSN
	oblastOnly(t, w, demo.Start.Truncate(time.Minute).Add(time.Minute)) // two seconds after the start
	migrate(t, w)
	closed := serveUntil(t, almasuArgs(w, "serve"), `"transfer closed"`, "oblast-consent")
	if !strings.Contains(closed, `"status":"sent_with_rejects"`) {
		t.Errorf("the scheduled transfer: %s", closed)
	}
	stdout, stderr, code := run(t, "almasu", almasuArgs(w, "transfers", "--json", "--connector", "oblast-consent")...)
	var answer struct {
		Result struct{ Transfers []*transfer.Report }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, stderr)
	}
	if list := answer.Result.Transfers; len(list) != 1 || list[0].Totals.Accepted < demo.Least || list[0].Trigger != transfer.Schedule || !list[0].Totals.Balanced() {
		t.Errorf("%d transfers: %s", len(list), stdout)
	}
	if _, stderr, code := run(t, "almasu", almasuArgs(w, "log", "verify")...); code != 0 {
		t.Errorf("the log does not verify: %s", stderr)
	}
}

// TestServeReadsAnewOnHangup ends and begins again by itself when it is told to, and ends for good when it is told to end.
func TestServeReadsAnewOnHangup(t *testing.T) {
	w := deployment(t, "")
	w.Ministry.URL, w.Oblast.URL = "https://127.0.0.1:9", "https://127.0.0.1:9"
	if err := w.WriteConfig(demo.Start.Add(6 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	migrate(t, w)
	cmd, log := background(t, almasuArgs(w, "serve"))
	signals, begun := []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM}, 0
	for in := bufio.NewScanner(log); in.Scan(); {
		if !strings.Contains(in.Text(), `"serving"`) {
			continue
		}
		if begun++; begun <= len(signals) {
			if err := cmd.Process.Signal(signals[begun-1]); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || begun != 2 {
		t.Errorf("it began %d times and ended with %v", begun, err)
	}
}

// serveUntil runs a service until a line of its log holds all words, ends it as systemd would, and returns the line.
func serveUntil(t *testing.T, args []string, words ...string) string {
	t.Helper()
	cmd, log := background(t, args)
	found, all := "", strings.Builder{}
	for in := bufio.NewScanner(log); in.Scan(); {
		line := in.Text()
		all.WriteString(line + "\n")
		match := found == ""
		for _, word := range words {
			match = match && strings.Contains(line, word)
		}
		if match {
			found = line
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
	if found == "" {
		t.Fatalf("no line with %v in\n%s", words, all.String())
	}
	return found
}

// served is the log of a process that serves, as it is written.
type served struct {
	*testing.T
	lines chan string
	all   strings.Builder
}

// serve starts the service by a configuration.
func (k *tellers) serve(config string) (*exec.Cmd, *served) {
	k.Helper()
	cmd, log := background(k.T, append([]string{"--config", k.w.Path(config)}, almasuArgs(k.w, "serve")[2:]...))
	out := &served{T: k.T, lines: make(chan string, 1000)}
	go func() {
		defer close(out.lines)
		for in := bufio.NewScanner(log); in.Scan(); {
			out.lines <- in.Text()
		}
	}()
	return cmd, out
}

// until reads the log to a line with all these words.
func (l *served) until(words ...string) {
	l.Helper()
	for line := range l.lines {
		l.all.WriteString(line + "\n")
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return
		}
	}
	l.Fatalf("no line with %v in\n%s", words, l.all.String())
}

// so is what was logged so far.
func (l *served) so() string {
	for {
		select {
		case line, ok := <-l.lines:
			if !ok {
				return l.all.String()
			}
			l.all.WriteString(line + "\n")
		default:
			return l.all.String()
		}
	}
}

// ended tells a process to end, which it does.
func ended(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the service ended with %v", err)
	}
}
