package transfer_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// wireRecords is how many records are delivered in all: a hundred thousand, or a million with ALMASU_LONG=1.
func wireRecords() int {
	if os.Getenv("ALMASU_LONG") == "1" {
		return 1_000_000
	}
	return 100_000
}

// ends are acts after which a message can still arrive, or is settled with the receiver's word: refused, by receipt or without one, or a record rejected.
var ends = append([]connectortest.Act{
	connectortest.Honest, connectortest.Honest, connectortest.Honest, connectortest.RejectsOne, connectortest.Refuses, connectortest.Dismisses,
}, faults...)

// TestLogEqualsWire delivers very many records to a receiver that misbehaves all the time, and compares: what the log says was delivered is what the
// receiver has, message by message in digest and number of records, and person by person in the disclosure set.
func TestLogEqualsWire(t *testing.T) {
	r := newRigOf(t, store.Postgres, 10_000, 200)
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	script := make([]connectortest.Act, 40)
	delivered, runs := 0, 0
	for delivered < wireRecords() {
		for i := range script {
			script[i] = ends[random.IntN(len(ends))]
		}
		if runs == 0 {
			script[3], script[5] = connectortest.SilentAfter, connectortest.Slow // two seconds each
		}
		r.peer.TakeNotices()
		r.peer.Play(script...)
		o := r.order()
		report, err := r.run(t.Context(), o)
		for tries := 0; err != nil || report.Totals.Pending > 0; tries++ { // what is left waiting is taken up again, as by the service
			if err != nil || tries > 20 {
				t.Fatalf("%v, %+v", err, report)
			}
			report, err = r.run(t.Context(), o)
		}
		delivered, runs = delivered+report.Totals.Accepted, runs+1
	}
	t.Logf("%d records in %d transfers", delivered, runs)
	r.equal(delivered)
}

// equal compares the whole log with what the receiver has.
func (r *rig) equal(records int) {
	r.Helper()
	w := r.check()
	disclosed := r.disclosures()
	ros, err := r.engine.Roster()
	r.must(err)
	missing, extra, arrived := 0, 0, 0
	kept := map[record.ID]connectortest.Message{}
	for _, m := range r.peer.Kept() {
		kept[m.Header.Message] = m
		if s := w.outcomes[m.Header.Message]; s == nil || s.Outcome != transferlog.Delivered {
			extra++
		}
	}
	for id, in := range w.intents {
		s, m := w.outcomes[id], kept[id]
		if s == nil {
			r.Errorf("message %d has no settlement", in.Sequence)
			continue
		}
		if s.Outcome != transferlog.Delivered {
			continue
		}
		if m.Wire == "" {
			missing++
			continue
		}
		if record.DigestOf(m.Payload) != in.Payload || m.Header.Sequence != in.Sequence || m.Records != s.Accepted+s.Updated || m.Rejects != s.Rejected {
			r.Errorf("message %d: the receiver has another document, or counts otherwise", in.Sequence)
		}
		arrived += m.Records
		if m.Header.Operation == signing.OperationProvide {
			r.must(samePeople(r, ros, disclosed[id], in, m))
		}
	}
	if missing > 0 || extra > 0 || arrived != records {
		r.Errorf("%d messages are missing, %d are not in the log as delivered; the receiver has taken %d records, the reports say %d", missing, extra, arrived, records)
	}
}

// disclosures reads the disclosure sets of all messages.
func (r *rig) disclosures() map[record.ID]transfer.Set {
	r.Helper()
	all := map[record.ID]transfer.Set{}
	r.must(r.store.Disclosures(r.Context(), func(d store.Disclosure) error {
		all[d.Message] = slices.Clone(d.Set)
		return nil
	}))
	return all
}

// samePeople compares the people in a document that has arrived with the disclosure set that the intent pins.
func samePeople(r *rig, ros *roster.Roster, set transfer.Set, in *transferlog.Intent, m connectortest.Message) error {
	if set.Digest() != in.Disclosure {
		return errors.New("the disclosure set is not the one that the intent pins")
	}
	disclosed, err := set.Disclosed()
	if err != nil {
		return err
	}
	tags := map[roster.Tag]struct{}{}
	for _, iin := range iins(r, m.Payload) {
		tags[ros.TagOf([]byte(iin))] = struct{}{}
	}
	ordinals, err := ros.FindTags(r.Context(), tags)
	if err != nil {
		return err
	}
	for _, o := range ordinals {
		if !disclosed.Contains(o) {
			return errors.New("somebody has arrived who is not in the disclosure set")
		}
	}
	if len(tags) != disclosed.Len() || len(ordinals) != disclosed.Len() {
		return errors.New("the disclosure set holds others than have arrived")
	}
	return nil
}
