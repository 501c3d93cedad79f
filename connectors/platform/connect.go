package platform

import (
	"bufio"
	"context"
	"database/sql"
	"net"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// readAhead is how much is taken from a connection at once: the driver asks for four KiB at a time, and a row for every call of the system would cost more than the row.
const readAhead = 32 << 10

// Connect opens a database for a [Source]: "postgres" by lib/pq, any other driver as it is registered. It does not connect yet.
func Connect(driver, dsn string) (*sqlx.DB, error) {
	if driver != Postgres {
		return sqlx.Open(driver, dsn)
	}
	connector, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	connector.Dialer(dialer{})
	return sqlx.NewDb(sql.OpenDB(connector), driver), nil
}

// dialer makes connections that are read ahead.
type dialer struct{ net.Dialer }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, ahead: bufio.NewReaderSize(c, readAhead)}, nil
}

// conn hands out what was read ahead.
type conn struct {
	net.Conn
	ahead *bufio.Reader
}

func (c *conn) Read(b []byte) (int, error) { return c.ahead.Read(b) }
