package ocsp_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
	"birgeoqy.kz/almasu/internal/signing/cert/ocsp"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

func identity(t testing.TB, family, name string) *testca.Identity {
	t.Helper()
	k, err := keystore.Parse(testca.File(family+"/"+name+".p12"), testca.Password)
	if err != nil {
		t.Fatal(err)
	}
	return &testca.Identity{Key: k.Signer, Certificate: k.Certificate}
}

// nonceOf reads the nonce of a request.
func nonceOf(t testing.TB, der []byte) []byte {
	t.Helper()
	tbs := ber.NewReader(der).Seq().Seq()
	tbs.Seq()
	extensions, err := cert.ParseExtensions(tbs.Explicit(2))
	if err != nil || len(extensions) != 1 {
		t.Errorf("request without a nonce: %v", err)
		return nil
	}
	return ber.NewReader(extensions[0].Value).Octets()
}

// responder is a real HTTP server that answers as told.
func responder(t testing.TB, by *testca.Identity, subject, issuer *cert.Certificate, change func(*testca.Answer)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/ocsp-request" || r.UserAgent() == "" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		a := testca.Answer{This: testca.Now, Next: testca.Now.Add(time.Hour), Reason: -1, Nonce: nonceOf(t, body)}
		change(&a)
		w.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = w.Write(by.OCSP(subject, issuer, a))
	}))
	t.Cleanup(s.Close)
	return s
}

func checker(url string) *ocsp.Checker {
	return &ocsp.Checker{Client: &fetch.Client{Transport: http.DefaultTransport}, Rand: rand.Reader, URL: url}
}

func TestAnswers(t *testing.T) {
	for _, family := range testca.Families {
		ca := testca.Certificate(family + "/ca.cer")
		person := testca.Certificate(family + "/person.cer")
		by := identity(t, family, "responder")
		q := cert.Query{Certificate: person, Issuer: ca, At: testca.Now, Now: testca.Now}
		cases := map[string]struct {
			by     *testca.Identity
			change func(*testca.Answer)
			code   string
		}{
			"good":              {by, func(*testca.Answer) {}, ""},
			"revoked":           {by, func(a *testca.Answer) { a.Revoked, a.At, a.Reason = true, testca.Now.Add(-time.Hour), 4 }, "cert.revoked"},
			"revoked later":     {by, func(a *testca.Answer) { a.Revoked, a.At, a.Reason = true, testca.Now.Add(time.Hour), 4 }, ""},
			"compromised later": {by, func(a *testca.Answer) { a.Revoked, a.At, a.Reason = true, testca.Now.Add(time.Hour), 1 }, "cert.revoked"},
			"unknown":           {by, func(a *testca.Answer) { a.Unknown = true }, "cert.ocsp_unknown"},
			"other serial":      {by, func(a *testca.Answer) { a.Serial = big.NewInt(1) }, "cert.ocsp_other"},
			"other nonce":       {by, func(a *testca.Answer) { a.Nonce = []byte("otherone") }, "cert.ocsp_nonce"},
			"no nonce":          {by, func(a *testca.Answer) { a.Nonce = nil }, "cert.ocsp_nonce"},
			"stale":             {by, func(a *testca.Answer) { a.This, a.Next = testca.Now.Add(-time.Hour), testca.Now.Add(-10*time.Minute) }, "cert.ocsp_stale"},
			"old without end":   {by, func(a *testca.Answer) { a.This, a.Next = testca.Now.Add(-2*time.Hour), time.Time{} }, "cert.ocsp_stale"},
			"new without end":   {by, func(a *testca.Answer) { a.Next = time.Time{} }, ""},
			"of the future":     {by, func(a *testca.Answer) { a.This = testca.Now.Add(time.Hour) }, "cert.ocsp_stale"},
			"no certificate":    {by, func(a *testca.Answer) { a.NoCert = true }, "cert.ocsp_signature"},
			"by a person":       {identity(t, family, "person"), func(*testca.Answer) {}, "cert.ocsp_signature"},
			"by a stranger":     {identity(t, other(family), "responder"), func(*testca.Answer) {}, "cert.ocsp_signature"},
		}
		for name, c := range cases {
			s := responder(t, c.by, person, ca, c.change)
			checks, err := checker(s.URL).Check(context.Background(), q)
			if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") || len(checks) == 0 {
				t.Errorf("%s, %s: %v (%v), want code %q", family, name, err, checks, c.code)
			}
			if name == "no nonce" {
				allowing := checker(s.URL)
				allowing.AllowNoNonce = true
				if _, err := allowing.Check(context.Background(), q); err != nil {
					t.Errorf("%s, no nonce allowed: %v", family, err)
				}
			}
		}
	}
}

func other(family string) string {
	if family == "rsa" {
		return "gost2015"
	}
	return "rsa"
}

