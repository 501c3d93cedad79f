package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/synth"
)

var (
	at        = time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC)
	options   = synth.Options{People: 700, Seed: 3, At: at, Canary: "CANARY-"}
	allFields = []string{"family_name", "given_name", "email", "iin", "phone", "region", "district", "settlement", "parent_phone"}
)

// onBoth runs a test on an empty database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, db *sqlx.DB, dialect string)) {
	t.Run(SQLite, func(t *testing.T) {
		db, err := sqlx.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "p.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		test(t, db, SQLite)
	})
	t.Run(Postgres, func(t *testing.T) { test(t, pgtest.New(t).DB, Postgres) })
}

// onPeople runs a test on a database of each kind with the synthetic people.
func onPeople(t *testing.T, test func(t *testing.T, db *sqlx.DB, c Config)) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		if err := synth.Load(context.Background(), db, options); err != nil {
			t.Fatal(err)
		}
		test(t, db, example(t, dialect))
	})
}

// source returns a source that reads stretches of a few people.
func source(t testing.TB, c Config, db *sqlx.DB) *Source {
	t.Helper()
	s, err := New(c, db)
	if err != nil {
		t.Fatal(err)
	}
	s.stretch = 23
	return s
}

// seen is one person as a stream gave them.
type seen struct {
	Person   record.Person
	Values   []string // "-" for NULL
	Consents []record.Consent
}

// readAll reads a query to its end in batches of n.
func readAll(t testing.TB, s *Source, q connectors.Query, n int) ([]seen, error) {
	t.Helper()
	q.Wide, q.Updated = true, true
	stream, err := s.Open(context.Background(), q)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := stream.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}()
	return collect(t, stream, q.Fields, n)
}

// collect reads a stream to its end in batches of n.
func collect(t testing.TB, stream connectors.Stream, fields []string, n int) ([]seen, error) {
	t.Helper()
	var all []seen
	b := record.NewBatch(fields, n)
	for {
		err := stream.Next(context.Background(), b, n)
		if err != nil && b.Len() > 0 {
			t.Error("an error comes with people")
		}
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if b.Len() == 0 || b.Len() > n {
			t.Fatalf("a batch of %d people", b.Len())
		}
		all = appendPeople(all, b)
	}
}

func appendPeople(all []seen, b *record.Batch) []seen {
	for i := range b.Len() {
		p := *b.Person(i)
		one := seen{Person: record.Person{
			Key: slices.Clone(p.Key), IIN: slices.Clone(p.IIN), Place: slices.Clone(p.Place),
			Account: p.Account, Updated: p.Updated, Blocked: p.Blocked, ParentBlocked: p.ParentBlocked,
		}, Consents: slices.Clone(b.Consents(i))}
		for column := range b.Fields() {
			value, ok := b.Value(i, column)
			if !ok {
				value = []byte("-")
			}
			one.Values = append(one.Values, string(value))
		}
		all = append(all, one)
	}
	return all
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// expected is what a stream must say of a synthetic person.
func expected(p synth.Person, forms []synth.Form) seen {
	null := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	id := uint64(p.ID) ^ 1<<63
	one := seen{
		Person: record.Person{
			Key: []byte{byte(id >> 56), byte(id >> 48), byte(id >> 40), byte(id >> 32), byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)},
			IIN: []byte(p.IIN), Place: []byte(p.KATO), Account: record.ParseAccountState([]byte(p.Account)),
			Updated: micros(p.Updated), Blocked: p.Block.By != "" && p.Block.Lifted.IsZero(),
		},
		Values: []string{null(p.Family), null(p.Given), null(p.Email), null(p.IIN), null(p.Phone), null(p.Region), null(p.District),
			null(p.Settlement), null(p.ParentPhone)},
	}
	for _, c := range p.Consents {
		one.Consents = append(one.Consents, record.Consent{
			Terms: &forms[c.Form-1].Terms, Given: micros(c.Given), Until: micros(c.Until), Withdrawn: micros(c.Withdrawn), Evidence: c.Evidence != "",
		})
	}
	slices.SortStableFunc(one.Consents, func(a, b record.Consent) int {
		return cmp.Or(cmp.Compare(a.Given, b.Given), cmp.Compare(a.Until, b.Until), cmp.Compare(a.Withdrawn, b.Withdrawn),
			cmp.Compare(a.Terms.GivenBy, b.Terms.GivenBy))
	})
	return one
}

