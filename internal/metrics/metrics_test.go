package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func get(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestPages(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var why []Reason
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, Handler(NewRegistry(), func(context.Context) []Reason { return why }, slog.New(slog.DiscardHandler)))
	}()
	base := "http://" + l.Addr().String()
	if code, body := get(t, "GET", base+"/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, body := get(t, "GET", base+"/readyz"); code != 200 || body != "{\"ready\":true}\n" {
		t.Errorf("%d %q", code, body)
	}
	why = []Reason{{"store.unreachable", "the store does not answer"}}
	if code, body := get(t, "GET", base+"/readyz"); code != 503 || !strings.Contains(body, `"code":"store.unreachable"`) {
		t.Errorf("%d %q", code, body)
	}
	if code, body := get(t, "GET", base+"/metrics"); code != 200 || !strings.Contains(body, "go_goroutines ") {
		t.Errorf("%d %q", code, body)
	}
	for path, want := range map[string]int{"GET /": 404, "POST /metrics": 405, "GET /debug/pprof/": 404} {
		method, path, _ := strings.Cut(path, " ")
		if code, _ := get(t, method, base+path); code != want {
			t.Errorf("%s %s: %d", method, path, code)
		}
	}
	if _, err := Listen(l.Addr().String()); err == nil {
		t.Error("one address was taken twice")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	for address, fine := range map[string]bool{"": true, "127.0.0.1:9464": true, "[::1]:9464": true, "0.0.0.0:0": true, ":9464": false, "9464": false, "localhost": false, "localhost:": false} {
		if got := CheckAddress(address); (got == nil) != fine {
			t.Errorf("%q: %v", address, got)
		}
	}
	if l, err := Listen(""); l != nil || err != nil || Serve(t.Context(), nil, nil) != nil {
		t.Error("off is not off")
	}
}

func TestCodesAreAClosedSet(t *testing.T) {
	var c Codes
	for code, want := range map[string]string{
		"": "none", "delivery.timeout": "delivery.timeout", "CNS-3": "CNS-3", "870101300123": "other", "Айдана": "other", "a b": "other", "x.y.z.u": "other",
		strings.Repeat("a", 25): "other", "a\nb": "other",
	} {
		if got := c.Label(code); got != want {
			t.Errorf("%q: %q", code, got)
		}
	}
	labels := map[string]bool{}
	for i := range 1000 {
		labels[c.Label(fmt.Sprintf("code.%c%c", 'a'+i%26, 'a'+i/26%26))] = true
	}
	if len(labels) > maxCodes+1 || !labels["other"] {
		t.Errorf("%d labels", len(labels))
	}
}
