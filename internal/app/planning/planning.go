// Package planning looks at transfers before they are made: commands for people, and the keeper that holds what is unusual.
//
//   - plan: what a run of a connector would do now ([plan.Plan]), compared with its last run, with the plan's digest. The look is an entry of the log.
//   - plans: the plans that were made, whoever made them.
//   - send: makes the plan again, and runs the connector only if it has the digest that somebody has looked at.
//   - holds: the runs that a [Keeper] has held; approve sends exactly what was planned, discard sends nothing.
//
// # Holds
//
// A run of a connector with limits (config.Hold), scheduled or asked for, is planned before it begins, and held if it reaches a limit ([limits.Judge]): see package holds
// of the store for states and transactions. What is read between the plan and the run is not judged: a run sends what is on the platform when it reads, a moment
// after its plan; only an approved run is bound to its plan's digest, and what changes between that look and the run's own reading is as for "send --plan".
// Answers to approved requests, notices and what waits in the outbox are not held.
//
// Codes: plan.moved, plan.counts, hold.unknown, hold.decided, hold.moved, hold.not_approved, hold.altered; of findings hold.changed, hold.withdrawn, hold.refused, hold.rejected.
package planning

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/plan"
	"birgeoqy.kz/almasu/internal/plan/limits"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/holds"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Env is what the commands need of the program around them.
type Env struct {
	lawtool.Env
	// Stderr takes progress.
	Stderr io.Writer
	// Prepare opens the service for a plan of a connector, on a request if request is not "". The caller calls Close.
	Prepare func(ctx context.Context, connector, request string) (*Prepared, error)
	// Run runs the connector now and answers as the command run does.
	Run func(ctx context.Context, connector, request, reason, actor string) error
	// Go performs what waits of the connector and answers as the command run does.
	Go func(ctx context.Context, connector string) error
	// Sign makes an administrator's approval with the key in a file, and refuses one that the register would not count.
	Sign func(ctx context.Context, kind, name, author string, digest record.Digest, who, keyFile string) (register.Approval, error)
}

// Prepared is what a plan is made of.
type Prepared struct {
	Maker      *plan.Maker
	Connection *transfer.Connection
	Order      transfer.Order
	// Limits are those that hold a run of the connector now.
	Limits config.Limits
	Store  *store.Store
	Close  func()
}

// Commands returns the commands for the root of the program.
func Commands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.planCommand(), t.plansCommand(), t.sendCommand(), t.holdsCommand()}
}

// ShowHold answers a command with a hold, in English.
func ShowHold(env lawtool.Env, h *holds.Hold) error {
	t := &tool{Env{Env: env}}
	return t.ShowHold(h, "en")
}

type tool struct{ Env }

// answer is what --json says.
type answer struct {
	*plan.Plan
	// Last is the last closed run of the connector that read everybody, of an answer to a request the last answer, if there was one.
	Last *last `json:"last,omitempty"`
	// ExpectedSeconds is how long the last run would have taken for as many people, 0 if there was none.
	ExpectedSeconds float64 `json:"expected_seconds"`
	// WouldHold are the limits that a run would reach now; Hold is the hold of the connector that is open, under which every run is put, "" if there is none.
	WouldHold []limits.Finding `json:"would_hold,omitempty"`
	Hold      string           `json:"hold,omitempty"`
}

type last struct {
	Transfer string    `json:"transfer"`
	Started  time.Time `json:"started"`
	Read     int       `json:"read"`
	// Sent counts those who were sent, and those who were not because the recipient had just that.
	Sent     int `json:"sent"`
	Refused  int `json:"refused"`
	Withheld int `json:"withheld"`
}

