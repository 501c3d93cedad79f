package authority

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/authority/box"
	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// The exit codes of the command.
const (
	ExitOK = iota
	// ExitFinding: verify has found something, or receive cannot take a parcel.
	ExitFinding
	// ExitInput: an argument, the configuration or a file is bad.
	ExitInput
	// ExitEnvironment: a file cannot be read or written, an address not listened on.
	ExitEnvironment
)

// errFinding ends a command whose findings are printed already.
var errFinding = errors.New("there are findings")

// errUsage wraps what cobra says of arguments.
type errUsage struct{ error }

// command is one invocation.
type command struct {
	config string
	now    string
	json   bool
	clock  func() time.Time
	stdout io.Writer
	stderr io.Writer
}

// Main runs the command line of cmd/authority and returns its exit code. The clock is the machine's, or in tests another.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer, clock func() time.Time) int {
	c := &command{clock: clock, stdout: stdout, stderr: stderr}
	root := c.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if err != nil && code != ExitFinding {
		fmt.Fprintf(stderr, "authority: %v\n", err)
		for _, p := range problems(err) {
			if p.Hint != "" {
				fmt.Fprintf(stderr, "  hint: %s\n", p.Hint)
			}
		}
	}
	return code
}

func problems(err error) record.Problems {
	var ps record.Problems
	var p *record.Problem
	switch {
	case errors.As(err, &ps):
		return ps
	case errors.As(err, &p):
		return record.Problems{p}
	}
	return nil
}

func exitCode(err error) int {
	var usage errUsage
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errFinding):
		return ExitFinding
	case box.OfFolder(err), record.CodeOf(err) == "store.locked", record.CodeOf(err) == "store.missing":
		return ExitEnvironment
	case errors.As(err, &usage), record.CodeOf(err) != "":
		return ExitInput
	}
	return ExitEnvironment
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use: "authority", Short: "The receiving side: takes signed messages, keeps them, and answers with signed receipts",
		Long: "authority receives messages of people's records, checks signature, order, log and schema, keeps what it accepts,\nand answers with receipts that it signs.\n\n" +
			"Exit codes: 0 done, 1 verify has findings or a parcel cannot be taken, 2 bad argument, configuration or file, 3 something of the machine is missing.",
		SilenceUsage: true, SilenceErrors: true, Args: usage(cobra.NoArgs), DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errUsage{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&c.config, "config", "authority.yaml", "configuration file")
	flags.StringVar(&c.now, "now", "", "what time it is at the start (RFC 3339)")
	if err := flags.MarkHidden("now"); err != nil {
		panic(err)
	}
	root.AddCommand(c.serve(), c.receive(), c.keys(), c.status(), c.verify(), c.export())
	return root
}

// usage makes a failed check of arguments an error of usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return errUsage{err}
		}
		return nil
	}
}

// start reads the configuration and sets the clock.
func (c *command) start() (*inbox.Config, func() time.Time, error) {
	now := c.clock
	if c.now != "" {
		at, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			return nil, nil, errUsage{errors.New("--now is a time in RFC 3339")}
		}
		offset := at.Sub(c.clock())
		now = func() time.Time { return c.clock().Add(offset) }
	}
	conf, err := inbox.LoadConfig(c.config)
	return conf, now, err
}

func (c *command) serve() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Receive messages until the process is told to end", Args: usage(cobra.NoArgs),
		Long: "serve listens and receives. When it is ready it prints one line, \"listening on URL\". It logs to standard error in JSON, without values of records.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			conf, now, err := c.start()
			if err == nil {
				err = mayServe(conf.Listen)
			}
			if err != nil {
				return err
			}
			s, err := Open(cmd.Context(), conf, now, slog.New(slog.NewJSONHandler(c.stderr, nil)))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			return s.Serve(cmd.Context(), func(url string) { fmt.Fprintf(c.stdout, "listening on %s\n", url) })
		},
	}
}

func (c *command) status() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status", Short: "Show what was received of each sender, and which numbers are missing", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, now, err := c.start()
			if err != nil {
				return err
			}
			all, err := inbox.Status(cmd.Context(), conf, now())
			if err != nil {
				return err
			}
			if c.json {
				return c.print(all)
			}
			inbox.WriteStatus(c.stdout, all)
			return nil
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func (c *command) keys() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Show our public keys and the senders', with fingerprints to be compared by telephone; never secrets", Args: usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			conf, _, err := c.start()
			if err != nil {
				return err
			}
			keys, missing, err := inbox.Keys(conf)
			if err != nil {
				return err
			}
			identities, err := box.Identities(conf.Identity)
			if err != nil {
				return err
			}
			for _, one := range identities {
				keys = append(keys, signing.Listed{Use: "documents are encrypted to", ID: "age", Public: box.PublicHalf(one)})
			}
			if c.json {
				return c.print(keys)
			}
			signing.WriteListing(c.stdout, keys, missing)
			return nil
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func (c *command) print(v any) error {
	e := json.NewEncoder(c.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (c *command) verify() *cobra.Command {
	var log, sender, language string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check everything that is stored again, and a sender's log against it", Args: usage(cobra.NoArgs),
		Long: "verify checks signatures, digests, tickets, the chain of checkpoints and receipts of everything stored. With --log it also checks an\nexport of a sender's log: that it extends every state that was held, holds every message received, and calls none delivered that was not received.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, _, err := c.start()
			if err != nil {
				return err
			}
			var in io.Reader
			if log != "" {
				f, err := os.Open(log)
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			if sender == "" && len(conf.Senders) == 1 {
				sender = conf.Senders[0].BIN
			}
			result, err := inbox.Verify(cmd.Context(), conf, in, sender)
			if err != nil {
				return err
			}
			if err := c.printChecked(result, language); err != nil {
				return err
			}
			if len(result.Findings) > 0 {
				return errFinding
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&log, "log", "", "export of the sender's log")
	cmd.Flags().StringVar(&sender, "sender", "", "BIN of the sender whose log it is (default: the only one)")
	cmd.Flags().StringVar(&language, "lang", "en", "language of the report on the log: kk, ru, en")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func (c *command) printChecked(r *inbox.Checked, language string) error {
	if c.json {
		return c.print(r)
	}
	fmt.Fprintf(c.stdout, "checked %d messages and %d checkpoints: %d findings\n", r.Messages, r.Checkpoints, len(r.Findings))
	for _, p := range r.Findings {
		fmt.Fprintf(c.stdout, "- %v\n", p)
	}
	if r.Log != nil {
		return r.Log.Write(c.stdout, language)
	}
	return nil
}

func (c *command) export() *cobra.Command {
	var sender, format, out string
	cmd := &cobra.Command{
		Use: "export", Short: "Write the accepted records of a sender as CSV or JSON lines, for the owner of the file alone", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			conf, now, err := c.start()
			if err != nil {
				return err
			}
			if sender == "" && len(conf.Senders) == 1 {
				sender = conf.Senders[0].BIN
			}
			if out == "-" {
				_, err := inbox.Export(cmd.Context(), conf, sender, format, c.stdout)
				return err
			}
			if out == "" {
				out = inbox.ExportName(sender, format, now())
			}
			f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			n, err := inbox.Export(cmd.Context(), conf, sender, format, f)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.stdout, "%d records in %s\n", n, out)
			return nil
		},
	}
	cmd.Flags().StringVar(&sender, "sender", "", "BIN of the sender (default: the only one)")
	cmd.Flags().StringVar(&format, "format", "csv", "csv or json")
	cmd.Flags().StringVar(&out, "out", "", `file, "-" for standard output (default: a name with sender and time)`)
	return cmd
}
