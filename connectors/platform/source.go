package platform

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/connectors/platform/lanes"
	"birgeoqy.kz/almasu/internal/record"
)

// stretch is how many people a connection reads before the other one's turn.
const stretch = 10_000

// Source reads people from one platform database. It is safe for concurrent use; each open stream holds one connection.
type Source struct {
	config  Config
	states  map[string]record.AccountState // by the platform's value
	db      *sqlx.DB
	stretch int // people of a stretch, see package lanes
}

var _ connectors.Source = (*Source)(nil)

// New returns the source that a configuration describes, on a database of its dialect (driver "postgres" of lib/pq, or "sqlite" of
// modernc.org/sqlite). It returns the problems of the configuration; see [Check] for those of the database.
func New(config Config, db *sqlx.DB) (*Source, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Source{config: config, db: db, states: map[string]record.AccountState{}, stretch: stretch}
	for value, state := range config.Accounts.States {
		s.states[value] = record.ParseAccountState([]byte(state))
	}
	delete(s.states, "") // what a missing state reads as
	return s, nil
}

// Open begins a snapshot, as [connectors.Source] says. The stream ends with ctx.
func (s *Source) Open(ctx context.Context, q connectors.Query) (connectors.Stream, error) {
	text, err := s.config.people(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{
		config: &s.config, ctx: ctx, cancel: cancel, statement: text, states: s.states, wanted: slices.Clone(q.Fields),
		since: text.earlier, last: slices.Clone(q.After), after: q.After != nil, through: slices.Clone(q.Through), wide: q.Wide,
		cells: make([]cell.Cell, text.cells), values: make([][]byte, len(text.fields)),
	}
	err = st.open(s.db)
	if err == nil {
		err = st.start(s)
	}
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// open begins the transaction, reads what is small, and starts the query for people.
func (st *stream) open(db *sqlx.DB) error {
	c := st.config
	options := &sql.TxOptions{ReadOnly: true}
	if c.Dialect == Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	var err error
	if st.conn, err = db.Connx(st.ctx); err != nil {
		return failed("connecting", err)
	}
	// The transaction does not end with the context, so that Close ends it, at a known moment; its queries do.
	if st.tx, err = st.conn.BeginTxx(context.WithoutCancel(st.ctx), options); err != nil {
		return failed("beginning the snapshot", err)
	}
	if c.Dialect == Postgres {
		if _, err = st.tx.ExecContext(st.ctx, settings(st.since != nil)); err != nil {
			return failed("preparing the snapshot", err)
		}
	}
	if st.snapshot, err = nameSnapshot(st.ctx, st.tx, c.Dialect); err != nil {
		return failed("naming the snapshot", err)
	}
	if err := st.readForms(); err != nil {
		return err
	}
	if err := st.takeHorizon(st.ctx, st.tx); err != nil {
		return err
	}
	for _, f := range c.feeds() {
		keys, err := st.readBlocks(f)
		if err != nil {
			return err
		}
		if f.Blocks == c.Blocks {
			st.blocked = keys
		} else {
			st.parents = keys
		}
	}
	return nil
}

// settings are those of a transaction on PostgreSQL. The order comes from indexes, so that the first row comes at once and nothing is sorted on disk; of
// candidates the keys come from indexes, whatever the statistics say, and are sorted. A plan is made once, whatever the bounds. A connection may wait for its turn for as
// long as the recipient takes.
func settings(candidates bool) string {
	plan := "enable_sort = off; SET LOCAL plan_cache_mode = force_generic_plan"
	if candidates {
		plan = "enable_seqscan = off"
	}
	return "SET LOCAL " + plan + "; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL timezone = 'UTC'"
}

func nameSnapshot(ctx context.Context, tx *sqlx.Tx, dialect string) (string, error) {
	query := "SELECT 'pg:' || pg_current_snapshot()::text"
	if dialect == SQLite {
		query = "SELECT 'sqlite:' || s.schema_version || ':' || d.data_version FROM pragma_schema_version AS s, pragma_data_version AS d"
	}
	var name string
	err := tx.GetContext(ctx, &name, query)
	return name, err
}

// readForms loads the wordings of all consent forms.
func (st *stream) readForms() error {
	in := &interner{known: map[string]*record.Terms{}, unique: map[string]*record.Terms{}, forms: map[string]wording{}}
	st.terms = in
	if st.config.Consents != nil {
		in.parts, _ = st.config.Consents.Terms.columns()
		in.hasForm = st.config.Consents.Form != ""
	}
	if st.config.ConsentForms == nil {
		return nil
	}
	text, parts := st.config.formsText()
	rows, err := st.tx.QueryContext(st.ctx, text)
	if err != nil {
		return failed("reading the consent forms", err)
	}
	defer rows.Close()
	key, values := sql.NullString{}, make([]*string, len(parts))
	into := []any{&key}
	for i := range values {
		into = append(into, &values[i])
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return failed("reading the consent forms", err)
		}
		if !key.Valid {
			return record.NewProblem("source.key_malformed", "consent_forms.key", "", "a consent form has no key")
		}
		if len(in.forms) >= maxTerms {
			return record.NewProblem("source.terms_unbounded", "consent_forms", "", "more than %d consent forms", maxTerms)
		}
		if _, ok := in.forms[key.String]; ok {
			return record.NewProblem("source.order", "consent_forms.key", "", "two consent forms have one key")
		}
		var w wording
		for i, index := range parts {
			w[index] = values[i]
		}
		in.forms[key.String] = w
	}
	if err := rows.Err(); err != nil {
		return failed("reading the consent forms", err)
	}
	return nil
}

// readBlocks loads the keys of the people in a feed of blocks, in ascending order.
func (st *stream) readBlocks(f feed) (blockedKeys, error) {
	rows, err := st.query(st.config.blocksText(f.Blocks))
	if err != nil {
		return nil, failed("reading the blocks", err)
	}
	defer rows.close()
	one := make([]cell.Cell, 1)
	var keys blockedKeys
	var key []byte
	for {
		more, err := rows.next(one)
		if err != nil {
			return nil, failed("reading the blocks", err)
		}
		if !more {
			break
		}
		if key, err = one[0].AppendKey(key[:0], st.config.Profiles.KeyType); err != nil {
			return nil, record.NewProblem("source.key_malformed", f.name+".key", "correct the row: it blocks somebody unknown", "a block has no key of a person")
		}
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	return keys, nil
}

// start sends the query for people, over two connections where that is possible.
func (st *stream) start(s *Source) error {
	c := st.config
	if st.wide && c.Dialect == Postgres && c.Connections != 1 && c.Profiles.KeyType != KeyText && st.since == nil && st.through == nil {
		ls, err := st.lanes(s)
		if err != nil {
			return err
		}
		if ls != nil {
			st.rows = records{ls}
			return nil
		}
	}
	rows, err := st.query(st.statement.text, st.statement.args...)
	if err != nil {
		return failed("starting the read", err)
	}
	st.rows = rows
	return nil
}

// lanes starts the query over two connections; it returns nil if it is too short for that.
func (st *stream) lanes(s *Source) (*lanes.Lanes, error) {
	c := st.config
	ls, err := lanes.Open(st.ctx, lanes.Plan{
		Conn: st.conn, DB: s.db, Settings: settings(false), After: bytes.Clone(st.last), People: s.stretch, Cut: c.cut, Keyless: c.keyless(),
		Stretch: func(after, through []byte) (string, []any, error) {
			return c.from(st.statement.list, bounds{after: after, through: through, all: true}, nil)
		},
		Key: func(row []byte) ([]byte, error) {
			one := make([]cell.Cell, 1)
			if err := cell.Parse(row, one); err != nil || one[0].Null() {
				return nil, err
			}
			key, err := one[0].AppendKey(nil, c.Profiles.KeyType)
			if err != nil {
				err = record.NewProblem("source.key_malformed", c.Profiles.Key, "", "a key is not of the type %q", c.Profiles.KeyType)
			}
			return key, err
		},
		ErrKeyless: record.NewProblem("source.key_malformed", c.Profiles.Key, "", "a person's key is NULL"),
	})
	if err == nil {
		return ls, nil
	}
	var second *lanes.Second
	if !errors.As(err, &second) {
		return nil, failed("starting the read", err)
	}
	err = failed("reading one snapshot over two connections", err)
	if f, ok := err.(*failure); ok {
		f.Hint = "give the role a second connection to the same server, or read over one: connections: 1 in the platform's configuration"
	}
	return nil, err
}

// failure is a database error with a code and without quoted data.
type failure struct {
	*record.Problem
	cause error
}

func (f *failure) Unwrap() []error { return []error{f.Problem, f.cause} }

// Advice is what to do when the platform's database does not answer.
const Advice = "start the platform's database or mend the way to it; almasu serve goes on by itself, or run again: what waits goes first"

// Failed wraps an error of the platform's database under the code source.database, with what to do. Its text is kept unless it may quote a value.
func Failed(doing string, err error) error { return failed(doing, err) }

func failed(doing string, err error) error {
	var known interface{ ProblemCode() string }
	if errors.As(err, &known) {
		return err
	}
	text, hint := err.Error(), Advice
	var server *pq.Error
	if errors.As(err, &server) {
		text, hint = "SQLSTATE "+string(server.Code), "see the log of the platform's database; then run again"
		if server.Code == "42501" {
			hint = "grant the role what the connector reads: almasu grants CONNECTOR"
		}
		if server.Code.Class() != "22" {
			text = server.Message + ", " + text
		}
	}
	return &failure{Problem: record.NewProblem("source.database", "", hint, "%s: %s", doing, text), cause: err}
}
