// Package config is the service's configuration: one YAML file, strictly decoded, that names every
// other file. It opens nothing but what its functions are given, and decides nothing.
//
// Unknown, repeated and missing keys, trailing documents and impossible values are problems,
// all reported at once with file, line and column. Secrets stand in files of their own and are named by
// path only. Relative paths are relative to the folder of the configuration file.
package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/record"
)

// Duration is a length of time such as "30s" or "24h".
type Duration time.Duration

// UnmarshalText reads the form of [time.ParseDuration]; it must be positive.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf(`expected a positive duration such as "30s", "5m" or "24h"`)
	}
	*d = Duration(v)
	return nil
}

// Or returns the duration, or another if it is absent.
func (d Duration) Or(other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return time.Duration(d)
}

// File is the service's configuration, almasu.yaml.
type File struct {
	// Register is the folder of the register: law, recipients, routes, approvals.
	Register string `yaml:"register"`
	// PolicyText is a file with the policy as it is published now; if it is named and differs from the register's digest, consent
	// routes pause (policy 9.4). Optional.
	PolicyText string `yaml:"policy_text,optional"`
	// Platform says how to read the platform's database.
	Platform Platform `yaml:"platform"`
	// Store is the service's own database.
	Store Store `yaml:"store"`
	// Keys are the service's keys.
	Keys Keys `yaml:"keys"`
	// Schemas is the folder of the recipients' schemas.
	Schemas string `yaml:"schemas"`
	// Calendars is a file with calendars for schedules: school year, holidays, quiet hours. Optional.
	Calendars string `yaml:"calendars,optional"`
	// Connectors are the systems to send to, a name each.
	Connectors []Connector `yaml:"connectors"`
	// Retention says how long what is kept; optional.
	Retention Retention `yaml:"retention,optional"`
	// Serve is how the service runs; optional.
	Serve Serve `yaml:"serve,optional"`
	// Notify says whom the service tells when something goes wrong, ends soon, or is well again; optional.
	Notify Notify `yaml:"notify,optional"`

	Where strict.Where `yaml:"-"`
	dir   string
}

// Platform says how to read the platform's database.
type Platform struct {
	// DSNFile is a file with the connection: for PostgreSQL a connection string, for SQLite the database's path.
	DSNFile string `yaml:"dsn_file"`
	// Relations is the file that names relations and columns.
	Relations string `yaml:"relations"`
}

// Store is the service's own database.
type Store struct {
	// Kind is "postgres" or "sqlite". SQLite is for trying out, and for one process.
	Kind string `yaml:"kind"`
	// DSNFile is a file with the connection string (postgres).
	DSNFile string `yaml:"dsn_file,optional"`
	// Path is the database file (sqlite).
	Path  string       `yaml:"path,optional"`
	Where strict.Where `yaml:"-"`
}

// Keys are files; make them with "almasu keys generate".
type Keys struct {
	// Log signs checkpoints.
	Log string `yaml:"log"`
	// Seal is a keyset: the key that seals envelopes and requests now, and former ones.
	Seal string `yaml:"seal"`
	// Vault seals what waits in the outbox and the roster.
	Vault string `yaml:"vault"`
	// Pseudonym makes pseudonyms of IINs. Whoever has it and the log can look a person up: keep it apart.
	Pseudonym string `yaml:"pseudonym"`
}

// Retention says for how many years after the end of its period what names people is kept: three at least, for records of transfers are kept so long
// (order 832, point 38). "almasu retention" destroys what is older, but for people who are blocked or under a hold.
type Retention struct {
	// Disclosures: who was in which message; default 5.
	Disclosures int `yaml:"disclosures,optional"`
	// Refusals: who was refused, and why; default 3.
	Refusals int `yaml:"refusals,optional"`
	// Pseudonyms: whose ordinal is whose; default 5, and not less than the others, which say nothing without it.
	Pseudonyms int          `yaml:"pseudonyms,optional"`
	Where      strict.Where `yaml:"-"`
}

