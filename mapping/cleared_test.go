package mapping_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

var now = time.Date(2026, 9, 1, 10, 0, 0, 0, register.Zone)

// exampleRegister is the shipped register with approvals by two administrators.
func exampleRegister(t testing.TB) *legal.Register {
	t.Helper()
	files := fstest.MapFS{}
	dir := os.DirFS("../deploy/birgeoqy/register")
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dir, path)
		files[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var signers []register.Signer
	var admins []register.Administrator
	for i, id := range []string{"admin-author", "admin-b", "admin-c"} {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
		signers = append(signers, register.Signer{ID: id, Key: key})
		admins = append(admins, register.Administrator{ID: id, Name: id, Role: register.RoleAdministration, PublicKey: register.PublicKey(key.Public().(ed25519.PublicKey))})
	}
	write := func(name string, b []byte, err error) *legal.Register {
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: b}
		r, err := legal.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	b, err := register.MarshalAdministrators(admins)
	r := write(register.FileAdministrators, b, err)
	b, err = register.MarshalApprovals(r.Sign(register.At(now.AddDate(0, 0, -30)), signers[1:]...))
	return write(register.FileApprovals, b, err)
}

// tableOf loads the mapping of a route as the service does, with the register's permission.
func tableOf(t testing.TB, r *legal.Register, route string) (*mapping.Table, *schemas.Schema) {
	t.Helper()
	raw, err := os.ReadFile("../deploy/birgeoqy/mapping/" + route + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	table, err := mapping.Load(route+".yaml", raw, r.Permitted(route))
	if err != nil {
		t.Fatal(err)
	}
	set, err := schemas.LoadSet(os.DirFS("../deploy/birgeoqy/schemas"))
	if err != nil {
		t.Fatal(err)
	}
	e, ok := set.Find(table.Schema().Digest)
	if !ok {
		t.Fatal("the schema is not in the set")
	}
	return table, e.Schema
}

// cohort is n synthetic people of 20 years with values for the gate's fields; the i-th has an IIN of a serial nobody has.
func cohort(t testing.TB, g *legal.Gate, n int, consent *record.Consent) *record.Batch {
	t.Helper()
	born := now.AddDate(-20, 0, -1)
	b := record.NewBatch(g.Fields(), n)
	for i := range n {
		var iin []byte
		for serial := i * 10; iin == nil; serial++ {
			prefix := fmt.Appendf(nil, "%s5%04d", born.Format("060102"), serial%10000)
			if digit, ok := kz.CheckDigit(prefix); ok {
				iin = append(prefix, digit)
			}
		}
		given := map[string]string{"family_name": "  Сейітқали", "given_name": "Ақ  Нұр", "iin": string(iin), "phone": "8 (700) 000-00-01", "parent_phone": "+77000000002",
			"region": "Түркістан облысы", "district": "Сайрам ауданы", "settlement": "Ақсу"}
		values := make([][]byte, len(g.Fields()))
		for k, f := range g.Fields() {
			values[k] = []byte(given[f])
		}
		b.Add(record.Person{Key: fmt.Appendf(nil, "k%06d", i), IIN: iin, Place: []byte("615230100"), Account: record.AccountActive,
			Updated: record.Micros(now.AddDate(0, -1, 0)), Ordinal: uint32(i + 1)}, values)
		if consent != nil {
			b.AddConsent(*consent)
		}
	}
	return b
}

var header = mapping.DocHeader{Transfer: record.ID{1}, Message: record.ID{2}, Batch: 1, Sender: "351240000010", Recipient: "351240000020", Route: "r", Purpose: "STATUTE",
	Path: "statute", Ground: "94-V art. 9(10)", Created: now}

// TestFromPersonToDocument goes the road from a batch over the law to a valid document, on both paths.
func TestFromPersonToDocument(t *testing.T) {
	r := exampleRegister(t)
	consent := record.Consent{Given: record.Micros(now.AddDate(-1, 0, 0)), Until: record.Micros(now.AddDate(1, 0, 0)), Evidence: true, Terms: &record.Terms{
		PolicyVersion: "v1", OperatorBIN: "351240000010", SubjectNamed: true, ThirdParties: record.Yes, CrossBorder: record.No, Publication: record.No,
		Fields: []string{"family_name", "given_name", "iin", "region"}, Purposes: []string{"rural_support"}, Recipients: []string{"kind:leb"}, GivenBy: "self", Method: "one_time_code"}}
	for route, c := range map[string]struct {
		consent *record.Consent
		want    string
	}{
		"ministry-statute": {nil, `{"address":{"district":"Сайрам ауданы","region":"Түркістан облысы","settlement":"Ақсу"},"family_name":"Сейітқали","given_name":"Ақ Нұр"}`},
		// The person's own list does not have the telephones, the district and the settlement.
		"oblast-consent": {&consent, `{"address":{"region":"Түркістан облысы"},"family_name":"Сейітқали","given_name":"Ақ Нұр"}`},
	} {
		table, schema := tableOf(t, r, route)
		gate, err := r.Gate(legal.Case{Route: route, Now: now, Demo: true, Channel: "rest"})
		if err != nil {
			t.Fatal(err)
		}
		e, err := table.Bind(gate.Fields(), schema.Checker())
		if err != nil {
			t.Fatal(err)
		}
		cleared := new(legal.Cleared)
		gate.Project(cohort(t, gate, 3, c.consent), cleared)
		doc, result, err := e.Encode(nil, cleared, header)
		if err != nil || len(result.Rows) != 3 {
			t.Fatalf("%s: %v, %+v, %d cleared", route, err, result, cleared.Len())
		}
		if found, err := schema.CheckDocument(doc); err != nil || len(found) > 0 {
			t.Fatalf("%s: %v %v", route, err, found)
		}
		var got struct{ Pupils []map[string]any }
		if err := json.Unmarshal(doc, &got); err != nil {
			t.Fatal(err)
		}
		delete(got.Pupils[0], "iin")
		if b, _ := json.Marshal(got.Pupils[0]); string(b) != c.want {
			t.Errorf("%s: the first pupil has other members or values than expected: %d bytes", route, len(b))
		}
	}
}

// TestRegisterDecidesWhatAMappingMayName loads the example's tables with a field of the recipient's wish list.
func TestRegisterDecidesWhatAMappingMayName(t *testing.T) {
	r := exampleRegister(t)
	for _, field := range []string{"middle_name", "birth_date", "sex", "school", "phone", "ip", "no_such_field"} {
		raw, err := os.ReadFile("../deploy/birgeoqy/mapping/ministry-statute.yaml")
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, "  - {target: extra, from: "+field+", necessity: the form has a box for it}\n"...)
		_, err = mapping.Load("ministry-statute.yaml", raw, r.Permitted("ministry-statute"))
		if record.CodeOf(err) != "mapping.field_not_permitted" || !strings.Contains(err.Error(), "rule ") || len(err.(record.Problems)) != 1 {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func BenchmarkEncodeCleared(b *testing.B) {
	r := exampleRegister(b)
	table, schema := tableOf(b, r, "ministry-statute")
	gate, err := r.Gate(legal.Case{Route: "ministry-statute", Now: now, Demo: true, Channel: "rest"})
	if err != nil {
		b.Fatal(err)
	}
	e, err := table.Bind(gate.Fields(), schema.Checker())
	if err != nil {
		b.Fatal(err)
	}
	cleared := new(legal.Cleared)
	gate.Project(cohort(b, gate, 1000, nil), cleared)
	dst, result, err := e.Encode(nil, cleared, header)
	if err != nil || len(result.Rows) != 1000 {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		dst, _, _ = e.Encode(dst[:0], cleared, header)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
