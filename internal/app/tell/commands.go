package tell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Commands returns the commands.
func Commands(env lawtool.Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.notifyCommand(), t.unblockCommand()}
}

// tool is one invocation.
type tool struct{ lawtool.Env }

// wish is what is asked for, from flags.
type wish struct {
	iinFile, act, outcome, received, reason, actor string
	fields                                         []string
	send                                           bool
	lang                                           lawtool.Language
}

func (t *tool) notifyCommand() *cobra.Command {
	var w wish
	cmd := &cobra.Command{
		Use:   "notify --iin-file FILE [--act correct|withdraw|destroy] [--send --reason TEXT]",
		Short: "Tell earlier recipients that a person's data have changed, or may not be used any more",
		Long: `Lists who was given the person's data and is owed a notice of an act, and why:

  correct   a field has changed: everybody who was given it within the route's window. Name the fields with --fields; without it the profile's moment of change
            is compared with each delivery, and one from before it is owed a correction of all that it held. The new value goes to whom it may go today;
            others are told that the old one is out of date
  withdraw  the person left the scope, withdrew, or a basis has lapsed: everybody to whom they would not be sent today
  destroy   the data were unlawful: everybody

Nothing is sent without --send. With it the notices are entered, with your reason, and delivered at once, or else by almasu serve; until the recipient's
receipt is in, almasu duties shows them. A recipient whose agreement takes no notices is told by letter: almasu notify letter ID. The look-up is an entry of the
log. Exit code 1: entered, and not delivered yet.`,
		Example: `  almasu notify --iin-file person.txt --fields phone
  almasu notify --iin-file person.txt --fields phone --send --reason "the profile was changed on 12 May"`,
		Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return t.notify(cmd, &w) },
	}
	f := cmd.Flags()
	f.StringVar(&w.iinFile, "iin-file", "", "a file with the person's IIN")
	f.StringVar(&w.act, "act", string(notice.Correct), "correct, withdraw or destroy")
	f.StringSliceVar(&w.fields, "fields", nil, "the fields that have changed, with commas")
	f.BoolVar(&w.send, "send", false, "enter the notices and deliver them")
	f.Bool("dry-run", true, "only list them; the opposite of --send")
	f.StringVar(&w.received, "received", "", "when the change became known, for the term (default now)")
	f.StringVar(&w.reason, "reason", "", "why, for the log: number and date of the letter; no personal data")
	f.StringVar(&w.actor, "as", t.User, "who asks")
	w.lang.Flag(cmd)
	cmd.AddCommand(t.letterCommand())
	return cmd
}

// check refuses what makes no sense before anything is opened.
func (w *wish) check(cmd *cobra.Command, t *tool) (received time.Time, err error) {
	if err := w.lang.Check(cmd); err != nil {
		return received, err
	}
	if received, err = t.Moment(cmd, "received", w.received); err != nil {
		return received, err
	}
	switch {
	case !notice.Act(w.act).Valid():
		return received, lawtool.Usage(cmd, "act", "--act is correct, withdraw or destroy")
	case len(w.fields) > 0 && notice.Act(w.act) != notice.Correct:
		return received, lawtool.Usage(cmd, "fields", "--fields goes with a correction")
	case w.send && cmd.Flags().Changed("dry-run"):
		return received, lawtool.Usage(cmd, "send", "--dry-run and --send exclude each other")
	case w.send && strings.TrimSpace(w.reason) == "":
		return received, lawtool.Usage(cmd, "reason", "say why: --reason; it goes into the log")
	case received.After(t.Now()):
		return received, lawtool.Usage(cmd, "received", "--received lies in the future")
	}
	return received, nil
}

