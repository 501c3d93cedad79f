// Package service is what the configuration describes, wired: files read, databases opened, connectors made, the engine and the scheduler over them. The
// commands of almasu open as much of it as they need, and "almasu serve" runs it.
//
// # Opening
//
// [Open] reads configuration, keys, register, relations and schemas, and reports the problems of all of them at once, each with its place. Secrets must be private
// to the service (code config.secret_readable). Then databases are opened, and connectors made from the configuration, the register's routes and
// the mappings. Nothing is logged or sent by opening. What is done before recipients have handed over their keys opens without them ([Parts]), and what an administrator
// does on a machine of their own needs the register alone ([OpenRegister]).
//
// # Running
//
// [Service.Runner] is the scheduler over the connectors; [Service.Perform] is what it does with a due row. A run of a connector with limits is planned first,
// and held if its numbers reach one (package planning). Before anything is logged the store is compared
// with the recipients ([Service.Admit]): a store that is behind what they hold logs and sends nothing. [Service.Serve] runs schedules, takes up what waits in the
// outbox or was not closed, answers monitoring and looks for what is wrong, until its context ends. What is under way then is taken up by the next start.
//
// # Errors
//
// Errors carry an exit status ([exit.Status]) where the kind of failure alone does not say it.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/planning"
	"birgeoqy.kz/almasu/internal/app/xmllint"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/leaving"
	"birgeoqy.kz/almasu/internal/store/lines"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/mapping/judging"
	"birgeoqy.kz/almasu/schemas"
)

// Service is everything wired. What was not asked for (see [Parts]) is nil. Close it.
type Service struct {
	// GoneOn, if set, is called with the report of each transfer that RunDue or RunWaiting has gone on with before the one that was asked for.
	GoneOn func(*transfer.Report)

	Env      Env
	File     *config.File
	Register *legal.Register
	// Log makes entries, Store keeps them with all else that is durable.
	Log   *transferlog.Log
	Store *store.Store
	vault *vault.Vault
	// Pseudonym is the key of pseudonyms, 32 bytes.
	Pseudonym []byte
	// Keyset lists the sealing keys, Ring holds their public halves with their periods, Seal is the one in force.
	Keyset *signing.Keyset
	Seal   *signing.Key
	Ring   *signing.Keyring
	// Platform is the platform's database, Relations which of its columns mean what, Source reads people by both.
	Platform  *sqlx.DB
	Relations platform.Config
	Source    *platform.Source
	schemas   *schemas.Set
	// Connections, later versions of their tables, and the keys that their recipients sign receipts with, each by connector.
	Connections map[string]*transfer.Connection
	Later       map[string][]peer.Version
	Receivers   map[string]*signing.Keyring
	Engine      *transfer.Engine
	keeper      *planning.Keeper
	tellers     []notify.Channel
	closers     []func()
}

// Close closes databases and connections.
func (v *Service) Close() {
	for i := len(v.closers) - 1; i >= 0; i-- {
		v.closers[i]()
	}
}

// Parts says how much of a service a command needs.
type Parts struct {
	// Platform opens the platform's database; Store the service's own. Files are always read.
	Platform, Store bool
	// AnySchema lets the store's schema be out of date.
	AnySchema bool
	// Alone leaves out what recipients have handed over: no connector is made, and Receivers is empty. For what is done before they have.
	Alone bool
}

// Env is what a service takes from the program that it runs in.
type Env struct {
	// Config is the path of the configuration file.
	Config string
	// Now is the program's clock. Simulated says that it is not the machine's.
	Now       func() time.Time
	Simulated bool
	// Demo lets example acts be grounds, and times of the store be the clock's.
	Demo   bool
	Logger *slog.Logger
}

// Open reads every file, reporting the problems of all at once, and opens what is asked for. What could not be opened is an error with an exit status.
func Open(ctx context.Context, e Env, need Parts) (*Service, error) {
	v, err := read(e)
	if err != nil {
		return nil, err
	}
	file := v.File
	var problems record.Problems
	v.readKeys(&problems)
	v.readRegister(&problems)
	v.readRelations(&problems)
	v.readSchemas(&problems)
	if err := problems.Err(); err != nil {
		return nil, exit.BadInput(err)
	}
	if err := v.openDatabases(ctx, need); err != nil {
		v.Close()
		return nil, err
	}
	for i := range file.Connectors {
		v.connect(&file.Connectors[i], need.Alone, &problems)
	}
	v.tellers = v.channels(&problems)
	v.keeper = v.newKeeper(&problems)
	if err := problems.Err(); err != nil {
		v.Close()
		return nil, exit.BadInput(err)
	}
	for _, ring := range v.Receivers {
		for _, other := range v.Receivers {
			ring.Beside(other)
		}
	}
	v.Engine = v.newEngine()
	return v, nil
}

