package app

import (
	"os"
	"runtime/debug"
)

// collectAt is how much garbage, in percent of what is live, calls the collector. Most of what a transfer holds is documents without pointers, which cost the
// collector nothing to keep, so that it may come early: memory then stays near what is in flight, whatever the number of people. See docs/performance.md.
const collectAt = 30

// tuneMemory sets the collector, unless the environment does (GOGC, GOMEMLIMIT).
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(collectAt)
	}
}
