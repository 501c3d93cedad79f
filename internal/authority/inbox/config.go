package inbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"birgeoqy.kz/almasu/internal/authority/tabular"
	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/record"
)

// Config is the authority's configuration file, in YAML. Unknown keys, repeated keys and a second document are errors.
// Paths are relative to the folder of the file.
type Config struct {
	// Listen is the address to serve on, e.g. "0.0.0.0:8443"; port 0 takes a free one. Without it, and without tls, parcels can be received, and nothing is served.
	Listen string `yaml:"listen"`
	// PublicURL is what senders call the service, e.g. "https://receive.example.kz", where a proxy stands between; it is part of
	// what they sign. Default: the request's own host.
	PublicURL string `yaml:"public_url"`
	// TLS names the server's certificate. TLS 1.3 is required of clients.
	TLS TLSFiles `yaml:"tls"`
	// InsecureLoopback serves without TLS, on a loopback address only. Danger: for demonstrations on one machine.
	InsecureLoopback bool `yaml:"insecure_loopback"`
	// Data is the folder of the store; it is created if it is missing, for the owner alone.
	Data string `yaml:"data"`
	// BIN is the authority's own number: messages for another recipient are refused.
	BIN string `yaml:"bin"`
	// Names are the authority's names.
	Names Names `yaml:"names"`
	// ReceiptKey is the PEM file of the private key that signs receipts. Rotate it by replacing the file: the store remembers the
	// public halves of former keys.
	ReceiptKey string `yaml:"receipt_key"`
	// Identity is a file with the age identity ("AGE-SECRET-KEY-1...") that opens encrypted parcels; only its owner may read it. Optional.
	Identity string `yaml:"identity"`
	// Senders are those who may send.
	Senders []SenderConfig `yaml:"senders"`
	// Schemas are the document schemas that were agreed on.
	Schemas []SchemaFile `yaml:"schemas"`
	// Limits bound what a sender can make the service do.
	Limits Limits `yaml:"limits"`
	// Window is how far beyond the lowest missing sequence number a message may be. Default 64.
	Window uint64 `yaml:"window"`
	// GapTimeout is after what time a missing sequence number is reported as overdue. Default 10m.
	GapTimeout time.Duration `yaml:"gap_timeout"`
	// Metrics is the address, host:port, on which /metrics, /healthz and /readyz are answered over plain HTTP; without it nothing is. Optional.
	Metrics string `yaml:"metrics"`
	// Unique lists record members, e.g. "iin", whose value may stand in one record of a message only; the later record is rejected.
	// Optional.
	Unique []string `yaml:"unique"`
}

// TLSFiles are PEM files. ClientCA, if given, makes clients prove themselves with a certificate that it issued.
type TLSFiles struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	ClientCA    string `yaml:"client_ca"`
}

// Names are the names of a body in Kazakh and Russian.
type Names struct {
	KK string `yaml:"kk"`
	RU string `yaml:"ru"`
}

// SenderConfig is one who may send.
type SenderConfig struct {
	// BIN is the sender's number, Name what status and logs call it.
	BIN  string `yaml:"bin"`
	Name string `yaml:"name"`
	// LogKey is a file with the public key of the sender's transfer log (origin+hash+key).
	LogKey string `yaml:"log_key"`
	// Keys are the sender's public signing keys.
	Keys []SenderKey `yaml:"keys"`
}

// SenderKey is a PEM file with a public key, and the period (RFC 3339; either side optional) in which its signatures count.
type SenderKey struct {
	File      string `yaml:"file"`
	NotBefore string `yaml:"not_before"`
	NotAfter  string `yaml:"not_after"`
}

// period returns the times; an empty text is an open side.
func (k SenderKey) period() (notBefore, notAfter time.Time, err error) {
	for text, t := range map[*string]*time.Time{&k.NotBefore: &notBefore, &k.NotAfter: &notAfter} {
		if *text == "" {
			continue
		}
		if *t, err = time.Parse(time.RFC3339, *text); err != nil {
			return notBefore, notAfter, errors.New("expected a time in RFC 3339, e.g. 2027-01-01T00:00:00Z")
		}
	}
	return notBefore, notAfter, nil
}

// SchemaFile is a schema with the digest that was agreed on; a file with another digest is refused.
type SchemaFile struct {
	File   string `yaml:"file"`
	Digest string `yaml:"digest"`
	// Columns says which members of a record the columns of a CSV or XLSX document are, in order, e.g. [iin, "address/region", "grade:integer"]; types are
	// string, integer and boolean. Without it such a document under this schema is refused.
	Columns []string `yaml:"columns"`
}

// Limits bound requests.
type Limits struct {
	// BodyBytes is the greatest size of a document. Default 8388608.
	BodyBytes int64 `yaml:"body_bytes"`
	// InFlight is how many requests are worked on at once; more wait five seconds, and then get 503 and Retry-After. Default 16.
	InFlight int `yaml:"in_flight"`
}

// LoadConfig reads and checks the file. All findings about the values come at once, as record.Problems.
func LoadConfig(path string) (*Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return newConfig(b, path)
}

