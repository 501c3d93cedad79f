package legal_test

import (
	"bytes"
	"crypto/ed25519"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

var now = time.Date(2026, 9, 1, 10, 0, 0, 0, register.Zone)

// keyOf makes the key of a named administrator, the same in every run.
func keyOf(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[len(name)-1:]), ed25519.SeedSize))
}

var signers = []register.Signer{{ID: "admin-author", Key: keyOf("admin-a")}, {ID: "admin-b", Key: keyOf("admin-b")}, {ID: "admin-c", Key: keyOf("admin-c")}}

// exampleFS is a copy of the shipped register.
func exampleFS(t testing.TB) fstest.MapFS {
	t.Helper()
	dir := os.DirFS(filepath.Join("..", "..", "deploy", "birgeoqy", "register"))
	files := make(fstest.MapFS)
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
	return files
}

// replace edits a file of a register; the old text must be there.
func replace(t testing.TB, files fstest.MapFS, name, old, new string) {
	t.Helper()
	if !strings.Contains(string(files[name].Data), old) {
		t.Fatalf("%s does not have %q", name, old)
	}
	files[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(files[name].Data), old, new))}
}

// approve adds administrators, and approvals by two of them a month ago, to the register in files.
func approve(t testing.TB, files fstest.MapFS) {
	t.Helper()
	approveAt(t, files, now.AddDate(0, 0, -30))
}

func approveAt(t testing.TB, files fstest.MapFS, at time.Time) {
	t.Helper()
	var admins []register.Administrator
	for _, s := range signers {
		admins = append(admins, register.Administrator{ID: s.ID, Name: s.ID, Role: register.RoleAdministration, PublicKey: register.PublicKey(s.Key.Public().(ed25519.PublicKey))})
	}
	b, err := register.MarshalAdministrators(admins)
	if err != nil {
		t.Fatal(err)
	}
	files[register.FileAdministrators] = &fstest.MapFile{Data: b}
	delete(files, register.FileApprovals)
	r := load(t, files)
	b, err = register.MarshalApprovals(r.Sign(register.At(at), signers[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	files[register.FileApprovals] = &fstest.MapFile{Data: b}
}

func load(t testing.TB, files fs.FS) *legal.Register {
	t.Helper()
	r, err := legal.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// approved is the shipped register after edits, with approvals.
func approved(t testing.TB, edits ...func(files fstest.MapFS)) *legal.Register {
	t.Helper()
	files := exampleFS(t)
	for _, edit := range edits {
		edit(files)
	}
	approve(t, files)
	return load(t, files)
}

func edit(t testing.TB, name, old, new string) func(fstest.MapFS) {
	return func(files fstest.MapFS) { t.Helper(); replace(t, files, name, old, new) }
}

func consentCase() legal.Case {
	return legal.Case{Route: "oblast-consent", Now: now, Demo: true, Channel: "rest"}
}

func statuteCase() legal.Case {
	return legal.Case{Route: "ministry-statute", Now: now, Demo: true, Channel: "rest"}
}

func open(t testing.TB, r *legal.Register, c legal.Case) *legal.Gate {
	t.Helper()
	g, err := r.Gate(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// refusedBy asserts that the run is refused by the rule, for the reason.
func refusedBy(t *testing.T, r *legal.Register, c legal.Case, rule, why string) *legal.Refusal {
	t.Helper()
	_, err := r.Gate(c)
	refusal, ok := err.(*legal.Refusal)
	if !ok {
		t.Fatalf("the run is not refused: %v", err)
	}
	if refusal.Rule != rule || refusal.Why != why {
		t.Errorf("refused by %s, %s; expected %s, %s", refusal.Rule, refusal.Why, rule, why)
	}
	if record.CodeOf(err) != "legal."+why {
		t.Errorf("code %s", record.CodeOf(err))
	}
	return refusal
}

// iinOf makes a well-formed number of somebody born on a day, with a serial that no register uses in its lower digits.
func iinOf(t testing.TB, born time.Time) []byte {
	t.Helper()
	century := map[int]byte{18: '1', 19: '3', 20: '5'}[born.Year()/100]
	for serial := byte('0'); serial <= '9'; serial++ {
		prefix := append([]byte(born.Format("060102")), century, '9', '9', '9', serial)
		if digit, ok := kz.CheckDigit(prefix); ok {
			return append(prefix, digit)
		}
	}
	t.Fatal("no number for this day")
	return nil
}

func years(n int) time.Time { return now.AddDate(-n, 0, -1) }

// everything is a consent with all its parts, for the oblast route.
func everything() *record.Terms {
	return &record.Terms{
		PolicyVersion: "v1", OperatorBIN: "351240000010", SubjectNamed: true, ThirdParties: record.Yes, CrossBorder: record.No, Publication: record.No,
		Fields:   []string{"family_name", "given_name", "iin", "phone", "region", "district", "settlement", "parent_phone"},
		Purposes: []string{"rural_support"}, Recipients: []string{"kind:leb"}, GivenBy: "self", Method: "one_time_code",
	}
}

func byParent() *record.Terms {
	terms := everything()
	terms.GivenBy, terms.ForParent = "representative", true
	return terms
}

// given is a consent in force, with proof.
func given(terms *record.Terms) record.Consent {
	return record.Consent{Terms: terms, Given: record.Micros(now.AddDate(-1, 0, 0)), Until: record.Micros(now.AddDate(1, 0, 0)), Evidence: true}
}

// pupil is an active account in the oblast, of that many years.
func pupil(t testing.TB, age int) record.Person {
	return record.Person{
		Key: []byte("k1"), IIN: iinOf(t, years(age)), Place: []byte("615230100"), Account: record.AccountActive,
		Updated: record.Micros(now.AddDate(0, -1, 0)), Ordinal: 7,
	}
}

// project sends one person through the gate.
func project(g *legal.Gate, p record.Person, consents ...record.Consent) (*legal.Cleared, legal.Explanation) {
	b := record.NewBatch(g.Fields(), 1)
	values := make([][]byte, len(g.Fields()))
	for i, f := range g.Fields() {
		values[i] = []byte("value of " + f)
	}
	b.Add(p, values)
	for _, c := range consents {
		b.AddConsent(c)
	}
	out := new(legal.Cleared)
	g.Project(b, out)
	if out.Len() == 1 {
		return out, g.Explain(out.Situation(0))
	}
	return out, g.Explain(out.Refused()[0].Situation)
}

func names(x legal.Explanation) string { return strings.Join(x.Fields, " ") }

// denies asserts that the person is refused by the rule, for the reason.
func denies(t *testing.T, x legal.Explanation, rule, why string) {
	t.Helper()
	if x.Allowed || x.Rule != rule || x.Why != why || len(x.Fields) != 0 {
		t.Errorf("allowed %v by %s, %s with %v; expected refusal by %s, %s", x.Allowed, x.Rule, x.Why, x.Fields, rule, why)
	}
}
