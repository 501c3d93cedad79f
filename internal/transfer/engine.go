package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer/candidates"
	"birgeoqy.kz/almasu/internal/transfer/line"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/mapping/judging"
	"birgeoqy.kz/almasu/schemas"
)

// window is how many messages may be logged and not settled at once; a recipient accepts any order within 64 numbers.
const window = 16

// Connection is one connector, wired: where its people come from, how they are written, and where they go.
type Connection struct {
	Name, Route string
	Channel     string // the kind of connector as the register names channels: "rest", "parcel"
	Sender      string // our BIN
	Source      connectors.Source
	Connector   connectors.Connector
	Table       *mapping.Table
	Schema      *schemas.Schema
	Judge       judging.Judge // optional: has the last word on each document of XML before it is sealed; whom it names is withheld
	// Key seals; Ring holds our own public keys, to open what waits in the outbox.
	Key  *signing.Key
	Ring *signing.Keyring
	// Batch is how many people make one message; Senders how many messages are delivered at once.
	Batch, Senders int
	// Compare sends only those of whom the recipient does not hold just what would be sent.
	Compare bool
	// FullEvery is the longest time from a comparison of everybody to the next; between them who may have changed is compared. 0 compares everybody.
	FullEvery time.Duration
	// Patience is how long one run tries a message before it is left waiting; Deadline, counted from the intent, how long it may wait: then a
	// void notice takes its number, and it is abandoned.
	Patience, Deadline time.Duration
}

// Engine runs transfers. It is safe for concurrent use.
type Engine struct {
	Ledger Ledger
	Blocks Blocks
	Lines  Lines
	// Roster makes a roster for one goroutine.
	Roster func() (*roster.Roster, error)
	Vault  *vault.Vault
	// Held keeps what recipients hold; without it nobody is compared. Secret keys the digests in it.
	Held   Held
	Secret []byte
	// Marks keeps what comparisons of who may have changed go on from.
	Marks candidates.Marks
	// Register returns the register in force.
	Register func() *legal.Register
	// Request returns an ad-hoc request with its approvals, by its id.
	Request func(ctx context.Context, id string) (*legal.Request, error)
	// Notice returns the notice that a transfer carries, nil for an ordinary one.
	Notice func(ctx context.Context, transfer record.ID) (*telling.Notice, error)
	Now    func() time.Time
	// Wait returns after d, or earlier with ctx's error.
	Wait func(ctx context.Context, d time.Duration) error
	// Demo admits acts that are marked as examples.
	Demo   bool
	Logger *slog.Logger
	// Observe, if set, is called with the run's progress, from several goroutines.
	Observe func(Event)

	once sync.Once
	book *line.Book
}

// lines are the lines to recipients, which all runs of the engine share.
func (e *Engine) lines() *line.Book {
	e.once.Do(func() { e.book = &line.Book{Lines: e.Lines, Now: e.Now, Logger: e.Logger} })
	return e.book
}

// way is the way to a connection's recipient.
func (e *Engine) way(ctx context.Context, c *Connection) (*line.Way, error) {
	recipient, register := c.Name, e.Register()
	if route := register.Route(c.Route); route != nil {
		recipient = register.Recipient(route.Recipient).BIN
	}
	return e.lines().Way(ctx, recipient)
}

// Event is how far a run has come.
type Event struct {
	Transfer record.ID
	// Read, Logged and Settled count people read, people in messages that are logged, and people in messages that are settled.
	Read, Logged, Settled int
}

// Order is what [Engine.Run] is asked for.
type Order struct {
	Transfer Transfer
	// Request is the written request that an ad-hoc run answers.
	Request *legal.Request
	// Notice, if set, is what the transfer tells an earlier recipient, instead of sending people.
	Notice *telling.Notice
	// Source, if set, is read in the place of the connection's: some people only, so that nothing follows for who is not read.
	Source connectors.Source
	// PublishedText is the digest of the policy's published text, zero if it was not looked up.
	PublishedText record.Digest
}

