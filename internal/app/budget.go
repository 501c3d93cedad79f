package app

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// What a process needs: to stand idle, and for each person of one message of a transfer under way. Measured with the benchmark; twice what is
// live then.
const (
	idleBytes      = 14 << 20
	bytesAPerson   = 6 << 10
	budgetInterval = time.Second
)

// budget sets the garbage collector's soft limit to what the transfers under way need, so that the memory of a process depends on the
// size of messages and not on how many people there are. The limit follows the live heap where that is larger than foreseen. A
// GOMEMLIMIT of the environment is left as it is. The zero budget is ready; it is safe for concurrent use.
type budget struct {
	mu     sync.Mutex
	people int
	stop   chan struct{} // closed when nothing is under way any more
}

// enter makes room for a transfer whose messages hold up to batch people, until leave is called.
func (b *budget) enter(batch int) (leave func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.people == 0 {
		b.stop = make(chan struct{})
		go b.follow(b.stop)
	}
	b.people += batch
	b.set()
	return func() { b.leave(batch) }
}

func (b *budget) leave(batch int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.people -= batch; b.people > 0 {
		b.set()
		return
	}
	close(b.stop)
	debug.SetMemoryLimit(math.MaxInt64)
}

// follow looks at the live heap until stop is closed.
func (b *budget) follow(stop <-chan struct{}) {
	tick := time.NewTicker(budgetInterval)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			b.mu.Lock()
			if b.people > 0 {
				b.set()
			}
			b.mu.Unlock()
		}
	}
}

func (b *budget) set() { debug.SetMemoryLimit(limitFor(b.people, liveHeap())) }

// limitFor is the soft limit in bytes: never so near the live heap that collecting would take the processor's time.
func limitFor(people int, live int64) int64 {
	return max(idleBytes+int64(people)*bytesAPerson, idleBytes/2+live*3/2)
}

// liveHeap is what the last collection has kept, in bytes.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(min(sample[0].Value.Uint64(), math.MaxInt64/4))
}
