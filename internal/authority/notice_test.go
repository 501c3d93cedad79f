package authority

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// about names a record of a message.
func about(m sent, index int, act notice.Act, places ...notice.Place) notice.Record {
	return notice.Record{Message: m.env.Header().Message, Envelope: m.env.Digest(), Index: index, Act: act, Rule: "UPD-2", Why: "changed", Places: places}
}

func place(at, value string) notice.Place {
	p := notice.Place{At: at}
	if value != "" {
		p.Value = json.RawMessage(value)
	}
	return p
}

// notice seals and logs a notice; change may alter its document after the header is made.
func (w *world) notice(change func(*notice.Document), records ...notice.Record) sent {
	w.t.Helper()
	d := &notice.Document{Transfer: record.NewID(), Message: record.NewID(), Records: records}
	transfer, message := d.Transfer, d.Message
	if change != nil {
		change(d)
	}
	body := must(notice.Encode(d))
	env := w.seal(body, len(records), func(h *signing.Header) {
		h.Transfer, h.Message, h.Operation, h.Schema = transfer, message, signing.OperationNotice, notice.Schema().Digest()
	})
	in := intentOf(env)
	in.Notice = string(records[0].Act)
	for _, r := range records {
		if !slices.Contains(in.About, r.Message) {
			in.About = append(in.About, r.Message)
		}
	}
	return sent{env, w.commit(in)[0]}
}

// exported is a line of an export.
type exported struct {
	Sequence, Index int
	State, Notice   string
	Record          json.RawMessage
}

func (w *world) records() map[string]exported {
	w.t.Helper()
	var out bytes.Buffer
	must(inbox.Export(context.Background(), w.config(), platformBIN, "json", &out))
	all := map[string]exported{}
	for line := range strings.Lines(out.String()) {
		var e exported
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			w.t.Fatal(err)
		}
		all[fmt.Sprintf("%d/%d", e.Sequence, e.Index)] = e
	}
	out.Reset()
	if n := must(inbox.Export(context.Background(), w.config(), platformBIN, "csv", &out)); int(n) != len(all) {
		w.t.Errorf("%d records in CSV, %d in JSON", n, len(all))
	}
	return all
}

// TestNotices: records are corrected, withdrawn and destroyed; each has its outcome in the receipt and its state in the export, and no old value is left.
func TestNotices(t *testing.T) {
	w := newWorld(t)
	w.start()
	a, b := w.message(4), w.message(2)
	w.deliver(a)
	w.deliver(b)
	first := w.notice(nil, about(a, 0, notice.Correct, place("phone", `"+77770000000"`), place("address/city", "null")),
		about(a, 1, notice.Correct, place("phone", "")), about(b, 1, notice.Correct, place("name", `"Айгерім"`)))
	got := w.deliver(first)
	if got.Updated != 3 || got.Accepted+got.Rejected != 0 || len(got.Outcomes) != 3 || got.Outcomes[0].Code != "notice.corrected" {
		t.Fatalf("%+v", got)
	}
	got = w.deliver(w.notice(nil, about(a, 2, notice.Withdraw), about(a, 3, notice.Destroy)))
	if got.Updated != 2 || got.Outcomes[0].Code != "notice.withdrawn" || got.Outcomes[1].Code != "notice.destroyed" {
		t.Fatalf("%+v", got)
	}
	w.deliver(w.notice(nil, about(a, 0, notice.Correct, place("name", `"Асқар"`))))
	if again := w.post(first); again.status != 200 {
		t.Errorf("a notice that is repeated gets %d", again.status)
	}
	all := w.records()
	for at, want := range map[string]struct{ state, record string }{
		"1/0": {"corrected", `{"address":{},"iin":"000000000000","name":"Асқар","phone":"+77770000000"}`},
		"1/1": {"corrected", `{"address":{"city":"Абай"},"iin":"000000000001","name":"Айгүл"}`},
		"1/2": {"withdrawn", "null"}, "1/3": {"destroyed", "null"},
		"2/0": {"", `{"iin":"000000000000","name":"Айгүл","phone":"+77010000000","address":{"city":"Абай"}}`},
		"2/1": {"corrected", `{"address":{"city":"Абай"},"iin":"000000000001","name":"Айгерім","phone":"+77010000001"}`},
	} {
		if e := all[at]; e.State != want.state || string(e.Record) != want.record || (e.Notice == "") != (want.state == "") {
			t.Errorf("record %s: %+v %s", at, e, e.Record)
		}
	}
	s := must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]
	if s.Notices != 3 || s.Corrected != 3 || s.Withdrawn != 1 || s.Destroyed != 1 || s.Records != 6 || s.Rejected != 0 {
		t.Errorf("%+v", s)
	}
	w.stop()
	w.start() // what was marked is durable
	if after := w.records(); after["1/3"].State != "destroyed" {
		t.Errorf("%+v", after["1/3"])
	}
	w.sound()
}

