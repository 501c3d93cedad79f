package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxSlow is how much longer a run may take whose recipient needs 50 ms more for each message.
const maxSlow = 3.0

const slowness = 50 * time.Millisecond

// slow runs the same transfers through a relay, with a recipient that answers at once and one that answers 50 ms later.
func (w *world) slow(ctx context.Context, d *deployment, runs int) error {
	r, err := newRelay(strings.TrimPrefix(strings.TrimPrefix(d.Oblast.URL, "https://"), "http://"))
	if err != nil {
		return err
	}
	defer r.close()
	config := d.Path("almasu.yaml")
	before, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	scheme, _, _ := strings.Cut(d.Oblast.URL, "//")
	if err := os.WriteFile(config, bytes.ReplaceAll(before, []byte(d.Oblast.URL), []byte(scheme+"//"+r.listener.Addr().String())), 0o600); err != nil {
		return err
	}
	times := map[time.Duration][]float64{}
	for range runs {
		for _, delay := range []time.Duration{0, slowness} {
			r.set(delay)
			u, err := w.almasu(ctx, d, "run", "oblast-consent", "--reason", "benchmark")
			if err != nil {
				return err
			}
			times[delay] = append(times[delay], u.wall.Seconds())
		}
	}
	median := func(delay time.Duration) float64 {
		slices.Sort(times[delay])
		return times[delay][len(times[delay])/2]
	}
	fast, late := median(0), median(slowness)
	fmt.Printf("a recipient that answers %v later: %.2f s, at once %.2f s: %.2f x\n", slowness, late, fast, late/fast)
	if late > maxSlow*fast {
		return fmt.Errorf("a slow recipient costs more than %.0f times", maxSlow)
	}
	return nil
}

// relay passes bytes to a server and back; those that come back it holds for a while.
type relay struct {
	listener net.Listener
	to       string
	running  sync.WaitGroup

	mu    sync.Mutex
	delay time.Duration
	open  []net.Conn
}

func newRelay(to string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, to: to}
	r.running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.serve(in) })
		}
	})
	return r, nil
}

func (r *relay) set(delay time.Duration) { r.mu.Lock(); defer r.mu.Unlock(); r.delay = delay }

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for _, c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// chunk is what the server has said, and when it is passed on.
type chunk struct {
	at   time.Time
	data []byte
}

func (r *relay) serve(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer out.Close()
	r.mu.Lock()
	r.open = append(r.open, in, out)
	r.mu.Unlock()
	back := make(chan chunk, 1024)
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	})
	both.Go(func() {
		defer close(back)
		for {
			buf := make([]byte, 32<<10)
			n, err := out.Read(buf)
			r.mu.Lock()
			at := time.Now().Add(r.delay)
			r.mu.Unlock()
			if n > 0 {
				back <- chunk{at, buf[:n]}
			}
			if err != nil {
				return
			}
		}
	})
	var failed error
	for c := range back {
		if failed != nil {
			continue
		}
		<-time.After(time.Until(c.at))
		if _, failed = in.Write(c.data); failed != nil && !errors.Is(failed, net.ErrClosed) {
			_ = in.Close()
		}
	}
	_ = in.Close()
	both.Wait()
}
