package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
)

// alarmsOf asks the shipped program what is wrong.
func alarmsOf(t *testing.T, args []string) (now, told []notify.Condition, code int) {
	t.Helper()
	stdout, stderr, code := run(t, "almasu", args...)
	var answer struct {
		Result struct{ Now, Told []notify.Condition }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	return answer.Result.Now, answer.Result.Told, code
}

func has(list []notify.Condition, k notify.Kind, subject, code string) bool {
	return slices.ContainsFunc(list, func(c notify.Condition) bool { return c.Kind == k && c.Subject == subject && c.Code == code })
}

// TestAlarmsAreTold: years later the agreement has ended, a run is refused, and the service tells a webhook so, signed, once.
func TestAlarmsAreTold(t *testing.T) {
	w := deployment(t, "")
	w.Ministry.URL, w.Oblast.URL = "https://127.0.0.1:9", "https://127.0.0.1:9"
	if err := w.WriteConfig(demo.Start.Add(6 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	migrate(t, w)
	if now, told, code := alarmsOf(t, almasuArgs(w, "alarms", "--json")); len(now)+len(told) != 0 || code != 0 {
		t.Fatalf("a fresh deployment: %v, exit code %d", now, code)
	}

	files, err := filepath.Glob(w.Path("keys/seal-*.pem"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	key, err := signing.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	ring := signing.NewKeyring("sender")
	if err := ring.Add(key.Public(), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	w.Now = time.Date(2035, 1, 23, 4, 0, 0, 0, time.UTC)
	v := &httpsig.Verifier{Ring: ring, Window: time.Hour, Fresh: func(string, string, time.Time) bool { return true }}
	notes := make(chan []byte, 8)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body []byte
		if _, err := v.Verify(r, w.Now, func() (record.Digest, error) {
			var err error
			body, err = io.ReadAll(r.Body)
			return record.DigestOf(body), err
		}); err != nil {
			t.Errorf("the webhook's signature: %v", err)
		}
		notes <- body
	}))
	defer hook.Close()
	config, err := os.ReadFile(w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.Path("almasu.yaml"), append(config, "\nnotify:\n  webhook: {url: \""+hook.URL+"/duty\", insecure_loopback: true}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, _, code := run(t, "almasu", almasuArgs(w, "alarms", "--test")...); code != 1 || !strings.Contains(stdout, "webhook: the test was taken") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	<-notes
	if _, _, code := run(t, "almasu", almasuArgs(w, "run", "oblast-consent", "--reason", "test")...); code != 1 {
		t.Fatalf("a run without an agreement ends with %d", code)
	}
	w.Now = w.Now.Add(time.Minute)
	serveUntil(t, almasuArgs(w, "serve"), `"people were told"`)
	now, told, code := alarmsOf(t, almasuArgs(w, "alarms", "--json"))
	if code != 1 || !has(now, notify.Failed, "oblast-consent", "legal.agreement_out_of_force") || !has(told, notify.Agreement, "oblast-consent:351240000040", "") {
		t.Fatalf("now %v, told %v, exit code %d", now, told, code)
	}
	note := <-notes
	if len(notes) != 0 || strings.Count(string(note), `"kind":"failed","subject":"oblast-consent"`) != 1 {
		t.Errorf("%d more notes than one:\n%s", len(notes), note)
	}
}
