package app

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
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
			if from < 0 || limit < 0 {
				return lawtool.Usage(cmd, "from", "--from and --limit are 0 or more")
			}
			entries, err := v.Store.Entries(cmd.Context(), from, limit)
			if err != nil {
				return notRead(err)
			}
			lines := []string{}
			for _, e := range entries {
				lines = append(lines, string(e))
			}
			s.result = lines
			for i, line := range lines {
				s.say("%d %s", from+int64(i), visible(line))
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
			err = v.ExportLog(cmd.Context(), f)
			if err = errors.Join(err, f.Close()); err != nil { // half an export is no evidence
				return notRead(errors.Join(err, os.Remove(output)))
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

// notRead is an error of reading the log: a log that lacks an entry is a finding, else something is not there.
func notRead(err error) error {
	if record.CodeOf(err) == "log.entries_missing" {
		return exit.Failed(err)
	}
	return exit.Environment(err)
}

// visible is an entry as it stands, or quoted if it holds what would not be printed as it is: nothing that the program writes does.
func visible(entry string) string {
	if utf8.ValidString(entry) && !strings.ContainsFunc(entry, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return entry
	}
	return strconv.Quote(entry) + " (altered: see almasu log verify)"
}

// moment prints a time for people in the local zone of the program.
func moment(t time.Time) string { return t.Format("2006-01-02 15:04:05 -07:00") }
