package app

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestLimitFollowsWhatIsUnderWay(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	limit := func() int64 { return debug.SetMemoryLimit(-1) }
	before := limit()
	defer debug.SetMemoryLimit(before)
	var b budget
	one := b.enter(2000)
	small := limit()
	two := b.enter(8000)
	if large := limit(); small < idleBytes+2000*bytesAPerson || large <= small {
		t.Fatalf("%d for one transfer, %d for two", small, large)
	}
	one()
	two()
	if limit() != math.MaxInt64 {
		t.Fatalf("%d is left when nothing is under way", limit())
	}
	b.enter(1)() // the budget can be used again
	if limit() != math.MaxInt64 {
		t.Fatal("a second use leaves a limit")
	}
}

func TestLimitKeepsAwayFromTheLiveHeap(t *testing.T) {
	held := make([]byte, 64<<20)
	runtime.GC()
	live := liveHeap()
	if live < int64(len(held)) {
		t.Fatalf("%d bytes live beside %d held", live, len(held))
	}
	runtime.KeepAlive(held)
	for _, people := range []int{0, 1, 2000, 100_000} {
		for _, live := range []int64{0, 1 << 20, 30 << 20, 4 << 30} {
			if got := limitFor(people, live); got < live*3/2 || got < idleBytes+int64(people)*bytesAPerson {
				t.Errorf("%d people, %d live: limit %d", people, live, got)
			}
		}
	}
}

func TestOperatorsLimitStands(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	before := debug.SetMemoryLimit(-1)
	var b budget
	leave := b.enter(2000)
	defer leave()
	if debug.SetMemoryLimit(-1) != before {
		t.Fatal("the limit of the environment was changed")
	}
}
