package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors/platform"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/xmllint"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/lines"
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

// service is everything wired. Close it.
type service struct {
	session     *session
	file        *config.File
	register    *legal.Register
	log         *transferlog.Log
	store       *store.Store
	vault       *vault.Vault
	pseudonym   []byte
	keyset      *signing.Keyset
	seal        *signing.Key
	ring        *signing.Keyring
	platform    *sqlx.DB
	relations   platform.Config
	source      *platform.Source
	schemas     *schemas.Set
	connections map[string]*transfer.Connection
	later       map[string][]peer.Version   // by connector
	receivers   map[string]*signing.Keyring // by connector
	engine      *transfer.Engine
	tellers     []notify.Channel
	closers     []func()
}

// Close closes databases and connections.
func (v *service) Close() {
	for i := len(v.closers) - 1; i >= 0; i-- {
		v.closers[i]()
	}
}

// parts says how much of a service a command needs.
type parts struct {
	// platform opens the platform's database; store the service's own. Files are always read.
	platform, store bool
	// anySchema lets the store's schema be out of date.
	anySchema bool
}

// open reads every file, reporting the problems of all at once, and opens what is asked for.
func (s *session) open(ctx context.Context, need parts) (*service, error) {
	text, err := os.ReadFile(s.config)
	if err != nil {
		return nil, environment(fmt.Errorf("reading the configuration: %w", err))
	}
	file, err := config.Parse(s.config, text)
	if err != nil {
		return nil, badInput(err)
	}
	v := &service{session: s, file: file, connections: map[string]*transfer.Connection{}, later: map[string][]peer.Version{}, receivers: map[string]*signing.Keyring{}}
	var problems record.Problems
	v.readKeys(&problems)
	v.readRegister(&problems)
	v.readRelations(&problems)
	v.readSchemas(&problems)
	if err := problems.Err(); err != nil {
		return nil, badInput(err)
	}
	if err := v.openDatabases(ctx, need); err != nil {
		v.Close()
		return nil, err
	}
	for i := range file.Connectors {
		v.connect(&file.Connectors[i], &problems)
	}
	v.tellers = v.channels(&problems)
	if err := problems.Err(); err != nil {
		v.Close()
		return nil, badInput(err)
	}
	for _, ring := range v.receivers {
		for _, other := range v.receivers {
			ring.Beside(other)
		}
	}
	v.engine = v.newEngine()
	return v, nil
}

// readSecret reads a file that is private to the service.
func readSecret(path string, ps *record.Problems, code string) []byte {
	info, err := os.Stat(path)
	if err == nil && !private(info) {
		ps.Add("config.secret_readable", path, "run: chmod 600 "+path, "others than its owner may read this secret (mode %#o)", info.Mode().Perm())
		return nil
	}
	return readFile(path, ps, code)
}

func readFile(path string, ps *record.Problems, code string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		hint := "check the path in the configuration"
		if errors.Is(err, os.ErrPermission) {
			hint = "let the service's user read it"
		}
		ps.Add(code, path, hint, "the file cannot be read: %v", cause(err))
		return nil
	}
	return b
}

// cause is a path error without the path, which stands beside it.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (v *service) readKeys(ps *record.Problems) {
	k := &v.file.Keys
	at := v.file.Path
	if b := readSecret(at(k.Log), ps, "config.key_missing"); b != nil {
		var err error
		v.log, err = transferlog.New(string(b))
		ps.Merge(err, "config.key", at(k.Log))
	}
	if b := readSecret(at(k.Vault), ps, "config.key_missing"); b != nil {
		var err error
		v.vault, err = vault.Parse(b)
		ps.Merge(located(err, at(k.Vault)), "config.key", at(k.Vault))
	}
	if b := readSecret(at(k.Pseudonym), ps, "config.key_missing"); b != nil {
		raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
		if err != nil || len(raw) != 32 {
			ps.Add("config.key", at(k.Pseudonym), "make one with: almasu keys generate", "expected 64 hexadecimal digits")
		}
		v.pseudonym = raw
	}
	v.readKeyset(at(k.Seal), ps)
}

// located puts a file's name before the places of its problems.
func located(err error, path string) error {
	var ps record.Problems
	if !errors.As(err, &ps) {
		return err
	}
	for _, p := range ps {
		p.Where = strings.TrimSuffix(path+": "+p.Where, ": ")
	}
	return ps
}

