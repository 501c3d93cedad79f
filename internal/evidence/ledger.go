package evidence

import (
	"encoding/binary"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// A ledger follows intents to their settlements, numbers to their messages and runs to their parts.
type ledger struct {
	recipients map[string]*Recipient
	pending    map[int64]*open
	intents    map[uint64]*Recipient // by half of the message id, which is random; nil for notices
	settled    bits
	waiting    map[record.ID]number // messages that are pending or were cancelled, which a void notice may name
	twins      map[number]*twin
	transfers  map[record.ID]*totals
}

// open is an intent without a settlement.
type open struct {
	transfer record.ID
	subject  signing.Subject
}

// number is the place of a message in the row of its recipient.
type number struct {
	recipient string
	sequence  uint64
}

// twin is a number that a message and the void notice for it have both taken; one of them is delivered in the end.
type twin struct{ delivered bool }

// totals is what the entries of one transfer add up to.
type totals struct {
	accepted, rejected, refused int
	first, last                 uint64
	refusals                    bool
}

// bits is a set of log indexes.
type bits []uint64

func (b bits) has(i int64) bool { return i>>6 < int64(len(b)) && b[i>>6]&(1<<(i&63)) != 0 }

func (b *bits) add(i int64) {
	for i>>6 >= int64(len(*b)) {
		*b = append(*b, 0)
	}
	(*b)[i>>6] |= 1 << (i & 63)
}

func newLedger() *ledger {
	return &ledger{
		recipients: map[string]*Recipient{}, pending: map[int64]*open{}, intents: map[uint64]*Recipient{},
		waiting: map[record.ID]number{}, twins: map[number]*twin{}, transfers: map[record.ID]*totals{},
	}
}

func (l *ledger) recipient(bin string) *Recipient {
	r := l.recipients[bin]
	if r == nil {
		r = &Recipient{BIN: bin}
		l.recipients[bin] = r
	}
	return r
}

func (l *ledger) transfer(id record.ID) *totals {
	t := l.transfers[id]
	if t == nil {
		t = &totals{}
		l.transfers[id] = t
	}
	return t
}

func (l *ledger) intent(v *verifier, e *transferlog.Intent) {
	if _, ok := l.intents[half(e.Message)]; ok {
		v.find("log.message_reused", "the message id of this intent stands for an earlier intent")
	}
	r := l.recipient(e.Recipient)
	l.intents[half(e.Message)] = nil
	if e.Notice != "" {
		l.notice(v, e, r)
	} else if e.Voids.IsZero() {
		l.intents[half(e.Message)] = r
	}
	switch {
	case !e.Voids.IsZero():
		at := number{e.Recipient, e.Sequence}
		if l.waiting[e.Voids] != at || l.twins[at] != nil {
			v.find("log.void_unknown", "a void notice names no pending or cancelled message of its recipient and number, or one that has a void notice")
		}
		l.twins[at] = &twin{}
	case e.Sequence <= r.Last:
		v.find("log.sequence_reused", "the intent takes number %d, and the recipient has had number %d", e.Sequence, r.Last)
	case e.Sequence != r.Last+1:
		v.find("log.sequence_gap", "the intent takes number %d, and the recipient's last was %d", e.Sequence, r.Last)
	}
	r.Last = max(r.Last, e.Sequence)
	r.Pending++
	if e.Voids.IsZero() {
		l.waiting[e.Message] = number{e.Recipient, e.Sequence}
	}
	l.pending[v.entry] = &open{transfer: e.Transfer, subject: signing.Subject{
		Message: e.Message, Envelope: e.Envelope, Sequence: e.Sequence, Recipient: e.Recipient, Records: e.Records,
	}}
	t := l.transfer(e.Transfer)
	if t.first == 0 || e.Sequence < t.first {
		t.first = e.Sequence
	}
	t.last = max(t.last, e.Sequence)
}

func half(id record.ID) uint64 { return binary.LittleEndian.Uint64(id[:]) }

// notice checks that a notice is about messages to its own recipient.
func (l *ledger) notice(v *verifier, e *transferlog.Intent, r *Recipient) {
	r.Notices++
	for _, id := range e.About {
		if l.intents[half(id)] != r {
			v.find("log.notice_unknown", "a notice is about a message that is no earlier message to its recipient")
			return
		}
	}
}

// settle checks a settlement with the receipt that stands before it, nil if none does.
func (v *verifier) settle(s *transferlog.Settlement, receipt []byte) {
	l := v.ledger
	v.report.Outcomes[s.Outcome]++
	intent := l.pending[s.Intent]
	if intent == nil {
		if l.settled.has(s.Intent) {
			v.find("log.double_settlement", "the intent of index %d has a settlement already", s.Intent)
		} else {
			v.find("log.settlement_unknown", "the settlement is for index %d, which is no earlier intent", s.Intent)
		}
		return
	}
	delete(l.pending, s.Intent)
	l.settled.add(s.Intent)
	subject := intent.subject
	if s.Transfer != intent.transfer || s.Message != subject.Message || s.Sequence != subject.Sequence || s.Recipient != subject.Recipient {
		v.find("log.settlement_other", "the settlement names another transfer, message, number or recipient than the intent of index %d", s.Intent)
	}
	r := l.recipient(subject.Recipient)
	r.Pending--
	t := l.transfer(intent.transfer)
	if s.Outcome != transferlog.Cancelled {
		delete(l.waiting, subject.Message)
	}
	if s.Outcome == transferlog.Delivered {
		r.Delivered++
		r.Records += int64(s.Accepted + s.Updated)
		t.accepted += s.Accepted + s.Updated
		t.rejected += s.Rejected
		if both := l.twins[number{subject.Recipient, subject.Sequence}]; both != nil {
			if both.delivered {
				v.find("log.delivered_and_voided", "number %d was delivered, and its void notice too", subject.Sequence)
			}
			both.delivered = true
		}
	}
	v.checkReceipt(s, subject, receipt)
}

func (v *verifier) checkReceipt(s *transferlog.Settlement, subject signing.Subject, receipt []byte) {
	switch {
	case s.Receipt.IsZero() && receipt == nil:
		return
	case s.Receipt.IsZero():
		v.find("receipt.unexpected", "the settlement names no receipt, and one stands before it")
		return
	case receipt == nil:
		v.find("receipt.missing", "the receipt that the settlement names is not in the file")
		return
	case record.DigestOf(receipt) != s.Receipt:
		v.find("receipt.other_bytes", "the receipt is not the one that the settlement names")
		return
	case s.Outcome == transferlog.Disputed:
		return // what the recipient sent is kept because it proves nothing
	}
	got, err := signing.OpenReceiptFor(receipt, v.ring(subject.Recipient), s.At, subject)
	if err != nil {
		v.findErr(err)
		return
	}
	if got.Accepted != s.Accepted || got.Updated != s.Updated || got.Rejected != s.Rejected {
		if s.Outcome == transferlog.Delivered {
			v.find("receipt.settlement", "the settlement counts other records than the receipt")
			return
		}
	}
	if (s.Outcome == transferlog.Delivered) != (got.Status == signing.StatusAccepted) {
		v.find("receipt.settlement", "the receipt says %s, the settlement %s", got.Status, s.Outcome)
		return
	}
	v.report.Receipts++
}

func (l *ledger) refusals(e *transferlog.Refusals) {
	t := l.transfer(e.Transfer)
	t.refusals = true
	for _, n := range e.Counts {
		t.refused += n.People
	}
}

func (l *ledger) run(v *verifier, e *transferlog.Run) {
	if !e.Balanced() && e.Status != "failed" {
		v.find("run.unbalanced", "read is not the sum of accepted, unchanged, refused, withheld, rejected and pending, or the recipient counts otherwise, and the run does not say that it failed")
	}
	t := l.transfer(e.Transfer)
	if e.Accepted != t.accepted || e.Rejected < t.rejected {
		v.find("run.accepted", "the run counts %d records as accepted and %d as rejected, its settlements %d and %d", e.Accepted, e.Rejected, t.accepted, t.rejected)
	}
	if e.Refused != t.refused && (t.refusals || e.Refused != 0) {
		v.find("run.refused", "the run counts %d people as refused, its refusals %d", e.Refused, t.refused)
	}
	if e.First != t.first || e.Last != t.last {
		v.find("run.sequences", "the run used the numbers %d to %d, its intents %d to %d", e.First, e.Last, t.first, t.last)
	}
}

// sum writes what is left over into the report.
func (l *ledger) sum(r *Report) {
	r.Pending = int64(len(l.pending))
	open := map[record.ID]bool{}
	for _, p := range l.pending {
		open[p.subject.Message] = true
	}
	for message, at := range l.waiting {
		if !open[message] && l.twins[at] == nil {
			r.Unfilled++
		}
	}
	for _, one := range l.recipients {
		r.Recipients = append(r.Recipients, *one)
	}
	slices.SortFunc(r.Recipients, func(a, b Recipient) int { return strings.Compare(a.BIN, b.BIN) })
}
