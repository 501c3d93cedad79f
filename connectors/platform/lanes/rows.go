package lanes

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"io"

	"github.com/jmoiron/sqlx"
)

const (
	// blockBytes is how many bytes of rows are read at once, of one row more.
	blockBytes = 60 << 10
	// blockRoom is what a block is made with, so that the last row has a place in it.
	blockRoom = 64 << 10
)

var errDriver = errors.New("the driver prepares no statement whose rows are bytes")

// statement is a query of one column of bytes, of which the driver asks for bytea in binary. It is the driver's own: closing it is its user's.
type statement struct {
	conn *sqlx.Conn
	stmt driver.Stmt
}

// prepare prepares a query.
func prepare(ctx context.Context, conn *sqlx.Conn, text string) (*statement, error) {
	s := &statement{conn: conn}
	return s, raw(conn, func(c driver.Conn) (err error) {
		preparer, ok := c.(driver.ConnPrepareContext)
		if !ok {
			return errDriver
		}
		s.stmt, err = preparer.PrepareContext(ctx, text)
		return reason(ctx, err)
	})
}

// query starts the query.
func (s *statement) query(ctx context.Context, args []any) (*Rows, error) {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, err
		}
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	r := &Rows{ctx: ctx, statement: s}
	return r, raw(s.conn, func(driver.Conn) (err error) {
		querier, ok := s.stmt.(driver.StmtQueryContext)
		if !ok {
			return errDriver
		}
		r.rows, err = querier.QueryContext(ctx, values)
		return reason(ctx, err)
	})
}

// close ends the statement on the server.
func (s *statement) close() error {
	return raw(s.conn, func(driver.Conn) error { return s.stmt.Close() })
}

// raw calls f with the driver's connection, which nothing else uses meanwhile. What f returns does not reach database/sql: a bad connection would there wait for its
// transaction to end, and the driver gives none back to the pool.
func raw(conn *sqlx.Conn, f func(driver.Conn) error) error {
	var failure error
	err := conn.Raw(func(c any) error {
		one, ok := c.(driver.Conn)
		if !ok {
			failure = errDriver
			return nil
		}
		failure = f(one)
		return nil
	})
	return cmp.Or(err, failure)
}

// reason is the end of the context in the place of what the server says of it.
func reason(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Rows are the rows of a query of one column of bytes, taken from the driver a block at a time: a row costs neither a lock nor a conversion.
type Rows struct {
	ctx       context.Context
	statement *statement
	own       bool // the statement ends with the rows
	rows      driver.Rows
	value     [1]driver.Value
	block     []byte
	rest      []byte // of the block
	end       bool   // there is no further block
}

// Query starts a query in a statement of its own, on a connection that nothing else uses until the rows are closed. Cancelling the context ends it.
func Query(ctx context.Context, conn *sqlx.Conn, text string, args ...any) (*Rows, error) {
	s, err := prepare(ctx, conn, text)
	if err != nil {
		return nil, err
	}
	r, err := s.query(ctx, args)
	if err != nil {
		_ = s.close() // what was wrong is said
		return nil, err
	}
	r.own = true
	return r, nil
}

// Row returns the next row, nil after the last one. It is valid until the next call.
func (r *Rows) Row() (row []byte, err error) {
	for len(r.rest) == 0 {
		if r.end {
			return nil, nil
		}
		if r.block, r.end, err = r.appendBlock(r.block[:0]); err != nil {
			return nil, err
		}
		r.rest = r.block
	}
	row, r.rest = cutRow(r.rest)
	return row, nil
}

// appendBlock appends the next rows to a block, and reports whether the last one is among them.
func (r *Rows) appendBlock(block []byte) (_ []byte, end bool, err error) {
	err = raw(r.statement.conn, func(driver.Conn) error {
		for len(block) < blockBytes {
			if err := r.rows.Next(r.value[:]); err != nil {
				end = err == io.EOF
				return err
			}
			row, ok := r.value[0].([]byte)
			if !ok {
				return errDriver
			}
			block = append(binary.BigEndian.AppendUint32(block, uint32(len(row))), row...)
		}
		return nil
	})
	if end {
		return block, true, nil
	}
	return block, false, reason(r.ctx, err)
}

// cutRow takes the first row from those of a block.
func cutRow(rows []byte) (row, rest []byte) {
	end := 4 + binary.BigEndian.Uint32(rows)
	return rows[4:end:end], rows[end:]
}

// Close ends the query.
func (r *Rows) Close() error {
	err := raw(r.statement.conn, func(driver.Conn) error { return r.rows.Close() })
	if r.own {
		err = cmp.Or(err, r.statement.close())
	}
	return err
}