// OpenRegister reads the configuration and the register, and nothing else: no key, no secret, no database.
func OpenRegister(e Env) (*Service, error) {
	v, err := read(e)
	if err != nil {
		return nil, err
	}
	var problems record.Problems
	v.readRegister(&problems)
	if err := problems.Err(); err != nil {
		return nil, exit.BadInput(err)
	}
	return v, nil
}

// read reads the configuration.
func read(e Env) (*Service, error) {
	text, err := os.ReadFile(e.Config)
	if err != nil {
		return nil, exit.Environment(record.NewProblem("config.unreadable", e.Config, "name the configuration with -c, or go to its folder", "the configuration cannot be read: %v", record.WithoutPath(err)))
	}
	file, err := config.Parse(e.Config, text)
	if err != nil {
		return nil, exit.BadInput(err)
	}
	return &Service{Env: e, File: file, Connections: map[string]*transfer.Connection{}, Later: map[string][]peer.Version{}, Receivers: map[string]*signing.Keyring{}}, nil
}

func (v *Service) openDatabases(ctx context.Context, need Parts) error {
	var problems record.Problems
	if need.Platform {
		path := v.File.Path(v.File.Platform.DSNFile)
		dsn := strings.TrimSpace(string(ReadSecret(path, &problems, "config.dsn_missing")))
		if len(problems) > 0 {
			return exit.BadInput(problems)
		}
		if v.Relations.Dialect == platform.SQLite && !filepath.IsAbs(dsn) {
			dsn = v.File.Path(dsn)
		}
		db, err := openPlatform(ctx, v.Relations.Dialect, dsn)
		if err != nil {
			return exit.Environment(err)
		}
		v.Platform, v.closers = db, append(v.closers, func() { db.Close() })
		if v.Source, err = platform.New(v.Relations, db); err != nil {
			return exit.BadInput(err)
		}
	}
	if !need.Store {
		return nil
	}
	dsn := v.File.Path(v.File.Store.Path)
	if v.File.Store.Kind == string(store.Postgres) {
		dsn = strings.TrimSpace(string(ReadSecret(v.File.Path(v.File.Store.DSNFile), &problems, "config.dsn_missing")))
		if len(problems) > 0 {
			return exit.BadInput(problems)
		}
	}
	var err error
	if v.Store, err = store.Open(store.Kind(v.File.Store.Kind), dsn, v.Log); err != nil {
		return exit.Environment(err)
	}
	v.closers = append(v.closers, func() { v.Store.Close() })
	v.Store.Protect(v.vault)
	if v.Env.Simulated || v.Env.Demo {
		v.Store.SimulateTime()
	}
	if need.AnySchema {
		return nil
	}
	if err := v.Store.Check(ctx); err != nil {
		return exit.Environment(err)
	}
	if err := v.Store.InsistKey(ctx, "pseudonym", v.Pseudonym); record.CodeOf(err) == "store.other_key" {
		return exit.BadInput(err)
	} else if err != nil {
		return exit.Environment(err)
	}
	return nil
}