// Least is the shortest retention in years.
const Least = 3

// Years returns the periods, with defaults.
func (r Retention) Years() (disclosures, refusals, pseudonyms int) {
	or := func(n, usual int) int {
		if n == 0 {
			return usual
		}
		return n
	}
	disclosures, refusals = or(r.Disclosures, 5), or(r.Refusals, 3)
	return disclosures, refusals, or(r.Pseudonyms, max(5, disclosures, refusals))
}

func (r Retention) check(ps *record.Problems) {
	d, f, p := r.Years()
	for key, years := range map[string]int{"disclosures": d, "refusals": f, "pseudonyms": p} {
		if years < Least || years > 100 {
			ps.Add("config.retention", r.Where.Key(key), "records of transfers are kept for three years at least (order 832, point 38)", "%s are kept for 3 to 100 years, not %d", key, years)
		}
	}
	if p < max(d, f) {
		ps.Add("config.retention", r.Where.Key("pseudonyms"), "leave pseudonyms out, or raise it", "without pseudonyms nobody is found in disclosures and refusals: they are kept for %d years, pseudonyms for %d", max(d, f), p)
	}
}

// Serve is how the service runs.
type Serve struct {
	// Parallel is how many transfers run at once; default 2.
	Parallel int `yaml:"parallel,optional"`
	// Poll is how often the service looks for what is due; default 5s.
	Poll Duration `yaml:"poll,optional"`
	// Lease is how long a run stays with a process that shows no life; default 1m.
	Lease Duration `yaml:"lease,optional"`
	// Metrics is the address, host:port, on which /metrics, /healthz and /readyz are answered over plain HTTP; without it nothing is. Best a loopback address:
	// no password guards them, and they hold no value of a person.
	Metrics string `yaml:"metrics,optional"`
}

// Connector is one system to send to. Its name is its route's connector, its mapping's name and its test cases' folder.
type Connector struct {
	Name string `yaml:"name"`
	// Route is the route of the register that it serves.
	Route string `yaml:"route"`
	// Mapping is the table that writes its documents, until the first of Later begins.
	Mapping string `yaml:"mapping"`
	// Later are the tables that take its place, each from a day on, ascending; optional.
	Later []Later `yaml:"later,optional"`
	// Validator, if it is "xmllint", lets that program judge each document of XML before it is sealed, beside our own validator, and by a schema that uses what ours
	// refuses, in its place.
	Validator string `yaml:"validator,optional"`
	// Schedule says when it is due; without one it runs on request only.
	Schedule *Schedule `yaml:"schedule,optional"`
	// Batch is how many people make one message; default 2000. Small ones cost speed, large ones memory on both sides.
	Batch int `yaml:"batch,optional"`
	// Compare is "full" to send only people of whom the recipient does not hold just what would be sent, and to tell it who is not sent any more; or "none" to send everybody
	// at each run; or "candidates" to compare, between full comparisons, only people of whom the platform has changed something, by its columns of changes. Default full.
	// Runs that answer a request, and statistics, do not compare. A connector with limits (hold) is planned before each run, which reads everybody.
	Compare string `yaml:"compare,optional"`
	// FullEvery is, with candidates, the longest time from one full comparison to the next, at most and by default 24h. The first run of a day in the register's zone is full in any case.
	FullEvery Duration `yaml:"full_every,optional"`
	// Senders is how many messages are delivered at once; default 4.
	Senders int `yaml:"senders,optional"`
	// Patience is how long a run tries a message before leaving it waiting; default 2m. Deadline is when a waiting message is abandoned, counted from
	// its intent; default 72h.
	Patience Duration `yaml:"patience,optional"`
	Deadline Duration `yaml:"deadline,optional"`
	// Hold says which numbers stop a run until a person has decided; optional: nothing is held.
	Hold *Hold `yaml:"hold,optional"`
	// REST is the recipient's receiver over signed HTTPS, Parcel its folder for signed files: one of the two.
	REST   *REST        `yaml:"rest,optional"`
	Parcel *Parcel      `yaml:"parcel,optional"`
	Where  strict.Where `yaml:"-"`
}