func same(a, b seen) bool {
	if string(a.Person.Key) != string(b.Person.Key) || string(a.Person.IIN) != string(b.Person.IIN) || string(a.Person.Place) != string(b.Person.Place) {
		return false
	}
	a.Person.Key, a.Person.IIN, a.Person.Place = nil, nil, nil
	b.Person.Key, b.Person.IIN, b.Person.Place = nil, nil, nil
	if len(a.Consents) != len(b.Consents) {
		return false
	}
	for i := range a.Consents {
		x, y := a.Consents[i], b.Consents[i]
		if !reflect.DeepEqual(x.Terms, y.Terms) {
			return false
		}
		x.Terms, y.Terms = nil, nil
		if x != y {
			return false
		}
	}
	return reflect.DeepEqual(a.Person, b.Person) && slices.Equal(a.Values, b.Values)
}

func TestEverybodyIsReadAsTheyAre(t *testing.T) {
	g, err := synth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	forms := synth.Forms(options)
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		if err := Check(context.Background(), db, c); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 64, 700, 1000} {
			all, err := readAll(t, source(t, c, db), connectors.Query{Fields: allFields}, n)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != options.People {
				t.Fatalf("%d people", len(all))
			}
			for i, got := range all {
				if want := expected(g.Person(i), forms); !same(got, want) {
					t.Fatalf("batches of %d: person %d differs:\n%+v\n%+v", n, i, got, want)
				}
			}
		}
	})
}

func TestEqualTermsAreOnePointer(t *testing.T) {
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		all, err := readAll(t, source(t, c, db), connectors.Query{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		pointers := map[*record.Terms]bool{}
		for _, one := range all {
			for _, consent := range one.Consents {
				pointers[consent.Terms] = true
			}
		}
		if len(pointers) > len(synth.Forms(options)) || len(pointers) < 10 {
			t.Errorf("%d different terms of %d forms", len(pointers), len(synth.Forms(options)))
		}
	})
}

func TestUnmappedFieldsAreAllNamed(t *testing.T) {
	s := source(t, example(t, SQLite), nil)
	_, err := s.Open(context.Background(), connectors.Query{Fields: []string{"iin", "middle_name", "school"}})
	if got := codes(err); !slices.Equal(got, []string{"source.field_unmapped", "source.field_unmapped"}) {
		t.Errorf("got %v", got)
	}
}

func TestStreamSeesOneSnapshot(t *testing.T) {
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		ctx, b := context.Background(), record.NewBatch([]string{"given_name"}, 10)
		stream, err := source(t, c, db).Open(ctx, connectors.Query{Fields: b.Fields()})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		if stream.Snapshot() == "" {
			t.Error("the snapshot has no name")
		}
		if err := stream.Next(ctx, b, 10); err != nil {
			t.Fatal(err)
		}
		db.MustExec("UPDATE profiles SET given_name = 'changed'")
		db.MustExec("DELETE FROM consents")
		n, consents := 10, 0
		for {
			err := stream.Next(ctx, b, 10)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Len() {
				if v, _ := b.Value(i, 0); string(v) == "changed" {
					t.Fatal("a later change is seen")
				}
				consents += len(b.Consents(i))
			}
			n += b.Len()
		}
		if n != options.People || consents == 0 {
			t.Errorf("%d people with %d consents", n, consents)
		}
	})
}

func TestBatchMustHaveTheQuerysColumns(t *testing.T) {
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		stream, err := source(t, c, db).Open(context.Background(), connectors.Query{Fields: []string{"iin"}})
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		if err := stream.Next(context.Background(), record.NewBatch([]string{"phone"}, 1), 1); record.CodeOf(err) != "source.fields" {
			t.Errorf("got %v", err)
		}
	})
}

// people makes a small platform whose key type and rows a test chooses.
func people(t testing.TB, db *sqlx.DB, dialect, keyColumn, rows string) Config {
	t.Helper()
	db.MustExec("CREATE TABLE people (id " + keyColumn + ", iin text, mail text, state text, kato text)")
	if rows != "" {
		db.MustExec("INSERT INTO people VALUES " + rows)
	}
	return Config{
		Dialect:  dialect,
		Profiles: Profiles{Relation: "people", Key: "id", KeyType: KeyText, IIN: "iin", Place: []string{"kato", "state"}, Fields: map[string]string{"email": "mail"}},
		Accounts: Accounts{State: "state", States: map[string]string{"on": "active", "off": "closed"}},
	}
}

