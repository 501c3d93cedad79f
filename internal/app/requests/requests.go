package requests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/results"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Commands returns the commands for the root of the program.
func Commands(env lawtool.Env) []*cobra.Command {
	t := &tool{env}
	return []*cobra.Command{t.listCommand()}
}

// tool is one invocation.
type tool struct{ lawtool.Env }

// request is a request with what it has come to, for machines.
type request struct {
	ID        string   `json:"id"`
	State     string   `json:"state"`
	Overdue   bool     `json:"overdue"`
	Number    string   `json:"number"`
	Date      string   `json:"date"`
	Signatory string   `json:"signatory"`
	Route     string   `json:"route"`
	Recipient string   `json:"recipient"`
	BIN       string   `json:"bin"`
	Fields    []string `json:"fields"`
	// Named counts the people that the letter names; Everyone, Territory and Filter say otherwise whom it asks for.
	Named     int            `json:"named"`
	Everyone  bool           `json:"everyone"`
	Territory []string       `json:"territory,omitempty"`
	Filter    []legal.Filter `json:"filter,omitempty"`
	Deadline  string         `json:"deadline,omitempty"`
	Expires   string         `json:"expires"`
	Scan      string         `json:"scan"`
	Digest    string         `json:"digest"`
	Initiator string         `json:"initiator"`
	Entered   time.Time      `json:"entered"`
	Approvals []approval     `json:"approvals"`
	Transfers []answer       `json:"transfers"`
	Closed    *closing       `json:"closed,omitempty"`
	legal     *legal.Request
}

type approval struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Plan string    `json:"plan"`
	// Counts says that the register counts it now.
	Counts bool `json:"counts"`
}

type answer struct {
	Transfer string          `json:"transfer"`
	Status   transfer.Status `json:"status"`
	Code     string          `json:"code,omitempty"`
}

type closing struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note"`
}

func day(at register.Instant) string {
	if at == 0 {
		return ""
	}
	return at.Time().In(register.Zone).Format(time.DateOnly)
}

// read reads one request and what has become of it.
func (t *tool) read(ctx context.Context, v *lawtool.Service, id string) (*request, error) {
	q, err := v.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	kept, err := v.Store.GetRequest(ctx, id)
	if err != nil {
		return nil, t.Environment(err)
	}
	r := &request{ID: q.ID, Number: q.Number, Date: day(q.Date), Signatory: q.Signatory, Route: q.Route, Fields: q.Fields, Named: len(q.Subjects), Everyone: q.Everyone, Territory: q.Territory,
		Filter: q.Filter, Deadline: day(q.Deadline), Expires: day(q.Expires), Scan: q.File.String(), Digest: q.Digest().String(), Initiator: q.Initiator, Entered: kept.Created,
		Approvals: []approval{}, Transfers: []answer{}, legal: q}
	if rt := v.Register.Route(q.Route); rt != nil {
		to := v.Register.Recipient(rt.Recipient)
		r.Recipient, r.BIN = to.NameRU, to.BIN
	}
	now := register.At(t.Now())
	by, last := 0, record.Digest{}
	for _, a := range kept.Approvals {
		counts := false
		for _, who := range v.Register.ApproversOf(q, a.Plan, now) {
			counts = counts || who == a.Approver
		}
		plan := "-"
		if !a.Plan.IsZero() {
			plan = strings.TrimPrefix(a.Plan.String(), "sha256:")
		}
		r.Approvals = append(r.Approvals, approval{a.Approver, a.At, plan, counts})
		last = a.Plan
	}
	if len(kept.Approvals) > 0 {
		by = len(v.Register.ApproversOf(q, last, now))
	}
	sent, err := t.answers(ctx, v, r)
	if err != nil {
		return nil, err
	}
	if !kept.Closed.IsZero() {
		r.Closed = &closing{kept.ClosedBy, kept.Closed, kept.Note}
	}
	r.State = state(sent, !kept.Closed.IsZero(), now >= q.Expires, by)
	r.Overdue = q.Deadline != 0 && now >= q.Deadline && (r.State == "entered" || r.State == "approved" || r.State == "due")
	return r, nil
}

