package transfer_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
)

// owe enters a notice about every delivered record of a person, and returns the order that carries it.
func (r *rig) owe(act notice.Act, iin string, fields ...string) transfer.Order {
	r.Helper()
	ros, err := r.engine.Roster()
	r.must(err)
	accounts, err := ros.Accounts(r.Context(), map[roster.Tag]struct{}{ros.TagOf([]byte(iin)): {}})
	r.must(err)
	if len(accounts) != 1 {
		r.Fatalf("%d accounts", len(accounts))
	}
	a := accounts[0]
	n := telling.Notice{Act: act, Rule: "UPD-2", Why: "changed"}
	r.must(r.store.Disclosures(r.Context(), func(d store.Disclosure) error {
		set, err := d.Set.Disclosed()
		r.must(err)
		h, err := signing.ParseHeader(d.Header)
		r.must(err)
		if d.Outcome != string(transfer.Delivered) || h.Operation != signing.OperationProvide || !set.Contains(a.Ordinals[0]) {
			return nil
		}
		order, err := ros.Order(r.Context(), d.AfterKey, d.LastKey, set.Contains)
		r.must(err)
		if len(order) != h.Records {
			r.Fatalf("%d people in order, %d records", len(order), h.Records)
		}
		n.Records = append(n.Records, telling.Record{Message: d.Message, Envelope: record.DigestOf(d.Header), Index: slices.Index(order, a.Ordinals[0]),
			Ordinal: a.Ordinals[0], Key: a.Key, Before: a.Before, Fields: fields})
		return nil
	}))
	if len(n.Records) == 0 {
		r.Fatal("nobody was sent this person")
	}
	o := r.order()
	o.Transfer.Recipient, o.Notice = r.register.Recipient(r.register.Route(connector).Recipient).BIN, &n
	r.must(notices.Enter(r.Context(), r.store, r.clock.now(), []notices.Notice{{Transfer: o.Transfer, Notice: n, Subject: "1", Opened: r.clock.now(), Due: r.clock.now()}}))
	return o
}

// carried lists the notices that the receiver has kept, with their documents.
func (r *rig) carried() (headers []signing.Header, documents []*notice.Document) {
	r.Helper()
	for _, m := range r.peer.Kept() {
		if m.Header.Operation == signing.OperationNotice {
			d, err := notice.Parse(m.Payload)
			r.must(err)
			headers, documents = append(headers, m.Header), append(documents, d)
		}
	}
	return headers, documents
}

// someone is a person who was delivered, with the message and the record's place in it.
func (r *rig) someone(nth int) (iin string, m connectortest.Message, index int) {
	m = r.peer.Kept()[2]
	return iins(r, m.Payload)[nth], m, nth
}

func (r *rig) change(column, iin, value string) {
	r.Helper()
	res, err := r.platform.Exec("UPDATE profiles SET "+column+" = ? WHERE iin = ?", value, iin)
	r.must(err)
	if n, _ := res.RowsAffected(); n != 1 {
		r.Fatalf("%d profiles", n)
	}
}

// TestCorrection: the new value stands at its place in the recipient's form, the record is named by message and index, and the log says what it is about.
func TestCorrection(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.finish(r.order())
		iin, m, index := r.someone(3)
		r.change("family_name", iin, "Жаңатегі")
		o := r.owe(notice.Correct, iin, "family_name")
		report := r.finish(o)
		headers, documents := r.carried()
		if len(documents) != 1 || report.Status != transfer.Successful || report.Totals.Accepted != 1 || report.Notice != "correct" {
			r.Fatalf("%d notices, %s %s: %s", len(documents), report.Status, report.Message, report.Totals)
		}
		got := documents[0].Records[0]
		if got.Message != m.Header.Message || got.Index != index || got.Act != notice.Correct || len(got.Places) != 1 || string(got.Places[0].Value) != `"Жаңатегі"` {
			r.Errorf("%+v", got)
		}
		if !slices.Equal(headers[0].Fields, []string{"family_name"}) || headers[0].Records != 1 || headers[0].Decision.IsZero() {
			r.Errorf("%+v", headers[0])
		}
		in := r.check().intents[headers[0].Message]
		if in.Notice != "correct" || !slices.Equal(in.About, []record.ID{m.Header.Message}) || in.Disclosure.IsZero() {
			r.Errorf("%+v", in)
		}
		again := r.finish(o) // a notice that is at its end is not sent again
		if _, d := r.carried(); len(d) != 1 || again.Totals != report.Totals {
			r.Errorf("%d notices", len(d))
		}
	})
}

// TestNoticeWithoutValues: what the law does not permit now is not said, and the notice goes all the same.
func TestNoticeWithoutValues(t *testing.T) {
	for name, c := range map[string]struct {
		act  notice.Act
		do   func(r *rig, iin string)
		rule string
	}{
		"destroyed": {notice.Destroy, func(*rig, string) {}, "UPD-2"},
		"withdrawn": {notice.Withdraw, func(*rig, string) {}, "UPD-2"},
		"blocked":   {notice.Correct, func(r *rig, iin string) { r.block(iin) }, "BLK-1"},
		"account erased": {notice.Correct, func(r *rig, iin string) {
			r.platform.MustExec("UPDATE accounts SET state = 'erased' WHERE user_id = (SELECT id FROM profiles WHERE iin = ?)", iin)
		}, "CON-2"},
		"gone":               {notice.Correct, func(r *rig, iin string) { r.platform.MustExec("DELETE FROM profiles WHERE iin = ?", iin) }, "SUB-1"},
		"the run is refused": {notice.Correct, func(r *rig, _ string) { r.engine.Demo = false }, "BAS-1"},
	} {
		t.Run(name, func(t *testing.T) {
			func(r *rig) {
				r.finish(r.order())
				iin, _, _ := r.someone(0)
				var fields []string
				if c.act == notice.Correct {
					fields = []string{"family_name"}
				}
				o := r.owe(c.act, iin, fields...)
				c.do(r, iin)
				report := r.finish(o)
				headers, documents := r.carried()
				if len(documents) != 1 || report.Status != transfer.Successful {
					r.Fatalf("%d notices, %s: %s", len(documents), report.Status, report.Message)
				}
				got := documents[0].Records[0]
				if got.HasValues() || got.Rule != c.rule || got.Act != c.act || len(headers[0].Fields) != 0 {
					r.Errorf("%+v", got)
				}
				if in := r.check().intents[headers[0].Message]; !in.Disclosure.IsZero() || in.Notice != string(c.act) {
					r.Errorf("%+v", in)
				}
			}(newRig(t, store.SQLite))
		})
	}
}

