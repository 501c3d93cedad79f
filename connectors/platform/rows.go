package platform

import (
	"cmp"
	"database/sql"
	"fmt"
	"strconv"
	"time"
)

// rowReader fills cells with the next row. The cells are valid until the next call.
type rowReader interface {
	// next is false, without an error, after the last row, when the database has said that the result is complete.
	next(cells []cell) (bool, error)
	close() error
}

// query starts a query whose rows are read by the dialect's reader.
func (st *stream) query(text string, args ...any) (rowReader, error) {
	if st.config.Dialect == SQLite {
		rows, err := st.tx.QueryContext(st.ctx, text, args...)
		if err != nil {
			return nil, err
		}
		return &columnRows{rows: rows}, nil
	}
	// A prepared statement makes the driver ask for bytea in binary.
	prepared, err := st.tx.PrepareContext(st.ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := prepared.QueryContext(st.ctx, args...)
	if err != nil {
		return nil, err // the end of the transaction closes the statement
	}
	return &recordRows{rows: rows, prepared: prepared}, nil
}

// recordRows reads rows of one column, made by record_send.
type recordRows struct {
	rows     *sql.Rows
	prepared *sql.Stmt // if it ends with the rows
	raw      sql.RawBytes
}

// row returns the next row, nil after the last one. It is valid until the next call.
func (r *recordRows) row() ([]byte, error) {
	if !r.rows.Next() {
		return nil, r.rows.Err()
	}
	err := r.rows.Scan(&r.raw)
	return r.raw, err
}

func (r *recordRows) next(cells []cell) (bool, error) {
	row, err := r.row()
	if row == nil || err != nil {
		return false, err
	}
	return true, parseRecord(row, cells)
}

func (r *recordRows) close() error {
	err := r.rows.Close()
	if r.prepared != nil {
		err = cmp.Or(err, r.prepared.Close())
	}
	return err
}

// columnRows reads rows of as many columns as there are cells, all as text.
type columnRows struct {
	rows   *sql.Rows
	values []any
	into   []any
	text   []byte
}

func (r *columnRows) next(cells []cell) (bool, error) {
	if !r.rows.Next() {
		return false, r.rows.Err()
	}
	if r.values == nil {
		r.values, r.into = make([]any, len(cells)), make([]any, len(cells))
		for i := range r.values {
			r.into[i] = &r.values[i]
		}
	}
	if err := r.rows.Scan(r.into...); err != nil {
		return false, err
	}
	r.text = r.text[:0]
	for i, v := range r.values {
		start := len(r.text)
		switch v := v.(type) {
		case nil:
			cells[i] = cell{kind: typeText}
			continue
		case string:
			r.text = append(r.text, v...)
		case []byte:
			r.text = append(r.text, v...)
		case int64:
			r.text = strconv.AppendInt(r.text, v, 10)
		case float64:
			r.text = strconv.AppendFloat(r.text, v, 'g', -1, 64)
		case bool:
			r.text = strconv.AppendBool(r.text, v)
		case time.Time:
			r.text = v.UTC().AppendFormat(r.text, time.RFC3339Nano)
		default:
			return false, fmt.Errorf("column %d has the unexpected Go type %T", i+1, v)
		}
		if r.text == nil {
			r.text = make([]byte, 0, 256) // an empty text is not NULL
		}
		cells[i] = cell{kind: typeText, b: r.text[start:len(r.text):len(r.text)]}
	}
	return true, nil
}

func (r *columnRows) close() error { return r.rows.Close() }
