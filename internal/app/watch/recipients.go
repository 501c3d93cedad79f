package watch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Commands returns the commands for the root of the program.
func Commands(env lawtool.Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.recipientsCommand()}
}

// tool is one invocation.
type tool struct{ lawtool.Env }

// recipient is one recipient, for people and machines.
type recipient struct {
	transfer.Line
	Name    string          `json:"name"`
	Waiting []tally.Waiting `json:"waiting,omitempty"`
}

func (t *tool) recipientsCommand() *cobra.Command {
	var lift, reason, actor string
	cmd := &cobra.Command{
		Use:   "recipients",
		Short: "The line to each recipient: up, down or halted, and what waits",
		Long: `Shows for each recipient whether it answers, what it has objected to if nothing more may be sent to it, and what waits for it. "down" mends itself; "halted"
holds for every connector until the recipient takes the message that it objected to, or until you lift the halt, which goes into the log with your name and
reason. Exit code 1: a line is halted.`,
		Example: "  almasu recipients\n  almasu recipients --lift 000000000000 --reason \"agreed by telephone on 22 November, no. 17\"",
		Args:    lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (lift == "") != (reason == "") {
				return lawtool.Usage(cmd, "reason", "--lift and --reason come together")
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			if lift != "" {
				if err := t.lift(cmd, v, lift, reason, actor); err != nil {
					return err
				}
			}
			return t.show(cmd, v)
		},
	}
	cmd.Flags().StringVar(&lift, "lift", "", "lift the halt of the recipient with this BIN")
	cmd.Flags().StringVar(&reason, "reason", "", "why it may go on, for the log")
	cmd.Flags().StringVar(&actor, "as", t.User, "who lifts it")
	return cmd
}

func (t *tool) lift(cmd *cobra.Command, v *lawtool.Service, bin, reason, actor string) error {
	book, at := lines.Book{Store: v.Store}, t.Now()
	now, err := book.Line(cmd.Context(), bin)
	if err == nil && now.State != transfer.LineHalted {
		err = lines.ErrNotHalted
	}
	if err == nil {
		_, err = v.Store.Append(cmd.Context(), at, &transferlog.Act{Actor: actor, Act: "line.lift", Object: "recipient " + bin, Reason: reason})
	}
	if err == nil {
		err = book.Lift(cmd.Context(), at, bin)
	}
	if errors.Is(err, lines.ErrNotHalted) {
		return record.NewProblem("usage.not_halted", "", "see: almasu recipients", "the line to recipient %s is not halted", bin)
	}
	if err != nil {
		return t.Environment(err)
	}
	t.Say("the halt is lifted; what waits goes with the next run, or by itself if almasu serve runs")
	return nil
}

func (t *tool) show(cmd *cobra.Command, v *lawtool.Service) error {
	counted, err := tally.Read(cmd.Context(), v.Store, t.Now())
	if err != nil {
		return t.Environment(err)
	}
	list := []recipient{}
	for _, r := range v.Register.Recipients {
		shown := recipient{Line: transfer.Line{Recipient: r.BIN, State: transfer.LineUp}, Name: r.ID}
		if i := slices.IndexFunc(counted.Lines, func(l transfer.Line) bool { return l.Recipient == r.BIN }); i >= 0 {
			shown.Line = counted.Lines[i]
		}
		for _, w := range counted.Waiting {
			if w.Recipient == r.BIN {
				shown.Waiting = append(shown.Waiting, w)
			}
		}
		list = append(list, shown)
		t.say(&shown)
		if shown.State == transfer.LineHalted {
			t.Code(1)
		}
	}
	t.Result(list)
	return nil
}

func (t *tool) say(r *recipient) {
	line := fmt.Sprintf("%s  %-6s  %s", r.Recipient, r.State, r.Name)
	switch r.State {
	case transfer.LineDown:
		line += fmt.Sprintf("\n  does not answer since %s [%s]; one message is tried now and then", moment(r.Since), r.Code)
	case transfer.LineHalted:
		line += fmt.Sprintf("\n  has objected on %s to message %s of connector %s [%s]; nothing else is sent to it. What to do stands in docs/operations.md under this code",
			moment(r.Since), r.Message, r.Connector, r.Code)
	}
	for _, w := range r.Waiting {
		line += fmt.Sprintf("\n  %d messages with %d people wait, from %s, the oldest since %s", w.Messages, w.People, w.Connector, moment(w.Oldest))
	}
	t.Say("%s", line)
}

func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }
