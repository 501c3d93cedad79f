package platform

import (
	"context"
	"slices"
	"testing"

	"github.com/jmoiron/sqlx"
)

func TestCheckReportsEverythingAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		config := people(t, db, dialect, "bigint", "")
		config.Profiles.Fields = map[string]string{"email": "mial", "phone": "Mail"}
		config.Profiles.Updated = "kato"
		config.Blocks = &Blocks{Relation: "stops", Key: "who", Lifted: "over"}
		db.MustExec("CREATE TABLE agreed (who integer, given integer)")
		config.Consents = &Consents{Relation: "agreed", Key: "who", Given: "given", Terms: Terms{Method: "how"}}
		want := []string{"source.column_missing", "source.column_missing", "source.column_missing", "source.relation_missing"}
		if dialect == Postgres { // the key is no text, nor are those of the consents, and a time may not be an int4
			want = []string{"source.column_missing", "source.column_missing", "source.column_missing", "source.column_type", "source.column_type", "source.column_type", "source.relation_missing"}
		}
		if got := codes(Check(context.Background(), db, config)); !slices.Equal(got, want) {
			t.Errorf("found %v, want %v", got, want)
		}
	})
}

func TestCheckSeesMissingRights(t *testing.T) {
	_, role, c := granted(t, nil, nil)
	if err := Check(context.Background(), role, c); err != nil {
		t.Fatal(err)
	}
	c.Profiles.Place = []string{"settlement"}
	if got := codes(Check(context.Background(), role, c)); !slices.Equal(got, []string{"source.database"}) {
		t.Errorf("found %v", got)
	}
}

func TestCheckRefusesABrokenConfiguration(t *testing.T) {
	if err := Check(context.Background(), nil, Config{}); err == nil {
		t.Error("accepted")
	}
}
