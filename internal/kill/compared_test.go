package kill

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/leaving"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/vault"
)

// spot is the place of a record: the message's id, and the index in it.
type spot struct {
	message string
	index   int
}

// compared is a deployment whose connector compares, with what its platform has and what its recipient should come to have.
type compared struct {
	*world
	platform *sqlx.DB
	names    map[string]string // the family name of each of those who are sent, by IIN
	away     map[string]string // of those who have left, and how: "deleted" or "withdrawn"
	records  map[string]int    // how many records of each person should have arrived
	leavings map[string]int    // how many of them should have been withdrawn: all that had arrived when the person last left
	whose    map[spot]string   // whose records have arrived
	round    int
}

func newCompared(t *testing.T, programs, dsn string) *compared {
	t.Helper()
	c := &compared{world: newWorld(t, programs, dsn, pointPeople, pointBatch), names: map[string]string{}, away: map[string]string{}, records: map[string]int{}, leavings: map[string]int{}, whose: map[spot]string{}}
	c.edit("almasu.yaml", "compare: none", "compare: full")
	var err error
	c.platform, err = sqlx.Open("sqlite", "file:"+c.Path("platform.db")+"?_pragma=busy_timeout(10000)")
	c.must(err)
	t.Cleanup(func() { _ = c.platform.Close() })
	c.platform.MustExec("CREATE TABLE away AS SELECT * FROM profiles WHERE id < 0")
	for iin := range c.want {
		c.names[iin] = c.value("SELECT family_name FROM profiles WHERE iin = ?", iin)
		c.records[iin] = 1
	}
	c.finish(c.run("")) // a connector that compared nobody until now sends everybody once more
	c.again(c.present()...)
	c.settled()
	return c
}

func (c *compared) value(query string, args ...any) (text string) {
	c.Helper()
	c.must(c.platform.Get(&text, query, args...))
	return text
}

// present lists who is sent, sorted.
func (c *compared) present() (out []string) {
	for iin := range c.want {
		if c.away[iin] == "" {
			out = append(out, iin)
		}
	}
	slices.Sort(out)
	return out
}

// again expects one more record of people.
func (c *compared) again(iins ...string) {
	for _, iin := range iins {
		c.records[iin]++
	}
}

const wentAway = "2026-11-01T00:00:00Z"

// happen changes the platform: who has left comes back, others leave, each in another way, and some of those who stay have another name.
func (c *compared) happen() {
	c.Helper()
	c.round++
	present := c.present()
	c.random.Shuffle(len(present), func(i, j int) { present[i], present[j] = present[j], present[i] })
	for iin, how := range maps.Clone(c.away) {
		c.exec(map[string]string{
			"deleted":   "INSERT INTO profiles SELECT * FROM away WHERE iin = ?",
			"withdrawn": "UPDATE consents SET withdrawn_at = NULL WHERE withdrawn_at = '" + wentAway + "' AND user_id = (SELECT id FROM profiles WHERE iin = ?)",
		}[how], iin)
		c.exec("DELETE FROM away WHERE iin = ?", iin)
		delete(c.away, iin)
		c.again(iin)
	}
	for i, how := range []string{"deleted", "withdrawn", "deleted"} {
		iin := present[i]
		if how == "deleted" {
			c.exec("INSERT INTO away SELECT * FROM profiles WHERE iin = ?", iin)
		}
		c.exec(map[string]string{
			"deleted":   "DELETE FROM profiles WHERE iin = ?",
			"withdrawn": "UPDATE consents SET withdrawn_at = '" + wentAway + "' WHERE withdrawn_at IS NULL AND user_id = (SELECT id FROM profiles WHERE iin = ?)",
		}[how], iin)
		c.away[iin] = how
		c.leavings[iin] = c.records[iin]
	}
	c.rename(present[3:9]...)
}

