package kill

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/scheduler"
)

const (
	fleetLease = 3 * time.Second
	fleetPoll  = 200 * time.Millisecond
)

// fleet is a deployment of several connectors on one PostgreSQL in real time, so that the database issues the leases.
type fleet struct {
	*world
	names   []string
	members []*life
	db      *sqlx.DB
	due     time.Time // of the last row entered
}

// newFleet makes a deployment with a number of connectors to one recipient, each with a route of its own, and runs one transfer to see whom they send.
func newFleet(t *testing.T, dsn string, connectors int) *fleet {
	t.Helper()
	w := &world{T: t, programs: shipped, kind: store.Postgres, dsn: dsn, start: time.Now(), random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		kills: map[string]int{}, except: map[string]bool{}, want: map[string]bool{}, real: true}
	w.Example = &setup.Example{Dir: t.TempDir(), Now: time.Now().UTC(), People: 120, Batch: 20, StoreDSN: dsn}
	w.must(w.Build(t.Context()))
	port := w.freePort()
	w.edit("oblast/authority.yaml", "127.0.0.1:0", port)
	f := &fleet{world: w, db: sqlx.MustOpen("postgres", dsn)}
	t.Cleanup(func() { _ = f.db.Close() })
	var config strings.Builder
	fmt.Fprintf(&config, `register: register
platform: {dsn_file: platform.dsn, relations: platform.yaml}
store: {kind: postgres, dsn_file: store.dsn}
keys: {log: keys/log.key, seal: keys/seal.keyset, vault: keys/vault.key, pseudonym: keys/pseudonym.key}
schemas: schemas
serve: {poll: %s, lease: %s, parallel: 3}
connectors:
`, fleetPoll, fleetLease)
	for i := range connectors {
		name := connector
		if i > 0 {
			name = fmt.Sprintf("fleet-%02d", i)
			f.clone("register/routes/"+connector+".yaml", "register/routes/"+name+".yaml", name)
			f.clone("mapping/"+connector+".yaml", "mapping/"+name+".yaml", name)
		}
		f.names = append(f.names, name)
		fmt.Fprintf(&config, "  - {name: %s, route: %s, mapping: mapping/%s.yaml, batch: %d, compare: none, patience: 60s, rest: {url: \"https://%s\", ca: oblast/tls.pem, receipt_keys: [oblast/receipt.pub]}}\n", name, name, name, w.Batch, port)
	}
	w.must(w.Write("almasu.yaml", []byte(config.String())))
	f.approve()
	w.startAuthority("")
	w.almasu("migrate")
	for _, iin := range w.baseline() {
		w.want[iin] = true
	}
	return f
}

// clone copies a file for another name.
func (f *fleet) clone(from, to, name string) {
	f.Helper()
	b, err := os.ReadFile(f.Path(from))
	f.must(err)
	f.must(f.Write(to, []byte(strings.ReplaceAll(string(b), connector, name))))
}

// approve lets two administrators approve everything anew.
func (f *fleet) approve() {
	f.Helper()
	reg, err := legal.Load(os.DirFS(f.Path("register")))
	f.must(err)
	var approvals []register.Approval
	for _, one := range reg.Approvables() {
		for _, who := range setup.Administrators[1:] {
			approvals = append(approvals, register.SignApproval(f.Admins[who], one.Kind, one.Name, one.Digest, who, register.At(f.Now.Add(-24*time.Hour))))
		}
	}
	text, err := register.MarshalApprovals(approvals)
	f.must(err)
	f.must(os.WriteFile(f.Path("register", "approvals.yaml"), text, 0o600))
}

// member is a process that serves, by what it calls itself in leases.
func (f *fleet) join() {
	f.members = append(f.members, f.serve(""))
}

func worker(l *life) string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s/%d", host, l.cmd.Process.Pid)
}

// allDue makes a run of every connector due now.
func (f *fleet) allDue() {
	f.Helper()
	f.due = time.Now().UTC().Truncate(time.Microsecond)
	var rows []scheduler.Due
	for _, name := range f.names {
		rows = append(rows, scheduler.Due{Job: name, At: f.due, Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting, Actor: "schedule"})
	}
	f.look(func(s *store.Store) { f.must(s.Enter(f.Context(), f.due, rows...)) })
}

// row is what the database says of a due row.
type row struct {
	Connector, State, Worker, Transfer string
	Attempt                            int
	Left                               float64 // seconds of its lease
}

func (f *fleet) rows() (out []row, err error) {
	err = f.db.SelectContext(f.Context(), &out, `SELECT connector, state, worker, transfer, attempt, lease_until / 1e6 - extract(epoch FROM clock_timestamp()) AS left
		FROM due WHERE cause = 'schedule' AND due = $1`, f.due.UnixMicro())
	return out, err
}

// allDone waits until all rows of the round are done, and nothing is open; each once.
func (f *fleet) allDone() (rows []row) {
	f.Helper()
	tick, late := time.NewTicker(50*time.Millisecond), time.NewTimer(3*time.Minute)
	defer tick.Stop()
	defer late.Stop()
	for {
		done := 0
		list, err := f.rows()
		for _, r := range list {
			if r.State == scheduler.StateDone {
				done++
			}
		}
		if err == nil && done == len(f.names) {
			return list
		}
		select {
		case <-tick.C:
		case <-late.C:
			for _, l := range f.members {
				f.Logf("%s:\n%s", worker(l), l.said())
			}
			f.Fatalf("after three minutes %d of %d are done (%v)", done, len(f.names), err)
		}
	}
}

