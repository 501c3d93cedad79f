package kill

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the platform of the example

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const connector = "oblast-consent"

var began = time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)

// shipped and tagged are folders with the programs: as they are shipped, and with points to stop at.
var shipped, tagged string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "almasu-kill-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		shipped, tagged = filepath.Join(dir, "shipped"), filepath.Join(dir, "tagged")
		for to, tags := range map[string]string{shipped: "", tagged: "pausepoints"} {
			if out, err := exec.Command("go", "build", "-tags", tags, "-o", to+"/", "../../cmd/almasu", "../../cmd/authority").CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "building the programs: %v\n%s", err, out)
				return 1
			}
		}
		return m.Run()
	}())
}

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is not a number", name)
	}
	return n
}

// onBoth runs f beside itself with stores of each kind; dsn is "" for SQLite, or makes a new database.
func onBoth(t *testing.T, f func(t *testing.T, dsn func() string)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, func() string { return "" }) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); f(t, func() string { return pgtest.New(t).DSN }) })
}

// lease is the service's; a life that follows a killed one begins when it has lapsed.
const lease = 500 * time.Millisecond

// world is a deployment under fire.
type world struct {
	*testing.T
	*setup.Example
	programs  string
	box       string // the folder of parcels, "" while messages go by HTTPS
	kind      store.Kind
	dsn       string
	start     time.Time
	skew      time.Duration // by which the deployment's clock is ahead of start
	authority *life
	known     time.Duration // the skew with which the authority began
	random    *rand.Rand
	kills     map[string]int
	// except are people who may be missing from a transfer: they were blocked while it ran.
	except map[string]bool
	want   map[string]bool // whom an undisturbed transfer sends
	real   bool            // the programs go by the machine's clock, and the database's
}

func newWorld(t *testing.T, programs, dsn string, people, batch int) *world {
	t.Helper()
	w := &world{T: t, programs: programs, kind: store.Postgres, dsn: dsn, start: time.Now(), random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		kills: map[string]int{}, except: map[string]bool{}}
	w.Example = &setup.Example{Dir: t.TempDir(), Now: began, People: people, Batch: batch, StoreDSN: dsn}
	w.must(w.Build(t.Context()))
	if dsn == "" {
		w.kind, w.dsn = store.SQLite, w.Path("almasu.db")
	}
	port := w.freePort()
	w.edit("oblast/authority.yaml", "127.0.0.1:0", port)
	w.Oblast.URL = "https://" + port
	w.Ministry.URL = w.Oblast.URL // nothing is sent there
	w.must(w.WriteConfig(began.Add(20 * time.Hour)))
	w.edit("almasu.yaml", "serve: {poll: 300ms}", "serve: {poll: 50ms, lease: "+lease.String()+"}")
	w.startAuthority("")
	w.almasu("migrate")
	w.want = map[string]bool{}
	for _, iin := range w.baseline() {
		w.want[iin] = true
	}
	return w
}

// baseline runs one undisturbed transfer.
func (w *world) baseline() (all []string) {
	w.Helper()
	w.finish(w.run(""))
	for _, people := range w.received() {
		for iin := range people {
			all = append(all, iin)
		}
	}
	if len(all) < w.People/5 {
		w.Fatalf("an undisturbed transfer sends %d people", len(all))
	}
	return all
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// freePort is an address that nobody listens on, so that an authority comes back where it was; outside the range from which the system hands ports out, so that no server
// that asks for any gets it meanwhile.
func (w *world) freePort() string {
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			w.must(err)
		}
	}
}

func (w *world) edit(file, old, now string) {
	b, err := os.ReadFile(w.Path(file))
	w.must(err)
	if !bytes.Contains(b, []byte(old)) {
		w.Fatalf("%s has no %q", file, old)
	}
	w.must(os.WriteFile(w.Path(file), bytes.ReplaceAll(b, []byte(old), []byte(now)), 0o600))
}

// clock is the deployment's time, which goes on over restarts, and passes over leases of the dead.
func (w *world) clock() string {
	return w.Now.Add(time.Since(w.start) + w.skew).Format(time.RFC3339Nano)
}

func (w *world) startAuthority(point string) {
	w.Helper()
	w.known = w.skew
	if w.box != "" {
		w.authority = w.begin("authority", point, "receive", w.box, "--watch", "--every", "50ms", "--config", w.Path("oblast", "authority.yaml"), "--now", w.clock())
		return
	}
	w.authority = w.begin("authority", point, "serve", "--config", w.Path("oblast", "authority.yaml"), "--now", w.clock())
	select {
	case <-w.authority.listening:
	case <-w.authority.done:
		w.Fatalf("the authority does not begin\n%s", w.authority.said())
	}
}

