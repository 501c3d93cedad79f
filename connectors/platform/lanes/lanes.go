// Package lanes reads the rows of one query over two connections of PostgreSQL that share a snapshot, so that two backends of the server work at the same time.
//
// The keys are cut into stretches, each found by a look-up of the key that ends it, which the first lane and the second take in turn. A lane reads up to [blocks] blocks of
// 64 KiB ahead. The rows come out in the order of the stretches, so in the order in which one connection would give them. A row whose key is NULL lies in no stretch: the
// plan's last query looks for one at the end.
//
// Rows are read through the interfaces of the driver (package driver of database/sql), some hundred under one lock of the connection: for each row database/sql takes locks and converts values,
// which costs as much as the driver itself. What is prepared so is closed here, because database/sql does not know of it. [Query] reads over one connection in the same way.
//
// The end is reported only after the last stretch has come to its end; an
// error of either lane ends the read.
package lanes

import (
	"context"
	"database/sql"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"
)

// Plan is what is read.
type Plan struct {
	// Conn is a connection in the transaction whose snapshot is read, and DB gives the second one; Settings prepare a transaction.
	Conn     *sqlx.Conn
	DB       *sqlx.DB
	Settings string
	// After is the key above which everybody is read; nil reads all.
	After []byte
	// People is how many are in a stretch.
	People int
	// Cut is the query for the key of the person in a place, counted from 1, above a key; Key takes the key from its row, nil if it is NULL.
	Cut func(after []byte, place int) (query string, args []any, err error)
	Key func(row []byte) ([]byte, error)
	// Stretch is the query for everybody above a key and not above another; nil is no bound.
	Stretch func(after, through []byte) (query string, args []any, err error)
	// Keyless is the query that has a row if somebody has no key.
	Keyless string
	// ErrKeyless is the error if it has.
	ErrKeyless error
}

// blocks is how many blocks a lane has.
const blocks = 40

// Lanes are one read.
type Lanes struct {
	ctx   context.Context
	list  [2]*lane
	turn  int // of the lane whose stretch is being handed out
	block *block
	rest  []byte // of the block
	over  chan struct{}
	work  sync.WaitGroup
}

// lane is one connection.
type lane struct {
	ctx   context.Context
	plan  *Plan
	conn  *sqlx.Conn
	tx    *sqlx.Tx // of the second lane
	known map[string]*statement

	begin chan []byte // the key after which the next stretch begins
	next  *lane
	out   chan *block
	free  chan *block
	over  chan struct{}
}

// block is some rows of a stretch, each after its length in four bytes.
type block struct {
	rows []byte
	err  error
	end  bool // of the stretch
	last bool // of all
}

// Open starts a read, if it is long enough for two stretches, whose ends an index gives; if not, it returns nil, and the caller reads over the plan's connection. Nothing else may use that one until
// the lanes are closed. An error of the second connection is of the type [*Second].
func Open(ctx context.Context, p Plan) (*Lanes, error) {
	ls := &Lanes{ctx: ctx, over: make(chan struct{})}
	for i := range ls.list {
		l := &lane{
			ctx: ctx, plan: &p, known: map[string]*statement{}, over: ls.over,
			begin: make(chan []byte, 1), out: make(chan *block, blocks), free: make(chan *block, blocks),
		}
		for range blocks {
			l.free <- &block{}
		}
		ls.list[i] = l
	}
	first, second := ls.list[0], ls.list[1]
	first.next, second.next, first.conn = second, first, p.Conn
	if ok, err := first.indexed(); !ok {
		return nil, err
	}
	end, err := first.cut(p.After)
	if err != nil || end == nil {
		first.forget()
		return nil, err
	}
	if err := second.share(); err != nil {
		first.forget()
		return nil, &Second{err}
	}
	ls.work.Go(func() { first.run(p.After, end) })
	ls.work.Go(func() { second.run(nil, nil) })
	second.begin <- end
	return ls, nil
}

// Second is an error of the second connection.
type Second struct{ Err error }

// Error says what the connection said.
func (e *Second) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Second) Unwrap() error { return e.Err }

// share opens the lane's connection on the snapshot.
func (l *lane) share() error {
	var name string
	if err := l.plan.Conn.GetContext(l.ctx, &name, "SELECT pg_export_snapshot()"); err != nil {
		return err
	}
	var err error
	if l.conn, err = l.plan.DB.Connx(l.ctx); err != nil {
		return err
	}
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	// It does not end with the context, so that Close ends it, at a known moment; its queries do.
	if l.tx, err = l.conn.BeginTxx(context.WithoutCancel(l.ctx), options); err == nil {
		_, err = l.tx.ExecContext(l.ctx, "SET TRANSACTION SNAPSHOT '"+name+"'; "+l.plan.Settings)
	}
	if err != nil {
		l.close()
	}
	return err
}