// within makes the places of problems, which begin with a file's name in a folder, begin with the folder.
func within(err error, dir string) error {
	var ps record.Problems
	if !errors.As(err, &ps) {
		return err
	}
	for _, p := range ps {
		p.Where = filepath.Join(dir, p.Where)
	}
	return ps
}

func (v *service) readRegister(ps *record.Problems) {
	dir := v.file.Path(v.file.Register)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		ps.Add("config.register_missing", dir, "check the path in the configuration", "the register's folder cannot be read")
		return
	}
	var err error
	v.register, err = legal.Load(os.DirFS(dir))
	ps.Merge(within(err, dir), "register.unreadable", dir)
}

func (v *service) readRelations(ps *record.Problems) {
	path := v.file.Path(v.file.Platform.Relations)
	if b := readFile(path, ps, "config.relations_missing"); b != nil {
		var err error
		v.relations, err = platform.LoadConfig(path, b)
		ps.Merge(err, "source.config", path)
	}
}

func (v *service) readSchemas(ps *record.Problems) {
	dir := v.file.Path(v.file.Schemas)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		ps.Add("config.schemas_missing", dir, "check the path in the configuration", "the schemas' folder cannot be read")
		return
	}
	var err error
	v.schemas, err = schemas.LoadSet(os.DirFS(dir), peer.Foreign(v.file)...)
	ps.Merge(within(err, dir), "schema.unreadable", dir)
}

func (v *service) openDatabases(ctx context.Context, need parts) error {
	var problems record.Problems
	if need.platform {
		path := v.file.Path(v.file.Platform.DSNFile)
		dsn := strings.TrimSpace(string(readSecret(path, &problems, "config.dsn_missing")))
		if len(problems) > 0 {
			return badInput(problems)
		}
		if v.relations.Dialect == platform.SQLite && !filepath.IsAbs(dsn) {
			dsn = v.file.Path(dsn)
		}
		db, err := openPlatform(ctx, v.relations.Dialect, dsn)
		if err != nil {
			return environment(err)
		}
		v.platform, v.closers = db, append(v.closers, func() { db.Close() })
		if v.source, err = platform.New(v.relations, db); err != nil {
			return badInput(err)
		}
	}
	if !need.store {
		return nil
	}
	dsn := v.file.Path(v.file.Store.Path)
	if v.file.Store.Kind == string(store.Postgres) {
		dsn = strings.TrimSpace(string(readSecret(v.file.Path(v.file.Store.DSNFile), &problems, "config.dsn_missing")))
		if len(problems) > 0 {
			return badInput(problems)
		}
	}
	var err error
	if v.store, err = store.Open(store.Kind(v.file.Store.Kind), dsn, v.log); err != nil {
		return environment(err)
	}
	v.closers = append(v.closers, func() { v.store.Close() })
	v.store.Protect(v.vault)
	if v.session.clock != "" || v.session.demo {
		v.store.SimulateTime()
	}
	if need.anySchema {
		return nil
	}
	if err := v.store.Check(ctx); err != nil {
		return environment(err)
	}
	return nil
}

// connect wires one connector.
func (v *service) connect(c *config.Connector, ps *record.Problems) {
	conn := &transfer.Connection{
		Name: c.Name, Route: c.Route, Channel: peer.Channel(c), Sender: v.register.Operator.BIN, Key: v.seal, Ring: v.ring,
		Batch: c.Batch, Senders: c.Senders, Patience: c.Patience.Or(2 * time.Minute), Deadline: c.Deadline.Or(72 * time.Hour),
	}
	if v.source != nil {
		conn.Source = v.source
	}
	if conn.Batch == 0 {
		conn.Batch = 2000
	}
	if conn.Senders == 0 {
		conn.Senders = 3
	}
	route := v.register.Route(c.Route)
	if route == nil {
		ps.Add("config.unknown_route", c.Where.Key("route"), "routes stand in the register's folder routes/", "the register has no route %q", c.Route)
		return
	}
	if route.Connector != c.Name {
		ps.Add("config.route_connector", c.Where.Key("name"), "a connector is one name in the register and here", "route %s names the connector %q, not %q", c.Route, route.Connector, c.Name)
	}
	conn.Table, conn.Schema = v.readMapping(c, c.Mapping, ps)
	for _, l := range c.Later {
		from, err := time.ParseInLocation(time.DateOnly, l.From, register.Zone)
		version := peer.Version{From: from}
		version.Table, version.Schema = v.readMapping(c, l.Mapping, ps)
		if before := peer.At(conn, v.later[c.Name], from.Add(-1)).Table; err == nil && version.Table != nil && before != nil && version.Table.Version() <= before.Version() {
			ps.Add("config.later", l.Where.Key("mapping"), "raise the table's version", "the table has not a greater version than the one before it")
		}
		v.later[c.Name] = append(v.later[c.Name], version)
	}
	if c.Validator != "" {
		conn.Judge = v.judge
	}
	recipient := v.register.Recipient(route.Recipient)
	ring := peer.Ring(c, recipient.BIN, v, ps)
	v.receivers[c.Name] = ring
	if v.store != nil {
		connector, shut := peer.Connect(c, recipient.BIN, ring, v, peer.Service{
			Key: v.seal, LogKey: v.log.PublicKey(), Prover: prover{v.store, v.log.PublicKey()}, Now: v.session.now, Pause: wait,
		}, ps)
		if connector == nil {
			return
		}
		conn.Connector = connector
		v.closers = append(v.closers, shut)
	}
	v.connections[c.Name] = conn
}

