package signing

import (
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

var (
	testTime = time.Date(2026, 11, 22, 10, 30, 0, 123456000, time.UTC)
	testKey  = mustKey(Ed25519)
)

func mustKey(alg Alg) *Key {
	k, err := GenerateKey(alg, nil)
	if err != nil {
		panic(err)
	}
	return k
}

func ringOf(t testing.TB, keys ...*Key) *Keyring {
	t.Helper()
	ring := NewKeyring("000000000000")
	for _, k := range keys {
		if err := ring.Add(k.Public(), time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	return ring
}

func testHeader() Header {
	d := func(s string) record.Digest { return record.DigestOf([]byte(s)) }
	return Header{
		Transfer: record.ID{1}, Message: record.ID{2}, Sequence: 7,
		Sender: "123456789012", Recipient: "210987654321",
		Route: "ministry", Connector: "ministry-rest", Purpose: "state_education_statistics",
		Path: PathStatute, Operation: OperationProvide, Clause: "5.3",
		Ground: `Закон «О "персональных" данных», ст. 9`, Decision: d("d"), Register: d("r"), Policy: d("p"), Mapping: d("m"), Schema: d("s"),
		Fields: []string{"iin", "name.family"}, Records: 3, Sealed: testTime,
	}
}

func testEnvelope(t testing.TB) *Envelope {
	t.Helper()
	env, err := Seal(testHeader(), NewPayload([]byte(`{"records":[{},{},{}]}`), "application/json"), testKey)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func wantCode(t testing.TB, err error, codes ...string) {
	t.Helper()
	got := record.CodeOf(err)
	for _, c := range codes {
		if got == c {
			return
		}
	}
	t.Fatalf("got code %q (%v), expected one of %q", got, err, codes)
}
