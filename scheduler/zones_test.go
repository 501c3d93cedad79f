package scheduler

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
)

// zoneNames lists all zones of the Go distribution's table, which is the one that the program embeds.
func zoneNames(t testing.TB) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		needs.Missing(t, "the go command: %v", err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		needs.Missing(t, "the Go distribution's table of zones: %v", err)
	}
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	if len(names) < 500 {
		t.Fatalf("only %d zones", len(names))
	}
	return names
}

// TestAllZones looks at every change of the clocks of every zone from 2000 to 2035: an hour-by-hour, a quarter-hour and two daily schedules, whose
// times fall into whatever is left out or repeated, fire as the oracle says, which walks the real minutes. Nothing is missed, nothing comes twice.
func TestAllZones(t *testing.T) {
	names := zoneNames(t)
	var mu sync.Mutex
	changes, fires, moved, twice := 0, 0, 0, 0
	seen := map[string]bool{} // zones share their histories
	var running sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for _, name := range names {
		running.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			loc, err := time.LoadLocation(name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			for at := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); ; {
				_, end := at.In(loc).ZoneBounds()
				if end.IsZero() || end.Year() > 2035 {
					return
				}
				at = end
				_, before := end.Add(-time.Second).In(loc).Zone()
				_, after := end.In(loc).Zone()
				key := end.UTC().String() + time.Duration(before*1e9).String() + time.Duration(after*1e9).String()
				mu.Lock()
				known := seen[key]
				seen[key] = true
				mu.Unlock()
				if known {
					continue
				}
				f, m, w := aroundChange(t, loc, end)
				mu.Lock()
				changes, fires, moved, twice = changes+1, fires+f, moved+m, twice+w
				mu.Unlock()
			}
		})
	}
	running.Wait()
	t.Logf("%d zones, %d different changes of clocks, %d fires, of them %d after a gap and %d in a repeat", len(names), changes, fires, moved, twice)
	if changes < 1000 || moved < 1000 || twice < 1000 {
		t.Error("too little was looked at")
	}
}

// aroundChange compares schedules with the oracle around one change of the clocks.
func aroundChange(t *testing.T, loc *time.Location, change time.Time) (fires, moved, twice int) {
	wall := asUTC(change.Add(-time.Minute).In(loc)).Add(time.Minute) // what the old clocks would show at the change
	back := asUTC(change.In(loc))
	exprs := []string{"7 * * * *", "*/15 * * * *", wall.Add(10*time.Minute).Format("4 15") + " * * *", back.Add(10*time.Minute).Format("4 15") + " * * *"}
	slices.Sort(exprs)
	lead := 2*time.Hour + back.Sub(wall).Abs()
	from, until := change.Add(-lead), change.Add(lead)
	for _, expr := range slices.Compact(exprs) {
		s, err := Parse(expr, loc.String())
		if err != nil {
			t.Errorf("%s: %v", loc, err)
			return
		}
		want := oracle(s, loc, from, until, lead)
		var got []time.Time
		for f := s.Next(from); !f.At.IsZero() && !f.At.After(until); f = s.Next(f.At) {
			got = append(got, f.At)
			fires++
			if f.Moved {
				moved++
			}
			if f.Twice {
				twice++
			}
		}
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Errorf("%s around %v: %v, the oracle says %v", s, change, got, want)
			return
		}
	}
	return
}
