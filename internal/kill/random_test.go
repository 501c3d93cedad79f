package kill

import (
	"testing"
	"time"
)

// killsPerLog is how many kills one deployment lives through: its whole log is checked after each, which costs more the longer it is.
const killsPerLog = 50

// TestKilledAtRandom kills the programs as they are shipped at random instants, one time in four the authority.
func TestKilledAtRandom(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn func() string) {
		for left := number(t, "ALMASU_KILLS", killsPerLog); left > 0 && !t.Failed(); left -= killsPerLog {
			t.Run("deployment", func(t *testing.T) { killAtRandom(t, dsn(), min(left, killsPerLog)) })
		}
	})
}

func killAtRandom(t *testing.T, dsn string, kills int) {
	w := newWorld(t, shipped, dsn, 400, 5)
	for w.kills["almasu"] < kills && !t.Failed() {
		l := w.next("")
		if w.shoot(l) {
			w.kills["almasu"]++
		}
		w.die(l)
		w.events(nil)
	}
	w.finish(w.next(""))
	w.judge()
	t.Logf("killed: %v; %d transfers", w.kills, len(w.received()))
}

// shoot waits for a random instant, or the end of the life; it is false if the life has ended before.
func (w *world) shoot(l *life) bool {
	for {
		timer := time.NewTimer(time.Duration(w.random.Int64N(int64(500 * time.Millisecond))))
		select {
		case <-l.done:
			timer.Stop()
			return false
		case <-timer.C:
		}
		if w.random.IntN(4) > 0 {
			return !l.serves || w.open()
		}
		w.kills["authority"]++
		w.authority.kill()
		w.startAuthority("")
	}
}
