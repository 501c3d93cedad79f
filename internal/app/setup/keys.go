package setup

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

// The names of the service's key files.
const (
	LogKeyFile       = "log.key"
	SealKeyFile      = "seal.keyset"
	VaultKeyFile     = "vault.key"
	PseudonymKeyFile = "pseudonym.key"
)

// WriteNew writes a file that must not exist yet, durably. The code of an existing one is keys.exists.
func WriteNew(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return record.NewProblem("keys.exists", path, "keys are never overwritten; choose another folder", "the file exists already")
	}
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// KeyFileName names the file of a sealing key after its id.
func KeyFileName(k *signing.PublicKey) string {
	return "seal-" + strings.TrimPrefix(k.ID(), "almasu:") + ".pem"
}

// ServiceKeys makes the contents of the service's key files, by their names: the sealing key stands in a file of its own beside the keyset.
func ServiceKeys(alg signing.Alg, origin string) (map[string][]byte, error) {
	secret, _, err := transferlog.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	seal, err := signing.GenerateKey(alg, rand.Reader)
	if err != nil {
		return nil, err
	}
	sealPEM, err := seal.PEM()
	if err != nil {
		return nil, err
	}
	sealFile := KeyFileName(seal.Public())
	keyset, err := (&signing.Keyset{}).Rotate(seal.Public(), sealFile, time.Unix(0, 0), time.Time{}, 0)
	if err != nil {
		return nil, err
	}
	keyset.Entries[0].NotBefore = time.Time{} // the first key has always been good
	box, err := vault.GenerateKey()
	if err != nil {
		return nil, err
	}
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, err
	}
	pseudonym := hex.EncodeToString(raw[:])
	return map[string][]byte{LogKeyFile: []byte(secret + "\n"), SealKeyFile: keyset.Format(), sealFile: sealPEM, VaultKeyFile: []byte(box), PseudonymKeyFile: []byte(pseudonym + "\n")}, nil
}

// Administrator makes an administrator's key, its PEM form, and its public half as the register writes it.
func Administrator() (private ed25519.PrivateKey, pemBytes []byte, public string, err error) {
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, "", err
	}
	return private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), base64.StdEncoding.EncodeToString(pub), nil
}
