package app

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/scheduler"
)

// TestInterruptedRun interrupts a run twice while its recipient does not answer: what is printed claims nothing of how far it is, and the next run goes on with it at
// once, not when its lease ends. Then it is closed as what it is, with the time at which it began.
func TestInterruptedRun(t *testing.T) {
	w := deployment(t, "")
	w.Oblast.URL, w.Ministry.URL = "https://127.0.0.1:1", "https://127.0.0.1:1"
	if err := w.WriteConfig(w.Now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	migrate(t, w)
	began := time.Now()
	for attempt := 1; attempt <= 2; attempt++ {
		var stdout, stderr bytes.Buffer
		s := &session{stdout: &stdout, stderr: &stderr, config: w.Path("almasu.yaml"), now: func() time.Time { return w.Now.Add(time.Since(began)) }}
		ctx, interrupt := context.WithCancel(t.Context())
		d := scheduler.Due{Job: "oblast-consent", Cause: scheduler.CauseRunNow, Reason: "test", Actor: "test"}
		err := s.runWith(ctx, d, func(v *service.Service) error {
			v.Engine.Wait = func(ctx context.Context, _ time.Duration) error { // the recipient has not answered
				interrupt()
				return ctx.Err()
			}
			return nil
		})
		if record.CodeOf(err) != "run.interrupted" || exit.Status(err) != exit.NotWell || exit.Problems(err)[0].Hint == "" {
			t.Errorf("the run ends with %v, exit code %d", err, exit.Status(err))
		}
		if out := stdout.String() + stderr.String(); strings.Contains(out, "people were looked at") || strings.Contains(out, "ERROR") {
			t.Errorf("printed:\n%s", out)
		}
	}
	store := storeOf(t, w)
	var attempts, unclosed, pending int
	if err := store.QueryRow(`SELECT (SELECT attempt FROM due ORDER BY due LIMIT 1), (SELECT count(*) FROM transfer WHERE finished IS NULL),
		(SELECT count(*) FROM outbox)`).Scan(&attempts, &unclosed, &pending); err != nil || attempts != 2 || unclosed != 1 || pending == 0 {
		t.Fatalf("%d attempts, %d transfers are not closed, %d messages wait, %v", attempts, unclosed, pending, err)
	}
	if err := os.Remove(w.Path("almasu.yaml")); err != nil {
		t.Fatal(err)
	}
	oblastOnly(t, w, w.Now.Add(time.Hour))
	w.Now = w.Now.Add(30 * time.Second) // the leases were for a minute
	if _, stderr, code := run(t, "almasu", almasuArgs(w, "run", "oblast-consent", "--reason", "again")...); code != exit.WithRejects {
		t.Fatalf("the next run: exit code %d\n%s", code, stderr)
	}
	v := opened(t, &session{stdout: new(bytes.Buffer), stderr: new(bytes.Buffer), config: w.Path("almasu.yaml"), now: func() time.Time { return w.Now.Add(time.Hour) }})
	var first struct {
		ID      string
		Started int64
	}
	if err := store.Get(&first, "SELECT id, started FROM transfer ORDER BY started LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	id, err := record.ParseID(first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := v.Store.Transfer(t.Context(), id); err != nil || r.Status != transfer.SentWithRejects || !r.Started.Equal(record.Instant(first.Started)) {
		t.Errorf("the transfer is %+v, %v; it began %v", r, err, record.Instant(first.Started))
	}
}
