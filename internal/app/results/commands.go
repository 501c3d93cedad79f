package results

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// Commands returns the commands for the root of the program.
func Commands(env lawtool.Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.transfersCommand(), t.retryCommand()}
}

// tool is one invocation.
type tool struct{ lawtool.Env }

func (t *tool) transfersCommand() *cobra.Command {
	var connector string
	var limit int
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use:   "transfers [ID]",
		Short: "List transfers and missed runs, or show one transfer",
		Long: `Lists the latest transfers and the runs that were missed, or shows one transfer wholly: what it has come to, on what basis, which fields, and what has become of
everybody who was read.`,
		Example: "  almasu transfers --connector oblast-consent\n  almasu transfers show ID --outcomes --lang kk",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return t.show(cmd, args[0], lang, false)
			}
			if err := lang.Check(cmd); err != nil {
				return err
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			return t.list(cmd.Context(), v, connector, limit, lang)
		},
	}
	cmd.Flags().StringVar(&connector, "connector", "", "only this connector's")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	lang.Flag(cmd)
	cmd.AddCommand(t.showCommand())
	return cmd
}

func (t *tool) showCommand() *cobra.Command {
	var lang lawtool.Language
	var with bool
	cmd := &cobra.Command{
		Use:   "show ID [--outcomes]",
		Short: "Show one transfer wholly; with --outcomes, what the recipient has said of single records",
		Long: `Shows one transfer wholly. With --outcomes the records that the recipient did not take are listed by its codes, each by message and place (from 0), with its words. Its words
are foreign: numbers, addresses and what stands in quotes are shown by their shape. Nothing names a person.`,
		Example: "  almasu transfers show ID --outcomes",
		Args:    lawtool.Exactly(1, "one transfer"),
		RunE:    func(cmd *cobra.Command, args []string) error { return t.show(cmd, args[0], lang, with) },
	}
	cmd.Flags().BoolVar(&with, "outcomes", false, "list rejected records")
	lang.Flag(cmd)
	return cmd
}

// find returns a transfer by its id as it was given.
func (t *tool) find(ctx context.Context, s *store.Store, text string) (*transfer.Report, error) {
	id, err := record.ParseID(text)
	if err != nil || id.IsZero() {
		return nil, record.NewProblem("usage.transfer", "", "see: almasu transfers", "%q is not the id of a transfer", text)
	}
	r, err := s.Transfer(ctx, id)
	if errors.Is(err, store.ErrNoTransfer) {
		return nil, record.NewProblem("usage.transfer", "", "see: almasu transfers", "there is no transfer %s", id)
	}
	if err != nil {
		return nil, t.Environment(err)
	}
	return r, nil
}

// moment is how times are listed, with their zone.
const moment = "2006-01-02 15:04:05 -07:00"

// shown is one transfer for machines.
type shown struct {
	*transfer.Report
	RetryOf   *link  `json:"retry_of,omitempty"`
	RetriedBy []link `json:"retried_by,omitempty"`
	// Outcomes is there if it was asked for.
	Outcomes *outcome `json:"outcomes,omitempty"`
}

// link names a transfer that this one is linked to, by a retry of so many records.
type link struct {
	Transfer string `json:"transfer"`
	Code     string `json:"code,omitempty"`
	Records  int    `json:"records"`
}

func (t *tool) show(cmd *cobra.Command, text string, lang lawtool.Language, with bool) error {
	if err := lang.Check(cmd); err != nil {
		return err
	}
	ctx := cmd.Context()
	v, err := t.Open(ctx, false)
	if err != nil {
		return err
	}
	defer v.Close()
	r, err := t.find(ctx, v.Store, text)
	if err != nil {
		return err
	}
	out := &shown{Report: r}
	if err := out.links(ctx, v.Store); err != nil {
		return t.Environment(err)
	}
	if with {
		if out.Outcomes, err = readOutcomes(ctx, v, r.ID); err != nil {
			return t.Environment(err)
		}
	}
	t.Result(out)
	if *t.JSON {
		return nil
	}
	Print(t.Stdout, r, lang)
	p := &page{w: t.Stdout, lang: lang}
	if of := out.RetryOf; of != nil {
		p.line("retry of", "of", of.Transfer, of.Records)
	}
	for _, by := range out.RetriedBy {
		p.line("retried", "by", by.Transfer, by.Records)
	}
	if with {
		out.Outcomes.print(t.Stdout, lang, r)
	}
	return nil
}

func (x *shown) links(ctx context.Context, s *store.Store) error {
	of, err := outcomes.Of(ctx, s, x.ID)
	if err != nil {
		return err
	}
	if of != nil {
		x.RetryOf = &link{of.Of.String(), of.Code, len(of.Records)}
	}
	list, err := outcomes.Retries(ctx, s, x.ID)
	for _, r := range list {
		x.RetriedBy = append(x.RetriedBy, link{r.Transfer.ID.String(), r.Code, len(r.Records)})
	}
	return err
}

func (t *tool) list(ctx context.Context, v *lawtool.Service, connector string, limit int, lang lawtool.Language) error {
	list, err := v.Store.Transfers(ctx, connector, limit)
	if err != nil {
		return t.Environment(err)
	}
	dues, err := v.Store.Dues(ctx, connector, limit)
	if err != nil {
		return t.Environment(err)
	}
	var missed, held []*scheduler.Due
	for _, d := range dues {
		switch d.State {
		case scheduler.StateMissed:
			missed = append(missed, d)
		case scheduler.StateHeld:
			held = append(held, d)
		}
	}
	t.Result(map[string]any{"transfers": list, "missed": missed, "held": held})
	var heads []string
	for _, h := range []string{"STARTED", "TRANSFER", "CONNECTOR", "TRIGGER", "STATUS", "READ", "ACCEPTED", "UNCHANGED", "REFUSED", "WITHHELD", "REJECTED", "PENDING"} {
		heads = append(heads, say(lang, h))
	}
	rows := [][]string{heads}
	for _, r := range list {
		n := r.Totals
		rows = append(rows, []string{r.Started.In(register.Zone).Format(moment), r.ID.String(), r.Connector, string(r.Trigger), Word(r.Status, lang),
			fmt.Sprint(n.Read), fmt.Sprint(n.Accepted), fmt.Sprint(n.Unchanged), fmt.Sprint(n.Refused), fmt.Sprint(n.Withheld), fmt.Sprint(n.Rejected), fmt.Sprint(n.Pending)})
	}
	t.Table(rows)
	for _, d := range missed {
		t.Say(say(lang, "missed"), d.Job, d.At.In(register.Zone).Format(moment), d.Reason)
	}
	for _, d := range held {
		t.Say(say(lang, "held"), d.Job, d.At.Format(time.RFC3339), d.Hold)
	}
	return nil
}
