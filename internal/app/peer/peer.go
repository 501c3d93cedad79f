// Package peer makes connectors from the configuration: it reads the files that a recipient's entry names and wires the connector of its channel.
// Problems are collected, each with the place in the configuration or the file. It connects to nothing.
package peer

import (
	"context"
	"errors"
	"time"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/parcel"
	"birgeoqy.kz/almasu/connectors/rest"
	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Files reads the files that the configuration names; what cannot be read is a problem with the code given, and nil.
type Files interface {
	// Read reads a file, by its path in the configuration.
	Read(path string, ps *record.Problems, code string) []byte
	// Secret reads a file that only its owner may read.
	Secret(path string, ps *record.Problems, code string) []byte
	// Path is the path of a file or folder.
	Path(path string) string
}

// Service is what the connectors need of the service.
type Service struct {
	// Key signs requests; LogKey and Prover are of our log.
	Key    *signing.Key
	LogKey *transferlog.PublicKey
	Prover connectors.Prover
	// Now is the clock; Pause returns after d, or earlier with ctx's error.
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error
}

// Channel is the channel of a connector as the register names channels: "rest" or "parcel".
func Channel(c *config.Connector) string {
	if c.Parcel != nil {
		return "parcel"
	}
	return "rest"
}

// Ring has the keys that sign the receipts of the recipient with this BIN.
func Ring(c *config.Connector, bin string, files Files, ps *record.Problems) *signing.Keyring {
	names := []string{}
	if c.Parcel != nil {
		names = c.Parcel.ReceiptKeys
	} else if c.REST != nil {
		names = c.REST.ReceiptKeys
	}
	ring := signing.NewKeyring(bin)
	for _, name := range names {
		if b := files.Read(name, ps, "config.receipt_key_missing"); b != nil {
			key, err := signing.ParsePublicKey(b)
			if err == nil {
				err = ring.Add(key, time.Time{}, time.Time{})
			}
			ps.Merge(err, "config.receipt_key", files.Path(name))
		}
	}
	return ring
}

// Connect makes the connector to the recipient with this BIN, whose receipts the ring verifies. It is nil if there are problems. Its idle connections end with shut.
func Connect(c *config.Connector, bin string, ring *signing.Keyring, files Files, s Service, ps *record.Problems) (connector connectors.Connector, shut func()) {
	if c.Parcel != nil {
		p, err := parcel.New(parcelConfig(c.Parcel, bin, ring, files, s, ps))
		if err != nil {
			ps.Merge(Located(err, c.Where.Key("parcel")), "config.parcel", c.Where.Key("parcel"))
			return nil, func() {}
		}
		return p, func() {}
	}
	r, err := rest.New(restConfig(c.REST, bin, ring, files, s, ps))
	if err != nil {
		ps.Merge(Located(err, c.Where.Key("rest")), "config.rest", c.Where.Key("rest"))
		return nil, func() {}
	}
	return r, r.Close
}

func restConfig(r *config.REST, bin string, ring *signing.Keyring, files Files, s Service, ps *record.Problems) rest.Config {
	c := rest.Config{
		BaseURL: r.URL, InsecureLoopback: r.InsecureLoopback, Recipient: bin, Key: s.Key, Peers: ring,
		LogKey: s.LogKey, Prover: s.Prover, Now: s.Now, Pins: r.Pins,
	}
	if r.CA != "" {
		c.CA = files.Read(r.CA, ps, "config.ca_missing")
	}
	if r.ClientCertificate != "" {
		c.ClientCertificate = files.Read(r.ClientCertificate, ps, "config.client_certificate_missing")
		c.ClientKey = files.Secret(r.ClientKey, ps, "config.client_key_missing")
	}
	return c
}

func parcelConfig(p *config.Parcel, bin string, ring *signing.Keyring, files Files, s Service, ps *record.Problems) parcel.Config {
	c := parcel.Config{
		Recipient: bin, Peers: ring, LogKey: s.LogKey, Prover: s.Prover, EncryptTo: p.EncryptTo, Now: s.Now, Pause: s.Pause, Wait: p.Wait.Or(0),
	}
	if p.SFTP == nil {
		c.Folder = files.Path(p.Folder)
		return c
	}
	c.SFTP = &parcel.SFTP{
		Address: p.SFTP.Address, User: p.SFTP.User, Path: p.SFTP.Path,
		Key: files.Secret(p.SFTP.Key, ps, "config.sftp_key_missing"), HostKeys: files.Read(p.SFTP.HostKeys, ps, "config.host_keys_missing"),
	}
	return c
}

// Located puts a place, as that of a connector or the name of a file, before the places of problems.
func Located(err error, where string) error {
	var ps record.Problems
	if !errors.As(err, &ps) {
		return err
	}
	for _, p := range ps {
		if p.Where != "" {
			p.Where = where + ": " + p.Where
		} else {
			p.Where = where
		}
	}
	return ps
}