// connect wires one connector, without its recipient if it is alone.
func (v *Service) connect(c *config.Connector, alone bool, ps *record.Problems) {
	conn := &transfer.Connection{
		Name: c.Name, Route: c.Route, Channel: peer.Channel(c), Sender: v.Register.Operator.BIN, Key: v.Seal, Ring: v.Ring,
		Batch: c.Batch, Senders: c.Senders, Compare: c.Compare != config.CompareNone, Patience: c.Patience.Or(2 * time.Minute), Deadline: c.Deadline.Or(72 * time.Hour),
	}
	if v.Source != nil {
		conn.Source = v.Source
	}
	if c.Compare == config.CompareCandidates {
		conn.FullEvery = c.FullEvery.Or(config.MaxFullEvery)
		if v.Relations.Profiles.Relation != "" && !v.Relations.Horizons() {
			ps.Add("config.no_horizon", c.Where.Key("compare"), "name the columns (changed: ...) in the relations of the platform, or compare: full",
				"connector %s compares candidates, and the platform has no columns of changes", c.Name)
		}
	}
	if conn.Batch == 0 {
		conn.Batch = 2000
	}
	if conn.Senders == 0 {
		conn.Senders = 4
	}
	route := v.Register.Route(c.Route)
	if route == nil {
		ps.Add("config.unknown_route", c.Where.Key("route"), "routes stand in the register's folder routes/", "the register has no route %q", c.Route)
		return
	}
	if route.Connector != c.Name {
		ps.Add("config.route_connector", c.Where.Key("name"), "a connector is one name in the register and here", "route %s names the connector %q, not %q", c.Route, route.Connector, c.Name)
	}
	if c.Hold != nil && route.Aggregate != nil {
		ps.Add("config.hold_counts", c.Hold.Where.String(), "leave hold out", "route %s sends counts of people, which have no limits", c.Route)
	}
	conn.Table, conn.Schema = v.readMapping(c, c.Mapping, ps)
	for _, l := range c.Later {
		from, err := time.ParseInLocation(time.DateOnly, l.From, register.Zone)
		version := peer.Version{From: from}
		version.Table, version.Schema = v.readMapping(c, l.Mapping, ps)
		if before := peer.At(conn, v.Later[c.Name], from.Add(-1)).Table; err == nil && version.Table != nil && before != nil && version.Table.Version() <= before.Version() {
			ps.Add("config.later", l.Where.Key("mapping"), "raise the table's version", "the table has not a greater version than the one before it")
		}
		v.Later[c.Name] = append(v.Later[c.Name], version)
	}
	if c.Validator != "" {
		conn.Judge = v.judge
	}
	v.Connections[c.Name] = conn
	if alone {
		return
	}
	recipient := v.Register.Recipient(route.Recipient)
	ring := peer.Ring(c, recipient.BIN, v, ps)
	v.Receivers[c.Name] = ring
	if v.Store != nil {
		connector, shut := peer.Connect(c, recipient.BIN, ring, v, peer.Service{
			Key: v.Seal, LogKey: v.Log.PublicKey(), Prover: prover{v.Store, v.Log.PublicKey()}, Now: v.Env.Now, Pause: Wait,
		}, ps)
		if connector == nil {
			return
		}
		conn.Connector = connector
		v.closers = append(v.closers, shut)
	}
}

// readMapping loads a table of a connector and the schema that it names.
func (v *Service) readMapping(c *config.Connector, name string, ps *record.Problems) (*mapping.Table, *schemas.Schema) {
	path := v.File.Path(name)
	b := ReadFile(path, ps, "config.mapping_missing")
	if b == nil {
		return nil, nil
	}
	table, err := mapping.Load(path, b, v.Register.Permitted(c.Route))
	if err != nil {
		ps.Merge(err, "mapping.unreadable", path)
		return nil, nil
	}
	if table.Name() != c.Name {
		ps.Add("config.mapping_connector", path, "a connector is one name: its mapping's, too", "the mapping is of the connector %q, not of %q", table.Name(), c.Name)
	}
	ref := table.Schema()
	entry, ok := v.schemas.Find(ref.Digest)
	if !ok {
		ps.Add("config.schema_missing", path, "put the schema into the schemas' folder", "no schema has the digest that the mapping pins (%s version %d)", ref.Name, ref.Version)
		return table, nil
	}
	var judge judging.Judge
	if c.Validator != "" {
		judge = v.judge
		ps.Merge(peer.Validator(context.Background(), c, entry.Schema, v.schemaFile(entry)), "xmllint.failed", c.Where.Key("validator"))
	}
	if _, err := table.Checker(context.Background(), entry.Schema, judge); err != nil {
		ps.Merge(err, "mapping.other_form", path)
	}
	return table, entry.Schema
}