// Read implements [peer.Files].
func (v *service) Read(path string, ps *record.Problems, code string) []byte {
	return readFile(v.file.Path(path), ps, code)
}

// Secret implements [peer.Files].
func (v *service) Secret(path string, ps *record.Problems, code string) []byte {
	return readSecret(v.file.Path(path), ps, code)
}

// Path implements [peer.Files].
func (v *service) Path(path string) string { return v.file.Path(path) }

// readMapping loads a table of a connector and the schema that it names.
func (v *service) readMapping(c *config.Connector, name string, ps *record.Problems) (*mapping.Table, *schemas.Schema) {
	path := v.file.Path(name)
	b := readFile(path, ps, "config.mapping_missing")
	if b == nil {
		return nil, nil
	}
	table, err := mapping.Load(path, b, v.register.Permitted(c.Route))
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
func (v *service) judge(ctx context.Context, s *schemas.Schema, doc []byte) ([]int, error) {
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

func (v *service) schemaFile(e schemas.Entry) string {
	return filepath.Join(v.file.Path(v.file.Schemas), e.File)
}

// newEngine wires the engine.
func (v *service) newEngine() *transfer.Engine {
	return &transfer.Engine{
		Ledger: v.store, Blocks: v.store, Lines: lines.Book{Store: v.store}, Vault: v.vault, Now: v.session.now, Wait: wait, Demo: v.session.demo, Logger: v.session.logger(),
		Register: func() *legal.Register { return v.register },
		Roster:   v.roster,
		Request:  v.request,
		Notice:   v.notice,
	}
}

// notice is what a transfer tells an earlier recipient, nil for an ordinary transfer.
func (v *service) notice(ctx context.Context, id record.ID) (*telling.Notice, error) {
	n, err := notices.Of(ctx, v.store, id)
	if n == nil || err != nil {
		return nil, err
	}
	return &n.Notice, nil
}

// roster is the roster of the present period; what is looked up in it is looked up in those of former periods too.
func (v *service) roster() (*roster.Roster, error) {
	return people.Open(context.Background(), v.store.People(), v.store.Periods(), v.vault, v.session.now(), v.pseudonym)
}

// published is the digest of the policy text as it is published now, zero if no file is configured.
func (v *service) published() (record.Digest, error) {
	if v.file.PolicyText == "" {
		return record.Digest{}, nil
	}
	path := v.file.Path(v.file.PolicyText)
	b, err := os.ReadFile(path)
	if err != nil {
		return record.Digest{}, environment(fmt.Errorf("reading the published policy: %w", err))
	}
	return register.TextDigest(string(b)), nil
}

// noteRegister logs a change of the register since the service last looked (I9).
func (v *service) noteRegister(ctx context.Context, actor string) error {
	last, err := v.store.RegisterDigest(ctx)
	if err != nil || last == v.register.Digest() {
		return err
	}
	return v.store.SetRegister(ctx, v.session.now(), &transferlog.RegisterChange{Old: last, New: v.register.Digest(), Actors: []string{actor}})
}

// prover proves consistency from the store.
type prover struct {
	store *store.Store
	key   *transferlog.PublicKey
}

func randomHex(n int) (string, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return hex.EncodeToString(b), nil
}
