package platform

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/connectors/platform/horizon"
	"birgeoqy.kz/almasu/internal/record"
)

// stream is one snapshot. A row is read ahead: the first one of the next person.
type stream struct {
	config    *Config
	ctx       context.Context
	cancel    context.CancelFunc
	conn      *sqlx.Conn
	tx        *sqlx.Tx
	statement *statement
	wanted    []string
	snapshot  string
	since     *horizon.Horizon // of the query, nil if everybody is read
	horizon   string
	states    map[string]record.AccountState // by the platform's value
	terms     *interner
	blocked   blockedKeys
	parents   blockedKeys // of people whose parent is blocked
	rows      rowReader

	cells   []cell.Cell
	values  [][]byte
	wording []cell.Cell // of the consent in cells
	key     []byte      // of the row in cells
	last    []byte      // of the last person added; at first the lower bound
	after   bool        // there is a lower bound
	through []byte      // the upper bound, nil if there is none
	wide    bool        // over two connections, if it may
	people  int
	pending bool  // cells hold a row that is not used yet
	err     error // what ended the stream; io.EOF after the last person
}

// Snapshot implements [connectors.Stream].
func (st *stream) Snapshot() string { return st.snapshot }

// Horizon implements [connectors.Stream].
func (st *stream) Horizon() string { return st.horizon }

// Next implements [connectors.Stream]. A cancelled ctx ends the stream.
func (st *stream) Next(ctx context.Context, b *record.Batch, n int) error {
	b.Reset()
	if st.err != nil {
		return st.err
	}
	if !slices.Equal(b.Fields(), st.wanted) {
		return record.NewProblem("source.fields", "", "make the batch with the query's fields", "the batch has other columns than the query")
	}
	if n <= 0 {
		return nil
	}
	defer context.AfterFunc(ctx, st.cancel)()
	err := ctx.Err()
	if err == nil {
		err = st.fill(b, n)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fmt.Errorf("reading people: %w", cause)
	}
	if err != nil {
		b.Reset()
		st.err = err
	}
	return err
}

// fill adds people until the batch is full or the read is complete.
func (st *stream) fill(b *record.Batch, n int) error {
	for {
		if !st.pending {
			more, err := st.rows.next(st.cells)
			if err != nil {
				return st.malformed(err)
			}
			if !more {
				return st.finish(b)
			}
		}
		st.pending = true
		var err error
		if st.key, err = st.cells[st.statement.key].AppendKey(st.key[:0], st.config.Profiles.KeyType); err != nil {
			return st.problem("source.key_malformed", st.config.Profiles.Key, "the key is NULL or not of the type %q", st.config.Profiles.KeyType)
		}
		order := 1
		if st.people > 0 || st.after {
			order = bytes.Compare(st.key, st.last)
		}
		switch {
		case order <= 0 && st.people == 0, st.through != nil && bytes.Compare(st.key, st.through) > 0:
			return st.problem("source.order", st.config.Profiles.Key, "the database compares keys in another way: this one is outside the bounds")
		case order < 0:
			return st.problem("source.order", st.config.Profiles.Key, "the keys do not ascend")
		case order == 0:
			err = st.again(b)
		case b.Len() == n:
			sortConsents(b)
			return nil
		default:
			sortConsents(b)
			err = st.addPerson(b)
		}
		if err == nil {
			err = st.addConsent(b)
		}
		if err != nil {
			return err
		}
		st.pending = false
	}
}

// finish ends the stream after its last row.
func (st *stream) finish(b *record.Batch) error {
	if err := st.ctx.Err(); err != nil {
		return fmt.Errorf("reading people: %w", err)
	}
	sortConsents(b)
	st.err = io.EOF
	if b.Len() == 0 {
		return io.EOF
	}
	return nil
}

// malformed gives the error of reading a row its code.
func (st *stream) malformed(err error) error {
	if errors.Is(err, cell.ErrRow) {
		return st.problem("source.row_malformed", "", "%s", err)
	}
	return failed("reading people", err)
}

func (st *stream) problem(code, where, format string, args ...any) error {
	return record.NewProblem(code, where, "", "person %d of the read: %s", st.people+1, fmt.Sprintf(format, args...))
}

// absent is the cell of what has no column.
var absent cell.Cell

// at returns the cell with this index, absent for -1; it is for reading.
func (st *stream) at(index int) *cell.Cell {
	if index < 0 {
		return &absent
	}
	return &st.cells[index]
}

// micros reads the time in a cell.
func (st *stream) micros(index int, column string) (int64, error) {
	at, err := st.at(index).Micros()
	if err != nil {
		return 0, st.problem("source.time_malformed", column, "%s", err)
	}
	return at, nil
}

