package transfer_test

import (
	"fmt"
	"slices"
	"testing"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store/leaving"
	"birgeoqy.kz/almasu/internal/transfer"
)

// comparing makes the rig's connector compare.
func (r *rig) comparing() {
	r.conn.Compare, r.engine.Secret = true, r.tags
	r.engine.Held = leaving.New(r.store, r.engine.Roster)
}

// sent runs a transfer and lists whom it sent, sorted.
func (r *rig) sent() (*transfer.Report, []string) {
	r.Helper()
	o := r.order()
	return r.finish(o), r.arrived(o.Transfer.ID)
}

// arrived lists whom the receiver keeps of a transfer, sorted.
func (r *rig) arrived(id record.ID) []string {
	r.Helper()
	var out []string
	for _, m := range r.peer.Kept() {
		if m.Header.Transfer == id && m.Header.Operation == signing.OperationProvide {
			out = append(out, iins(r, m.Payload)...)
		}
	}
	slices.Sort(out)
	return out
}

// rename gives people on the platform another family name.
func (r *rig) rename(name string, iins ...string) {
	r.Helper()
	for _, iin := range iins {
		_, err := r.platform.Exec("UPDATE profiles SET family_name = $1 WHERE iin = $2", name, iin)
		r.must(err)
	}
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%s: %d people were sent, expected %d", what, len(got), len(want))
	}
}

// TestUnchangedAreNotSent: at first everybody is sent, then nobody, then exactly the changed ones, in few messages; and everybody again when another
// version of the mapping begins.
func TestUnchangedAreNotSent(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		report, all := r.sent()
		if report.Totals.Accepted != len(all) || report.Totals.Unchanged != 0 || len(all) < 100 {
			r.Fatal(report.Totals)
		}
		report, got := r.sent()
		if same(r, "nothing changed", got, nil); report.Totals.Unchanged != len(all) || report.Totals.Messages != 0 || report.Status == transfer.Failed {
			r.Fatal(report.Status, report.Totals)
		}
		var some []string
		for i := 0; i < len(all); i += 9 {
			some = append(some, all[i])
		}
		r.rename("Сейітов", some...)
		report, got = r.sent()
		if same(r, "one in nine", got, some); report.Totals.Messages > len(some)/batch+2 || report.Totals.Unchanged != len(all)-len(some) {
			r.Errorf("%d messages: %s", report.Totals.Messages, report.Totals)
		}
		if _, got = r.sent(); len(got) > 0 {
			r.Errorf("%d people were sent again", len(got))
		}
		r.conn.Table = r.table(fmt.Sprintf("# another version\n%s", r.read("mapping", connector+".yaml")))
		if _, got = r.sent(); true {
			same(r, "another mapping", got, all)
		}
		r.conn.Compare = false
		_, got = r.sent()
		same(r, "without comparing", got, all)
		r.conn.Compare = true
		_, got = r.sent()
		same(r, "comparing again", got, all)
	})
}

// TestOnlyWhatWasAcceptedIsHeld: a record that the recipient has rejected is sent again, and so is everybody in a message that ended without being accepted.
func TestOnlyWhatWasAcceptedIsHeld(t *testing.T) {
	for act, again := range map[connectortest.Act]int{connectortest.RejectsOne: 1, connectortest.Refuses: batch, connectortest.Dismisses: batch, connectortest.Garbled: batch} {
		t.Run(string(act), func(t *testing.T) {
			onBoth(t, func(r *rig) {
				r.comparing()
				r.peer.TakeNotices()
				r.conn.Senders = 1
				r.peer.Play(connectortest.Honest, act)
				report, _ := r.sent()
				if report.Totals.Read != people || !report.Totals.Balanced() {
					r.Fatal(report.Totals)
				}
				_, got := r.sent()
				if len(got) == 0 || len(got) > again || again == 1 && len(got) != 1 {
					r.Errorf("%d people were sent again, expected at most %d", len(got), again)
				}
				if _, got = r.sent(); len(got) > 0 {
					r.Errorf("%d people were sent a third time", len(got))
				}
			})
		})
	}
}

// TestWaitingIsNotSentTwice: who is in a message that waits is not sent a second time, unless something has changed; what was sent then holds.
func TestWaitingIsNotSentTwice(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		_, all := r.sent()
		r.rename("Сейітов", all[0], all[1])
		r.peer.Usually(connectortest.Silent)
		r.conn.Patience = 0
		report, _ := r.sent()
		if report.Totals.Pending != 2 || report.Totals.Unchanged != len(all)-2 {
			r.Fatal(report.Totals)
		}
		r.restart()
		r.comparing()
		r.conn.Patience = 0
		if report, _ = r.sent(); report.Totals.Pending != 0 || report.Totals.Unchanged != len(all) {
			r.Errorf("with a message waiting: %s", report.Totals)
		}
		r.rename("Сейітқали", all[1])
		if report, _ = r.sent(); report.Totals.Pending != 1 {
			r.Errorf("changed once more: %s", report.Totals)
		}
		r.peer.Usually(connectortest.Honest)
		if report, _ = r.sent(); report.Totals.Unchanged != len(all) || report.Totals.Messages != 0 {
			r.Errorf("when it answers: %s", report.Totals)
		}
	})
}
