package httpsig

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

var (
	testTime = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	testBody = []byte(`{"records":[]}`)
)

func newKey(t testing.TB, alg signing.Alg) *signing.Key {
	t.Helper()
	k, err := signing.GenerateKey(alg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newVerifier(t testing.TB, keys ...*signing.Key) *Verifier {
	t.Helper()
	ring := signing.NewKeyring("sender")
	for _, k := range keys {
		if err := ring.Add(k.Public(), time.Time{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	return &Verifier{Ring: ring, Window: 5 * time.Minute, Fresh: NewNonces(10*time.Minute, 1000).Fresh}
}

// outgoing is a message as the connector builds it, unsigned.
func outgoing(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "https://authority.example:8443/v1/messages?x=1", bytes.NewReader(testBody))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, name := range ordered {
		r.Header.Set(name, strings.ToLower(name)+"-value")
	}
	return r
}

func sign(t testing.TB, r *http.Request, k *signing.Key) {
	t.Helper()
	if err := Sign(r, record.DigestOf(testBody), k, Params{Created: testTime, Lifetime: time.Minute, Nonce: NewNonce()}); err != nil {
		t.Fatal(err)
	}
}

// received is what a server sees of a request.
func received(r *http.Request) *http.Request {
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(testBody))
	in.Header, in.Host, in.TLS, in.ContentLength = r.Header.Clone(), r.URL.Host, &tls.ConnectionState{}, r.ContentLength
	return in
}

func bodyDigest() (record.Digest, error) { return record.DigestOf(testBody), nil }

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if got := record.CodeOf(err); got != code {
		t.Fatalf("got %q (%v), expected %q", got, err, code)
	}
}

func TestSignAndVerify(t *testing.T) {
	for _, alg := range []signing.Alg{signing.Ed25519, signing.ECDSAP256SHA256, signing.RSAPSSSHA512, signing.RSAV15SHA256} {
		k := newKey(t, alg)
		r := outgoing(t)
		sign(t, r, k)
		v := newVerifier(t, k)
		got, err := v.Verify(received(r), testTime, bodyDigest)
		if err != nil {
			t.Fatal(alg, err)
		}
		if got.KeyID != k.ID() || !got.Created.Equal(testTime) || !got.Expires.Equal(testTime.Add(time.Minute)) {
			t.Fatalf("%s: %+v", alg, got)
		}
		_, err = v.Verify(received(r), testTime, bodyDigest)
		wantCode(t, err, "signature.replay")
	}
}

func TestRequestWithoutBody(t *testing.T) {
	k := newKey(t, signing.Ed25519)
	r, _ := http.NewRequest(http.MethodGet, "https://authority.example/v1/status", nil)
	empty := record.DigestOf(nil)
	if err := Sign(r, empty, k, Params{Created: testTime, Lifetime: time.Minute, Nonce: "n"}); err != nil {
		t.Fatal(err)
	}
	in := httptest.NewRequest(r.Method, "/v1/status", nil)
	in.Header, in.Host, in.TLS = r.Header, r.URL.Host, &tls.ConnectionState{}
	if _, err := newVerifier(t, k).Verify(in, testTime, func() (record.Digest, error) { return empty, nil }); err != nil {
		t.Fatal(err)
	}
}

func TestEveryChangeIsRefused(t *testing.T) {
	k, stranger := newKey(t, signing.Ed25519), newKey(t, signing.Ed25519)
	input := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			old := r.Header.Get(fieldInput)
			if !strings.Contains(old, from) {
				panic("the case changes nothing: " + from)
			}
			r.Header.Set(fieldInput, strings.Replace(old, from, to, 1))
		}
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		code   string
	}{
		"method":                   {func(r *http.Request) { r.Method = "PUT" }, "signature.bad"},
		"host":                     {func(r *http.Request) { r.Host = "other.example" }, "signature.bad"},
		"path":                     {func(r *http.Request) { r.RequestURI = "/v1/checkpoints?x=1" }, "signature.bad"},
		"query":                    {func(r *http.Request) { r.RequestURI = "/v1/messages?x=2" }, "signature.bad"},
		"scheme":                   {func(r *http.Request) { r.TLS = nil }, "signature.bad"},
		"content type":             {set("Content-Type", "text/plain"), "signature.bad"},
		"content type removed":     {func(r *http.Request) { r.Header.Del("Content-Type") }, "signature.malformed"},
		"content encoding added":   {set("Content-Encoding", "gzip"), "signature.not_covered"},
		"length":                   {func(r *http.Request) { r.ContentLength++ }, "signature.bad"},
		"chunked":                  {func(r *http.Request) { r.ContentLength = -1 }, "signature.malformed"},
		"digest changed":           {set(fieldDigest, contentDigest(record.DigestOf(nil))), "signature.bad"},
		"digest removed":           {func(r *http.Request) { r.Header.Del(fieldDigest) }, "signature.malformed"},
		"digest twice":             {func(r *http.Request) { r.Header.Add(fieldDigest, "sha-256=:AA==:") }, "signature.malformed"},
		"sequence":                 {set(FieldSequence, "8"), "signature.bad"},
		"sequence removed":         {func(r *http.Request) { r.Header.Del(FieldSequence) }, "signature.malformed"},
		"sequence twice":           {func(r *http.Request) { r.Header.Add(FieldSequence, "8") }, "signature.malformed"},
		"field added":              {set("Almasu-Extra", "1"), "signature.not_covered"},
		"ground":                   {set(FieldGround, ""), "signature.bad"},
		"component not covered":    {input(` "almasu-schema"`, ""), "signature.not_covered"},
		"digest not covered":       {input(` "content-digest"`, ""), "signature.not_covered"},
		"component twice":          {input(`"@method"`, `"@method" "@method"`), "signature.malformed"},
		"component with params":    {input(`"@method"`, `"@method";req`), "signature.malformed"},
		"component is a token":     {input(`"@method"`, `method`), "signature.malformed"},
		"unknown derived":          {input(`"@method"`, `"@method" "@path"`), "signature.malformed"},
		"order":                    {input(`"@method" "@target-uri"`, `"@target-uri" "@method"`), "signature.bad"},
		"created":                  {input(`created=1795343400`, `created=1795343401`), "signature.bad"},
		"expires":                  {input(`expires=1795343460`, `expires=1795343461`), "signature.bad"},
		"created is text":          {input(`created=1795343400`, `created="x"`), "signature.params"},
		"expires missing":          {input(`;expires=1795343460`, ``), "signature.params"},
		"nonce missing":            {input(`;nonce=`, `;other=`), "signature.params"},
		"nonce":                    {input(`;nonce="`, `;nonce="x`), "signature.bad"},
		"unknown key":              {input(k.ID(), stranger.ID()), "signing.unknown_key"},
		"algorithm":                {input(`alg="ed25519"`, `alg="rsa-pss-sha512"`), "signature.alg"},
		"algorithm missing":        {input(`;alg="ed25519"`, ``), "signature.params"},
		"tag":                      {input(`tag="almasu"`, `tag="other"`), "signature.missing"},
		"label":                    {input(`almasu=(`, `other=(`), "signature.malformed"},
		"two inputs":               {func(r *http.Request) { r.Header.Add(fieldInput, "b="+r.Header.Get(fieldInput)[7:]) }, "signature.malformed"},
		"input is an item":         {set(fieldInput, "almasu=1"), "signature.malformed"},
		"input does not parse":     {set(fieldInput, "almasu=("), "signature.malformed"},
		"input too long":           {set(fieldInput, strings.Repeat("a", maxSignatureFields+1)), "signature.malformed"},
		"no input":                 {func(r *http.Request) { r.Header.Del(fieldInput) }, "signature.missing"},
		"no signature":             {func(r *http.Request) { r.Header.Del(fieldValue) }, "signature.missing"},
		"signature is text":        {set(fieldValue, `almasu="x"`), "signature.malformed"},
		"signature does not parse": {set(fieldValue, `almasu=:`), "signature.malformed"},
		"other signature":          {set(fieldValue, `almasu=:AAAA:`), "signature.bad"},
	} {
		t.Run(name, func(t *testing.T) {
			r := outgoing(t)
			sign(t, r, k)
			in := received(r)
			c.change(in)
			_, err := newVerifier(t, k).Verify(in, testTime, bodyDigest)
			wantCode(t, err, c.code)
		})
	}
}

