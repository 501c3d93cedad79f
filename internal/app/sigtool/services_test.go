package sigtool_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/keystore"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/soap"
)

// responder answers every question about the person of a family.
func responder(t *testing.T, family string, a testca.Answer) *httptest.Server {
	t.Helper()
	key, err := keystore.Parse(testca.File(family+"/responder.p12"), testca.Password)
	if err != nil {
		t.Fatal(err)
	}
	id := &testca.Identity{Key: key.Signer, Certificate: key.Certificate}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer := a
		answer.Nonce = body[len(body)-8:] // the nonce is the last of the question
		w.Header().Set("Content-Type", "application/ocsp-response")
		_, _ = w.Write(id.OCSP(testca.Certificate(family+"/person.cer"), testca.Certificate(family+"/ca.cer"), answer))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestResponder(t *testing.T) {
	good := testca.Answer{This: testca.Now, Next: testca.Now.Add(time.Hour), Reason: -1}
	revoked, unknown, stale, hold := good, good, good, good
	revoked.Revoked, revoked.At, revoked.Reason = true, testca.Now.AddDate(0, -1, 0), 1
	hold.Revoked, hold.At = true, testca.Now.AddDate(0, 0, -1)
	unknown.Unknown = true
	stale.This, stale.Next = testca.Now.AddDate(0, 0, -2), testca.Now.AddDate(0, 0, -1)
	for _, family := range []string{"gost2015", "rsa"} {
		root, document := put(t, "ca", testca.File(family+"/ca.cer")), put(t, "doc", testca.File(family+"/attached.p7s"))
		for _, c := range []struct {
			answer           testca.Answer
			at               string
			code, revocation string
		}{
			{good, "", "", "checked"},
			{revoked, "", "cert.revoked", "failed"},
			{revoked, "2022-01-01", "cert.revoked", "failed"},
			{hold, "2026-05-01", "", "checked"}, // before it took effect
			{unknown, "", "cert.ocsp_unknown", "failed"},
			{stale, "", "cert.ocsp_stale", "failed"},
			{stale, "2026-05-30T12:00:00Z", "cert.ocsp_stale", "failed"},
		} {
			s := responder(t, family, c.answer)
			args := []string{"verify", "cms", "--roots", root, "--ocsp", "on", "--ocsp-url", s.URL, "--require-revocation", "--explain", document}
			if c.at != "" {
				args = append(args, "--at", c.at)
			}
			got := invoke(t, testca.Now, nil, args...)
			if got.code != c.code || got.report == nil || got.report.Revocation != c.revocation || got.report.Verified != (c.code == "") {
				t.Errorf("%s %+v: exit code %d, %q, want %q\n%s", family, c.answer, got.exit, got.code, c.code, got.out)
			}
		}
	}
}

// question is what the interface of NCANode sends.
type question struct {
	XML, Data     string
	Signers       []struct{ Key, Password string }
	Key, Password string
	Detached      bool
}

// sign does what the service is asked, over what spoil makes of the document.
func (q question) sign(path string, spoil func(string) string) (map[string]any, error) {
	container, password := q.Key, q.Password
	if len(q.Signers) == 1 {
		container, password = q.Signers[0].Key, q.Signers[0].Password
	}
	der, err := base64.StdEncoding.DecodeString(container)
	if err != nil {
		return nil, err
	}
	k, err := keystore.Parse(der, password)
	if err != nil {
		return nil, err
	}
	signer := xmldsig.Signer{Key: k.Signer, Certificate: k.Certificate, Rand: rand.Reader}
	switch path {
	case "/cms/sign":
		data, err := base64.StdEncoding.DecodeString(q.Data)
		if err != nil {
			return nil, err
		}
		out, err := cms.Sign(rand.Reader, []byte(spoil(string(data))), cms.Options{Time: testca.Now, Detached: q.Detached},
			cms.Key{Signer: k.Signer, Certificate: k.Certificate})
		return map[string]any{"cms": base64.StdEncoding.EncodeToString(out)}, err
	case "/wsse/sign":
		_, inside, _ := strings.Cut(q.XML, "<soapenv:Body>")
		inside, _, _ = strings.Cut(inside, "</soapenv:Body>")
		q.XML = inside
	}
	doc, err := xmlread.Parse([]byte(spoil(q.XML)), xmlread.DefaultLimits())
	if err != nil {
		return nil, err
	}
	if path == "/wsse/sign" {
		out, err := soap.Sign(doc, "id-1", signer)
		return map[string]any{"xml": string(out)}, err
	}
	out, err := xmldsig.Sign(doc, signer)
	return map[string]any{"xml": string(out)}, err
}

func signingService(t *testing.T, spoil func(string) string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q question
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, "rejected", http.StatusBadRequest)
			return
		}
		answer, err := q.sign(r.URL.Path, spoil)
		if err != nil {
			http.Error(w, "rejected", http.StatusBadRequest)
			return
		}
		answer["status"], answer["message"] = 200, "OK"
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// What a signing service returns is written only if it verifies and is over what it was sent.
func TestRemote(t *testing.T) {
	root := put(t, "ca.cer", testca.File("gost2015/ca.cer"))
	key, password := put(t, "key.p12", testca.File("gost2015/person.p12")), put(t, "password", []byte(testca.Password))
	in := put(t, "in.xml", []byte(`<?xml version="1.0"?><a:r xmlns:a="urn:a">Қ &amp; <b c="1"/></a:r>`))
	for name, spoil := range map[string]func(string) string{
		"honest": func(s string) string { return s },
		"other":  func(s string) string { return strings.Replace(s, "Қ", "К", 1) },
	} {
		s := signingService(t, spoil)
		for _, kind := range []string{"xml", "wsse", "cms", "cms --detached"} {
			out := filepath.Join(t.TempDir(), "out")
			args := append([]string{"sign"}, strings.Fields(kind)...)
			args = append(args, "--remote", s.URL, "--key", key, "--password-file", password, "--output", out, in)
			got := invoke(t, testca.Now, nil, args...)
			if name == "other" {
				if got.exit != 3 || !strings.HasPrefix(got.code, "sign.remote_") {
					t.Errorf("%s, %s: exit code %d, %q", kind, name, got.exit, got.code)
				}
				if _, err := os.Stat(out); err == nil {
					t.Errorf("%s: something was written", kind)
				}
				continue
			}
			if got.exit != 0 {
				t.Errorf("%s, %s: exit code %d, %q", kind, name, got.exit, got.code)
				continue
			}
			args = []string{"verify", strings.Fields(kind)[0], "--roots", root, out}
			if strings.Contains(kind, "detached") {
				args = append(args, "--content", in)
			}
			if got := invoke(t, testca.Now, nil, args...); got.exit != 0 {
				t.Errorf("%s: %s", kind, got.code)
			}
		}
	}
}
