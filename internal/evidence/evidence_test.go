package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const ministry, city = "010140000005", "020240000001"

var start = time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)

// world is a service and two recipients, whose log grows as the tests say.
type world struct {
	t        testing.TB
	secret   string
	log      *transferlog.Log
	memory   transferlog.Memory
	keys     map[string]*signing.Key
	receipts map[record.Digest][]byte
	next     map[string]uint64
	at       time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	l, err := transferlog.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, secret: secret, log: l, keys: map[string]*signing.Key{}, receipts: map[record.Digest][]byte{}, next: map[string]uint64{}, at: start}
	for _, bin := range []string{ministry, city} {
		if w.keys[bin], err = signing.GenerateKey(signing.Ed25519, nil); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) commit(entries ...transferlog.Entry) int64 {
	w.t.Helper()
	w.at = w.at.Add(time.Second)
	c, err := w.log.Commit(context.Background(), &w.memory, w.at, entries...)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Committed()
	return c.First()
}

func (w *world) intent(transfer record.ID, bin string, records int) *transferlog.Intent {
	w.next[bin]++
	id := record.NewID()
	return &transferlog.Intent{
		Transfer: transfer, Message: id, Sequence: w.next[bin], Connector: "c", Route: "r", Recipient: bin, Purpose: "4.1.2",
		Path: "statute", Clause: "5.3", Ground: "g", Envelope: record.DigestOf(id[:]), Payload: record.DigestOf([]byte("p")),
		Fields: []string{"iin"}, Records: records, Actor: "schedule",
	}
}

// receipt is what the recipient answers; a zero status accepts all records.
func (w *world) receipt(in *transferlog.Intent, rejected int) []byte {
	w.t.Helper()
	r := signing.Receipt{
		Message: in.Message, Envelope: in.Envelope, Sequence: in.Sequence, Recipient: in.Recipient, Received: w.at,
		Status: signing.StatusAccepted, Records: in.Records, Accepted: in.Records - rejected, Rejected: rejected,
	}
	for i := range rejected {
		r.Outcomes = append(r.Outcomes, signing.Outcome{Index: i, Status: signing.StatusRejected, Code: "schema.max_length"})
	}
	b, err := signing.SignReceipt(r, w.keys[in.Recipient])
	if err != nil {
		w.t.Fatal(err)
	}
	w.receipts[record.DigestOf(b)] = b
	return b
}

func (w *world) settlement(index int64, in *transferlog.Intent, outcome string, receipt []byte, rejected int) *transferlog.Settlement {
	s := &transferlog.Settlement{
		Intent: index, Transfer: in.Transfer, Message: in.Message, Sequence: in.Sequence, Recipient: in.Recipient,
		Outcome: outcome, Attempts: 1,
	}
	if outcome == transferlog.Delivered {
		s.Accepted, s.Rejected = in.Records-rejected, rejected
	} else {
		s.Code = "some.reason"
	}
	if receipt != nil {
		s.Receipt = record.DigestOf(receipt)
	}
	return s
}

// transfer is a whole one: two messages, one record rejected, two people refused.
func (w *world) transfer(bin string) record.ID {
	id := record.NewID()
	a, b := w.intent(id, bin, 3), w.intent(id, bin, 2)
	at := w.commit(a, b)
	w.commit(w.settlement(at+1, b, transferlog.Delivered, w.receipt(b, 1), 1))
	w.commit(w.settlement(at, a, transferlog.Delivered, w.receipt(a, 0), 0),
		&transferlog.Refusals{Transfer: id, Counts: []transferlog.RefusalCount{{Rule: "BLK-1", Code: "legal.blocked", People: 2}}},
		&transferlog.Run{Transfer: id, Status: "done", Trigger: "schedule", Read: 7, Accepted: 4, Refused: 2, Rejected: 1, Receiver: 4, First: a.Sequence, Last: b.Sequence})
	return id
}

func (w *world) lines() [][]byte {
	w.t.Helper()
	var out bytes.Buffer
	e := NewWriter(&out, w.log.PublicKey(), w.at)
	for _, bin := range []string{ministry, city} {
		ring := signing.NewKeyring(bin)
		if err := ring.Add(w.keys[bin].Public(), start, start.AddDate(1, 0, 0)); err != nil {
			w.t.Fatal(err)
		}
		e.Keyring(ring)
	}
	points := map[int64][]byte{}
	for _, c := range w.memory.Checkpoints {
		state, err := w.log.PublicKey().Open(c)
		if err != nil {
			w.t.Fatal(err)
		}
		points[state.Size] = c
	}
	for i, b := range w.memory.Entries {
		entry, err := transferlog.Decode(b)
		if err != nil {
			w.t.Fatal(err)
		}
		if s, ok := entry.(*transferlog.Settlement); ok && w.receipts[s.Receipt] != nil {
			e.Receipt(w.receipts[s.Receipt])
		}
		e.Entry(b)
		if c := points[int64(i)+1]; c != nil {
			e.Checkpoint(c)
		}
	}
	if err := e.Close(); err != nil {
		w.t.Fatal(err)
	}
	return bytes.SplitAfter(out.Bytes(), []byte("\n"))
}

