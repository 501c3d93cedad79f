// Package serving keeps which processes serve one store, and by which deployment: the digest of what they would do, so that two that would do different things do not do them side by side.
//
// # Who serves
//
// Each process takes part under its name (worker) with its deployment's digest, and shows life before its term ends. While any process serves, whoever comes with another deployment waits; when
// the last of those is gone, or its term has ended, one that waits serves, and with it all of its deployment. So a change of the configuration that has reached some processes only has no effect
// before it has reached all that serve, and a process that was left behind is seen. Nobody has to say which deployment is right: it is the one of those that are there.
//
// Every change from one deployment to another is an act "deployment.serve" in the log, with the worker's name and the new digest, in the transaction in which it begins.
//
// # Rows and time
//
// The table serving has a row for each process; the one that served last stays as gone, so that the next knows whether something has changed. Whoever changes who serves holds the lock on
// the head of the log; showing life is one statement that changes nothing but the row's term, and only while the term lasts. Where the store has a clock it decides (see package due).
package serving

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// The states of a process.
const (
	Serves = "serves"
	Waits  = "waits"
)

// Process is one process.
type Process struct {
	Worker     string        `json:"worker"`
	Deployment record.Digest `json:"deployment"`
	// State is serves or waits, Since when it began, Until the end of its term.
	State string    `json:"state"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// at is a statement with the store's time, or the caller's, in the place of "@now".
func at(s *store.Store, now time.Time, statement string) string {
	clock := s.Rows.Clock
	if clock == "" {
		clock = strconv.FormatInt(record.Micros(now), 10)
	}
	return strings.ReplaceAll(statement, "@now", clock)
}

// Renew shows that a process lives, for another term, and takes it in if it is new. It returns nothing if the process serves, else those that serve by another deployment, for which it waits.
func Renew(ctx context.Context, s *store.Store, now time.Time, worker string, deployment record.Digest, term time.Duration) (others []Process, err error) {
	const alive = "UPDATE serving SET until = @now + $1 WHERE worker = $2 AND deployment = $3 AND state = 'serves' AND until > @now"
	r, err := s.DB().ExecContext(ctx, at(s, now, alive), term.Microseconds(), worker, deployment.String())
	if err != nil {
		return nil, fmt.Errorf("showing that this process serves: %w", err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 1 {
		return nil, err
	}
	err = s.Logged(ctx, now, func(tx *sqlx.Tx) (entries []transferlog.Entry, err error) {
		if _, err := books.Lock(ctx, tx); err != nil {
			return nil, err
		}
		others, entries, err = enter(ctx, tx, func(statement string) string { return at(s, now, statement) }, worker, deployment, term)
		return entries, err
	})
	if err != nil {
		return nil, fmt.Errorf("taking part as a process that serves: %w", err)
	}
	return others, nil
}

// enter takes a process in, while nobody else can be.
func enter(ctx context.Context, tx *sqlx.Tx, at func(string) string, worker string, deployment record.Digest, term time.Duration) (others []Process, entries []transferlog.Entry, err error) {
	exec := func(statement string, args ...any) {
		if err == nil {
			_, err = tx.ExecContext(ctx, at(statement), args...)
		}
	}
	// Whoever shows life just now keeps its row: the statement looks at it again once that is committed.
	exec("UPDATE serving SET state = 'gone' WHERE state = 'serves' AND (until <= @now OR worker = $1)", worker)
	exec("DELETE FROM serving WHERE state = 'waits' AND until <= @now AND worker <> $1", worker)
	if err != nil {
		return nil, nil, err
	}
	last, err := list(ctx, tx, "state <> 'waits'", "until DESC LIMIT 1")
	if err != nil {
		return nil, nil, err
	}
	if others, err = list(ctx, tx, "state = 'serves' AND deployment <> $1", "worker", deployment.String()); err != nil {
		return nil, nil, err
	}
	state := Waits
	if len(others) == 0 {
		state = Serves
		exec("DELETE FROM serving WHERE state = 'gone' AND worker <> $1", worker)
		if len(last) == 0 || last[0].Deployment != deployment {
			entries = append(entries, &transferlog.Act{Actor: "service", Act: "deployment.serve", Object: "process " + worker, Digest: deployment, Reason: "no process serves by another deployment"})
		}
	}
	exec(`INSERT INTO serving (worker, deployment, state, since, until) VALUES ($1, $2, $3, @now, @now + $4)
		ON CONFLICT (worker) DO UPDATE SET deployment = $2, state = $3, until = @now + $4,
			since = CASE WHEN serving.state = $3 AND serving.deployment = $2 THEN serving.since ELSE @now END`, worker, deployment.String(), state, term.Microseconds())
	return others, entries, err
}

// Leave says that a process does not serve any more.
func Leave(ctx context.Context, s *store.Store, now time.Time, worker string) error {
	for _, statement := range []string{
		"UPDATE serving SET state = 'gone', until = @now WHERE worker = $1 AND state = 'serves'", "DELETE FROM serving WHERE worker = $1 AND state = 'waits'",
	} {
		if _, err := s.DB().ExecContext(ctx, at(s, now, statement), worker); err != nil {
			return fmt.Errorf("leaving those that serve: %w", err)
		}
	}
	return nil
}

// List lists the processes that serve or wait and whose term lasts, those that serve first.
func List(ctx context.Context, s *store.Store, now time.Time) ([]Process, error) {
	return list(ctx, s.Reader(), at(s, now, "state <> 'gone' AND until > @now"), "state, worker")
}

func list(ctx context.Context, q sqlx.QueryerContext, where, order string, args ...any) (out []Process, err error) {
	rows, err := q.QueryxContext(ctx, "SELECT worker, deployment, state, since, until FROM serving WHERE "+where+" ORDER BY "+order, args...)
	if err != nil {
		return nil, fmt.Errorf("listing the processes that serve: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Process
		var digest string
		var since, until int64
		if err := rows.Scan(&p.Worker, &digest, &p.State, &since, &until); err != nil {
			return nil, fmt.Errorf("listing the processes that serve: %w", err)
		}
		if p.Deployment, err = record.ParseDigest(digest); err != nil {
			return nil, fmt.Errorf("listing the processes that serve: %w", err)
		}
		p.Since, p.Until = record.Instant(since), record.Instant(until)
		out = append(out, p)
	}
	return out, rows.Err()
}
