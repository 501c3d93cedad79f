package signing

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
)

func TestEnvelopeRoundTrip(t *testing.T) {
	for _, alg := range []Alg{Ed25519, ECDSAP256SHA256, RSAPSSSHA512, RSAV15SHA256} {
		k := mustKey(alg)
		env, err := Seal(testHeader(), NewPayload([]byte("some\nbytes\n"), "application/json"), k)
		if err != nil {
			t.Fatal(alg, err)
		}
		ring := ringOf(t)
		if err := ring.Add(k.Public(), testTime, testTime.Add(1)); err != nil {
			t.Fatal(err)
		}
		opened, err := OpenParts(env.HeaderBytes(), env.KeyID(), env.Signature(), env.Payload(), ring, testTime)
		if err != nil {
			t.Fatal(alg, err)
		}
		wired, err := OpenWire(env.Wire(), NewPayload(env.Payload().Bytes(), "application/json"), ring, testTime)
		if err != nil {
			t.Fatal(alg, err)
		}
		for _, other := range []*Envelope{opened, wired} {
			if !reflect.DeepEqual(other, env) || !other.Valid() {
				t.Fatalf("%s: the envelope changed on its way", alg)
			}
		}
		if env.Digest() != record.DigestOf(env.HeaderBytes()) || env.Header().Payload != record.DigestOf(env.Payload().Bytes()) {
			t.Fatal("the digests do not pin the bytes")
		}
	}
}

// Every single changed byte of header, signature and payload is refused with a code.
func TestEnvelopeEveryByteCounts(t *testing.T) {
	env := testEnvelope(t)
	ring := ringOf(t, testKey)
	parts := [][]byte{env.HeaderBytes(), env.Signature(), env.Payload().Bytes()}
	open := func(part int, b []byte) error {
		p := slices.Clone(parts)
		p[part] = b
		_, err := OpenParts(p[0], env.KeyID(), p[1], NewPayload(p[2], env.Payload().MediaType()), ring, testTime)
		return err
	}
	for part, whole := range parts {
		if err := open(part, whole); err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			for _, flip := range []byte{1, 0x20, 0x80, 0xff} {
				b := bytes.Clone(whole)
				b[i] ^= flip
				wantCode(t, open(part, b), "envelope.malformed", "envelope.header", "envelope.bad_signature", "envelope.payload_mismatch")
			}
			if record.CodeOf(open(part, whole[:i])) == "" {
				t.Fatalf("the first %d bytes were accepted", i)
			}
		}
		if record.CodeOf(open(part, append(bytes.Clone(whole), '\n'))) == "" {
			t.Fatal("a byte more was accepted")
		}
	}
	wire := env.Wire()
	for i := range len(wire) {
		b := []byte(wire)
		b[i] ^= 1
		if _, err := OpenWire(string(b), env.payload, ring, testTime); record.CodeOf(err) == "" {
			t.Fatalf("the field with byte %d changed was accepted", i)
		}
	}
	_, err := OpenWire(wire[:20]+"\n"+wire[20:], env.payload, ring, testTime)
	wantCode(t, err, "envelope.malformed")
	_, err = OpenWire(wire, NewPayload(env.Payload().Bytes(), "text/plain"), ring, testTime)
	wantCode(t, err, "envelope.payload_mismatch")
}

func TestEnvelopeZeroValuesRefuse(t *testing.T) {
	var none *Envelope
	if none.Valid() || (&Envelope{}).Valid() {
		t.Fatal("a zero envelope is valid")
	}
	_, err := Seal(testHeader(), Payload{}, testKey)
	wantCode(t, err, "envelope.header")
	_, err = Seal(testHeader(), NewPayload(nil, "text/plain"), nil)
	wantCode(t, err, "signing.no_key")
	_, err = Seal(Header{}, NewPayload(nil, ""), testKey)
	problems, ok := err.(record.Problems)
	if !ok || len(problems) < 15 {
		t.Fatalf("expected all findings about an empty header at once, got %v", err)
	}
	env := testEnvelope(t)
	_, err = OpenWire(env.Wire(), env.Payload(), nil, testTime)
	wantCode(t, err, "signing.unknown_key")
}

// What has no bytes can be sealed, and neither delivered nor read, also where there should be none.
func TestBarePayload(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("bytes")} {
		p := NewPayload(b, "text/plain")
		env, err := Seal(testHeader(), p.Bare(), testKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(env.Payload().Open()); env.Valid() || err == nil {
			t.Errorf("an envelope without its %d bytes is valid, or reads: %v", len(b), err)
		}
		_, err = env.Carrying(p.Bare())
		wantCode(t, err, "envelope.payload_mismatch")
		_, err = env.Carrying(NewPayload(append(b, 'x'), "text/plain"))
		wantCode(t, err, "envelope.payload_mismatch")
		full, err := env.Carrying(ProvenPayload(p, p.Size(), p.Digest(), p.MediaType()))
		if err != nil || !full.Valid() || env.Valid() {
			t.Fatalf("it does not carry its payload: %v", err)
		}
		if got, err := io.ReadAll(full.Payload().Open()); err != nil || !bytes.Equal(got, b) || full.Payload().Bytes() != nil {
			t.Errorf("%d bytes read as %d, %v", len(b), len(got), err)
		}
	}
}