// run reads every second stretch. The first one's end may be known.
func (l *lane) run(after, end []byte) {
	for {
		if end == nil {
			select {
			case after = <-l.begin:
			case <-l.over:
				return
			case <-l.ctx.Done():
				return
			}
			var err error
			if end, err = l.cut(after); err != nil {
				l.put(&block{err: err})
				return
			}
			if end != nil {
				l.next.begin <- end
			}
		}
		if !l.read(after, end) || end == nil {
			return
		}
		end = nil
	}
}

// indexed reports whether the server finds the end of a stretch by an index, without looking at everybody.
func (l *lane) indexed() (bool, error) {
	text, args, err := l.plan.Cut(l.plan.After, l.plan.People)
	if err != nil {
		return false, err
	}
	var lines []string
	if err := l.conn.SelectContext(l.ctx, &lines, "EXPLAIN "+text, args...); err != nil {
		return false, err
	}
	steps := strings.Join(lines, "\n")
	return strings.Contains(steps, "Index") && !strings.Contains(steps, "Sort") && !strings.Contains(steps, "Seq Scan"), nil
}

// cut finds the last key of the stretch that begins after a key; nil if there is no further stretch.
func (l *lane) cut(after []byte) ([]byte, error) {
	text, args, err := l.plan.Cut(after, l.plan.People)
	if err != nil {
		return nil, err
	}
	rows, err := l.rows(text, args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	row, err := rows.Row()
	if row == nil || err != nil {
		return nil, err
	}
	return l.plan.Key(row) // keys that are NULL come last: then there is no end
}

// read hands out the rows of a stretch; without an end it is the last one. It is false when there is nobody to hand them to, or an error was.
func (l *lane) read(after, end []byte) bool {
	text, args, err := l.plan.Stretch(after, end)
	if err != nil {
		return l.put(&block{err: err})
	}
	rows, err := l.rows(text, args)
	if err != nil {
		return l.put(&block{err: err})
	}
	defer rows.Close()
	for b := l.empty(); b != nil; b = l.empty() {
		if b.rows, b.end, b.err = rows.appendBlock(b.rows); b.end && end == nil {
			b.last, b.err = true, l.keyless()
		}
		ended := b.end
		if !l.put(b) {
			return false
		}
		if ended {
			return true
		}
	}
	return false
}

// keyless is an error if somebody has no key.
func (l *lane) keyless() error {
	rows, err := l.rows(l.plan.Keyless, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	row, err := rows.Row()
	if row != nil {
		return l.plan.ErrKeyless
	}
	return err
}

// rows starts a query that is prepared once for the lane.
func (l *lane) rows(text string, args []any) (*Rows, error) {
	prepared := l.known[text]
	if prepared == nil {
		var err error
		if prepared, err = prepare(l.ctx, l.conn, text); err != nil {
			return nil, err
		}
		l.known[text] = prepared
	}
	return prepared.query(l.ctx, args)
}

// empty waits for a block that has been handed out; nil when nobody reads any more.
func (l *lane) empty() *block {
	select {
	case b := <-l.free:
		if b.rows == nil || cap(b.rows) > 2*blockRoom {
			b.rows = make([]byte, 0, blockRoom)
		}
		*b = block{rows: b.rows[:0]}
		return b
	case <-l.over:
	case <-l.ctx.Done():
	}
	return nil
}

// put hands a block out; it is false when nothing is to follow.
func (l *lane) put(b *block) bool {
	good := b.err == nil // the block is another's once it is out
	select {
	case l.out <- b:
		return good
	case <-l.over:
	case <-l.ctx.Done():
	}
	return false
}

// forget closes what was prepared.
func (l *lane) forget() {
	for _, s := range l.known {
		_ = s.close() // it has read; what could fail has been said
	}
	clear(l.known)
}

// close ends the lane's own transaction, when nothing reads in it any more.
func (l *lane) close() {
	if l.conn == nil {
		return
	}
	l.forget()
	if l.tx != nil {
		_ = l.tx.Rollback() // it has read; what could fail has been said
	}
	_ = l.conn.Close()
	l.conn, l.tx = nil, nil
}

// Row returns the next row, nil after the last one. It is valid until the next call.
func (ls *Lanes) Row() ([]byte, error) {
	for len(ls.rest) == 0 {
		l := ls.list[ls.turn]
		if b := ls.block; b != nil {
			if b.last {
				return nil, nil
			}
			if b.end {
				ls.turn = 1 - ls.turn
			}
			ls.block = nil
			l.free <- b
			continue
		}
		select {
		case b := <-l.out:
			if b.err != nil {
				return nil, b.err
			}
			ls.block, ls.rest = b, b.rows
		case <-ls.ctx.Done():
			return nil, ls.ctx.Err()
		}
	}
	var row []byte
	row, ls.rest = cutRow(ls.rest)
	return row, nil
}

// Close ends the read; before its end the context must be cancelled. The transaction of the plan's connection goes on.
func (ls *Lanes) Close() error {
	close(ls.over)
	ls.work.Wait()
	ls.list[0].forget()
	ls.list[1].close()
	return nil
}