// TestNoticeInterrupted ends the process at each instant of a notice: it is delivered once, under one number.
func TestNoticeInterrupted(t *testing.T) {
	for name, hook := range cuts {
		if name == "while reading" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(r *rig) {
				r.finish(r.order())
				iin, _, _ := r.someone(1)
				r.change("family_name", iin, "Жаңатегі")
				o, cut := r.owe(notice.Correct, iin, "family_name"), false
				for n := int64(1); n <= 2; n++ {
					ctx, cancel := context.WithCancel(r.Context())
					hook(r, cancel, n)
					_, err := r.run(ctx, o)
					cut = cut || err != nil
					if err != nil && !errors.Is(err, context.Canceled) {
						r.Fatal(err)
					}
					cancel()
					r.peer.Watch(nil)
					r.restart()
					r.check()
				}
				report := r.finish(o)
				_, documents := r.carried()
				if !cut || len(documents) != 1 || report.Status != transfer.Successful || report.Totals.Read != 1 || report.Totals.Messages != 1 {
					r.Errorf("cut %v, %d notices, %s: %s", cut, len(documents), report.Status, report.Totals)
				}
			})
		})
	}
}

// TestNoticeWhosePersonIsBlockedMeanwhile: a correction that waits does not leave any more; its number is filled, and the notice goes without the value.
func TestNoticeWhosePersonIsBlockedMeanwhile(t *testing.T) {
	for name, killed := range map[string]bool{"in one life": false, "killed after the void notice": true} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(r *rig) {
				r.finish(r.order())
				iin, _, _ := r.someone(2)
				r.change("family_name", iin, "Жаңатегі")
				o := r.owe(notice.Correct, iin, "family_name")
				r.peer.Usually(connectortest.ServerError)
				if report := r.finish(o); report.Status != transfer.InProgress {
					r.Fatalf("%s %s", report.Status, report.Code)
				}
				r.restart()
				r.block(iin)
				if killed {
					r.endsAtVoid()
					r.restart()
				}
				r.peer.Usually(connectortest.Honest)
				report := r.finish(o)
				_, documents := r.carried()
				if len(documents) != 1 || documents[0].Records[0].HasValues() || documents[0].Records[0].Rule != "BLK-1" {
					r.Fatalf("%d notices", len(documents))
				}
				if report.Status != transfer.Successful || report.Totals.Read != 1 || report.Totals.Accepted != 1 {
					r.Errorf("%s: %s", report.Status, report.Totals)
				}
				for _, m := range r.peer.Arrived() {
					if m.Header.Operation == signing.OperationNotice && len(m.Header.Fields) > 0 && m.Header.Sealed.After(r.clock.now().Add(-time.Second)) {
						r.Error("the value left after the block")
					}
				}
			})
		})
	}
}

// TestWaitingNoticeLeavesWhateverTheLaw: one that gives no values is not stopped by a block or by a route that is out of force.
func TestWaitingNoticeLeavesWhateverTheLaw(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.finish(r.order())
		iin, _, _ := r.someone(2)
		o := r.owe(notice.Destroy, iin)
		r.peer.Usually(connectortest.ServerError)
		r.finish(o)
		r.restart()
		r.block(iin)
		r.engine.Demo = false
		r.peer.Usually(connectortest.Honest)
		r.must(r.engine.Resume(r.Context(), r.conn))
		if _, documents := r.carried(); len(documents) != 1 || documents[0].Records[0].Act != notice.Destroy {
			r.Errorf("%d notices", len(documents))
		}
		n, err := notices.Of(r.Context(), r.store, o.Transfer.ID)
		r.must(err)
		if n == nil || n.Outcome != string(transfer.Delivered) || n.Settled.IsZero() || n.Act != notice.Destroy {
			r.Errorf("%+v", n)
		}
		r.check()
	})
}

// TestNoticeInTheFormOfTheRecipient: a value that is gone is null, one that several fields make needs all of them.
func TestNoticeInTheFormOfTheRecipient(t *testing.T) {
	r := newRig(t, store.SQLite)
	r.finish(r.order())
	iin, m, _ := r.someone(4)
	var before struct{ Pupils []map[string]json.RawMessage }
	r.must(json.Unmarshal(m.Payload, &before))
	r.change("given_name", iin, "Жаңаат")
	report := r.finish(r.owe(notice.Correct, iin, "given_name", "family_name"))
	_, documents := r.carried()
	if len(documents) != 1 || len(documents[0].Records[0].Places) != 2 {
		t.Fatalf("%s %s", report.Status, report.Message)
	}
	corrected, err := json.Marshal(before.Pupils[4])
	r.must(err)
	after, err := notice.Apply(corrected, documents[0].Records[0].Places)
	r.must(err)
	if v, _ := notice.Value(after, documents[0].Records[0].Places[1].At); string(v) != `"Жаңаат"` {
		t.Errorf("%s", after)
	}
}
