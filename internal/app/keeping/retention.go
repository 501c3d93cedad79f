package keeping

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/store/retention"
)

func (t *tool) retentionCommand() *cobra.Command {
	var dry bool
	var actor, reason string
	cmd := &cobra.Command{
		Use: "retention --reason TEXT", Short: "Destroy what names people once its time is over; every proof stays", Args: lawtool.Exactly(0, "no arguments"),
		Long: `Destroys the keys of months and years that are over by the configuration (retention, three years at least): who was in which message, who was
refused, and whose ordinal is whose. Then nobody can say of whom the records of that time are; the log, its checkpoints and its exports verify as
before. Whoever is blocked, or under the hold of a claim, is kept: their sets and entries are sealed anew. Each step is an entry of the log. It cannot be
undone: look first with --dry-run.

On PostgreSQL it needs the role almasu_retention, and those rights alone destroy; as the owner of the tables it also vacuums them.`,
		Example: "  almasu retention --dry-run\n  almasu retention --reason \"yearly, order no. 4\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !dry && strings.TrimSpace(reason) == "" {
				return lawtool.Usage(cmd, "reason", "say on what order: --reason TEXT; it goes into the log. --dry-run only looks")
			}
			ctx := cmd.Context()
			v, err := t.OpenStore(ctx, false)
			if err != nil {
				return err
			}
			defer v.Close()
			job := &retention.Job{Store: v.Store, Roster: v.Roster, Now: t.Now(), Actor: actor, Reason: reason, Dry: dry}
			job.Disclosures, job.Refusals, job.Pseudonyms = v.Retention.Years()
			steps, err := job.Run(ctx)
			t.Result(map[string]any{"steps": steps, "dry_run": dry})
			t.saySteps(job, steps)
			if err != nil {
				return t.failure(err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be destroyed")
	cmd.Flags().StringVar(&actor, "as", t.User, "who destroys")
	cmd.Flags().StringVar(&reason, "reason", "", "on what order, for the log")
	return cmd
}

func (t *tool) saySteps(j *retention.Job, steps []retention.Step) {
	t.Say("Kept after the end of their period: disclosures %d years, refusals %d, pseudonyms %d.", j.Disclosures, j.Refusals, j.Pseudonyms)
	rows := [][]string{{"CLASS", "PERIOD", "DESTROYED", "KEPT", "NOTE"}}
	for _, s := range steps {
		destroyed, note := strconv.Itoa(s.Sets-s.Kept), s.Waits
		if s.Waits != "" {
			destroyed = "0"
		}
		if s.Period == "" {
			s.Period = "older"
		}
		rows = append(rows, []string{s.Class, s.Period, destroyed, strconv.Itoa(s.Kept), note})
	}
	if len(steps) > 0 {
		t.Table(rows)
	}
	word := "destroyed"
	if j.Dry {
		word = "would be destroyed; nothing was done"
	}
	t.Say("%d periods %s.", len(steps), word)
}
