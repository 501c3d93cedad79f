package candidates

import (
	"testing"
	"time"
)

// When candidates are enough, and why they are not: everything else being as it was.
func TestFull(t *testing.T) {
	began := time.Date(2026, time.November, 22, 1, 0, 0, 0, time.UTC) // six o'clock in Astana
	scope := Scope{"register a", "mapping b", "block-list 3"}
	for name, c := range map[string]struct {
		change func(m *Mark, s *Scope, now *time.Time, every *time.Duration)
		want   string
	}{
		"an hour later":     {func(*Mark, *Scope, *time.Time, *time.Duration) {}, ""},
		"at once":           {func(_ *Mark, _ *Scope, now *time.Time, _ *time.Duration) { *now = began }, ""},
		"late in the day":   {func(_ *Mark, _ *Scope, now *time.Time, _ *time.Duration) { *now = began.Add(18*time.Hour - 1) }, ""},
		"at midnight there": {func(_ *Mark, _ *Scope, now *time.Time, _ *time.Duration) { *now = began.Add(18 * time.Hour) }, Day},
		"a day later":       {func(_ *Mark, _ *Scope, now *time.Time, _ *time.Duration) { *now = began.Add(24 * time.Hour) }, Day},
		"too long ago":      {func(_ *Mark, _ *Scope, _ *time.Time, every *time.Duration) { *every = time.Hour }, Term},
		"just not":          {func(_ *Mark, _ *Scope, _ *time.Time, every *time.Duration) { *every = time.Hour + 1 }, ""},
		"no term":           {func(_ *Mark, _ *Scope, _ *time.Time, every *time.Duration) { *every = 0 }, Term},
		"the clock is back": {func(_ *Mark, _ *Scope, now *time.Time, _ *time.Duration) { *now = began.Add(-1) }, Clock},
		"nothing is kept":   {func(m *Mark, _ *Scope, _ *time.Time, _ *time.Duration) { *m = Mark{} }, First},
		"forgotten":         {func(m *Mark, _ *Scope, _ *time.Time, _ *time.Duration) { m.Horizon = "" }, First},
		"another mapping": {func(_ *Mark, s *Scope, _ *time.Time, _ *time.Duration) {
			*s = Scope{"register a", "mapping c", "block-list 3"}
		}, Under + "mapping"},
		"somebody blocked": {func(_ *Mark, s *Scope, _ *time.Time, _ *time.Duration) {
			*s = Scope{"register a", "mapping b", "block-list 4"}
		}, Under + "block-list"},
		"more in the scope": {func(_ *Mark, s *Scope, _ *time.Time, _ *time.Duration) { *s = append(*s, "schema d") }, Under + "schema"},
		"less in the scope": {func(_ *Mark, s *Scope, _ *time.Time, _ *time.Duration) { *s = (*s)[:1] }, Under + "mapping"},
	} {
		m, s, now, every := Mark{Version: 1, Horizon: "h", Scope: scope, Full: began}, append(Scope(nil), scope...), began.Add(time.Hour), 24*time.Hour
		c.change(&m, &s, &now, &every)
		got := m.full(s, now, every)
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
