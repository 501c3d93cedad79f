package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/results"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/sigtool"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/transfer"
)

// session is one invocation of the program: its streams, its clock and its common flags.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	config         string
	json           bool
	now            func() time.Time
	clock          string // --clock
	profile        string // --cpuprofile
	demo           bool
	result         any // of the command, for --json
	code           int // exit code of a command that succeeded in saying that something is not well
	command        string
}

// Main runs the program and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	tuneMemory()
	s := &session{stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now}
	root := s.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	pprof.StopCPUProfile()
	code := exit.Status(err)
	if err == nil {
		code = s.code
	}
	switch {
	case s.json && s.command != "":
		answer := envelope{Command: s.command, OK: code == exit.OK, Result: s.result}
		if err != nil {
			answer.Problems = exit.Problems(err)
		}
		if printErr := printJSON(stdout, answer); printErr != nil && code == exit.OK {
			code = exit.NotReached
		}
	case err != nil:
		printError(stderr, err)
	}
	return code
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "almasu",
		Short: "Sends pupils' profiles to the state bodies entitled to them, and proves what was sent and why",
		Long: `Almasu (алмасу, "exchange") sends an education platform's profiles to the state bodies that the law entitles to
them: only permitted fields, signed, and every transfer on record with its legal basis.

Start with: almasu demo`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			s.command = cmd.CommandPath()
			if err := s.setClock(); err != nil {
				return err
			}
			return s.startProfile()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	flags := root.PersistentFlags()
	flags.StringVarP(&s.config, "config", "c", "almasu.yaml", "the configuration file")
	flags.BoolVar(&s.json, "json", false, "answer with one JSON object")
	flags.StringVar(&s.profile, "cpuprofile", "", "write a CPU profile into this file")
	_ = flags.MarkHidden("cpuprofile")
	flags.StringVar(&s.clock, "clock", "", "pretend that the program starts at this time (RFC 3339); demonstrations and tests only")
	_ = flags.MarkHidden("clock")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		s.command = cmd.CommandPath()
		return exit.BadInput(record.NewProblem("usage.flag", "", "see: "+cmd.CommandPath()+" --help", "%v", err))
	})
	root.AddCommand(s.serveCommand(), s.checkCommand(), s.migrateCommand(), s.runCommand(),
		s.requestCommand(), s.approveCommand(), s.logCommand(), s.keysCommand(), s.grantsCommand(), s.doctorCommand(), s.personCommand(),
		s.blockCommand())
	root.AddCommand(s.demonstration()...)
	root.AddCommand(s.scheduleCommands()...)
	law, underLog, underTransfers := s.lawCommands()
	root.AddCommand(law...)
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "log":
			cmd.AddCommand(underLog...)
		case "transfers":
			cmd.AddCommand(underTransfers...)
		}
	}
	root.AddCommand(sigtool.Commands(sigtool.Env{
		Stdin: s.stdin, Stdout: s.stdout, Stderr: s.stderr, JSON: &s.json, Now: func() time.Time { return s.now() },
		Result: func(v any) { s.result = v }, Code: func(code int) { s.code = code }, Environment: exit.Environment,
	})...)
	lawtool.Groups(root)
	return root
}

// demonstration are the commands of the demonstration.
func (s *session) demonstration() []*cobra.Command {
	return demo.Commands(demo.Env{
		Stdout: s.stdout, Stderr: s.stderr, JSON: &s.json, Result: func(v any) { s.result = v }, Code: func(code int) { s.code = code },
		Begin: func(now func() time.Time) { s.demo, s.now = true, now },
		Open: func(ctx context.Context, config string, need service.Parts) (*service.Service, error) {
			s.config = config
			return s.open(ctx, need)
		},
		Report: func(w io.Writer, r *transfer.Report) { results.Print(w, r, "en") }, Progress: func() func(transfer.Event) { return s.progress().observe },
	})
}

// setClock makes the clock run from the pretended start.
func (s *session) setClock() error {
	if s.clock == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, s.clock)
	if err != nil {
		return exit.BadInput(record.NewProblem("usage.clock", "", "e.g. 2026-11-23T09:00:00+05:00", "--clock is not an RFC 3339 time"))
	}
	began := time.Now()
	s.now = func() time.Time { return at.Add(time.Since(began)) }
	return nil
}

// startProfile measures where the time goes, if that was asked for. Main ends it.
func (s *session) startProfile() error {
	if s.profile == "" {
		return nil
	}
	f, err := os.Create(s.profile)
	if err != nil {
		return exit.Environment(err)
	}
	return pprof.StartCPUProfile(f)
}

// open opens the service for a command. What could not be opened is an error with an exit status.
func (s *session) open(ctx context.Context, need service.Parts) (*service.Service, error) {
	return service.Open(ctx, s.env(), need)
}

// env is what a service takes from this invocation.
func (s *session) env() service.Env {
	return service.Env{Config: s.config, Now: s.now, Simulated: s.clock != "", Demo: s.demo, Logger: s.logger()}
}

// logger writes JSON lines to standard error. An error that knows what to do says it.
func (s *session) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(s.stderr, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: hinted}))
}

// hinted puts the hint of an error beside it.
func hinted(_ []string, a slog.Attr) slog.Attr {
	err, ok := a.Value.Any().(error)
	if !ok {
		return a
	}
	err = fault.Wrap(err)
	a.Value = slog.StringValue(err.Error())
	var p *record.Problem
	if !errors.As(err, &p) || p.Hint == "" {
		return a
	}
	return slog.Attr{Value: slog.GroupValue(a, slog.String("hint", p.Hint))}
}

// say prints for people; nothing with --json.
func (s *session) say(format string, args ...any) {
	if !s.json {
		fmt.Fprintf(s.stdout, format+"\n", args...)
	}
}
