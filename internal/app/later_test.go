package app

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/setup"
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
	v, err := s.open(t.Context(), parts{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	conn := v.connections["oblast-consent"]
	for at, want := range map[time.Time]int{now: 1, now.Add(30*time.Minute - time.Second): 1, now.Add(30 * time.Minute): 2, now.AddDate(1, 0, 0): 2} {
		if c := peer.At(conn, v.later[conn.Name], at); c.Table.Version() != want || c.Schema.Digest() != c.Table.Schema().Digest {
			t.Errorf("at %v the version is %d, want %d", at, c.Table.Version(), want)
		}
	}
}
