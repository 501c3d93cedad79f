package synth

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
)

var at = time.Date(2026, time.November, 22, 10, 0, 0, 0, time.UTC)

func generator(t testing.TB, n int) *Generator {
	t.Helper()
	g, err := New(Options{People: n, Seed: 1, At: at})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPopulationIsDeterministic(t *testing.T) {
	a, b := generator(t, 100), generator(t, 5000)
	for i := 99; i >= 0; i-- {
		if p, q := a.Person(i), b.Person(i); !reflect.DeepEqual(p, q) {
			t.Fatalf("person %d differs with the order and the number of people", i)
		}
	}
}

func TestNumbersAreValidUniqueAndOutOfReach(t *testing.T) {
	const n = 100_000
	g, seen, bad := generator(t, n), make(map[string]bool, n), 0
	for i := range n {
		p := g.Person(i)
		if !kz.ValidIIN([]byte(p.IIN)) {
			bad++
			continue
		}
		if seen[p.IIN] {
			t.Fatalf("person %d has another one's number", i)
		}
		seen[p.IIN] = true
		if p.IIN[7] < '7' {
			t.Fatalf("person %d has a serial that somebody may have", i)
		}
		d, ok := kz.BirthDate([]byte(p.IIN))
		if !ok || d != kz.DateOf(p.Birth) {
			t.Fatalf("person %d: number and birth date differ", i)
		}
		age := d.Age(kz.DateOf(at))
		if under14 := i%6 != 5; under14 && (age < 10 || age > 13) || !under14 && (age < 14 || age > 17) {
			t.Fatalf("person %d is %d years old", i, age)
		}
	}
	if share := bad * 1000 / n; share < 15 || share > 40 {
		t.Errorf("%d of a thousand have no valid number", share)
	}
}

// The people of one day of birth have different serials up to the greatest number of people.
func TestNumbersStayUniqueAtTheLimit(t *testing.T) {
	g := generator(t, MaxPeople)
	seen := map[string]bool{}
	for _, c := range []struct{ first, step int }{{0, 6 * g.youngDays}, {5, 6 * g.oldDays}} {
		for i := c.first; i < MaxPeople; i += c.step {
			p := g.Person(i)
			if kz.ValidIIN([]byte(p.IIN)) && seen[p.IIN] {
				t.Fatalf("person %d has another one's number", i)
			}
			seen[p.IIN] = true
		}
	}
}

// Of a thousand people clearly more than 300 pass each route, and every rule has somebody to refuse.
func TestSharesOfAThousand(t *testing.T) {
	g := generator(t, 1000)
	statute, consent := 0, 0
	situations, accounts := map[string]int{}, map[string]int{}
	blocked, lifted, noNumber := 0, 0, 0
	for i := range 1000 {
		p := g.Person(i)
		situations[p.Situation]++
		accounts[p.Account]++
		stands := p.Block.By != "" && p.Block.Lifted.IsZero()
		switch {
		case stands:
			blocked++
		case p.Block.By != "":
			lifted++
		}
		if !kz.ValidIIN([]byte(p.IIN)) {
			noNumber++
		}
		if p.Account != "active" || stands || !kz.ValidIIN([]byte(p.IIN)) {
			continue
		}
		statute++
		if kz.Within([]byte(p.KATO), []byte("610000000")) && good(p.Situation, i%6 != 5) {
			consent++
		}
	}
	if statute < 800 || consent < 400 {
		t.Errorf("%d pass the statute route and %d the consent route", statute, consent)
	}
	for _, state := range []string{"active", "closed", "disagreed", "withdrawn", "erased"} {
		if accounts[state] == 0 {
			t.Errorf("nobody is %s", state)
		}
	}
	if blocked == 0 || lifted == 0 || noNumber == 0 {
		t.Errorf("blocked %d, lifted %d, without a number %d", blocked, lifted, noNumber)
	}
	for _, s := range Situations(true) {
		if situations[s.Name] == 0 && s.Weight > 5 {
			t.Errorf("nobody is in the situation %s", s.Name)
		}
	}
}

func good(situation string, under14 bool) bool {
	for _, s := range Situations(under14) {
		if s.Name == situation {
			return s.Good
		}
	}
	return false
}

func TestWeightsSumToAThousand(t *testing.T) {
	for _, under14 := range []bool{true, false} {
		sum := 0
		for _, s := range Situations(under14) {
			sum += s.Weight
			for _, a := range s.acts {
				if formIDs[a.form] == 0 {
					t.Errorf("situation %s uses the unknown form %s", s.Name, a.form)
				}
			}
		}
		if sum != 1000 {
			t.Errorf("under 14 = %v: the weights sum to %d", under14, sum)
		}
	}
}

func TestPlacesAreReal(t *testing.T) {
	g := generator(t, 2000)
	inside, unknown := 0, 0
	for i := range 2000 {
		p := g.Person(i)
		if _, ok := kz.KATO().Lookup(p.KATO); !ok {
			unknown++
		}
		if kz.Within([]byte(p.KATO), []byte("610000000")) {
			inside++
		}
	}
	if inside < 1200 || inside > 1400 || unknown < 1 || unknown > 60 {
		t.Errorf("of 2000 %d live in the oblast and %d nowhere", inside, unknown)
	}
}

func TestFormsDiffer(t *testing.T) {
	forms := Forms(Options{Policy: "v7", Purpose: "x"})
	for i, f := range forms {
		if f.ID != i+1 {
			t.Errorf("form %s has the id %d", f.Name, f.ID)
		}
		for _, other := range forms[:i] {
			if reflect.DeepEqual(f.Terms, other.Terms) {
				t.Errorf("the forms %s and %s say the same", f.Name, other.Name)
			}
		}
	}
	if forms[0].Terms.PolicyVersion != "v7" || forms[0].Terms.ThirdParties != record.Yes || forms[0].Terms.Purposes[0] != "x" {
		t.Error("the options do not reach the forms")
	}
}

func TestImpossibleOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no time":     {People: 1},
		"negative":    {People: -1, At: at},
		"too many":    {People: MaxPeople + 1, At: at},
		"no oblast":   {People: 1, At: at, Oblast: "990000000"},
		"no such one": {People: 1, At: at, Oblast: "Abai"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLoadSQLite(t *testing.T) {
	db, err := sqlx.Open("sqlite", filepath.Join(t.TempDir(), "platform.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	checkLoad(t, db)
}

func TestLoadPostgres(t *testing.T) { checkLoad(t, pgtest.New(t).DB) }

func checkLoad(t *testing.T, db *sqlx.DB) {
	t.Helper()
	o := Options{People: 500, Seed: 1, At: at, Canary: "CANARY-"}
	if err := Load(context.Background(), db, o); err != nil {
		t.Fatal(err)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	accounts, consents, blocks := 0, 0, 0
	for i := range o.People {
		p := g.Person(i)
		consents += len(p.Consents)
		if p.Account != "" {
			accounts++
		}
		if p.Block.By != "" {
			blocks++
		}
		var given, middle *string
		if err := db.QueryRow("SELECT given_name, middle_name FROM profiles WHERE id = $1", p.ID).Scan(&given, &middle); err != nil {
			t.Fatal(err)
		}
		if (given == nil) != (p.Given == "") || given != nil && *given != p.Given || !strings.HasPrefix(*middle, "CANARY-") {
			t.Fatalf("person %d was loaded otherwise", i)
		}
	}
	for table, want := range map[string]int{
		"profiles": 500, "accounts": accounts, "consents": consents, "blocks": blocks, "consent_forms": len(Forms(o)),
	} {
		var n int
		if err := db.Get(&n, "SELECT count(*) FROM "+table); err != nil || n != want {
			t.Errorf("%s has %d rows (%v), want %d", table, n, err, want)
		}
	}
	if err := Load(context.Background(), db, o); err == nil {
		t.Error("loading twice succeeds")
	}
}

func BenchmarkPerson(b *testing.B) {
	g, i := generator(b, MaxPeople), 0
	for b.Loop() {
		g.Person(i)
		i++
	}
}