func TestTimes(t *testing.T) {
	k := newKey(t, signing.Ed25519)
	for name, c := range map[string]struct {
		lifetime, passed time.Duration
		code             string
	}{
		"now":                {time.Minute, 0, ""},
		"last second":        {time.Minute, time.Minute, ""},
		"expired":            {time.Minute, time.Minute + time.Second, "signature.expired"},
		"good for too long":  {time.Hour, 0, "signature.expired"},
		"clock behind":       {time.Minute, -4 * time.Minute, ""},
		"clock far behind":   {time.Minute, -6 * time.Minute, "signature.created"},
		"created long ago":   {5 * time.Minute, 6 * time.Minute, "signature.created"},
		"created in 5 years": {time.Minute, -5 * 365 * 24 * time.Hour, "signature.created"},
	} {
		t.Run(name, func(t *testing.T) {
			r := outgoing(t)
			if err := Sign(r, record.DigestOf(testBody), k, Params{Created: testTime, Lifetime: c.lifetime, Nonce: "n"}); err != nil {
				t.Fatal(err)
			}
			_, err := newVerifier(t, k).Verify(received(r), testTime.Add(c.passed), bodyDigest)
			wantCode(t, err, c.code)
		})
	}
}

func TestContentIsReadLastAndNonceSpentLater(t *testing.T) {
	k, stranger := newKey(t, signing.Ed25519), newKey(t, signing.Ed25519)
	r := outgoing(t)
	sign(t, r, stranger)
	_, err := newVerifier(t, k).Verify(received(r), testTime, func() (record.Digest, error) {
		t.Error("the body of a stranger was read")
		return record.Digest{}, nil
	})
	wantCode(t, err, "signing.unknown_key")

	v := newVerifier(t, k)
	r = outgoing(t)
	sign(t, r, k)
	cut := errors.New("cut")
	if _, err = v.Verify(received(r), testTime, func() (record.Digest, error) { return record.Digest{}, cut }); !errors.Is(err, cut) {
		t.Fatal(err)
	}
	_, err = v.Verify(received(r), testTime, func() (record.Digest, error) { return record.DigestOf(nil), nil })
	wantCode(t, err, "signature.digest")
	if _, err = v.Verify(received(r), testTime, bodyDigest); err != nil {
		t.Fatal("a request that was cut spent its nonce: ", err)
	}
}