func (t *tool) notify(cmd *cobra.Command, w *wish) error {
	received, err := w.check(cmd, t)
	if err != nil {
		return err
	}
	iin, err := t.ReadIIN(cmd, w.iinFile)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	v, err := t.Open(ctx, true)
	if err != nil {
		return err
	}
	defer v.Close()
	p, err := t.planner(ctx, v, iin, w.lang)
	if err != nil {
		return err
	}
	subject := lawtool.Joined(p.ordinals())
	look := &transferlog.Act{Actor: w.actor, Act: "person.notify", Object: w.act + " ordinals " + subject, Reason: w.reason}
	if _, err := v.Store.Append(ctx, t.Now(), look); err != nil {
		return t.Environment(err)
	}
	list, err := p.plan(ctx, cmd, notice.Act(w.act), w.fields)
	if err != nil {
		return err
	}
	if err := date(list, received); err != nil {
		return err
	}
	if !w.send {
		t.say(p, list, false)
		if len(list) > 0 {
			t.Say("Nothing was sent. Send them with --send --reason TEXT.")
		}
		return nil
	}
	if err := notices.Enter(ctx, v.Store, t.Now(), entered(list, subject, w.actor, w.reason, received, t.Now())); err != nil {
		return t.Environment(err)
	}
	return t.bring(ctx, p, list)
}

// plan lists what is owed by an act.
func (p *planner) plan(ctx context.Context, cmd *cobra.Command, act notice.Act, fields []string) ([]*owed, error) {
	for _, f := range fields {
		if p.v.Register.Field(f) == nil {
			var known []string
			for _, x := range p.v.Register.Fields {
				known = append(known, x.ID)
			}
			return nil, lawtool.Usage(cmd, "fields", "the register has no field %q; it has %s", f, strings.Join(known, ", "))
		}
	}
	switch act {
	case notice.Correct:
		return p.correct(ctx, fields)
	case notice.Withdraw:
		return p.withdraw(ctx)
	}
	return p.destroy(ctx)
}

// bring delivers what was entered, as far as it goes now, and says what became of it.
func (t *tool) bring(ctx context.Context, p *planner, list []*owed) error {
	var connectors []string
	for _, o := range list {
		if o.Way == "notice" && !slices.Contains(connectors, o.Connector) {
			connectors = append(connectors, o.Connector)
		}
	}
	for _, c := range connectors {
		if err := p.v.Deliver(ctx, c); err != nil {
			return err
		}
	}
	for _, o := range list {
		id, err := record.ParseID(o.ID)
		if err != nil {
			return err
		}
		n, err := notices.Of(ctx, p.v.Store, id)
		if err != nil {
			return t.Environment(err)
		}
		switch {
		case o.Way == "letter":
			o.Outcome = "letter"
		case n == nil || n.Outcome == "":
			o.Outcome = "waits"
		default:
			o.Outcome = n.Outcome
		}
		if o.Outcome != string(transfer.Delivered) && o.Outcome != "letter" || n != nil && n.Rejected > 0 {
			t.Code(1)
		}
		if n != nil && n.Rejected > 0 {
			o.Outcome = fmt.Sprintf("%s, %d records rejected", o.Outcome, n.Rejected)
		}
	}
	t.say(p, list, true)
	return nil
}

// say prints a plan.
func (t *tool) say(p *planner, list []*owed, done bool) {
	if list == nil {
		list = []*owed{}
	}
	t.Result(map[string]any{"notices": list, "waiting": p.waiting, "entered": done})
	rows := [][]string{{"RECIPIENT", "ACT", "RULE", "WHY", "FIELDS", "NEW VALUES", "MESSAGES", "WAY", "DUE", "OUTCOME", "ID"}}
	for _, o := range list {
		values := "-"
		switch {
		case o.ValuesRule != "":
			values = "none: " + o.ValuesRule
		case len(o.Values) > 0:
			values = strings.Join(o.Values, " ")
		}
		rows = append(rows, []string{o.Recipient, string(o.Act), o.Rule, o.Why, strings.Join(o.Fields, " "), values, fmt.Sprint(len(o.Records)), o.Way, o.Due, o.Outcome, o.ID})
	}
	t.Table(rows)
	t.Say("%d notices about %d accounts.", len(list), len(p.accounts))
	if p.waiting > 0 {
		t.Say("%d messages with this person have no receipt yet: look again when they have.", p.waiting)
	}
	for _, o := range list {
		if o.Outcome == "letter" {
			t.Say("A letter is owed to %s: almasu notify letter %s --lang kk|ru|en", o.Recipient, o.ID)
		}
		if o.Outcome == "waits" {
			t.Say("The notice %s is entered and waits; almasu serve delivers it. See: almasu duties", o.ID)
		}
	}
}

