package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

// The files of a register. Routes lie one each in routes/ID.yaml; routes/ID.cases.yaml holds cases and is not read here.
const (
	FileOperator       = "operator.yaml"
	FileFields         = "fields.yaml"
	FilePolicies       = "policies.yaml"
	FileActs           = "acts.yaml"
	FilePurposes       = "purposes.yaml"
	FileRecipients     = "recipients.yaml"
	FileAdministrators = "administrators.yaml"
	FileApprovals      = "approvals.yaml"
	RoutesDir          = "routes"
	routeSuffix        = ".yaml"
	CasesSuffix        = ".cases.yaml"
)

type loader struct {
	fsys     fs.FS
	problems record.Problems
}

// Load reads and checks the register in fsys. All problems of all files are reported at once, as [record.Problems].
// Administrators and approvals may be missing; then no route is in force.
func Load(fsys fs.FS) (*Register, error) {
	l := &loader{fsys: fsys}
	r := new(Register)
	l.file(FileOperator, true, &r.Operator)
	var fields struct {
		List []Field `yaml:"fields"`
	}
	var policies struct {
		List []Policy `yaml:"policies"`
	}
	var acts struct {
		List []Act `yaml:"acts"`
	}
	var purposes struct {
		List []Purpose `yaml:"purposes"`
	}
	var recipients struct {
		List []Recipient `yaml:"recipients"`
	}
	var administrators struct {
		List []Administrator `yaml:"administrators"`
	}
	var approvals struct {
		List []Approval `yaml:"approvals"`
	}
	l.file(FileFields, true, &fields)
	l.file(FilePolicies, true, &policies)
	l.file(FileActs, true, &acts)
	l.file(FilePurposes, true, &purposes)
	l.file(FileRecipients, true, &recipients)
	l.file(FileAdministrators, false, &administrators)
	l.file(FileApprovals, false, &approvals)
	r.Fields, r.Policies, r.Acts, r.Purposes = fields.List, policies.List, acts.List, purposes.List
	r.Recipients, r.Administrators, r.Approvals = recipients.List, administrators.List, approvals.List
	l.routes(r)
	l.strangers()
	r.index()
	check(r, &l.problems)
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	r.sort()
	r.index()
	r.digest = digestOf("almasu-register/v1\n", struct {
		*Register
		Narrowed []narrowed `json:"narrowed"`
	}{r, r.narrowings()})
	return r, nil
}

// narrowed is what a route's file takes back without an approval; it is part of the register's digest only.
type narrowed struct {
	Route     string   `json:"route"`
	Suspended bool     `json:"suspended"`
	Withheld  []string `json:"withheld"`
}

func (r *Register) narrowings() []narrowed {
	var list []narrowed
	for i := range r.Routes {
		if rt := &r.Routes[i]; rt.Suspended || len(rt.Withheld) > 0 {
			list = append(list, narrowed{rt.ID, rt.Suspended, rt.Withheld})
		}
	}
	return list
}

func (l *loader) file(name string, required bool, into any) {
	b, err := fs.ReadFile(l.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
	case errors.Is(err, fs.ErrNotExist):
		l.problems.Add("register.file_missing", name, "a register needs this file", "the file is missing")
	case err != nil:
		l.problems.Add("register.file_unreadable", name, "", "the file cannot be read")
	default:
		l.problems = append(l.problems, strict.Decode(name, b, into)...)
	}
}

func (l *loader) routes(r *Register) {
	entries, err := fs.ReadDir(l.fsys, RoutesDir)
	if err != nil {
		l.problems.Add("register.file_missing", RoutesDir, "a register has a folder of routes", "the folder is missing")
		return
	}
	routes := 0
	for _, e := range entries {
		name := e.Name()
		id, ok := strings.CutSuffix(name, routeSuffix)
		if !ok || strings.HasSuffix(name, CasesSuffix) {
			continue
		}
		routes++
		var rt Route
		before := len(l.problems)
		l.file(path.Join(RoutesDir, name), true, &rt)
		if rt.ID != "" && rt.ID != id {
			l.problems.Add("register.route_file", rt.Where.Key("id"), "name the file "+rt.ID+routeSuffix, "the route's id is not the file's name")
		}
		if rt.ID != "" || len(l.problems) == before {
			r.Routes = append(r.Routes, rt)
		}
	}
	if routes == 0 {
		l.problems.Add("register.file_missing", RoutesDir, "a register has a route or more", "the folder holds no route")
	}
}

var known = []string{FileOperator, FileFields, FilePolicies, FileActs, FilePurposes, FileRecipients, FileAdministrators, FileApprovals}

// strangers reports YAML files that nobody reads: a misspelt name must not go unnoticed.
func (l *loader) strangers() {
	entries, err := fs.ReadDir(l.fsys, ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		ext := path.Ext(e.Name())
		if !e.IsDir() && (ext == ".yaml" || ext == ".yml") && !slices.Contains(known, e.Name()) {
			l.problems.Add("register.unknown_file", e.Name(), "known files: "+strings.Join(known, ", "), "nothing reads this file")
		}
	}
}

// sort brings the tables, apart from the fields, into the order of their ids, so that the order in a file does not matter.
func (r *Register) sort() {
	slices.SortStableFunc(r.Policies, func(a, b Policy) int { return cmp(a.From, b.From) })
	slices.SortStableFunc(r.Acts, func(a, b Act) int {
		if a.ID != b.ID {
			return strings.Compare(a.ID, b.ID)
		}
		return cmp(a.From, b.From)
	})
	slices.SortFunc(r.Purposes, func(a, b Purpose) int { return strings.Compare(a.Code, b.Code) })
	slices.SortFunc(r.Recipients, func(a, b Recipient) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Routes, func(a, b Route) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(r.Administrators, func(a, b Administrator) int { return strings.Compare(a.ID, b.ID) })
}

func cmp(a, b Instant) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (r *Register) index() {
	r.fields, r.purposes = make(map[string]int), make(map[string]int)
	r.recipients, r.routes, r.admins = make(map[string]int), make(map[string]int), make(map[string]int)
	for i := range r.Fields {
		r.fields[r.Fields[i].ID] = i
	}
	for i := range r.Purposes {
		r.purposes[r.Purposes[i].Code] = i
	}
	for i := range r.Recipients {
		r.recipients[r.Recipients[i].ID] = i
	}
	for i := range r.Routes {
		r.routes[r.Routes[i].ID] = i
	}
	for i := range r.Administrators {
		r.admins[r.Administrators[i].ID] = i
	}
}

// Canonical returns v as one line of JSON with keys in the order of its struct, and no HTML escapes.
func Canonical(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("register: a value that has no JSON form: %v", err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func digestOf(domain string, v any) record.Digest {
	return record.DigestOf(append([]byte(domain), Canonical(v)...))
}
