package platform

import (
	"context"
	"database/sql"
	"encoding/binary"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
)

const (
	stretchPeople = 4000                  // of a stretch, as long as its end is found soon
	slowCut       = 20 * time.Millisecond // a look-up of an end that takes longer makes the stretches longer
	blockBytes    = 64 << 10
	laneBlocks    = 20 // of a lane: what it reads ahead
)

// lanes read the rows of one query over two connections that share a snapshot. The keys are cut into stretches, which the lanes take in turn, so that two
// backends of the server work at the same time; the rows come out in the order of the keys.
type lanes struct {
	list  [2]*lane
	turn  int // of the lane whose stretch is being handed out
	block *block
	rest  []byte // of the block
	over  chan struct{}
	work  sync.WaitGroup
}

// lane is one connection.
type lane struct {
	st     *stream
	tx     *sqlx.Tx
	conn   *sqlx.Conn // nil for that of the stream
	people int        // of a stretch
	known  map[string]*sql.Stmt

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

// split reads a query over two connections, if it is long enough for two stretches; if not, it returns nil.
func (st *stream) split(db *sqlx.DB, after []byte, people int) (*lanes, error) {
	ls := &lanes{over: make(chan struct{})}
	for i := range ls.list {
		l := &lane{
			st: st, people: people, known: map[string]*sql.Stmt{}, over: ls.over,
			begin: make(chan []byte, 1), out: make(chan *block, laneBlocks), free: make(chan *block, laneBlocks),
		}
		for range laneBlocks {
			l.free <- &block{}
		}
		ls.list[i] = l
	}
	first, second := ls.list[0], ls.list[1]
	first.next, second.next, first.tx = second, first, st.tx
	end, err := first.cut(after)
	if err != nil || end == nil {
		return nil, err
	}
	if err := second.share(db); err != nil {
		return nil, err
	}
	ls.work.Go(func() { first.run(after, end) })
	ls.work.Go(func() { second.run(nil, nil) })
	second.begin <- end
	return ls, nil
}

// share opens the lane's connection on the stream's snapshot.
func (l *lane) share(db *sqlx.DB) error {
	var name string
	if err := l.st.tx.GetContext(l.st.ctx, &name, "SELECT pg_export_snapshot()"); err != nil {
		return shared(err)
	}
	var err error
	if l.conn, err = db.Connx(l.st.ctx); err != nil {
		return shared(err)
	}
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if l.tx, err = l.conn.BeginTxx(context.WithoutCancel(l.st.ctx), options); err == nil {
		_, err = l.tx.ExecContext(l.st.ctx, "SET TRANSACTION SNAPSHOT '"+name+"'; "+settings(false))
	}
	if err != nil {
		l.close()
		return shared(err)
	}
	return nil
}

func shared(err error) error {
	p := failed("reading one snapshot over two connections", err)
	if f, ok := p.(*failure); ok {
		f.Hint = "give the role a second connection to the same server, or read over one: connections: 1 in the platform's configuration"
	}
	return p
}

// run reads every second stretch. The first one's end may be known.
func (l *lane) run(after, end []byte) {
	for {
		if end == nil {
			select {
			case after = <-l.begin:
			case <-l.over:
				return
			case <-l.st.ctx.Done():
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

// cut finds the last key of the stretch that begins after a key; nil if there is no further stretch.
func (l *lane) cut(after []byte) ([]byte, error) {
	began := time.Now()
	text, args, err := l.st.config.cut(after, l.people)
	if err != nil {
		return nil, err
	}
	rows, err := l.rows(text, args)
	if err != nil {
		return nil, failed("reading people", err)
	}
	defer rows.close()
	one := make([]cell, 1)
	more, err := rows.next(one)
	if err != nil {
		return nil, failed("reading people", err)
	}
	if time.Since(began) > slowCut {
		l.people *= 2
	}
	if !more || one[0].null() { // keys that are NULL come last
		return nil, nil
	}
	end, err := one[0].appendKey(nil, l.st.config.Profiles.KeyType)
	if err != nil {
		return nil, record.NewProblem("source.key_malformed", l.st.config.Profiles.Key, "", "a key is not of the type %q", l.st.config.Profiles.KeyType)
	}
	return end, nil
}

// read hands out the rows of a stretch; without an end it is the last one. It is false when there is nobody to hand them to, or an error was.
func (l *lane) read(after, end []byte) bool {
	text, args, err := l.st.config.from(l.st.statement.list, bounds{after: after, through: end, all: true}, nil)
	if err != nil {
		return l.put(&block{err: err})
	}
	rows, err := l.rows(text, args)
	if err != nil {
		return l.put(&block{err: err})
	}
	defer rows.close()
	b := l.empty()
	for b != nil {
		row, err := rows.row()
		if err != nil {
			return l.put(&block{err: err})
		}
		if row == nil {
			b.end, b.last = true, end == nil
			if b.last {
				b.err = l.keyless()
			}
			return l.put(b)
		}
		if len(b.rows) > 0 && len(b.rows)+4+len(row) > blockBytes {
			if !l.put(b) {
				return false
			}
			if b = l.empty(); b == nil {
				break
			}
		}
		b.rows = append(binary.BigEndian.AppendUint32(b.rows, uint32(len(row))), row...)
	}
	return false
}

// keyless is an error if somebody has no key: no stretch holds them.
func (l *lane) keyless() error {
	c := l.st.config
	rows, err := l.rows(c.keyless(), nil)
	if err != nil {
		return failed("reading people", err)
	}
	defer rows.close()
	row, err := rows.row()
	if err != nil {
		return failed("reading people", err)
	}
	if row != nil {
		return record.NewProblem("source.key_malformed", c.Profiles.Key, "", "a person's key is NULL")
	}
	return nil
}

// rows starts a query that is prepared once for the lane.
func (l *lane) rows(text string, args []any) (*recordRows, error) {
	prepared := l.known[text]
	if prepared == nil {
		var err error
		if prepared, err = l.tx.PrepareContext(l.st.ctx, text); err != nil {
			return nil, err
		}
		l.known[text] = prepared
	}
	rows, err := prepared.QueryContext(l.st.ctx, args...)
	if err != nil {
		return nil, err
	}
	return &recordRows{rows: rows}, nil
}

// empty waits for a block that has been handed out; nil when nobody reads any more.
func (l *lane) empty() *block {
	select {
	case b := <-l.free:
		if b.rows == nil || cap(b.rows) > 2*blockBytes {
			b.rows = make([]byte, 0, blockBytes)
		}
		*b = block{rows: b.rows[:0]}
		return b
	case <-l.over:
	case <-l.st.ctx.Done():
	}
	return nil
}

// put hands a block out; it is false when nothing is to follow.
func (l *lane) put(b *block) bool {
	select {
	case l.out <- b:
		return b.err == nil
	case <-l.over:
	case <-l.st.ctx.Done():
	}
	return false
}

// close ends the lane's own transaction, when nothing reads in it any more.
func (l *lane) close() {
	if l.conn == nil {
		return
	}
	if l.tx != nil {
		_ = l.tx.Rollback() // it has read; what could fail has been said
	}
	_ = l.conn.Close()
	l.conn, l.tx = nil, nil
}

// next implements rowReader.
func (ls *lanes) next(cells []cell) (bool, error) {
	for len(ls.rest) == 0 {
		l := ls.list[ls.turn]
		if b := ls.block; b != nil {
			if b.last {
				return false, nil
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
				return false, b.err
			}
			ls.block, ls.rest = b, b.rows
		case <-l.st.ctx.Done():
			return false, l.st.ctx.Err()
		}
	}
	size := 4 + binary.BigEndian.Uint32(ls.rest)
	row := ls.rest[4:size]
	ls.rest = ls.rest[size:]
	return true, parseRecord(row, cells)
}

// close implements rowReader.
func (ls *lanes) close() error {
	close(ls.over)
	ls.work.Wait()
	ls.list[1].close()
	return nil
}
