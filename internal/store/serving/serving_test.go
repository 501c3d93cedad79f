package serving_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/pgtest/stores"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/serving"
)

var (
	began     = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	old, next = record.DigestOf([]byte("old")), record.DigestOf([]byte("new"))
)

const term = time.Minute

// fleet is a store with processes.
type fleet struct {
	*testing.T
	s   *store.Store
	now time.Time
}

func onBoth(t *testing.T, f func(f *fleet)) {
	stores.OnBoth(t, func(t *testing.T, e *stores.Empty) {
		s := e.Open(e.Service)
		s.SimulateTime()
		f(&fleet{t, s, began})
	})
}

// renew is true if the process serves.
func (f *fleet) renew(worker string, d record.Digest) bool {
	f.Helper()
	others, err := serving.Renew(f.Context(), f.s, f.now, worker, d, term)
	if err != nil {
		f.Fatal(err)
	}
	for _, o := range others {
		if o.Deployment == d || o.State != serving.Serves || o.Worker == worker {
			f.Errorf("%s waits for %+v", worker, o)
		}
	}
	return len(others) == 0
}

func (f *fleet) leave(worker string) {
	f.Helper()
	if err := serving.Leave(f.Context(), f.s, f.now, worker); err != nil {
		f.Fatal(err)
	}
}

// list is what is listed, as "worker state".
func (f *fleet) list() string {
	f.Helper()
	all, err := serving.List(f.Context(), f.s, f.now)
	if err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, p := range all {
		out = append(out, p.Worker+" "+p.State)
	}
	return strings.Join(out, ", ")
}

func (f *fleet) acts() (n int) {
	f.Helper()
	if err := f.s.Reader().Get(&n, "SELECT count(*) FROM log_entry"); err != nil {
		f.Fatal(err)
	}
	return n
}

// TestOthersWait: who comes with another deployment waits until the last of those that serve is gone or shows no life; the change is one act in the log.
func TestOthersWait(t *testing.T) {
	onBoth(t, func(f *fleet) {
		expect := func(what string, got, want any) {
			f.Helper()
			if got != want {
				f.Errorf("%s: %v, want %v; %s", what, got, want, f.list())
			}
		}
		expect("the first", f.renew("a", old), true)
		expect("another of the same deployment", f.renew("b", old), true)
		expect("acts", f.acts(), 1)
		expect("another deployment", f.renew("c", next), false)
		f.now = f.now.Add(term / 2)
		expect("still", f.renew("c", next), false)
		expect("listed", f.list(), "a serves, b serves, c waits")
		f.leave("a")
		expect("one is left", f.renew("c", next), false)
		expect("who left comes with the new one", f.renew("a", next), false)
		expect("the old ones go on", f.renew("b", old), true)
		f.now = f.now.Add(term)
		expect("the old one has shown no life", f.renew("c", next), true)
		expect("acts", f.acts(), 2)
		expect("it was left behind", f.renew("b", old), false)
		expect("the other one", f.renew("a", next), true)
		expect("acts", f.acts(), 2)
		expect("listed", f.list(), "a serves, c serves, b waits")
		f.leave("a")
		f.leave("b")
		f.leave("c")
		expect("nobody", f.list(), "")
		expect("nobody leaves twice", f.list(), "")
		expect("the same again", f.renew("d", next), true)
		expect("acts", f.acts(), 2)
		expect("read anew without leaving", f.renew("d", old), true)
		expect("acts", f.acts(), 3)
		f.now = f.now.Add(term)
		expect("its term has ended", f.list(), "")
		expect("it is there again", f.renew("d", old), true)
		expect("acts", f.acts(), 3)
	})
}

// TestNeverTwoDeployments: many processes with three deployments come, show life, die and leave at random, beside each other: at no time do two serve that differ.
func TestNeverTwoDeployments(t *testing.T) {
	onBoth(t, func(f *fleet) {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 1))
		serves := map[string]record.Digest{}
		for step := range 60 {
			f.now = f.now.Add(time.Duration(random.Int64N(int64(term))))
			var all sync.WaitGroup
			var lock sync.Mutex
			for _, n := range random.Perm(6)[:3] {
				worker, d, dies := fmt.Sprint("w", n), record.DigestOf([]byte{byte(random.IntN(3))}), random.IntN(4) == 0
				if was, ok := serves[worker]; ok && random.IntN(3) > 0 {
					d = was
				}
				all.Go(func() {
					if dies {
						f.leave(worker)
						lock.Lock()
						defer lock.Unlock()
						delete(serves, worker)
						return
					}
					does := f.renew(worker, d)
					lock.Lock()
					defer lock.Unlock()
					if delete(serves, worker); does {
						serves[worker] = d
					}
				})
			}
			all.Wait()
			listed, err := serving.List(t.Context(), f.s, f.now)
			if err != nil {
				t.Fatal(err)
			}
			var by []record.Digest
			for _, p := range listed {
				if p.State == serving.Serves && !slices.Contains(by, p.Deployment) {
					by = append(by, p.Deployment)
				}
				if p.State == serving.Serves && serves[p.Worker] != p.Deployment {
					t.Errorf("seed %d, step %d: %s is listed as serving", seed, step, p.Worker)
				}
			}
			if len(by) > 1 {
				t.Fatalf("seed %d, step %d: %d deployments serve", seed, step, len(by))
			}
		}
	})
}
