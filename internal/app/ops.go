package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/doctor"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
)

func (s *session) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, register, mappings, keys, databases; send nothing", Args: lawtool.Exactly(0, "no arguments"),
		Long: "Reads every file and reports all problems at once; connects to both databases; asks the law about each route as of now.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Platform: true, Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			if _, err := schedtool.Jobs(v.File); err != nil {
				return exit.BadInput(err)
			}
			if err := platform.Check(cmd.Context(), v.Platform, v.Relations); record.CodeOf(err) == "source.database" {
				return exit.Environment(err)
			} else if err != nil {
				return exit.BadInput(err)
			}
			routes := v.AskRoutes()
			s.result = map[string]any{"routes": routes}
			for _, r := range routes {
				if r.OnRequest {
					s.say("%s: %s", r.Connector, r.Why)
				} else if r.Permitted {
					s.say("%s: permitted now; fields %v", r.Connector, r.Fields)
				} else {
					s.say("%s: not permitted now: %s\n  hint: %s", r.Connector, r.Why, r.Hint)
					s.code = exit.NotWell
				}
			}
			return nil
		},
	}
}

func (s *session) migrateCommand() *cobra.Command {
	var roles bool
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the service's own database up to date", Args: lawtool.Exactly(0, "no arguments"),
		Long:    "Applies the migrations that are missing; several processes may do so at once. With --roles it prints the SQL that makes the roles of the\nservice and the auditor on PostgreSQL instead. On PostgreSQL the configuration's dsn_file must log in as the owner of the schema: the service's own role may not change it.",
		Example: "  sed 's#secrets/store.dsn#secrets/store-owner.dsn#' almasu.yaml > migrate.yaml\n  almasu migrate -c migrate.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if roles {
				s.result = map[string]string{"sql": store.Roles}
				s.say("%s", store.Roles)
				return nil
			}
			v, err := s.open(cmd.Context(), service.Parts{Store: true, AnySchema: true, Alone: true})
			if err != nil {
				return err
			}
			defer v.Close()
			done, err := v.Store.Migrate(cmd.Context())
			if err != nil {
				return exit.Environment(err)
			}
			s.result = map[string]any{"applied": done}
			for _, name := range done {
				s.say("applied %s", filepath.Base(name))
			}
			if len(done) == 0 {
				s.say("up to date")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&roles, "roles", false, "print the SQL of the roles")
	return cmd
}

func (s *session) grantsCommand() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use: "grants CONNECTOR", Short: "Print the column-level GRANTs for a connector's database role", Args: lawtool.Exactly(1, "one connector"),
		Long: `Prints SQL for the platform's database: a role that can read the columns that this connector's route permits, the decision columns that the law's
rules look at, and nothing else. Run it as the owner of the tables and let the service log in as that role.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := s.open(cmd.Context(), service.Parts{Alone: true})
			if err != nil {
				return err
			}
			defer v.Close()
			c, ok := v.Connections[args[0]]
			if !ok {
				return v.Unknown(args[0])
			}
			if role == "" {
				role = "almasu_" + strings.ReplaceAll(args[0], "-", "_")
			}
			sql, err := platform.Grants(v.Relations, v.PermittedFields(c), role)
			if err != nil {
				return exit.BadInput(err)
			}
			s.result = map[string]string{"sql": sql, "role": role}
			s.say("%s", sql)
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "the role's name (default almasu_CONNECTOR)")
	return cmd
}

func (s *session) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the service: schedules, approved requests, what waits in the outbox", Args: lawtool.Exactly(0, "no arguments"),
		Long: `Runs until it is told to stop (SIGTERM, SIGINT); what is under way is taken up again at the next start. SIGHUP reads configuration, register and
keys anew; a key whose period begins is taken into use by itself. Routes that stand on an example act are refused.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for {
				again, err := s.serveOnce(cmd.Context())
				if err != nil || !again {
					return err
				}
			}
		},
	}
}

// serveOnce serves with the files as they are now. again says that they are to be read anew: on SIGHUP, or because another sealing key is in force.
func (s *session) serveOnce(ctx context.Context) (again bool, err error) {
	v, err := s.open(ctx, service.Parts{Platform: true, Store: true})
	if err != nil {
		return false, err
	}
	defer v.Close()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	inner, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer stop()
		for {
			select {
			case <-hangup:
				return
			case <-inner.Done():
				return
			case <-time.After(time.Minute):
				if now, err := v.Keyset.Current(s.now()); err == nil && now.KeyID != v.Seal.ID() {
					return
				}
			}
		}
	}()
	err = v.Serve(inner)
	stop()
	<-ended
	return ctx.Err() == nil && err == nil, err
}

func (s *session) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look at everything that a transfer needs, and say what is wrong or soon will be", Args: lawtool.Exactly(0, "no arguments"),
		Long: `Looks at configuration, databases and the rights of both roles, clocks, keys and certificates, files of secrets, disks, what the law says of each
route now and within thirty days, each recipient's server (a TLS handshake and a HEAD request), what waits, for a recipient or for a decision, and the whole log. Run it as the service's account.
Each finding has a level, a code and a hint. Exit code 1: something fails; warnings alone are 0.`,
		Example: "  almasu doctor\n  almasu doctor --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings, err := s.examine(cmd.Context())
			if err != nil {
				return err
			}
			s.result = findings
			for _, f := range findings {
				mark := map[string]string{doctor.OK: "[OK]  ", doctor.Warn: "[WARN]", doctor.Fail: "[FAIL]"}[f.Level]
				line := fmt.Sprintf("%s %s: %s", mark, f.What, f.Message)
				if f.Code != "" {
					line += " [" + f.Code + "]"
				}
				if f.Hint != "" {
					line += "\n         hint: " + f.Hint
				}
				s.say("%s", line)
				if f.Level == doctor.Fail {
					s.code = exit.NotWell
				}
			}
			return nil
		},
	}
}

// clockSkew compares our clock with the store's database.
func clockSkew(ctx context.Context, v *service.Service) error {
	theirs, err := v.Store.Clock(ctx)
	if err != nil {
		return err
	}
	skew := time.Since(theirs)
	if !v.Env.Simulated && (skew > time.Minute || skew < -time.Minute) {
		return record.NewProblem("doctor.clock", "", "set the clock by NTP", "our clock and the database's differ by %s", skew.Round(time.Second))
	}
	return nil
}
