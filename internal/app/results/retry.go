package results

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/transfer"
)

// wish is what is asked for, from flags.
type wish struct {
	transfer, code, file, reason, actor string
	dry                                 bool
	lang                                lawtool.Language
}

// retried is what a retry has come to, for machines.
type retried struct {
	// Transfer is that of the retry, empty with --dry-run; Of the one whose records were rejected.
	Transfer string `json:"transfer,omitempty"`
	Of       string `json:"of"`
	Code     string `json:"code,omitempty"`
	// Records are the references of what is sent again. Already were sent again before, Unknown are not known any more, Gone are no longer on the platform.
	Records []string `json:"records"`
	Already int      `json:"already"`
	Unknown int      `json:"unknown"`
	Gone    int      `json:"gone"`
	// Report is what the transfer has come to.
	Report *transfer.Report `json:"report,omitempty"`
}

func (t *tool) retryCommand() *cobra.Command {
	var w wish
	cmd := &cobra.Command{
		Use:   "retry --transfer ID (--code CODE | --records FILE) --reason TEXT",
		Short: "Send again the records of a transfer that the recipient rejected",
		Long: `Sends again the people whose records the recipient of a transfer has rejected: those with one of its codes, or those in a file of references "MESSAGE:PLACE", one on a line, as
almasu transfers show ID --outcomes --json lists them. They are read as they are on the platform now, decided as the law is now, and sent by a new transfer that is linked
to the first. Correct the platform first. A record is sent again once; if it was rejected again, retry the later transfer.

Records of the answer to a written request go under the same request, and need no new approval, as long as it is neither closed nor expired, and what is sent is part of what was
approved: the same people, ground, purpose and table, and no field more; else they are refused [retry.not_approved].

With --dry-run nothing is sent. Exit codes are those of a run; the retry is an entry of the log.`,
		Example: `  almasu retry --transfer ID --code schema.pattern --reason "telephone numbers corrected, letter No 7"`,
		Args:    lawtool.Exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return t.retry(cmd, &w) },
	}
	f := cmd.Flags()
	f.StringVar(&w.transfer, "transfer", "", "the transfer whose records were rejected")
	f.StringVar(&w.code, "code", "", "the recipient's code")
	f.StringVar(&w.file, "records", "", "a file with references, one on a line")
	f.BoolVar(&w.dry, "dry-run", false, "only list them")
	f.StringVar(&w.reason, "reason", "", "why, for the log; no personal data")
	f.StringVar(&w.actor, "as", t.User, "who sends them again")
	w.lang.Flag(cmd)
	return cmd
}

// check refuses what makes no sense before anything is opened.
func (w *wish) check(cmd *cobra.Command) error {
	switch {
	case strings.TrimSpace(w.reason) == "":
		return lawtool.Usage(cmd, "reason", "say why: --reason; it goes into the log")
	case w.transfer == "":
		return lawtool.Usage(cmd, "transfer", "--transfer names the transfer; see: almasu transfers")
	case (w.code == "") == (w.file == ""):
		return lawtool.Usage(cmd, "records", "choose by --code or by --records")
	}
	return w.lang.Check(cmd)
}

func (t *tool) retry(cmd *cobra.Command, w *wish) error {
	if err := w.check(cmd); err != nil {
		return err
	}
	named, err := w.named()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	v, err := t.Open(ctx, true)
	if err != nil {
		return err
	}
	defer v.Close()
	r, err := t.find(ctx, v.Store, w.transfer)
	if err != nil {
		return err
	}
	if err := retryable(ctx, v, r); err != nil {
		return err
	}
	known, before, err := t.before(ctx, v, r.ID)
	if err != nil {
		return err
	}
	p := &picking{wish: w, named: named, before: before, out: &retried{Of: r.ID.String(), Code: w.code, Records: []string{}}}
	if err := p.pick(ctx, v, r.ID); err != nil {
		return err
	}
	if w.dry {
		t.Result(p.out)
		t.Say(say(w.lang, "would"), len(p.records), r.ID)
		t.left(w, p.out)
		return nil
	}
	if len(p.records) == 0 {
		t.Result(p.out)
		return record.NewProblem("retry.nothing", "", "see: almasu transfers show "+r.ID.String()+" --outcomes",
			"there is nothing to send again: %d records were sent again before, of %d it is not known any more whose they are", p.out.Already, p.out.Unknown)
	}
	return t.send(ctx, v, r, p, known)
}