// Run takes one transfer along the whole road, and closes it with a report. A run that the law does not permit, and one
// that failed, have a report too; the error is for what could not even be recorded. An interrupted transfer goes on where it
// was if Run is called with the same transfer.
func (e *Engine) Run(ctx context.Context, c *Connection, o Order) (*Report, error) {
	r := &run{engine: e, conn: c, order: o, report: &Report{Transfer: o.Transfer}}
	if o.Notice != nil {
		r.report.Notice = string(o.Notice.Act)
	}
	runErr := r.insist(ctx)
	r.report.Finished = e.Now()
	var refusal *legal.Refusal
	switch {
	case errors.As(runErr, &refusal):
		r.report.Status = NotPermitted
	case runErr != nil:
		r.report.Status = Failed
	}
	if runErr != nil {
		r.report.Code, r.report.Message = record.CodeOf(runErr), runErr.Error()
		if r.report.Code == "" {
			r.report.Code = "transfer.failed"
		}
	}
	if ctx.Err() != nil {
		return r.report, ctx.Err() // interrupted: not closed, to be taken up again
	}
	if err := e.Ledger.Finish(ctx, e.Now(), r.report); err != nil {
		return r.report, fmt.Errorf("closing the transfer: %w", err)
	}
	return r.report, nil
}

// run is one transfer under way.
type run struct {
	engine *Engine
	conn   *Connection
	order  Order
	gate   *legal.Gate
	// refusal is why there is no gate.
	refusal *legal.Refusal
	report  *Report
	counts  counter
	way     *line.Way
}

// insist takes the road, and again from what is durable after an error that time may mend, as long as the run's patience lasts.
func (r *run) insist(ctx context.Context) error {
	e := r.engine
	started, pause := e.Now(), firstPause
	for {
		err := r.road(ctx)
		if err == nil || !Mends(err) || ctx.Err() != nil || e.Now().Add(pause).Sub(started) > r.conn.Patience {
			return err
		}
		e.Logger.Warn("the run is taken up again", "connector", r.conn.Name, "transfer", r.report.ID.String(), "error", err)
		if e.Wait(ctx, pause) != nil {
			return err
		}
		pause = min(2*pause, lastPause)
	}
}

// Mends reports whether time may mend an error: that of a database has no code, the store's or the platform's.
func Mends(err error) bool {
	var refusal *legal.Refusal
	code := record.CodeOf(err)
	return !errors.As(err, &refusal) && (code == "" || code == "source.database" || strings.HasPrefix(code, "store."))
}

// road asks the law, brings what waits to its end, and streams the rest. Whenever the register of blocks changes on the way, what was logged and
// is not settled is looked at again before anything else leaves (I5).
func (r *run) road(ctx context.Context) error {
	e := r.engine
	refusal := r.open()
	if _, err := e.Ledger.Begin(ctx, r.report.Transfer); err != nil {
		return fmt.Errorf("beginning the transfer: %w", err)
	}
	if r.way == nil {
		way, err := e.way(ctx, r.conn)
		if err != nil {
			return err
		}
		r.way = way
	}
	for {
		left, err := e.resume(ctx, r.conn, r.way)
		if err != nil {
			return err
		}
		if refusal != nil && (r.order.Notice == nil || r.refusal == nil) { // the law says what stands in a notice, and does not forbid it
			return refusal
		}
		if halt := r.way.Known().Objected(); halt != nil {
			return halt
		}
		progress, err := e.Ledger.Begin(ctx, r.report.Transfer) // what was taken up may have added parts
		if err != nil {
			return fmt.Errorf("taking up the transfer: %w", err)
		}
		r.counts.read.Store(r.counts.logged.Load())
		take := r.stream
		switch {
		case r.order.Notice != nil:
			take = r.tell
		case r.gate.Counts():
			take = r.table
		}
		if err = take(ctx, progress, left); !errors.Is(err, ErrBlocksMoved) {
			return err
		}
	}
}

// open asks the law about the run as a whole.
func (r *run) open() error {
	c, o := r.conn, &r.order
	gate, err := r.engine.Register().Gate(legal.Case{
		Route: c.Route, Now: r.engine.Now(), Demo: r.engine.Demo, Request: o.Request,
		Channel: c.Channel, PublishedText: o.PublishedText,
	})
	if err != nil {
		errors.As(err, &r.refusal)
		return err
	}
	r.gate, r.refusal = gate, nil
	rep := r.report
	rep.Recipient, rep.Route, rep.Connector = gate.Recipient().BIN, c.Route, c.Name
	rep.Basis, rep.Purpose, rep.Fields, rep.Denied = gate.Basis(), gate.Purpose(), gate.Columns(), gate.Denied()
	return nil
}