func TestOrderAndKeyFailures(t *testing.T) {
	for name, c := range map[string]struct{ column, kind, rows, code string }{
		"key twice":     {"text", KeyText, "('a','','','on',''),('a','','','on','')", "source.order"},
		"key NULL":      {"text", KeyText, "(NULL,'','','on','')", "source.key_malformed"},
		"not a number":  {"text", KeyInteger, "('x','','','on','')", "source.key_malformed"},
		"order by text": {"text", KeyInteger, "('10','','','on',''),('9','','','on','')", "source.order"},
		"not a uuid":    {"text", KeyUUID, "('x','','','on','')", "source.key_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
				config := people(t, db, dialect, c.column, c.rows)
				config.Profiles.KeyType = c.kind
				_, err := readAll(t, source(t, config, db), connectors.Query{Fields: []string{"email"}}, 10)
				if record.CodeOf(err) != c.code {
					t.Errorf("got %v, want %s", err, c.code)
				}
			})
		})
	}
}

func TestKeyTypesOrderAndMissingValues(t *testing.T) {
	for name, c := range map[string]struct{ column, kind, rows string }{
		"text":    {"text", KeyText, "('b','2','','off','1'),('B','1',NULL,NULL,''),('ә','3','x','odd',NULL)"},
		"integer": {"bigint", KeyInteger, "(0,'2','','off','1'),(-5,'1',NULL,NULL,''),(900,'3','x','odd',NULL)"},
		"uuid": {"uuid", KeyUUID, "('10000000-0000-0000-0000-000000000000','2','','off','1'),('0f000000-0000-0000-0000-000000000000','1',NULL,NULL,'')," +
			"('f0000000-0000-0000-0000-000000000000','3','x','odd',NULL)"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
				config := people(t, db, dialect, c.column, c.rows)
				config.Profiles.KeyType = c.kind
				all, err := readAll(t, source(t, config, db), connectors.Query{Fields: []string{"email"}}, 2)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, one := range all {
					got = append(got, fmt.Sprintf("%s %q %s %s", one.Person.IIN, one.Values, one.Person.Account, one.Person.Place))
				}
				want := []string{`1 ["-"] unknown `, `2 [""] closed 1`, `3 ["x"] unknown odd`}
				if !slices.Equal(got, want) {
					t.Errorf("read %q, want %q", got, want)
				}
			})
		})
	}
}

func TestInlineTermsGoBeforeTheForms(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		config := people(t, db, dialect, "text", "('a','1','','on','')")
		db.MustExec("CREATE TABLE agreed (who text, form text, how text, scope text, at text)")
		db.MustExec("CREATE TABLE forms (name text, method text, version text, fields text, named text)")
		db.MustExec("INSERT INTO forms VALUES ('f', 'written', 'v1', 'iin', 'yes')")
		db.MustExec("INSERT INTO agreed VALUES ('a','f',NULL,NULL,'2026-01-01'), ('a','f','kdp','iin,phone','2026-01-02'), ('a','gone',NULL,NULL,'2026-01-03')")
		config.Consents = &Consents{Relation: "agreed", Key: "who", Given: "at", Form: "form", Terms: Terms{Method: "how", Fields: "scope"}}
		config.ConsentForms = &ConsentForms{Relation: "forms", Key: "name", Terms: Terms{Method: "method", PolicyVersion: "version", Fields: "fields", SubjectNamed: "named"}}
		if err := Check(context.Background(), db, config); err != nil {
			t.Fatal(err)
		}
		all, err := readAll(t, source(t, config, db), connectors.Query{}, 2)
		if err != nil || len(all) != 1 || len(all[0].Consents) != 3 {
			t.Fatalf("read %v, %v", all, err)
		}
		for i, want := range []record.Terms{
			{PolicyVersion: "v1", Method: "written", Fields: []string{"iin"}, SubjectNamed: true},
			{PolicyVersion: "v1", Method: "kdp", Fields: []string{"iin", "phone"}, SubjectNamed: true},
			{}, // an unknown form says nothing
		} {
			if got := *all[0].Consents[i].Terms; !reflect.DeepEqual(got, want) {
				t.Errorf("consent %d has the terms %+v, want %+v", i, got, want)
			}
		}
		db.MustExec("UPDATE forms SET named = 'perhaps'")
		if _, err := readAll(t, source(t, config, db), connectors.Query{}, 2); record.CodeOf(err) != "source.bool_malformed" {
			t.Errorf("a doubtful truth value gives %v", err)
		}
		db.MustExec("UPDATE agreed SET at = 'yesterday'")
		if _, err := readAll(t, source(t, config, db), connectors.Query{}, 2); record.CodeOf(err) != "source.time_malformed" {
			t.Errorf("a malformed time gives %v", err)
		}
	})
}

