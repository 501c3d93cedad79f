package app

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/rogpeppe/go-internal/testscript"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/synth"
)

// stage is the deployment of one script, in the folder d: 200 people, and the oblast's authority under way, which stands at the ministry's address too.
type stage struct {
	w        *setup.Example
	platform *sqlx.DB
	late     *sqlx.Tx
}

// stages are the deployments by the folders of their scripts. Databases of PostgreSQL last as long as t.
type stages struct {
	t    *testing.T
	lock sync.Mutex
	by   map[string]*stage
}

func (all *stages) of(ts *testscript.TestScript) *stage {
	all.lock.Lock()
	defer all.lock.Unlock()
	s := all.by[ts.Getenv("WORK")]
	if s == nil {
		s = &stage{}
		all.by[ts.Getenv("WORK")] = s
	}
	return s
}

// commands are the scripts' commands about their deployment.
func (all *stages) commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"deployment": all.build, "sql": all.sql, "begin": all.begin, "commit": all.commit, "edit": editFile, "value": value, "held": all.held,
	}
}

// build is deployment sqlite|postgres COMPARE: on PostgreSQL both databases, and the platform has the columns of changes that the manual describes.
func (all *stages) build(ts *testscript.TestScript, _ bool, args []string) {
	s := all.of(ts)
	s.w = &setup.Example{Dir: ts.MkAbs("d"), Now: demo.Start, People: 200, Batch: 50, Compare: args[1]}
	if args[0] == "postgres" {
		db := pgtest.NewFrom(all.t, "script", prepared)
		s.platform, s.w.PlatformDSN, s.w.StoreDSN = db.DB, db.DSN, pgtest.New(all.t).DSN
	}
	ts.Check(s.w.Build(all.t.Context()))
	if args[0] == "sqlite" {
		db, err := sqlx.Open("sqlite", "file:"+s.w.Path("platform.db")+"?_pragma=busy_timeout(10000)")
		ts.Check(err)
		ts.Defer(func() { _ = db.Close() })
		s.platform = db
	}
	ts.Check(s.w.Start(all.t.Context(), s.w.Oblast, s.w.Now, filepath.Join(binaries, "authority")))
	ts.Defer(func() { _ = s.w.Oblast.Stop() })
	s.w.Ministry.URL = s.w.Oblast.URL
	ts.Check(s.w.WriteConfig(s.w.Now.AddDate(0, 0, 1)))
}

// prepared fills a platform and gives it the columns of changes.
func prepared(db *sqlx.DB) error {
	if err := synth.Load(context.Background(), db, synth.Options{People: 200, Seed: 1, At: demo.Start}); err != nil {
		return err
	}
	changes, err := synth.Changes("../..")
	if err == nil {
		_, err = db.Exec(changes)
	}
	return err
}

// sql is sql platform|store STATEMENT: somebody writes into a database.
func (all *stages) sql(ts *testscript.TestScript, neg bool, args []string) {
	db := all.of(ts).platform
	if args[0] == "store" {
		var err error
		db, err = sqlx.Open("sqlite", "file:"+all.of(ts).w.Path("almasu.db")+"?_pragma=busy_timeout(10000)")
		ts.Check(err)
		defer db.Close()
	}
	if _, err := db.Exec(args[1]); (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
}

// begin is begin STATEMENT: a transaction on the platform that stays open until commit.
func (all *stages) begin(ts *testscript.TestScript, _ bool, args []string) {
	s := all.of(ts)
	var err error
	s.late, err = s.platform.Beginx()
	ts.Check(err)
	r, err := s.late.Exec(args[0])
	ts.Check(err)
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("%d rows are written, %v", n, err)
	}
}

func (all *stages) commit(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(all.of(ts).late.Commit())
}

// held is held NAME N: sets NAME to the IIN of the nth person whom the oblast holds.
func (all *stages) held(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("authority", "--config", ts.MkAbs("d/oblast/authority.yaml"), "export", "--sender", "351240000010", "--format", "json", "--out", "-"))
	people := heldIIN.FindAllStringSubmatch(ts.ReadFile("stdout"), -1)
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], people[n][1])
}

var heldIIN = regexp.MustCompile(`"iin": ?"([0-9]{12})"`)

// editFile is edit FILE OLD NEW; \n in OLD and NEW is a line feed.
func editFile(ts *testscript.TestScript, _ bool, args []string) {
	feed := strings.NewReplacer(`\n`, "\n")
	text := ts.ReadFile(args[0])
	changed := strings.ReplaceAll(text, feed.Replace(args[1]), feed.Replace(args[2]))
	if changed == text {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(changed), 0o600))
}

// value is value NAME PATTERN: sets NAME to what the pattern's group has matched in the last standard output.
func value(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) < 2 {
		ts.Fatalf("nothing matches %s", args[1])
	}
	ts.Setenv(args[0], found[1])
}
