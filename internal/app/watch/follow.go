package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// TransferCommands returns the commands for below "transfers".
func TransferCommands(env lawtool.Env, wait func(context.Context, time.Duration) error) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.followCommand(wait)}
}

// recent is how many of the newest transfers are looked at for those under way, and for what runs of the same connector read before.
const recent = 200

func (t *tool) followCommand(wait func(context.Context, time.Duration) error) *cobra.Command {
	var once bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Follow the transfers under way: people and messages, rate, time left",
		Long: `Prints a line for each transfer under way, whichever process runs it, until nothing is under way any more or you interrupt it. The time left is
reckoned from what the last run of the same connector read. With --json it looks once.`,
		Example: "  almasu transfers watch",
		Args:    lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 100*time.Millisecond {
				return lawtool.Usage(cmd, "every", "--every is at least 100ms")
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			f := &follower{tool: t, store: v.Store, before: map[string]look{}}
			for {
				running, err := f.look(cmd.Context())
				if err != nil {
					return t.Environment(err)
				}
				if once || *t.JSON || running == 0 || wait(cmd.Context(), every) != nil {
					return nil
				}
			}
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "look once")
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "how often to look")
	return cmd
}

// look is what was seen of one transfer at one time.
type look struct {
	at   time.Time
	done int
}

type follower struct {
	*tool
	store  *store.Store
	before map[string]look
}

// underWay is one transfer under way, for machines.
type underWay struct {
	Transfer  string          `json:"transfer"`
	Connector string          `json:"connector"`
	Totals    transfer.Totals `json:"totals"`
	// Expected is how many people the last run of the connector read, 0 if there was none; PerSecond people since the look before; Left seconds, -1 if unknown.
	Expected  int     `json:"expected"`
	PerSecond float64 `json:"per_second"`
	Left      float64 `json:"left"`
}

// look prints what is under way and returns how many transfers that are.
func (f *follower) look(ctx context.Context) (int, error) {
	list, err := f.store.Transfers(ctx, "", recent)
	if err != nil {
		return 0, err
	}
	now, shown := f.Now(), []underWay{}
	for i, r := range list {
		if r.Status != transfer.InProgress {
			continue
		}
		u := underWay{Transfer: r.ID.String(), Connector: r.Connector, Totals: r.Totals, Expected: expected(list[i+1:], r.Connector), Left: -1}
		was, seen := f.before[u.Transfer]
		if !seen {
			was = look{at: r.Started}
		}
		if seconds := now.Sub(was.at).Seconds(); seconds > 0 {
			u.PerSecond = max(float64(r.Totals.Read-was.done)/seconds, 0)
		}
		if u.Expected > r.Totals.Read && u.PerSecond > 0 {
			u.Left = float64(u.Expected-r.Totals.Read) / u.PerSecond
		}
		f.before[u.Transfer] = look{now, r.Totals.Read}
		shown = append(shown, u)
		f.Say("%s", u.line())
	}
	if len(shown) == 0 {
		f.Say("no transfer is under way")
	}
	f.Result(shown)
	return len(shown), nil
}

// expected is what the newest closed run of the connector read.
func expected(older []*transfer.Report, connector string) int {
	for _, r := range older {
		if r.Connector == connector && r.Status != transfer.InProgress {
			return r.Totals.Read
		}
	}
	return 0
}

func (u *underWay) line() string {
	t := &u.Totals
	s := fmt.Sprintf("%s %s: read %d", u.Transfer[:8], u.Connector, t.Read)
	if u.Expected > 0 {
		s += fmt.Sprintf(" of about %d", u.Expected)
	}
	s += fmt.Sprintf(", accepted %d, unchanged %d, refused %d, withheld %d, rejected %d, pending %d; %d messages, %d delivered; %.0f a second",
		t.Accepted, t.Unchanged, t.Refused, t.Withheld, t.Rejected, t.Pending, t.Messages, t.Delivered, u.PerSecond)
	if u.Left >= 0 {
		s += fmt.Sprintf(", about %s left", (time.Duration(u.Left) * time.Second).String())
	}
	return s
}
