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

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
)

// The names of the service's key files.
const (
	LogKeyFile       = "log.key"
	SealKeyFile      = "seal.pem"
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

// ServiceKeys makes the contents of the four key files, by their names.
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
	box, err := vault.GenerateKey()
	if err != nil {
		return nil, err
	}
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return nil, err
	}
	pseudonym := hex.EncodeToString(raw[:])
	return map[string][]byte{LogKeyFile: []byte(secret + "\n"), SealKeyFile: sealPEM, VaultKeyFile: []byte(box), PseudonymKeyFile: []byte(pseudonym + "\n")}, nil
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