// newConfig checks the bytes of the file at path.
func newConfig(b []byte, path string) (*Config, error) {
	c, err := parseConfig(b, path)
	if err != nil {
		return nil, err
	}
	c.defaults()
	if err := c.check(path); err != nil {
		return nil, err
	}
	c.resolve(filepath.Dir(path))
	return c, nil
}

func parseConfig(b []byte, path string) (*Config, error) {
	d := yaml.NewDecoder(strings.NewReader(string(b)), yaml.Strict())
	c := &Config{}
	if err := d.Decode(c); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, record.NewProblem("config.empty", path, "", "the file holds nothing")
		}
		where, message := path, "the file is not YAML of the expected form"
		var located yaml.Error
		if errors.As(err, &located) {
			message = located.GetMessage()
			if t := located.GetToken(); t != nil {
				where = fmt.Sprintf("%s:%d:%d", path, t.Position.Line, t.Position.Column)
			}
		}
		return nil, record.NewProblem("config.malformed", where, "the keys are those of authority's manual", "%s", message)
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, record.NewProblem("config.malformed", path, "one document a file", "there is a second document in the file")
	}
	return c, nil
}

func (c *Config) defaults() {
	if c.Limits.BodyBytes == 0 {
		c.Limits.BodyBytes = 8 << 20
	}
	if c.Limits.InFlight == 0 {
		c.Limits.InFlight = 16
	}
	if c.Window == 0 {
		c.Window = 64
	}
	if c.GapTimeout == 0 {
		c.GapTimeout = 10 * time.Minute
	}
}

func isBIN(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func (c *Config) check(path string) error {
	var ps record.Problems
	need := func(ok bool, key, message string) {
		if !ok {
			ps.Add("config.value", path+": "+key, "", "%s", message)
		}
	}
	host, _, err := net.SplitHostPort(c.Listen)
	files := c.Listen == "" && !c.InsecureLoopback && c.TLS == TLSFiles{}
	need(err == nil || files, "listen", "expected an address of the form host:port")
	need(c.Data != "", "data", "the folder of the store is missing")
	need(isBIN(c.BIN), "bin", "expected a BIN of twelve digits")
	need(c.ReceiptKey != "", "receipt_key", "the private key that signs receipts is missing")
	if c.InsecureLoopback {
		ip := net.ParseIP(host)
		need(ip != nil && ip.IsLoopback() && c.TLS == TLSFiles{}, "insecure_loopback", "only for a loopback address, and not together with tls")
	} else if !files {
		need(c.TLS.Certificate != "" && c.TLS.Key != "", "tls", "certificate and key are missing")
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		need(err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.RawQuery == "" && u.Fragment == "", "public_url", "expected an absolute URL")
	}
	need(c.Limits.BodyBytes > 0 && c.Limits.BodyBytes <= 1<<30, "limits.body_bytes", "expected 1 to 1073741824")
	need(c.Limits.InFlight > 0 && c.Limits.InFlight <= 1024, "limits.in_flight", "expected 1 to 1024")
	need(c.Window <= 4096, "window", "expected 1 to 4096")
	need(c.GapTimeout > 0, "gap_timeout", "expected a positive duration, e.g. 10m")
	need(metrics.CheckAddress(c.Metrics) == nil, "metrics", "expected host:port, e.g. 127.0.0.1:9465")
	need(len(c.Senders) > 0, "senders", "nobody may send")
	seen := map[string]bool{}
	for i, s := range c.Senders {
		key := fmt.Sprintf("senders[%d]", i)
		need(isBIN(s.BIN) && !seen[s.BIN], key+".bin", "expected a BIN of twelve digits that no other sender has")
		seen[s.BIN] = true
		need(s.LogKey != "", key+".log_key", "the public key of the sender's log is missing")
		need(len(s.Keys) > 0, key+".keys", "the sender has no key")
		for j, k := range s.Keys {
			need(k.File != "", fmt.Sprintf("%s.keys[%d].file", key, j), "the file is missing")
			_, _, err := k.period()
			need(err == nil, fmt.Sprintf("%s.keys[%d]", key, j), "not_before and not_after are times in RFC 3339, e.g. 2027-01-01T00:00:00Z")
		}
	}
	for i, s := range c.Schemas {
		d, err := record.ParseDigest(s.Digest)
		need(s.File != "" && err == nil && !d.IsZero(), fmt.Sprintf("schemas[%d]", i), `expected file and digest ("sha256:..." and 64 digits)`)
		need(tabular.CheckColumns(s.Columns), fmt.Sprintf("schemas[%d].columns", i), "expected different members of a record, each with :integer or :boolean after it if it is no text")
	}
	need(len(c.Schemas) > 0, "schemas", "no schema was agreed on")
	return ps.Err()
}

// resolve makes paths relative to the folder absolute.
func (c *Config) resolve(folder string) {
	at := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
	at(&c.Data)
	at(&c.ReceiptKey)
	at(&c.Identity)
	at(&c.TLS.Certificate)
	at(&c.TLS.Key)
	at(&c.TLS.ClientCA)
	for i := range c.Senders {
		at(&c.Senders[i].LogKey)
		for j := range c.Senders[i].Keys {
			at(&c.Senders[i].Keys[j].File)
		}
	}
	for i := range c.Schemas {
		at(&c.Schemas[i].File)
	}
}
