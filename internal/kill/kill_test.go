package kill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the platform of the example

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const (
	connector = "oblast-consent"
	people    = 1500
	batch     = 10
)

var began = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// binaries is the folder with the programs as they are shipped.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "almasu-kill-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if out, err := exec.Command("go", "build", "-o", dir+"/", "../../cmd/almasu", "../../cmd/authority").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
			return 1
		}
		binaries = dir
		return m.Run()
	}())
}

// wanted is how many kills a store gets.
func wanted(t *testing.T) int {
	text := os.Getenv("ALMASU_KILLS")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatal("ALMASU_KILLS is not a number")
	}
	return n
}

// world is a deployment under fire.
type world struct {
	*testing.T
	*setup.Example
	start     time.Time
	authority *life
	random    *rand.Rand
	kills     map[string]int
}

func newWorld(t *testing.T, storeDSN string, random *rand.Rand, kills map[string]int) *world {
	t.Helper()
	w := &world{T: t, start: time.Now(), random: random, kills: kills}
	w.Example = &setup.Example{Dir: t.TempDir(), Now: began, People: people, Batch: batch, StoreDSN: storeDSN}
	w.must(w.Build(t.Context()))
	port := w.freePort()
	w.edit("oblast/authority.yaml", "127.0.0.1:0", port)
	w.Oblast.URL = "https://" + port
	w.Ministry.URL = w.Oblast.URL // nothing is sent there
	w.must(w.WriteConfig(began.Add(12 * time.Hour)))
	w.edit("almasu.yaml", "serve: {poll: 300ms}", "serve: {poll: 50ms, lease: 500ms}")
	w.startAuthority()
	w.almasu("migrate")
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// freePort is an address that nobody listens on, so that an authority comes back where it was.
func (w *world) freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer l.Close()
	return l.Addr().String()
}

func (w *world) edit(file, old, now string) {
	b, err := os.ReadFile(w.Path(file))
	w.must(err)
	if !bytes.Contains(b, []byte(old)) {
		w.Fatalf("%s has no %q", file, old)
	}
	w.must(os.WriteFile(w.Path(file), bytes.Replace(b, []byte(old), []byte(now), 1), 0o600))
}

// clock is the deployment's time, which goes on over restarts.
func (w *world) clock() string { return w.Now.Add(time.Since(w.start)).Format(time.RFC3339Nano) }

// life is one process from start to end.
type life struct {
	cmd  *exec.Cmd
	log  *bytes.Buffer
	done chan struct{}
}

func (w *world) begin(program string, args ...string) *life {
	w.Helper()
	l := &life{cmd: exec.Command(filepath.Join(binaries, program), args...), log: &bytes.Buffer{}, done: make(chan struct{})}
	l.cmd.Stderr = l.log
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.must(l.cmd.Start())
	go func() {
		defer close(l.done)
		_ = l.cmd.Wait()
	}()
	w.Cleanup(l.kill)
	return l
}

func (l *life) kill() {
	_ = l.cmd.Process.Kill()
	<-l.done
}

func (w *world) startAuthority() {
	w.authority = w.begin("authority", "serve", "--config", w.Path("oblast", "authority.yaml"), "--now", w.clock())
}

func (w *world) args(args ...string) []string {
	return append([]string{"--config", w.Path("almasu.yaml"), "--clock", w.clock()}, args...)
}