// rename gives people another name, so that they are sent again.
func (c *compared) rename(iins ...string) {
	c.Helper()
	for _, iin := range iins {
		c.names[iin] = "Сейіт" + strings.Repeat("е", 1+c.round%90)
		c.exec("UPDATE profiles SET family_name = ? WHERE iin = ?", c.names[iin], iin)
	}
	c.again(iins...)
}

func (c *compared) exec(statement string, args ...any) {
	c.Helper()
	if n, err := c.platform.MustExec(statement, args...).RowsAffected(); err != nil || n == 0 && !strings.HasPrefix(statement, "DELETE FROM away") {
		c.Fatalf("the platform changes nothing: %s: %v", statement, err)
	}
}

// settled runs the connector undisturbed, because what was interrupted withdraws nobody, and then demands that the recipient has what it should have, the book
// says so, and another run finds nothing to send.
func (c *compared) settled() {
	c.Helper()
	c.finish(c.run(""))
	c.arrived()
	c.logged()
	c.booked()
	c.finish(c.run(""))
	c.look(func(s *store.Store) {
		list, err := s.Transfers(c.Context(), connector, 1)
		c.must(err)
		if r := list[0]; r.Totals.Unchanged != len(c.present()) || r.Totals.Messages != 0 || r.Withdrawn != 0 || r.Status == transfer.Failed {
			c.Errorf("a run when nothing has changed: %s, %d withdrawn: %s", r.Status, r.Withdrawn, r.Totals)
		}
	})
}

// arrived compares what the authority has with what should have arrived: so many records of each person, the last of them as the platform has it, or withdrawn if they have left.
func (c *compared) arrived() {
	c.Helper()
	out, err := c.atAuthority("export", "--format", "json", "--out", "-")
	c.must(err)
	type line struct {
		Message, State string
		Index          int
		Record         struct {
			IIN    string
			Family string `json:"family_name"`
		}
	}
	last, records, withdrawn := map[string]line{}, map[string]int{}, map[string]int{}
	for text := range bytes.Lines(out) {
		var one line
		c.must(json.Unmarshal(text, &one))
		at := spot{one.Message, one.Index}
		if one.State == "" {
			c.whose[at] = one.Record.IIN
		}
		iin := c.whose[at]
		records[iin]++
		if one.State == "withdrawn" {
			withdrawn[iin]++
		}
		last[iin] = one
	}
	lost, doubled, other := 0, 0, 0
	for iin := range c.want {
		if n := records[iin] - c.records[iin]; n < 0 {
			lost++
		} else if n > 0 {
			doubled++
		}
		l := last[iin]
		if away := c.away[iin] != ""; withdrawn[iin] != c.leavings[iin] || away != (l.State == "withdrawn") || !away && l.Record.Family != c.names[iin] {
			other++
		}
	}
	if lost+doubled+other > 0 || len(records) != len(c.want) {
		c.Errorf("%d people are lost, %d doubled; of %d the authority has something else; %d people have arrived, not %d", lost, doubled, other, len(records), len(c.want))
	}
}

// logged verifies the whole log: every intent is settled once, every transfer closed, and adds up; and every withdrawal that was entered was delivered, each record once.
func (c *compared) logged() {
	c.Helper()
	begun, closed := c.accounted()
	for id := range begun {
		if run := closed[id]; run == nil || !run.Balanced() {
			c.Errorf("transfer %s: %+v", id, run)
		}
	}
	c.look(func(s *store.Store) {
		list, err := notices.All(c.Context(), s)
		c.must(err)
		named := map[spot]int{}
		for _, n := range list {
			if n.State() != string(transfer.Delivered) || n.Rejected > 0 {
				c.Errorf("a notice of withdrawal: %s, %d records rejected", n.State(), n.Rejected)
			}
			for _, r := range n.Records {
				named[spot{r.Message.String(), r.Index}]++
			}
		}
		each := map[string]int{}
		for at, n := range named {
			each[c.whose[at]] += n
		}
		wrong := 0
		for iin := range c.want {
			if each[iin] != c.leavings[iin] {
				wrong++
			}
		}
		if wrong > 0 || len(each) > len(c.leavings) {
			c.Errorf("%d people are not named once for each record that they had when they left", wrong)
		}
	})
	file := c.TempDir() + "/log.jsonl"
	c.almasu("log", "export", "--output", file)
	if out, err := c.atAuthority("verify", "--log", file); err != nil {
		c.Errorf("authority verify: %v\n%s", err, out)
	}
}

