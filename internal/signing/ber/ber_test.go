package ber_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/signing/ber"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadsIndefiniteAndSegmented(t *testing.T) {
	// SEQUENCE (indefinite) { OCTET STRING (constructed, indefinite) {0102, 03}, INTEGER 5 }
	in := unhex(t, "3080"+"2480"+"04020102"+"040103"+"0000"+"020105"+"0000")
	r := ber.NewReader(in)
	seq := r.Seq()
	if got := seq.Octets(); !bytes.Equal(got, []byte{1, 2, 3}) {
		t.Errorf("octets = %x", got)
	}
	if got := seq.Int(10); got != 5 {
		t.Errorf("integer = %d", got)
	}
	if err := errors.Join(seq.End(), r.End()); err != nil {
		t.Error(err)
	}
	v, err := ber.Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ber.DER(v)
	if want := "3008" + "0403010203" + "020105"; err != nil || hex.EncodeToString(der) != want {
		t.Errorf("DER = %x, %v, want %s", der, err, want)
	}
}

func TestRefuses(t *testing.T) {
	read := func(f func(r *ber.Reader)) func(b []byte) error {
		return func(b []byte) error {
			r := ber.NewReader(b)
			f(r)
			return r.End()
		}
	}
	any := func(b []byte) error { _, err := ber.Parse(b); return err }
	cases := map[string]struct {
		in   string
		read func([]byte) error
	}{
		"empty":                    {"", any},
		"tag only":                 {"30", any},
		"cut off":                  {"300502", any},
		"trailing octets":          {"050000", any},
		"end marker as a value":    {"0000", any},
		"primitive indefinite":     {"0480", any},
		"indefinite without end":   {"30800500", any},
		"nine octets of length":    {"3089000000000000000000", any},
		"huge length":              {"3088ffffffffffffffff", any},
		"low tag in long form":     {"1f0500", any},
		"tag without end":          {"1fffffffff7f00", any},
		"integer empty":            {"0200", read(func(r *ber.Reader) { r.Integer() })},
		"integer padded":           {"02020001", read(func(r *ber.Reader) { r.Integer() })},
		"integer padded negative":  {"0202ff80", read(func(r *ber.Reader) { r.Integer() })},
		"integer above the limit":  {"020109", read(func(r *ber.Reader) { r.Int(8) })},
		"integer below zero":       {"0201ff", read(func(r *ber.Reader) { r.Int(8) })},
		"boolean of two octets":    {"0102ffff", read(func(r *ber.Reader) { r.Bool() })},
		"null with contents":       {"050100", read(func(r *ber.Reader) { r.Null() })},
		"bits unused":              {"03020180", read(func(r *ber.Reader) { r.Bits() })},
		"bits empty":               {"0300", read(func(r *ber.Reader) { r.Bits() })},
		"oid empty":                {"0600", read(func(r *ber.Reader) { r.OID() })},
		"oid cut off":              {"06022a86", read(func(r *ber.Reader) { r.OID() })},
		"oid padded":               {"06032a8001", read(func(r *ber.Reader) { r.OID() })},
		"oid huge arc":             {"060c2affffffffffffffffffff7f", read(func(r *ber.Reader) { r.OID() })},
		"sequence as primitive":    {"1000", read(func(r *ber.Reader) { r.Seq() })},
		"set for a sequence":       {"3100", read(func(r *ber.Reader) { r.Seq() })},
		"time with month 13":       {"170d3236313330313030303030305a", read(func(r *ber.Reader) { r.Time() })},
		"time without zone":        {"180e3230323630313031303030303030", read(func(r *ber.Reader) { r.Time() })},
		"octets holding integers":  {"2403020101", read(func(r *ber.Reader) { r.Octets() })},
		"enumerated of two octets": {"0a020101", read(func(r *ber.Reader) { r.Enumerated() })},
	}
	for name, c := range cases {
		if err := c.read(unhex(t, c.in)); !errors.Is(err, ber.ErrSyntax) {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := bytes.Repeat([]byte{0x30, 0x80}, 5000)
	if err := any(deep); !errors.Is(err, ber.ErrSyntax) {
		t.Errorf("deep nesting: %v", err)
	}
}

func TestFirstErrorStays(t *testing.T) {
	r := ber.NewReader([]byte{0x05, 0, 0x05, 0})
	r.Integer()
	first := r.Err()
	r.Null()
	if first == nil || !errors.Is(r.End(), first) || !r.Empty() {
		t.Errorf("first %v, then %v", first, r.Err())
	}
}

func TestTimes(t *testing.T) {
	for in, want := range map[string]string{
		"490101000000Z":           "2049-01-01T00:00:00Z",
		"500101000000Z":           "1950-01-01T00:00:00Z",
		"2601010000Z":             "2026-01-01T00:00:00Z",
		"260101050000+0500":       "2026-01-01T00:00:00Z",
		"20500101000000Z":         "2050-01-01T00:00:00Z",
		"20260101000000.25Z":      "2026-01-01T00:00:00.25Z",
		"20260101000000.1234567Z": "2026-01-01T00:00:00.1234567Z",
	} {
		id := byte(0x17)
		if want[:4] != "2049" && want[:4] != "1950" && in[:4] == want[:4] {
			id = 0x18
		}
		got := ber.NewReader(ber.TLV(id, []byte(in))).Time()
		if got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s = %s, want %s", in, got.Format(time.RFC3339Nano), want)
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"0c04d0a2d09a":         "ТК",
		"13024b5a":             "KZ",
		"1e0404220041":         "ТA",
		"1c0800000041000004a2": "AҢ",
		"1402e941":             "éA",
	} {
		v, err := ber.Parse(unhex(t, in))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ber.Text(v); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"0c01ff", "1301ff", "1e0141", "1c0400ffffff", "020101"} {
		v, err := ber.Parse(unhex(t, in))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ber.Text(v); !errors.Is(err, ber.ErrSyntax) {
			t.Errorf("%s = %q, %v", in, got, err)
		}
	}
}

// Everything written equals what encoding/asn1 writes, and reads back.
func TestWritesLikeTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		octets := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "octets")
		arcs := append([]int{rapid.IntRange(0, 1).Draw(t, "top"), rapid.IntRange(0, 39).Draw(t, "second")},
			rapid.SliceOfN(rapid.IntRange(0, 1<<30), 0, 6).Draw(t, "arcs")...)
		want, err := asn1.Marshal(struct {
			N      *big.Int
			Octets []byte
			OID    asn1.ObjectIdentifier
		}{big.NewInt(n), octets, arcs})
		if err != nil {
			t.Fatal(err)
		}
		oid := asn1.ObjectIdentifier(arcs).String()
		got := ber.Seq(ber.Int(n), ber.Octets(octets), ber.OID(oid))
		if !bytes.Equal(got, want) {
			t.Fatalf("wrote %x, want %x", got, want)
		}
		r := ber.NewReader(got)
		seq := r.Seq()
		if seq.Integer().Int64() != n || !bytes.Equal(seq.Octets(), octets) || seq.OID() != oid || seq.End() != nil {
			t.Fatalf("did not read back: %v", seq.Err())
		}
		v, _ := ber.Parse(got)
		if der, err := ber.DER(v); err != nil || !bytes.Equal(der, got) {
			t.Fatalf("DER changed DER: %x, %v", der, err)
		}
	})
}

