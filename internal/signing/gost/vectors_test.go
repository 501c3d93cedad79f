package gost

import (
	"encoding/hex"
	"encoding/json"
	"hash"
	"os"
	"path/filepath"
	"testing"
)

// sharedFile finds a file of ../shared/data/kz-signatures beside the repository and skips loudly when it is absent.
func sharedFile(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data", "kz-signatures", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("SKIPPED: sample data %s is missing: %v", name, err)
	}
	return b
}

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
	if err := json.Unmarshal(sharedFile(t, "params/vectors.json"), &v); err != nil {
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
