package transferlog

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
)

func samples() []Entry {
	id, d := record.ID{1, 2, 3}, record.DigestOf([]byte("x"))
	entries := []Entry{
		intent(1), intent(7),
		&Settlement{Intent: 3, Transfer: id, Message: id, Sequence: 1, Recipient: "010140000005", Outcome: Delivered, Receipt: d, Accepted: 9, Attempts: 1},
		&Settlement{Intent: 4, Message: id, Outcome: Cancelled, Code: "block.hit"},
		&Refusals{Transfer: id, Connector: "c", Route: "r", Counts: []RefusalCount{{"BLK-1", "legal.blocked", 3}, {"CON-2", "legal.no_consent", 4}}, Set: d},
		&Refusals{Transfer: id},
		&Run{Transfer: id, Connector: "c", Due: start, Trigger: "schedule", Read: 3, Accepted: 2, Refused: 1, Receiver: 2, Status: "done",
			Fields: []string{"a", "b"}, Denied: []DeniedField{{"birth_date", "FLD-1"}}, First: 1, Last: 2},
		&Act{Actor: "ә \u2028 \x01 <&>", Act: "approve_route", Object: "r", Digest: d, Reason: "\n\\"},
		&RegisterChange{New: d, Actors: []string{"a", "b"}},
		&Block{Act: "block", Subject: 17, Requester: "subject", Received: start, Reason: "inaccurate"},
	}
	told := intent(9)
	told.Notice, told.About = "correct", []record.ID{{1}, {2}}
	entries = append(entries, told)
	for _, e := range entries {
		e.stamp(start.Add(123456789))
	}
	return entries
}

