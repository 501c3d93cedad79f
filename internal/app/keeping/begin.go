package keeping

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/standing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// BeginCommand is "log begin".
func BeginCommand(env Env) *cobra.Command {
	t := &tool{env}
	var from, actor, reason string
	cmd := &cobra.Command{
		Use: "begin --from CONFIG --reason TEXT", Short: "Begin a new log where the old one is lost for good, with the blocks and holds of the old store", Args: lawtool.Exactly(0, "no arguments"),
		Long: `For the case that a recipient holds more of the log than any copy of the store that is left. The old log cannot be continued. The configuration (-c) is that of the new
log: another log.key with another --origin, the same pseudonym.key, and a store that was migrated and holds nothing. --from is the configuration of the old store.

It is refused unless a recipient proves that the old store is behind it [log.not_lost]. What protects people goes into the new store: blocks, holds of claims, and
duties that are open. The first entry of the new log says after which log it begins, how far that goes here, and what each recipient holds of it.
Nothing else is taken over: the old store stays as it is, for questions about what was sent. Each recipient then takes the new log.key, in a new folder of data.`,
		Example: "  almasu keys generate keys-2 --origin birgeoqy.kz/almasu/log-2   # then take its log.key only\n  almasu -c almasu-2.yaml log begin --from almasu.yaml --reason \"agreed with all recipients, letter no. 9\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" || strings.TrimSpace(reason) == "" {
				return lawtool.Usage(cmd, "reason", "name the configuration of the old store, and what was agreed with the recipients: --from CONFIG --reason TEXT")
			}
			ctx := cmd.Context()
			now, err := t.OpenStore(ctx, false)
			if err != nil {
				return err
			}
			defer now.Close()
			old, err := t.OpenOther(ctx, from)
			if err != nil {
				return err
			}
			defer old.Close()
			taken, err := old.beginAfter(ctx, now.Store, t.Now(), actor, reason)
			if err != nil {
				return t.failure(err)
			}
			t.Result(taken)
			t.Say("Log %s begins after %s: %s.", taken.Origin, taken.After, taken.Standing)
			t.Say("Taken over: %d blocks, %d holds, %d open duties. %d messages of the old store had no settlement; they are not sent again as they were.", taken.Blocks, taken.Holds, taken.Duties, taken.Waiting)
			t.Say("Give each recipient the new public key (almasu keys show); it begins a new folder of data with it. Then: almasu check, almasu reconcile.")
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the configuration of the old store")
	cmd.Flags().StringVar(&actor, "as", t.User, "who begins it, for the log")
	cmd.Flags().StringVar(&reason, "reason", "", "what was agreed with the recipients, for the log")
	return cmd
}

// Begun is what a new log has begun with.
type Begun struct {
	Origin string `json:"origin"`
	After  string `json:"after"`
	// Standing says how far the old log goes, and what each recipient holds of it.
	Standing string `json:"standing"`
	Blocks   int    `json:"blocks"`
	Holds    int    `json:"holds"`
	Duties   int    `json:"duties"`
	// Waiting is how many messages of the old store have no settlement.
	Waiting int `json:"waiting"`
}

// beginAfter begins the log of a store that is empty, after that of v, which is lost. It is one transaction.
func (v *Service) beginAfter(ctx context.Context, to *store.Store, at time.Time, actor, reason string) (*Begun, error) {
	out := &Begun{Origin: to.PublicKey().Origin(), After: v.Store.PublicKey().Origin()}
	if out.Origin == out.After {
		return nil, record.NewProblem("log.same_origin", "", "make a key of another name: almasu keys generate FOLDER --origin NAME", "the new log bears the name of the old one, %s", out.After)
	}
	if _, err := to.Checkpoint(ctx); !errors.Is(err, store.ErrEmptyLog) {
		return nil, errors.Join(record.NewProblem("log.begun", "", "it is done once, in a store that holds nothing", "the log %s has begun already", out.Origin), err)
	}
	if err := sameKeys(ctx, v.Store, to); err != nil {
		return nil, err
	}
	if err := v.insistLost(ctx, out); err != nil {
		return nil, err
	}
	held, err := readProtection(ctx, v.Store.Reader())
	if err != nil {
		return nil, err
	}
	out.Blocks, out.Holds, out.Duties, out.Waiting = len(held.blocks), len(held.holds), len(held.duties), held.waiting
	entries := []transferlog.Entry{&transferlog.Act{Actor: actor, Act: "log.begin", Reason: reason,
		Object: fmt.Sprintf("after %s, %s; %d blocks, %d holds, %d duties", out.After, out.Standing, out.Blocks, out.Holds, out.Duties)}}
	for _, b := range held.blocks {
		entries = append(entries, &transferlog.Block{Act: "block", Requester: b.Requester, Received: record.Instant(b.Received), Reason: b.Reason})
	}
	_, err = to.AppendWith(ctx, at, func(tx *sqlx.Tx) error { return held.write(ctx, tx) }, entries...)
	return out, err
}

// sameKeys insists that people are known by the same pseudonyms in both stores.
func sameKeys(ctx context.Context, stores ...*store.Store) error {
	values := make([][]byte, len(stores))
	for i, s := range stores {
		if err := s.Reader().GetContext(ctx, &values[i], "SELECT value FROM key_check WHERE name = 'pseudonym'"); err != nil {
			return fmt.Errorf("comparing the keys of pseudonyms: %w", err)
		}
	}
	if !bytes.Equal(values[0], values[1]) {
		return record.NewProblem("store.other_key", "", "keep pseudonym.key: name the old one in the new configuration", "the two stores have different keys of pseudonyms: nobody who is blocked would be known")
	}
	return nil
}

// insistLost asks the recipients of the old log, one of whom must prove that it goes further than here.
func (v *Service) insistLost(ctx context.Context, out *Begun) error {
	at, err := v.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	c, err := v.Store.PublicKey().Open(at)
	if err != nil {
		return err
	}
	words := []string{fmt.Sprintf("here of %d entries, root %s", c.Size, c.Root)}
	var results []*standing.Result
	for _, to := range v.Recipients {
		r, err := v.compare(ctx, to, false)
		if err != nil {
			return err
		}
		results = append(results, r)
		word := fmt.Sprintf("%s holds %d entries and number %d", r.Recipient, r.HeldSize, r.Last)
		if r.HeldSize == 0 && r.Code != "" {
			word = r.Recipient + " was not heard [" + r.Code + "]"
		}
		words = append(words, word)
	}
	out.Standing = strings.Join(words, "; ")
	if !slices.ContainsFunc(results, (*standing.Result).Ahead) {
		return record.NewProblem("log.not_lost", "", "see: almasu reconcile with the old configuration; a store that nobody is ahead of goes on",
			"no recipient proves that the old store is behind it: %s", out.Standing)
	}
	return nil
}

// protection is what of a store protects people.
type protection struct {
	blocks []struct {
		ID, Requester, Reason string
		Tag                   []byte
		Received              int64
	}
	duties []struct {
		ID, Kind, About, Outcome, Note, Source string
		Opened, Due                            int64
		Closed                                 *int64
	}
	holds []struct {
		Duty   string
		Tag    []byte
		Placed int64
	}
	waiting int
}

func readProtection(ctx context.Context, db *sqlx.DB) (*protection, error) {
	p := &protection{}
	const held = "SELECT duty FROM legal_hold WHERE lifted IS NULL"
	for _, q := range []struct {
		into any
		text string
	}{
		{&p.blocks, "SELECT id, tag, requester, reason, received FROM block WHERE lifted IS NULL ORDER BY received, id"},
		{&p.duties, "SELECT id, kind, about, opened, due, closed, outcome, note, source FROM duty WHERE closed IS NULL OR id IN (" + held + ") ORDER BY id"},
		{&p.holds, "SELECT duty, tag, placed FROM legal_hold WHERE lifted IS NULL ORDER BY duty"},
	} {
		if err := db.SelectContext(ctx, q.into, q.text); err != nil {
			return nil, fmt.Errorf("reading what protects people: %w", err)
		}
	}
	if err := db.GetContext(ctx, &p.waiting, "SELECT count(*) FROM outbox"); err != nil {
		return nil, fmt.Errorf("reading what waits: %w", err)
	}
	return p, nil
}

// write enters it into a store. A duty's subject is a list of ordinals of the old store, which say nothing in the new one.
func (p *protection) write(ctx context.Context, tx *sqlx.Tx) error {
	do := func(text string, args ...any) error {
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return fmt.Errorf("taking over what protects people: %w", err)
		}
		return nil
	}
	for _, b := range p.blocks {
		if err := do("INSERT INTO block (id, tag, requester, reason, received) VALUES ($1, $2, $3, $4, $5)", b.ID, b.Tag, b.Requester, b.Reason, b.Received); err != nil {
			return err
		}
	}
	for _, d := range p.duties {
		err := do("INSERT INTO duty (id, kind, subject, about, opened, due, closed, outcome, note, source) VALUES ($1, $2, '', $3, $4, $5, $6, $7, $8, $9)",
			d.ID, d.Kind, d.About, d.Opened, d.Due, d.Closed, d.Outcome, d.Note, d.Source)
		if err != nil {
			return err
		}
	}
	for _, h := range p.holds {
		if err := do("INSERT INTO legal_hold (duty, tag, placed) VALUES ($1, $2, $3)", h.Duty, h.Tag, h.Placed); err != nil {
			return err
		}
	}
	return do("UPDATE log_head SET blocks = blocks + 1 WHERE id = 1")
}
