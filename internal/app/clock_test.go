package app

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// mender mends a clock when the recipient has found it wrong.
type mender struct {
	slog.Handler
	jumped *atomic.Int64
	met    *atomic.Int64
}

func (m mender) Enabled(context.Context, slog.Level) bool { return true }

func (m mender) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "code" && a.Value.String() == "delivery.clock" {
			m.met.Add(1)
			m.jumped.Store(0)
		}
		return true
	})
	return nil
}

// TestClockJumps lets the service's clock jump by an hour in the middle of a run, either way, and mends it when the recipient has refused a signature: what
// was logged is delivered once, nothing waits, and the log verifies.
func TestClockJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := deployment(t, "")
			oblastOnly(t, w, w.Now.Add(20*time.Hour))
			migrate(t, w)
			var jumped, met atomic.Int64
			began := time.Now()
			s := &session{stdout: io.Discard, stderr: io.Discard, config: w.Path("almasu.yaml"), json: true,
				now: func() time.Time { return w.Now.Add(time.Since(began) + time.Duration(jumped.Load())) }}
			v := opened(t, s)
			v.Engine.Logger = slog.New(mender{slog.DiscardHandler, &jumped, &met})
			runner, err := v.Runner(nil)
			if err != nil {
				t.Fatal(err)
			}
			const job = "oblast-consent"
			var report *transfer.Report
			runner.Jobs, runner.Only = func() []scheduler.Job { return nil }, job
			runner.Run = func(ctx context.Context, d *scheduler.Due) (err error) { report, err = v.Perform(ctx, d); return err }
			var once sync.Once
			v.Engine.Observe = func(e transfer.Event) {
				if e.Logged > 0 {
					once.Do(func() { jumped.Store(int64(jump)) })
				}
			}
			perform := func(cause string) {
				t.Helper()
				row := scheduler.Due{Job: job, At: s.now().Truncate(time.Microsecond), Cause: cause, State: scheduler.StateWaiting, Actor: "test", Reason: "test"}
				if err := v.Store.Enter(t.Context(), s.now(), row); err != nil {
					t.Fatal(err)
				}
				if _, err := runner.Once(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			perform(scheduler.CauseRunNow)
			if met.Load() == 0 {
				t.Error("no recipient has met the clock")
			}
			if report == nil || report.Status != transfer.SentWithRejects && report.Status != transfer.InProgress || !report.Totals.Balanced() {
				t.Fatalf("%+v", report)
			}
			if report.Status == transfer.InProgress { // by this clock its patience was over; what waits is delivered as the service does it
				perform(scheduler.CauseResume)
			}
			var sent, accepted, twice int
			if err := v.Store.DB().QueryRow(`SELECT (SELECT sum(records) FROM message), (SELECT sum(accepted) FROM settlement),
				(SELECT count(*) FROM settlement) - (SELECT count(*) FROM message)`).Scan(&sent, &accepted, &twice); err != nil {
				t.Fatal(err)
			}
			if sent != accepted || accepted < demo.Least || twice != 0 {
				t.Errorf("%d sent, %d accepted, %d settlements more than messages", sent, accepted, twice)
			}
			if waiting, err := v.Store.HasWaiting(t.Context(), job); waiting || err != nil {
				t.Errorf("messages still wait: %v, %v", waiting, err)
			}
			if verified, err := v.VerifyLog(t.Context(), nil); err != nil || !verified.OK() {
				t.Errorf("the log: %v, %v", verified, err)
			}
		})
	}
}

// TestNoSecretInArguments holds that no command takes a secret as the value of a flag: what is secret, or an IIN, is named by a file.
func TestNoSecretInArguments(t *testing.T) {
	secret := []string{"--password", "--secret", "--token", "--dsn", "--iin", "--pin", "--passphrase", "--key"}
	flags := 0
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
			flags++
			names := slices.ContainsFunc(strings.Fields(line), func(word string) bool { return slices.Contains(secret, word) })
			if names && !strings.Contains(line, "file") {
				t.Errorf("%s: %s", cmd.CommandPath(), line)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&session{stdout: io.Discard, stderr: io.Discard, now: time.Now}).root())
	if flags < 50 {
		t.Errorf("only %d flags", flags)
	}
}