func TestNothingWorksByDefault(t *testing.T) {
	r := outgoing(t)
	_, err := (&Verifier{}).Verify(r, testTime, bodyDigest)
	wantCode(t, err, "signature.params")
	wantCode(t, Sign(r, record.DigestOf(nil), nil, Params{}), "signature.params")
	wantCode(t, Sign(r, record.Digest{}, newKey(t, signing.Ed25519), Params{Created: testTime, Lifetime: time.Minute, Nonce: "n"}), "signature.params")
	if new(Nonces).Fresh("k", "n", testTime) {
		t.Fatal("a zero memory calls a nonce fresh")
	}
}

func TestNonces(t *testing.T) {
	n := NewNonces(time.Minute, 3)
	at := testTime
	if !n.Fresh("k", "a", at) || n.Fresh("k", "a", at) || !n.Fresh("k2", "a", at) {
		t.Fatal("a pair is fresh once")
	}
	if n.Fresh("k", "a", at.Add(61*time.Second)) || n.Fresh("k", "a", at.Add(119*time.Second)) {
		t.Fatal("forgotten too early")
	}
	if !n.Fresh("k", "a", at.Add(5*time.Minute)) || !n.Fresh("k", "b", at.Add(5*time.Minute)) || !n.Fresh("k", "c", at.Add(5*time.Minute)) {
		t.Fatal("never forgotten")
	}
	if n.Fresh("k", "d", at.Add(5*time.Minute)) {
		t.Fatal("the limit is not kept")
	}
	if n.Fresh("k", "a", at.Add(-time.Hour)) {
		t.Fatal("a clock that goes back makes a pair fresh")
	}
}

