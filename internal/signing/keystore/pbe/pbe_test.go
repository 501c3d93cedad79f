package pbe_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/keystore/pbe"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Vectors of RFC 2268, section 5, whose effective length is the key's.
func TestRC2Vectors(t *testing.T) {
	for _, c := range []struct{ key, plain, sealed string }{
		{"ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", "1000000000000001", "30649edf9be7d2c2"},
		{"88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"},
	} {
		block := pbe.NewRC2(unhex(t, c.key))
		got := make([]byte, 8)
		block.Encrypt(got, unhex(t, c.plain))
		if hex.EncodeToString(got) != c.sealed {
			t.Errorf("key %s: %x, want %s", c.key, got, c.sealed)
		}
		block.Decrypt(got, got)
		if hex.EncodeToString(got) != c.plain {
			t.Errorf("key %s: decrypts to %x", c.key, got)
		}
	}
}

func TestRC2Inverts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := pbe.NewRC2(rapid.SliceOfN(rapid.Byte(), 1, 128).Draw(t, "key"))
		plain := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "plain")
		got := make([]byte, 8)
		block.Encrypt(got, plain)
		block.Decrypt(got, got)
		if !bytes.Equal(got, plain) {
			t.Fatalf("%x became %x", plain, got)
		}
	})
}

// Derivations that OpenSSL and others agree on.
func TestDerive(t *testing.T) {
	for _, c := range []struct {
		id         byte
		password   string
		salt, want string
		iterations int
	}{
		{pbe.IDKey, "smeg", "0a58cf64530d823f", "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3", 1},
		{pbe.IDIV, "smeg", "0a58cf64530d823f", "79993dfe048d3b76", 1},
		{pbe.IDMAC, "smeg", "3d83c0e4546ac140", "8d967d88f6caa9d714800ab3d48051d63f73a312", 1},
		{pbe.IDKey, "queeg", "05dec959acff72f7", "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4", 1000},
	} {
		got := pbe.Derive(sha1.New, c.id, pbe.BMP(c.password), unhex(t, c.salt), c.iterations, len(c.want)/2)
		if hex.EncodeToString(got) != c.want {
			t.Errorf("%+v: %x", c, got)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	salt := ber.Octets([]byte("saltsalt"))
	pbes1 := func(oid string, params ...[]byte) []byte { return ber.Seq(ber.OID(oid), ber.Seq(params...)) }
	const des3 = "1.2.840.113549.1.12.1.3"
	for name, c := range map[string]struct {
		algorithm, data []byte
		password        bool
	}{
		"unknown":             {pbes1("1.2.3.4", salt, ber.Int(1)), make([]byte, 8), false},
		"no iterations":       {pbes1(des3, salt, ber.Int(0)), make([]byte, 8), false},
		"too many":            {pbes1(des3, salt, ber.Int(pbe.MaxIterations+1)), make([]byte, 8), false},
		"no parameters":       {ber.Seq(ber.OID(des3)), make([]byte, 8), false},
		"trailing parameters": {pbes1(des3, salt, ber.Int(1), ber.Null()), make([]byte, 8), false},
		"no data":             {pbes1(des3, salt, ber.Int(1)), nil, true},
		"part of a block":     {pbes1(des3, salt, ber.Int(1)), make([]byte, 7), true},
		"nonsense":            {pbes1(des3, salt, ber.Int(1)), make([]byte, 16), true},
		"unknown derivation":  {pbes1("1.2.840.113549.1.5.13", pbes1("1.2.3.4", salt), pbes1("1.2.3.4", salt)), make([]byte, 16), false},
		"unknown cipher": {pbes1("1.2.840.113549.1.5.13", pbes1("1.2.840.113549.1.5.12", salt, ber.Int(1)),
			ber.Seq(ber.OID("1.2.3.4"), ber.Octets(make([]byte, 16)))), make([]byte, 16), false},
	} {
		_, err := pbe.Decrypt(ber.NewReader(c.algorithm), c.data, "x")
		if err == nil || errors.Is(err, pbe.ErrPassword) != c.password {
			t.Errorf("%s: %v", name, err)
		}
	}
}
