package kill

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // stores on PostgreSQL

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// unpermitted begins every text in a column that no policy permits.
const unpermitted = "CANARY7f3a"

// marks are in the values of permitted fields, and nowhere else.
var marks = map[string]string{
	"family_name": "Канарфам", "given_name": "Канаримя", "email": "canarmail", "phone": "770199998", "parent_phone": "770288887", "settlement": "Канарсело",
}

// markPlatform loads people whose permitted fields hold marks, and lists what may be found where I6 does not allow it: nothing of this.
func markPlatform(t *testing.T, db *sqlx.DB) *traces {
	t.Helper()
	if err := synth.Load(t.Context(), db, synth.Options{People: capturePeople, Seed: 3, At: began, Canary: unpermitted}); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		"family_name = '" + marks["family_name"] + "'", "given_name = '" + marks["given_name"] + "'", "settlement = '" + marks["settlement"] + "'",
		"email = '" + marks["email"] + "' || id || '@example.kz'", "phone = '+" + marks["phone"] + "' || right('0' || id, 2)", "parent_phone = '+" + marks["parent_phone"] + "' || right('0' || id, 2)",
	} {
		column, _, _ := strings.Cut(change, " ")
		if _, err := db.Exec("UPDATE profiles SET " + change + " WHERE " + column + " IS NOT NULL"); err != nil {
			t.Fatal(err)
		}
	}
	all := &traces{}
	for _, mark := range marks {
		all.add(mark)
	}
	var numbers []string
	if err := db.Select(&numbers, "SELECT iin FROM profiles WHERE length(iin) = 12"); err != nil || len(numbers) < capturePeople/2 {
		t.Fatalf("%d numbers, %v", len(numbers), err)
	}
	for _, iin := range numbers {
		all.add(iin)
	}
	all.add(unpermitted)
	return all
}

const capturePeople = 60

// TestTracesOfFaults plays every act of the misbehaving receiver against the service, and looks at everything that it leaves: what it prints and logs,
// its metrics, its store, its temporary files, for values of all fields; and into its memory in the middle of a message, for values of unpermitted
// columns. The wire and the memory may hold permitted values; nothing else may hold any (I6).
func TestTracesOfFaults(t *testing.T) {
	platform := pgtest.New(t)
	all := markPlatform(t, platform.DB)
	for i, act := range connectortest.Acts() {
		t.Run(string(act), func(t *testing.T) {
			t.Parallel()
			dsn := ""
			if i%2 == 1 {
				dsn = pgtest.New(t).DSN
			}
			c := newCapture(t, platform.DSN, dsn, act)
			c.memory()
			c.look(all)
		})
	}
}

// capture is a deployment that sends to a receiver that plays an act, and all that its programs have said.
type capture struct {
	*world
	act     connectortest.Act
	peer    *connectortest.Peer
	metrics string // address
	said    bytes.Buffer
}

func newCapture(t *testing.T, platformDSN, storeDSN string, act connectortest.Act) *capture {
	t.Helper()
	w := &world{T: t, programs: tagged, kind: store.Postgres, dsn: storeDSN, start: time.Now(), kills: map[string]int{}}
	w.Example = &setup.Example{Dir: t.TempDir(), Now: began, People: capturePeople, Batch: 8, PlatformDSN: platformDSN, StoreDSN: storeDSN}
	w.must(w.Build(t.Context()))
	if storeDSN == "" {
		w.kind, w.dsn = store.SQLite, w.Path("almasu.db")
	}
	c := &capture{world: w, act: act, metrics: w.freePort()}
	read := func(name string) []byte {
		b, err := os.ReadFile(w.Path("oblast", name))
		w.must(err)
		return b
	}
	seal, err := signing.ParsePublicKey(read("sender-seal.pub"))
	w.must(err)
	senders := signing.NewKeyring("sender")
	w.must(senders.Add(seal, time.Time{}, time.Time{}))
	log, err := transferlog.ParsePublicKey(strings.TrimSpace(string(read("sender-log.pub"))))
	w.must(err)
	bin := regexp.MustCompile(`(?m)^bin: "?([0-9]{12})`).FindSubmatch(read("authority.yaml"))
	c.peer = connectortest.NewPeer(t, string(bin[1]), senders, log, func() time.Time { return w.Now.Add(time.Since(w.start) + w.skew) })
	w.must(os.WriteFile(w.Path("oblast", "tls.pem"), c.peer.CA(), 0o600))
	w.must(os.WriteFile(w.Path("oblast", "receipt.pub"), c.peer.Keys().Keys()[0].Key.PEM(), 0o600))
	w.Oblast.URL, w.Ministry.URL = c.peer.URL(), c.peer.URL()
	w.must(w.WriteConfig(began.Add(20 * time.Hour)))
	w.edit("almasu.yaml", "serve: {poll: 300ms}", "serve: {poll: 50ms, lease: "+lease.String()+", metrics: \""+c.metrics+"\"}")
	w.must(os.Mkdir(w.Path("tmp"), 0o700))
	c.said.Write(c.almasu("migrate"))
	return c
}

