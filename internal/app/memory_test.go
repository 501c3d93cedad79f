package app

import (
	"runtime/debug"
	"testing"
)

func TestMemoryIsTunedUnlessTheOperatorDoes(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	set := func() int { now := debug.SetGCPercent(100); return now }
	for _, c := range []struct {
		gogc, limit string
		want        int
	}{{"", "", collectAt}, {"200", "", 100}, {"", "1GiB", 100}} {
		t.Setenv("GOGC", c.gogc)
		t.Setenv("GOMEMLIMIT", c.limit)
		tuneMemory()
		if got := set(); got != c.want {
			t.Errorf("GOGC=%q GOMEMLIMIT=%q: %d", c.gogc, c.limit, got)
		}
	}
}
