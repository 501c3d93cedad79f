// Package refreshing holds the command that sends people again whom a recipient was sent in a time.
//
//	backfill CONNECTOR --from DATE --to DATE --reason TEXT
//
// The days are those of the register's zone, both inclusive. What is made stale, how that is gone on with after an interruption, and the entry in the log are those of package
// store/refresh; the run that follows is an ordinary one, with its exit codes.
package refreshing

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/store/refresh"
	"birgeoqy.kz/almasu/scheduler"
)

// Env is what the command needs of the program around it.
type Env struct {
	lawtool.Env
	// Run makes stale what a wish names, or goes on with it, and runs the connector.
	Run func(ctx context.Context, d scheduler.Due, w refresh.Wish) error
}

// Commands returns the commands for the root of the program.
func Commands(env Env) []*cobra.Command {
	var from, to, reason, actor string
	cmd := &cobra.Command{
		Use:   "backfill CONNECTOR --from DATE --to DATE --reason TEXT",
		Short: "Send people again whom a recipient was sent between two days",
		Long: `Sends everybody again whom the recipient was sent over the connector from the one day to the other (both inclusive, +05:00), as they are now and as the law permits
now. Others who have changed are sent too, as by every run. If it is interrupted, give the same command again, or let almasu serve go on: who has
arrived meanwhile is not sent a second time. Once all were sent, the same command with the same reason is refused, so that nobody is sent twice by mistake. The act and
your reason go into the log. Exit codes are those of almasu run.`,
		Example: `  almasu backfill oblast-consent --from 2026-11-01 --to 2026-11-07 --reason "the oblast restored a backup of 31 October, letter no. 15"`,
		Args:    lawtool.Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			since, err := day(cmd, "from", from)
			if err != nil {
				return err
			}
			last, err := day(cmd, "to", to)
			if err != nil {
				return err
			}
			switch {
			case last.Before(since):
				return lawtool.Usage(cmd, "to", "--to lies before --from")
			case since.After(env.Now()):
				return lawtool.Usage(cmd, "from", "--from lies in the future")
			case strings.TrimSpace(reason) == "":
				return lawtool.Usage(cmd, "reason", "say why: --reason; it goes into the log")
			}
			d := scheduler.Due{Job: args[0], Cause: scheduler.CauseRunNow, Reason: reason, Actor: actor}
			return env.Run(cmd.Context(), d, refresh.Wish{Since: since, Until: last.AddDate(0, 0, 1)})
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "the first day, YYYY-MM-DD")
	f.StringVar(&to, "to", "", "the last day, YYYY-MM-DD")
	f.StringVar(&reason, "reason", "", "why, for the log: number and date of the letter; no personal data")
	f.StringVar(&actor, "as", env.User, "who runs it")
	return []*cobra.Command{cmd}
}

// day reads a day as its first moment in the register's zone.
func day(cmd *cobra.Command, flag, text string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, text, register.Zone)
	if err != nil {
		return t, lawtool.Usage(cmd, flag, "--%s is a day, YYYY-MM-DD", flag)
	}
	return t, nil
}