// answers lists the transfers of a request, and says whether one has sent something.
func (t *tool) answers(ctx context.Context, v *lawtool.Service, r *request) (sent bool, err error) {
	ids, err := v.Store.Answers(ctx, r.ID)
	if err != nil {
		return false, t.Environment(err)
	}
	for _, id := range ids {
		x, err := v.Store.Transfer(ctx, id)
		if err != nil {
			return false, t.Environment(err)
		}
		r.Transfers = append(r.Transfers, answer{id.String(), x.Status, x.Code})
		sent = sent || x.Totals.Messages > 0
	}
	return sent, nil
}

// state is what a request has come to, in a word.
func state(sent, closed, expired bool, approvers int) string {
	switch {
	case closed:
		return "closed"
	case sent:
		return "answered"
	case expired:
		return "expired"
	case approvers >= 2:
		return "due"
	case approvers == 1:
		return "approved"
	}
	return "entered"
}

func (t *tool) listCommand() *cobra.Command {
	var lang lawtool.Language
	var open bool
	cmd := &cobra.Command{
		Use:   "requests",
		Short: "List the written requests of state bodies, and what they have come to",
		Long: `Lists written requests, the latest first: number, recipient, state, and the day by which the answer is wanted. A request is entered by almasu request, looked at by
almasu plan --request, approved by almasu approve, and answered by the service. Exit code 1: an answer is overdue.`,
		Example: "  almasu requests --open --lang kk",
		Args:    lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			return t.list(cmd.Context(), v, lang, open)
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "only those that are not answered, closed or expired")
	lang.Flag(cmd)
	cmd.AddCommand(t.showCommand(), t.scanCommand(), t.closeCommand())
	return cmd
}

func (t *tool) list(ctx context.Context, v *lawtool.Service, lang lawtool.Language, open bool) error {
	ids, err := v.Store.RequestIDs(ctx)
	if err != nil {
		return t.Environment(err)
	}
	list := []*request{}
	var rows [][]string
	var heads []string
	for _, h := range []string{"REQUEST", "NUMBER", "RECIPIENT", "STATE", "DEADLINE", "EXPIRES"} {
		heads = append(heads, say(lang, h))
	}
	rows = append(rows, heads)
	for _, id := range ids {
		r, err := t.read(ctx, v, id)
		if err != nil {
			return err
		}
		if open && (r.State == "answered" || r.State == "closed" || r.State == "expired") {
			continue
		}
		deadline := cmp.Or(r.Deadline, "-")
		if r.Overdue {
			deadline = fmt.Sprintf(say(lang, "overdue"), deadline)
			t.Code(1)
		}
		list = append(list, r)
		rows = append(rows, []string{r.ID, r.Number, r.name(v, lang), say(lang, r.State), deadline, r.Expires})
	}
	t.Result(list)
	if len(list) == 0 {
		t.Say("%s", say(lang, "none"))
		return nil
	}
	t.Table(rows)
	return nil
}

// name is the recipient's name in a language.
func (r *request) name(v *lawtool.Service, lang lawtool.Language) string {
	if rt := v.Register.Route(r.Route); rt != nil {
		to := v.Register.Recipient(rt.Recipient)
		return lang.Of(rules.Text{KK: to.NameKK, RU: to.NameRU, EN: to.NameRU})
	}
	return r.BIN
}

func (t *tool) showCommand() *cobra.Command {
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one written request wholly: what it asks for, who has approved which plan, what was sent",
		Example: "  almasu requests show request-2026-118 --lang ru",
		Args:    lawtool.Exactly(1, "one request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			r, err := t.read(cmd.Context(), v, args[0])
			if err != nil {
				return err
			}
			t.Result(r)
			t.print(v, r, lang)
			return nil
		},
	}
	lang.Flag(cmd)
	return cmd
}

