package rest

import (
	"net"
	"net/url"
	"strings"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Config is everything that a connector to one recipient needs. Durations that are 0 take the default.
type Config struct {
	// BaseURL is "https://host[:port][/path]", without query and final slash.
	BaseURL string
	// InsecureLoopback permits "http://" to a loopback address. It is for demonstrations: personal data would travel in clear.
	InsecureLoopback bool
	// Recipient is the recipient's BIN; an envelope for another is refused before it leaves.
	Recipient string
	// Key signs the requests.
	Key *signing.Key
	// Peers are the recipient's keys, which sign receipts.
	Peers *signing.Keyring
	// LogKey verifies our own log's checkpoints.
	LogKey *transferlog.PublicKey
	// Prover makes consistency proofs of our own log.
	Prover connectors.Prover
	// Now is the clock.
	Now func() time.Time

	// CA is the authorities that may vouch for the server, as PEM; empty means the system's, unless there are Pins.
	CA []byte
	// Pins are fingerprints of the server's public key, "sha256:" and 64 hexadecimal digits: the certificate must have one of them. With pins and
	// without CA, the pin alone authenticates the server.
	Pins []string
	// ClientCertificate and ClientKey, as PEM, authenticate us where the recipient asks for mutual TLS.
	ClientCertificate, ClientKey []byte

	// ConnectTimeout limits connecting (5 s), HandshakeTimeout the TLS handshake (5 s), AnswerTimeout the wait for the first byte of the answer after
	// the request was written (30 s), AttemptTimeout one whole call of Deliver (2 min).
	ConnectTimeout, HandshakeTimeout, AnswerTimeout, AttemptTimeout time.Duration
	// SignatureLifetime is how long the signature of a request is good (60 s).
	SignatureLifetime time.Duration
	// MaxRetryAfter caps the recipient's wish to wait (1 h).
	MaxRetryAfter time.Duration
	// Connections is how many idle connections are kept: the number of senders (8).
	Connections int
	// UserAgent is the product name that is sent ("almasu").
	UserAgent string
}

// check fills defaults and returns all problems at once.
func (c *Config) check() error {
	var ps record.Problems
	c.checkURL(&ps)
	if len(c.Recipient) != 12 || strings.Trim(c.Recipient, "0123456789") != "" {
		ps.Add("rest.recipient", "recipient", "", "expected a BIN of 12 digits")
	}
	if c.Key == nil {
		ps.Add("rest.key", "key", "make one with: almasu keys generate", "there is no key to sign requests with")
	}
	if len(c.Peers.Keys()) == 0 {
		ps.Add("rest.peers", "peers", "provision the recipient's public key by file and compare its fingerprint", "no key of the recipient is known, so no receipt could be verified")
	}
	if c.LogKey.Origin() == "" || c.Prover == nil || c.Now == nil {
		ps.Add("rest.incomplete", "", "", "the connector needs the log's key, its prover and a clock")
	}
	if (len(c.ClientCertificate) == 0) != (len(c.ClientKey) == 0) {
		ps.Add("rest.client_certificate", "client_certificate", "", "a client certificate and its key come together")
	}
	for _, pin := range c.Pins {
		if d, err := record.ParseDigest(pin); err != nil || d.IsZero() {
			ps.Add("rest.pin", "pins", "", `expected "sha256:" and 64 hexadecimal digits`)
		}
	}
	for _, d := range [...]struct {
		value *time.Duration
		usual time.Duration
	}{
		{&c.ConnectTimeout, 5 * time.Second}, {&c.HandshakeTimeout, 5 * time.Second}, {&c.AnswerTimeout, 30 * time.Second},
		{&c.AttemptTimeout, 2 * time.Minute}, {&c.SignatureLifetime, time.Minute}, {&c.MaxRetryAfter, time.Hour},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
		if *d.value < 0 {
			ps.Add("rest.duration", "", "", "a duration is negative")
		}
	}
	if c.Connections == 0 {
		c.Connections = 8
	}
	if c.UserAgent == "" {
		c.UserAgent = "almasu"
	}
	return ps.Err()
}

func (c *Config) checkURL(ps *record.Problems) {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || strings.HasSuffix(u.Path, "/") {
		ps.Add("rest.base_url", "base_url", "e.g. https://exchange.example.kz", "expected https://host[:port][/path] without user, query and final slash")
		return
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme != "http":
		ps.Add("rest.base_url", "base_url", "e.g. https://exchange.example.kz", "expected the scheme https")
	case !c.InsecureLoopback:
		ps.Add("rest.plain_http", "base_url", "use https; insecure_loopback is for demonstrations", "plain HTTP would send personal data in clear")
	case !loopback(u.Hostname()):
		ps.Add("rest.plain_http", "base_url", "use https", "insecure_loopback permits plain HTTP to a loopback address only")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
