package legal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

// tableForm is the canonical form of the situations met on a gate.
type tableForm struct {
	V int `json:"v"`
	// Register, Route and Decision pin what the situations were decided under.
	Register record.Digest `json:"register"`
	Route    string        `json:"route"`
	Decision record.Digest `json:"decision"`
	Fields   []string      `json:"fields"`
	// Terms are the kinds of consents met; the first has id 1.
	Terms      []record.Terms  `json:"terms"`
	Situations []situationForm `json:"situations"`
}

type situationForm struct {
	Account    string   `json:"account"`
	Flags      []string `json:"flags"`
	ConsentOf  string   `json:"consent_of"`
	Place      uint8    `json:"place"`
	Self       [2]int   `json:"self"`
	Represent  [2]int   `json:"representative"`
	Mask       string   `json:"mask"`
	Rule       string   `json:"rule"`
	Why        string   `json:"why"`
	Permission []string `json:"permitted"`
}

var flagNames = [...]string{"columns", "registered", "current", "requested", "blocked", "overflow", "parent_blocked"}

func (s *Situation) flags() [len(flagNames)]*bool {
	return [...]*bool{&s.columns, &s.registered, &s.current, &s.requested, &s.blocked, &s.overflow, &s.parentBlocked}
}

func (g *Gate) form(e *entry) situationForm {
	s := e.situation
	f := situationForm{
		Account: s.account.String(), Flags: []string{}, ConsentOf: consenterNames[s.of], Place: uint8(s.place),
		Self:      [2]int{int(s.self.Terms), int(s.self.Standing)},
		Represent: [2]int{int(s.representative.Terms), int(s.representative.Standing)},
		Mask:      strconv.FormatUint(e.mask, 16), Rule: e.rule.String(), Why: string(e.why), Permission: []string{},
	}
	for i, on := range s.flags() {
		if *on {
			f.Flags = append(f.Flags, flagNames[i])
		}
	}
	for i, name := range g.fields {
		if e.mask>>uint(i)&1 != 0 {
			f.Permission = append(f.Permission, name)
		}
	}
	return f
}

// Situations is the table of situations met so far with their decisions, in canonical form: one line of JSON. Situation ids are
// places in its list. It names nobody. The slice is shared until a new situation is met; the caller does not change it.
func (g *Gate) Situations() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.table == nil {
		t := tableForm{
			V: 1, Register: g.reg.Digest(), Route: g.route.ID, Decision: g.decision, Fields: g.fields,
			Terms: []record.Terms{}, Situations: []situationForm{},
		}
		for i := range g.verdicts[1:] {
			t.Terms = append(t.Terms, g.verdicts[i+1].terms)
		}
		for i := range g.entries {
			t.Situations = append(t.Situations, g.form(&g.entries[i]))
		}
		g.table = register.Canonical(t)
	}
	return g.table
}

// Replay decides every situation of a stored table again, under the same register and case, and returns the gate with the
// table, so that each can be explained. The error has the code legal.replay_differs if a byte differs (AUD-1).
func (r *Register) Replay(c Case, table []byte) (*Gate, error) {
	g, err := r.Gate(c)
	if err != nil {
		return nil, err
	}
	differs := func(format string, args ...any) error {
		return record.NewProblem("legal.replay_differs", "", "use the register and the request of that day", format, args...)
	}
	var t tableForm
	dec := json.NewDecoder(bytes.NewReader(table))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return nil, differs("the table of situations cannot be read")
	}
	if t.V != 1 || t.Register != g.reg.Digest() || t.Decision != g.decision {
		return nil, differs("the table was made under another register, case or version")
	}
	for i := range t.Terms {
		if id, ok := g.termsID(&t.Terms[i]); !ok || int(id) != i+1 {
			return nil, differs("the terms of consents do not follow each other")
		}
	}
	for i := range t.Situations {
		s, err := t.Situations[i].situation(len(t.Terms))
		if err != nil {
			return nil, differs("situation %d: %v", i, err)
		}
		if int(g.situation(s)) != i {
			return nil, differs("situation %d stands twice", i)
		}
	}
	if !bytes.Equal(g.Situations(), table) {
		return nil, differs("the decisions differ from those stored")
	}
	return g, nil
}

func (f *situationForm) situation(terms int) (Situation, error) {
	s := Situation{account: record.ParseAccountState([]byte(f.Account)), place: place(f.Place)}
	of := slices.Index(consenterNames[:], f.ConsentOf)
	if of < 0 {
		return s, fmt.Errorf("unknown consenters")
	}
	s.of = consenters(of)
	for _, name := range f.Flags {
		known := false
		for i, on := range s.flags() {
			if flagNames[i] == name {
				*on, known = true, true
			}
		}
		if !known {
			return s, fmt.Errorf("unknown flag")
		}
	}
	for i, p := range [...][2]int{f.Self, f.Represent} {
		if p[0] < 0 || p[0] > terms || p[1] < 0 || p[1] > int(standingNoEvidence) {
			return s, fmt.Errorf("unknown terms or standing")
		}
		perm := permission{uint16(p[0]), standing(p[1])}
		if i == 0 {
			s.self = perm
		} else {
			s.representative = perm
		}
	}
	return s, nil
}
