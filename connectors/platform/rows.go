package platform

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/connectors/platform/lanes"
)

// rowReader fills cells with the next row. The cells are valid until the next call.
type rowReader interface {
	// next is false, without an error, after the last row, when the database has said that the result is complete.
	next(cells []cell.Cell) (bool, error)
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
	rows, err := lanes.Query(st.ctx, st.conn, text, args...)
	if err != nil {
		return nil, err
	}
	return records{rows}, nil
}

// records are the cells of rows of one column, made by record_send.
type records struct {
	from interface {
		Row() ([]byte, error)
		Close() error
	}
}

func (r records) next(cells []cell.Cell) (bool, error) {
	row, err := r.from.Row()
	if row == nil || err != nil {
		return false, err
	}
	return true, cell.Parse(row, cells)
}

func (r records) close() error { return r.from.Close() }

// columnRows reads rows of as many columns as there are cells, all as text.
type columnRows struct {
	rows   *sql.Rows
	values []any
	into   []any
	text   []byte
}

func (r *columnRows) next(cells []cell.Cell) (bool, error) {
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
			cells[i] = cell.Cell{Kind: cell.TypeText}
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
		cells[i] = cell.Cell{Kind: cell.TypeText, B: r.text[start:len(r.text):len(r.text)]}
	}
	return true, nil
}

func (r *columnRows) close() error { return r.rows.Close() }