// The ways to compare.
const (
	CompareFull       = "full"
	CompareNone       = "none"
	CompareCandidates = "candidates"
)

// MaxFullEvery bounds the time between full comparisons: with time consents and agreements end and people come of age.
const MaxFullEvery = 24 * time.Hour

// Xmllint is the one other validator.
const Xmllint = "xmllint"

// Later is a version of a connector's table that begins on a day. What was logged before keeps its bytes.
type Later struct {
	// From is the day, YYYY-MM-DD, on which runs begin to use it, in the register's zone (+05:00).
	From string `yaml:"from"`
	// Mapping is the table.
	Mapping string       `yaml:"mapping"`
	Where   strict.Where `yaml:"-"`
}

// Mappings are the files of the connector's tables, in the order in which they are in force.
func (c *Connector) Mappings() []string {
	out := []string{c.Mapping}
	for _, l := range c.Later {
		out = append(out, l.Mapping)
	}
	return out
}

// Schedule says when a connector is due.
type Schedule struct {
	// Cron has five fields or is a descriptor; Zone is an IANA zone.
	Cron string `yaml:"cron"`
	Zone string `yaml:"zone"`
	// CatchUp is "none", "latest" or "all": what to do about due times that passed while no service ran. Default latest.
	CatchUp string `yaml:"catch_up,optional"`
	// Window is how old such a due time may be; default 24h. Most is how many run under "all"; default 10.
	Window Duration `yaml:"window,optional"`
	Most   int      `yaml:"most,optional"`
	// Overlap is what becomes of a due time that comes while a run of the connector is under way: "queue" lets one wait, "skip" misses it, "cancel" ends the
	// scheduled run that is under way in its favour. Default queue.
	Overlap string `yaml:"overlap,optional"`
	// Calendar names a calendar of the file calendars; Closed says what becomes of a due time that it closes: "skip" (missed) or "defer" (it
	// begins when that ends). Default skip.
	Calendar string `yaml:"calendar,optional"`
	Closed   string `yaml:"closed,optional"`
	// Jitter is the most by which starts are spread; default none. The due time stays what the schedule says.
	Jitter Duration     `yaml:"jitter,optional"`
	Where  strict.Where `yaml:"-"`
}

// REST is a recipient's receiver over signed HTTPS.
type REST struct {
	// URL is https://host[:port][/path].
	URL string `yaml:"url"`
	// ReceiptKeys are the recipient's public keys, PEM files whose fingerprints you compared.
	ReceiptKeys []string `yaml:"receipt_keys"`
	// CA is a PEM file of the authority that vouches for the server; without it and pins, the system's are used.
	CA string `yaml:"ca,optional"`
	// Pins are fingerprints of the server's public key, "sha256:..." .
	Pins []string `yaml:"pins,optional"`
	// ClientCertificate and ClientKey authenticate us where the recipient asks for it.
	ClientCertificate string `yaml:"client_certificate,optional"`
	ClientKey         string `yaml:"client_key,optional"`
	// InsecureLoopback permits plain HTTP to a loopback address. Danger: for demonstrations only.
	InsecureLoopback bool         `yaml:"insecure_loopback,optional"`
	Where            strict.Where `yaml:"-"`
}