// sealed gives lines a last line that fits them, as a forger would.
func sealed(lines [][]byte) []byte {
	var e endLine
	body := lines
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		body = lines[:n-1]
	}
	if n := len(body); n > 0 && bytes.HasPrefix(body[n-1], []byte(`{"end"`)) {
		body = body[:n-1]
	}
	for _, l := range body {
		switch {
		case bytes.HasPrefix(l, []byte(`{"entry"`)):
			e.End.Entries++
		case bytes.HasPrefix(l, []byte(`{"checkpoint"`)):
			e.End.Checkpoints++
		case bytes.HasPrefix(l, []byte(`{"receipt"`)):
			e.End.Receipts++
		}
	}
	all := bytes.Join(body, nil)
	e.End.SHA256 = sha256.Sum256(all)
	end, _ := writeLine(e)
	return append(all, end...)
}

func verify(t testing.TB, b []byte, o Options) *Report {
	t.Helper()
	r, err := Verify(bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGoodLog(t *testing.T) {
	w := newWorld(t)
	w.transfer(ministry)
	w.transfer(city)
	held := w.memory.Checkpoints[len(w.memory.Checkpoints)-1]
	w.transfer(ministry)
	open := w.intent(record.NewID(), city, 5)
	w.commit(open)
	file := bytes.Join(w.lines(), nil)
	r := verify(t, file, Options{LogKey: w.log.PublicKey(), Held: [][]byte{held}})
	if !r.OK() || r.Held != 1 || r.Receipts != 6 || r.Pending != 1 || r.Entries != int64(len(w.memory.Entries)) || !r.KeyGiven {
		t.Fatalf("%+v", r)
	}
	want := []Recipient{{BIN: ministry, Last: 4, Delivered: 4, Records: 8}, {BIN: city, Last: 3, Delivered: 2, Records: 4, Pending: 1}}
	if !slices.Equal(r.Recipients, want) {
		t.Fatalf("%+v", r.Recipients)
	}
	if err := CheckAll(bytes.NewReader(file), Options{}); err != nil {
		t.Fatal(err)
	}
	for i, language := range Languages {
		var out strings.Builder
		if err := r.Write(&out, language); err != nil || !strings.Contains(out.String(), textOK[i]) {
			t.Errorf("%s: %v\n%s", language, err, out.String())
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Fatal(err)
	}
}

// claims are entries that contradict each other, with the code of the finding, or, without a code, entries that do not.
var claims = []struct {
	code string
	play func(w *world)
}{
	{"log.sequence_gap", func(w *world) { w.next[city]++; w.commit(w.intent(other, city, 1)) }},
	{"log.sequence_gap", func(w *world) { w.next[city] = 1; w.commit(w.intent(other, city, 1)) }},
	{"log.sequence_reused", func(w *world) { w.next[ministry]--; w.commit(w.intent(other, ministry, 1)) }},
	{"log.message_reused", func(w *world) {
		a, b := w.intent(other, city, 1), w.intent(other, city, 1)
		b.Message = a.Message
		w.commit(a, b)
	}},
	{"log.double_settlement", func(w *world) {
		a := w.intent(other, city, 1)
		at := w.commit(a)
		w.commit(w.settlement(at, a, transferlog.Abandoned, nil, 0))
		w.commit(w.settlement(at, a, transferlog.Abandoned, nil, 0))
	}},
	{"log.settlement_unknown", func(w *world) {
		w.commit(w.settlement(2, w.intent(other, city, 1), transferlog.Abandoned, nil, 0))
	}},
	{"log.settlement_other", func(w *world) {
		a := w.intent(other, city, 1)
		s := w.settlement(w.commit(a), a, transferlog.Abandoned, nil, 0)
		s.Recipient = ministry
		w.commit(s)
	}},
	{"receipt.missing", func(w *world) {
		a := w.intent(other, city, 1)
		w.commit(w.settlement(w.commit(a), a, transferlog.Delivered, []byte("lost"), 0))
	}},
	{"receipt.bad_signature", func(w *world) {
		a := w.intent(other, city, 1)
		at := w.commit(a)
		b := bytes.Replace(w.receipt(a, 0), []byte(`"accepted":1`), []byte(`"accepted":2`), 1)
		w.receipts[record.DigestOf(b)] = b
		w.commit(w.settlement(at, a, transferlog.Delivered, b, 0))
	}},
	{"receipt.other_envelope", func(w *world) {
		a, b := w.intent(other, city, 1), w.intent(other, city, 1)
		at := w.commit(a, b)
		w.commit(w.settlement(at, a, transferlog.Delivered, w.receipt(b, 0), 0))
	}},
	{"receipt.settlement", func(w *world) {
		a := w.intent(other, city, 2)
		w.commit(w.settlement(w.commit(a), a, transferlog.Delivered, w.receipt(a, 1), 0))
	}},
	{"receipt.settlement", func(w *world) {
		a := w.intent(other, city, 2)
		w.commit(w.settlement(w.commit(a), a, transferlog.Refused, w.receipt(a, 0), 0))
	}},
	{"receipt.unknown_key", func(w *world) {
		w.keys[city], _ = signing.GenerateKey(signing.Ed25519, nil)
		a := w.intent(other, city, 2)
		at := w.commit(a)
		b := w.receipt(a, 0)
		w.keys[city], _ = signing.GenerateKey(signing.Ed25519, nil)
		w.commit(w.settlement(at, a, transferlog.Delivered, b, 0))
	}},
	{"receipt.key_of_another", func(w *world) { // the ministry signs in the city's name
		a := w.intent(other, city, 2)
		at := w.commit(a)
		own := w.keys[city]
		w.keys[city] = w.keys[ministry]
		b := w.receipt(a, 0)
		w.keys[city] = own
		w.commit(w.settlement(at, a, transferlog.Delivered, b, 0))
	}},
	{"receipt.other_recipient", func(w *world) { // the ministry's receipt for its own message settles the city's
		a, b := w.intent(other, city, 2), w.intent(other, ministry, 2)
		at := w.commit(a, b)
		w.commit(w.settlement(at, a, transferlog.Delivered, w.receipt(b, 0), 0))
	}},
	{"receipt.key_expired", func(w *world) {
		w.at = start.AddDate(2, 0, 0)
		a := w.intent(other, city, 2)
		w.commit(w.settlement(w.commit(a), a, transferlog.Delivered, w.receipt(a, 0), 0))
	}},
	{"run.unbalanced", func(w *world) { w.commit(&transferlog.Run{Transfer: other, Status: "done", Read: 1}) }},
	{"run.accepted", func(w *world) {
		w.commit(&transferlog.Run{Transfer: other, Status: "done", Read: 1, Accepted: 1, Receiver: 1})
	}},
	{"run.refused", func(w *world) { w.commit(&transferlog.Run{Transfer: other, Status: "done", Read: 1, Refused: 1}) }},
	{"run.sequences", func(w *world) {
		w.commit(w.intent(other, city, 1), &transferlog.Run{Transfer: other, Status: "pending", Read: 1, Pending: 1, First: 1, Last: 2})
	}},
	{"log.void_unknown", func(w *world) {
		a := w.intent(other, city, 1)
		w.commit(w.settlement(w.commit(a), a, transferlog.Delivered, w.receipt(a, 0), 0))
		v := *a
		v.Message, v.Voids = record.NewID(), a.Message
		w.commit(&v)
	}},
	{"log.void_unknown", func(w *world) {
		a := w.intent(other, city, 1)
		w.commit(a)
		v := *a
		v.Message, v.Voids = record.NewID(), a.Message
		w.commit(&v)
		u := v
		u.Message = record.NewID()
		w.commit(&u)
	}},
	{"log.delivered_and_voided", func(w *world) {
		a := w.intent(other, city, 1)
		v := *a
		v.Message, v.Voids, v.Records = record.NewID(), a.Message, 0
		at := w.commit(a, &v)
		w.commit(w.settlement(at+1, &v, transferlog.Delivered, w.receipt(&v, 0), 0), w.settlement(at, a, transferlog.Delivered, w.receipt(a, 0), 0))
	}},
	{"log.notice_unknown", func(w *world) {
		n := w.intent(other, city, 1)
		n.Notice, n.About = "destroy", []record.ID{record.NewID()}
		w.commit(n)
	}},
	{"log.notice_unknown", func(w *world) { // a notice about a notice
		a := w.intent(other, city, 1)
		w.commit(a)
		n := w.intent(other, city, 1)
		n.Notice, n.About = "destroy", []record.ID{a.Message}
		w.commit(n)
		m := w.intent(other, city, 1)
		m.Notice, m.About = "destroy", []record.ID{n.Message}
		w.commit(m)
	}},
	{"", func(w *world) {
		a := w.intent(other, city, 1)
		w.commit(a)
		n := w.intent(other, city, 1)
		n.Notice, n.About, n.Path, n.Disclosure = "destroy", []record.ID{a.Message}, "", record.Digest{}
		w.commit(w.settlement(w.commit(n), n, transferlog.Delivered, w.receipt(n, 0), 0))
	}},
	{"", func(w *world) { // the original had arrived before its void notice
		a := w.intent(other, city, 1)
		v := *a
		v.Message, v.Voids, v.Records = record.NewID(), a.Message, 0
		at := w.commit(a, &v)
		w.commit(w.settlement(at, a, transferlog.Delivered, w.receipt(a, 0), 0), w.settlement(at+1, &v, transferlog.Cancelled, nil, 0), w.intent(other, city, 1))
	}},
	{"", func(w *world) { // the void notice is logged while the message is pending
		a := w.intent(other, city, 1)
		v := *a
		v.Message, v.Voids, v.Records = record.NewID(), a.Message, 0
		at := w.commit(a, &v)
		w.commit(w.settlement(at, a, transferlog.Cancelled, nil, 0), w.settlement(at+1, &v, transferlog.Delivered, w.receipt(&v, 0), 0))
	}},
	{"", func(w *world) {
		a := w.intent(other, city, 1)
		w.commit(w.settlement(w.commit(a), a, transferlog.Cancelled, nil, 0))
		v := *a
		v.Message, v.Voids, v.Records = record.NewID(), a.Message, 0
		at := w.commit(&v)
		w.commit(w.settlement(at, &v, transferlog.Delivered, w.receipt(&v, 0), 0), w.intent(other, city, 1))
	}},
	{"", func(w *world) {
		a := w.intent(other, city, 1)
		at := w.commit(a)
		w.receipts[record.DigestOf([]byte("\xffgarbage"))] = []byte("\xffgarbage")
		w.commit(w.settlement(at, a, transferlog.Disputed, []byte("\xffgarbage"), 0))
	}},
	{"", func(w *world) { w.commit(&transferlog.Run{Transfer: other, Status: "failed", Read: 1}) }},
}

// other is the transfer of the claims.
var other = record.NewID()

// TestClaims lets the service write the claims into a log whose tree and signatures are good.
func TestClaims(t *testing.T) {
	for _, c := range claims {
		t.Run(c.code, func(t *testing.T) {
			w := newWorld(t)
			w.transfer(ministry)
			c.play(w)
			r := verify(t, bytes.Join(w.lines(), nil), Options{LogKey: w.log.PublicKey()})
			if c.code == "" && !r.OK() || c.code != "" && !slices.Contains(r.Codes(), c.code) {
				t.Errorf("findings: %v", r.Err())
			}
			for _, code := range r.Codes() {
				if _, ok := meanings[code]; !ok {
					t.Errorf("%s has no meaning for people", code)
				}
			}
		})
	}
}

// TestEachByte flips every byte of an export, and every third with a last line that then fits.
func TestEachByte(t *testing.T) {
	w := newWorld(t)
	w.transfer(ministry)
	lines := w.lines()
	file := bytes.Join(lines, nil)
	codes := map[string]int{}
	at := 0
	for n, line := range lines {
		for i := range line {
			changed := bytes.Clone(file)
			changed[at+i] ^= 1
			checkChanged(t, changed, fmt.Sprintf("byte %d of line %d", i, n+1), w, codes, false)
			if i%3 != 0 || n == 0 && i > len(line)-40 || n > 0 && n < 3 || bytes.HasPrefix(line, []byte(`{"end"`)) {
				continue // the time of the export and the periods of keys are the operator's own word
			}
			forged := slices.Clone(lines)
			forged[n] = changed[at : at+len(line)]
			checkChanged(t, sealed(forged), fmt.Sprintf("byte %d of line %d, resealed", i, n+1), w, codes, true)
		}
		at += len(line)
	}
	t.Log(codes)
}

func checkChanged(t *testing.T, b []byte, what string, w *world, codes map[string]int, forged bool) {
	t.Helper()
	r, err := Verify(bytes.NewReader(b), Options{LogKey: w.log.PublicKey()})
	if err != nil {
		if Code(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
		codes[Code(err)]++
		return
	}
	if r.OK() {
		t.Errorf("%s goes unnoticed", what)
	}
	for _, code := range r.Codes() {
		codes[code]++
		if _, ok := meanings[code]; !ok {
			t.Errorf("%s has no meaning for people", code)
		}
		if forged && code == "export.damaged" {
			t.Errorf("%s: the forged last line does not fit", what)
		}
	}
}

// TestEachLine drops, doubles and swaps the lines of an export, whose last line is then made to fit.
func TestEachLine(t *testing.T) {
	w := newWorld(t)
	w.transfer(ministry)
	lines := w.lines()
	lines = lines[:len(lines)-1] // SplitAfter's empty rest
	last := len(lines) - 1
	codes := map[string]int{}
	for i := range lines[:last] {
		dropped := slices.Delete(slices.Clone(lines), i, i+1)
		// Nothing is lost with a checkpoint that a later one covers, or with the key of a recipient that was sent nothing.
		if !(bytes.HasPrefix(lines[i], []byte(`{"checkpoint"`)) && i < last-1) && i != 2 {
			checkChanged(t, sealed(dropped), fmt.Sprintf("line %d dropped", i+1), w, codes, true)
		}
		checkChanged(t, bytes.Join(dropped, nil), fmt.Sprintf("line %d dropped", i+1), w, codes, false)
		doubled := slices.Insert(slices.Clone(lines), i, lines[i])
		checkChanged(t, sealed(doubled), fmt.Sprintf("line %d doubled", i+1), w, codes, true)
		if i == 0 || i+1 == last || i == 1 { // the order of keys means nothing
			continue
		}
		swapped := slices.Clone(lines)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		checkChanged(t, sealed(swapped), fmt.Sprintf("lines %d and %d swapped", i+1, i+2), w, codes, true)
	}
	for cut := range last {
		checkChanged(t, bytes.Join(lines[:cut+1], nil), fmt.Sprintf("cut after line %d", cut+1), w, codes, false)
	}
	checkChanged(t, append(bytes.Join(lines, nil), '\n'), "a trailing byte", w, codes, false)
	t.Log(codes)
}

// TestRewrittenLog is the dishonest operator: he rewrites the log and signs all of it again with the right key.
func TestRewrittenLog(t *testing.T) {
	w := newWorld(t)
	w.transfer(ministry)
	held := w.memory.Checkpoints
	w.transfer(ministry)
	entries := w.memory.Entries
	for name, rewrite := range map[string]func([][]byte) [][]byte{
		"log.inconsistent": func(e [][]byte) [][]byte {
			e[0] = bytes.Replace(e[0], []byte(`"records":3`), []byte(`"records":4`), 1)
			return e
		},
		"log.truncated": func(e [][]byte) [][]byte { return e[:2] },
	} {
		forged := *w
		forged.memory = transferlog.Memory{}
		fresh, err := transferlog.New(w.secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range rewrite(slices.Clone(entries)) {
			e, err := transferlog.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fresh.Commit(context.Background(), &forged.memory, e.When(), e); err != nil {
				t.Fatal(err)
			}
		}
		file := bytes.Join(forged.lines(), nil)
		if r := verify(t, file, Options{LogKey: w.log.PublicKey(), Held: held}); !slices.Contains(r.Codes(), name) {
			t.Errorf("%s: %v", name, r.Codes())
		}
	}
	if _, err := Verify(bytes.NewReader(bytes.Join(w.lines(), nil)), Options{Held: [][]byte{held[0][:20]}}); Code(err) != "log.held_unusable" {
		t.Errorf("a broken held checkpoint: %v", err)
	}
}

func TestNotAnExport(t *testing.T) {
	for _, s := range []string{"", "\n", "{}\n", `{"export":2}` + "\n", "PK\x03\x04", strings.Repeat("x", 1<<17)} {
		if _, err := Verify(strings.NewReader(s), Options{}); Code(err) != "export.not_an_export" {
			t.Errorf("%.20q: %v", s, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	w.transfer(ministry)
	good := bytes.Join(w.lines(), nil)
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Verify(bytes.NewReader(b), Options{LogKey: w.log.PublicKey()})
		if err == nil && r.OK() && r.Entries != 0 && !bytes.Contains(b, w.memory.Entries[0]) {
			t.Fatal("another log verifies")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	for range 100 {
		w.transfer(ministry)
	}
	file := bytes.Join(w.lines(), nil)
	b.ResetTimer()
	for range b.N {
		if r := verify(b, file, Options{}); !r.OK() {
			b.Fatal(r.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(w.memory.Entries)), "ns/entry")
}
