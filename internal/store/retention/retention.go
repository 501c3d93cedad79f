// Package retention destroys what names people once its time is over, and leaves every proof as it is.
//
// # What is destroyed
//
// The keys of periods (package period): of the sets of people in messages, of the sets of those refused, and of the roster. Without its key a set does not open;
// its digest stays beside it, in the log and in what recipients and auditors hold, so the log, its checkpoints and its exports verify as before. Without
// the roster of a year nothing says whose the ordinals of that year were, wherever they stand: in the log, in duties, in sets that are older than periods. What
// recipients hold under these ordinals (package books) is struck out, and the keys of their accounts are taken out of notices and retries. The
// rows of the roster and of kept sets are deleted too, and the pseudonym in a block or a hold that ended so long ago is overwritten.
//
// # When
//
// A period is over so many years after its end as the configuration says. A month with a message that is not settled stays.
//
// # Who is kept
//
// Whoever may not be destroyed by the law (legal.MayDo: the blocked, and those under a hold). The sets in which they are, whole, so that they can
// be proven, and their own entries of the roster are sealed anew under a key of their own before the old key is destroyed. At the next time those
// are looked at in the same way.
//
// # How
//
// Each step is one transaction under the lock of the log's head, with an entry of the log (act retention.destroy) that counts what was destroyed and kept.
// Blocks and holds are entered under the same lock, so nobody comes under a hold between the look and the act: where they have changed, the step is
// prepared again. A key's row is emptied; SQLite overwrites what it frees (secure_delete) and empties its write-ahead log; PostgreSQL is asked to vacuum. What
// remains in older backups and archived logs opens with the vault's key of then.
package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// Step is one period of one class that is over.
type Step struct {
	// Class is disclosure, refusal or roster; Period its name, empty for a roster older than periods.
	Class  string `json:"class"`
	Period string `json:"period"`
	// Sets is how many sets, or entries of the roster, there are; Kept how many of them are kept because of a block or a hold.
	Sets int `json:"sets"`
	Kept int `json:"kept"`
	// Waits says why the step is not done, if it is not.
	Waits string `json:"waits,omitempty"`

	base string // the period under whose name is kept what is kept of this one
}

// Job destroys what is over.
type Job struct {
	Store *store.Store
	// Roster opens the roster as it is now; it finds the ordinals of those who are kept.
	Roster func() (*roster.Roster, error)
	Now    time.Time
	// Disclosures, Refusals and Pseudonyms are years.
	Disclosures, Refusals, Pseudonyms int
	// Actor and Reason go into the log.
	Actor, Reason string
	// Dry only says what would be done.
	Dry bool
}

// Run does every step, or says what would be done, in order.
func (j *Job) Run(ctx context.Context) ([]Step, error) {
	if j.Disclosures < 1 || j.Refusals < 1 || j.Pseudonyms < 1 {
		return nil, errors.New("how long things are kept was not said")
	}
	todo, err := j.over(ctx)
	if err != nil {
		return nil, err
	}
	if !j.Dry {
		if err := j.before(ctx); err != nil {
			return nil, err
		}
	}
	done := []Step{}
	for _, s := range todo {
		for {
			err := j.step(ctx, &s)
			if err == nil {
				break
			}
			if !errors.Is(err, errMoved) {
				return done, fmt.Errorf("%s %s: %w", s.Class, s.Period, err)
			}
		}
		if s.Sets > s.Kept || s.Waits != "" || !strings.Contains(s.Period, "+") {
			done = append(done, s)
		}
	}
	if j.Dry {
		return done, nil
	}
	if err := j.blot(ctx); err != nil {
		return done, err
	}
	return done, j.after(ctx)
}

// years are how long a class is kept.
func (j *Job) years(class string) int {
	switch class {
	case period.Disclosure:
		return j.Disclosures
	case period.Refusal:
		return j.Refusals
	}
	return j.Pseudonyms
}

func (j *Job) isOver(class, in string) bool {
	end, ok := period.End(in)
	return ok && !end.AddDate(j.years(class), 0, 0).After(j.Now)
}