// Parcel is a recipient's folder for signed files, on this machine or on an SFTP server. It has the folders in and out.
type Parcel struct {
	// Folder is a folder of this machine.
	Folder string `yaml:"folder,optional"`
	// SFTP is a folder on a server.
	SFTP *SFTP `yaml:"sftp,optional"`
	// ReceiptKeys are the recipient's public keys, PEM files whose fingerprints you compared.
	ReceiptKeys []string `yaml:"receipt_keys"`
	// EncryptTo are public keys of age ("age1...") to which documents are encrypted; without any they are in clear.
	EncryptTo []string `yaml:"encrypt_to,optional"`
	// Wait is how long an attempt looks for the receipt; default 20s. What comes later, a later run picks up.
	Wait  Duration     `yaml:"wait,optional"`
	Where strict.Where `yaml:"-"`
}

// SFTP is a folder on an SFTP server.
type SFTP struct {
	// Address is host:port, User the account, Path the folder that has in and out.
	Address string `yaml:"address"`
	User    string `yaml:"user"`
	Path    string `yaml:"path"`
	// Key is a file (mode 0600) with our private key, as ssh-keygen makes it, without a passphrase.
	Key string `yaml:"key"`
	// HostKeys is a file with the server's public keys, a line each, which you compared by another way.
	HostKeys string       `yaml:"host_keys"`
	Where    strict.Where `yaml:"-"`
}

