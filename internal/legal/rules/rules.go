// Package rules is the table of every rule that bears on a transfer: its id, the clause it comes from, when
// it is looked at, and what it demands, in Kazakh, Russian and English. The ids are stable: logs, tests
// and docs/law/traceability.md cite them. A rule is named in code by its constant, so that a search for the
// constant finds every place that enforces it.
package rules

// ID is a rule; the zero ID is none.
type ID uint8

// Level says when a rule is looked at.
type Level string

// The levels, from the outermost in.
const (
	// Load: a register that breaks the rule does not load.
	Load Level = "load"
	// Run: a run that breaks the rule does not start.
	Run Level = "run"
	// Person: the person is refused and the run goes on.
	Person Level = "person"
	// Field: the field is taken out of what may leave of this person.
	Field Level = "field"
	// Duty: what follows a transfer, or happens around it.
	Duty Level = "duty"
)

// Text is one statement in three languages.
type Text struct{ KK, RU, EN string }

// Rule is a row of the table.
type Rule struct {
	ID ID
	// Name is the stable id, e.g. "TERR-1".
	Name string
	// Clause is the policy's clause or the law's article, e.g. "5.2" or "94-V 8(4)".
	Clause string
	Level  Level
	Text   Text
}

// String is the rule's stable name.
func (id ID) String() string {
	if id == 0 || int(id) > len(table) {
		return ""
	}
	return table[id-1].Name
}

// Of returns the rule's row; the zero ID has an empty one.
func Of(id ID) Rule {
	if id == 0 || int(id) > len(table) {
		return Rule{}
	}
	r := table[id-1]
	r.ID = id
	return r
}

// All lists the table in its order.
func All() []Rule {
	all := make([]Rule, len(table))
	for i := range table {
		all[i] = Of(ID(i + 1))
	}
	return all
}

// Named finds a rule by its stable name.
func Named(name string) (ID, bool) {
	for i := range table {
		if table[i].Name == name {
			return ID(i + 1), true
		}
	}
	return 0, false
}