// over lists the periods that are over and not destroyed: sets first, then rosters.
func (j *Job) over(ctx context.Context) ([]Step, error) {
	var ids []string
	if err := j.Store.Reader().SelectContext(ctx, &ids, "SELECT id FROM period_key WHERE destroyed IS NULL ORDER BY id"); err != nil {
		return nil, fmt.Errorf("reading the periods: %w", err)
	}
	var out []Step
	for _, id := range ids {
		if class, in, _ := strings.Cut(id, "/"); j.isOver(class, in) {
			out = append(out, Step{Class: class, Period: in, base: in})
		}
	}
	var older int
	if err := j.Store.Reader().GetContext(ctx, &older, "SELECT count(*) FROM roster_chunk WHERE period = ''"); err != nil {
		return nil, fmt.Errorf("reading the roster: %w", err)
	}
	// A roster older than periods was in use until the first roster that has one began.
	var first string
	if err := j.Store.Reader().GetContext(ctx, &first, "SELECT COALESCE(min(id), '') FROM period_key WHERE id LIKE 'roster/%'"); err != nil {
		return nil, fmt.Errorf("reading the periods: %w", err)
	}
	if _, in, ok := strings.Cut(first, "/"); ok && older > 0 && j.isOver(period.Roster, in) {
		out = append(out, Step{Class: period.Roster, base: in})
	}
	return out, nil
}

// Grace is how long a period may be over before it is an alarm that nobody has destroyed it: longer than the month after which a timer comes again.
const Grace = 35 * 24 * time.Hour

