package kill

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// midway are points of a run that sends people again: before anything is read, between messages, and when all is sent and nobody has said so yet.
var midway = []point{{"refresh.entered", 1}, {"begun", 1}, {"intent.committed", 1}, {"answered", 3}, {"settlement.committed", 1}, {"finish.written", 1}, {"finish.committed", 1}, {"due.performed", 1}}

// wish is a command that sends people again, with one reason.
type wish struct {
	who  []string
	args []string
}

// tomorrow lets a day pass, at both ends.
func (w *world) tomorrow() {
	w.Helper()
	w.authority.kill()
	w.skew += 24 * time.Hour
	w.startAuthority("")
}

func (c *compared) ask(w wish, point string) *life {
	return c.begin("almasu", point, c.args(append(w.args, "--as", "tester")...)...)
}

// TestKilledWhileSendingAgain kills a backfill and a full refresh in their middle, and goes on with the same command, with almasu serve, or with an ordinary run: whoever was sent in
// the time is sent once more, nobody twice, and nobody else; the same command when all is done is refused, and sends nobody.
func TestKilledWhileSendingAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn func() string) {
		c := newCompared(t, tagged, dsn())
		c.tomorrow()
		c.round++
		some := c.present()[2:14]
		c.rename(some...)
		c.finish(c.run(""))
		day := c.Now.Add(c.skew).In(register.Zone).Format(time.DateOnly)
		for i, p := range midway {
			c.interrupted(wish{some, []string{"backfill", connector, "--from", day, "--to", day, "--reason", fmt.Sprintf("kill test, letter no. %d", i)}}, p, i)
		}
		c.tomorrow()
		for i, p := range midway {
			if i%2 == 1 {
				c.interrupted(wish{c.present(), []string{"run", connector, "--full", "--reason", fmt.Sprintf("kill test, letter no. %d", i)}}, p, i/2)
			}
		}
		c.settled()
		acts := 0
		c.events(func(_ int64, e transferlog.Entry) {
			if a, ok := e.(*transferlog.Act); ok && (a.Act == "run.full" || a.Act == "run.backfill") {
				acts++
			}
		})
		if want := len(midway) + len(midway)/2; acts != want {
			t.Errorf("%d acts in the log for %d wishes", acts, want)
		}
		t.Logf("killed: %v", c.kills)
	})
}

// interrupted asks for something, kills the command at a point, and goes on with the same command or otherwise.
func (c *compared) interrupted(w wish, p point, round int) {
	c.Helper()
	before := maps.Clone(c.records)
	l := c.ask(w, fmt.Sprintf("%s#%d", p.name, 1+c.random.IntN(p.most)))
	if !c.toPoint(l) {
		c.Fatalf("%s does not come to %s\n%s", w.args[0], p.name, l.said())
	}
	c.kills[p.name]++
	l.kill()
	killed := time.Now()
	closed := p.name == "finish.committed" || p.name == "due.performed" // only the command does not know
	if p.name != "refresh.entered" && !closed {                         // its row has a lease still
		closed = !c.busy(w, killed)
	}
	c.die(l)
	c.events(nil)
	switch {
	case closed:
		c.answers(w, 2, "refresh.done")
	case round%2 == 0 && p.name == "refresh.entered":
		c.answers(w, 0, "This was begun before and is gone on with")
	case round%2 == 0:
		c.answers(w, 0, "was begun or due before, and was gone on with first (successful)")
	}
	c.finish(c.next(""))
	c.records = before
	c.again(w.who...)
	c.answers(w, 2, "refresh.done")
	if c.arrived(); c.Failed() {
		c.Fatalf("%s, killed at %s", w.args[0], p.name)
	}
}

// busy gives the command while the lease of a process that was killed counts: it is refused. Where the machine was too slow for that the command goes on with what is there, and busy is false.
func (c *compared) busy(w wish, killed time.Time) bool {
	c.Helper()
	l := c.ask(w, "")
	<-l.done
	code := l.cmd.ProcessState.ExitCode()
	if late := time.Since(killed) > lease; late && code == 0 {
		return false
	}
	if code != 4 || !strings.Contains(l.said(), "run.busy") {
		c.Errorf("%s: exit code %d, not 4\n%s", w.args[0], code, l.said())
	}
	return true
}

// answers gives the command, and demands its exit code and a word of what it says.
func (c *compared) answers(w wish, code int, word string) {
	c.Helper()
	l := c.ask(w, "")
	if <-l.done; l.cmd.ProcessState.ExitCode() != code || !strings.Contains(l.said(), word) {
		c.Errorf("%s: exit code %d, not %d\n%s", w.args[0], l.cmd.ProcessState.ExitCode(), code, l.said())
	}
}