func TestParseOIDRefuses(t *testing.T) {
	for _, text := range []string{"", "1", "1.40", "3.1", "1.2.", "1.2.x", "1.-2", "1.2.99999999999999999999"} {
		if b, err := ber.ParseOID(text); !errors.Is(err, ber.ErrSyntax) {
			t.Errorf("%q = %x, %v", text, b, err)
		}
	}
}

func TestSetOfSorts(t *testing.T) {
	if got := ber.SetOf(ber.Octets([]byte{9}), ber.Int(1), ber.Null()); hex.EncodeToString(got) != "3108020101"+"040109"+"0500" {
		t.Errorf("%x", got)
	}
}

func FuzzDER(f *testing.F) {
	f.Add([]byte{0x30, 0x80, 0x24, 0x80, 4, 1, 1, 0, 0, 0, 0})
	f.Add(ber.Seq(ber.OID("1.2.398.3.10"), ber.Set(ber.Int(-129)), ber.UTCTime(time.Unix(0, 0))))
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := ber.Parse(in)
		if err != nil {
			return
		}
		der, err := ber.DER(v)
		if err != nil {
			return
		}
		again, err := ber.Parse(der)
		if err != nil {
			t.Fatalf("DER of %x does not parse: %v", in, err)
		}
		if twice, err := ber.DER(again); err != nil || !bytes.Equal(twice, der) {
			t.Fatalf("DER of DER differs: %x, %x, %v", der, twice, err)
		}
		r := ber.NewReader(in)
		walk(r)
	})
}

// walk reads everything by every getter that could apply.
func walk(r *ber.Reader) {
	for !r.Empty() {
		v := r.Next()
		_, _ = ber.Text(v)
		_, _ = ber.ParseTime(v)
		own := ber.NewReader(v.Full)
		own.OID()
		own = ber.NewReader(v.Full)
		own.Integer()
		if v.Constructed {
			walk(r.Inside(v))
		}
	}
}