// Overdue returns since when a period is to be destroyed, the zero time if none is for longer than [Grace]. What is kept because of a block or a hold is not.
// It looks at no set.
func (j *Job) Overdue(ctx context.Context) (time.Time, error) {
	todo, err := j.over(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var since time.Time
	for _, s := range todo {
		end, ok := period.End(s.Period)
		if end = end.AddDate(j.years(s.Class), 0, 0); !ok || strings.Contains(s.Period, "+") || end.Add(Grace).After(j.Now) {
			continue
		}
		if since.IsZero() || end.Before(since) {
			since = end
		}
	}
	return since, nil
}

// errMoved says that blocks or holds have changed since a step was prepared.
var errMoved = errors.New("blocks or holds have changed")

// kept returns everybody who may not be destroyed.
func (j *Job) kept(ctx context.Context) (map[roster.Tag]struct{}, error) {
	all, err := j.Store.Kept(ctx)
	if err != nil {
		return nil, err
	}
	out := map[roster.Tag]struct{}{}
	for tag, why := range all {
		if _, _, ok := legal.MayDo("destroy", why.Blocked, why.Held); !ok {
			out[tag] = struct{}{}
		}
	}
	return out, nil
}

// step prepares a step and does it.
func (j *Job) step(ctx context.Context, s *Step) error {
	tags, err := j.kept(ctx)
	if err != nil {
		return err
	}
	ordinals := map[uint32]struct{}{}
	if len(tags) > 0 {
		now, err := j.Roster() // the step before may have moved entries
		if err != nil {
			return err
		}
		found, err := now.FindTags(ctx, tags)
		if err != nil {
			return fmt.Errorf("looking for people under a hold or a block: %w", err)
		}
		for _, o := range found {
			ordinals[o] = struct{}{}
		}
	}
	s.Sets, s.Kept, s.Waits = 0, 0, ""
	var change func(ctx context.Context, tx *sqlx.Tx) error
	if s.Class == period.Roster {
		change, err = j.prepareRoster(ctx, s, ordinals)
	} else {
		change, err = j.prepareSets(ctx, s, ordinals)
	}
	if err != nil || change == nil || j.Dry {
		return err
	}
	entry := &transferlog.Act{Actor: j.Actor, Act: "retention.destroy", Reason: j.Reason,
		Object: fmt.Sprintf("%s %s: %d destroyed, %d kept under a hold or a block", s.Class, named(s.Period), s.Sets-s.Kept, s.Kept)}
	_, err = j.Store.AppendWith(ctx, j.Now, func(tx *sqlx.Tx) error {
		if now, err := j.kept(ctx); err != nil || !maps.Equal(now, tags) {
			return errors.Join(errMoved, err)
		}
		if err := change(ctx, tx); err != nil || s.Period == "" {
			return err
		}
		res, err := tx.ExecContext(ctx, "UPDATE period_key SET body = $1, destroyed = $2 WHERE id = $3 AND destroyed IS NULL", []byte{}, j.Now.UnixMicro(), period.ID(s.Class, s.Period))
		if err != nil {
			return fmt.Errorf("destroying the key: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(errors.New("the key was destroyed meanwhile"), err)
		}
		return nil
	}, entry)
	return err
}

func named(in string) string {
	if in == "" {
		return "older than periods"
	}
	return in
}

// stored is a set as a row holds it.
type stored struct {
	Owner string `db:"owner"`
	Body  []byte `db:"body"`
	set   transfer.Set
}

// queries select owner and body of the sets of a period; they are ordered, to be read in pages after an owner.
var queries = map[string]string{
	period.Disclosure: "SELECT id AS owner, disclosure AS body FROM message WHERE period = $1 AND length(disclosure) > 0",
	period.Refusal:    "SELECT transfer || '/' || CAST(number AS TEXT) AS owner, refusal AS body FROM part WHERE period = $1 AND length(refusal) > 0",
}

// prepareSets looks for the sets that have to be kept; nil if there is nothing to do.
func (j *Job) prepareSets(ctx context.Context, s *Step, ordinals map[uint32]struct{}) (func(context.Context, *sqlx.Tx) error, error) {
	again := strings.Contains(s.Period, "+")
	if s.Class == period.Disclosure && !again {
		var open int
		err := j.Store.Reader().GetContext(ctx, &open, "SELECT count(*) FROM message m WHERE m.period = $1 AND NOT EXISTS (SELECT 1 FROM settlement s WHERE s.message = m.id)", s.Period)
		if err != nil {
			return nil, fmt.Errorf("looking for messages that wait: %w", err)
		}
		if open > 0 {
			s.Waits = fmt.Sprintf("%d messages are not settled", open)
			return nil, nil
		}
	}
	text, arg := queries[s.Class], s.Period
	if again {
		text, arg = "SELECT owner, body FROM kept_set WHERE key = $1", period.ID(s.Class, s.Period)
	}
	keep, err := j.mustKeep(ctx, s, text, arg, ordinals)
	if err != nil {
		return nil, err
	}
	if s.Kept = len(keep); again && s.Kept == s.Sets && s.Sets > 0 {
		return nil, nil // all of it is kept still
	}
	var key *vault.Vault
	next := period.ID(s.Class, period.Again(s.Period))
	if len(keep) > 0 && !j.Dry {
		if key, err = j.Store.Periods().Make(ctx, next); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx *sqlx.Tx) error {
		if again {
			if _, err := tx.ExecContext(ctx, "DELETE FROM kept_set WHERE key = $1", arg); err != nil {
				return fmt.Errorf("dropping kept sets: %w", err)
			}
		}
		for _, one := range keep {
			body, err := sets.Seal(key, s.Class, one.Owner, one.set)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO kept_set (class, owner, key, body) VALUES ($1, $2, $3, $4)", s.Class, one.Owner, next, body); err != nil {
				return fmt.Errorf("keeping a set: %w", err)
			}
		}
		return nil
	}, nil
}

// mustKeep counts the sets of a step, and returns those in which somebody is who is kept.
func (j *Job) mustKeep(ctx context.Context, s *Step, text, arg string, ordinals map[uint32]struct{}) ([]stored, error) {
	rows, err := j.Store.Reader().QueryxContext(ctx, text, arg)
	if err != nil {
		return nil, fmt.Errorf("reading the sets: %w", err)
	}
	defer rows.Close()
	opener := sets.NewOpener(ctx, j.Store.Periods(), j.Store.Reader())
	var keep []stored
	for rows.Next() {
		var one stored
		if err := rows.StructScan(&one); err != nil {
			return nil, fmt.Errorf("reading the sets: %w", err)
		}
		s.Sets++
		if len(ordinals) == 0 {
			continue
		}
		if one.set, err = opener.Open(s.Class, one.Owner, s.Period, one.Body); err != nil {
			return nil, err
		}
		inside, err := holds(s.Class, one.set, ordinals)
		if err != nil {
			return nil, fmt.Errorf("a set cannot be read, so nothing of its period is destroyed: %w", err)
		}
		if inside {
			keep = append(keep, one)
		}
	}
	return keep, rows.Err()
}

// holds reports whether somebody with one of the ordinals is in a set.
func holds(class string, set transfer.Set, ordinals map[uint32]struct{}) (bool, error) {
	var contains func(uint32) bool
	if class == period.Disclosure {
		d, err := set.Disclosed()
		if err != nil {
			return false, err
		}
		contains = d.Contains
	} else {
		r, err := transferlog.ParseRefusalSet(set.Encoded())
		if err != nil {
			return false, err
		}
		contains = func(o uint32) bool { _, ok := r.Find(o); return ok }
	}
	for o := range ordinals {
		if contains(o) {
			return true, nil
		}
	}
	return false, nil
}

// prepareRoster looks for the entries that have to be kept.
func (j *Job) prepareRoster(ctx context.Context, s *Step, ordinals map[uint32]struct{}) (func(context.Context, *sqlx.Tx) error, error) {
	opens := j.Store.Vault()
	var err error
	if s.Period != "" {
		if opens, err = j.Store.Periods().Open(ctx, period.ID(period.Roster, s.Period)); err != nil {
			return nil, err
		}
	}
	one, err := roster.New(people.Chunks{DB: j.Store.People(), Period: s.Period}, opens, make([]byte, 32)) // it looks at ordinals only
	if err != nil {
		return nil, err
	}
	kept, all, left, err := one.Keep(ctx, ordinals, opens)
	if err != nil {
		return nil, err
	}
	if s.Sets, s.Kept = all, left; j.Dry || strings.Contains(s.Period, "+") && left == all && all > 0 {
		return nil, nil // all of it is kept still
	}
	struck, err := one.Ordinals(ctx)
	if err != nil {
		return nil, err
	}
	struck = slices.DeleteFunc(struck, func(o uint32) bool { _, kept := ordinals[o]; return kept })
	slices.Sort(struck)
	gone := func(ordinal uint32) bool { _, found := slices.BinarySearch(struck, ordinal); return found }
	next := period.Again(s.base)
	if left > 0 {
		into, err := j.Store.Periods().Make(ctx, period.ID(period.Roster, next))
		if err != nil {
			return nil, err
		}
		if kept, _, _, err = one.Keep(ctx, ordinals, into); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM roster_chunk WHERE period = $1", s.Period); err != nil {
			return fmt.Errorf("dropping the roster of a period: %w", err)
		}
		for _, c := range kept {
			_, err := tx.ExecContext(ctx, "INSERT INTO roster_chunk (first_key, last_key, people, body, period) VALUES ($1, $2, $3, $4, $5)", c.First, c.Last, int64(c.Count), c.Body, next)
			if err != nil {
				return fmt.Errorf("keeping entries of the roster: %w", err)
			}
		}
		for _, forget := range []func(context.Context, *sqlx.Tx, func(uint32) bool) error{notices.Forget, outcomes.Forget} {
			if err := forget(ctx, tx, gone); err != nil {
				return err
			}
		}
		return books.Strike(ctx, tx, j.Store.Vault(), struck)
	}, nil
}

