package platform

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/synth"
)

// granted makes a platform with a role that has exactly the rights of Grants, and opens it as that role.
func granted(t *testing.T, fields []string, dialer pq.Dialer) (owner *pgtest.Database, role *sqlx.DB, c Config) {
	t.Helper()
	owner = pgtest.New(t)
	if err := synth.Load(context.Background(), owner.DB, options); err != nil {
		t.Fatal(err)
	}
	c = example(t, Postgres)
	name := "reader_of_" + owner.Name
	text, err := Grants(c, fields, name)
	if err != nil {
		t.Fatal(err)
	}
	owner.MustExec("CREATE ROLE " + name + " LOGIN NOINHERIT")
	owner.MustExec("GRANT ALL ON ALL TABLES IN SCHEMA public TO " + name) // which the statements must take away
	owner.MustExec(text)
	t.Cleanup(func() { owner.MustExec("DROP OWNED BY " + name + "; DROP ROLE " + name) })
	connector, err := pq.NewConnector(owner.Cluster.DSNFor(owner.Name, name))
	if err != nil {
		t.Fatal(err)
	}
	if dialer != nil {
		connector.Dialer(dialer)
	}
	role = sqlx.NewDb(sql.OpenDB(connector), "postgres")
	t.Cleanup(func() { role.Close() })
	return owner, role, c
}

// Every column of the platform's database is either needed by the read and readable, or refused to the role.
func TestRoleReadsItsColumnsAndNoOther(t *testing.T) {
	fields := []string{"family_name", "given_name", "region"}
	owner, role, c := granted(t, fields, nil)
	if all, err := readAll(t, source(t, c, role), connectors.Query{Fields: fields}, 100); err != nil || len(all) != options.People {
		t.Fatalf("the role reads %d people, %v", len(all), err)
	}
	if err := Check(context.Background(), role, c); err != nil {
		t.Errorf("the check as the role: %v", err)
	}
	want := map[string][]string{
		"profiles": {"id", "iin", "family_name", "given_name", "region", "kato", "updated_at"},
		"accounts": {"user_id", "state"},
		"consents": {"user_id", "form_id", "given_at", "valid_until", "withdrawn_at", "evidence_sha256"},
		"consent_forms": {"id", "policy_version", "operator_bin", "subject_named", "until_purpose", "third_parties", "cross_border", "publication",
			"fields", "purposes", "recipients", "given_by", "for_parent", "method"},
		"blocks": {"user_id", "lifted_at"}, "parent_blocks": {"user_id", "lifted_at"},
	}
	var columns []struct {
		Table  string `db:"table_name"`
		Column string `db:"column_name"`
	}
	if err := owner.Select(&columns, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"); err != nil {
		t.Fatal(err)
	}
	allowed, denied := 0, 0
	for _, column := range columns {
		_, err := role.Exec(fmt.Sprintf("SELECT %q FROM %q LIMIT 1", column.Column, column.Table))
		var server *pq.Error
		switch {
		case slices.Contains(want[column.Table], column.Column):
			allowed++
			if err != nil {
				t.Errorf("%s.%s is needed and refused: %v", column.Table, column.Column, err)
			}
		case errors.As(err, &server) && server.Code == "42501":
			denied++
		default:
			t.Errorf("%s.%s is not refused: %v", column.Table, column.Column, err)
		}
	}
	if allowed != 33 || denied != 25 {
		t.Errorf("%d columns are allowed and %d refused", allowed, denied)
	}
	for _, statement := range []string{
		"UPDATE profiles SET given_name = ''", "DELETE FROM blocks", "INSERT INTO blocks (id, user_id) VALUES (1, 1)", "SELECT * FROM profiles", "CREATE TEMP TABLE x (y int)",
	} {
		if _, err := role.Exec(statement); err == nil {
			t.Errorf("the role may run %s", statement)
		}
	}
	if _, err := readAll(t, source(t, c, role), connectors.Query{Fields: []string{"phone"}}, 100); record.CodeOf(err) != "source.database" {
		t.Errorf("another field: %v", err)
	}
}

