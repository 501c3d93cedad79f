package transfer_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/mapping"
)

const statistics = "ministry-statistics"

// counts makes the rig's connection one of statistics, also after a restart.
func (r *rig) counts() {
	r.Helper()
	r.restart()
	table, err := mapping.Load(statistics+".yaml", r.read("mapping", statistics+".yaml"), r.register.Permitted(statistics))
	r.must(err)
	entry, ok := r.set.Find(table.Schema().Digest)
	if !ok {
		r.Fatal("no schema")
	}
	r.conn.Name, r.conn.Route, r.conn.Table, r.conn.Schema, r.conn.Batch = statistics, statistics, table, entry.Schema, 50
}

func (r *rig) statistic() transfer.Order {
	o := r.order()
	o.Transfer.Connector, o.Transfer.Route = statistics, statistics
	return o
}

// total is the last row of a received table.
func (r *rig) total(m connectortest.Message) int {
	r.Helper()
	var d struct {
		Groups []struct {
			Kato   string
			Pupils int
		}
	}
	r.must(json.Unmarshal(m.Payload, &d))
	last := d.Groups[len(d.Groups)-1]
	if last.Kato != "total" || m.Records != len(d.Groups) {
		r.Fatalf("%d records, the last is %s", m.Records, last.Kato)
	}
	return last.Pupils
}

// counted is how many people the report says that its table counts.
func counted(report *transfer.Report) (people, out int) {
	for _, why := range report.Reasons {
		if why.Kind == "counted" {
			people += why.People
		} else {
			out += why.People
		}
	}
	return people, out
}

// someone is the number of somebody whom the table counts.
func someone(r *rig, db *sqlx.DB) string {
	var iin string
	r.must(db.Get(&iin, `SELECT p.iin FROM profiles p JOIN accounts a ON a.user_id = p.id WHERE a.state = 'active' AND length(p.iin) = 12
		AND p.id NOT IN (SELECT user_id FROM blocks) ORDER BY p.id LIMIT 1`))
	return iin
}

func TestStatisticsTakeTheWholeRoad(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.counts()
		report := r.finish(r.statistic())
		in, out := counted(report)
		if report.Status != transfer.Successful || in+out != people || report.Totals.Refused != out || report.Totals.Messages != 1 {
			r.Fatalf("%s %s: %s, %d counted, %d left out", report.Status, report.Code, report.Totals, in, out)
		}
		if arrived := r.peer.Kept(); len(arrived) != 1 || r.total(arrived[0]) != in {
			r.Errorf("%d messages arrived", len(arrived))
		}
		// Once more under the same number of transfer: it is closed, and nothing more leaves.
		again := r.statistic()
		again.Transfer = report.Transfer
		if once := r.finish(again); once.Totals != report.Totals || len(r.peer.Arrived()) != 1 {
			r.Errorf("again: %s, %d messages", once.Totals, len(r.peer.Arrived()))
		}
	})
}

func TestStatisticsOfABrokenReadAreNotSent(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.counts()
		r.next = func(batch int) error {
			if batch == 3 {
				return errors.New("the connection is cut")
			}
			return nil
		}
		r.conn.Patience = 0
		report := r.finish(r.statistic())
		if report.Status != transfer.Failed || len(r.peer.Arrived()) != 0 || report.Totals.Read != 0 {
			r.Errorf("%s %s: %s, %d messages", report.Status, report.Code, report.Totals, len(r.peer.Arrived()))
		}
	})
}

func TestBlockedBeforeATableIsRecorded(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.counts()
		who := someone(r, r.platform)
		blocked := false
		r.before = func(w transfer.Work) error {
			if len(w.Parts) > 0 && !blocked {
				blocked = true
				r.block(who)
			}
			return nil
		}
		before := r.statistic()
		report := r.finish(before)
		in, out := counted(report)
		if report.Status != transfer.Successful || in+out != people || r.total(r.peer.Kept()[0]) != in {
			r.Fatalf("%s: %s, %d counted, %d left out", report.Status, report.Totals, in, out)
		}
		r.counts()
		if whole := r.finish(r.statistic()); whole.Totals.Refused != report.Totals.Refused {
			r.Errorf("the blocked person was counted: %s, then %s", report.Totals, whole.Totals)
		}
	})
}

// TestBlockedWhileATableWaits: the table is withdrawn and made again without the person, and the accounts balance.
func TestBlockedWhileATableWaits(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.counts()
		r.peer.Usually(connectortest.ServerError)
		o := r.statistic()
		report := r.finish(o)
		in, out := counted(report)
		if report.Status != transfer.InProgress {
			r.Fatalf("%s %s", report.Status, report.Code)
		}
		who := someone(r, r.platform)
		r.counts()
		r.block(who)
		r.peer.Usually(connectortest.Honest)
		r.must(r.engine.Resume(r.Context(), r.conn))
		r.check()
		now, err := r.store.Transfer(r.Context(), o.Transfer.ID)
		r.must(err)
		kept := r.peer.Kept()
		if now.Status != transfer.Successful && now.Status != transfer.SentWithRejects || !now.Totals.Balanced() || now.Totals.Refused != out+1 {
			r.Errorf("%s: %s, was %s", now.Status, now.Totals, report.Totals)
		}
		if total := r.total(kept[len(kept)-1]); total != in-1 {
			r.Errorf("the table counts %d people, %d before the block", total, in)
		}
	})
}
