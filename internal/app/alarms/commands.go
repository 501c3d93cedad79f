package alarms

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/record"
)

// Env is what the command needs of the program around it.
type Env struct {
	lawtool.Env
	// Watching opens the service for looking and telling. The caller calls end.
	Watching func(ctx context.Context) (w *Watch, d *notify.Desk, end func(), err error)
}

// Commands returns the commands for the root of the program.
func Commands(env Env) []*cobra.Command {
	return []*cobra.Command{command(env)}
}

// answer is what --json says.
type answer struct {
	// Now are the conditions of this moment; Told those that people were told.
	Now  []notify.Condition `json:"now"`
	Told []notify.Condition `json:"told"`
	// Channels are those that are configured; Failed, with --test, those that did not take the test.
	Channels []string `json:"channels"`
	Failed   []string `json:"failed,omitempty"`
}

func command(env Env) *cobra.Command {
	var test bool
	cmd := &cobra.Command{
		Use:   "alarms",
		Short: "What is wrong now or ends soon, and what people were told",
		Long: `Looks at everything that "almasu serve" looks at once a minute: failed, missed and held runs, messages that wait, halted recipients, duties, and keys, agreements,
acts and policies that end soon. serve tells each change once, by mail and webhook as configured under "notify", and tells again when it is over. With --test
a test goes over each channel now. Exit code 1: something is wrong, or a channel did not take the test.`,
		Example: "  almasu alarms\n  almasu alarms --test",
		Args:    lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, d, end, err := env.Watching(cmd.Context())
			if err != nil {
				return err
			}
			defer end()
			return show(cmd.Context(), env, w, d, test)
		},
	}
	cmd.Flags().BoolVar(&test, "test", false, "send a test over each channel")
	return cmd
}

func show(ctx context.Context, env Env, w *Watch, d *notify.Desk, test bool) error {
	now := env.Now()
	a := answer{Now: []notify.Condition{}, Told: []notify.Condition{}, Channels: []string{}}
	found, err := w.Conditions(ctx, now)
	if err != nil {
		return env.Environment(err)
	}
	a.Now = append(a.Now, found...)
	told, err := d.Book.Standing(ctx)
	if err != nil {
		return env.Environment(err)
	}
	a.Told = append(a.Told, told...)
	rows := [][]string{{"WHAT", "ABOUT", "CODE", "DATE"}}
	for _, c := range found {
		date := ""
		if c.Until != nil {
			date = c.Until.UTC().Format(time.DateOnly)
		}
		rows = append(rows, []string{string(c.Kind), c.Subject, c.Code, date})
	}
	if len(found) > 0 {
		env.Table(rows)
		env.Code(1)
	}
	env.Say("%d conditions now; people were told of %d that stand.", len(found), len(told))
	for _, c := range d.Channels {
		a.Channels = append(a.Channels, c.Name())
	}
	if len(d.Channels) == 0 {
		env.Say(`No channel is configured: nobody is told. See "notify" in docs/operations.md.`)
	}
	if test {
		a.Failed = try(ctx, env, d, now)
	}
	env.Result(a)
	return nil
}

// try sends a note without conditions over each channel.
func try(ctx context.Context, env Env, d *notify.Desk, now time.Time) (failed []string) {
	for _, c := range d.Channels {
		if err := c.Send(ctx, notify.Test(record.NewID().String(), now)); err != nil {
			failed = append(failed, c.Name())
			env.Say("%s: the test was not taken: %v", c.Name(), err)
			env.Code(1)
			continue
		}
		env.Say("%s: the test was taken.", c.Name())
	}
	return failed
}
