package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/alarms"
	"birgeoqy.kz/almasu/internal/app/doctor"
	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// openPlatform opens the platform's database for reading.
func openPlatform(ctx context.Context, dialect, dsn string) (*sqlx.DB, error) {
	driver := "postgres"
	if dialect == platform.SQLite {
		if _, err := os.Stat(dsn); err != nil { // SQLite would make an empty database
			return nil, platform.Failed("opening the platform's database", err)
		}
		driver, dsn = "sqlite", "file:"+dsn+"?mode=ro&_pragma=busy_timeout(10000)"
	}
	db, err := sqlx.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, platform.Failed("opening the platform's database", err)
	}
	return db, nil
}

func (s *session) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, register, mappings, keys, databases; send nothing", Args: exactly(0, "no arguments"),
		Long: "Reads every file and reports all problems at once; connects to both databases; asks the law about each route as of now.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := s.open(cmd.Context(), parts{platform: true, store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			if _, err := schedtool.Jobs(v.file); err != nil {
				return badInput(err)
			}
			if err := platform.Check(cmd.Context(), v.platform, v.relations); err != nil {
				return badInput(err)
			}
			routes := v.askRoutes()
			s.result = map[string]any{"routes": routes}
			for _, r := range routes {
				if r.OnRequest {
					s.say("%s: %s", r.Connector, r.Why)
				} else if r.Permitted {
					s.say("%s: permitted now; fields %v", r.Connector, r.Fields)
				} else {
					s.say("%s: not permitted now: %s", r.Connector, r.Why)
					s.code = exitFailed
				}
			}
			return nil
		},
	}
}

// routeAnswer is what the law says of a connector's route as of now.
type routeAnswer struct {
	Connector string         `json:"connector"`
	Route     string         `json:"route"`
	Permitted bool           `json:"permitted"`
	OnRequest bool           `json:"on_request"`
	Fields    []string       `json:"fields,omitempty"`
	Denied    []legal.Denied `json:"denied,omitempty"`
	Rule      string         `json:"rule,omitempty"`
	Why       string         `json:"why,omitempty"`
}

func (v *service) askRoutes() []routeAnswer {
	var out []routeAnswer
	for _, name := range v.file.Names() {
		c := v.connections[name]
		a := routeAnswer{Connector: name, Route: c.Route, OnRequest: v.register.Route(c.Route).Trigger == "request"}
		if a.OnRequest { // judged with its request
			a.Permitted, a.Why = true, "judged with each request; answers approved ones only"
			out = append(out, a)
			continue
		}
		gate, err := v.register.Gate(legal.Case{Route: c.Route, Now: v.session.now(), Demo: v.session.demo, Channel: c.Channel})
		var refusal *legal.Refusal
		switch {
		case errors.As(err, &refusal):
			a.Rule, a.Why = refusal.Rule, refusal.Error()
		case err != nil:
			a.Why = err.Error()
		default:
			a.Permitted, a.Fields, a.Denied = true, gate.Fields(), gate.Denied()
		}
		out = append(out, a)
	}
	return out
}

