package scheduler

import (
	"testing"
	"time"
)

// FuzzParse reads cron expressions: the times of one that is accepted come later and later.
func FuzzParse(f *testing.F) {
	for _, expr := range []string{"30 2 * * 1-5", "@every 6h", "@daily", "0 0 29 2 *", "*/7 1-3,5 ? JAN-MAR SUN"} {
		f.Add(expr, "Asia/Almaty")
	}
	from := time.Date(2026, 2, 28, 20, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expr, zone string) {
		s, err := Parse(expr, zone)
		if err != nil {
			return
		}
		at := from
		for range 5 {
			fire := s.Next(at)
			if fire.At.IsZero() {
				return // never again
			}
			if !fire.At.After(at) {
				t.Fatalf("%q in %q: after %s comes %s", expr, zone, at, fire.At)
			}
			at = fire.At
		}
	})
}
