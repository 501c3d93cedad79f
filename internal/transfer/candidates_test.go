package transfer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transfer"
	reads "birgeoqy.kz/almasu/internal/transfer/candidates"
)

// candidates gives the rig the same people on PostgreSQL, with the columns of changes that the manual describes, and makes the connector compare candidates.
// It is called again after restart.
func (r *rig) candidates() {
	r.Helper()
	if r.platform.DriverName() == "sqlite" {
		r.platform = pgtest.NewFrom(r.T, "candidates", func(db *sqlx.DB) error {
			if err := synth.Load(context.Background(), db, synth.Options{People: people, Seed: 1, At: began}); err != nil {
				return err
			}
			changes, err := synth.Changes("../..")
			if err == nil {
				_, err = db.Exec(changes)
			}
			return err
		}).DB
	}
	relations, err := platform.LoadConfig("platform.yaml", r.read("platform.yaml"))
	r.must(err)
	relations.Dialect = platform.Postgres
	for _, column := range []*string{&relations.Profiles.Changed, &relations.Accounts.Changed, &relations.Consents.Changed, &relations.Blocks.Changed, &relations.ParentBlocks.Changed} {
		*column = "changed"
	}
	source, err := platform.New(relations, r.platform)
	r.must(err)
	r.comparing()
	r.conn.Source, r.conn.FullEvery, r.engine.Marks = hookedSource{source, r}, 24*time.Hour, marks.Rows{DB: r.store.DB()}
}

// compared runs a transfer, which must read so many people and send these, and compare everybody for this reason, or candidates if why is empty.
func (r *rig) compared(what, why string, read int, want ...string) *transfer.Report {
	r.Helper()
	report, got := r.sent()
	if report.Totals.Read != read || report.Totals.Unchanged+report.Totals.Accepted+report.Totals.Refused+report.Totals.Withheld != read {
		r.Errorf("%s: %s, expected %d read", what, report.Totals, read)
	}
	same(r, what, got, want)
	r.mode(what, why, report)
	return report
}

func (r *rig) mode(what, why string, report *transfer.Report) {
	r.Helper()
	mode := "candidates"
	if why != "" {
		mode = "full"
	}
	if report.Compared != mode || report.ComparedFully != why {
		r.Errorf("%s: compared %q because %q, expected %q because %q", what, report.Compared, report.ComparedFully, mode, why)
	}
}

// nothingLeft compares everybody, without touching what candidates go on from: there must be nothing to send.
func (r *rig) nothingLeft(what string) {
	r.Helper()
	r.conn.FullEvery = 0
	report, got := r.sent()
	r.conn.FullEvery = 24 * time.Hour
	if len(got) > 0 || report.Compared != "" || report.Totals.Read < people/2 {
		r.Errorf("%s: a comparison of everybody finds %d people that candidates have missed (%s)", what, len(got), report.Totals)
	}
}

// TestCandidates: the first comparison is of everybody; then those are read of whom something was written, and those are sent who have changed.
func TestCandidates(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.candidates()
		report, all := r.sent()
		r.mode("the first", reads.First, report)
		r.compared("nothing", "", 0)
		r.rename("Сейітов", all[:5]...)
		_, err := r.platform.Exec("UPDATE profiles SET updated_at = '2001-01-01' WHERE iin = $1", all[9])
		r.must(err)
		r.compared("five changed, one was touched", "", 6, all[:5]...)
		late, err := r.platform.Beginx()
		r.must(err)
		late.MustExec("UPDATE profiles SET family_name = 'Кеш' WHERE iin = $1", all[1])
		r.rename("Ерте", all[2])
		r.compared("one is not committed", "", 1, all[2])
		r.must(late.Commit())
		r.restart() // in another process
		r.candidates()
		r.compared("it is committed late", "", 2, all[1])
		r.nothingLeft("after the late commit")
		r.clock.add(23*time.Hour + time.Minute)
		r.compared("the next day", reads.Day, people)
		r.clock.add(time.Hour)
		r.compared("an hour later", "", 0)
		r.conn.FullEvery = time.Hour
		r.compared("the term is over", reads.Term, people)
		r.conn.FullEvery = 24 * time.Hour
		r.clock.add(-2 * time.Hour)
		r.compared("the clock went back", reads.Clock, people)
	})
}

