// Package books keeps what recipients hold of each person (package delta) in the service's store.
//
// The table held has the sealed pages by connector, recipient and number; a page whose column stale is 1 is read as if everybody in it were to be sent again. The list of a
// message lies in its row of the outbox, and goes with it: [Settle] applies it in the transaction that settles the message, before the row is deleted. Pages are changed under
// the lock of the log's head only.
//
// Whatever makes digests stale forgets the marks of comparisons (package marks) before: the next comparison reads everybody.
//
// A store that may be older than what its recipients know ([Doubt]) keeps who holds something, and nothing of what: everybody is sent again.
package books

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/binary"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/vault"
)

// DB is the store's database, and implements transfer.Held: Write writes, Read reads.
type DB struct {
	Write *sqlx.DB
	Read  *binary.Kept
	Vault *vault.Vault
}

// Book implements transfer.Held.
func (d DB) Book(ctx context.Context, connector, recipient string) (*delta.Book, error) {
	rows, err := d.Read.QueryxContext(ctx, `SELECT o.message, o.held, o.stale FROM outbox o JOIN message m ON m.id = o.message
		WHERE m.connector = $1 AND m.recipient = $2 AND length(o.held) > 0 ORDER BY m.sequence, m.intent`, connector, recipient)
	if err != nil {
		return nil, fmt.Errorf("reading what waits: %w", err)
	}
	defer rows.Close()
	var waiting [][]delta.Entry
	for rows.Next() {
		var l list
		if err := rows.StructScan(&l); err != nil {
			return nil, fmt.Errorf("reading what waits: %w", err)
		}
		one, err := l.open(d.Vault)
		if err != nil {
			return nil, err
		}
		waiting = append(waiting, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading what waits: %w", err)
	}
	return delta.NewBook(Pages{d.Read, connector, recipient}, d.Vault, delta.Name(connector, recipient), waiting...), nil
}

// Spoil implements transfer.Held.
func (d DB) Spoil(ctx context.Context, connector, recipient string) error {
	return Spoil(ctx, d.Write, connector, recipient)
}

// Spoil makes stale what a recipient holds over a connector. What waits is not touched.
func Spoil(ctx context.Context, db sqlx.ExecerContext, connector, recipient string) error {
	if err := marks.Forget(ctx, db, connector, recipient); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "UPDATE held SET stale = 1 WHERE connector = $1 AND recipient = $2 AND stale = 0", connector, recipient); err != nil {
		return fmt.Errorf("spoiling what a recipient holds: %w", err)
	}
	return nil
}

// Lock excludes every other change of what recipients hold for the rest of a transaction, and returns the generation of blocks.
func Lock(ctx context.Context, tx *sqlx.Tx) (generation int64, err error) {
	if err := tx.QueryRowxContext(ctx, "UPDATE log_head SET size = size WHERE id = 1 RETURNING blocks").Scan(&generation); err != nil {
		return 0, fmt.Errorf("locking the log: %w", err)
	}
	return generation, nil
}

// Doubt makes stale what everybody holds, and what waits: the store may be older than what recipients know.
func Doubt(ctx context.Context, tx *sqlx.Tx) error {
	if err := marks.ForgetAll(ctx, tx); err != nil {
		return err
	}
	for _, table := range []string{"held", "outbox"} {
		if _, err := tx.ExecContext(ctx, "UPDATE "+table+" SET stale = 1 WHERE stale = 0"); err != nil {
			return fmt.Errorf("spoiling what recipients hold: %w", err)
		}
	}
	return nil
}

// Each calls f with everybody of whom a recipient holds anything over a connector, in the order of their ordinals, until it returns false, but not with those on the pages
// to skip, if any. What waits is not looked at.
func (d DB) Each(ctx context.Context, connector, recipient string, skip func(page uint32) bool, f func(delta.Entry) bool) error {
	var numbers []int64
	if err := d.Read.SelectContext(ctx, &numbers, "SELECT page FROM held WHERE connector = $1 AND recipient = $2 ORDER BY page", connector, recipient); err != nil {
		return fmt.Errorf("listing what a recipient holds: %w", err)
	}
	pages, goes, sealed := Pages{d.Read, connector, recipient}, true, delta.Sealed{}
	for _, number := range numbers {
		if skip != nil && skip(uint32(number)) {
			continue
		}
		var err error
		sealed, err = pages.Page(ctx, uint32(number), sealed)
		if err == nil {
			err = delta.Each(d.Vault, delta.Name(connector, recipient), uint32(number), sealed, func(e delta.Entry) { goes = goes && f(e) })
		}
		if err != nil || !goes {
			return err
		}
	}
	return nil
}

