package transfer_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/transfer"
)

// faults are acts after which a message can still arrive; silence is left out, because it costs real time.
var faults = []connectortest.Act{
	connectortest.Honest, connectortest.CutBefore, connectortest.CutAfter, connectortest.ServerError, connectortest.ServerErrorAfter, connectortest.Busy,
	connectortest.Doubled,
}

// storms is how many there are for each store: ALMASU_STORMS, or 3.
func storms(t *testing.T) int {
	text := os.Getenv("ALMASU_STORMS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatal("ALMASU_STORMS is not a number")
	}
	return n
}

// TestStorm lets everything go wrong at random: the receiver on script, the process at random instants, people blocked on the way. In the end everybody
// who may be sent has arrived once. The world is checked after every life.
func TestStorm(t *testing.T) {
	all := everybody(t)
	onBoth(t, func(r *rig) {
		for range storms(t) {
			r.storm(rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), all)
		}
	})
}

func (r *rig) storm(random *rand.Rand, all []string) {
	r.Helper()
	o := r.order()
	var blocked []string
	for lives := 0; ; lives++ {
		ctx, cancel := context.WithCancel(r.Context())
		script := make([]connectortest.Act, random.IntN(30))
		for i := range script {
			script[i] = faults[random.IntN(len(faults))]
		}
		r.conn.Senders, r.conn.Batch = 1+random.IntN(4), 5+random.IntN(30)
		if lives < 12 { // then calm
			r.peer.Play(script...)
			for _, name := range []string{"while reading", "after a record", "before delivery", "after delivery, before settlement"} {
				if random.IntN(3) == 0 {
					cuts[name](r, cancel, 1+random.Int64N(6))
				}
			}
			if who := all[random.IntN(len(all))]; random.IntN(4) == 0 && !slices.Contains(blocked, who) {
				blocked = append(blocked, who)
				var once atomic.Bool
				next := r.next
				r.next = func(batch int) error {
					if batch == 2 && once.CompareAndSwap(false, true) {
						r.block(who)
					}
					if next != nil {
						return next(batch)
					}
					return nil
				}
			}
		}
		report, err := r.run(ctx, o)
		cancel()
		r.peer.Watch(nil)
		r.peer.Play()
		r.restart()
		w := r.check()
		if err != nil || report.Totals.Pending > 0 || report.Status == transfer.Failed {
			if lives > 30 {
				r.Fatalf("no end: %v", err)
			}
			continue
		}
		missing := 0
		for _, iin := range all {
			if !w.once[o.Transfer.ID.String()+iin] && !slices.Contains(blocked, iin) {
				missing++
			}
		}
		t := report.Totals
		if missing > 0 || t.Read != people || !t.Balanced() {
			r.Fatalf("%d people are missing: %s", missing, t)
		}
		break
	}
	for _, iin := range blocked { // for the next storm
		r.unblock(iin)
	}
}
