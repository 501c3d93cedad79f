package planning

import (
	"fmt"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/store/holds"
)

func (t *tool) plansCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "plans [CONNECTOR]",
		Short: "The plans that were made: when, by whom, what for, and what they counted",
		Long: `Lists the plans that "almasu plan", "almasu send", "almasu holds approve" and runs of connectors with limits have made, newest first: look, send, approve and judge. They hold numbers, rules and
digests, and no value of anybody. --json has each whole.`,
		Example: "  almasu plans oblast-consent --limit 5",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			connector := ""
			if len(args) == 1 {
				connector = args[0]
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			list, err := holds.Plans(cmd.Context(), v.Store, connector, limit)
			if err != nil {
				return t.Environment(err)
			}
			rows := [][]string{{"MADE", "CONNECTOR", "FOR", "BY", "READ", "SEND", "REFUSED", "WITHHELD", "PLAN"}}
			for _, m := range list {
				p := m.Plan
				rows = append(rows, []string{when(p.At), p.Connector, m.Purpose, m.Actor, fmt.Sprint(p.Read), fmt.Sprint(p.Send), fmt.Sprint(p.Refused), fmt.Sprint(p.Withheld), p.Digest[:min(12, len(p.Digest))]})
			}
			t.Result(map[string]any{"plans": append([]holds.Made{}, list...)})
			if len(list) == 0 {
				t.Say("no plan was made yet")
				return nil
			}
			t.Table(rows)
			return nil
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	return cmd
}
