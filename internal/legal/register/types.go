package register

import (
	"errors"
	"io/fs"
)

// Register is the law as data.
type Register struct{}

// Load reads the register in fsys.
func Load(fsys fs.FS) (*Register, error) {
	return nil, errors.New("no register can be read")
}

// Recipient is a body to which data may go.
type Recipient struct {
	ID, BIN        string
	NameKK, NameRU string
	Kind, KATO     string
}