func TestFieldsRepeatTheEnvelope(t *testing.T) {
	k := newKey(t, signing.Ed25519)
	d := record.DigestOf(testBody)
	sealed := signing.Header{
		Transfer: record.ID{1}, Message: record.ID{2}, Sequence: 3, Sender: "123456789012", Recipient: "210987654321", Route: "r", Connector: "c",
		Purpose: "p", Path: signing.PathConsent, Operation: signing.OperationProvide, Clause: "5.2", Ground: "заң", Decision: d, Register: d,
		Policy: d, Mapping: d, Schema: d, Fields: []string{"iin"}, Sealed: testTime,
	}
	env, err := signing.Seal(sealed, signing.NewPayload(testBody, "application/json"), k)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	SetEnvelope(h, env)
	if err := CheckEnvelope(h, env); err != nil {
		t.Fatal(err)
	}
	if h.Get(FieldGround) != record.DigestOf([]byte("заң")).String() || h.Get(FieldSequence) != "3" || h.Get(FieldEnvelope) != env.Wire() {
		t.Fatal(h)
	}
	for name := range envelopeFields(env) {
		for _, change := range []func(http.Header){
			func(h http.Header) { h.Set(name, "other") },
			func(h http.Header) { h.Del(name) },
			func(h http.Header) { h.Add(name, h.Get(name)) },
		} {
			changed := h.Clone()
			change(changed)
			wantCode(t, CheckEnvelope(changed, env), "envelope.other_fields")
		}
	}
}

func FuzzVerify(f *testing.F) {
	k := newKey(f, signing.Ed25519)
	r := outgoing(f)
	sign(f, r, k)
	in := received(r)
	good := [3]string{in.Header.Get(fieldInput), in.Header.Get(fieldValue), in.Header.Get(fieldDigest)}
	f.Add(good[0], good[1], good[2])
	f.Add(`a=();tag="almasu", b=()`, `a=:AA==:`, `sha-256=:AA==:, sha-512=1`)
	f.Fuzz(func(t *testing.T, input, signature, digest string) {
		in := received(r)
		in.Header.Set(fieldInput, input)
		in.Header.Set(fieldValue, signature)
		in.Header.Set(fieldDigest, digest)
		_, err := newVerifier(t, k).Verify(in, testTime, bodyDigest)
		if err == nil && digest != good[2] {
			t.Fatal("another digest field was accepted")
		}
		if err != nil && record.CodeOf(err) == "" {
			t.Fatalf("an error without a code: %v", err)
		}
		_ = checkDigest([]string{digest}, record.DigestOf(testBody))
	})
}

func BenchmarkRequest(b *testing.B) {
	k := newKey(b, signing.Ed25519)
	r := outgoing(b)
	r.Header.Set(FieldEnvelope, strings.Repeat("e", 2000))
	r.Header.Set(FieldTicket, strings.Repeat("t", 2500))
	digest := record.DigestOf(testBody)
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			if err := Sign(r, digest, k, Params{Created: testTime, Lifetime: time.Minute, Nonce: "n"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	v := newVerifier(b, k)
	v.Fresh = func(string, string, time.Time) bool { return true }
	in := received(r)
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Verify(in, testTime, bodyDigest); err != nil {
				b.Fatal(err)
			}
		}
	})
}