// addPerson adds the person of the row in cells.
func (st *stream) addPerson(b *record.Batch) error {
	s, c := st.statement, st.config
	p := record.Person{Key: st.key, IIN: st.cells[s.iin].B, Account: st.states[string(st.cells[s.state].B)], Blocked: st.blocked.has(st.key), ParentBlocked: st.parents.has(st.key)}
	for _, i := range s.place {
		if len(st.cells[i].B) > 0 {
			p.Place = st.cells[i].B
			break
		}
	}
	var err error
	if p.Updated, err = st.micros(s.updated, c.Profiles.Updated); err != nil {
		return err
	}
	for i, index := range s.fields {
		st.values[i] = st.cells[index].B
	}
	b.Add(p, st.values)
	st.last = append(st.last[:0], st.key...)
	st.people++
	return nil
}

// blockedKeys are keys in ascending order; those below the last one asked for are gone.
type blockedKeys []string

// has looks for a key; those asked for ascend.
func (b *blockedKeys) has(key []byte) bool {
	for len(*b) > 0 && (*b)[0] < string(key) {
		*b = (*b)[1:]
	}
	return len(*b) > 0 && (*b)[0] == string(key)
}

// again checks that a further row of the last person differs in the consent only.
func (st *stream) again(b *record.Batch) error {
	i := b.Len() - 1
	same := st.config.Consents != nil && st.hasConsent() && len(b.Consents(i)) > 0
	same = same && b.Person(i).Account == st.states[string(st.cells[st.statement.state].B)] && bytes.Equal(b.Person(i).IIN, st.cells[st.statement.iin].B)
	for column, index := range st.statement.fields {
		value, ok := b.Value(i, column)
		same = same && ok != st.cells[index].Null() && bytes.Equal(value, st.cells[index].B)
	}
	if !same {
		return st.problem("source.order", st.config.Profiles.Key, "a key occurs twice: the profiles or the accounts have two rows for one person")
	}
	return nil
}

// hasConsent reports whether the row brings a consent at all.
func (st *stream) hasConsent() bool {
	s := st.statement
	if !st.at(s.given).Null() || !st.at(s.until).Null() || !st.at(s.withdrawn).Null() {
		return true
	}
	for _, index := range s.terms {
		if !st.cells[index].Null() {
			return true
		}
	}
	return false
}

// addConsent adds the row's consent, if it has one, to the person added last.
func (st *stream) addConsent(b *record.Batch) error {
	if st.config.Consents == nil || !st.hasConsent() {
		return nil
	}
	s, k := st.statement, st.config.Consents
	consent := record.Consent{Evidence: st.at(s.evidence).Truth()}
	var err error
	if consent.Given, err = st.micros(s.given, k.Given); err != nil {
		return err
	}
	if consent.Until, err = st.micros(s.until, k.Until); err != nil {
		return err
	}
	if consent.Withdrawn, err = st.micros(s.withdrawn, k.Withdrawn); err != nil {
		return err
	}
	st.wording = st.wording[:0]
	for _, index := range s.terms {
		st.wording = append(st.wording, st.cells[index])
	}
	if consent.Terms, err = st.terms.find(st.wording); err != nil {
		return err
	}
	b.AddConsent(consent)
	return nil
}

// sortConsents brings the consents of the person added last into the order of their times and versions.
func sortConsents(b *record.Batch) {
	if b.Len() == 0 {
		return
	}
	consents := b.Consents(b.Len() - 1)
	if len(consents) < 2 {
		return
	}
	slices.SortStableFunc(consents, func(x, y record.Consent) int {
		return cmp.Or(cmp.Compare(x.Given, y.Given), cmp.Compare(x.Until, y.Until), cmp.Compare(x.Withdrawn, y.Withdrawn),
			cmp.Compare(x.Terms.PolicyVersion, y.Terms.PolicyVersion), cmp.Compare(x.Terms.GivenBy, y.Terms.GivenBy), cmp.Compare(x.Terms.Method, y.Terms.Method))
	})
}

// Close implements [connectors.Stream].
func (st *stream) Close() error {
	if st.err == nil {
		st.err = record.NewProblem("source.closed", "", "", "the stream is closed")
	}
	if st.err != io.EOF {
		st.cancel() // of a read in progress, so that closing does not read the rest
	}
	defer st.cancel()
	if st.rows != nil {
		_ = st.rows.close() // what it could say was said by Next
		st.rows = nil
	}
	var err error
	if st.tx != nil {
		err = st.tx.Rollback()
		st.tx = nil
	}
	if st.conn != nil {
		err = cmp.Or(err, st.conn.Close())
		st.conn = nil
	}
	if err == nil || st.ctx.Err() != nil { // a cancelled read leaves a connection that the pool throws away
		return nil
	}
	return failed("ending the snapshot", err)
}