func (t *tool) unblockCommand() *cobra.Command {
	var w wish
	cmd := &cobra.Command{
		Use: "unblock --iin-file FILE --outcome wrong|unlawful|unconfirmed --reason TEXT", Short: "Lift a person's block with the outcome of the check, and tell earlier recipients what follows",
		Long: `Lifts the block (policy 6.2.4). In the same transaction it enters what follows from the outcome:

  wrong        the data were wrong and are corrected on the platform: a correction of --fields to everybody who was given them
  unlawful     the data were processed unlawfully and are destroyed: a demand to destroy to everybody who was given any
  unconfirmed  nothing follows

The notices are delivered at once, or else by almasu serve; see almasu duties. Exit code 1: entered, and not delivered yet.`,
		Example: `  almasu unblock --iin-file person.txt --outcome wrong --fields phone --reason "act of the check No 3 of 12 May"`,
		Args:    lawtool.Exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return t.unblock(cmd, &w) },
	}
	f := cmd.Flags()
	f.StringVar(&w.iinFile, "iin-file", "", "a file with the person's IIN")
	f.StringVar(&w.outcome, "outcome", "", "wrong, unlawful or unconfirmed")
	f.StringSliceVar(&w.fields, "fields", nil, "the fields that were wrong, with commas")
	f.StringVar(&w.reason, "reason", "", "what the check found; no personal data")
	f.StringVar(&w.actor, "as", t.User, "who lifts it")
	w.lang.Flag(cmd)
	return cmd
}

func (t *tool) unblock(cmd *cobra.Command, w *wish) error {
	known := slices.ContainsFunc(legal.Outcomes(), func(o legal.Outcome) bool { return o.Code == w.outcome })
	switch {
	case strings.TrimSpace(w.reason) == "":
		return lawtool.Usage(cmd, "reason", "say what the check found: --reason; it goes into the log")
	case !known:
		return lawtool.Usage(cmd, "outcome", "%q is not the outcome of a check: wrong, unlawful or unconfirmed", w.outcome)
	case (w.outcome == "wrong") != (len(w.fields) > 0):
		return lawtool.Usage(cmd, "fields", "--fields names what was wrong, and goes with --outcome wrong")
	}
	if err := w.lang.Check(cmd); err != nil {
		return err
	}
	iin, err := t.ReadIIN(cmd, w.iinFile)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	v, err := t.Open(ctx, w.outcome != "unconfirmed")
	if err != nil {
		return err
	}
	defer v.Close()
	p, err := t.planner(ctx, v, iin, w.lang)
	if err != nil {
		return err
	}
	var list []*owed
	switch w.outcome {
	case "wrong":
		list, err = p.plan(ctx, cmd, notice.Correct, w.fields)
	case "unlawful":
		list, err = p.plan(ctx, cmd, notice.Destroy, nil)
	}
	if err == nil {
		err = date(list, t.Now())
	}
	if err != nil {
		return err
	}
	ordinals := p.ordinals()
	entry := &transferlog.Block{Act: "unblock", Reason: w.outcome + ": " + w.reason}
	if len(ordinals) > 0 {
		entry.Subject = uint64(ordinals[len(ordinals)-1])
	}
	err = notices.Unblock(ctx, v.Store, t.Now(), p.tag, w.outcome, entry, entered(list, lawtool.Joined(ordinals), w.actor, w.outcome+": "+w.reason, t.Now(), t.Now()))
	if errors.Is(err, store.ErrNotBlocked) {
		return record.NewProblem("usage.not_blocked", "", "", "this person is not blocked")
	}
	if err != nil {
		return t.Environment(err)
	}
	t.Say("Unblocked.")
	return t.bring(ctx, p, list)
}