func (w *world) args(args ...string) []string {
	if w.real {
		return append([]string{"--config", w.Path("almasu.yaml")}, args...)
	}
	return append([]string{"--config", w.Path("almasu.yaml"), "--clock", w.clock()}, args...)
}

// almasu runs a command to its end and returns what it prints.
func (w *world) almasu(args ...string) []byte {
	w.Helper()
	cmd := exec.Command(filepath.Join(w.programs, "almasu"), w.args(args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("almasu %s: %v\n%s%s", args[0], err, out, errs.String())
	}
	return out
}

// run begins a transfer, serve goes on with what is open; both come to a point, "" for none.
func (w *world) run(point string) *life {
	return w.begin("almasu", point, w.args("run", connector, "--reason", "kill test", "--as", "tester")...)
}

func (w *world) serve(point string) *life { return w.begin("almasu", point, w.args("serve")...) }

// next begins a life that has something to do.
func (w *world) next(point string) *life {
	if w.skew-w.known > 2*time.Minute { // signatures are good for five
		w.authority.kill()
		w.startAuthority("")
	}
	if w.open() {
		return w.serve(point)
	}
	return w.run(point)
}

// die kills almasu and passes over its lease.
func (w *world) die(l *life) {
	l.kill()
	w.skew += lease + 100*time.Millisecond
}

// look opens the store beside the programs.
func (w *world) look(f func(*store.Store)) {
	w.Helper()
	log, err := transferlog.New(string(w.key(setup.LogKeyFile)))
	w.must(err)
	s, err := store.Open(w.kind, w.dsn, log)
	w.must(err)
	defer s.Close()
	f(s)
}

// open reports whether a row waits or runs, a message waits, or a transfer has no report.
func (w *world) open() (open bool) {
	w.Helper()
	w.look(func(s *store.Store) {
		dues, err := s.Dues(w.Context(), connector, 20)
		w.must(err)
		for _, d := range dues {
			open = open || d.State == "waiting" || d.State == "running"
		}
		waiting, err := s.HasWaiting(w.Context(), connector)
		w.must(err)
		unclosed, err := s.Unclosed(w.Context(), connector)
		w.must(err)
		open = open || waiting || len(unclosed) > 0
	})
	return open
}

// finish waits until nothing is open any more.
func (w *world) finish(l *life) {
	w.Helper()
	for lives := 0; w.toPoint(l) || w.open(); lives++ {
		if lives > 20 {
			w.Fatalf("no end\n%s", l.said())
		}
		w.die(l)
		l = w.next("")
	}
	w.die(l)
}

// toPoint waits until a life stands at its point, and is false if it ends before, or has nothing left to do.
func (w *world) toPoint(l *life) bool { w.Helper(); return w.waitFor(l, l.paused) }

// waitFor waits until something is closed, and is false if the life ends before, or has nothing left to do.
func (w *world) waitFor(l *life, at <-chan struct{}) bool {
	w.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.NewTimer(time.Minute)
	defer tick.Stop()
	defer late.Stop()
	for idle := 0; idle < 2; {
		select {
		case <-at:
			return true
		case <-l.done:
			return false
		case <-tick.C:
			if l.serves && !w.open() {
				idle++
			}
		case <-late.C:
			l.dump()
			w.Fatalf("a life has no end\n%s\nthe authority:\n%s", l.said(), w.authority.said())
		}
	}
	return false
}

// events verifies the whole log, and shows its entries.
func (w *world) events(observe func(int64, transferlog.Entry)) {
	w.Helper()
	w.look(func(s *store.Store) {
		var file bytes.Buffer
		options := w.material()
		options.Observe = observe
		out := evidence.NewWriter(&file, options.LogKey, w.Now)
		w.must(s.Export(w.Context(), out))
		w.must(out.Close())
		w.must(evidence.CheckAll(&file, options))
	})
}

// material is what the recipient has for an audit: the keys of the log and of its own receipts.
func (w *world) material() evidence.Options {
	read := func(name string) []byte {
		b, err := os.ReadFile(w.Path("oblast", name))
		w.must(err)
		return b
	}
	bin := regexp.MustCompile(`(?m)^bin: "?([0-9]{12})`).FindSubmatch(read("authority.yaml"))
	options, err := evidence.Material{
		LogKey: bytes.TrimSpace(read("sender-log.pub")), RecipientKeys: map[string][][]byte{string(bin[1]): {read("receipt.pub")}},
	}.Options()
	w.must(err)
	return options
}

// atAuthority runs a command of the authority and returns what it prints.
func (w *world) atAuthority(args ...string) ([]byte, error) {
	return exec.Command(filepath.Join(w.programs, "authority"), append(args, "--config", w.Path("oblast", "authority.yaml"))...).CombinedOutput()
}

// received counts the records that the authority has, by transfer and person.
func (w *world) received() map[record.ID]map[string]int {
	w.Helper()
	transfers := map[string]record.ID{}
	w.events(func(_ int64, e transferlog.Entry) {
		if i, ok := e.(*transferlog.Intent); ok {
			transfers[i.Message.String()] = i.Transfer
		}
	})
	out, err := w.atAuthority("export", "--format", "json", "--out", "-")
	w.must(err)
	all := map[record.ID]map[string]int{}
	for line := range bytes.Lines(out) {
		var one struct {
			Message string
			Record  struct{ IIN string }
		}
		w.must(json.Unmarshal(line, &one))
		id, logged := transfers[one.Message]
		if !logged {
			w.Fatal("the authority has a message that the log does not have")
		}
		if all[id] == nil {
			all[id] = map[string]int{}
		}
		all[id][one.Record.IIN]++
	}
	return all
}

// accounted reads the whole log: the transfers that have an intent, and how each transfer was closed. Every intent must be settled once.
func (w *world) accounted() (begun map[record.ID]bool, closed map[record.ID]*transferlog.Run) {
	w.Helper()
	intents, settled := map[record.ID]bool{}, map[record.ID]int{}
	begun, closed = map[record.ID]bool{}, map[record.ID]*transferlog.Run{}
	w.events(func(_ int64, e transferlog.Entry) {
		switch e := e.(type) {
		case *transferlog.Intent:
			intents[e.Message], begun[e.Transfer] = true, true
		case *transferlog.Settlement:
			settled[e.Message]++
		case *transferlog.Run:
			closed[e.Transfer] = e
		}
	})
	for id := range intents {
		if settled[id] != 1 {
			w.Errorf("an intent is settled %d times", settled[id])
		}
	}
	return begun, closed
}

// judge compares the log with what the authority has, when everything is at its end: everybody has arrived once with each transfer, every intent is
// settled, every transfer is closed and adds up. With a transfer that the log calls failed people may be missing, and none doubled.
func (w *world) judge() {
	w.Helper()
	begun, closed := w.accounted()
	received := w.received()
	for id := range begun {
		missing, doubled, extra := 0, 0, 0
		for iin := range w.want {
			if n := received[id][iin]; n == 0 && !w.except[iin] {
				missing++
			} else if n > 1 {
				doubled++
			}
		}
		for iin := range received[id] {
			if !w.want[iin] {
				extra++
			}
		}
		run := closed[id]
		if run == nil {
			w.Errorf("transfer %s is not closed", id)
			continue
		}
		if run.Status == string(transfer.Failed) && doubled+extra == 0 && run.Pending == 0 {
			w.kills["failed"]++
			continue
		}
		if run.Status == string(transfer.InProgress) && missing+doubled+extra == 0 { // what waited has arrived since
			w.kills["in progress"]++
			continue
		}
		if missing+doubled+extra > 0 || run.Pending != 0 || run.Read != w.People || run.Accepted != len(received[id]) {
			w.Errorf("transfer %s: %d people are missing, %d doubled, %d not expected; the log says %+v", id, missing, doubled, extra, run)
		}
	}
	file := filepath.Join(w.TempDir(), "log.jsonl")
	w.almasu("log", "export", "--output", file)
	if out, err := w.atAuthority("verify", "--log", file); err != nil {
		w.Errorf("authority verify: %v\n%s", err, out)
	}
}

// whole insists that the transfer that was closed last is not failed.
func (w *world) whole() {
	w.Helper()
	var last *transferlog.Run
	w.events(func(_ int64, e transferlog.Entry) {
		if run, ok := e.(*transferlog.Run); ok {
			last = run
		}
	})
	if last == nil || last.Status == string(transfer.Failed) || last.Read != w.People {
		w.Errorf("the last transfer: %+v", last)
	}
}

// first is the person who is sent first.
func (w *world) first() string {
	w.Helper()
	db, err := sqlx.Open("sqlite", "file:"+w.Path("platform.db")+"?mode=ro")
	w.must(err)
	defer db.Close()
	var all []string
	w.must(db.Select(&all, "SELECT COALESCE(iin, '') FROM profiles ORDER BY id"))
	for _, iin := range all {
		if w.want[iin] {
			return iin
		}
	}
	w.Fatal("nobody is sent")
	return ""
}
