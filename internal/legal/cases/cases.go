package cases

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

// file is routes/ID.cases.yaml.
type file struct {
	Cases []example    `yaml:"cases"`
	Where strict.Where `yaml:"-"`
}

type example struct {
	Name       string           `yaml:"name"`
	Date       register.Instant `yaml:"date"`
	Channel    string           `yaml:"channel,optional"`
	Published  string           `yaml:"published_text,optional"`
	Person     *person          `yaml:"person,optional"`
	Consents   []consent        `yaml:"consents,optional"`
	Request    *request         `yaml:"request,optional"`
	Fields     []string         `yaml:"fields,optional"`
	Counted    bool             `yaml:"counted,optional"`
	Refused    string           `yaml:"refused,optional"`
	RunRefused string           `yaml:"run_refused,optional"`
	Why        string           `yaml:"why,optional"`
	Denied     []string         `yaml:"denied,optional"`
	Where      strict.Where     `yaml:"-"`
}

type person struct {
	Age     int    `yaml:"age,optional"`
	NoIIN   bool   `yaml:"no_iin,optional"`
	Place   string `yaml:"place,optional"`
	Account string `yaml:"account,optional"`
	Blocked bool   `yaml:"blocked,optional"`
	// Twice puts the person into the batch for a second time; Updated is when the profile last changed.
	Twice         bool             `yaml:"twice,optional"`
	Updated       register.Instant `yaml:"updated,optional"`
	ParentBlocked bool             `yaml:"parent_blocked,optional"`
}

type consent struct {
	GivenBy   string           `yaml:"given_by,optional"`
	ForParent bool             `yaml:"for_parent,optional"`
	Method    string           `yaml:"method,optional"`
	Given     register.Instant `yaml:"given,optional"`
	Until     register.Instant `yaml:"until,optional"`
	Withdrawn register.Instant `yaml:"withdrawn,optional"`
	Policy    string           `yaml:"policy,optional"`
	// Accepted is the catalogue of the version accepted, where that is an earlier one.
	Accepted   []string `yaml:"accepted,optional"`
	Fields     []string `yaml:"fields,optional"`
	Recipients []string `yaml:"recipients,optional"`
	Purposes   []string `yaml:"purposes,optional"`
	Lacks      []string `yaml:"lacks,optional"`
}

type request struct {
	Fields    []string         `yaml:"fields"`
	Other     bool             `yaml:"names_somebody_else,optional"`
	Expires   register.Instant `yaml:"expires,optional"`
	Approvals int              `yaml:"approvals"`
}

// Result is how one case went.
type Result struct {
	Route string `json:"route"`
	Name  string `json:"name"`
	// Where is the case's place; Passed says that it went as expected, and Got what happened if not.
	Where  string `json:"where"`
	Passed bool   `json:"passed"`
	Got    string `json:"got,omitempty"`
}

// Report is how all cases of a register went.
type Report struct {
	Results []Result `json:"results"`
	// Rules counts the cases in which a rule refused something; Cells those in which a field went to a recipient, as "recipient field", or "recipient count by field" on a route of statistics.
	Rules map[string]int `json:"rules"`
	Cells map[string]int `json:"cells"`
	// Untried are the cells of the register's routes that no case sends.
	Untried []string `json:"untried"`
}

// Passed says whether every case went as expected.
func (r *Report) Passed() bool {
	return !slices.ContainsFunc(r.Results, func(x Result) bool { return !x.Passed })
}

// countOf begins the cell of a route of statistics.
const countOf = "count by "

// approvedAt is when a rehearsal's approvals are dated: before any case.
var approvedAt = register.At(time.Date(2000, 1, 1, 0, 0, 0, 0, register.Zone))

// Run runs every case beside every route of the register in fsys. The error is for a register or a file of cases that
// cannot be read, as [record.Problems].
func Run(fsys fs.FS) (*Report, error) {
	r, err := register.Rehearse(fsys, approvedAt)
	if err != nil {
		return nil, err
	}
	reg := &legal.Register{Register: r}
	report := &Report{Results: []Result{}, Rules: map[string]int{}, Cells: map[string]int{}, Untried: []string{}}
	var problems record.Problems
	for i := range r.Routes {
		rt := &r.Routes[i]
		name := path.Join(register.RoutesDir, rt.ID+register.CasesSuffix)
		b, err := fs.ReadFile(fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			problems.Add("cases.unreadable", name, "", "the file cannot be read")
			continue
		}
		var f file
		found := strict.Decode(name, b, &f)
		for j := range f.Cases {
			found = append(found, f.Cases[j].check()...)
		}
		problems = append(problems, found...)
		if len(found) > 0 {
			continue
		}
		for j := range f.Cases {
			t := &trial{reg: reg, route: rt, example: &f.Cases[j], report: report}
			report.Results = append(report.Results, t.run())
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for i := range r.Routes {
		rt := &r.Routes[i]
		fields := rt.Fields
		if a := rt.Aggregate; a != nil {
			fields = []register.RouteField{{Field: countOf + a.By}}
		}
		for _, f := range fields {
			if cell := rt.Recipient + " " + f.Field; report.Cells[cell] == 0 && !slices.Contains(report.Untried, cell) {
				report.Untried = append(report.Untried, cell)
			}
		}
	}
	return report, nil
}

var lackable = []string{"subject", "third_parties", "cross_border", "publication", "term", "operator", "list", "evidence"}

// check finds what a case leaves open or misspells.
func (x *example) check() record.Problems {
	var ps record.Problems
	add := func(code, key, format string, args ...any) {
		ps.Add("cases."+code, x.Where.Key(key), "", format, args...)
	}
	expectations := 0
	for _, said := range []bool{x.Fields != nil, x.Counted, x.Refused != "", x.RunRefused != ""} {
		if said {
			expectations++
		}
	}
	if expectations > 1 || expectations == 0 && len(x.Denied) == 0 {
		add("expectation", "name", "a case expects one of fields, counted, refused and run_refused")
	}
	if (x.Fields != nil || x.Counted || x.Refused != "") && x.Person == nil {
		add("person", "name", "a case about a person needs one")
	}
	for key, name := range map[string]string{"refused": x.Refused, "run_refused": x.RunRefused} {
		if _, ok := rules.Named(name); name != "" && !ok {
			add("rule", key, "no rule is called %q", name)
		}
	}
	if x.Why != "" && !slices.Contains(rules.Reasons(), rules.Reason(x.Why)) {
		add("reason", "why", "no reason is called %q", x.Why)
	}
	for _, d := range x.Denied {
		if _, rule, ok := strings.Cut(d, ": "); !ok || rule == "" {
			add("denied", "denied", "write FIELD: RULE, in quotes")
		}
	}
	if p := x.Person; p != nil && p.Account != "" && record.ParseAccountState([]byte(p.Account)).String() != p.Account {
		add("account", "person", "no state of an account is called %q", p.Account)
	}
	if p := x.Person; p != nil && (p.Age < 0 || p.Age > 120) {
		add("age", "person", "nobody is of that age")
	}
	for i := range x.Consents {
		for _, part := range x.Consents[i].Lacks {
			if !slices.Contains(lackable, part) {
				add("lacks", "consents", "a consent can lack: %s", strings.Join(lackable, ", "))
			}
		}
	}
	return ps
}
