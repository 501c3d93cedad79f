package lawtool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// Env is what the commands need of the program around them.
type Env struct {
	Stdout io.Writer
	// JSON says that the answer is one JSON object, which the program around writes; Config is the path of the configuration.
	JSON   *bool
	Config *string
	// Now is the clock.
	Now func() time.Time
	// Result takes the result for --json; Code sets an exit code other than 0 without an error.
	Result func(any)
	Code   func(int)
	// Environment marks an error as one of files, databases or the network.
	Environment func(error) error
	// Open opens the configured service: always its store, and the platform's database if asked for. The caller closes it.
	Open func(ctx context.Context, platform bool) (*Service, error)
	// User is who acts if --as does not say.
	User string
}

// Service is an opened deployment.
type Service struct {
	Register *legal.Register
	Store    *store.Store
	// Source reads the platform; nil unless it was asked for.
	Source connectors.Source
	// Demo admits acts that are marked as examples.
	Demo bool
	// Roster makes a roster for one goroutine.
	Roster func() (*roster.Roster, error)
	// Channel is the channel over which a configured connector sends; "" if there is no such connector.
	Channel func(connector string) string
	// Request returns an ad-hoc request by its id.
	Request func(ctx context.Context, id string) (*legal.Request, error)
	// RetryAnswer says whether rejected records of the answer to a request may be sent again under it.
	RetryAnswer func(ctx context.Context, of *transfer.Report) error
	// Published is the digest of the policy as it is published now, zero if nobody looks.
	Published func() (record.Digest, error)
	// Deliver goes on with what waits for a connector, and with its transfers that are not closed, unless another process does so.
	Deliver func(ctx context.Context, connector string) error
	Close   func()
}

// Commands returns the commands for the root of the program.
func Commands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.decideCommand(), t.lintCommand(), t.testCommand(), t.aggregateCommand()}
}

// LogCommands returns the commands for below "log".
func LogCommands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.replayCommand()}
}

// tool is one invocation.
type tool struct{ Env }

// Say prints for people; nothing with --json.
func (e *Env) Say(format string, args ...any) {
	if !*e.JSON {
		fmt.Fprintf(e.Stdout, format+"\n", args...)
	}
}

// Usage is a problem of the arguments.
func Usage(cmd *cobra.Command, code, format string, args ...any) error {
	return record.NewProblem("usage."+code, "", "see: "+cmd.CommandPath()+" --help", format, args...)
}

// Exactly demands a number of arguments, in words for people.
func Exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return Usage(cmd, "arguments", "expected %s, got %d arguments", what, len(args))
	}
}

// Groups makes the commands that only hold others refuse a word that is none of these, with the code usage.command.
func Groups(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		Groups(sub)
	}
	if cmd.Runnable() || !cmd.HasSubCommands() {
		return
	}
	cmd.DisableFlagsInUseLine = true
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return Usage(cmd, "command", "there is no command %q", cmd.CommandPath()+" "+args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if object, _ := cmd.Flags().GetBool("json"); object { // help is no object
			return Usage(cmd, "command", "%s needs one of its commands", cmd.CommandPath())
		}
		return cmd.Help()
	}
}

// languages are what people can be answered in.
var languages = []string{"kk", "ru", "en"}

// Language is the flag --lang.
type Language string

// Flag adds --lang to a command.
func (l *Language) Flag(cmd *cobra.Command) {
	cmd.Flags().StringVar((*string)(l), "lang", "en", "language of the explanation: kk, ru or en")
}

// Check refuses other languages.
func (l Language) Check(cmd *cobra.Command) error {
	if !slices.Contains(languages, string(l)) {
		return Usage(cmd, "lang", "--lang is kk, ru or en")
	}
	return nil
}

// Of chooses a text.
func (l Language) Of(text rules.Text) string {
	switch l {
	case "kk":
		return text.KK
	case "ru":
		return text.RU
	}
	return text.EN
}

// Field names a field of the register, for people.
func (l Language) Field(r *legal.Register, id string) string {
	f := r.Field(id)
	if f == nil {
		return id
	}
	return id + " (" + l.Of(rules.Text{KK: f.KK, RU: f.RU, EN: f.EN}) + ")"
}

// ReadIIN reads the file that holds one person's number.
func (e *Env) ReadIIN(cmd *cobra.Command, path string) ([]byte, error) {
	if path == "" {
		return nil, Usage(cmd, "iin_file", "name the file that holds the person's IIN: --iin-file FILE")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, e.Environment(err)
	}
	iin := bytes.TrimSpace(b)
	if !kz.ValidIIN(iin) {
		return nil, record.NewProblem("usage.iin", path, "twelve digits with a correct check digit, and nothing else", "the file does not hold an IIN")
	}
	return iin, nil
}

// Moment reads the time of a flag; an empty one is now.
func (e *Env) Moment(cmd *cobra.Command, flag, text string) (time.Time, error) {
	if text == "" {
		return e.Now(), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, Usage(cmd, "time", "--%s is a date such as 2026-09-01 or a time such as 2026-09-01T09:00:00+05:00", flag)
}

// within makes the places of problems, which begin with a file's name in a folder, begin with the folder.
func within(err error, dir string) error {
	var ps record.Problems
	if errors.As(err, &ps) && dir != "." {
		for _, p := range ps {
			p.Where = strings.TrimSuffix(dir, "/") + "/" + p.Where
		}
	}
	return err
}

// Table prints rows in columns.
func (e *Env) Table(rows [][]string) {
	if *e.JSON {
		return
	}
	width := map[int]int{}
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", width[i]-len([]rune(cell))+2))
		}
		fmt.Fprintln(e.Stdout, strings.TrimRight(b.String(), " "))
	}
}