// TestCandidatesAreNotEnough lists what makes a comparison one of everybody, though nothing has changed on the platform, and whom it sends.
func TestCandidatesAreNotEnough(t *testing.T) {
	r := newRig(t, store.SQLite)
	r.candidates()
	r.peer.TakeNotices()
	r.conn.Senders = 1
	_, all := r.sent()
	r.compared("nothing", "", 0)

	r.rename("Бас", all[0])
	r.peer.Play(connectortest.Refuses)
	report, _ := r.sent()
	r.mode("refused", "", report)
	if report.Totals.Rejected+report.Totals.Pending != 1 {
		t.Fatal(report.Totals)
	}
	r.compared("after a message was refused", reads.First, people, all[0])
	r.compared("then", "", 0)

	r.rename("Күтем", all[1])
	r.peer.Usually(connectortest.CutBefore)
	r.conn.Patience = 0
	report, _ = r.sent()
	if r.mode("waiting", "", report); report.Totals.Pending != 1 {
		t.Fatal(report.Totals)
	}
	r.compared("while it waits", "", 0)
	r.peer.Usually(connectortest.Honest)
	r.peer.Play(connectortest.CutBefore)
	r.conn.Deadline = time.Second
	r.clock.add(time.Minute)
	r.compared("once it is abandoned", reads.First, people, all[1])
	r.conn.Patience, r.conn.Deadline = 20*time.Second, 72*time.Hour
	r.compared("then", "", 0)

	r.block(all[2])
	if report, _ = r.sent(); report.Totals.Read != people {
		t.Error(report.Totals)
	}
	r.mode("somebody is blocked", reads.Under+"block-list", report)
	r.rename("Бұғатта", all[2])
	if report, _ = r.sent(); report.Totals.Read != 1 || report.Totals.Refused != 1 {
		t.Error(report.Totals)
	}
	r.mode("changed while blocked", "", report)
	r.unblock(all[2])
	report, got := r.sent()
	same(t, "unblocked", got, all[2:3])
	r.mode("unblocked", reads.Under+"block-list", report)

	table := r.conn.Table
	r.conn.Table = r.table(fmt.Sprintf("# another version\n%s", r.read("mapping", connector+".yaml")))
	report, got = r.sent()
	same(t, "another mapping", got, all)
	r.mode("another mapping", reads.Under+"mapping", report)
	r.conn.Table = table
	report, got = r.sent()
	same(t, "and back", got, all)
	r.mode("and back", reads.Under+"mapping", report)

	r.conn.Compare = false
	_, got = r.sent()
	same(t, "everybody is sent", got, all)
	r.conn.Compare = true
	report, got = r.sent()
	same(t, "everybody was stale", got, all)
	r.mode("everybody was stale", reads.First, report)

	r.platform.MustExec("UPDATE consent_forms SET method = 'x' WHERE id = 1")
	r.compared("a consent form", reads.Horizon, people)
	r.compared("in the end", "", 0)
}

// TestCandidatesAfterFailure: a run that fails or is gone on with keeps the older horizon; a comparison of everybody that does not come to its end is followed by another.
func TestCandidatesAfterFailure(t *testing.T) {
	r := newRig(t, store.SQLite)
	r.candidates()
	r.conn.Patience = 0
	_, all := r.sent()
	fail := func(what, why string) {
		t.Helper()
		r.next = func(batch int) error {
			if batch == 2 {
				return errCut
			}
			return nil
		}
		report, err := r.run(t.Context(), r.order())
		if err != nil || report.Status != transfer.Failed {
			t.Fatal(report.Status, err)
		}
		r.next = nil
		r.mode(what, why, report)
	}
	r.rename("Бір", all[:30]...)
	fail("candidates fail", "")
	report, _ := r.sent()
	if r.mode("again", "", report); report.Totals.Read != 30 {
		t.Errorf("the older horizon has %d candidates", report.Totals.Read)
	}
	r.nothingLeft("after a failure")

	r.rename("Екі", all[:30]...)
	o, ctx := r.order(), func() context.Context {
		ctx, cancel := context.WithCancel(t.Context())
		r.after = func(transfer.Work) error { cancel(); return nil }
		return ctx
	}()
	if _, err := r.run(ctx, o); err == nil {
		t.Fatal("not interrupted")
	}
	r.restart()
	r.candidates()
	r.rename("Үш", all[0]) // below the keys that the second process reads
	r.finish(o)
	report, _ = r.sent()
	if r.mode("after an interruption", "", report); report.Totals.Read < 30 {
		t.Errorf("the older horizon has %d candidates", report.Totals.Read)
	}
	r.nothingLeft("after an interruption")

	r.conn.Patience = 0
	r.clock.add(24 * time.Hour)
	fail("everybody, and it fails", reads.Day)
	fail("again", reads.First)
	r.compared("at last", reads.First, people)
	r.compared("then", "", 0)
}

