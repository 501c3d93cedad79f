package kill

import (
	"fmt"
	"os"
	"testing"
)

// point is a point of the road, and how often a life of this little population comes to it at most, or nearly.
type point struct {
	name string
	most int
}

// road are the points of an ordinary transfer, in order.
var road = []point{
	{"due.claimed", 1}, {"due.named", 1}, {"begun", 1}, {"read", 6}, {"resolved", 6}, {"cleared", 6}, {"packed", 6}, {"intent.written", 2}, {"intent.committed", 2},
	{"checkpoint.before", 2}, {"checkpoint.after", 2}, {"send", 6}, {"answered", 4}, {"receipt", 4}, {"settlement.written", 2}, {"settlement.committed", 2},
	{"finish.written", 1}, {"finish.committed", 1}, {"due.performed", 1}, {"due.done", 1},
}

// voiding are the points of a message that may not leave any more.
var voiding = []string{"void.begun", "void.written", "void.committed", "void.logged", "void.answered", "void.replaced"}

// receiving are the points of the authority.
var receiving = []point{
	{"authority.read", 3}, {"authority.verified", 3}, {"authority.written", 3}, {"authority.committed", 3}, {"authority.kept", 3}, {"authority.half", 3}, {"authority.advanced", 2},
}

const pointPeople, pointBatch = 60, 5

// together is how many rounds one deployment sees: its log grows with each, and is verified after each kill.
const together = 3

// TestKilledAtPoints kills almasu, and the authority, at each point.
func TestKilledAtPoints(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn func() string) {
		var w *world
		wanted, kills := number(t, "ALMASU_POINT_KILLS", 10), map[string]int{}
		for round := 1; round <= wanted && !t.Failed(); round++ {
			if round%together == 1 {
				w = newWorld(t, tagged, dsn(), pointPeople, pointBatch)
				w.kills = kills
			}
			for _, p := range road {
				w.atPoint(p, round)
			}
			for _, p := range receiving {
				w.authorityAtPoint(p, round)
			}
			for tries := 0; w.least(voiding) < round; tries++ {
				if tries > 3 {
					t.Fatalf("the points of void notices are not reached: %v", w.kills)
				}
				w.withdrawn(round + tries)
			}
			w.finish(w.next(""))
			w.judge()
			if round%together == 0 || round == wanted {
				w.authority.kill()
			}
		}
		t.Logf("killed: %v", kills)
	})
}

// atPoint kills almasu at a point, as often as it was not yet.
func (w *world) atPoint(p point, wanted int) {
	w.Helper()
	for tries := 0; w.kills[p.name] < wanted; tries++ {
		most := p.most
		if tries > 3 { // little was left to do
			most = 1
		}
		if tries > 12 {
			w.Fatalf("no life comes to %s", p.name)
		}
		l := w.next(fmt.Sprintf("%s#%d", p.name, 1+w.random.IntN(most)))
		w.killAt(l, p.name)
	}
}

// killAt kills a life at its point, and verifies the log.
func (w *world) killAt(l *life, name string) {
	w.Helper()
	if w.toPoint(l) {
		w.kills[name]++
	}
	w.die(l)
	w.events(nil)
}

// authorityAtPoint kills the authority at a point while almasu goes on and on.
func (w *world) authorityAtPoint(p point, wanted int) {
	w.Helper()
	for tries := 0; w.kills[p.name] < wanted; tries++ {
		if tries > 12 {
			w.Fatalf("the authority does not come to %s", p.name)
		}
		w.authority.kill()
		w.startAuthority(fmt.Sprintf("%s#%d", p.name, 1+w.random.IntN(p.most)))
		sender := w.next("")
		if w.waitFor(sender, w.authority.paused) {
			w.kills[p.name]++
		}
		w.authority.kill()
		w.startAuthority("")
		w.events(nil)
		if w.random.IntN(2) == 0 { // the sender goes on, or dies beside
			w.toPoint(sender)
		}
		w.die(sender)
	}
}

// withdrawn blocks somebody in a message that has been logged, or has even arrived, and kills almasu at each point of what follows.
func (w *world) withdrawn(round int) {
	w.Helper()
	w.finish(w.next(""))
	at := "intent.committed"
	if round%3 == 2 {
		at = "answered"
	}
	l := w.run(at)
	if !w.toPoint(l) {
		w.Fatalf("a transfer does not come to %s\n%s", at, l.said())
	}
	w.die(l)
	first := w.first()
	w.except[first] = true
	w.must(os.WriteFile(w.Path("iin"), []byte(first+"\n"), 0o600))
	w.almasu("block", "--iin-file", w.Path("iin"), "--requester", "user", "--reason", "kill test")
	for _, name := range voiding {
		if w.open() {
			w.killAt(w.next(name), name)
		}
	}
	w.finish(w.next(""))
	w.almasu("unblock", "--iin-file", w.Path("iin"), "--outcome", "unconfirmed", "--reason", "kill test")
}

func (w *world) least(names []string) int {
	least := w.kills[names[0]]
	for _, name := range names {
		least = min(least, w.kills[name])
	}
	return least
}