// TestNoticesSayWhatTheyAreAbout: the two keys of a notice come together, name each message once, and stand in no other intent.
func TestNoticesSayWhatTheyAreAbout(t *testing.T) {
	for name, change := range map[string]func(*Intent){
		"no act":              func(e *Intent) { e.Notice = "" },
		"another act":         func(e *Intent) { e.Notice = "forget" },
		"about nothing":       func(e *Intent) { e.About = nil },
		"about one twice":     func(e *Intent) { e.About = append(e.About, e.About[0]) },
		"about nobody":        func(e *Intent) { e.About = append(e.About, record.ID{}) },
		"a void notice, too":  func(e *Intent) { e.Voids = record.ID{5} },
		"without any records": func(e *Intent) { e.Records = 0 },
	} {
		e := intent(3)
		e.Notice, e.About = "withdraw", []record.ID{{1}, {2}}
		if _, err := Decode(Encode(e)); err != nil {
			t.Fatal(err)
		}
		change(e)
		if _, err := Decode(Encode(e)); record.CodeOf(err) != "log.entry_malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := intent(3)
	empty := strings.TrimSuffix(string(Encode(e)), "}") + `,"notice":"","about":[]}`
	if _, err := Decode([]byte(empty)); record.CodeOf(err) != "log.entry_malformed" {
		t.Errorf("empty keys: %v", err)
	}
}

func TestEntriesReadBack(t *testing.T) {
	for _, e := range samples() {
		b := Encode(e)
		back, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !reflect.DeepEqual(e, back) {
			t.Errorf("%s:\n%+v\n%+v", b, e, back)
		}
		if !json.Valid(b) || bytes.ContainsAny(b, "\n\r") {
			t.Errorf("not a line of JSON: %s", b)
		}
	}
}

// TestBytesArePinned keeps the format: a second implementation writes these bytes.
func TestBytesArePinned(t *testing.T) {
	e := &Block{Act: "block", Subject: 17, Requester: "әке \"x\"", Received: start, Reason: "\u001f/\u2028"}
	e.stamp(start.Add(1500 * time.Nanosecond))
	want := `{"v":1,"kind":"block","at":"2026-09-01T06:00:00.000001Z","act":"block","subject":17,"requester":"әке \"x\"",` +
		`"received":"2026-09-01T06:00:00.000000Z","reason":"\u001f/` + "\u2028" + `"}`
	if got := string(Encode(e)); got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
}

// TestDecodeIsStrict changes good entries in every way that another reader of JSON would let pass.
func TestDecodeIsStrict(t *testing.T) {
	for _, e := range samples() {
		good := string(Encode(e))
		for _, bad := range []string{
			good + "\n", " " + good, good + good, strings.Replace(good, ":", ": ", 1), strings.Replace(good, `"v":1`, `"v":2`, 1),
			strings.Replace(good, `"v":1`, `"v":01`, 1), strings.Replace(good, `"at"`, `"At"`, 1), strings.Replace(good, `"at":`, `"x":1,"at":`, 1),
			strings.Replace(good, "00.123456Z", "00.123456+00:00", 1), strings.Replace(good, "00.123456Z", "00.1234567Z", 1),
			strings.Replace(good, `"kind":"`, `"kind":"\u0061`, 1), good[:len(good)-1], good[:len(good)-1] + `,"x":1}`,
			strings.Replace(good, "/pupils", `\/pupils`, 1) + "", strings.Replace(good, `:"c"`, `:"\u0063"`, 1) + "",
		} {
			if bad == good {
				continue
			}
			if _, err := Decode([]byte(bad)); record.CodeOf(err) != "log.entry_malformed" {
				t.Errorf("accepted: %s (%v)", bad, err)
			}
		}
		for i := range good {
			if _, err := Decode([]byte(good[:i])); err == nil {
				t.Fatalf("accepted the first %d bytes of %s", i, good)
			}
		}
	}
}

func TestDecodeChecks(t *testing.T) {
	id, d := record.ID{1}, record.DigestOf(nil)
	path, sequence, envelope, records, fields := intent(1), intent(1), intent(1), intent(1), intent(1)
	path.Path, sequence.Sequence, envelope.Envelope, records.Records, fields.Fields = "", 0, record.Digest{}, -1, make([]string, 65)
	for i, e := range []Entry{
		path, sequence, envelope, records, fields, &Intent{},
		&Settlement{Message: id, Outcome: "lost", Code: "x"}, &Settlement{Message: id, Outcome: Delivered}, &Settlement{Message: id, Outcome: Refused},
		&Settlement{Message: id, Outcome: Delivered, Receipt: d, Intent: -1}, &Settlement{Message: id, Outcome: Delivered, Receipt: d, Accepted: -1},
		&Refusals{Counts: []RefusalCount{{"", "c", 1}}}, &Run{Transfer: id}, &Run{Transfer: id, Status: "done", First: 2, Last: 1},
		&Run{Transfer: id, Status: "done", Read: -1}, &Act{}, &RegisterChange{}, &Block{Act: "stop", Subject: 1},
	} {
		e.stamp(start)
		if _, err := Decode(Encode(e)); record.CodeOf(err) != "log.entry_malformed" {
			t.Errorf("entry %d of kind %s is accepted: %s", i, e.Kind(), Encode(e))
		}
	}
}

func TestBalanced(t *testing.T) {
	r := Run{Read: 21, Accepted: 1, Unchanged: 2, Refused: 3, Withheld: 4, Rejected: 5, Pending: 6, Receiver: 1}
	if !r.Balanced() {
		t.Error("the identity holds")
	}
	r.Receiver = 2
	if r.Balanced() {
		t.Error("the receiver counts otherwise")
	}
	r.Receiver, r.Read = 1, 20
	if r.Balanced() {
		t.Error("a person is missing")
	}
}

// TestTextsReadBack is for all strings, also those that are not UTF-8: what is written is read.
func TestTextsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &Act{Actor: "a", Act: "x", Reason: string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")), Object: rapid.String().Draw(t, "text")}
		e.stamp(start)
		back, err := Decode(Encode(e))
		if err != nil {
			t.Fatal(err)
		}
		if got := back.(*Act); got.Object != strings.ToValidUTF8(e.Object, "\uFFFD") || !bytes.Equal(Encode(got), Encode(e)) {
			t.Fatalf("%q became %q", e.Object, got.Object)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		f.Add(Encode(e))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			if record.CodeOf(err) != "log.entry_malformed" {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(Encode(e), b) {
			t.Fatalf("%s is read, but written as %s", b, Encode(e))
		}
	})
}

func FuzzCheckWire(f *testing.F) {
	l, m := newLog(f), &Memory{}
	c := commit(f, l, m, intent(1), intent(2))
	at, _ := l.PublicKey().Open(c.Checkpoint())
	f.Add(c.Tickets()[1].Wire())
	f.Fuzz(func(t *testing.T, wire string) {
		_, index, err := CheckWire(wire, at)
		if err == nil && wire != c.Tickets()[index].Wire() {
			t.Fatalf("a second spelling of a ticket: %q", wire)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	l, m := newLog(f), &Memory{}
	signed := commit(f, l, m, intent(1)).Checkpoint()
	f.Add(signed)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := l.PublicKey().Open(b); err == nil && !bytes.Equal(b, signed) {
			t.Fatalf("a second spelling of a checkpoint: %q", b)
		}
	})
}
