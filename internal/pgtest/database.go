package pgtest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jmoiron/sqlx"
)

// Database is a fresh, empty database for one test. It is dropped when the test ends.
type Database struct {
	*sqlx.DB
	// Name is the database's name, and DSN its connection string as superuser.
	Name, DSN string
	// Cluster is the server, which all tests of the program share: roles are common to its databases.
	Cluster *Cluster
}

// shared is the cluster of this test program and what was made in it.
var shared struct {
	sync.Mutex
	cluster   *Cluster
	err       error
	databases int
	templates map[string]string // name given to NewFrom -> database
}

// New returns a fresh database for t. It skips t where PostgreSQL is not installed, or fails it if ALMASU_REQUIRE_PG is 1.
func New(t testing.TB) *Database {
	t.Helper()
	return open(t, "template1")
}

// NewFrom returns a fresh copy of a database that prepare has filled. Within a test program prepare runs once for each name.
func NewFrom(t testing.TB, name string, prepare func(*sqlx.DB) error) *Database {
	t.Helper()
	c := cluster(t)
	shared.Lock()
	template, ok := shared.templates[name]
	shared.Unlock()
	if !ok {
		template = create(t, c, "template1")
		db, err := sqlx.Open("postgres", c.DSN(template))
		if err == nil {
			err = prepare(db)
		}
		if err != nil {
			t.Fatalf("preparing the template %s: %v", name, err)
		}
		if err := db.Close(); err != nil {
			t.Fatalf("closing the template %s: %v", name, err)
		}
		shared.Lock()
		shared.templates[name] = template
		shared.Unlock()
	}
	return open(t, template)
}

func open(t testing.TB, template string) *Database {
	t.Helper()
	c := cluster(t)
	name := create(t, c, template)
	db, err := sqlx.Open("postgres", c.DSN(name))
	if err != nil {
		t.Fatalf("opening the database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the database: %v", err)
		}
		if err := execute(c, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping the database: %v", err)
		}
	})
	return &Database{DB: db, Name: name, DSN: c.DSN(name), Cluster: c}
}

// cluster returns the program's cluster, starting it at the first call.
func cluster(t testing.TB) *Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.templates = map[string]string{}
		shared.cluster, shared.err = Start("")
	}
	switch {
	case shared.err == nil:
	case shared.err == ErrNotInstalled && os.Getenv("ALMASU_REQUIRE_PG") != "1":
		t.Skipf("SKIPPED, PostgreSQL is missing: %v", shared.err)
	default:
		t.Fatalf("starting PostgreSQL: %v", shared.err)
	}
	return shared.cluster
}

func create(t testing.TB, c *Cluster, template string) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock() // one copy at a time: a template may have no other user
	shared.databases++
	name := fmt.Sprintf("test_%d", shared.databases)
	if err := execute(c, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("creating a database: %v", err)
	}
	return name
}

func execute(c *Cluster, statement string) error {
	db, err := sqlx.Open("postgres", c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}
