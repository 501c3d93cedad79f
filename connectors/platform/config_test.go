package platform

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// example reads the shipped configuration, for the given dialect.
func example(t testing.TB, dialect string) Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "birgeoqy", "platform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig("platform.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	c.Dialect = dialect
	return c
}

const minimal = `
dialect: sqlite
profiles: {relation: people, key: id, key_type: text, iin: iin, place: [kato], fields: {email: mail}}
accounts: {state: state, states: {on: active}}
`

func codes(err error) []string {
	var problems record.Problems
	if !errors.As(err, &problems) {
		return []string{record.CodeOf(err)}
	}
	var all []string
	for _, p := range problems {
		all = append(all, p.Code)
	}
	slices.Sort(all)
	return all
}

func TestMinimalConfig(t *testing.T) {
	if _, err := LoadConfig("c", []byte(minimal)); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenConfigs(t *testing.T) {
	const consents = "consents: {relation: c, key: k, given: g, form: f}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":            {"", "source.config_yaml"},
		"no YAML":          {"{", "source.config_yaml"},
		"unknown key":      {minimal + "colour: red\n", "source.config_yaml"},
		"unknown column":   {strings.Replace(minimal, "iin: iin", "iin: iin, sex: sex", 1), "source.config_yaml"},
		"key twice":        {minimal + "dialect: sqlite\n", "source.config_yaml"},
		"second document":  {minimal + "---\ndialect: sqlite\n", "source.config_yaml"},
		"dialect":          {strings.Replace(minimal, "sqlite", "oracle", 1), "source.dialect"},
		"key type":         {strings.Replace(minimal, "key_type: text", "key_type: float", 1), "source.key_type"},
		"quoting":          {strings.Replace(minimal, "relation: people", `relation: 'p"; DROP TABLE x'`, 1), "source.identifier"},
		"digit first":      {strings.Replace(minimal, "mail}", "1mail}", 1), "source.identifier"},
		"too long":         {strings.Replace(minimal, "mail}", strings.Repeat("m", 64)+"}", 1), "source.identifier"},
		"schema":           {strings.Replace(minimal, "relation: people", "relation: a.b.c", 1), "source.identifier"},
		"no relation":      {strings.Replace(minimal, "relation: people, ", "", 1), "source.identifier"},
		"key is a field":   {strings.Replace(minimal, "key: id", "key: mail", 1), "source.key_is_field"},
		"key is the IIN":   {strings.Replace(minimal, "key: id", "key: iin", 1), "source.key_is_field"},
		"column twice":     {strings.Replace(minimal, "email: mail", "email: mail, phone: mail", 1), "source.column_twice"},
		"no place":         {strings.Replace(minimal, "[kato]", "[]", 1), "source.missing"},
		"no states":        {strings.Replace(minimal, ", states: {on: active}", "", 1), "source.missing"},
		"unknown state":    {strings.Replace(minimal, "on: active", "on: happy", 1), "source.account_state"},
		"empty state":      {strings.Replace(minimal, "on: active", "'': active", 1), "source.account_state"},
		"key, no relation": {strings.Replace(minimal, "state: state", "key: k, state: state", 1), "source.missing"},
		"form, no forms":   {minimal + consents, "source.form_incomplete"},
		"forms, no form":   {minimal + "consents: {relation: c, key: k, given: g}\nconsent_forms: {relation: f, key: id, terms: {}}\n", "source.form_incomplete"},
		"no terms":         {minimal + "consents: {relation: c, key: k, given: g}\n", "source.form_incomplete"},
		"no given":         {minimal + "consents: {relation: c, key: k, terms: {method: m}}\n", "source.identifier"},
		"bad term":         {minimal + "consents: {relation: c, key: k, given: g, terms: {method: 'm m'}}\n", "source.identifier"},
		"bad block":        {minimal + "blocks: {relation: b, key: ''}\n", "source.identifier"},
		"bad parent block": {minimal + "parent_blocks: {relation: b, key: 'a b'}\n", "source.identifier"},
	} {
		_, err := LoadConfig("c", []byte(c.text))
		if got := codes(err); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := LoadConfig("c", []byte("dialect: x\nprofiles: {relation: '', key: id, key_type: y, iin: '', place: [], fields: {}}\naccounts: {state: '', states: {}}\n"))
	if got := codes(err); len(got) != 7 {
		t.Errorf("found %v", got)
	}
}

func FuzzLoadConfig(f *testing.F) {
	f.Add([]byte(minimal))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := LoadConfig("c", text)
		if err != nil {
			return
		}
		st, err := c.people(connectors.Query{})
		if err != nil || strings.ContainsAny(st.text, ";'\\") && c.Profiles.KeyType != "" && strings.Contains(st.text, ";") {
			t.Fatalf("statement %q, %v", st.text, err)
		}
	})
}
