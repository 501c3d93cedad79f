package signing

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
)

func testReceipt(env *Envelope) Receipt {
	s := env.Subject()
	return Receipt{
		Message: s.Message, Envelope: s.Envelope, Sequence: s.Sequence, Recipient: s.Recipient, Received: testTime,
		Status: StatusAccepted, Records: 3, Accepted: 1, Updated: 1, Rejected: 1,
		Outcomes:       []Outcome{{Index: 0, Status: StatusUpdated}, {Index: 2, Status: StatusRejected, Code: "schema.pattern", Text: "first\nsecond \"quoted\" \u2028 \\ ә"}},
		CheckpointSize: 12, LogIndex: 11,
	}
}

func signed(t testing.TB, r Receipt, k *Key) []byte {
	t.Helper()
	b, err := SignReceipt(r, k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReceiptRoundTrip(t *testing.T) {
	env := testEnvelope(t)
	for _, alg := range []Alg{Ed25519, ECDSAP256SHA256, RSAPSSSHA512, RSAV15SHA256} {
		k := mustKey(alg)
		want := testReceipt(env)
		got, err := OpenReceipt(signed(t, want, k), ringOf(t, k), testTime, env)
		if err != nil {
			t.Fatal(alg, err)
		}
		want.V, want.Receiver = 1, k.ID()
		if !reflect.DeepEqual(*got, want) {
			t.Fatalf("got %+v, expected %+v", *got, want)
		}
	}
	kept := signed(t, testReceipt(env), testKey)
	if r, err := ReadReceipt(kept); err != nil || len(r.Outcomes) != 2 || r.Outcomes[1].Code != "schema.pattern" {
		t.Errorf("a stored receipt reads as %+v, %v", r, err)
	}
	_, err := ReadReceipt(kept[1:])
	wantCode(t, err, "receipt.malformed")
	refused := testReceipt(env)
	refused.Status, refused.Code, refused.Outcomes = StatusRefused, "schema.document", nil
	refused.Accepted, refused.Updated, refused.Rejected = 0, 0, 3
	if _, err := OpenReceipt(signed(t, refused, testKey), ringOf(t, testKey), testTime, env); err != nil {
		t.Fatal(err)
	}
}

func TestReceiptEveryByteCounts(t *testing.T) {
	env, ring := testEnvelope(t), ringOf(t, testKey)
	whole := signed(t, testReceipt(env), testKey)
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		_, err := OpenReceipt(b, ring, testTime, env)
		wantCode(t, err, "receipt.malformed", "receipt.bad_signature", "receipt.unknown_key")
		_, err = OpenReceipt(whole[:i], ring, testTime, env)
		wantCode(t, err, "receipt.malformed", "receipt.bad_signature", "receipt.unknown_key")
	}
	_, err := OpenReceipt(append(bytes.Clone(whole), '\n'), ring, testTime, env)
	wantCode(t, err, "receipt.malformed")
	_, err = OpenReceipt(make([]byte, MaxReceiptBytes+1), ring, testTime, env)
	wantCode(t, err, "receipt.malformed")
}

func TestReceiptOfAnother(t *testing.T) {
	env, other := testEnvelope(t), mustKey(Ed25519)
	b := signed(t, testReceipt(env), testKey)
	for name, change := range map[string]func(*Header){
		"message":   func(h *Header) { h.Message = record.ID{9} },
		"sequence":  func(h *Header) { h.Sequence++ },
		"recipient": func(h *Header) { h.Recipient = "111111111111" },
		"ground":    func(h *Header) { h.Ground = "other" },
	} {
		h := testHeader()
		change(&h)
		another, err := Seal(h, env.payload, testKey)
		if err != nil {
			t.Fatal(err)
		}
		_, err = OpenReceipt(b, ringOf(t, testKey), testTime, another)
		want := "receipt.other_envelope"
		if name == "recipient" {
			want = "receipt.other_recipient"
		}
		if record.CodeOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := OpenReceipt(b, ringOf(t, testKey), testTime, &Envelope{})
	wantCode(t, err, "receipt.other_envelope")
	_, err = OpenReceiptFor(b, ringOf(t, testKey), testTime, Subject{})
	wantCode(t, err, "receipt.other_envelope")
	_, err = OpenReceipt(b, ringOf(t, other), testTime, env)
	wantCode(t, err, "receipt.unknown_key")
	ours, theirs := NewKeyring("1"), NewKeyring("2")
	if err := theirs.Add(testKey.Public(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	ours.Beside(ours, theirs)
	_, err = OpenReceipt(b, ours, testTime, env)
	wantCode(t, err, "receipt.key_of_another")
	h := testHeader()
	h.Recipient = "111111111111"
	another, err := Seal(h, env.payload, testKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, ring := range []*Keyring{ours, ringOf(t, other)} {
		_, err = OpenReceipt(b, ring, testTime, another)
		wantCode(t, err, "receipt.other_recipient")
	}
	if _, err := ours.Find("nobody's", testTime); record.CodeOf(err) != "signing.unknown_key" {
		t.Errorf("a key that nobody knows: %v", err)
	}
	_, err = OpenReceipt(bytes.Replace(b, []byte("\n"+testKey.ID()), []byte("\n"+other.ID()), 1), ringOf(t, other), testTime, env)
	wantCode(t, err, "receipt.bad_signature")
	_, err = OpenReceipt(bytes.Replace(b, []byte(testKey.ID()), []byte(other.ID()), 2), ringOf(t, other), testTime, env)
	wantCode(t, err, "receipt.bad_signature")
	sealed := fmt.Appendf(nil, "%s\n%s %s\n", env.HeaderBytes(), env.KeyID(), encode64(env.Signature()))
	_, err = OpenReceipt(sealed, ringOf(t, testKey), testTime, env)
	wantCode(t, err, "receipt.bad_signature") // an envelope's signature is under another domain

	ring := NewKeyring("recipient")
	if err := ring.Add(testKey.Public(), testTime, testTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err = OpenReceipt(b, ring, testTime.Add(-1), env)
	wantCode(t, err, "receipt.key_not_yet_valid")
	_, err = OpenReceipt(b, ring, testTime.Add(time.Hour), env)
	wantCode(t, err, "receipt.key_expired")
}

func TestReceiptCounts(t *testing.T) {
	env := testEnvelope(t)
	for name, c := range map[string]struct {
		change func(*Receipt)
		code   string
	}{
		"sum":                   {func(r *Receipt) { r.Accepted = 2 }, "receipt.counts"},
		"negative":              {func(r *Receipt) { r.Accepted, r.Rejected = 3, -1 }, "receipt.counts"},
		"outcome missing":       {func(r *Receipt) { r.Outcomes = r.Outcomes[:1] }, "receipt.counts"},
		"outcomes out of order": {func(r *Receipt) { r.Outcomes[0], r.Outcomes[1] = r.Outcomes[1], r.Outcomes[0] }, "receipt.counts"},
		"outcome twice":         {func(r *Receipt) { r.Outcomes[1].Index = 0 }, "receipt.counts"},
		"outcome outside":       {func(r *Receipt) { r.Outcomes[1].Index = 3 }, "receipt.counts"},
		"outcome kind":          {func(r *Receipt) { r.Outcomes[0].Status = StatusAccepted }, "receipt.malformed"},
		"outcome text":          {func(r *Receipt) { r.Outcomes[0].Text = strings.Repeat("x", maxOutcomeText+1) }, "receipt.malformed"},
		"outcome not UTF-8":     {func(r *Receipt) { r.Outcomes[0].Code = "\xff" }, "receipt.malformed"},
		"refused with counts":   {func(r *Receipt) { r.Status, r.Code = StatusRefused, "x" }, "receipt.counts"},
		"refused without code":  {func(r *Receipt) { r.Status = StatusRefused }, "receipt.malformed"},
		"accepted with code":    {func(r *Receipt) { r.Code = "x" }, "receipt.malformed"},
		"status":                {func(r *Receipt) { r.Status = "maybe" }, "receipt.malformed"},
		"no message":            {func(r *Receipt) { r.Message = record.ID{} }, "receipt.malformed"},
		"no time":               {func(r *Receipt) { r.Received = time.Time{} }, "receipt.malformed"},
		"log index":             {func(r *Receipt) { r.LogIndex = -1 }, "receipt.malformed"},
		"other number":          {func(r *Receipt) { r.Records, r.Accepted = 4, 2 }, "receipt.counts"},
	} {
		t.Run(name, func(t *testing.T) {
			r := testReceipt(env)
			c.change(&r)
			b, err := SignReceipt(r, testKey)
			if err == nil { // what may be signed in general may still not fit this envelope
				_, err = OpenReceipt(b, ringOf(t, testKey), testTime, env)
			}
			wantCode(t, err, c.code)

			r.V, r.Receiver = 1, testKey.ID() // a dishonest recipient signs it all the same
			if r.Accepted < 0 || r.Rejected < 0 || r.LogIndex < 0 || r.Received.IsZero() {
				return
			}
			b, err = SignLine(receiptDomain, r.Append(nil), testKey)
			if err != nil {
				t.Fatal(err)
			}
			_, err = OpenReceipt(b, ringOf(t, testKey), testTime, env)
			wantCode(t, err, c.code, "receipt.malformed", "receipt.other_envelope")
		})
	}
	_, err := SignReceipt(testReceipt(env), nil)
	wantCode(t, err, "signing.no_key")
}

// Whatever is written canonically is read back as it was, and written the same again.
func TestCanonicalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		r := Receipt{
			V: 1, Message: record.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), Envelope: record.DigestOf([]byte(text.Draw(t, "d"))),
			Sequence: rapid.Uint64Range(0, maxNumber).Draw(t, "n"), Recipient: text.Draw(t, "recipient"), Receiver: text.Draw(t, "receiver"),
			Received: time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "t")).UTC(), Status: text.Draw(t, "s"), Code: text.Draw(t, "c"),
			Records: rapid.IntRange(0, maxRecords).Draw(t, "records"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "outcomes") {
			r.Outcomes = append(r.Outcomes, Outcome{Index: rapid.IntRange(0, maxRecords).Draw(t, "i"), Status: text.Draw(t, "os"), Code: text.Draw(t, "oc"), Text: text.Draw(t, "ot")})
		}
		b := r.Append(nil)
		got, ok := parseReceipt(b)
		if !ok || !reflect.DeepEqual(*got, r) || !bytes.Equal(got.Append(nil), b) {
			t.Fatalf("wrote %s, read %+v", b, got)
		}
	})
}

func TestLine(t *testing.T) {
	ring := ringOf(t, testKey)
	b, err := SignLine("almasu-status/v1\n", []byte(`{"last":1}`), testKey)
	if err != nil {
		t.Fatal(err)
	}
	line, keyID, err := OpenLine("almasu-status/v1\n", b, ring, testTime)
	if err != nil || string(line) != `{"last":1}` || keyID != testKey.ID() {
		t.Fatal(string(line), keyID, err)
	}
	_, _, err = OpenLine("almasu-receipt/v1\n", b, ring, testTime)
	wantCode(t, err, "signing.bad_signature")
	_, err = SignLine("d\n", []byte("two\nlines"), testKey)
	wantCode(t, err, "signing.not_a_line")
	_, _, err = OpenLine("d\n", []byte("x"), ring, testTime)
	wantCode(t, err, "signing.malformed")
}

func FuzzReceipt(f *testing.F) {
	env, ring := testEnvelope(f), ringOf(f, testKey)
	whole := signed(f, testReceipt(env), testKey)
	f.Add(whole)
	nothing := testReceipt(env)
	nothing.Message = record.ID{}
	f.Add(nothing.Append(nil))
	f.Add(bytes.Replace(nothing.Append(nil), []byte(`"message":""`), []byte(`"message":"`+strings.Repeat("0", 32)+`"`), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := OpenReceipt(b, ring, testTime, env); err == nil && !bytes.Equal(b, whole) {
			t.Fatal("other bytes were accepted")
		}
		line, _, _ := bytes.Cut(b, []byte("\n"))
		if r, ok := parseReceipt(line); ok && !bytes.Equal(r.Append(nil), line) {
			t.Fatalf("accepted %q, which would be written %q", line, r.Append(nil))
		}
	})
}

func BenchmarkReceipt(b *testing.B) {
	h := testHeader()
	h.Records = 1000
	env, _ := Seal(h, NewPayload(nil, "text/plain"), testKey)
	r := testReceipt(env)
	r.Records, r.Accepted, r.Updated, r.Rejected, r.Outcomes = 1000, 0, 1000, 0, nil
	for i := range 1000 {
		r.Outcomes = append(r.Outcomes, Outcome{Index: i, Status: StatusUpdated})
	}
	ring := ringOf(b, testKey)
	b.Run("sign of 1000 outcomes", func(b *testing.B) {
		for b.Loop() {
			signed(b, r, testKey)
		}
	})
	whole := signed(b, r, testKey)
	b.Run("open of 1000 outcomes", func(b *testing.B) {
		for b.Loop() {
			if _, err := OpenReceipt(whole, ring, testTime, env); err != nil {
				b.Fatal(err)
			}
		}
	})
}
