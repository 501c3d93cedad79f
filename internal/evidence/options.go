package evidence

import (
	"fmt"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Material is what an auditor has in files, as bytes.
type Material struct {
	// LogKey is the log's public key, nil if the auditor has none.
	LogKey []byte
	// Held are signed checkpoints.
	Held [][]byte
	// RecipientKeys are PEM files by the recipient's BIN; keys from here are taken to be good at any time.
	RecipientKeys map[string][][]byte
}

// Options reads the material; the error is a problem that says which piece is bad.
func (m Material) Options() (Options, error) {
	o := Options{Held: m.Held, Keyrings: map[string]*signing.Keyring{}}
	if m.LogKey != nil {
		key, err := transferlog.ParsePublicKey(string(m.LogKey))
		if err != nil {
			return Options{}, err
		}
		o.LogKey = key
	}
	for bin, files := range m.RecipientKeys {
		ring := signing.NewKeyring(bin)
		for _, pem := range files {
			key, err := signing.ParsePublicKey(pem)
			if err != nil {
				return Options{}, fmt.Errorf("the key of recipient %s: %w", bin, err)
			}
			if err := ring.Add(key, time.Time{}, time.Time{}); err != nil {
				return Options{}, fmt.Errorf("the key of recipient %s: %w", bin, err)
			}
		}
		o.Keyrings[bin] = ring
	}
	return o, nil
}

// Code returns the stable code of an error of this package, "" if it has none: then reading failed.
func Code(err error) string { return record.CodeOf(err) }
