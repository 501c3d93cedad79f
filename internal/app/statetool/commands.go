package statetool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/state"
)

// Env is what the commands need of the program around them.
type Env struct {
	lawtool.Env
	// OpenStore opens the configuration and the store.
	OpenStore func(ctx context.Context) (*Service, error)
}

// Service is an open service.
type Service struct {
	File  *config.File
	Store *store.Store
	// Recipient is the BIN of a configured connector's recipient.
	Recipient func(connector string) string
	Close     func()
}

// Commands returns the commands for the root of the program.
func Commands(env Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.stateCommand()}
}

type tool struct{ Env }

// with opens the service for a configured connector.
func (t *tool) with(ctx context.Context, connector string, f func(s *Service, c *config.Connector) error) error {
	s, err := t.OpenStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	c, ok := s.File.Find(connector)
	if !ok {
		return record.NewProblem("usage.unknown_connector", "", fmt.Sprintf("configured are: %v", s.File.Names()), "there is no connector %q", connector)
	}
	return f(s, c)
}

func (t *tool) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state CONNECTOR",
		Short: "All that the service keeps of a connector and goes on from, with its digest",
		Long: `Shows whole what is kept of a connector: the last transfer and those that are open, what waits, the last number to the recipient, what comparisons go on from, what the
recipient holds, due times, pauses, the open hold; and for each thing that is open the command about it. Nothing is changed.

The digest is of all that can move what the next run does. "almasu state forget" names it and is refused if the state has moved since. Numbers, messages and the log cannot be
set by anybody.`,
		Example: "  almasu state oblast-consent\n  almasu state oblast-consent --json",
		Args:    lawtool.Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.with(cmd.Context(), args[0], func(s *Service, c *config.Connector) error {
				v, err := t.look(cmd.Context(), s, c)
				if err != nil {
					return t.Environment(err)
				}
				t.Result(v)
				t.show(v)
				return nil
			})
		},
	}
	cmd.AddCommand(t.forgetCommand())
	return cmd
}

// wish is what state forget is asked for, from flags.
type wish struct {
	mark, book, dry     bool
	seen, reason, actor string
	connector, what     string
	digest              record.Digest
}

func (t *tool) forgetCommand() *cobra.Command {
	var w wish
	cmd := &cobra.Command{
		Use:   "forget CONNECTOR (--mark | --book) --state DIGEST --reason TEXT",
		Short: "Let the next run compare everybody, or send everybody again",
		Long: `With --mark the next run reads everybody, though the connector compares candidates. With --book everybody whom the recipient holds is sent again by the next run, and the mark is
forgotten with it; nothing is sent by this command ("almasu run --full" does both). Nobody is withdrawn by either.

--state is the digest of the state that you have looked at: if anything has happened since, nothing is changed [state.moved]. --dry-run says what would be forgotten and changes
nothing. The act is an entry of the log with your reason and the digest.`,
		Example: "  almasu state forget oblast-consent --mark --dry-run\n  almasu state forget oblast-consent --mark --state DIGEST --reason \"the platform's triggers were off for a day, letter no. 16\"",
		Args:    lawtool.Exactly(1, "one connector"),
		RunE: func(cmd *cobra.Command, args []string) error {
			w.connector = args[0]
			if err := w.check(cmd); err != nil {
				return err
			}
			return t.with(cmd.Context(), w.connector, func(s *Service, c *config.Connector) error { return t.forget(cmd.Context(), s, c, &w) })
		},
	}
	f := cmd.Flags()
	f.BoolVar(&w.mark, "mark", false, "forget what comparisons of candidates go on from")
	f.BoolVar(&w.book, "book", false, "hold what the recipient has for unknown")
	f.BoolVar(&w.dry, "dry-run", false, "only say what would be forgotten")
	f.StringVar(&w.seen, "state", "", "the digest of the state that you have looked at")
	f.StringVar(&w.reason, "reason", "", "why, for the log; no personal data")
	f.StringVar(&w.actor, "as", t.User, "who does it")
	return cmd
}

// check refuses what makes no sense before anything is opened.
func (w *wish) check(cmd *cobra.Command) error {
	switch {
	case w.mark == w.book:
		return lawtool.Usage(cmd, "forget", "either --mark or --book")
	case !w.dry && strings.TrimSpace(w.reason) == "":
		return lawtool.Usage(cmd, "reason", "say why: --reason; it goes into the log")
	case !w.dry && w.seen == "":
		return lawtool.Usage(cmd, "state", "--state is the digest that almasu state %s shows; see what would happen with --dry-run", w.connector)
	}
	if w.what = state.ForgetMark; w.book {
		w.what = state.ForgetBook
	}
	if w.seen == "" {
		return nil
	}
	var err error
	if w.digest, err = record.ParseDigest(w.seen); err != nil {
		return lawtool.Usage(cmd, "state", "--state is no digest; see: almasu state %s", w.connector)
	}
	return nil
}

func (t *tool) forget(ctx context.Context, s *Service, c *config.Connector, w *wish) error {
	if w.mark && c.Compare != config.CompareCandidates || w.book && c.Compare == config.CompareNone {
		return record.NewProblem("state.not_compared", c.Where.Key("compare"), "an ordinary run reads everybody as it is", "the connector %s does not compare so that this could be forgotten", c.Name)
	}
	v, err := t.look(ctx, s, c)
	if err != nil {
		return t.Environment(err)
	}
	nothing := record.NewProblem("state.nothing", "", "see: almasu state "+c.Name, "there is nothing to forget: the next run %s as it is", map[bool]string{true: "sends everybody", false: "reads everybody"}[w.book])
	moved := record.NewProblem("state.moved", "", "look again: almasu state "+c.Name, "something has happened since the state %.19s...; nothing was changed", w.seen)
	switch {
	case w.seen != "" && v.Digest != w.digest:
		return moved
	case v.Empty(w.what):
		return nothing
	}
	effect := fmt.Sprintf("the next run of %s reads everybody; the last comparison of everybody began on %s", c.Name, moment(v.Mark.Everybody))
	if w.book {
		effect = fmt.Sprintf("the next run of %s sends everybody again whom the recipient holds, %d people, as the law permits then", c.Name, v.People)
	}
	out := map[string]any{"connector": c.Name, "forget": w.what, "state": v.Digest, "dry_run": w.dry, "people": v.People}
	if w.dry {
		t.Result(out)
		t.Say("This would be forgotten: %s.\nNothing was changed. To do it:\n  almasu state forget %s --%s --state %s --reason TEXT", effect, c.Name, w.what, v.Digest)
		return nil
	}
	err = state.Forget(ctx, s.Store, t.Now(), state.Wish{Connector: c.Name, Recipient: v.Recipient, What: w.what, Seen: w.digest, Actor: w.actor, Reason: w.reason})
	switch {
	case errors.Is(err, state.ErrMoved):
		return moved
	case errors.Is(err, state.ErrNothing):
		return nothing
	case err != nil:
		return t.Environment(err)
	}
	t.Result(out)
	t.Say("Forgotten: %s.", effect)
	return nil
}