// The authority itself may answer, and its answer needs no certificate.
func TestIssuerAnswers(t *testing.T) {
	root := testca.Root(testca.NewKey(testca.GOST2015), testca.Template{Name: testca.Authority("ҮЛГІ"), PathLen: -1, From: testca.Now.AddDate(-1, 0, 0), To: testca.Now.AddDate(1, 0, 0)})
	leaf := root.Issue(testca.NewKey(testca.GOST2015), testca.Template{Name: testca.Person("850101100012", ""), PathLen: -1, From: testca.Now, To: testca.Now.AddDate(1, 0, 0)})
	s := responder(t, root, leaf.Certificate, root.Certificate, func(a *testca.Answer) { a.NoCert = true })
	q := cert.Query{Certificate: leaf.Certificate, Issuer: root.Certificate, At: testca.Now, Now: testca.Now}
	if _, err := checker(s.URL).Check(context.Background(), q); err != nil {
		t.Error(err)
	}
	late := q
	late.Now = testca.Now.AddDate(2, 0, 0)
	if _, err := checker(s.URL).Check(context.Background(), late); record.CodeOf(err) != "cert.ocsp_stale" {
		t.Error(err)
	}
}

// What is not an answer is never "not revoked".
func TestMisbehavingResponders(t *testing.T) {
	good := testca.File("rsa/good.ocsp")
	serve := func(f http.HandlerFunc) string {
		s := httptest.NewServer(f)
		t.Cleanup(s.Close)
		return s.URL
	}
	reply := func(kind string, status int, body []byte) string {
		return serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write(body)
		})
	}
	const kind = "application/ocsp-response"
	closed := httptest.NewServer(nil)
	cases := map[string]struct{ url, code string }{
		"closed":          {closed.URL, "cert.ocsp_unreachable"},
		"no address":      {"", "cert.ocsp_unreachable"},
		"not HTTP":        {"ldap://ocsp.example.kz", "cert.ocsp_unreachable"},
		"error 500":       {reply(kind, 500, good), "cert.ocsp_unreachable"},
		"a portal":        {serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusSeeOther) }), "cert.ocsp_unreachable"},
		"a page":          {reply("text/html", 200, good), "cert.ocsp_unreachable"},
		"endless":         {reply(kind, 200, make([]byte, fetch.MaxAnswer+1)), "cert.ocsp_unreachable"},
		"hangs up":        {serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "cert.ocsp_unreachable"},
		"empty":           {reply(kind, 200, nil), "cert.ocsp_malformed"},
		"garbage":         {reply(kind, 200, []byte("MIIB")), "cert.ocsp_malformed"},
		"cut off":         {reply(kind, 200, good[:len(good)-1]), "cert.ocsp_malformed"},
		"trailing octets": {reply(kind, 200, append(bytes.Clone(good), 0)), "cert.ocsp_malformed"},
		"try later":       {reply(kind, 200, []byte{0x30, 3, 0x0a, 1, 3}), "cert.ocsp_refused"},
		"replayed":        {reply(kind, 200, good), "cert.ocsp_nonce"},
	}
	closed.Close() // now, so that none of the others has its port
	leaf := *testca.Certificate("rsa/person.cer")
	leaf.OCSPServers = nil
	q := cert.Query{Certificate: &leaf, Issuer: testca.Certificate("rsa/ca.cer"), At: testca.Now, Now: testca.Now}
	for name, c := range cases {
		if _, err := checker(c.url).Check(context.Background(), q); record.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %q", name, err, c.code)
		}
	}
	if _, err := (&ocsp.Checker{}).Check(context.Background(), q); record.CodeOf(err) != "cert.ocsp_unreachable" {
		t.Errorf("zero Checker: %v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := checker(reply(kind, 200, good)).Check(canceled, q); record.CodeOf(err) != "cert.ocsp_unreachable" {
		t.Errorf("canceled: %v", err)
	}
}

// A dead first address leads to the second.
func TestSecondAddress(t *testing.T) {
	leaf := *testca.Certificate("rsa/person.cer")
	ca := testca.Certificate("rsa/ca.cer")
	s := responder(t, identity(t, "rsa", "responder"), &leaf, ca, func(*testca.Answer) {})
	leaf.OCSPServers = []string{"http://127.0.0.1:1/", s.URL}
	checks, err := checker("").Check(context.Background(), cert.Query{Certificate: &leaf, Issuer: ca, At: testca.Now, Now: testca.Now})
	if err != nil || len(checks) != 2 || checks[0].Outcome != cert.Warned {
		t.Errorf("%v, %v", checks, err)
	}
}

// Every mutation of an answer is refused.
func TestMutations(t *testing.T) {
	for _, family := range testca.Families {
		good := testca.File(family + "/good.ocsp")
		q := cert.Query{Certificate: testca.Certificate(family + "/person.cer"), Issuer: testca.Certificate(family + "/ca.cer"), At: testca.Now, Now: testca.Now}
		c := &ocsp.Checker{}
		if _, problem := c.Judge(good, q, nil); problem != nil {
			t.Fatal(problem)
		}
		codes := map[string]int{}
		for i := range good {
			mutated := bytes.Clone(good)
			mutated[i] ^= 1 << (i % 8)
			_, problem := c.Judge(mutated, q, nil)
			if problem == nil {
				t.Errorf("%s: octet %d passes", family, i)
				continue
			}
			codes[problem.Code]++
		}
		t.Logf("%s: %v", family, codes)
	}
}