// retryable refuses what cannot be retried.
func retryable(ctx context.Context, v *lawtool.Service, r *transfer.Report) error {
	rt := v.Register.Route(r.Route)
	switch {
	case r.Finished.IsZero():
		return record.NewProblem("retry.open", "", "see: almasu transfers "+r.ID.String(), "transfer %s is not at its end", r.ID)
	case r.Notice != "":
		return record.NewProblem("retry.notice", "", "enter the notice again: almasu notify", "transfer %s has carried a notice and no people", r.ID)
	case rt == nil || v.Channel(r.Connector) == "":
		return record.NewProblem("retry.connector", "", "see: almasu.yaml", "the connector %q or its route is not there any more", r.Connector)
	case r.Request != "":
		return v.RetryAnswer(ctx, r)
	case rt.Aggregate != nil:
		return record.NewProblem("retry.counts", "", "run the connector again", "transfer %s has sent a table of counts", r.ID)
	}
	return nil
}

// before lists the records of a transfer that earlier retries have sent or still may send, and how many retries there are. One that ended before anything was logged
// has sent nothing.
func (t *tool) before(ctx context.Context, v *lawtool.Service, id record.ID) (known int, sent map[string]bool, err error) {
	list, err := outcomes.Retries(ctx, v.Store, id)
	if err != nil {
		return 0, nil, t.Environment(err)
	}
	sent = map[string]bool{}
	for _, x := range list {
		r, err := v.Store.Transfer(ctx, x.Transfer.ID)
		if err != nil {
			return 0, nil, t.Environment(err)
		}
		if !r.Finished.IsZero() && r.Totals.Messages == 0 && (r.Status == transfer.Failed || r.Status == transfer.NotPermitted) {
			continue
		}
		for _, one := range x.Records {
			sent[reference(one.Message, one.Index)] = true
		}
	}
	return len(list), sent, nil
}

// picking chooses the records of a retry.
type picking struct {
	*wish
	// named are the references of a file with their lines, nil if a code chooses.
	named   map[string]int
	before  map[string]bool
	records []outcomes.Record
	after   []byte
	out     *retried
}

// pick goes through the rejected records of a transfer.
func (p *picking) pick(ctx context.Context, v *lawtool.Service, id record.ID) error {
	ros, err := v.Roster()
	if err != nil {
		return err
	}
	met := map[string]bool{}
	err = outcomes.Each(ctx, v.Store, id, func(m *outcomes.Message) error {
		list, _, err := m.Rejected()
		if err != nil {
			return err
		}
		var chosen []int
		for _, r := range list {
			ref := reference(m.ID, r.Index)
			if _, ok := p.named[ref]; !ok && (p.named != nil || r.Code != p.code) {
				continue
			}
			if met[ref] = true; p.before[ref] {
				p.out.Already++
				continue
			}
			chosen = append(chosen, r.Index)
		}
		if len(chosen) == 0 {
			return nil
		}
		people, err := m.People(ctx, ros)
		if err != nil {
			return err
		}
		if people == nil {
			p.out.Unknown += len(chosen)
			return nil
		}
		for _, i := range chosen {
			if len(p.records) == 0 || string(people[i].Before) < string(p.after) {
				p.after = people[i].Before
			}
			p.records = append(p.records, outcomes.Record{Message: m.ID, Index: i, Ordinal: people[i].Ordinals[0], Key: people[i].Key})
			p.out.Records = append(p.out.Records, reference(m.ID, i))
		}
		return nil
	})
	if err != nil {
		return err
	}
	var problems record.Problems
	for ref, line := range p.named {
		if !met[ref] {
			problems.Add("retry.not_rejected", p.file+":"+strconv.Itoa(line), "see: almasu transfers show "+id.String()+" --outcomes --json", "this is no rejected record of the transfer")
		}
	}
	if p.named == nil && len(met) == 0 {
		problems.Add("retry.no_such_code", "", "see: almasu transfers show "+id.String()+" --outcomes", "the recipient has rejected no record of the transfer with this code")
	}
	return problems.Err()
}

