package lawtool

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/cases"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/scheduler"
	"birgeoqy.kz/almasu/schemas"
)

// lintFinding is a problem with how much it weighs.
type lintFinding struct {
	// Level is error or warning.
	Level string `json:"level"`
	// Rule is the id of the rule where the finding is not from the register, which names it in its message.
	Rule string `json:"rule,omitempty"`
	*record.Problem
}

// warnings are the codes of what runs and sends no more than it may, and yet is not right.
var warnings = []string{"lint.not_approved", "lint.policy_not_approved", "lint.posting_date_unproven", "lint.example_act", "lint.suspended", "lint.no_notices", "lint.unused_field",
	"lint.unused_schema", "lint.unused_mapping", "lint.no_cases", "lint.no_mapping", "lint.required_by_schema", "lint.longer_than_schema", "lint.unreachable_code",
	"lint.value_not_made", "lint.no_code_list"}

// ruleOf names the rule behind findings that do not come from the register.
var ruleOf = map[string]rules.ID{
	"lint.no_cases": rules.AUD1, "lint.no_mapping": rules.ADM1, "lint.unused_mapping": rules.FLD2, "lint.unused_schema": rules.FLD2, "lint.target_without_source": rules.QUAL2,
	"lint.unknown_target": rules.PD1, "lint.required_by_schema": rules.QUAL2, "lint.longer_than_schema": rules.QUAL2, "lint.unreachable_code": rules.QUAL2,
	"lint.value_not_in_schema": rules.QUAL2, "lint.value_not_made": rules.QUAL2, "lint.no_code_list": rules.QUAL2,
	"lint.notices_form": rules.UPD2, "mapping.not_permitted": rules.FLD2, "mapping.unused_code_list": rules.QUAL2,
}

func (t *tool) lintCommand() *cobra.Command {
	var demo, strict bool
	cmd := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find everything in register, routes, mappings, schemas and cases that is wrong, or soon will be",
		Long: `Reads the files of a deployment, without any database, and reports all findings at once, each with its place, its rule and what to do: what does not
load; a field without a ground; a ground or an agreement that is out of force on a coming run date; a permitted field that no mapping uses; a target
without a source; rows and codes that no value reaches; a recipient without an agreement; a route without cases.

PATH is a folder with almasu.yaml or a folder register, a configuration file, or a tree: ./... (folders named testdata and those that begin with
a dot are passed over). Coming run dates are those of the schedules, and without one the first day of each of the next twelve months.

Exit code 1: there are errors, or with --strict warnings.`,
		Example: "  almasu lint ./...",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := t.deployments(args)
			if err != nil {
				return err
			}
			findings := []lintFinding{}
			for _, d := range list {
				l := linter{deployment: d, now: t.Now(), demo: demo}
				l.lint()
				findings = append(findings, l.findings()...)
			}
			t.answerLint(findings, len(list), strict)
			return nil
		},
	}
	cmd.Flags().BoolVar(&demo, "demo", false, "admit acts that are marked as examples")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings fail too")
	return cmd
}

func (t *tool) answerLint(findings []lintFinding, deployments int, strict bool) {
	count := map[string]int{}
	for _, f := range findings {
		count[f.Level]++
		rule := ""
		if f.Rule != "" {
			rule = " (" + f.Rule + ")"
		}
		t.Say("%s: %s: %s%s [%s]", f.Where, f.Level, f.Message, rule, f.Code)
		if f.Hint != "" {
			t.Say("  hint: %s", f.Hint)
		}
	}
	t.Say("%d deployments: %d errors, %d warnings.", deployments, count["error"], count["warning"])
	if count["error"] > 0 || strict && len(findings) > 0 {
		t.Code(1)
	}
	t.Result(map[string]any{"deployments": deployments, "errors": count["error"], "warnings": count["warning"], "findings": findings})
}

// linter collects the findings about one deployment.
type linter struct {
	*deployment
	now  time.Time
	demo bool
	reg  *legal.Register
}

// findings sorts the problems by place, and says which weigh.
func (l *linter) findings() []lintFinding {
	out := make([]lintFinding, 0, len(l.problems))
	for _, p := range l.problems {
		f := lintFinding{Level: "error", Problem: p}
		if slices.Contains(warnings, p.Code) {
			f.Level = "warning"
		}
		if id, ok := ruleOf[p.Code]; ok {
			f.Rule = id.String()
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b lintFinding) int { return comparePlaces(a.Where, b.Where) })
	return out
}

// comparePlaces orders "file:line:column" by file, then by numbers.
func comparePlaces(a, b string) int {
	split := func(s string) (string, int, int) {
		parts := strings.Split(s, ":")
		if len(parts) < 3 {
			return s, 0, 0
		}
		line, _ := strconv.Atoi(parts[len(parts)-2])
		column, _ := strconv.Atoi(parts[len(parts)-1])
		return strings.Join(parts[:len(parts)-2], ":"), line, column
	}
	fileA, lineA, colA := split(a)
	fileB, lineB, colB := split(b)
	return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(lineA, lineB), cmp.Compare(colA, colB))
}

func (l *linter) lint() {
	set := l.readSchemas()
	if !isFolder(l.register) {
		l.problems.Add("config.register_missing", l.register, "", "the register's folder cannot be read")
		return
	}
	var err error
	if l.reg, err = legal.Load(os.DirFS(l.register)); err != nil {
		l.problems.Merge(within(err, l.register), "register.unreadable", l.register)
		l.alone(set)
		return
	}
	mapped := l.tables(set)
	law := legal.Lint(l.reg, legal.LintOptions{Runs: l.runs(), Now: l.now, Mapped: mapped, Demo: l.demo})
	l.problems.Merge(within(law.Err(), l.register), "", "")
	l.cases()
}

func (l *linter) readSchemas() *schemas.Set {
	if !isFolder(l.schemas) {
		l.problems.Add("config.schemas_missing", l.schemas, "", "the schemas' folder cannot be read")
		return nil
	}
	var foreign []record.Digest
	if l.file != nil {
		foreign = peer.Foreign(l.file)
	}
	set, err := schemas.LoadSet(os.DirFS(l.schemas), foreign...)
	if err != nil {
		l.problems.Merge(within(err, l.schemas), "schema.unreadable", l.schemas)
		return nil
	}
	return set
}

// tables loads and lints each route's mappings, and returns the fields that each route reads, under all versions.
func (l *linter) tables(set *schemas.Set) map[string][]string {
	mapped, files, used := map[string][]string{}, map[string]bool{}, map[record.Digest]bool{}
	for i := range l.reg.Routes {
		rt := &l.reg.Routes[i]
		for k, path := range l.deployment.tables(rt.Connector) {
			files[path] = true
			fields := l.table(rt, path, set, used)
			if k == 0 {
				mapped[rt.ID] = fields
				continue
			}
			mapped[rt.ID] = slices.DeleteFunc(mapped[rt.ID], func(f string) bool { return !slices.Contains(fields, f) })
		}
	}
	l.unused(set, files, used)
	return mapped
}

// table loads and lints one mapping of a route, and returns the fields that it reads.
func (l *linter) table(rt *register.Route, path string, set *schemas.Set, used map[record.Digest]bool) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		l.problems.Add("lint.no_mapping", filepath.Join(l.register, rt.Where.Key("connector")), "write "+path, "no mapping can be read for the connector %s", rt.Connector)
		return nil
	}
	table, err := mapping.Load(path, text, l.reg.Permitted(rt.ID))
	if err != nil {
		l.problems.Merge(err, "mapping.unreadable", path)
		return nil
	}
	if l.reg.TakesNotices(rt) != "" && table.MediaType() != "application/json" {
		l.problems.Add("lint.notices_form", path+":1:1", "write JSON, or take the clause on notices out of the agreement's channel: letters go instead",
			"corrections are written for documents of JSON only, and this mapping writes %s", table.MediaType())
	}
	if set == nil {
		return table.Fields()
	}
	ref := table.Schema()
	used[ref.Digest] = true
	entry, ok := set.Find(ref.Digest)
	if !ok {
		if entry, ok = set.Lookup(ref.Name, ref.Version); !ok {
			l.problems.Add("config.schema_missing", path+":1:1", "put the schema into "+l.schemas, "no schema here has the name and digest that the mapping pins (%s version %d)", ref.Name, ref.Version)
			return table.Fields()
		}
		used[entry.Schema.Digest()] = true
	}
	l.problems = append(l.problems, mapping.Lint(table, nil, entry.Schema)...)
	return table.Fields()
}

