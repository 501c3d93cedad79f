// Package demo is the demonstration: the whole job on a thousand synthetic pupils, with two authorities that run as processes of their own on loopback. It runs three
// transfers through the real scheduler (by statute, by consent, on a written request that two people approve), checks the log offline, and plays a
// dishonest operator who is caught twice. It fails if any of this did not come out as told. It has a clock of its own, and leaves nothing behind
// unless it is told to keep its folder.
package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/setup"
	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
)

// Start is the demonstration's own time: a Monday morning. It runs on any date.
var Start = time.Date(2026, 11, 23, 6, 59, 58, 0, register.Zone)

// people is how many pupils the demonstration's platform has.
const people = 1000

// Least is how many people each route of the demonstration delivers at least; each refuses somebody too.
const Least = 300

// Result is what "demo --json" answers.
type Result struct {
	Folder    string             `json:"folder"`
	Seconds   float64            `json:"seconds"`
	Transfers []*transfer.Report `json:"transfers"`
	// Verified is the offline check of the whole log.
	Verified *evidence.Report `json:"verified"`
	// Altered and Rewritten are what the checks find after the dishonest operator was at work.
	Altered   []string `json:"altered"`
	Rewritten []string `json:"rewritten"`
	// Authorities are the receivers' own offline checks against the honest log.
	Authorities map[string]int64 `json:"authorities"`
}

// Env is what the demonstration takes from the program that it runs in.
type Env struct {
	Stdout, Stderr io.Writer
	// JSON says that one JSON object is the answer: the story then goes to Stderr.
	JSON *bool
	// Result takes the answer, Code the exit code of an authority.
	Result func(any)
	Code   func(int)
	// Begin makes the program a demonstration with a clock of its own.
	Begin func(now func() time.Time)
	// Open opens the service that a configuration file describes.
	Open func(ctx context.Context, config string, need service.Parts) (*service.Service, error)
	// Report prints the account of a transfer. Progress begins to print how far transfers have come.
	Report   func(io.Writer, *transfer.Report)
	Progress func() func(transfer.Event)
}

// show is one demonstration.
type show struct {
	Env
	now    func() time.Time
	config string
}

// Commands are demo, and the hidden one by which it runs an authority.
func Commands(e Env) []*cobra.Command {
	s := &show{Env: e}
	return []*cobra.Command{s.command(), s.authority()}
}

