package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/synth"
	"birgeoqy.kz/almasu/mapping"
)

// decisive are the columns that a read needs of everybody to decide about them, whatever the route sends.
var decisive = map[string][]string{
	"profiles": {"id", "iin", "kato", "updated_at"}, "accounts": {"user_id", "state"},
	"consents": {"user_id", "form_id", "given_at", "valid_until", "withdrawn_at", "evidence_sha256"},
	"consent_forms": {"id", "policy_version", "operator_bin", "subject_named", "until_purpose", "third_parties", "cross_border", "publication",
		"fields", "purposes", "recipients", "given_by", "for_parent", "method"},
	"blocks": {"user_id", "lifted_at"}, "parent_blocks": {"user_id", "lifted_at"},
}

// TestMatrixOfConnectorsAndColumns takes each connector of the example, with the rights that "almasu grants" prints for it, and tries each column of the
// platform: those of the route's fields and the decision columns can be read, every other is denied by the database. As the whole read succeeds under
// these rights, no other column stands in its statements. A field that the register does not permit cannot be named by the connector's mapping either.
func TestMatrixOfConnectorsAndColumns(t *testing.T) {
	owner := pgtest.New(t)
	if err := synth.Load(t.Context(), owner.DB, synth.Options{People: 300, Seed: 1, At: demo.Start}); err != nil {
		t.Fatal(err)
	}
	example := filepath.Join("..", "..", "deploy", "birgeoqy")
	text, err := os.ReadFile(filepath.Join(example, "platform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	relations, err := platform.LoadConfig("platform.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := legal.Load(os.DirFS(filepath.Join(example, "register")))
	if err != nil {
		t.Fatal(err)
	}
	var columns []struct {
		Table  string `db:"table_name"`
		Column string `db:"column_name"`
	}
	if err := owner.Select(&columns, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"); err != nil || len(columns) < 55 {
		t.Fatalf("%d columns, %v", len(columns), err)
	}
	allowed, denied := 0, 0
	for i := range reg.Routes {
		rt := &reg.Routes[i]
		fields := []string{}
		for _, f := range rt.Fields {
			fields = append(fields, f.Field)
		}
		role := asRole(t, owner, relations, fields, fmt.Sprintf("reader_of_route_%d", i))
		want := map[string][]string{}
		for table, list := range decisive {
			want[table] = slices.Clone(list)
		}
		for _, f := range fields {
			want["profiles"] = append(want["profiles"], relations.Profiles.Fields[f])
		}
		if n := readAs(t, relations, role, fields); n != 300 {
			t.Errorf("%s: the role reads %d people", rt.Connector, n)
		}
		for _, c := range columns {
			_, err := role.Exec(fmt.Sprintf("SELECT %q FROM %q LIMIT 1", c.Column, c.Table))
			var server *pq.Error
			refused := errors.As(err, &server) && server.Code == "42501"
			if permitted := slices.Contains(want[c.Table], c.Column); permitted == refused || err != nil && !refused {
				t.Errorf("%s: %s.%s is permitted: %v, and the database says %v", rt.Connector, c.Table, c.Column, permitted, err)
			} else if refused {
				denied++
			} else {
				allowed++
			}
		}
		allowed += unnamed(t, reg, rt)
	}
	t.Logf("%d routes: %d cells are as permitted, %d columns are denied by the database", len(reg.Routes), allowed, denied)
	if len(reg.Routes) < 4 || denied < len(reg.Routes)*20 {
		t.Error("the matrix is not full")
	}
}

// asRole logs in as a role with the rights of a connector.
func asRole(t *testing.T, owner *pgtest.Database, c platform.Config, fields []string, name string) *sqlx.DB {
	t.Helper()
	text, err := platform.Grants(c, fields, name)
	if err != nil {
		t.Fatal(err)
	}
	owner.MustExec("CREATE ROLE " + name + " LOGIN NOSUPERUSER")
	owner.MustExec("GRANT ALL ON ALL TABLES IN SCHEMA public TO " + name) // which the statements must take away
	owner.MustExec(text)
	t.Cleanup(func() { owner.MustExec("DROP OWNED BY " + name + "; DROP ROLE " + name) })
	role, err := sqlx.Open("postgres", owner.Cluster.DSNFor(owner.Name, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = role.Close() })
	return role
}

func readAs(t *testing.T, c platform.Config, role *sqlx.DB, fields []string) (people int) {
	t.Helper()
	source, err := platform.New(c, role)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := source.Open(t.Context(), connectors.Query{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for b := record.NewBatch(fields, 100); stream.Next(t.Context(), b, 100) == nil; {
		people += b.Len()
	}
	return people
}

// outside are twenty data of which the policy has none.
var outside = strings.Fields("middle_name patronymic birth_date birth_year sex gender age school grade marks olympiad_results nationality address photo health " +
	"mother_name language password account_state consents")

// unnamed tries to name each field that the route does not permit in its mapping, and returns how many are refused.
func unnamed(t *testing.T, reg *legal.Register, rt *register.Route) (refused int) {
	t.Helper()
	fields := slices.Clone(outside)
	for i := range reg.Fields {
		fields = append(fields, reg.Fields[i].ID)
	}
	for _, f := range fields {
		if slices.ContainsFunc(rt.Fields, func(x register.RouteField) bool { return x.Field == f }) {
			continue
		}
		table := "mapping: m\nversion: 1\nschema: {name: n, version: 1, digest: \"sha256:" + strings.Repeat("1", 64) + "\"}\noutput: {format: jsonlines, records: r}\n" +
			"records:\n  - {target: x, from: " + f + ", necessity: it is asked for by the form}\n"
		_, err := mapping.Load("m.yaml", []byte(table), reg.Permitted(rt.ID))
		var ps record.Problems
		if !errors.As(err, &ps) || !slices.ContainsFunc(ps, func(p *record.Problem) bool { return p.Code == "mapping.field_not_permitted" }) {
			t.Errorf("%s: the mapping may name %s: %v", rt.Connector, f, err)
			continue
		}
		refused++
	}
	return refused
}
