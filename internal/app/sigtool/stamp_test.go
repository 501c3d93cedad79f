package sigtool_test

import (
	"bytes"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

// asGiven is a hash function that returns what it is given: an authority sees the imprint only.
type asGiven struct{ bytes.Buffer }

func (a *asGiven) Sum(b []byte) []byte { return append(b, a.Bytes()...) }
func (a *asGiven) Size() int           { return a.Len() }
func (a *asGiven) BlockSize() int      { return 1 }

// authority stamps whatever it is asked to; spoil changes the stamp.
func authority(t *testing.T, family string, spoil func(*testca.Stamp)) *httptest.Server {
	t.Helper()
	key, err := keystore.Parse(testca.File(family+"/tsa.p12"), testca.Password)
	if err != nil {
		t.Fatal(err)
	}
	id := &testca.Identity{Key: key.Signer, Certificate: key.Certificate}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seq := ber.NewReader(body).Seq()
		seq.Int(1)
		imprint := seq.Seq()
		oid := cert.AlgorithmOf(imprint)
		stamp := testca.Stamp{Time: testca.Now, Policy: "1.2.398.3.3.2.6.4", Data: imprint.Octets(), WithSHA1: true,
			Digest: cert.Digest{OID: oid, New: func() hash.Hash { return &asGiven{} }}}
		stamp.Nonce = seq.Integer()
		spoil(&stamp)
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(testca.Response(id.Token(stamp)))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestStamped(t *testing.T) {
	in := put(t, "in", []byte("Құжат"))
	password := put(t, "password", []byte(testca.Password))
	for _, family := range []string{"gost2015", "rsa"} {
		root, key := put(t, "ca.cer", testca.File(family+"/ca.cer")), put(t, "key.p12", testca.File(family+"/person.p12"))
		for name, c := range map[string]struct {
			spoil func(*testca.Stamp)
			code  string
		}{
			"good":          {func(*testca.Stamp) {}, ""},
			"other data":    {func(s *testca.Stamp) { s.Data = bytes.Repeat([]byte{1}, len(s.Data)) }, "tsp.imprint"},
			"no nonce":      {func(s *testca.Stamp) { s.Nonce = nil }, "tsp.nonce"},
			"of the future": {func(s *testca.Stamp) { s.Time = testca.Now.Add(time.Hour) }, "tsp.future"},
		} {
			out := filepath.Join(t.TempDir(), "out")
			got := invoke(t, testca.Now, nil, "sign", "cms", "--tsp", authority(t, family, c.spoil).URL, "--key", key, "--password-file", password, "--output", out, in)
			if got.code != c.code {
				t.Errorf("%s, %s: %q, want %q", family, name, got.code, c.code)
			}
			if c.code != "" || got.exit != 0 {
				continue
			}
			if got := invoke(t, testca.Now, nil, "verify", "cms", "--require-timestamp", "--roots", root, out); got.exit != 0 {
				t.Errorf("%s: %s\n%s", family, got.code, got.out)
			}
		}
		got := invoke(t, testca.Now, nil, "sign", "cms", "--tsp", "http://127.0.0.1:1/", "--key", key, "--password-file", password, in)
		if got.code != "tsp.unreachable" || got.exit != 3 {
			t.Errorf("%s, unreachable: exit code %d, %q", family, got.exit, got.code)
		}
	}
}