// openssl reads our request and answers it; we verify its answer.
func TestOpenSSLResponder(t *testing.T) {
	testca.GOSTEngine(t)
	for _, family := range []string{"rsa", "tc26"} {
		dir := t.TempDir()
		put := func(name string, b []byte) {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		by := identity(t, family, "responder")
		ca, person := testca.Certificate(family+"/ca.cer"), testca.Certificate(family+"/person.cer")
		put("ca.cer", ca.Raw)
		put("by.cer", by.Certificate.Raw)
		put("by.key", testca.PKCS8(by.Key))
		for _, name := range []string{"ca", "by"} {
			if out, err := testca.OpenSSL(t, dir, "x509", "-inform", "DER", "-in", name+".cer", "-out", name+".pem"); err != nil {
				t.Fatal(out)
			}
		}
		if out, err := testca.OpenSSL(t, dir, "pkey", "-inform", "DER", "-in", "by.key", "-out", "by.pem.key"); err != nil {
			t.Fatal(out)
		}
		serial := person.Serial()
		if len(serial)%2 == 1 {
			serial = "0" + serial
		}
		put("index.txt", []byte("V\t700101000000Z\t\t"+string(bytes.ToUpper([]byte(serial)))+"\tunknown\t/CN=probe\n"))
		nonce := []byte("12345678")
		question, err := ocsp.Request(person, ca, nonce)
		if err != nil {
			t.Fatal(err)
		}
		put("q.der", question)
		out, err := testca.OpenSSL(t, dir, "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "by.pem", "-rkey", "by.pem.key",
			"-reqin", "q.der", "-respout", "a.der", "-ndays", "1", "-rmd", map[string]string{"rsa": "sha256", "tc26": "md_gost12_512"}[family])
		if err != nil {
			t.Fatalf("%s: %v\n%s", family, err, out)
		}
		answer, err := os.ReadFile(filepath.Join(dir, "a.der"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		res, problem := (&ocsp.Checker{}).Judge(answer, cert.Query{Certificate: person, Issuer: ca, At: now, Now: now}, nonce)
		if problem != nil || res.Status != ocsp.Good {
			t.Errorf("%s: %v\n%s", family, problem, out)
		}
	}
}

// Answers of the national responder.
func TestSharedAnswers(t *testing.T) {
	at := time.Date(2022, 9, 2, 17, 0, 0, 0, time.UTC)
	for _, c := range []struct{ file, issuer, serial, code string }{
		{"ocsp_response_ceo_2015_revoked.bin", "nca_gost2022_test.cer", "3A90343E720594C55204B19CB9A402422EF0E622", "cert.revoked"},
		{"ocsp_response_ceo_sign_2004_revoked.bin", "nca_gost_test.crt", "12E3E7B9966D09EB9CDA64251457E815C2A8DDED", "cert.revoked"},
		{"ocsp_response_individual_sign_2004.bin", "nca_rsa_test.crt", "4279390A141F5353A62947B61ED65E81741467D1", ""},
		{"ocsp_response_individual_sign_2004.bin", "nca_rsa_test.crt", "01", "cert.ocsp_other"},
		{"ocsp_response_individual_sign_2004.bin", "nca_gost_test.crt", "4279390A141F5353A62947B61ED65E81741467D1", "cert.ocsp_other"},
	} {
		issuer, err := cert.Parse(needs.ReferenceFile(t, "data/kz-signatures", "ca/"+c.issuer))
		if err != nil {
			t.Fatal(err)
		}
		serial, _ := new(big.Int).SetString(c.serial, 16)
		q := cert.Query{Certificate: &cert.Certificate{SerialNumber: serial}, Issuer: issuer, At: at, Now: at}
		res, problem := (&ocsp.Checker{}).Judge(needs.ReferenceFile(t, "data/kz-signatures", "ocsp/"+c.file), q, nil)
		code := ""
		if problem != nil {
			code = problem.Code
		} else if res.Status == ocsp.Revoked {
			code = record.CodeOf(errors.Join(q.Revoked(res.RevokedAt, res.Reason)))
		}
		if code != c.code {
			t.Errorf("%s about %s: %q, want %q", c.file, c.serial, code, c.code)
		}
		q.Now = at.Add(24 * time.Hour)
		if _, problem := (&ocsp.Checker{}).Judge(needs.ReferenceFile(t, "data/kz-signatures", "ocsp/"+c.file), q, nil); problem == nil {
			t.Errorf("%s is fresh a day later", c.file)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, family := range []string{"gost2015", "rsa"} {
		f.Add(testca.File(family + "/good.ocsp"))
		f.Add(testca.File(family + "/revoked.ocsp"))
	}
	q := cert.Query{Certificate: testca.Certificate("rsa/person.cer"), Issuer: testca.Certificate("rsa/ca.cer"), At: testca.Now, Now: testca.Now}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, problem := (&ocsp.Checker{}).Judge(b, q, nil); problem == nil && !bytes.Equal(b, testca.File("rsa/good.ocsp")) {
			t.Error("an answer that was not signed is accepted")
		}
	})
}