// Parse reads a configuration file; name is its path.
func Parse(name string, text []byte) (*File, error) {
	f := &File{dir: filepath.Dir(name)}
	problems := strict.Decode(name, text, f)
	if len(problems) == 0 {
		f.check(&problems)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// Path resolves a path of the file.
func (f *File) Path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(f.dir, p)
}

// Find returns a connector by name.
func (f *File) Find(name string) (*Connector, bool) {
	for i := range f.Connectors {
		if f.Connectors[i].Name == name {
			return &f.Connectors[i], true
		}
	}
	return nil, false
}

// Names lists the connectors' names.
func (f *File) Names() []string {
	out := make([]string, len(f.Connectors))
	for i := range f.Connectors {
		out[i] = f.Connectors[i].Name
	}
	return out
}

// limits of a connector's numbers.
const (
	maxBatch   = 10_000
	maxSenders = 32
)

func (f *File) check(ps *record.Problems) {
	at := func(w strict.Where, key string) string { return w.Key(key) }
	switch s := &f.Store; {
	case s.Kind != "postgres" && s.Kind != "sqlite":
		ps.Add("config.store_kind", at(s.Where, "kind"), "postgres for production, sqlite for trying out", `kind must be "postgres" or "sqlite"`)
	case s.Kind == "postgres" && (s.DSNFile == "" || s.Path != ""):
		ps.Add("config.store_place", at(s.Where, "kind"), "put the connection string into a file of mode 0600", "a postgres store has dsn_file and no path")
	case s.Kind == "sqlite" && (s.Path == "" || s.DSNFile != ""):
		ps.Add("config.store_place", at(s.Where, "kind"), "", "a sqlite store has path and no dsn_file")
	}
	f.Retention.check(ps)
	if f.Serve.Parallel < 0 || f.Serve.Parallel > 64 {
		ps.Add("config.range", at(f.Where, "serve"), "", "serve.parallel must be between 1 and 64")
	}
	if p := metrics.CheckAddress(f.Serve.Metrics); p != nil {
		ps.Add("config.metrics", at(f.Where, "serve"), p.Hint, "serve.metrics: %s", p.Message)
	}
	if len(f.Connectors) == 0 {
		ps.Add("config.no_connector", at(f.Where, "connectors"), "", "there is no connector")
	}
	seen := map[string]bool{}
	for i := range f.Connectors {
		c := &f.Connectors[i]
		where := func(key string) string { return at(c.Where, key) }
		if seen[c.Name] {
			ps.Add("config.duplicate_connector", where("name"), "a connector is one name", "the connector %q stands here twice", c.Name)
		}
		seen[c.Name] = true
		c.check(where, ps)
	}
}

func (c *Connector) check(where func(string) string, ps *record.Problems) {
	if strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		ps.Add("config.connector_name", where("name"), "", "a connector's name has lower-case letters, digits and hyphens")
	}
	if c.Validator != "" && c.Validator != Xmllint {
		ps.Add("config.validator", where("validator"), "leave it out: Almasu checks each document itself", "the only other validator is %s", Xmllint)
	}
	switch c.Compare {
	case "", CompareFull, CompareNone, CompareCandidates:
	default:
		ps.Add("config.compare", where("compare"), "full, candidates or none", "compare says %q", c.Compare)
	}
	if c.FullEvery != 0 && (c.Compare != CompareCandidates || time.Duration(c.FullEvery) > MaxFullEvery) {
		ps.Add("config.full_every", where("full_every"), "at most 24h", "full_every goes with compare: candidates, and is at most %s", MaxFullEvery)
	}
	if c.Batch < 0 || c.Batch > maxBatch {
		ps.Add("config.range", where("batch"), "2000 is a good size", "batch must be between 1 and %d", maxBatch)
	}
	if c.Senders < 0 || c.Senders > maxSenders {
		ps.Add("config.range", where("senders"), "4 is a good number", "senders must be between 1 and %d", maxSenders)
	}
	if s := c.Schedule; s != nil {
		switch s.CatchUp {
		case "", "none", "latest", "all":
		default:
			ps.Add("config.catch_up", where("schedule"), "", `catch_up must be "none", "latest" or "all"`)
		}
		switch s.Overlap {
		case "", "queue", "skip", "cancel":
		default:
			ps.Add("config.overlap", s.Where.Key("overlap"), "", `overlap must be "queue", "skip" or "cancel"`)
		}
		switch {
		case s.Closed != "" && s.Closed != "skip" && s.Closed != "defer":
			ps.Add("config.closed", s.Where.Key("closed"), "", `closed must be "skip" or "defer"`)
		case s.Closed != "" && s.Calendar == "":
			ps.Add("config.closed", s.Where.Key("closed"), "name a calendar", "closed says what becomes of times that a calendar closes, and there is none")
		}
		if s.Jitter.Or(0) > 6*time.Hour {
			ps.Add("config.range", s.Where.Key("jitter"), "", "jitter must be at most 6h")
		}
		if s.Most < 0 || s.Most > 1000 {
			ps.Add("config.range", where("schedule"), "", "most must be between 1 and 1000")
		}
	}
	if c.Hold != nil {
		c.Hold.check(ps)
	}
	last := ""
	for _, l := range c.Later {
		if _, err := time.Parse(time.DateOnly, l.From); err != nil || l.From <= last {
			ps.Add("config.later", l.Where.Key("from"), "each version is in force until the next one begins", "from must be a day, YYYY-MM-DD, after the one before it")
		}
		last = l.From
	}
	if (c.REST == nil) == (c.Parcel == nil) {
		ps.Add("config.channel", where("name"), "", "a connector has either rest or parcel")
	}
	if p := c.Parcel; p != nil {
		if (p.Folder == "") == (p.SFTP == nil) {
			ps.Add("config.parcel_place", where("parcel"), "", "a parcel goes either to folder or to sftp")
		}
		if len(p.ReceiptKeys) == 0 {
			ps.Add("config.receipt_keys", where("parcel"), "ask the recipient for its public key and compare the fingerprint by another way", "without a receipt key no receipt can be verified")
		}
	}
	if r := c.REST; r != nil {
		if u, err := url.Parse(r.URL); err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && r.InsecureLoopback) {
			ps.Add("config.url", where("rest"), "insecure_loopback permits http to a loopback address, for demonstrations", "url must be https://host[:port][/path]")
		}
		if (r.ClientCertificate == "") != (r.ClientKey == "") {
			ps.Add("config.client_certificate", where("rest"), "", "client_certificate and client_key come together")
		}
		if len(r.ReceiptKeys) == 0 {
			ps.Add("config.receipt_keys", where("rest"), "ask the recipient for its public key and compare the fingerprint by another way", "without a receipt key no receipt can be verified")
		}
	}
}
