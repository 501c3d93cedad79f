package transfer_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
)

// exec changes the platform.
func (r *rig) exec(statement string, args ...any) {
	r.Helper()
	_, err := r.platform.Exec(statement, args...)
	r.must(err)
}

// closeAccount erases a person's account: the law does not send them any more.
func (r *rig) closeAccount(iin string) {
	r.Helper()
	r.exec("UPDATE accounts SET state = 'erased', state_since = '2026-11-01T00:00:00Z' WHERE user_id = (SELECT id FROM profiles WHERE iin = ?)", iin)
}

// tell goes on with the transfers that are not closed, and lists whom the notices of withdrawal name that the receiver then keeps, sorted.
func (r *rig) tell() (named []string) {
	r.Helper()
	open, err := r.store.Unclosed(r.Context(), connector)
	r.must(err)
	for _, t := range open {
		n, err := notices.Of(r.Context(), r.store, t.ID)
		r.must(err)
		if n == nil {
			continue
		}
		if report := r.finish(transfer.Order{Transfer: t, Notice: &n.Notice}); report.Status != transfer.Successful {
			r.Errorf("a notice: %s %s", report.Status, report.Message)
		}
	}
	payloads := map[record.ID][]string{}
	for _, m := range r.peer.Kept() {
		if m.Header.Operation == signing.OperationProvide {
			payloads[m.Header.Message] = iins(r, m.Payload)
		}
	}
	_, documents := r.carried()
	for _, d := range documents {
		for _, x := range d.Records {
			if x.Act != notice.Withdraw || x.Index < 0 || x.Index >= len(payloads[x.Message]) {
				r.Fatalf("a record of a notice: %+v", x)
			}
			named = append(named, payloads[x.Message][x.Index])
		}
	}
	slices.Sort(named)
	return named
}

// TestWhoLeavesIsWithdrawn: after a complete read the recipient is told of those who are gone or may not be sent any more, once, by each message that brought them and
// their place in it; of the blocked it is not told. Who comes back is sent again, and when they leave again it is told of what it was sent since.
func TestWhoLeavesIsWithdrawn(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		_, all := r.sent()
		gone, closed, stopped, back := all[3], all[40], all[77], all[120]
		r.rename("Сейітов", gone) // the recipient has two records then
		r.sent()
		r.exec("CREATE TABLE kept AS SELECT * FROM profiles WHERE iin = ?", back)
		r.exec("DELETE FROM profiles WHERE iin IN (?, ?)", gone, back)
		r.closeAccount(closed)
		r.closeAccount(stopped)
		r.block(stopped)
		report, got := r.sent()
		if report.Withdrawn != 3 || len(got) > 0 {
			r.Fatalf("%d withdrawn, %d sent: %s", report.Withdrawn, len(got), report.Totals)
		}
		want := []string{gone, gone, closed, back}
		if slices.Sort(want); !slices.Equal(r.tell(), want) {
			r.Errorf("%d records are named, or others than those of who left", len(r.tell()))
		}
		if report, _ = r.sent(); report.Withdrawn != 0 {
			r.Errorf("%d people were withdrawn twice", report.Withdrawn)
		}
		r.exec("INSERT INTO profiles SELECT * FROM kept")
		_, got = r.sent()
		same(r, "who is back", got, []string{back})
		r.unblock(stopped)
		if report, _ = r.sent(); report.Withdrawn != 1 {
			r.Errorf("%d withdrawn when the block has ended", report.Withdrawn)
		}
		if named := r.tell(); len(named) != 5 || !slices.Contains(named, stopped) {
			r.Errorf("%d records are named in all", len(named))
		}
		r.exec("DELETE FROM profiles WHERE iin = ?", back)
		if report, _ = r.sent(); report.Withdrawn != 1 {
			r.Errorf("%d withdrawn who left for the second time", report.Withdrawn)
		}
		want = append(want, stopped, back)
		if slices.Sort(want); !slices.Equal(r.tell(), want) {
			r.Errorf("%d records are named in the end", len(r.tell()))
		}
	})
}

// TestNoWithdrawalFromLess: a read that failed, that was gone on with in the middle, or that met nobody withdraws nobody; the next complete one does.
func TestNoWithdrawalFromLess(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.comparing()
		_, all := r.sent()
		r.exec("CREATE TABLE kept AS SELECT * FROM profiles")
		r.exec("DELETE FROM profiles")
		report, _ := r.sent()
		if report.Status != transfer.Failed || report.Code != "source.empty" || report.Withdrawn != 0 {
			r.Errorf("nobody was read: %s %s, %d withdrawn", report.Status, report.Code, report.Withdrawn)
		}
		r.exec("INSERT INTO profiles SELECT * FROM kept")
		r.exec("DELETE FROM profiles WHERE iin = ?", all[len(all)-1])
		r.rename("Сейітов", all...)

		r.conn.Patience = 0
		r.next = func(n int) error {
			if n == 5 {
				return errors.New("the platform goes away")
			}
			return nil
		}
		o := r.order()
		report, err := r.run(r.Context(), o)
		if err != nil || report.Status != transfer.Failed || report.Withdrawn != 0 {
			r.Errorf("a read that failed: %s, %d withdrawn, %v", report.Status, report.Withdrawn, err)
		}
		ctx, cancel := context.WithCancel(r.Context())
		r.next = nil
		r.after = func(w transfer.Work) error {
			if len(w.Parts) > 0 {
				cancel()
			}
			return nil
		}
		o = r.order()
		if _, err := r.run(ctx, o); err == nil {
			r.Fatal("it was not interrupted")
		}
		r.restart()
		r.comparing()
		if report = r.finish(o); report.Withdrawn != 0 || report.Totals.Read != people-1 {
			r.Errorf("gone on with in the middle: %d withdrawn: %s", report.Withdrawn, report.Totals)
		}
		if len(r.tell()) > 0 {
			r.Error("somebody was withdrawn by a read that was not complete")
		}
		if report, _ = r.sent(); report.Withdrawn != 1 || !slices.Equal(r.tell(), all[len(all)-1:]) {
			r.Errorf("the complete read: %d withdrawn", report.Withdrawn)
		}
	})
}
