package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/demo"
)

var (
	ownMetric = regexp.MustCompile(`\b(almasu|authority)_[a-z_]+\b`)
	twelve    = regexp.MustCompile(`\b[0-9]{12}\b`)
)

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
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

// insertBefore adds text before a line of a deployment's file.
func insertBefore(t *testing.T, path, line, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(b, []byte(line), []byte(text+line), 1)
	if bytes.Equal(b, changed) {
		t.Fatalf("%s has no %q", path, line)
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

// address finds where monitoring is answered in a line of a log.
func address(line string) string {
	var entry struct{ Msg, Address string }
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Msg != "monitoring is answered" {
		return ""
	}
	return "http://" + entry.Address
}

// TestMonitoring runs both shipped programs with monitoring on, lets a transfer run, and compares what a scrape has with the example's alarm rules and the
// manual's table: every name is there, in both directions. Nothing in it is a value of a person.
func TestMonitoring(t *testing.T) {
	w := deployment(t, "")
	insertBefore(t, w.Path(w.Oblast.Folder, "authority.yaml"), "unique:", "metrics: 127.0.0.1:0\n")
	oblastOnly(t, w, demo.Start.Truncate(time.Minute).Add(time.Minute))
	insertBefore(t, w.Path("almasu.yaml"), "poll: 300ms", "metrics: 127.0.0.1:0, ")
	migrate(t, w)
	cmd, log := background(t, almasuArgs(w, "serve"))
	var base, scraped string
	for in := bufio.NewScanner(log); in.Scan(); {
		if at := address(in.Text()); at != "" {
			base = at
		}
		if !strings.Contains(in.Text(), `"transfer closed"`) || !strings.Contains(in.Text(), "oblast-consent") || scraped != "" {
			continue
		}
		if code, body := fetch(t, base+"/readyz"); code != 200 {
			t.Errorf("ready: %d %s", code, body)
		}
		_, scraped = fetch(t, base+"/metrics")
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	if err := cmd.Wait(); err != nil || scraped == "" {
		t.Fatalf("the service ended with %v, scraped %q", err, scraped)
	}
	theirs, err := os.ReadFile(w.Path(w.Oblast.Folder, "authority.log"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(theirs), "\n")
	_, more := fetch(t, address(first)+"/metrics")
	if code, body := fetch(t, address(first)+"/readyz"); code != 200 {
		t.Errorf("the authority: %d %s", code, body)
	}
	for _, want := range []string{`almasu_transfers_total{connector="oblast-consent",status="sent_with_rejects"} 1`, `almasu_store_up 1`,
		`almasu_line_state{recipient="351240000040",state="up"} 1`, `almasu_delivery_attempts_total{connector="oblast-consent",result="receipt"}`,
		`almasu_people_total{code="none",connector="oblast-consent",outcome="read"} 1000`, `go_sql_open_connections{db_name="platform"}`} {
		if !strings.Contains(scraped, want) {
			t.Errorf("the scrape does not have %s", want)
		}
	}
	checkNames(t, scraped+more)
	db, err := sqlx.Open("sqlite", w.Path("platform.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, value := range personal(t, db) {
		if bytes.Contains([]byte(scraped+more), value) {
			t.Error("a value of a profile is in the scrape")
		}
	}
	for _, number := range twelve.FindAllString(scraped+more, -1) {
		if !strings.HasPrefix(number, "35124000") {
			t.Error("a number of twelve digits is in the scrape that is no BIN of the example")
		}
	}
}

// checkNames compares names in a scrape with those in the manual and in the alarm rules.
func checkNames(t *testing.T, scraped string) {
	t.Helper()
	present := map[string]bool{}
	for line := range strings.Lines(scraped) {
		if words := strings.Fields(line); len(words) > 3 && words[1] == "TYPE" && ownMetric.FindString(words[2]) == words[2] {
			present[words[2]] = true
		}
	}
	if len(present) < 25 {
		t.Errorf("only %d figures of our own", len(present))
	}
	manual := map[string]bool{}
	for _, page := range []string{"../../docs/operations.md", "../../deploy/monitoring/alerts.yaml"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range ownMetric.FindAllString(string(text), -1) {
			if notFigures[name] {
				continue
			}
			if page == "../../docs/operations.md" {
				manual[name] = true
			}
			// What nothing waits for and no lease holds has no figure at the moment of this scrape.
			if !present[name] && !atTimes[name] {
				t.Errorf("%s names %s, which no scrape has", page, name)
			}
		}
	}
	for name := range present {
		if !manual[name] {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
}

var (
	// atTimes are figures that are there only while something waits, runs or has failed; the meter's own test holds that they exist.
	atTimes = map[string]bool{"almasu_messages_waiting": true, "almasu_people_waiting": true, "almasu_waiting_oldest_seconds": true, "almasu_lease_seconds_left": true,
		"almasu_delivery_failures_total": true, "authority_refusals_total": true, "almasu_expiry_days": true,
		"almasu_hold_age_seconds": true, "almasu_hold_seconds_left": true}
	// notFigures are roles of the database.
	notFigures = map[string]bool{"almasu_service": true, "almasu_auditor": true, "almasu_retention": true, "almasu_reader": true, "almasu_changed": true, "almasu_removed": true}
)