// judge has xmllint judge a document by a schema of the set.
func (v *Service) judge(ctx context.Context, s *schemas.Schema, doc []byte) ([]int, error) {
	program, err := xmllint.Find()
	if err != nil {
		return nil, err
	}
	entry, ok := v.schemas.Find(s.Digest())
	if !ok {
		return nil, record.NewProblem("config.schema_missing", "", "", "the schema is not in the schemas' folder")
	}
	return program.JudgeBy(ctx, s, v.schemaFile(entry), doc)
}

func (v *Service) schemaFile(e schemas.Entry) string {
	return filepath.Join(v.File.Path(v.File.Schemas), e.File)
}

// newEngine wires the engine.
func (v *Service) newEngine() *transfer.Engine {
	e := &transfer.Engine{
		Ledger: v.Store, Blocks: v.Store, Lines: lines.Book{Store: v.Store}, Vault: v.vault, Now: v.Env.Now, Wait: Wait, Demo: v.Env.Demo, Logger: v.Env.Logger,
		Register: func() *legal.Register { return v.Register },
		Roster:   v.Roster,
		Request:  v.Request,
		Notice:   v.notice,
		Secret:   v.Pseudonym,
	}
	if v.Store != nil {
		e.Held, e.Marks = leaving.New(v.Store, v.Roster), marks.Rows{DB: v.Store.DB()}
	}
	return e
}

// notice is what a transfer tells an earlier recipient, nil for an ordinary transfer.
func (v *Service) notice(ctx context.Context, id record.ID) (*telling.Notice, error) {
	n, err := notices.Of(ctx, v.Store, id)
	if n == nil || err != nil {
		return nil, err
	}
	return &n.Notice, nil
}

// Roster is the roster of the present period; what is looked up in it is looked up in those of former periods too.
func (v *Service) Roster() (*roster.Roster, error) {
	return people.Open(context.Background(), v.Store.People(), v.Store.Periods(), v.vault, v.Env.Now(), v.Pseudonym)
}

// Published is the digest of the policy text as it is published now, zero if no file is configured.
func (v *Service) Published() (record.Digest, error) {
	if v.File.PolicyText == "" {
		return record.Digest{}, nil
	}
	path := v.File.Path(v.File.PolicyText)
	b, err := os.ReadFile(path)
	if err != nil {
		return record.Digest{}, exit.Environment(fmt.Errorf("reading the published policy: %w", err))
	}
	return register.TextDigest(string(b)), nil
}

// NoteRegister logs a change of the register since the service last looked (I9). Another process may do so at the same moment: then it looks again.
func (v *Service) NoteRegister(ctx context.Context, actor string) error {
	for {
		last, err := v.Store.RegisterDigest(ctx)
		if err != nil || last == v.Register.Digest() {
			return err
		}
		err = v.Store.SetRegister(ctx, v.Env.Now(), &transferlog.RegisterChange{Old: last, New: v.Register.Digest(), Actors: []string{actor}})
		if !errors.Is(err, store.ErrRegisterMoved) {
			return err
		}
	}
}

// openPlatform opens the platform's database for reading.
func openPlatform(ctx context.Context, dialect, dsn string) (*sqlx.DB, error) {
	driver := "postgres"
	if dialect == platform.SQLite {
		if _, err := os.Stat(dsn); err != nil { // SQLite would make an empty database
			return nil, platform.Failed("opening the platform's database", err)
		}
		driver, dsn = "sqlite", record.FileURI(dsn)+"?mode=ro&_pragma=busy_timeout(10000)"
	}
	db, err := platform.Connect(driver, dsn)
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, platform.Failed("opening the platform's database", err)
	}
	return db, nil
}

// PermittedFields are the fields that a connector's route may name.
func (v *Service) PermittedFields(c *transfer.Connection) []string {
	permitted := v.Register.Permitted(c.Route)
	var out []string
	for _, f := range v.Register.Fields {
		if _, ok := permitted(f.ID); ok {
			out = append(out, f.ID)
		}
	}
	return out
}

// Recipient is the BIN of a connection's recipient.
func (v *Service) Recipient(c *transfer.Connection) string {
	return v.Register.Recipient(v.Register.Route(c.Route).Recipient).BIN
}

// Unknown is the error about a connector that is not configured.
func (v *Service) Unknown(name string) error {
	return exit.BadInput(record.NewProblem("usage.unknown_connector", "", fmt.Sprintf("configured are: %v", v.File.Names()), "there is no connector %q", name))
}
