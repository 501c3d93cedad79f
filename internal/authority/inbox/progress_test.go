package inbox

import (
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestProgress compares the row of numbers with a set.
func TestProgress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, seen := newProgress("o"), map[uint64]bool{}
		for _, n := range rapid.SliceOf(rapid.Uint64Range(1, 40)).Draw(t, "numbers") {
			if p.Has(n) != seen[n] {
				t.Fatalf("number %d: %t", n, p.Has(n))
			}
			if !seen[n] {
				p.Receive(n)
				seen[n] = true
			}
		}
		missing, last := []uint64{}, uint64(0)
		for n := range seen {
			last = max(last, n)
		}
		lowest := uint64(1)
		for seen[lowest] {
			lowest++
		}
		for n := uint64(1); n < last; n++ {
			if !seen[n] {
				missing = append(missing, n)
			}
		}
		if !slices.Equal(p.Missing(), missing) || p.Last != last || p.Lowest != lowest {
			t.Fatalf("%+v, missing %v", p, missing)
		}
	})
}

// TestProgressStates accepts states in any order: the greatest is held, all are known, also beyond the bound of the cache.
func TestProgressStates(t *testing.T) {
	p := newProgress("o")
	for size := int64(2 * maxRoots); size > 0; size-- {
		p.Accept(transferlog.Checkpoint{Origin: "o", Size: size, Root: tlog.Hash{byte(size)}})
		if root, ok := p.Root(size); !ok || root != (tlog.Hash{byte(size)}) {
			t.Fatalf("the state of %d entries is not at hand", size)
		}
	}
	if p.Held.Size != 2*maxRoots || len(p.roots) > maxRoots {
		t.Errorf("held %d, %d cached", p.Held.Size, len(p.roots))
	}
	if _, ok := p.Root(3 * maxRoots); ok {
		t.Error("a state that was not accepted")
	}
}

// TestGuard is for every beginning that a spreadsheet takes for a formula.
func TestGuard(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "a", "=1": "'=1", "+7": "'+7", "-": "'-", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "ә=": "ә="} {
		if got := guard(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