// begin starts almasu with a folder of its own for temporary files.
func (c *capture) begin(point string, args ...string) *life {
	return c.beginUnder([]string{"env", "TMPDIR=" + c.Path("tmp")}, "almasu", point, c.args(args...)...)
}

// memory stops a run when it has met the act and sends on, and looks into its memory. The connection's own people are there, unpermitted columns are not.
func (c *capture) memory() {
	c.Helper()
	c.peer.Play(c.act)
	l := c.begin("send#4", "run", connector, "--reason", "capture", "--as", "tester")
	if c.toPoint(l) {
		var permitted, other traces
		permitted.add(marks["family_name"])
		other.add(unpermitted)
		b := needs.Memory(c.T, l.cmd.Process.Pid)
		if permitted.plain(b) == 0 {
			c.Errorf("no permitted value in %d bytes of memory, so that they prove nothing", len(b))
		}
		if other.plain(b) > 0 {
			c.Error("an unpermitted column is in the memory of the process")
		}
		c.kills["captured"]++
	} else if c.act != connectortest.Forked && c.act != connectortest.Distrusts {
		c.Errorf("the run does not come to its point\n%s", l.said())
	}
	c.die(l)
	c.said.WriteString(l.said())
}

// scrape takes the figures of a service, as soon as it answers or until it has ended.
func (c *capture) scrape(l *life) {
	c.Helper()
	tick, late := time.NewTicker(50*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for {
		resp, err := http.Get("http://" + c.metrics + "/metrics")
		if err == nil {
			n, _ := io.Copy(&c.said, resp.Body)
			resp.Body.Close()
			if n < 500 {
				c.Errorf("only %d bytes of metrics", n)
			}
			return
		}
		select {
		case <-l.done:
			return
		case <-tick.C:
		case <-late:
			c.Errorf("metrics: %v\n%s", err, l.said())
			return
		}
	}
}

// look lets the service go on for a while, with the act again and again, and then searches all that is left.
func (c *capture) look(all *traces) {
	c.Helper()
	c.peer.Play(c.act, c.act)
	l := c.begin("", "serve")
	c.within(l, time.Second)
	c.scrape(l)
	c.die(l)
	c.said.WriteString(l.said())
	c.said.Write(c.almasu("log", "export", "--output", c.Path("log.jsonl")))
	c.said.Write(c.almasu("transfers", "--json"))
	if n := all.in(c.said.Bytes()); n > 0 || c.said.Len() < 2000 {
		c.Errorf("%d values in what the programs say (%d bytes)", n, c.said.Len())
	}
	files, rows := 0, 0
	c.must(filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if n := all.in(b); n > 0 {
			c.Errorf("%d values in %s", n, filepath.Base(path))
		}
		files++
		return err
	}))
	for row := range c.rows() {
		if n := all.in(row); n > 0 {
			c.Errorf("%d values in a value of the store", n)
		}
		rows++
	}
	if files < 20 || rows < 20 {
		c.Errorf("searched %d files and %d values of the store", files, rows)
	}
}

// rows lists every value of every table of the store, as bytes.
func (c *capture) rows() func(func([]byte) bool) {
	driver, list := "postgres", "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
	if c.kind == store.SQLite {
		driver, list = "sqlite", "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	return func(yield func([]byte) bool) {
		db, err := sqlx.Open(driver, c.dsn)
		c.must(err)
		defer db.Close()
		var tables []string
		c.must(db.Select(&tables, list))
		for _, table := range tables {
			rows, err := db.Queryx(fmt.Sprintf("SELECT * FROM %q", table))
			c.must(err)
			for rows.Next() {
				values, err := rows.SliceScan()
				c.must(err)
				for _, v := range values {
					b, ok := v.([]byte)
					if !ok {
						b = fmt.Append(nil, v)
					}
					if !yield(slices.Clone(b)) {
						rows.Close()
						return
					}
				}
			}
			c.must(rows.Err())
		}
	}
}

// alive reports whether the process has not ended.
func (l *life) alive() bool {
	select {
	case <-l.done:
		return false
	default:
		return true
	}
}
