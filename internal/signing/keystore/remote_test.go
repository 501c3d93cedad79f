package keystore_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/keystore"
)

// service is a signing service that opens the key it is sent and signs with it.
func service(t *testing.T) http.Handler {
	t.Helper()
	type signer struct {
		Key, Password string
		KeyAlias      *string
	}
	open := func(s signer) (*keystore.Key, error) {
		der, err := base64.StdEncoding.DecodeString(s.Key)
		if err != nil {
			return nil, err
		}
		return keystore.Parse(der, s.Password)
	}
	mux := http.NewServeMux()
	handle := func(path string, f func(body []byte) (map[string]any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Header.Get("Content-Type") != "application/json" {
				http.Error(w, "bad request", http.StatusBadRequest)
				return
			}
			answer, err := f(body)
			if err != nil {
				answer = map[string]any{"status": 400, "message": "rejected: " + string(body)}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(answer)
				return
			}
			answer["status"], answer["message"] = 200, "OK"
			w.Header().Set("Content-Type", "application/json;charset=UTF-8")
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	handle("/xml/sign", func(body []byte) (map[string]any, error) {
		var q struct {
			XML     string
			Signers []signer
		}
		if err := json.Unmarshal(body, &q); err != nil || len(q.Signers) != 1 {
			return nil, errors.New("form")
		}
		k, err := open(q.Signers[0])
		if err != nil {
			return nil, err
		}
		return map[string]any{"xml": q.XML + "<!-- " + k.Certificate.Serial() + " -->"}, nil
	})
	handle("/wsse/sign", func(body []byte) (map[string]any, error) {
		var q struct {
			XML string
			signer
		}
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, err
		}
		var top signer
		if err := json.Unmarshal(body, &top); err != nil {
			return nil, err
		}
		k, err := open(top)
		if err != nil {
			return nil, err
		}
		return map[string]any{"xml": q.XML + "<!-- " + k.Certificate.Serial() + " -->"}, nil
	})
	handle("/cms/sign", func(body []byte) (map[string]any, error) {
		var q struct {
			Data     string
			Signers  []signer
			Detached bool
		}
		if err := json.Unmarshal(body, &q); err != nil || len(q.Signers) != 1 {
			return nil, errors.New("form")
		}
		k, err := open(q.Signers[0])
		if err != nil {
			return nil, err
		}
		data, err := base64.StdEncoding.DecodeString(q.Data)
		if err != nil {
			return nil, err
		}
		der, err := cms.Sign(rand.Reader, data, cms.Options{Time: testca.Now, Detached: q.Detached}, cms.Key{Signer: k.Signer, Certificate: k.Certificate})
		return map[string]any{"cms": base64.StdEncoding.EncodeToString(der)}, err
	})
	return mux
}

func remote(t *testing.T, h http.Handler) *keystore.Remote {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &keystore.Remote{URL: s.URL + "/", Transport: http.DefaultTransport,
		KeyFile: put(t, "key.p12", testca.File("gost2015/person.p12"), 0o600), PasswordFile: passwordFile(t)}
}

func TestRemoteSigns(t *testing.T) {
	r := remote(t, service(t))
	ctx := context.Background()
	serial := testca.Certificate("gost2015/person.cer").Serial()
	for _, sign := range []func(context.Context, []byte) ([]byte, error){r.SignXML, r.SignWSSE} {
		if got, err := sign(ctx, []byte("<a>Қ&amp;</a>")); err != nil || string(got) != "<a>Қ&amp;</a><!-- "+serial+" -->" {
			t.Errorf("%s, %v", got, err)
		}
	}
	for _, detached := range []bool{false, true} {
		data := []byte("Қ document")
		doc, err := r.SignCMS(ctx, data, detached, false)
		if err != nil {
			t.Fatal(err)
		}
		v := &cms.Verifier{Chain: cert.Verifier{Roots: cert.NewPool(testca.Certificate("gost2015/root.cer")),
			Intermediates: cert.NewPool(testca.Certificate("gost2015/ca.cer")), Now: testca.Now, Revocation: cert.Unchecked("test")}}
		if _, err := v.Verify(ctx, doc, data); err != nil {
			t.Error(err)
		}
	}
}

func TestRemoteMisbehaves(t *testing.T) {
	ctx := context.Background()
	reply := func(kind string, status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	for name, h := range map[string]http.Handler{
		"error":       reply("application/json", 500, `{"status":500,"message":"x"}`),
		"inner error": reply("application/json", 200, `{"status":400,"message":"Synthetic-1"}`),
		"no status":   reply("application/json", 200, `{"xml":"<a/>","cms":"AAAA"}`),
		"no document": reply("application/json", 200, `{"status":200,"message":"OK"}`),
		"not JSON":    reply("application/json", 200, `<html>`),
		"a page":      reply("text/html", 200, `{"status":200,"xml":"<a/>","cms":"AAAA"}`),
		"redirection": http.RedirectHandler("http://127.0.0.1:1/", http.StatusTemporaryRedirect),
		"hangs up":    http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"endless": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}),
	} {
		r := remote(t, h)
		if _, err := r.SignXML(ctx, []byte("<a/>")); record.CodeOf(err) != "keystore.remote_failed" || strings.Contains(err.Error(), testca.Password) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.SignCMS(ctx, []byte("x"), false, false); record.CodeOf(err) != "keystore.remote_failed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := remote(t, service(t))
	if err := os.WriteFile(r.PasswordFile, []byte("canary-word"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SignXML(ctx, []byte("<a/>")); record.CodeOf(err) != "keystore.remote_failed" || strings.Contains(err.Error(), "canary") {
		t.Errorf("rejected password: %v", err)
	}
	if _, err := r.SignXML(ctx, []byte("<a>\xff</a>")); record.CodeOf(err) != "keystore.remote_input" {
		t.Errorf("not UTF-8: %v", err)
	}
}

func TestRemoteAddress(t *testing.T) {
	r := remote(t, service(t))
	for _, address := range []string{"", "127.0.0.1:1", "http://sign.example.kz", "http://10.0.0.1:14579", "ftp://127.0.0.1", "http://u:p@127.0.0.1/", "http://127.0.0.1.example.kz/"} {
		r.URL = address
		if _, err := r.SignXML(context.Background(), []byte("<a/>")); record.CodeOf(err) != "keystore.remote_address" || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
