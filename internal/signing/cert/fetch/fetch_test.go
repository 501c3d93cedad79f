package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
)

func TestPostAndGet(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-answer; charset=x")
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("User-Agent")+" "+r.Header.Get("Content-Type")+" ")
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(s.Close)
	c := &fetch.Client{Transport: http.DefaultTransport}
	got, err := c.Post(context.Background(), s.URL, "application/x-question", "application/x-answer", []byte("q"))
	if err != nil || string(got) != "POST almasu application/x-question q" {
		t.Errorf("%q, %v", got, err)
	}
	c.UserAgent = "other/1"
	var b bytes.Buffer
	if err := c.Get(context.Background(), s.URL, &b); err != nil || b.String() != "GET other/1  " {
		t.Errorf("%q, %v", b.String(), err)
	}
	c.MaxAnswer = 5
	if err := c.Get(context.Background(), s.URL, io.Discard); !errors.Is(err, fetch.ErrAnswer) {
		t.Errorf("above the bound: %v", err)
	}
	if err := c.Get(context.Background(), ":", io.Discard); err == nil {
		t.Error("an address that is none")
	}
	if err := (&fetch.Client{}).Get(context.Background(), s.URL, io.Discard); err == nil {
		t.Error("without a transport")
	}
}