func (s *show) command() *cobra.Command {
	var keep string
	var serve bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Run the whole job on synthetic pupils with two authorities on this machine", Args: lawtool.Exactly(0, "no arguments"),
		Long: `Makes a platform of 1,000 synthetic pupils, starts two authorities on loopback as processes of their own, and runs three transfers through the
real scheduler: one by statute, one by consent, one on a written request. Then it checks the log offline, and plays a dishonest operator who is caught twice.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.run(cmd.Context(), keep, serve)
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "keep everything in this folder, which must not exist or be empty")
	cmd.Flags().BoolVar(&serve, "serve", false, "go on serving until interrupted")
	return cmd
}

// tell prints a line of the demonstration's story on standard error with --json, else on standard output.
func (s *show) tell(format string, args ...any) {
	out := s.Stdout
	if *s.JSON {
		out = s.Stderr
	}
	fmt.Fprintf(out, format+"\n", args...)
}

func (s *show) run(ctx context.Context, keep string, serve bool) (err error) {
	began := time.Now()
	dir := keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "almasu-demo-"); err != nil {
			return exit.Environment(err)
		}
		defer os.RemoveAll(dir)
	} else if dir, err = folder(keep); err != nil {
		return err
	}
	s.now = func() time.Time { return Start.Add(time.Since(began)) }
	s.Begin(s.now)
	w := &setup.Example{Dir: dir, Now: Start, People: people, Batch: 100}
	defer func() { err = errors.Join(err, w.Ministry.Stop(), w.Oblast.Stop()) }()
	result := &Result{Folder: keep, Authorities: map[string]int64{}}
	s.Result(result)
	s.tell("Making a platform of %d synthetic pupils, keys, a register approved by two people ...", people)
	if err := w.Build(ctx); err != nil {
		return err
	}
	for _, b := range w.Bodies() {
		if err := startAuthority(ctx, w, b, s.now()); err != nil {
			return err
		}
		s.tell("The authority %s listens on %s, a process of its own.", b.ID, b.URL)
	}
	if err := w.WriteConfig(Start.Truncate(time.Minute).Add(time.Minute)); err != nil {
		return err
	}
	s.config = w.Path("almasu.yaml")
	if result.Transfers, err = s.transfers(ctx, w); err != nil {
		return err
	}
	if err := s.check(ctx, w, result); err != nil {
		return err
	}
	result.Seconds = time.Since(began).Seconds()
	s.tell("\nDone in %.1f s.", result.Seconds)
	s.next(keep, serve)
	if err := judge(result); err != nil {
		return exit.Failed(err)
	}
	if serve {
		return s.serve(ctx, w)
	}
	return nil
}

// startAuthority runs this program again, as an authority.
func startAuthority(ctx context.Context, w *setup.Example, b *setup.Body, now time.Time) error {
	self, err := os.Executable()
	if err != nil {
		return exit.Environment(err)
	}
	if err := w.Start(ctx, b, now, self, authorityCommand); err != nil {
		return exit.Environment(err)
	}
	return nil
}

func folder(keep string) (string, error) {
	dir, err := filepath.Abs(keep)
	if err != nil {
		return "", exit.BadInput(err)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", exit.BadInput(record.NewProblem("demo.folder", dir, "name a folder that does not exist", "the folder is not empty"))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", exit.Environment(err)
	}
	return dir, nil
}

// transfers runs the scheduler until both scheduled transfers and the requested one are closed.
func (s *show) transfers(ctx context.Context, w *setup.Example) ([]*transfer.Report, error) {
	v, err := s.Open(ctx, s.config, service.Parts{Platform: true, Store: true, AnySchema: true})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	if _, err := v.Store.Migrate(ctx); err != nil {
		return nil, exit.Environment(err)
	}
	if err := v.NoteRegister(ctx, setup.Administrators[0]); err != nil {
		return nil, exit.Environment(err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	closed := make(chan *transfer.Report)
	runner, err := v.Runner(func(r *transfer.Report) {
		select {
		case closed <- r:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return nil, err
	}
	jobs := runner.Jobs()
	for i := range jobs {
		jobs[i].Since = Start // however long the preparations took
	}
	v.Engine.Observe = s.Progress()
	ended := make(chan error, 1)
	go func() { ended <- runner.Loop(ctx, time.Duration(v.File.Serve.Poll)) }()
	defer func() { stop(); <-ended }()
	s.tell("The scheduler runs; two routes are due at 07:00 by the demonstration's clock ...")
	reports, err := s.collect(ctx, closed, 2)
	if err != nil {
		return nil, err
	}
	if err := s.request(ctx, v, w); err != nil {
		return nil, err
	}
	more, err := s.collect(ctx, closed, 1)
	return append(reports, more...), err
}

// collect takes n reports as they come, and prints them.
func (s *show) collect(ctx context.Context, closed <-chan *transfer.Report, n int) ([]*transfer.Report, error) {
	limit := time.NewTimer(60 * time.Second)
	defer limit.Stop()
	var out []*transfer.Report
	for len(out) < n {
		select {
		case r := <-closed:
			out = append(out, r)
			if !*s.JSON {
				fmt.Fprintln(s.Stdout)
				s.Report(s.Stdout, r)
			}
		case <-limit.C:
			return nil, exit.Failed(errors.New("a transfer did not end within 60 s"))
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// request enters the ministry's written request, and has two administrators approve it; the initiator's own approval is refused.
func (s *show) request(ctx context.Context, v *service.Service, w *setup.Example) error {
	body, err := RequestFile(ctx, v)
	if err != nil {
		return err
	}
	q, err := v.EnterRequest(ctx, "request.yaml", body)
	if err != nil {
		return err
	}
	s.tell("\nThe ministry's written request %s names %d pupils. Entered by %s, who may not approve it:", q.Number, len(q.Subjects), q.Initiator)
	p, err := v.PlanAnswer(ctx, q, 0)
	if err != nil {
		return err
	}
	s.tell("  the plan of the answer: %d people of %d, %d messages, digest %.12s...", p.Send, p.Read, p.Messages, p.Digest)
	planned, err := service.PlanDigest(p)
	if err != nil {
		return err
	}
	if _, err := v.ApproveRequest(ctx, q.ID, planned, q.Initiator, w.Admins[q.Initiator]); err == nil {
		return exit.Failed(errors.New("the initiator approved their own request"))
	} else {
		s.tell("  %v", err)
	}
	for _, who := range setup.Administrators[1:] {
		ready, err := v.ApproveRequest(ctx, q.ID, planned, who, w.Admins[who])
		if err != nil {
			return err
		}
		s.tell("  approved by %s; in force: %v", who, ready)
	}
	return nil
}

// RequestFile writes a request that names two pupils of five.
func RequestFile(ctx context.Context, v *service.Service) ([]byte, error) {
	var numbers []string
	err := sqlx.SelectContext(ctx, v.Platform, &numbers, "SELECT iin FROM profiles WHERE iin IS NOT NULL AND id % 5 < 2 ORDER BY id")
	if err != nil {
		return nil, exit.Environment(err)
	}
	salt, err := randomHex(16)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `id: request-2026-118
route: ministry-request
initiator: %s
number: 12-3/118-EXAMPLE
date: 2026-11-20
signatory: head of department (example)
file: %s
competence: {act: 319-III, article: "5"}
ground: {act: EXAMPLE-1, article: "1"}
fields: [family_name, given_name, iin, region, district, settlement]
salt: %s
expires: 2026-12-20
marking: ordinary
subjects:
`, setup.Administrators[0], record.DigestOf([]byte("the scanned letter of the demonstration")), salt)
	for _, n := range numbers {
		fmt.Fprintf(&b, "  - %s\n", legal.SubjectDigest(salt, []byte(n)))
	}
	return []byte(b.String()), nil
}

// check verifies the log offline, and then plays the dishonest operator.
func (s *show) check(ctx context.Context, w *setup.Example, result *Result) error {
	export := w.Path("log.jsonl")
	if err := s.exportTo(ctx, s.config, export); err != nil {
		return err
	}
	report, err := verifyFile(export)
	if err != nil {
		return err
	}
	result.Verified = report
	s.tell("\nThe whole log, checked offline by the code of almasu-verify:")
	if !*s.JSON {
		if err := report.Write(s.Stdout, "en"); err != nil {
			return err
		}
	}
	for _, b := range w.Bodies() {
		if err := b.Stop(); err != nil {
			return exit.Environment(fmt.Errorf("stopping the authority: %w", err))
		}
		found, messages, err := askAuthority(ctx, w, b, export)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return exit.Failed(fmt.Errorf("the authority %s has findings about an honest log: %v", b.ID, found))
		}
		result.Authorities[b.ID] = messages
		s.tell("%s checked its %d stored messages and that this log extends what it holds: no findings.", b.ID, messages)
	}
	return s.crook(ctx, w, result)
}

func (s *show) exportTo(ctx context.Context, config, path string) error {
	v, err := s.Open(ctx, config, service.Parts{Store: true})
	if err != nil {
		return err
	}
	defer v.Close()
	var b bytes.Buffer
	if err := v.ExportLog(ctx, &b); err != nil {
		return exit.Environment(err)
	}
	return setup.WriteNew(path, b.Bytes(), 0o600)
}

func verifyFile(path string) (*evidence.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exit.Environment(err)
	}
	defer f.Close()
	return evidence.Verify(f, evidence.Options{})
}

// askAuthority lets an authority check a log against what it holds.
func askAuthority(ctx context.Context, w *setup.Example, b *setup.Body, export string) (codes []string, messages int64, err error) {
	conf, err := inbox.LoadConfig(w.Path(b.Folder, "authority.yaml"))
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(export)
	if err != nil {
		return nil, 0, exit.Environment(err)
	}
	defer f.Close()
	checked, err := inbox.Verify(ctx, conf, f, conf.Senders[0].BIN)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range checked.Findings {
		codes = append(codes, p.Code)
	}
	return codes, checked.Messages, nil
}

// judge fails the demonstration if it has not shown what it is for.
func judge(r *Result) error {
	var problems []error
	for _, t := range r.Transfers {
		if t.Totals.Accepted < Least {
			problems = append(problems, fmt.Errorf("route %s delivered %d people, fewer than %d", t.Route, t.Totals.Accepted, Least))
		}
		if t.Totals.Refused == 0 {
			problems = append(problems, fmt.Errorf("route %s refused nobody", t.Route))
		}
		if t.Status != transfer.Successful && t.Status != transfer.SentWithRejects {
			problems = append(problems, fmt.Errorf("route %s: %s %s", t.Route, t.Status, t.Message))
		}
	}
	if !r.Verified.OK() {
		problems = append(problems, errors.New("the honest log has findings"))
	}
	if len(r.Altered) == 0 || len(r.Rewritten) == 0 {
		problems = append(problems, errors.New("the dishonest operator was not caught"))
	}
	return errors.Join(problems...)
}

func (s *show) next(keep string, serve bool) {
	if keep == "" {
		s.tell("Next: almasu demo --keep DIR keeps everything to look at; with --serve it goes on serving.")
		return
	}
	s.tell("Kept in %s. Next:\n  almasu -c %s/almasu.yaml --clock %s transfers\n  almasu -c %s/almasu.yaml --clock %s log verify\n  almasu-verify %s/log.jsonl",
		keep, keep, Start.Format(time.RFC3339), keep, Start.Format(time.RFC3339), keep)
	if !serve {
		s.tell("  almasu demo --keep OTHER --serve")
	}
}

// serve goes on until it is interrupted.
func (s *show) serve(ctx context.Context, w *setup.Example) error {
	for _, b := range w.Bodies() {
		if err := startAuthority(ctx, w, b, s.now()); err != nil {
			return err
		}
	}
	if err := os.Remove(w.Path("almasu.yaml")); err != nil {
		return exit.Environment(err)
	}
	if err := w.WriteConfig(s.now().Add(time.Minute)); err != nil {
		return err
	}
	v, err := s.Open(ctx, s.config, service.Parts{Platform: true, Store: true})
	if err != nil {
		return err
	}
	defer v.Close()
	s.tell("Serving; both routes are due within a minute. Interrupt to end.")
	return v.Serve(ctx)
}

func randomHex(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}