// TestThreeProcesses lets 40 transfers fall due at once in three processes on one PostgreSQL, and kills one at a random instant. ALMASU_FLEET is how
// many times.
func TestThreeProcesses(t *testing.T) {
	const connectors = 40
	rounds := number(t, "ALMASU_FLEET", 3)
	f := newFleet(t, pgtest.New(t).DSN, connectors)
	for range 3 {
		f.join()
	}
	var slowest, latest time.Duration // from the kill, and from the end of the lease
	taken, busy := 0, 0
	span := time.Second // within which one is killed: about as long as a round takes
	for round := range rounds {
		began := time.Now()
		f.allDue()
		victim := f.members[round%3]
		timer := time.NewTimer(time.Duration(f.random.Int64N(int64(span))))
		<-timer.C
		killed := time.Now()
		victim.kill()
		held := map[string]time.Duration{} // what it held when it died, and for how long still
		list, err := f.rows()
		f.must(err)
		for _, r := range list {
			if r.State == scheduler.StateRunning && r.Worker == worker(victim) {
				held[r.Connector] = time.Duration(r.Left * float64(time.Second))
				if r.Left > fleetLease.Seconds() {
					t.Errorf("a lease lasts %.1f s more", r.Left)
				}
			}
		}
		if span = max(span*3/4, fleetPoll); len(held) > 0 {
			span = min(span*5/3, 5*time.Second)
			busy++
		}
		for open := maps.Clone(held); len(open) > 0; {
			list, err := f.rows()
			f.must(err)
			took := time.Since(killed)
			for _, r := range list {
				if left, waits := open[r.Connector]; waits && r.Worker != worker(victim) {
					slowest, latest = max(slowest, took), max(latest, took-left)
					delete(open, r.Connector)
				}
			}
			if took > time.Minute {
				t.Fatalf("%d runs of a dead process are not taken over", len(open))
			}
		}
		ranIn := map[string]int{}
		for _, r := range f.allDone() {
			ranIn[r.Worker]++
			if _, was := held[r.Connector]; r.Attempt != 1 && !was || r.Transfer == "" {
				t.Errorf("%s was claimed %d times, and was not held by the dead", r.Connector, r.Attempt)
			}
		}
		taken += len(held)
		t.Logf("round %d: %d transfers in %v, held by the dead %d, run by %v", round+1, connectors, time.Since(began).Round(10*time.Millisecond), len(held), ranIn)
		f.members[round%3] = f.serve("")
	}
	// A free slot looks for work at each poll, and runs take less than a lease.
	if slowest > fleetLease+fleetPoll+2*time.Second {
		t.Errorf("a run was taken over %v after the kill", slowest)
	}
	t.Logf("%d runs of the dead were taken over in %d rounds, the slowest %v after the kill, and %v after the end of its lease at most", taken, busy, slowest.Round(time.Millisecond),
		latest.Round(time.Millisecond))
	for _, l := range f.members {
		l.kill()
	}
	f.judgeFleet(rounds * connectors)
}

// judgeFleet verifies everything, and that so many transfers, besides the baseline, have each sent everybody once.
func (f *fleet) judgeFleet(transfers int) {
	f.Helper()
	f.judge()
	received := f.received()
	if len(received) != transfers+1 || f.kills["failed"] > 0 {
		f.Errorf("%d transfers have reached the authority, not %d; %d failed", len(received), transfers+1, f.kills["failed"])
	}
	var n int
	f.must(f.db.Get(&n, "SELECT count(*) FROM transfer WHERE cause = 'schedule'"))
	if n != transfers {
		f.Errorf("%d transfers for %d due times", n, transfers)
	}
}

// TestFailover kills the primary in the middle of transfers, and promotes its synchronous replica: the processes go on there, with the same DSN.
func TestFailover(t *testing.T) {
	pgtest.New(t) // skips where nothing is installed
	primary, err := pgtest.Start("", "max_connections=60")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(primary.Stop)
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	admin := sqlx.MustOpen("postgres", primary.DSN("postgres"))
	admin.MustExec("ALTER SYSTEM SET synchronous_standby_names = '*'")
	admin.MustExec("SELECT pg_reload_conf()")
	for n := 0; n == 0; {
		if err := admin.Get(&n, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"); err != nil {
			t.Fatal(err)
		}
	}
	_ = admin.Close()
	const connectors = 12
	f := newFleet(t, fmt.Sprintf("host=%s,%s dbname=postgres user=postgres sslmode=disable target_session_attrs=read-write", primary.Dir(), standby.Dir()), connectors)
	f.join()
	f.join()
	f.allDue()
	for done := 0; done < 2; { // in the middle
		done = 0
		list, err := f.rows()
		f.must(err)
		for _, r := range list {
			if r.State == scheduler.StateDone {
				done++
			}
		}
	}
	f.must(primary.Crash())
	f.must(standby.Promote(t.Context()))
	promoted := time.Now()
	attempts := map[int]int{}
	for _, r := range f.allDone() {
		attempts[r.Attempt]++
	}
	t.Logf("all were done %v after the promotion; rows by attempts: %v", time.Since(promoted).Round(10*time.Millisecond), attempts)
	for _, l := range f.members {
		l.kill()
	}
	f.judgeFleet(connectors)
}