func (t *tool) planCommand() *cobra.Command {
	var request, reason, actor string
	var samples int
	cmd := &cobra.Command{
		Use:   "plan (CONNECTOR | --request ID) --reason TEXT",
		Short: "What a run would do now: people by rule, fields, size, the shape of the first records, and a digest",
		Long: `Reads the platform as a run would, asks the same law, writes the same documents and throws them away: nothing is sent, and no value is shown. Prints how many people
would be sent, refused and withheld, by rule; how many messages and bytes; the shape of the first records (letters as x, digits as 9); the difference to the last
run; and the plan's digest. With "almasu send --plan DIGEST" the run is made only if data and law are still the same. The look is an entry of the log.

With --request it is the plan of the answer to a written request, approved or not: its digest is what is approved.

Exit code 1: the law refuses the run.`,
		Example: "  almasu plan oblast-consent --reason \"before the first run of the school year\"\n  almasu plan --request request-2026-118 --reason \"before I approve it\"",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return lawtool.Usage(cmd, "reason", "say why: --reason \"before the first run\"")
			}
			if samples < 0 || samples > 100 {
				return lawtool.Usage(cmd, "sample", "--sample is from 0 to 100")
			}
			connector := ""
			if len(args) == 1 {
				connector = args[0]
			} else if request == "" {
				return lawtool.Usage(cmd, "arguments", "name one connector, or the request that is answered with --request")
			}
			p, err := t.Prepare(cmd.Context(), connector, request)
			if err != nil {
				return err
			}
			defer p.Close()
			a, err := t.make(cmd.Context(), p, samples, holds.ToLook, actor)
			if err != nil {
				return err
			}
			act := &transferlog.Act{Actor: actor, Act: "plan.look", Object: "plan " + a.Digest + " connector " + a.Connector, Reason: reason}
			if _, err := p.Store.Append(cmd.Context(), t.Now(), act); err != nil {
				return t.Environment(err)
			}
			t.Result(a)
			t.show(a, request)
			return nil
		},
	}
	cmd.Flags().StringVar(&request, "request", "", "the id of the request that the run would answer")
	cmd.Flags().IntVar(&samples, "sample", 3, "how many records to show the shape of")
	cmd.Flags().StringVar(&reason, "reason", "", "why; for the log")
	cmd.Flags().StringVar(&actor, "as", t.User, "who looks")
	return cmd
}

func (t *tool) sendCommand() *cobra.Command {
	var digest, request, reason, actor string
	cmd := &cobra.Command{
		Use:   "send CONNECTOR --plan DIGEST --reason TEXT",
		Short: "Run a connector now, if it does exactly what a plan said",
		Long: `Makes the plan again and runs the connector only if the digest is the same: neither the people's data, nor the law, nor the mapping has moved since somebody looked at
the plan. Else nothing is sent [plan.moved]. The run's entry in the log names the plan.`,
		Example: "  almasu send oblast-consent --plan DIGEST --reason \"approved by the director on 22 November\"",
		Args:    lawtool.Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" || digest == "" {
				return lawtool.Usage(cmd, "reason", "--plan and --reason are both needed; see: almasu plan")
			}
			p, err := t.Prepare(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			a, err := t.make(cmd.Context(), p, 0, holds.ToSend, actor)
			p.Close()
			if err != nil {
				return err
			}
			if a.Digest != strings.ToLower(digest) {
				return record.NewProblem("plan.moved", args[0], "look at a new plan with: almasu plan "+args[0]+"; it says what differs from the last run",
					"data, law or mapping have moved since the plan %.12s...: it would be %.12s... now, with %d people; nothing was sent", digest, a.Digest, a.Send)
			}
			return t.Run(cmd.Context(), args[0], request, "plan "+a.Digest+": "+reason, actor)
		},
	}
	cmd.Flags().StringVar(&digest, "plan", "", "the plan's digest")
	cmd.Flags().StringVar(&request, "request", "", "the id of the approved request that the run answers")
	cmd.Flags().StringVar(&reason, "reason", "", "why now")
	cmd.Flags().StringVar(&actor, "as", t.User, "who sends")
	return cmd
}

// make makes a plan, keeps it, and looks up what it is compared with.
func (t *tool) make(ctx context.Context, p *Prepared, samples int, purpose, actor string) (*answer, error) {
	began, told := time.Time{}, time.Time{}
	p.Maker.Observe = func(read int) {
		now := t.Now()
		if began.IsZero() {
			began, told = now, now
		}
		if now.Sub(told) >= 2*time.Second {
			told = now
			fmt.Fprintf(t.Stderr, "read %d people; %.0f a second\n", read, float64(read)/now.Sub(began).Seconds())
		}
	}
	made, err := p.Maker.Make(ctx, p.Connection, p.Order, samples)
	if errors.Is(err, plan.ErrCounts) {
		return nil, record.NewProblem("plan.counts", p.Connection.Name, "see: almasu aggregate "+p.Connection.Name+" --reason TEXT", "the connector sends counts of people, and has a table in the place of a plan")
	}
	if err != nil {
		return nil, err
	}
	if err := holds.Keep(ctx, p.Store, made, purpose, actor); err != nil {
		return nil, t.Environment(err)
	}
	a := &answer{Plan: made}
	before, err := Before(ctx, p.Store, made.Connector)
	if err != nil {
		return nil, t.Environment(err)
	}
	if err := t.compareWith(ctx, p, a, before.Transfer); err != nil {
		return nil, t.Environment(err)
	}
	if made.Request != "" {
		return a, nil
	}
	a.WouldHold = limits.Judge(p.Limits, Numbers(made), before)
	open, err := holds.Of(ctx, p.Store, made.Connector)
	if open != nil {
		a.Hold = open.ID
	}
	return a, err
}