// blot overwrites the pseudonyms of people whose block or hold ended so long ago.
func (j *Job) blot(ctx context.Context) error {
	until := j.Now.AddDate(-j.Pseudonyms, 0, 0).UnixMicro()
	blank := make([]byte, len(roster.Tag{}))
	return j.Store.InTx(ctx, func(tx *sqlx.Tx) error {
		for _, table := range []string{"block", "legal_hold"} {
			if _, err := tx.ExecContext(ctx, "UPDATE "+table+" SET tag = $1 WHERE lifted < $2 AND tag <> $1", blank, until); err != nil {
				return fmt.Errorf("blotting out pseudonyms in %s: %w", table, err)
			}
		}
		return nil
	})
}

// before sees to it that what is freed is overwritten.
func (j *Job) before(ctx context.Context) error {
	if j.Store.Kind() != store.SQLite {
		return nil
	}
	var on int
	if err := j.Store.DB().GetContext(ctx, &on, "PRAGMA secure_delete = ON"); err != nil {
		return fmt.Errorf("having freed space overwritten: %w", err)
	}
	return nil
}

// after takes what is left behind out of the database's files, as far as the role may.
func (j *Job) after(ctx context.Context) error {
	if j.Store.Kind() == store.SQLite {
		var busy, log, moved int
		if err := j.Store.DB().QueryRowxContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved); err != nil {
			return fmt.Errorf("emptying the write-ahead log: %w", err)
		}
		return nil
	}
	for _, table := range []string{"period_key", "kept_set", "roster_chunk", "held", "notice", "retry"} {
		if _, err := j.Store.DB().ExecContext(ctx, "VACUUM "+table); err != nil {
			return fmt.Errorf("vacuuming %s: %w", table, err)
		}
	}
	return nil
}

// Destroyed returns up to when sets of a class ([period.Disclosure], [period.Refusal]) were destroyed, the zero time if none was.
func Destroyed(ctx context.Context, s *store.Store, class string) (until time.Time, err error) {
	var ids []string
	if err := s.Reader().SelectContext(ctx, &ids, "SELECT id FROM period_key WHERE destroyed IS NOT NULL AND id LIKE $1", class+"/%"); err != nil {
		return until, fmt.Errorf("reading the destroyed periods: %w", err)
	}
	for _, id := range ids {
		_, in, _ := strings.Cut(id, "/")
		if end, ok := period.End(in); ok && end.After(until) {
			until = end
		}
	}
	return until, nil
}
