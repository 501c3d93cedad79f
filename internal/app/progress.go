package app

import (
	"fmt"
	"io"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/transfer"
)

// progress prints how far a run has come, a line every second while it lasts.
type progress struct {
	out  io.Writer
	now  func() time.Time
	mu   sync.Mutex
	from time.Time
	last time.Time
	any  bool
}

func (s *session) progress() *progress {
	return &progress{out: s.stderr, now: time.Now, from: time.Now(), last: time.Now()}
}

func (p *progress) observe(e transfer.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.last) < time.Second {
		return
	}
	p.last, p.any = now, true
	seconds := now.Sub(p.from).Seconds()
	fmt.Fprintf(p.out, "%s: read %d, decided %d, settled %d people; %.0f a second\n", e.Transfer.String()[:8], e.Read, e.Logged, e.Settled, float64(e.Settled)/seconds)
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.any {
		fmt.Fprintf(p.out, "finished in %.1f s\n", p.now().Sub(p.from).Seconds())
	}
}
