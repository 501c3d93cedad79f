package rules_test

import (
	"testing"

	"birgeoqy.kz/almasu/internal/legal/rules"
)

func TestTableIsComplete(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range rules.All() {
		if r.Name == "" || r.Clause == "" || r.Level == "" || r.Text.KK == "" || r.Text.RU == "" || r.Text.EN == "" {
			t.Errorf("rule %d is incomplete: %+v", r.ID, r)
		}
		if names[r.Name] {
			t.Errorf("%s stands twice", r.Name)
		}
		names[r.Name] = true
		if id, ok := rules.Named(r.Name); !ok || id != r.ID || id.String() != r.Name {
			t.Errorf("%s is not found by its name", r.Name)
		}
	}
	for id, name := range map[rules.ID]string{rules.POL1: "POL-1", rules.TERR1: "TERR-1", rules.MIN3: "MIN-3", 0: "", 255: ""} {
		if id.String() != name {
			t.Errorf("rule %d is called %q, expected %q", id, id, name)
		}
	}
	if _, ok := rules.Named("NO-1"); ok {
		t.Error("an unknown name is found")
	}
}
func TestReasonsAreComplete(t *testing.T) {
	if len(rules.Reasons()) < 60 {
		t.Errorf("only %d reasons", len(rules.Reasons()))
	}
	for _, r := range rules.Reasons() {
		if tx := r.Text(); string(r) == "" || tx.KK == "" || tx.RU == "" || tx.EN == "" {
			t.Errorf("reason %q is incomplete", r)
		}
	}
}
