package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/synth"
)

// peopled makes a PostgreSQL platform with the synthetic people.
func peopled(t testing.TB) *sqlx.DB {
	t.Helper()
	db := pgtest.New(t)
	if err := synth.Load(context.Background(), db.DB, options); err != nil {
		t.Fatal(err)
	}
	return db.DB
}

// TestLanesReadWhatOneConnectionReads: whatever the stretches, also of one person, and of just all of them.
func TestLanesReadWhatOneConnectionReads(t *testing.T) {
	db, c := peopled(t), example(t, Postgres)
	c.Connections = 1
	whole, err := readAll(t, source(t, c, db), connectors.Query{Fields: allFields}, 100)
	if err != nil || len(whole) != options.People {
		t.Fatalf("%d people, %v", len(whole), err)
	}
	c.Connections = 2
	random := rand.New(rand.NewPCG(1, 2))
	for _, stretch := range []int{1, 2, options.People/2 - 1, options.People / 2, options.People - 1, options.People, options.People + 1, 1 + random.IntN(100)} {
		s, from := source(t, c, db), random.IntN(options.People)
		s.stretch = stretch
		for _, q := range []connectors.Query{{Fields: allFields}, {Fields: allFields, After: whole[from].Person.Key}} {
			want := whole
			if q.After != nil {
				want = whole[from+1:]
			}
			got, err := readAll(t, s, q, 1+random.IntN(300))
			if err != nil || len(got) != len(want) {
				t.Fatalf("stretches of %d: %d people of %d, %v", stretch, len(got), len(want), err)
			}
			for i := range got {
				if !same(got[i], want[i]) || string(got[i].Person.Key) != string(want[i].Person.Key) {
					t.Fatalf("stretches of %d: person %d differs", stretch, i)
				}
			}
		}
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
}

// TestLanesReadUUIDs: uuids are in no order in the table, and blocks are larger than a row.
func TestLanesReadUUIDs(t *testing.T) {
	db := pgtest.New(t).DB
	c := people(t, db, Postgres, "uuid", "")
	c.Profiles.KeyType = KeyUUID
	db.MustExec("ALTER TABLE people ADD PRIMARY KEY (id)")
	db.MustExec("INSERT INTO people SELECT gen_random_uuid(), '', repeat('x', (n % 7) * 20000), 'on', '' FROM generate_series(1, 300) AS n")
	all, err := readAll(t, source(t, c, db), connectors.Query{Fields: []string{"email"}}, 20)
	if err != nil || len(all) != 300 {
		t.Fatalf("%d people, %v", len(all), err)
	}
	sizes := map[int]int{}
	for _, one := range all {
		sizes[len(one.Values[0])]++
	}
	if len(sizes) != 7 || sizes[120000] < 42 {
		t.Errorf("sizes of values: %v", sizes)
	}
}

// TestLanesSeeOneSnapshot changes everybody, and adds people, once the first batch was read.
func TestLanesSeeOneSnapshot(t *testing.T) {
	db, c := peopled(t), example(t, Postgres)
	stream, err := source(t, c, db).Open(t.Context(), connectors.Query{Fields: allFields, Wide: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	b := record.NewBatch(allFields, 10)
	if err := stream.Next(t.Context(), b, 10); err != nil {
		t.Fatal(err)
	}
	first := appendPeople(nil, b)
	db.MustExec("UPDATE profiles SET given_name = 'Changed'")
	db.MustExec("DELETE FROM profiles WHERE id % 3 = 0")
	rest, err := collect(t, stream, allFields, 50)
	if err != nil || len(first)+len(rest) != options.People {
		t.Fatalf("%d people, %v", len(first)+len(rest), err)
	}
	for _, one := range rest {
		if one.Values[1] == "Changed" {
			t.Fatal("a later change is seen")
		}
	}
}

// TestSomebodyWithoutKey is found although no stretch holds them.
func TestSomebodyWithoutKey(t *testing.T) {
	db := pgtest.New(t).DB
	c := people(t, db, Postgres, "bigint", "")
	c.Profiles.KeyType = KeyInteger
	db.MustExec("CREATE INDEX ON people (id)")
	db.MustExec("INSERT INTO people SELECT nullif(n, 100), '', '', 'on', '' FROM generate_series(1, 200) AS n")
	all, err := readAll(t, source(t, c, db), connectors.Query{}, 50)
	if record.CodeOf(err) != "source.key_malformed" {
		t.Errorf("%d people, %v", len(all), err)
	}
}

// TestSecondConnectionRefused names what to do, and the configuration's way out works.
func TestSecondConnectionRefused(t *testing.T) {
	fields := []string{"family_name"}
	db, role, c := granted(t, fields, nil)
	var name string
	if err := role.Get(&name, "SELECT current_user"); err != nil {
		t.Fatal(err)
	}
	role.SetMaxIdleConns(0)
	db.MustExec(fmt.Sprintf(`ALTER ROLE "%s" CONNECTION LIMIT 1`, name))
	_, err := readAll(t, source(t, c, role), connectors.Query{Fields: fields}, 100)
	if record.CodeOf(err) != "source.database" || !strings.Contains(hintOf(err), "connections: 1") {
		t.Errorf("got %v, %s", err, hintOf(err))
	}
	for left := 1; left > 0; { // the server counts a connection for a moment after its end
		if err := db.Get(&left, "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", name); err != nil {
			t.Fatal(err)
		}
	}
	c.Connections = 1
	if all, err := readAll(t, source(t, c, role), connectors.Query{Fields: fields}, 100); err != nil || len(all) != options.People {
		t.Errorf("over one: %d people, %v", len(all), err)
	}
}

// TestClosingEndsLanes closes streams in the middle, and at once: no goroutine and no connection is left.
func TestClosingEndsLanes(t *testing.T) {
	db, c := peopled(t), example(t, Postgres)
	before := runtime.NumGoroutine()
	for i := range 40 {
		stream, err := source(t, c, db).Open(t.Context(), connectors.Query{Wide: true})
		if err != nil {
			t.Fatal(err)
		}
		b := record.NewBatch(nil, 30)
		for range i % 4 {
			if err := stream.Next(t.Context(), b, 30); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.Close(); err != nil {
			t.Fatal(err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Fatalf("%d connections are in use", n)
		}
		nothingPrepared(t, db)
	}
	db.SetMaxIdleConns(0)
	db.Close()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
		}
	}
}

// nothingPrepared looks for statements that were left on the pool's connections, which it may have two of.
func nothingPrepared(t *testing.T, db *sqlx.DB) {
	t.Helper()
	for range 2 {
		conn, err := db.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var left int
		if err := conn.GetContext(t.Context(), &left, "SELECT count(*) FROM pg_prepared_statements"); err != nil || left != 0 {
			t.Fatalf("%d statements are left on a connection, %v", left, err)
		}
	}
}

// TestSecondBackendDies in the middle of a read: that is an error, not the end.
func TestSecondBackendDies(t *testing.T) {
	for _, which := range []string{"min", "max"} {
		db, c := peopled(t), example(t, Postgres)
		s := source(t, c, db)
		s.stretch = 5
		stream, err := s.Open(t.Context(), connectors.Query{Fields: allFields, Wide: true})
		if err != nil {
			t.Fatal(err)
		}
		b := record.NewBatch(allFields, 5)
		if err := stream.Next(t.Context(), b, 5); err != nil {
			t.Fatal(err)
		}
		var killed int
		if err := db.Get(&killed, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = (SELECT "+which+
			"(pid) FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid())"); err != nil || killed != 1 {
			t.Fatalf("terminated %d backends, %v", killed, err)
		}
		n := 5
		for ; ; n += b.Len() {
			if err = stream.Next(t.Context(), b, 5); err != nil {
				break
			}
		}
		if n < options.People && (err == io.EOF || record.CodeOf(err) != "source.database") {
			t.Errorf("after %d people: %v", n, err)
		}
		_ = stream.Close()
	}
}

// TestOneConnectionWithoutIndex: where the end of a stretch is not found by an index, everybody would be looked at for each.
func TestOneConnectionWithoutIndex(t *testing.T) {
	db := pgtest.New(t).DB
	c := people(t, db, Postgres, "bigint", "")
	c.Profiles.KeyType = KeyInteger
	db.MustExec("INSERT INTO people SELECT n, '', '', 'on', '' FROM generate_series(1, 300) AS n")
	for _, index := range []string{"", "CREATE UNIQUE INDEX ON people (id)"} {
		db.MustExec(index)
		st, err := source(t, c, db).Open(t.Context(), connectors.Query{Wide: true})
		if err != nil {
			t.Fatal(err)
		}
		n := db.Stats().InUse
		all, err := collect(t, st, nil, 100)
		if err := errors.Join(err, st.Close()); err != nil || len(all) != 300 {
			t.Fatalf("%d people, %v", len(all), err)
		}
		if want := map[bool]int{true: 1, false: 2}[index == ""]; n != want {
			t.Errorf("%q: %d connections, want %d", index, n, want)
		}
	}
}

func hintOf(err error) string {
	var p *record.Problem
	if !errors.As(err, &p) {
		return ""
	}
	return p.Hint
}

// TestWaitingForTheReader: a server that ends idle transactions does not end a connection that waits for its turn. The first one's stretches are long, so that it waits for the
// reader, and the second one for it.
func TestWaitingForTheReader(t *testing.T) {
	db := pgtest.New(t).DB
	c := people(t, db, Postgres, "bigint", "")
	c.Profiles.KeyType = KeyInteger
	db.MustExec("CREATE UNIQUE INDEX ON people (id)")
	db.MustExec("INSERT INTO people SELECT n, '', repeat('x', CASE WHEN (n - 1) / 10 % 2 = 0 THEN 120000 ELSE 1 END), 'on', '' FROM generate_series(1, 300) AS n")
	var name string
	if err := db.Get(&name, "SELECT current_database()"); err != nil {
		t.Fatal(err)
	}
	db.MustExec("ALTER DATABASE " + name + " SET idle_in_transaction_session_timeout = '20ms'")
	db.SetMaxIdleConns(0) // what was connected before has the old setting
	s, fields := source(t, c, db), []string{"email"}
	s.stretch = 10
	stream, err := s.Open(t.Context(), connectors.Query{Fields: fields, Wide: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	db.MustExec("SELECT pg_sleep(0.5)")
	if all, err := collect(t, stream, fields, 50); err != nil || len(all) != 300 {
		t.Errorf("%d people, %v", len(all), err)
	}
}
