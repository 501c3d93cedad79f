package sigtool

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/record"
)

// Env is what the commands need of the program around them.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// JSON says that the answer is one JSON object, which the program around writes.
	JSON *bool
	// Now is the clock.
	Now func() time.Time
	// Result takes the result for --json.
	Result func(any)
	// Code sets an exit code other than 0 without an error.
	Code func(int)
	// Environment marks an error as one of files, permissions or the network, exit code
	// 3; nil leaves it unmarked.
	Environment func(error) error
	// Transport carries requests to responders, time-stamping authorities and
	// signing services; nil is [http.DefaultTransport].
	Transport http.RoundTripper
}

// Commands returns the commands verify, sign and cert. Their errors are a
// *record.Problem or record.Problems.
func Commands(env Env) []*cobra.Command {
	if env.Transport == nil {
		env.Transport = http.DefaultTransport
	}
	t := &tool{env}
	return []*cobra.Command{t.verifyCommand(), t.signCommand(), t.certCommand()}
}

// tool is one invocation.
type tool struct{ Env }

// say prints for people; nothing with --json.
func (t *tool) say(format string, args ...any) {
	if !*t.JSON {
		fmt.Fprintf(t.Stdout, format+"\n", args...)
	}
}

// unavailable is a problem of the environment.
func (t *tool) unavailable(p *record.Problem) error {
	if t.Environment == nil {
		return p
	}
	return t.Environment(p)
}

// sorted marks errors of packages below that lie in the environment.
func (t *tool) sorted(err error) error {
	switch code := record.CodeOf(err); code {
	case "keystore.unreadable", "keystore.mode", "keystore.remote_failed", "tsp.unreachable", "sign.remote_other", "sign.remote_invalid":
		if t.Environment != nil {
			return t.Environment(err)
		}
	case "":
		if err != nil {
			return record.NewProblem("sign.failed", "", "", "%s", err)
		}
	}
	return err
}

// usage is a problem of the arguments.
func usage(cmd *cobra.Command, code, format string, args ...any) error {
	return record.NewProblem("usage."+code, "", "see: "+cmd.CommandPath()+" --help", format, args...)
}

// exactly demands a number of arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return usage(cmd, "arguments", "expected %s, got %d arguments", what, len(args))
	}
}

// group is a command that does nothing without one of its own commands.
func group(use, short, long, example string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(cmd, "command", "unknown command %q", args[0])
			}
			return cmd.Help()
		}}
	cmd.AddCommand(children...)
	return cmd
}