// almasu runs a command to its end and returns what it prints.
func (w *world) almasu(args ...string) []byte {
	w.Helper()
	cmd := exec.Command(filepath.Join(binaries, "almasu"), w.args(args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("almasu %s: %v\n%s%s", args[0], err, out, errs.String())
	}
	return out
}

// transfers lists the transfers as they are now.
func (w *world) transfers() []*transfer.Report {
	w.Helper()
	var answer struct {
		Result struct{ Transfers []*transfer.Report }
	}
	w.must(json.Unmarshal(w.almasu("transfers", "--json", "--connector", connector), &answer))
	return answer.Result.Transfers
}

// shoot waits for a random instant within a second, or the end of the life, and kills it, or the authority beside it.
func (w *world) shoot(l *life) {
	timer := time.NewTimer(time.Duration(w.random.Int64N(int64(time.Second))))
	defer timer.Stop()
	select {
	case <-l.done:
		return
	case <-timer.C:
	}
	if w.random.IntN(4) == 0 {
		w.kills["authority"]++
		w.authority.kill()
		w.startAuthority()
		w.shoot(l)
		return
	}
	w.kills["almasu"]++
	l.kill()
}

// round is one transfer from its start to its end, however many lives that takes. It returns the report.
func (w *world) round() *transfer.Report {
	w.Helper()
	w.shoot(w.begin("almasu", w.args("run", connector, "--reason", "kill test", "--as", "tester")...))
	for lives := 0; ; lives++ {
		w.check(nil)
		list := w.transfers()
		if len(list) > 0 && !list[0].Finished.IsZero() && list[0].Totals.Pending == 0 {
			return list[0]
		}
		if lives > 200 {
			w.Fatal("the transfer does not come to its end")
		}
		if len(list) == 0 && lives > 2 {
			w.shoot(w.begin("almasu", w.args("run", connector, "--reason", "kill test", "--as", "tester")...))
			continue
		}
		w.shoot(w.begin("almasu", w.args("serve")...))
	}
}

// check verifies the whole log offline. The file is for others to read too.
func (w *world) check(observe func(int64, transferlog.Entry)) string {
	w.Helper()
	file := filepath.Join(w.TempDir(), "log.jsonl")
	w.almasu("log", "export", "--output", file)
	f, err := os.Open(file)
	w.must(err)
	defer f.Close()
	w.must(evidence.CheckAll(f, evidence.Options{Observe: observe}))
	return file
}

// judge compares the log with what the authority has stored.
func (w *world) judge(report *transfer.Report, want int) {
	w.Helper()
	delivered, updated, settled, intents := 0, 0, 0, 0
	file := w.check(func(_ int64, e transferlog.Entry) {
		switch e := e.(type) {
		case *transferlog.Intent:
			intents++
		case *transferlog.Settlement:
			settled++
			if e.Outcome == transferlog.Delivered {
				delivered += e.Accepted + e.Updated
				updated += e.Updated
			}
		}
	})
	authority := func(args ...string) []byte {
		cmd := exec.Command(filepath.Join(binaries, "authority"), append(args, "--config", w.Path("oblast", "authority.yaml"))...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			w.Errorf("authority %s: %v\n%s", args[0], err, out)
		}
		return out
	}
	authority("verify", "--log", file)
	stored := bytes.Count(authority("export", "--format", "json", "--out", "-"), []byte("\n"))
	t := report.Totals
	if t.Accepted != want || stored != want || delivered != want || updated != 0 || settled != intents || !t.Balanced() || t.Read != people {
		w.Errorf("%d people are to be sent: the report says %s, the log %d delivered (%d of them again), the authority has %d; %d of %d intents settled",
			want, t, delivered, updated, stored, settled, intents)
	}
}

func TestKilled(t *testing.T) {
	undisturbed := newWorld(t, "", nil, nil)
	report := func(w *world) *transfer.Report {
		cmd := exec.Command(filepath.Join(binaries, "almasu"), w.args("run", connector, "--reason", "baseline", "--as", "tester")...)
		_ = cmd.Run() // exit code 5 where records were withheld
		list := w.transfers()
		if len(list) != 1 {
			t.Fatal("no baseline")
		}
		return list[0]
	}(undisturbed)
	want := report.Totals.Accepted
	undisturbed.judge(report, want)
	if want < people/4 || t.Failed() {
		t.Fatalf("the baseline: %s", report.Totals)
	}
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return pgtest.New(t).DSN },
	} {
		t.Run(name, func(t *testing.T) {
			random, kills, rounds := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), map[string]int{}, 0
			for kills["almasu"] < wanted(t) && !t.Failed() {
				w := newWorld(t, dsn(t), random, kills)
				w.judge(w.round(), want)
				w.authority.kill()
				rounds++
			}
			t.Logf("%d transfers of %d people, killed: almasu %d, authority %d times", rounds, want, kills["almasu"], kills["authority"])
		})
	}
}
