package gost

import (
	"encoding/hex"
	"encoding/json"
	"hash"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
)

type vectors struct {
	Hash []struct {
		MessageHex string `json:"message_hex"`
		GOST34311  string `json:"gost34311_95_test_sbox"`
		S256       string `json:"streebog256"`
		S512       string `json:"streebog512"`
	} `json:"hash"`
	Sign []struct {
		Curve     string
		D, K, E   string
		Digest    string
		PublicKey string `json:"public_key_octets_LEx_LEy"`
		Signature string `json:"signature_LEr_LEs"`
	} `json:"sign_fixed_k"`
}

func sharedVectors(t *testing.T) (v vectors) {
	t.Helper()
	if err := json.Unmarshal(needs.ReferenceFile(t, "data/kz-signatures", "params/vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSharedHashes(t *testing.T) {
	for i, v := range sharedVectors(t).Hash {
		msg := mustHex(v.MessageHex)
		for _, c := range []struct {
			name string
			h    hash.Hash
			want string
		}{{"streebog512", NewStreebog512(), v.S512}, {"streebog256", NewStreebog256(), v.S256}, {"34.311", New341194(), v.GOST34311}} {
			c.h.Write(msg)
			if got := hex.EncodeToString(c.h.Sum(nil)); got != c.want {
				t.Errorf("%s, message %d: %s, want %s", c.name, i, got, c.want)
			}
		}
	}
}