func (t *tool) print(v *lawtool.Service, r *request, lang lawtool.Language) {
	tell := func(key string, args ...any) { t.Say(say(lang, key), args...) }
	at := func(when time.Time) string { return when.In(register.Zone).Format("2006-01-02 15:04") }
	q := r.legal
	tell("title", r.ID, say(lang, r.State), r.Number, r.Date, r.Signatory)
	tell("recipient", r.name(v, lang), r.BIN, r.Route)
	tell("norms", q.Competence.Act, q.Competence.Article, q.Ground.Act, q.Ground.Article)
	tell("fields", strings.Join(r.Fields, ", "))
	if r.Named > 0 {
		tell("named", r.Named)
	}
	if r.Everyone {
		tell("everyone")
	}
	if len(r.Territory) > 0 {
		tell("territory", strings.Join(r.Territory, ", "))
	}
	for _, f := range r.Filter {
		tell("filter", lang.Field(v.Register, f.Field), strings.Join(f.Is, ", "))
	}
	deadline := cmp.Or(r.Deadline, "-")
	if r.Overdue {
		deadline = fmt.Sprintf(say(lang, "overdue"), deadline)
	}
	tell("terms", deadline, r.Expires)
	tell("scan", r.Scan)
	tell("initiator", r.Initiator, at(r.Entered))
	for _, a := range r.Approvals {
		not := ""
		if !a.Counts {
			not = say(lang, "not count")
		}
		tell("approval", a.By, at(a.At), a.Plan, not)
	}
	for _, x := range r.Transfers {
		status := results.Word(x.Status, lang)
		if x.Code != "" {
			status += " [" + x.Code + "]"
		}
		tell("transfer", x.Transfer, status)
	}
	if c := r.Closed; c != nil {
		tell("note", c.By, at(c.At), c.Note)
	}
	if r.State == "entered" || r.State == "approved" {
		tell("next", r.ID, r.ID)
	}
}

func (t *tool) scanCommand() *cobra.Command {
	var actor string
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use: "verify-scan ID FILE", Short: "Compare a file with the digest of the letter's scan",
		Long: `Compares the digest of a file with that which the request names as the scan of the letter. The file is not stored. The comparison is an act of the log. Exit code 1: it is another
file.`,
		Example: "  almasu requests verify-scan request-2026-118 letter-12-3-118.pdf",
		Args:    lawtool.Exactly(2, "one request and one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			b, err := os.ReadFile(args[1])
			if err != nil {
				return t.Environment(err)
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			q, err := v.Request(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			digest, outcome := record.DigestOf(b), "same"
			if digest != q.File {
				outcome = "other"
			}
			act := &transferlog.Act{Actor: actor, Act: "request.scan", Object: q.ID + " " + outcome, Digest: digest}
			if _, err := v.Store.Append(cmd.Context(), t.Now(), act); err != nil {
				return t.Environment(err)
			}
			t.Result(map[string]any{"request": q.ID, "file": digest.String(), "scan": q.File.String(), "same": digest == q.File})
			if digest != q.File {
				t.Code(1)
				t.Say("%s", record.NewProblem("request.scan_differs", "", "", "the file %s is not the scan %s that request %s names", digest, q.File, q.ID).Message)
				return nil
			}
			t.Say("%s", say(lang, "same"))
			return nil
		},
	}
	cmd.Flags().StringVar(&actor, "as", t.User, "who compares")
	lang.Flag(cmd)
	return cmd
}

func (t *tool) closeCommand() *cobra.Command {
	var actor, note string
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use: "close ID --note TEXT", Short: "Close a request with a note: it is not approved and not answered any more",
		Long: `Closes a request and says what came of it: that it was answered, withdrawn by the state body, or refused. A closed request is not approved and not answered any more; what was
sent stays as it is. The note stands in the log: no personal data.`,
		Example: `  almasu requests close request-2026-118 --note "answered on 24 November, their receipt no. 5"`,
		Args:    lawtool.Exactly(1, "one request"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			if strings.TrimSpace(note) == "" {
				return lawtool.Usage(cmd, "note", "say what came of it: --note; it goes into the log")
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			q, err := v.Request(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			act := &transferlog.Act{Actor: actor, Act: "request.close", Object: q.ID, Digest: q.Digest(), Reason: note}
			err = v.Store.CloseRequest(cmd.Context(), t.Now(), q.ID, actor, note, act)
			if errors.Is(err, store.ErrClosed) {
				return record.NewProblem("request.closed", "", "see: almasu requests show "+q.ID, "request %s is closed already", q.ID)
			}
			if err != nil {
				return t.Environment(err)
			}
			t.Result(map[string]any{"request": q.ID, "closed": true})
			t.Say(say(lang, "closed now"), q.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "what came of it; for the log")
	cmd.Flags().StringVar(&actor, "as", t.User, "who closes it")
	lang.Flag(cmd)
	return cmd
}