func TestGrantsRefuseWhatTheyCannotSay(t *testing.T) {
	c := example(t, Postgres)
	for name, try := range map[string]func() (string, error){
		"unmapped field": func() (string, error) { return Grants(c, []string{"school"}, "r") },
		"role":           func() (string, error) { return Grants(c, nil, "r; DROP") },
		"dialect":        func() (string, error) { return Grants(example(t, SQLite), nil, "r") },
		"configuration":  func() (string, error) { return Grants(Config{}, nil, "r") },
	} {
		if text, err := try(); err == nil || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	c.Profiles.Relation = "school.people"
	text, err := Grants(c, []string{"iin"}, "r")
	if err != nil || !strings.Contains(text, `GRANT USAGE ON SCHEMA "school" TO "r";`) || !strings.Contains(text, `ON TABLE "school"."people"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// tap records every byte that comes from the server.
type tap struct {
	sync.Mutex
	bytes.Buffer
}

type tapped struct {
	net.Conn
	tap *tap
}

func (c tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tap.Lock()
	defer c.tap.Unlock()
	c.tap.Write(p[:n])
	return n, err
}

func (d *tap) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	return tapped{c, d}, err
}

func (d *tap) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, timeout)
	return tapped{c, d}, err
}

// What no policy permits, and what the query does not ask, does not come over the wire at all.
func TestUnpermittedValuesNeverLeaveTheServer(t *testing.T) {
	var wire tap
	fields := []string{"family_name", "given_name"}
	_, role, c := granted(t, fields, &wire)
	if _, err := readAll(t, source(t, c, role), connectors.Query{Fields: fields}, 100); err != nil {
		t.Fatal(err)
	}
	g, err := synth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	wire.Lock()
	defer wire.Unlock()
	for _, canary := range []string{"CANARY", "@mail.example", "+7799", "argon2id"} {
		if bytes.Contains(wire.Bytes(), []byte(canary)) {
			t.Errorf("%q came from the server", canary)
		}
	}
	for _, needed := range []string{g.Person(0).Family, g.Person(1).KATO} {
		if !bytes.Contains(wire.Bytes(), []byte(needed)) {
			t.Error("the tap does not record what is permitted")
		}
	}
	for i := range 50 {
		if bytes.Contains(wire.Bytes(), []byte(g.Person(i).Birth.Format(time.DateOnly))) {
			t.Errorf("the birth date of person %d came from the server", i)
		}
	}
}

// A backend that dies in the middle of a read is an error, not the end.
func TestCutConnectionIsNotTheEnd(t *testing.T) {
	db := pgtest.New(t)
	o := options
	o.People = 20_000 // more than the socket's buffers hold
	if err := synth.Load(context.Background(), db.DB, o); err != nil {
		t.Fatal(err)
	}
	stream, err := source(t, example(t, Postgres), db.DB).Open(context.Background(), connectors.Query{Fields: allFields})
	if err != nil {
		t.Fatal(err)
	}
	b := record.NewBatch(allFields, 1000)
	if err := stream.Next(context.Background(), b, 1000); err != nil {
		t.Fatal(err)
	}
	var killed int
	if err := db.Get(&killed, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", db.Name); err != nil || killed == 0 {
		t.Fatalf("terminated %d backends, %v", killed, err)
	}
	for n := 1000; ; n += b.Len() {
		err = stream.Next(context.Background(), b, 1000)
		if err != nil {
			if err == io.EOF || n >= o.People {
				t.Errorf("after %d people: %v", n, err)
			}
			break
		}
	}
	if again := stream.Next(context.Background(), b, 1); again == nil || again == io.EOF || b.Len() != 0 {
		t.Errorf("after the error: %v", again)
	}
	if err := stream.Close(); err != nil && !strings.Contains(err.Error(), "source.database") {
		t.Errorf("closing: %v", err)
	}
}

// The text of a database error that may quote a value is kept out.
func TestDatabaseErrorsQuoteNoValues(t *testing.T) {
	db := pgtest.New(t)
	config := people(t, db.DB, Postgres, "text", "('a','CANARY','','on','')")
	db.MustExec("ALTER TABLE people RENAME TO base")
	db.MustExec("CREATE VIEW people AS SELECT id, iin, (iin::int)::text AS mail, state, kato FROM base")
	_, err := readAll(t, source(t, config, db.DB), connectors.Query{Fields: []string{"email"}}, 2)
	if record.CodeOf(err) != "source.database" || strings.Contains(err.Error(), "CANARY") || !strings.Contains(err.Error(), "22P02") {
		t.Errorf("got %v", err)
	}
}
