package inbox

import (
	"fmt"
	"os"
	"path/filepath"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/schemas"
)

// Sender is one who may send, with the keys that the configuration names.
type Sender struct {
	SenderConfig
	Ring   *signing.Keyring
	LogKey *transferlog.PublicKey
}

// LoadSender reads the sender's keys.
func LoadSender(c SenderConfig) (*Sender, error) {
	sd := &Sender{SenderConfig: c, Ring: signing.NewKeyring(c.BIN)}
	b, err := os.ReadFile(c.LogKey)
	if err != nil {
		return nil, err
	}
	if sd.LogKey, err = transferlog.ParsePublicKey(string(b)); err != nil {
		return nil, fmt.Errorf("%s: %w", c.LogKey, err)
	}
	for _, k := range c.Keys {
		b, err := os.ReadFile(k.File)
		if err != nil {
			return nil, err
		}
		key, err := signing.ParsePublicKey(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.File, err)
		}
		notBefore, notAfter, err := k.period()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.File, err)
		}
		if err := sd.Ring.Add(key, notBefore, notAfter); err != nil {
			return nil, fmt.Errorf("%s: %w", k.File, err)
		}
	}
	return sd, nil
}

// LoadSchema reads and compiles a schema, one of XML if its file ends in .xsd, and insists on the digest that was agreed on.
func LoadSchema(c SchemaFile) (*schemas.Schema, error) {
	if _, err := os.Stat(c.File); err != nil {
		return nil, err
	}
	schema, err := schemas.CompileFile(os.DirFS(filepath.Dir(c.File)), filepath.Base(c.File))
	if err != nil {
		return nil, err
	}
	if schema.Digest().String() != c.Digest {
		return nil, record.NewProblem("config.schema_digest", c.File, "compare the file with the one that was agreed on", "the file has the digest %s, not the one configured", schema.Digest())
	}
	return schema, nil
}