func TestHeaderIsStrict(t *testing.T) {
	good := string(testEnvelope(t).HeaderBytes())
	if _, err := ParseHeader([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"space":            {`{"v":1,`, `{"v":1, `},
		"leading zero":     {`"sequence":7`, `"sequence":07`},
		"sign":             {`"sequence":7`, `"sequence":-7`},
		"fraction":         {`"sequence":7`, `"sequence":7.0`},
		"exponent":         {`"sequence":7`, `"sequence":7e0`},
		"empty number":     {`"sequence":7`, `"sequence":`},
		"too large":        {`"sequence":7`, `"sequence":9007199254740993`},
		"number as text":   {`"sequence":7`, `"sequence":"7"`},
		"null":             {`"clause":"5.3"`, `"clause":null`},
		"unknown key":      {`,"sealed":`, `,"extra":1,"sealed":`},
		"duplicate":        {`"v":1`, `"v":1,"v":1`},
		"missing":          {`"clause":"5.3",`, ``},
		"upper-case key":   {`"clause"`, `"Clause"`},
		"needless escape":  {`"clause":"5.3"`, `"clause":"5\u002e3"`},
		"slash escape":     {`application/json`, `application\/json`},
		"short escape":     {`"clause":"5.3"`, `"clause":"5.3\n"`},
		"upper-case hex":   {`"clause":"5.3"`, `"clause":"5.3\u001F"`},
		"control":          {`"clause":"5.3"`, `"clause":"5.3\u001f"`},
		"raw control":      {`"clause":"5.3"`, "\"clause\":\"5.3\t\""},
		"bad UTF-8":        {`"clause":"5.3"`, "\"clause\":\"5.3\xff\""},
		"trailing comma":   {`"name.family"]`, `"name.family",]`},
		"time zone":        {`.123456Z`, `.123456+00:00`},
		"less precision":   {`.123456Z`, `.123Z`},
		"impossible day":   {`2026-11-22`, `2026-02-30`},
		"digest case":      {`"payload":"sha256:`, `"payload":"SHA256:`},
		"no purpose":       {`state_education_statistics`, ``},
		"unknown path":     {`"path":"statute"`, `"path":"other"`},
		"other operation":  {`transfer.provide`, `transfer.delete`},
		"other version":    {`{"v":1,`, `{"v":2,`},
		"short BIN":        {`123456789012`, `12345678901`},
		"records too many": {`"records":3`, `"records":10000001`},
		"trailing":         {`Z"}`, `Z"} `},
		"byte order mark":  {`{"v"`, "\ufeff" + `{"v"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := ParseHeader([]byte(bad)); record.CodeOf(err) != "envelope.malformed" && record.CodeOf(err) != "envelope.header" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestVoidNotice(t *testing.T) {
	h := testHeader()
	h.Operation = OperationVoid
	_, err := Seal(h, NewPayload(nil, "text/plain"), testKey)
	wantCode(t, err, "envelope.header")
	h.Fields, h.Records = nil, 0
	env, err := Seal(h, NewPayload(nil, "text/plain"), testKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWire(env.Wire(), env.Payload(), ringOf(t, testKey), testTime); err != nil {
		t.Fatal(err)
	}
}

// TestNotice: a notice without values needs no decision and no fields, one with values needs all that data need; both pin schema and register.
func TestNotice(t *testing.T) {
	bare := func() Header {
		h := testHeader()
		h.Operation, h.Fields, h.Decision, h.Policy, h.Mapping, h.Path, h.Ground, h.Clause, h.Purpose = OperationNotice, nil, record.Digest{}, record.Digest{}, record.Digest{}, "", "", "", ""
		return h
	}
	full := testHeader()
	full.Operation = OperationNotice
	for _, h := range []Header{bare(), full} {
		env, err := Seal(h, NewPayload([]byte("{}"), "application/json"), testKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenWire(env.Wire(), env.Payload(), ringOf(t, testKey), testTime); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*Header){
		"values without a decision": func(h *Header) { h.Fields = []string{"phone"} },
		"no records":                func(h *Header) { h.Records = 0 },
		"no schema":                 func(h *Header) { h.Schema = record.Digest{} },
		"no register":               func(h *Header) { h.Register = record.Digest{} },
		"no route":                  func(h *Header) { h.Operation = "transfer.note" },
	} {
		h := bare()
		change(&h)
		if _, err := Seal(h, NewPayload([]byte("{}"), "application/json"), testKey); record.CodeOf(err) != "envelope.header" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	env, ring := testEnvelope(f), ringOf(f, testKey)
	f.Add(env.Wire())
	f.Add("e30.almasu:x.AA")
	f.Fuzz(func(t *testing.T, wire string) {
		got, err := OpenWire(wire, env.payload, ring, testTime)
		if err == nil && !bytes.Equal(got.HeaderBytes(), env.HeaderBytes()) {
			t.Fatal("a header that was never signed was accepted")
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(testEnvelope(f).HeaderBytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ParseHeader(b); err == nil && !bytes.Equal(h.Append(nil), b) {
			t.Fatalf("accepted %q, which would be written %q", b, h.Append(nil))
		}
	})
}

func BenchmarkEnvelope(b *testing.B) {
	payload := bytes.Repeat([]byte(`{"iin":"x"},`), 250_000/12)
	ring := ringOf(b, testKey)
	p := NewPayload(payload, "application/json")
	env, _ := Seal(testHeader(), p, testKey)
	wire := env.Wire()
	b.Run("payload", func(b *testing.B) {
		for b.Loop() {
			NewPayload(payload, "application/json")
		}
	})
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if _, err := Seal(testHeader(), p, testKey); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := OpenWire(wire, NewPayload(payload, "application/json"), ring, testTime); err != nil {
				b.Fatal(err)
			}
		}
	})
}