// send enters the retry and makes it, as far as it goes now.
func (t *tool) send(ctx context.Context, v *lawtool.Service, r *transfer.Report, p *picking, known int) error {
	now, id := t.Now(), record.NewID()
	retry := &outcomes.Retry{Of: r.ID, Code: p.code, Records: p.records, After: p.after,
		Transfer: transfer.Transfer{ID: id, Connector: r.Connector, Route: r.Route, Recipient: r.Recipient, Trigger: transfer.RunNow, Due: now, Started: now, Actor: p.actor, Reason: p.reason, Request: r.Request}}
	err := outcomes.Enter(ctx, v.Store, now, retry, known)
	if errors.Is(err, outcomes.ErrMoved) {
		return record.NewProblem("retry.moved", "", "look again: almasu transfers show "+r.ID.String(), "somebody else has entered a retry of this transfer just now; nothing was sent")
	}
	if err != nil {
		return t.Environment(err)
	}
	if err := v.Deliver(ctx, r.Connector); err != nil {
		return err
	}
	done, err := v.Store.Transfer(ctx, id)
	if err != nil {
		return t.Environment(err)
	}
	p.out.Transfer, p.out.Report = id.String(), done
	if !done.Finished.IsZero() && done.Status != transfer.NotPermitted {
		p.out.Gone = max(accounts(p.records)-done.Totals.Read, 0)
	}
	t.Result(p.out)
	t.Say(say(p.lang, "retry"), len(p.records), r.ID, id)
	t.left(p.wish, p.out)
	if done.Finished.IsZero() {
		t.Code(exit.StatusOf(transfer.InProgress))
		t.Say(say(p.lang, "waits"), id)
		return nil
	}
	t.Code(exit.StatusOf(done.Status))
	if !*t.JSON {
		Print(t.Stdout, done, p.lang)
	}
	return nil
}

// accounts counts the accounts of records: one may have been in several messages.
func accounts(list []outcomes.Record) int {
	keys := map[string]bool{}
	for i := range list {
		keys[string(list[i].Key)] = true
	}
	return len(keys)
}

// left says what is not sent again, and why.
func (t *tool) left(w *wish, out *retried) {
	for _, x := range []struct {
		key string
		n   int
	}{{"already", out.Already}, {"destroyed", out.Unknown}, {"gone", out.Gone}} {
		if x.n > 0 {
			t.Say(say(w.lang, x.key), x.n)
		}
	}
}

// named reads the file of references, nil if there is none.
func (w *wish) named() (map[string]int, error) {
	if w.file == "" {
		return nil, nil
	}
	f, err := os.Open(w.file)
	if err != nil {
		return nil, record.NewProblem("retry.file", w.file, "check the path", "the file of references cannot be read")
	}
	defer f.Close()
	return readReferences(w.file, f)
}

// readReferences reads references "MESSAGE:PLACE", one on a line, with their lines' numbers. Empty lines, and those that begin with #, are left out. All problems are
// reported at once, at most a hundred.
func readReferences(name string, in io.Reader) (map[string]int, error) {
	var problems record.Problems
	out, n := map[string]int{}, 0
	lines := bufio.NewScanner(in)
	for lines.Scan() && len(problems) < 100 {
		n++
		s := strings.TrimSpace(lines.Text())
		if s == "" || s[0] == '#' {
			continue
		}
		where := name + ":" + strconv.Itoa(n)
		message, place, _ := strings.Cut(s, ":")
		id, err := record.ParseID(message)
		index, numberErr := strconv.Atoi(place)
		switch {
		case err != nil || id.IsZero() || numberErr != nil || index < 0 || strconv.Itoa(index) != place:
			problems.Add("retry.reference", where, "e.g. 0193c0ffee0193c0ffee0193c0ffee01:7", "expected MESSAGE:PLACE")
		case out[reference(id, index)] > 0:
			problems.Add("retry.twice", where, "", "the record is named on line %d already", out[reference(id, index)])
		default:
			out[reference(id, index)] = n
		}
	}
	if lines.Err() != nil {
		problems.Add("retry.reference", name+":"+strconv.Itoa(n+1), "", "the line is too long or cannot be read")
	}
	if len(out) == 0 && len(problems) == 0 {
		problems.Add("retry.reference", name, "", "the file names no record")
	}
	return out, problems.Err()
}
