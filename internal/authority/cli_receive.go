package authority

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/authority/box"
	"birgeoqy.kz/almasu/internal/record"
)

func (c *command) receive() *cobra.Command {
	var on bool
	var language string
	var every time.Duration
	cmd := &cobra.Command{
		Use: "receive DIR", Short: "Take parcels from a folder, and leave signed receipts in it", Args: usage(cobra.ExactArgs(1)),
		Long: `receive takes what senders have put into DIR/in, checks it as serve checks requests, keeps it in the same store, and leaves receipts, answers and a
status for each sender in DIR/out. A parcel is removed when its receipt is durable. What cannot be taken stays, is listed with the reason, and is
tried again at the next look; then the exit code is 1. With --watch it goes on until it is told to end. It is the store's only writer: it does not run beside serve.`,
		Example: "  authority receive /srv/exchange/platform\n  authority receive /srv/exchange/platform --watch --lang kk",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if !slices.Contains(box.Languages, language) {
				return errUsage{errors.New("--lang is one of " + strings.Join(box.Languages, ", "))}
			}
			conf, now, err := c.start()
			if err != nil {
				return err
			}
			identities, err := box.Identities(conf.Identity)
			if err != nil {
				return err
			}
			log := slog.New(slog.NewJSONHandler(io.Discard, nil))
			if on {
				log = slog.New(slog.NewJSONHandler(c.stderr, nil))
			}
			s, err := Open(cmd.Context(), conf, now, log)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			if on {
				if !c.json {
					fmt.Fprintf(c.stdout, "looking into %s every %s\n", args[0], every)
				}
				look := func(ctx context.Context) (*box.Intake, error) { return s.Receive(ctx, args[0], identities) }
				return box.Watch(cmd.Context(), log, every, look, func(found *box.Intake) { _ = c.printIntake(found, language) })
			}
			found, err := s.Receive(cmd.Context(), args[0], identities)
			if err != nil {
				return err
			}
			if err := c.printIntake(found, language); err != nil {
				return err
			}
			if len(found.Waiting) > 0 {
				return errFinding
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&on, "watch", false, "go on looking")
	cmd.Flags().DurationVar(&every, "every", 5*time.Second, "how often to look, with --watch")
	cmd.Flags().StringVar(&language, "lang", "en", "language of what is printed: kk, ru, en")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func (c *command) printIntake(found *box.Intake, language string) error {
	if c.json {
		return c.print(found)
	}
	return found.Write(c.stdout, language)
}

// mayServe refuses to serve by a configuration that is for parcels only.
func mayServe(listen string) error {
	if listen == "" {
		return record.NewProblem("config.value", "listen", "authority receive takes parcels", "there is no address to listen on")
	}
	return nil
}