func (s *session) migrateCommand() *cobra.Command {
	var roles bool
	cmd := &cobra.Command{
		Use: "migrate", Short: "Bring the service's own database up to date", Args: exactly(0, "no arguments"),
		Long: "Applies the migrations that are missing; several processes may do so at once. With --roles it prints the SQL that makes the roles of the\nservice and the auditor on PostgreSQL instead.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if roles {
				s.result = map[string]string{"sql": store.Roles}
				s.say("%s", store.Roles)
				return nil
			}
			v, err := s.open(cmd.Context(), parts{store: true, anySchema: true})
			if err != nil {
				return err
			}
			defer v.Close()
			done, err := v.store.Migrate(cmd.Context())
			if err != nil {
				return environment(err)
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
		Use: "grants CONNECTOR", Short: "Print the column-level GRANTs for a connector's database role", Args: exactly(1, "one connector"),
		Long: `Prints SQL for the platform's database: a role that can read the columns that this connector's route permits, the decision columns that the law's
rules look at, and nothing else. Run it as the owner of the tables and let the service log in as that role.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := s.open(cmd.Context(), parts{})
			if err != nil {
				return err
			}
			defer v.Close()
			c, ok := v.connections[args[0]]
			if !ok {
				return unknownConnector(v, args[0])
			}
			if role == "" {
				role = "almasu_" + strings.ReplaceAll(args[0], "-", "_")
			}
			sql, err := platform.Grants(v.relations, v.permittedFields(c), role)
			if err != nil {
				return badInput(err)
			}
			s.result = map[string]string{"sql": sql, "role": role}
			s.say("%s", sql)
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "the role's name (default almasu_CONNECTOR)")
	return cmd
}

// permittedFields are the fields that a connector's route may name.
func (v *service) permittedFields(c *transfer.Connection) []string {
	permitted := v.register.Permitted(c.Route)
	var out []string
	for _, f := range v.register.Fields {
		if _, ok := permitted(f.ID); ok {
			out = append(out, f.ID)
		}
	}
	return out
}

func (s *session) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the service: schedules, approved requests, what waits in the outbox", Args: exactly(0, "no arguments"),
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
	v, err := s.open(ctx, parts{platform: true, store: true})
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
				if now, err := v.keyset.Current(s.now()); err == nil && now.KeyID != v.seal.ID() {
					return
				}
			}
		}
	}()
	err = v.serve(inner)
	stop()
	<-ended
	return ctx.Err() == nil && err == nil, err
}

// serve runs schedules and resumes what waits, until ctx ends.
func (v *service) serve(ctx context.Context) error {
	if err := v.startAdmitted(ctx); err != nil {
		return err
	}
	log := v.session.logger()
	monitoring, pages, closed, err := v.measure()
	if err != nil {
		return err
	}
	runner, err := v.runner(func(r *transfer.Report) {
		closed(r)
		log.Info("transfer closed", "transfer", r.ID.String(), "connector", r.Connector, "status", string(r.Status), "code", r.Code, "totals", r.Totals.String())
	})
	if err != nil {
		return err
	}
	for _, a := range v.askRoutes() {
		log.Info("route", "connector", a.Connector, "permitted", a.Permitted, "rule", a.Rule)
	}
	log.Info("serving", "worker", worker(), "connectors", v.file.Names())
	poll := v.file.Serve.Poll.Or(5 * time.Second)
	wake := make(chan struct{}, 1)
	runner.Wake = wake
	var beside sync.WaitGroup
	beside.Go(func() { v.resumeLoop(ctx, 6*poll) })
	beside.Go(func() { v.listen(ctx, wake) })
	beside.Go(func() { v.answer(ctx, monitoring, pages) })
	watch, desk := v.watching()
	beside.Go(func() { alarms.Loop(ctx, watch, desk, v.session.now, wait, log) })
	err = runner.Loop(ctx, poll)
	beside.Wait()
	log.Info("stopped")
	return err
}

// listen wakes the scheduler when another process enters a row. Whatever is not heard, polling finds.
func (v *service) listen(ctx context.Context, wake chan<- struct{}) {
	note := func(err error) {
		v.session.logger().Warn("due runs of other processes are found by polling only", "error", err)
	}
	err := v.store.Listen(ctx, func() {
		select {
		case wake <- struct{}{}:
		default: // it is awake
		}
	}, note)
	if err != nil {
		note(err)
	}
}

// resumeLoop takes up what waits in the outbox, and transfers that are not closed, while no run of the connector does so: at the start, and again
// after each pause. A run of the connector holds the same lease.
func (v *service) resumeLoop(ctx context.Context, pause time.Duration) {
	for again := true; again; again = wait(ctx, pause) == nil {
		for _, name := range v.file.Names() {
			waiting, err := v.leftOpen(ctx, name)
			if err == nil && waiting {
				err = v.store.Enter(ctx, v.session.now(), scheduler.Due{Job: name, At: v.session.now().Truncate(time.Microsecond), Cause: scheduler.CauseResume, State: scheduler.StateWaiting, Actor: "service"})
			}
			if err != nil && ctx.Err() == nil {
				v.session.logger().Error("looking at what is open failed", "connector", name, "error", err)
			}
		}
	}
}

// leftOpen reports whether a connector has messages without a settlement, or a transfer without a report.
func (v *service) leftOpen(ctx context.Context, connector string) (bool, error) {
	waiting, err := v.store.HasWaiting(ctx, connector)
	if err != nil || waiting {
		return waiting, err
	}
	unclosed, err := v.store.Unclosed(ctx, connector)
	return len(unclosed) > 0, err
}

func (s *session) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look at everything that a transfer needs, and say what is wrong or soon will be", Args: exactly(0, "no arguments"),
		Long: `Looks at configuration, databases and the rights of both roles, clocks, keys and certificates, files of secrets, disks, what the law says of each
route now and within thirty days, each recipient's server (a TLS handshake and a HEAD request), what waits, and the whole log. Run it as the service's account.
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
					s.code = exitFailed
				}
			}
			return nil
		},
	}
}

// clockSkew compares our clock with the store's database.
func (v *service) clockSkew(ctx context.Context) error {
	theirs, err := v.store.Clock(ctx)
	if err != nil {
		return err
	}
	skew := time.Since(theirs)
	if v.session.clock == "" && (skew > time.Minute || skew < -time.Minute) {
		return record.NewProblem("doctor.clock", "", "set the clock by NTP", "our clock and the database's differ by %s", skew.Round(time.Second))
	}
	return nil
}