// TestNoticesOfWhatIsNotHeld: each record that cannot be marked is rejected alone, with the reason.
func TestNoticesOfWhatIsNotHeld(t *testing.T) {
	w := newWorld(t)
	w.start()
	doc := document(3, map[int]string{2: `{"iin":"1","name":"Айгүл"}`}) // rejected by the schema
	env := w.seal(doc, 3, nil)
	a := sent{env, w.commit(intentOf(env))[0]}
	w.deliver(a)
	unsent := w.message(1)
	w.deliver(unsent)
	w.deliver(w.notice(nil, about(a, 0, notice.Withdraw), about(a, 1, notice.Destroy)))
	earlier := w.notice(nil, about(unsent, 0, notice.Correct, place("name", `"Айгерім"`)))
	w.deliver(earlier)
	stranger, other := about(a, 0, notice.Destroy), about(a, 0, notice.Destroy)
	stranger.Message, other.Envelope = record.NewID(), record.DigestOf([]byte("x"))
	wanted := []string{"notice.unknown_message", "notice.other_envelope", "notice.not_held", "notice.not_held", "notice.not_held", "notice.settled", "notice.settled",
		"notice.places", "notice.places", "notice.destroyed", "notice.destroyed"}
	got := w.deliver(w.notice(nil, stranger, other, about(a, 3, notice.Destroy), about(a, 2, notice.Destroy), about(earlier, 0, notice.Destroy),
		about(a, 0, notice.Correct, place("name", `"Асқар"`)), about(a, 1, notice.Withdraw),
		about(unsent, 0, notice.Correct, place("name", `""`)), about(unsent, 0, notice.Correct, place("iin/deep", `"1"`)),
		about(a, 0, notice.Destroy), about(a, 1, notice.Destroy)))
	if got.Updated != 2 || got.Rejected != 9 || len(got.Outcomes) != len(wanted) {
		t.Fatalf("%+v", got)
	}
	for i, code := range wanted {
		if o := got.Outcomes[i]; o.Code != code || (o.Status == signing.StatusUpdated) != (i > 8) {
			t.Errorf("record %d: %+v, want %s", i, o, code)
		}
	}
	if all := w.records(); all["1/0"].State != "destroyed" || all["2/0"].State != "corrected" {
		t.Errorf("%+v", all)
	}
	w.sound()
}

// TestNoticesThatAreRefused take their number with a signed refusal, as other documents do.
func TestNoticesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.start()
	a := w.message(1)
	w.deliver(a)
	post := func(m sent) *reply { w.advance(m, w.held()); return w.post(m) }
	w.refused(post(w.notice(func(d *notice.Document) { d.Message = record.NewID() }, about(a, 0, notice.Destroy))), 422, "notice.malformed")
	w.refused(post(w.notice(func(d *notice.Document) { d.Records = append(d.Records, d.Records[0]) }, about(a, 0, notice.Destroy))), 422, "notice.malformed")
	for _, c := range []struct {
		code   string
		change func(*signing.Header)
	}{
		{"notice.malformed", func(h *signing.Header) { h.Operation, h.Schema = signing.OperationNotice, notice.Schema().Digest() }},
		{"schema.not_agreed", func(h *signing.Header) { h.Operation = signing.OperationNotice }},
	} {
		env := w.seal(document(1, nil), 1, c.change)
		in := intentOf(env)
		in.Notice, in.About = "destroy", []record.ID{a.env.Header().Message}
		w.refused(post(sent{env, w.commit(in)[0]}), 422, c.code)
	}
	// What the log calls an ordinary message does not pass for a notice.
	n := w.notice(nil, about(a, 0, notice.Destroy))
	w.refused(post(sent{n.env, w.commit(intentOf(n.env))[0]}), 422, "log.ticket_other_message")
	if got := w.deliver(n); got.Updated != 1 {
		t.Errorf("%+v", got)
	}
	w.sound()
}