func (w *world) key(name string) []byte {
	w.Helper()
	b, err := os.ReadFile(w.Path("keys", name))
	w.must(err)
	return b
}

// booked compares the book with who is sent: it has a digest of everybody who is, and nothing of anybody else.
func (c *compared) booked() {
	c.Helper()
	c.look(func(s *store.Store) {
		v, err := vault.Parse(c.key(setup.VaultKeyFile))
		c.must(err)
		s.Protect(v)
		tags, err := hex.DecodeString(string(bytes.TrimSpace(c.key(setup.PseudonymKeyFile))))
		c.must(err)
		open := func() (*roster.Roster, error) {
			return people.Open(c.Context(), s.People(), s.Periods(), v, c.Now.Add(time.Since(c.start)+c.skew), tags)
		}
		ros, err := open()
		c.must(err)
		who := map[uint32]string{}
		for iin := range c.want {
			ordinals, err := ros.Find(c.Context(), []byte(iin))
			c.must(err)
			for _, o := range ordinals {
				who[o] = iin
			}
		}
		transfers, err := s.Transfers(c.Context(), connector, 1)
		c.must(err)
		held := []string{}
		c.must(leaving.New(s, open).Each(c.Context(), connector, transfers[0].Recipient, nil, func(e delta.Entry) bool {
			if e.Digest == delta.Stale {
				c.Error("the book says that somebody is to be sent again")
			}
			held = append(held, who[e.Ordinal])
			return true
		}))
		if slices.Sort(held); !slices.Equal(held, c.present()) {
			c.Errorf("the book has %d people, and %d are sent", len(held), len(c.present()))
		}
	})
}

// The points of a run that compares and ends with who has left, and of a wish that somebody be sent again; then those at which the book is read or changed.
var (
	comparing = []point{{"leaving", 1}, {"leaving.written", 1}, {"leaving.entered", 1}, {"refresh.entered", 1}}
	booking   = []point{{"packed", 2}, {"intent.committed", 3}, {"answered", 4}, {"settlement.written", 2}, {"settlement.committed", 2}, {"finish.written", 2}, {"finish.committed", 2}}
)

// TestKilledWhileComparing kills almasu at each point of comparing and withdrawing, while people leave, come back and change.
func TestKilledWhileComparing(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn func() string) {
		c := newCompared(t, tagged, dsn())
		for round := range (number(t, "ALMASU_POINT_KILLS", 10) + 9) / 10 {
			for _, p := range append(slices.Clone(comparing), booking...) {
				c.killedAt(p, round+1)
				if t.Failed() {
					t.Fatalf("killed at %s", p.name)
				}
			}
		}
		t.Logf("killed: %v", c.kills)
	})
}

// full sends everybody again.
func (c *compared) full(point string) *life {
	return c.begin("almasu", point, c.args("run", connector, "--full", "--reason", fmt.Sprintf("kill test, letter no. %d", c.round), "--as", "tester")...)
}

// killedAt lets something happen on the platform and kills the run that is to tell the recipient, until it was killed at a point so many times.
func (c *compared) killedAt(p point, wanted int) {
	c.Helper()
	for tries := 0; c.kills[p.name] < wanted; tries++ {
		if tries > 6 {
			c.Fatalf("no life comes to %s", p.name)
		}
		before := maps.Clone(c.records)
		c.happen()
		begin := c.run
		if p.name == "refresh.entered" {
			begin = c.full
			c.records = before
			c.again(c.present()...)
		}
		c.killAt(begin(fmt.Sprintf("%s#%d", p.name, 1+c.random.IntN(p.most))), p.name)
		c.finish(c.next(""))
		c.settled()
	}
}
