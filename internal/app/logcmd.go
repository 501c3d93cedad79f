package app

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/evidence"
)

func (s *session) logCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "Show, verify, export or begin the transfer log"}
	var from int64
	var limit int
	show := &cobra.Command{
		Use: "show", Short: "Print entries, one line of JSON each", Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			entries, err := v.Store.Entries(cmd.Context(), from, limit)
			if err != nil {
				return exit.Environment(err)
			}
			lines := []string{}
			for _, e := range entries {
				lines = append(lines, string(e))
			}
			s.result = lines
			for i, line := range lines {
				s.say("%d %s", from+int64(i), line)
			}
			return nil
		},
	}
	show.Flags().Int64Var(&from, "from", 0, "the first index")
	show.Flags().IntVar(&limit, "limit", 50, "how many")
	verify := &cobra.Command{
		Use: "verify", Short: "Check the whole log: tree, checkpoints, settlements, sequences, receipts", Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			report, err := v.VerifyLog(cmd.Context(), nil)
			if err != nil {
				return err
			}
			return s.answerVerification(report)
		},
	}
	var output string
	export := &cobra.Command{
		Use: "export --output FILE", Short: "Write the log to a file for almasu-verify", Args: lawtool.Exactly(0, "no arguments"),
		Long: "Writes the whole log, its checkpoints and receipts to a file that anybody can check without a network or a database: almasu-verify FILE.\nIt holds no personal data: people are ordinals.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			f, err := os.OpenFile(output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
			if err != nil {
				return exit.Environment(err)
			}
			if err := v.ExportLog(cmd.Context(), f); err != nil {
				f.Close()
				return exit.Environment(err)
			}
			if err := f.Close(); err != nil {
				return exit.Environment(err)
			}
			s.result = map[string]string{"file": output}
			s.say("Written to %s. Check it with: almasu-verify %s", output, output)
			return nil
		},
	}
	export.Flags().StringVarP(&output, "output", "o", "almasu-log.jsonl", "the file to write; it must not exist")
	cmd.AddCommand(show, verify, export)
	return cmd
}

func (s *session) answerVerification(report *evidence.Report) error {
	s.result = report
	if !report.OK() {
		s.code = exit.NotWell
	}
	if s.json {
		return nil
	}
	return report.Write(s.stdout, "en")
}

// moment prints a time for people in the local zone of the program.
func moment(t time.Time) string { return t.Format("2006-01-02 15:04:05 -07:00") }
