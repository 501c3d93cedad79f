package crl_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert/crl"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

func TestFetch(t *testing.T) {
	list := testca.File("gost2015/list.crl")
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) })
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(list[:len(list)/2])
		panic(http.ErrAbortHandler)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	client := &fetch.Client{Transport: http.DefaultTransport}
	issuer := testca.Certificate("gost2015/ca.cer")
	path := filepath.Join(t.TempDir(), "list.idx")
	get := func(at string) error {
		_, err := crl.Fetch(context.Background(), client, s.URL+at, issuer, path)
		return err
	}
	if err := get("/good"); err != nil {
		t.Fatal(err)
	}
	if err := get("/bad"); !errors.Is(err, crl.ErrList) {
		t.Errorf("nonsense: %v", err)
	}
	for _, at := range []string{"/half", "/none"} {
		if err := get(at); record.CodeOf(err) != "cert.crl_unreachable" {
			t.Errorf("%s: %v", at, err)
		}
	}
	x, err := crl.Open(path)
	if err != nil || x.Entries != 1 {
		t.Fatalf("the index did not stay: %v", err)
	}
	_ = x.Close()
}