// compareWith looks up the last run that read everybody, whose transfer is given if there is one; for an answer to a request, the last answer.
func (t *tool) compareWith(ctx context.Context, p *Prepared, a *answer, run string) error {
	reports, err := p.Store.Transfers(ctx, a.Connector, lately)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(reports, func(r *transfer.Report) bool {
		if a.Request != "" {
			return !r.Finished.IsZero() && r.Request != "" && r.Notice == "" && r.Totals.Read > 0
		}
		return r.ID.String() == run && r.Totals.Read > 0
	})
	if i < 0 {
		return nil
	}
	r := reports[i]
	a.Last = &last{Transfer: r.ID.String(), Started: r.Started, Read: r.Totals.Read, Refused: r.Totals.Refused, Withheld: r.Totals.Withheld,
		Sent: r.Totals.Read - r.Totals.Refused - r.Totals.Withheld}
	a.ExpectedSeconds = r.Finished.Sub(r.Started).Seconds() * float64(a.Read) / float64(r.Totals.Read)
	return nil
}

func (t *tool) show(a *answer, request string) {
	t.Say("Plan for connector %s, route %s, recipient BIN %s", a.Connector, a.Route, a.Recipient)
	t.Say("  basis         %s, clause %s: %s", a.Basis.Path, a.Basis.Clause, a.Basis.Ground)
	t.Say("  purpose       %s", a.Purpose)
	t.Say("  people        read %d = send %d + unchanged %d + refused %d + withheld %d%s", a.Read, a.Send, a.unchanged(), a.Refused, a.Withheld, a.difference())
	if c := a.Compared; c != nil {
		t.Say("  compared      new %d, changed %d, unchanged %d, withdrawn %d; the recipient has %d people", c.New, c.Changed, c.Unchanged, c.Withdrawn, c.Has)
	}
	t.Say("  messages      %d, %d bytes before transport", a.Messages, a.Bytes)
	if a.ExpectedSeconds > 0 {
		t.Say("  time          about %.0f s, as the last run", math.Ceil(a.ExpectedSeconds))
	}
	t.Say("  fields        %s", strings.Join(a.Fields, ", "))
	for _, d := range a.Denied {
		t.Say("  not sent      %s: %s", d.Field, d.Rule)
	}
	for _, r := range a.Reasons {
		t.Say("  %-12s  %d people: %s %s", r.Kind, r.People, r.Rule, r.Why)
	}
	for i, shape := range a.Sample {
		parts := make([]string, 0, len(shape))
		for _, f := range a.Fields {
			if v, ok := shape[f]; ok {
				parts = append(parts, f+" "+v)
			}
		}
		t.Say("  record %-6d %s", i+1, strings.Join(parts, "; "))
	}
	for _, f := range a.WouldHold {
		t.Say("  would hold    %s [%s]", f.Words().EN, f.Code())
	}
	if a.Hold != "" {
		t.Say("  held          by hold %s, which is open: see almasu holds", a.Hold)
	}
	t.Say("  digest        %s", a.Digest)
	if request != "" {
		t.Say("Nothing was sent. To approve exactly this: almasu approve %s --plan %s --as ID --key FILE", request, a.Digest)
		return
	}
	t.Say("Nothing was sent. To send exactly this: almasu send %s --plan %s --reason TEXT", a.Connector, a.Digest)
}

func (a *answer) unchanged() int {
	if a.Compared == nil {
		return 0
	}
	return a.Compared.Unchanged
}

// difference is what the last run had otherwise, in words.
func (a *answer) difference() string {
	if a.Last == nil {
		return "; there was no run before"
	}
	return fmt.Sprintf("; the last run: %+d read, %+d sent or unchanged, %+d refused, %+d withheld", a.Read-a.Last.Read, a.Send+a.unchanged()-a.Last.Sent, a.Refused-a.Last.Refused, a.Withheld-a.Last.Withheld)
}