// alone lints the mappings that can be read without a register, as if every field were permitted.
func (l *linter) alone(set *schemas.Set) {
	names, _ := filepath.Glob(filepath.Join(l.mappings, "*.yaml")) // the pattern is well formed
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			l.problems.Add("mapping.unreadable", name, "", "the mapping cannot be read")
			continue
		}
		table, err := mapping.Load(name, text, func(string) (string, bool) { return "", true })
		if err != nil {
			l.problems.Merge(err, "mapping.unreadable", name)
			continue
		}
		if set == nil {
			continue
		}
		if entry, ok := set.Lookup(table.Schema().Name, table.Schema().Version); ok {
			l.problems = append(l.problems, mapping.Lint(table, nil, entry.Schema)...)
		}
	}
}

// unused reports mappings that no route's connector names, and schemas that no mapping pins.
func (l *linter) unused(set *schemas.Set, files map[string]bool, used map[record.Digest]bool) {
	names, _ := filepath.Glob(filepath.Join(l.mappings, "*.yaml")) // the pattern is well formed
	for _, name := range names {
		if !files[name] {
			l.problems.Add("lint.unused_mapping", name+":1:1", "delete it, or write its route", "no route names this connector")
		}
	}
	if set == nil {
		return
	}
	for _, e := range set.All() {
		if !used[e.Schema.Digest()] {
			l.problems.Add("lint.unused_schema", filepath.Join(l.schemas, e.File)+":1:1", "keep it while its documents are checked; else delete it", "no mapping pins this schema")
		}
	}
}

// The horizon of coming runs.
const (
	horizonMonths = 12
	mostRuns      = 800
)

// runs are the coming runs of each route: of its schedule, or else one a month.
func (l *linter) runs() map[string][]time.Time {
	out := map[string][]time.Time{}
	end := l.now.AddDate(0, horizonMonths, 0)
	for i := range l.reg.Routes {
		rt := &l.reg.Routes[i]
		out[rt.ID] = []time.Time{l.now}
		if rt.Trigger == register.TriggerRequest {
			continue
		}
		if s := l.schedule(rt.Connector); s != nil {
			list := []time.Time{}
			for f := s.Next(l.now); !f.At.IsZero() && f.At.Before(end) && len(list) < mostRuns; f = s.Next(f.At) {
				list = append(list, f.At)
			}
			if len(list) > 0 {
				out[rt.ID] = list
			}
			continue
		}
		y, m, _ := l.now.In(zone).Date()
		for n := 1; n <= horizonMonths; n++ {
			out[rt.ID] = append(out[rt.ID], time.Date(y, m+time.Month(n), 1, 12, 0, 0, 0, zone))
		}
	}
	return out
}

func (l *linter) schedule(connector string) *scheduler.Schedule {
	if l.file == nil {
		return nil
	}
	c, ok := l.file.Find(connector)
	if !ok || c.Schedule == nil {
		return nil
	}
	s, err := scheduler.Parse(c.Schedule.Cron, c.Schedule.Zone)
	if err != nil {
		l.problems.Merge(placed(err, c.Where.Key("schedule")), "schedule.expression", c.Where.Key("schedule"))
		return nil
	}
	return s
}

// placed puts a place before those of problems that know none.
func placed(err error, where string) error {
	var ps record.Problems
	ps.Merge(err, "schedule.expression", where)
	for _, p := range ps {
		p.Where = where
	}
	return ps
}

// cases reports routes without cases, and files of cases that cannot be read; almasu test runs them.
func (l *linter) cases() {
	for i := range l.reg.Routes {
		rt := &l.reg.Routes[i]
		name := filepath.Join(l.register, register.RoutesDir, rt.ID+register.CasesSuffix)
		if !isFile(name) {
			l.problems.Add("lint.no_cases", filepath.Join(l.register, rt.Where.String()), "write "+name, "the route has no cases: nobody has said what it must do")
		}
	}
	if _, err := cases.Run(os.DirFS(l.register)); err != nil {
		l.problems.Merge(within(err, l.register), "cases.unreadable", l.register)
	}
}