// Strike writes into every book, inside a transaction, that its recipient holds nothing of the people with these ordinals: nobody knows any more whose they were.
func Strike(ctx context.Context, tx *sqlx.Tx, v *vault.Vault, ordinals []uint32) error {
	var all []Pages
	rows, err := tx.QueryxContext(ctx, "SELECT DISTINCT connector, recipient FROM held ORDER BY connector, recipient")
	if err != nil {
		return fmt.Errorf("listing what recipients hold: %w", err)
	}
	for rows.Next() {
		p := Pages{DB: tx}
		if err := rows.Scan(&p.Connector, &p.Recipient); err != nil {
			rows.Close()
			return err
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, p := range all {
		if err := delta.Leave(ctx, p, v, delta.Name(p.Connector, p.Recipient), ordinals, nil); err != nil {
			return err
		}
	}
	return nil
}

// DBTx is a [binary.Kept] or an [sqlx.Tx].
type DBTx interface {
	sqlx.ExecerContext
	binary.Preparer
}

// Pages are the pages of one recipient over one connector, and implement [delta.Changing]; they are changed inside a transaction.
type Pages struct {
	DB                   DBTx
	Connector, Recipient string
}

// Page implements [delta.Pages].
func (p Pages) Page(ctx context.Context, number uint32, memory delta.Sealed) (delta.Sealed, error) {
	sealed := delta.Sealed{Body: memory.Body[:0], Recent: memory.Recent[:0]}
	var body, recent sql.RawBytes // the driver's
	err := p.one(ctx, "SELECT body, recent, stale = 1 FROM held WHERE connector = $1 AND recipient = $2 AND page = $3", number, func() {
		sealed.Body, sealed.Recent = append(sealed.Body, body...), append(sealed.Recent, recent...)
	}, &body, &recent, &sealed.Stale)
	return sealed, err
}

// Recent implements [delta.Changing].
func (p Pages) Recent(ctx context.Context, number uint32) (sealed delta.Sealed, body int, err error) {
	err = p.one(ctx, "SELECT length(body), recent, stale = 1 FROM held WHERE connector = $1 AND recipient = $2 AND page = $3", number, func() {}, &body, &sealed.Recent, &sealed.Stale)
	return sealed, body, err
}

// one reads from the row of a page, and calls found while what is the driver's is there; without a row it leaves into as it is.
func (p Pages) one(ctx context.Context, query string, number uint32, found func(), into ...any) error {
	rows, err := binary.Query(ctx, p.DB, query, p.Connector, p.Recipient, int64(number))
	if err != nil {
		return fmt.Errorf("reading what a recipient holds: %w", err)
	}
	defer rows.Close()
	if rows.Next() {
		if err = rows.Scan(into...); err == nil {
			found()
		}
	}
	if err = cmp.Or(err, rows.Err()); err != nil {
		return fmt.Errorf("reading what a recipient holds: %w", err)
	}
	return nil
}

// Put implements [delta.Changing].
func (p Pages) Put(ctx context.Context, number uint32, body []byte) error {
	_, err := p.DB.ExecContext(ctx, `INSERT INTO held (connector, recipient, page, stale, body, recent) VALUES ($1, $2, $3, 0, $4, $5)
		ON CONFLICT (connector, recipient, page) DO UPDATE SET stale = 0, body = $4, recent = $5`, p.Connector, p.Recipient, int64(number), body, []byte{})
	if err != nil {
		return fmt.Errorf("writing what a recipient holds: %w", err)
	}
	return nil
}

// PutRecent implements [delta.Changing].
func (p Pages) PutRecent(ctx context.Context, number uint32, recent []byte) error {
	res, err := p.DB.ExecContext(ctx, "UPDATE held SET recent = $4 WHERE connector = $1 AND recipient = $2 AND page = $3 AND stale = 0", p.Connector, p.Recipient, int64(number), recent)
	if err != nil {
		return fmt.Errorf("writing what a recipient holds: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("page %d of what %s holds is not there to be changed", number, p.Recipient), err)
	}
	return nil
}

// list is the list of a message in the outbox.
type list struct {
	Message   string `db:"message"`
	Held      []byte `db:"held"`
	Stale     int64  `db:"stale"`
	Connector string `db:"connector"`
	Recipient string `db:"recipient"`
}

func (l *list) open(v *vault.Vault) ([]delta.Entry, error) {
	id, err := record.ParseID(l.Message)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, errors.New("the store was given no vault: what recipients hold is not read")
	}
	return delta.OpenList(v, id, l.Held, l.Stale == 1)
}

// Accepted is a message that its recipient has accepted, but for the records at some places, ascending.
type Accepted struct {
	Message record.ID
	Rejects []int
}

// Settle applies the lists of messages of one connector, in the order in which they were accepted, inside the transaction that settles them.
func Settle(ctx context.Context, tx *sqlx.Tx, v *vault.Vault, messages []Accepted) error {
	var all []delta.Entry
	pages := Pages{DB: tx}
	for _, m := range messages {
		var l list
		err := tx.QueryRowxContext(ctx, `SELECT o.message, o.held, o.stale, m.connector, m.recipient FROM outbox o JOIN message m ON m.id = o.message
			WHERE o.message = $1 AND length(o.held) > 0`, m.Message.String()).StructScan(&l)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading what a message makes of what is held: %w", err)
		}
		entries, err := l.open(v)
		if err != nil {
			return err
		}
		for at, e := range entries {
			if _, rejected := slices.BinarySearch(m.Rejects, at); !rejected {
				all = append(all, e)
			}
		}
		pages.Connector, pages.Recipient = l.Connector, l.Recipient
	}
	return delta.Apply(ctx, pages, v, delta.Name(pages.Connector, pages.Recipient), all)
}