// TestCandidatesMissNobody runs random histories: transactions on the platform that end in any order, runs that are interrupted, messages that end in any way. Whenever a run has
// brought all it had to its end, a comparison of everybody has nothing to send.
func TestCandidatesMissNobody(t *testing.T) {
	onBoth(t, func(r *rig) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		r.candidates()
		r.peer.TakeNotices()
		var open []*sqlx.Tx
		ends := []connectortest.Act{connectortest.Honest, connectortest.Honest, connectortest.Refuses, connectortest.Garbled, connectortest.CutAfter, connectortest.Dismisses, connectortest.CutBefore}
		modes, asked := map[string]int{}, 0
		o := r.order()
		for step := range 60 {
			slot := len(open)
			switch what := random.IntN(10); {
			case what < 5:
				var x sqlx.Execer = r.platform
				if slot < 8 && random.IntN(2) == 0 {
					tx, err := r.platform.Beginx()
					r.must(err)
					open, x = append(open, tx), tx
				}
				for range 1 + random.IntN(4) {
					id := 1 + slot + 9*random.IntN(people/9) // a transaction has people of its own, so that none waits for another
					statement := []string{
						"UPDATE profiles SET family_name = 'Т' || (floor(random() * 1000)) WHERE id = $1",
						"UPDATE accounts SET state = CASE state WHEN 'active' THEN 'closed' ELSE 'active' END WHERE user_id = $1",
						"DELETE FROM blocks WHERE user_id = $1",
						"INSERT INTO blocks (id, user_id, requested_by, received_at) VALUES (floor(random() * 1e12), $1, 'user', now())",
						"UPDATE profiles SET iin = iin WHERE id = $1",
					}[random.IntN(5)]
					if _, err := x.Exec(statement, id); err != nil {
						t.Fatal(err)
					}
				}
			case what == 5 && slot > 0:
				i := random.IntN(slot)
				if random.IntN(4) == 0 {
					r.must(open[i].Rollback())
				} else {
					r.must(open[i].Commit())
				}
				if i == slot-1 { // the others keep their people
					open = open[:i]
				} else {
					var err error
					open[i], err = r.platform.Beginx()
					r.must(err)
				}
			case what == 6:
				r.clock.add(time.Duration(random.IntN(8)) * time.Hour)
			default:
				script := make([]connectortest.Act, random.IntN(4))
				for i := range script {
					script[i] = ends[random.IntN(len(ends))]
				}
				r.peer.Play(script...)
				r.conn.Patience, r.conn.Senders = time.Duration(random.IntN(2)*20)*time.Second, 1+random.IntN(3)
				ctx, cancel := context.WithCancel(r.Context())
				if random.IntN(4) == 0 {
					r.after = func(transfer.Work) error { cancel(); return nil }
				}
				report, err := r.run(ctx, o)
				cancel()
				r.after = nil
				if err != nil { // interrupted: another process goes on with it
					r.restart()
					r.candidates()
					continue
				}
				o = r.order()
				r.check()
				modes[report.Compared]++
				r.peer.Play()
				if settled(report) {
					r.nothingLeft(fmt.Sprintf("step %d, after a run of %s", step, report.Compared))
					asked++
				}
			}
		}
		for _, tx := range open {
			r.must(tx.Commit())
		}
		if modes["candidates"] == 0 || modes["full"] == 0 || asked == 0 {
			t.Logf("a poor history: %v, %d times asked", modes, asked)
		}
		for { // calm
			r.conn.Patience = 20 * time.Second
			report := r.finish(o)
			if o = r.order(); settled(report) {
				break
			}
		}
		r.nothingLeft("in the end")
		t.Logf("%v, %d times asked", modes, asked)
	})
}

// settled reports whether a run has brought everything to its end, and the recipient has taken it.
func settled(r *transfer.Report) bool {
	return r.Status != transfer.Failed && r.Totals.Pending+r.Totals.Rejected+r.Totals.Failed == 0
}

// TestCandidatesWithdraw: a run of candidates withdraws whom it has read and the law refuses now, and nobody whom it has not read; who is gone is found by the next comparison of
// everybody.
func TestCandidatesWithdraw(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.candidates()
		_, all := r.sent()
		r.platform.MustExec("DELETE FROM profiles WHERE iin = $1", all[3])
		r.platform.MustExec("UPDATE accounts SET state = 'erased' WHERE user_id = (SELECT id FROM profiles WHERE iin = $1)", all[40])
		r.rename("Сейітов", all[50])
		report := r.compared("one is gone, one is refused, one has changed", "", 2, all[50])
		if report.Withdrawn != 1 {
			r.Errorf("%d people are withdrawn by candidates", report.Withdrawn)
		}
		if report = r.compared("then", "", 0); report.Withdrawn != 0 {
			r.Errorf("%d people are withdrawn by nobody", report.Withdrawn)
		}
		r.platform.MustExec("UPDATE accounts SET state = 'active' WHERE user_id = (SELECT id FROM profiles WHERE iin = $1)", all[40])
		r.compared("permitted again", "", 1, all[40])
		r.clock.add(24 * time.Hour)
		if report = r.compared("everybody", reads.Day, people-1); report.Withdrawn != 1 {
			r.Errorf("%d people are withdrawn by the comparison of everybody", report.Withdrawn)
		}
		if report = r.compared("in the end", "", 0); report.Withdrawn != 0 {
			r.Errorf("%d people are withdrawn twice", report.Withdrawn)
		}
	})
}
