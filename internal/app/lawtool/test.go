package lawtool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/legal/cases"
	"birgeoqy.kz/almasu/internal/legal/rules"
)

// testReport is how the cases of one deployment went.
type testReport struct {
	Register string `json:"register"`
	*cases.Report
	// UntriedRules decide about runs, people or fields, and refuse in no case.
	UntriedRules []string `json:"untried_rules"`
}

func (t *tool) testCommand() *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run the cases beside each route: people, a date, what must be sent or refused and by which rule",
		Long: `Runs routes/ROUTE.cases.yaml of each register, without any database, as if two administrators had approved everything. Prints what differs, which rules
the cases make refuse, and which fields they send to whom; what no case tries is listed.

PATH is as for "almasu lint". Exit code 1: a case went otherwise, or there are no cases.`,
		Example: "  almasu test ./...",
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := t.deployments(args)
			if err != nil {
				return err
			}
			reports := []testReport{}
			for _, d := range list {
				rep, err := cases.Run(os.DirFS(d.register))
				if err != nil {
					return within(err, d.register)
				}
				r := testReport{Register: d.register, Report: rep, UntriedRules: untried(rep.Rules)}
				t.sayTest(&r, verbose)
				if !rep.Passed() || len(rep.Results) == 0 {
					t.Code(1)
				}
				reports = append(reports, r)
			}
			t.Result(reports)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print every case")
	return cmd
}

// untried lists the rules that a case can make refuse, and none does.
func untried(tried map[string]int) []string {
	out := []string{}
	for _, r := range rules.All() {
		if r.Level != rules.Load && r.Level != rules.Duty && tried[r.Name] == 0 {
			out = append(out, r.Name)
		}
	}
	return out
}

func (t *tool) sayTest(r *testReport, verbose bool) {
	failed := 0
	for _, x := range r.Results {
		where := filepath.Join(r.Register, x.Where)
		switch {
		case !x.Passed:
			failed++
			t.Say("FAIL %s: %s: %s", where, x.Name, x.Got)
		case verbose:
			t.Say("ok   %s: %s", where, x.Name)
		}
	}
	t.Say("%s: %d cases, %d failed", r.Register, len(r.Results), failed)
	t.Say("  rules that refuse: %s", counts(r.Rules))
	t.Say("  rules that no case makes refuse: %s", strings.Join(r.UntriedRules, " "))
	t.Say("  fields sent, by recipient: %s", counts(r.Cells))
	if len(r.Untried) > 0 {
		t.Say("  fields that no case sends: %s", strings.Join(r.Untried, ", "))
	}
}

func counts(m map[string]int) string {
	var words []string
	for k, n := range m {
		words = append(words, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