// With accounts in a relation of their own a second account must not pass for a second consent.
func TestTwoAccountsAreAnError(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		config := people(t, db, dialect, "text", "('a','1','','on','')")
		db.MustExec("CREATE TABLE accounts (who text, state text)")
		db.MustExec("INSERT INTO accounts VALUES ('a', 'on'), ('a', 'off')")
		db.MustExec("CREATE TABLE agreed (who text, how text, at text)")
		db.MustExec("INSERT INTO agreed VALUES ('a','kdp','2026-01-01')")
		config.Accounts.Relation, config.Accounts.Key = "accounts", "who"
		config.Consents = &Consents{Relation: "agreed", Key: "who", Given: "at", Terms: Terms{Method: "how"}}
		if _, err := readAll(t, source(t, config, db), connectors.Query{}, 2); record.CodeOf(err) != "source.order" {
			t.Errorf("got %v", err)
		}
	})
}

func TestBlockWithoutPersonStopsEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		config := people(t, db, dialect, "text", "('a','1','','on',''),('b','1','','on','')")
		db.MustExec("CREATE TABLE stops (who text)")
		db.MustExec("INSERT INTO stops VALUES ('b'), ('zz'), ('b')")
		config.Blocks = &Blocks{Relation: "stops", Key: "who"}
		all, err := readAll(t, source(t, config, db), connectors.Query{}, 2)
		if err != nil || all[0].Person.Blocked || !all[1].Person.Blocked {
			t.Errorf("read %+v, %v", all, err)
		}
		db.MustExec("INSERT INTO stops VALUES (NULL)")
		if _, err := readAll(t, source(t, config, db), connectors.Query{}, 2); record.CodeOf(err) != "source.key_malformed" {
			t.Errorf("got %v", err)
		}
	})
}

func TestBlocksOfParentsAreReadBesideThoseOfPeople(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		config := people(t, db, dialect, "text", "('a','1','','on',''),('b','1','','on',''),('c','1','','on','')")
		db.MustExec("CREATE TABLE stops (who text)")
		db.MustExec("INSERT INTO stops VALUES ('a')")
		db.MustExec("CREATE TABLE parents (child text, over text)")
		db.MustExec("INSERT INTO parents VALUES ('b', NULL), ('c', 'lifted')")
		config.Blocks = &Blocks{Relation: "stops", Key: "who"}
		config.ParentBlocks = &Blocks{Relation: "parents", Key: "child", Lifted: "over"}
		all, err := readAll(t, source(t, config, db), connectors.Query{}, 2)
		if err != nil || len(all) != 3 {
			t.Fatalf("read %+v, %v", all, err)
		}
		for i, want := range [][2]bool{{true, false}, {false, true}, {false, false}} {
			if p := all[i].Person; p.Blocked != want[0] || p.ParentBlocked != want[1] {
				t.Errorf("person %d: blocked %v, parent blocked %v", i, p.Blocked, p.ParentBlocked)
			}
		}
		db.MustExec("INSERT INTO parents VALUES (NULL, NULL)")
		if _, err := readAll(t, source(t, config, db), connectors.Query{}, 2); record.CodeOf(err) != "source.key_malformed" {
			t.Errorf("a block of an unknown child's parent gives %v", err)
		}
	})
}

func TestCancellationIsNotTheEnd(t *testing.T) {
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		stream, err := source(t, c, db).Open(context.Background(), connectors.Query{})
		if err != nil {
			t.Fatal(err)
		}
		b := record.NewBatch(nil, 10)
		if err := stream.Next(context.Background(), b, 10); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for {
			if err = stream.Next(ctx, b, 1); err != nil {
				break
			}
		}
		if !errors.Is(err, context.Canceled) || b.Len() != 0 {
			t.Errorf("got %v with %d people", err, b.Len())
		}
		if again := stream.Next(context.Background(), b, 10); again == nil || again == io.EOF {
			t.Errorf("after the error: %v", again)
		}
		if err := stream.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		if all, err := readAll(t, source(t, c, db), connectors.Query{}, 100); err != nil || len(all) != options.People {
			t.Errorf("the next read has %d people, %v", len(all), err)
		}
	})
}

func TestClosedStreamIsNotAtItsEnd(t *testing.T) {
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		stream, err := source(t, c, db).Open(context.Background(), connectors.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := stream.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.Next(context.Background(), record.NewBatch(nil, 1), 1); record.CodeOf(err) != "source.closed" {
			t.Errorf("got %v", err)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%d connections are still in use", n)
		}
	})
}
