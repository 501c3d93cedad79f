package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
)

func (s *session) transfersCommand() *cobra.Command {
	var connector string
	var limit int
	cmd := &cobra.Command{
		Use:   "transfers [ID]",
		Short: "List transfers and missed runs, or show one transfer",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			if len(args) == 1 {
				return s.showTransfer(cmd, v, args[0])
			}
			return s.listTransfers(cmd, v, connector, limit)
		},
	}
	cmd.Flags().StringVar(&connector, "connector", "", "only this connector's")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	return cmd
}

func (s *session) showTransfer(cmd *cobra.Command, v *service.Service, text string) error {
	id, err := record.ParseID(text)
	if err != nil || id.IsZero() {
		return exit.BadInput(record.NewProblem("usage.transfer", "", "see: almasu transfers", "%q is not the id of a transfer", text))
	}
	r, err := v.Store.Transfer(cmd.Context(), id)
	if errors.Is(err, store.ErrNoTransfer) {
		return exit.BadInput(record.NewProblem("usage.transfer", "", "see: almasu transfers", "there is no transfer %s", id))
	}
	if err != nil {
		return exit.Environment(err)
	}
	s.result = r
	if !s.json {
		printReport(s.stdout, r)
	}
	return nil
}

func (s *session) listTransfers(cmd *cobra.Command, v *service.Service, connector string, limit int) error {
	list, err := v.Store.Transfers(cmd.Context(), connector, limit)
	if err != nil {
		return exit.Environment(err)
	}
	dues, err := v.Store.Dues(cmd.Context(), connector, limit)
	if err != nil {
		return exit.Environment(err)
	}
	missed := dues[:0]
	for _, d := range dues {
		if d.State == "missed" {
			missed = append(missed, d)
		}
	}
	s.result = map[string]any{"transfers": list, "missed": missed}
	if s.json {
		return nil
	}
	rows := [][]string{{"STARTED", "TRANSFER", "CONNECTOR", "TRIGGER", "STATUS", "READ", "ACCEPTED", "UNCHANGED", "REFUSED", "PENDING"}}
	for _, r := range list {
		t := r.Totals
		rows = append(rows, []string{r.Started.Format(time.DateTime), r.ID.String(), r.Connector, string(r.Trigger), string(r.Status),
			fmt.Sprint(t.Read), fmt.Sprint(t.Accepted), fmt.Sprint(t.Unchanged), fmt.Sprint(t.Refused), fmt.Sprint(t.Pending)})
	}
	table(s.stdout, rows)
	for _, d := range missed {
		s.say("missed: %s due %s: %s", d.Job, d.At.Format(time.RFC3339), d.Reason)
	}
	return nil
}
