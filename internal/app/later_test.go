package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// TestLaterMapping: a run writes by the table that is in force on its day at +05:00, and check looks at every version.
func TestLaterMapping(t *testing.T) {
	now := time.Date(2026, 11, 22, 18, 30, 0, 0, time.UTC) // 23:30 at +05:00
	w := &setup.Example{Dir: t.TempDir(), Now: now, People: 40, Batch: 20}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Oblast.URL, w.Ministry.URL = "https://127.0.0.1:1", "https://127.0.0.1:1"
	if err := w.WriteConfig(now); err != nil {
		t.Fatal(err)
	}
	if code := Main([]string{"--config", w.Path("almasu.yaml"), "migrate"}, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
		t.Fatalf("migrate ends with %d", code)
	}
	plain, err := os.ReadFile(w.Path("almasu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(later string) string {
		text := strings.Replace(string(plain), "    mapping: mapping/oblast-consent.yaml\n", "    mapping: mapping/oblast-consent.yaml\n    later: "+later+"\n", 1)
		if err := os.WriteFile(w.Path("almasu.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		Main([]string{"--config", w.Path("almasu.yaml"), "--clock", now.Format(time.RFC3339), "check"}, strings.NewReader(""), &out, &out)
		return out.String()
	}
	for _, c := range []struct{ later, code string }{
		{`[{from: "2026-11-23", mapping: mapping/oblast-consent.v2.yaml}]`, ""},
		{`[{from: "2026-11-31", mapping: mapping/oblast-consent.v2.yaml}]`, "config.later"},
		{`[{from: "2026-11-24", mapping: mapping/oblast-consent.v2.yaml}, {from: "2026-11-24", mapping: mapping/oblast-consent.v2.yaml}]`, "config.later"},
		{`[{from: "2026-11-24", mapping: mapping/oblast-consent.yaml}]`, "config.later"},
		{`[{from: "2026-11-24", mapping: mapping/nowhere.yaml}]`, "config.mapping_missing"},
		{`[{from: "2026-11-24", mapping: mapping/ministry-statute.yaml}]`, "config.mapping_connector"},
		{`[{mapping: mapping/oblast-consent.v2.yaml}]`, "yaml"},
	} {
		out := with(c.later)
		if got := strings.Contains(out, "[config."); got != (c.code != "") && c.code != "yaml" || c.code != "" && !strings.Contains(out, "["+c.code+".") && !strings.Contains(out, "["+c.code+"]") {
			t.Errorf("%s: %s", c.later, out)
		}
	}
	with(`[{from: "2026-11-23", mapping: mapping/oblast-consent.v2.yaml}]`)
	s := &session{config: w.Path("almasu.yaml"), now: func() time.Time { return now }}
	v, err := s.open(t.Context(), service.Parts{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	conn := v.Connections["oblast-consent"]
	for at, want := range map[time.Time]int{now: 1, now.Add(30*time.Minute - time.Second): 1, now.Add(30 * time.Minute): 2, now.AddDate(1, 0, 0): 2} {
		if c := peer.At(conn, v.Later[conn.Name], at); c.Table.Version() != want || c.Schema.Digest() != c.Table.Schema().Digest {
			t.Errorf("at %v the version is %d, want %d", at, c.Table.Version(), want)
		}
	}
}

// day is a side of the dated change: what is logged on it follows one version of the format.
type day struct {
	at      time.Time
	mapping string
}

// TestTransfersAcrossTheChange sends, with the shipped programs, ten minutes before a second version of the format begins and ten minutes after: each run's
// documents are of its day's version. What was logged before and found nobody at home is delivered after, with its bytes and its version.
func TestTransfersAcrossTheChange(t *testing.T) {
	midnight := time.Date(2026, 11, 24, 0, 0, 0, 0, register.Zone)
	before, after := day{midnight.Add(-10 * time.Minute), "mapping/oblast-consent.yaml"}, day{midnight.Add(10 * time.Minute), "mapping/oblast-consent.v2.yaml"}
	w := &setup.Example{Dir: t.TempDir(), Now: before.at, People: 200, Batch: 20}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	transfer := func(want int) {
		t.Helper()
		if stdout, stderr, code := run(t, "almasu", almasuArgs(w, "run", "oblast-consent", "--reason", "test")...); code != want {
			t.Fatalf("at %v: exit code %d, want %d\n%s%s", w.Now, code, want, stdout, stderr)
		}
	}
	open := func() {
		t.Helper()
		start(t, w, w.Oblast)
		w.Ministry.URL = w.Oblast.URL
		configureLater(t, w, midnight)
	}
	open()
	migrate(t, w)
	store := storeOf(t, w)

	transfer(exit.WithRejects)
	sent := messagesOf(t, store)
	if err := w.Oblast.Stop(); err != nil {
		t.Fatal(err)
	}
	transfer(exit.NotWell)
	waiting := messagesOf(t, store)
	w.Now = after.at
	open()
	transfer(exit.WithRejects)
	all := messagesOf(t, store)

	versions := map[string]int{}
	for id, m := range all {
		side := after
		if earlier, ok := waiting[id]; ok {
			side = before
			if earlier.header != m.header || earlier.signature != m.signature {
				t.Errorf("message %d was logged before the change, and has changed", m.Sequence)
			}
			if _, ok := sent[id]; !ok && (earlier.outcome != "" || m.outcome != "delivered") {
				t.Errorf("message %d: before the change %q, after it %q", m.Sequence, earlier.outcome, m.outcome)
			}
		}
		if m.outcome != "delivered" {
			t.Errorf("message %d is %q", m.Sequence, m.outcome)
		}
		table, err := os.ReadFile(w.Path(side.mapping))
		if err != nil {
			t.Fatal(err)
		}
		if m.Mapping != record.DigestOf(table) {
			t.Errorf("message %d, sealed at %v, was written by another table than %s", m.Sequence, m.Sealed, side.mapping)
		}
		versions[id] = 1
		if side == after {
			versions[id] = 2
		}
	}
	if a, b, c := len(sent), len(waiting)-len(sent), len(all)-len(waiting); a < 3 || b != a || c != a {
		t.Errorf("%d, %d and %d messages", a, b, c)
	}
	receivedAs(t, w, versions)
	if out, stderr, code := run(t, "almasu", almasuArgs(w, "log", "verify")...); code != 0 || !strings.Contains(out, "VERIFIED") {
		t.Errorf("the log: exit code %d\n%s%s", code, out, stderr)
	}
}

// configureLater writes the configuration with a second version that begins at midnight, and little patience.
func configureLater(t *testing.T, w *setup.Example, midnight time.Time) {
	t.Helper()
	path := w.Path("almasu.yaml")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := w.WriteConfig(midnight.Add(6 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const table = "    mapping: mapping/oblast-consent.yaml\n"
	later := fmt.Sprintf("%s    later: [{from: %q, mapping: mapping/oblast-consent.v2.yaml}]\n", table, midnight.Format(time.DateOnly))
	text := strings.ReplaceAll(strings.Replace(string(plain), table, later, 1), "patience: 20s", "patience: 1s")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logged is a message as the store has it.
type logged struct {
	signing.Header
	header, signature, outcome string
}

// messagesOf reads all messages of the store, by id.
func messagesOf(t *testing.T, store *sqlx.DB) map[string]logged {
	t.Helper()
	rows, err := store.Query("SELECT m.id, m.header, m.signature, coalesce(s.outcome, '') FROM message m LEFT JOIN settlement s ON s.message = m.id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]logged{}
	for rows.Next() {
		var id string
		var m logged
		if err := rows.Scan(&id, &m.header, &m.signature, &m.outcome); err != nil {
			t.Fatal(err)
		}
		if m.Header, err = signing.ParseHeader([]byte(m.header)); err != nil {
			t.Fatal(err)
		}
		out[id] = m
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// receivedAs asks the receiving side what it holds: every message checks out, and its records have the members of its version.
func receivedAs(t *testing.T, w *setup.Example, versions map[string]int) {
	t.Helper()
	config, out := w.Path("oblast/authority.yaml"), w.Path("received")
	for _, args := range [][]string{{"verify"}, {"export", "--sender", "351240000010", "--out", out, "--format", "json"}} {
		if stdout, stderr, code := run(t, "authority", append([]string{"--config", config}, args...)...); code != 0 {
			t.Fatalf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	held, shapes := map[string]bool{}, map[int]int{}
	for in := json.NewDecoder(f); in.More(); {
		var line struct {
			Message string
			Record  map[string]any
		}
		if err := in.Decode(&line); err != nil {
			t.Fatal(err)
		}
		held[line.Message] = true
		_, first := line.Record["phone"]
		_, second := line.Record["contacts"]
		v := versions[line.Message]
		if first && v != 1 || second && v != 2 {
			t.Errorf("a record of a message of version %d has phone %v, contacts %v", v, first, second)
		}
		if first || second { // who consents to no telephone has neither
			shapes[v]++
		}
	}
	if len(held) != len(versions) || shapes[1] < 50 || shapes[2] < 25 {
		t.Errorf("%d messages are held, %d were delivered; records with telephones by version: %v", len(held), len(versions), shapes)
	}
}
