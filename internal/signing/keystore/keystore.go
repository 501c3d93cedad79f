package keystore

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/keystore/pbe"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// MaxFile bounds the size of a key file, in octets.
const MaxFile = 1 << 20

// Key is a private key with its certificate. No verb of package fmt prints the key.
type Key struct {
	// Signer makes signatures of digests; of GOST keys they are LE(r)||LE(s).
	Signer crypto.Signer
	// Certificate carries the key's public key; nil if the file has none.
	Certificate *cert.Certificate
	// Others are further certificates of the file, such as those of authorities.
	Others []*cert.Certificate
}

// String says nothing about the key.
func (k *Key) String() string { return "keystore.Key" }

// GoString says nothing about the key.
func (k *Key) GoString() string { return k.String() }

// Open reads the key in the file at path: a PKCS#12 container or PEM. passwordFile
// names the file whose first line is the password; empty means no password. Problems:
// keystore.unreadable, keystore.mode, keystore.too_large, keystore.password (wrong
// password, or a damaged container), keystore.malformed, keystore.no_key,
// keystore.several_keys, keystore.no_certificate (of a PKCS#12 container) and
// keystore.mismatch if no certificate of the file carries the key's public key though
// there are some.
func Open(path, passwordFile string) (*Key, error) {
	password := ""
	if passwordFile != "" {
		secret, err := ReadSecret(passwordFile)
		if err != nil {
			return nil, err
		}
		password = secret
	}
	data, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	k, err := Parse(data, password)
	var p *record.Problem
	if errors.As(err, &p) && p.Where == "" {
		p.Where = path
	}
	return k, err
}

// ReadSecret returns the first line of a file that only its owner may read.
func ReadSecret(path string) (string, error) {
	b, err := readPrivate(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// readPrivate reads a regular file that neither the group nor others may read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		cause := "cannot be opened"
		switch {
		case errors.Is(err, fs.ErrNotExist):
			cause = "does not exist"
		case errors.Is(err, fs.ErrPermission):
			cause = "may not be read by this user"
		}
		return nil, record.NewProblem("keystore.unreadable", path, "", "the file %s", cause)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, record.NewProblem("keystore.unreadable", path, "", "not a regular file")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, record.NewProblem("keystore.mode", path, "chmod 600 "+path,
			"the file's mode is %04o: group and others must have no access", info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, record.NewProblem("keystore.unreadable", path, "", "the file cannot be read")
	}
	if len(b) > MaxFile {
		return nil, record.NewProblem("keystore.too_large", path, "", "more than %d octets", MaxFile)
	}
	return b, nil
}

// Parse reads a key from the contents of a key file; see [Open].
func Parse(data []byte, password string) (*Key, error) {
	var c *contents
	var err error
	isPEM := false
	if block, _ := pem.Decode(data); block != nil {
		isPEM = true
		c, err = readPEM(data, password)
	} else {
		c, err = readPKCS12(data, password)
	}
	switch {
	case errors.Is(err, pbe.ErrPassword):
		return nil, record.NewProblem("keystore.password", "", "check the password file", "%s", err)
	case err != nil:
		return nil, record.NewProblem("keystore.malformed", "", "expected a PKCS#12 container or PEM", "%s", err)
	}
	return assemble(c, isPEM)
}

// assemble pairs the one key with its certificate.
func assemble(c *contents, bare bool) (*Key, error) {
	if len(c.keys) == 0 {
		return nil, record.NewProblem("keystore.no_key", "", "", "the file holds no private key")
	}
	if len(c.keys) > 1 {
		return nil, record.NewProblem("keystore.several_keys", "", "split the file", "the file holds %d private keys, expected one", len(c.keys))
	}
	signer, err := parsePKCS8(c.keys[0].der)
	if err != nil {
		code := "keystore.malformed"
		if errors.Is(err, pbe.ErrPassword) {
			code = "keystore.password"
		}
		return nil, record.NewProblem(code, "", "", "%s", err)
	}
	k := &Key{Signer: signer}
	for _, b := range c.certs {
		parsed, err := cert.Parse(b.der)
		if err != nil {
			return nil, err
		}
		if adopted := adopt(signer, parsed); adopted != nil && k.Certificate == nil {
			k.Certificate, k.Signer = parsed, adopted
			continue
		}
		k.Others = append(k.Others, parsed)
	}
	switch {
	case k.Certificate != nil:
		return k, nil
	case len(c.certs) > 0:
		return nil, record.NewProblem("keystore.mismatch", "", "", "no certificate of the file carries the private key's public key")
	case !bare:
		return nil, record.NewProblem("keystore.no_certificate", "", "", "the container holds no certificate")
	}
	return k, nil
}

// adopt returns the signer whose public key c carries, or nil if c is of another key.
func adopt(signer crypto.Signer, c *cert.Certificate) crypto.Signer {
	own, ok := signer.Public().(interface{ Equal(x crypto.PublicKey) bool })
	if ok && c.PublicKey != nil && own.Equal(c.PublicKey) {
		return signer
	}
	return nil
}

// readPEM collects the blocks of a PEM file.
func readPEM(data []byte, password string) (*contents, error) {
	c := &contents{}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(bytes.TrimSpace(rest)) != 0 {
				return nil, fmt.Errorf("text after the last PEM block")
			}
			return c, nil
		}
		switch block.Type {
		case "CERTIFICATE":
			c.certs = append(c.certs, bag{der: block.Bytes})
		case "PRIVATE KEY":
			c.keys = append(c.keys, bag{der: block.Bytes})
		case "ENCRYPTED PRIVATE KEY":
			der, err := decryptPKCS8(block.Bytes, password)
			if err != nil {
				return nil, err
			}
			c.keys = append(c.keys, bag{der: der})
		default:
			return nil, fmt.Errorf("PEM block of an unexpected kind: only CERTIFICATE, PRIVATE KEY and ENCRYPTED PRIVATE KEY are known")
		}
		if len(c.keys)+len(c.certs) > maxBags {
			return nil, fmt.Errorf("more than %d keys and certificates", maxBags)
		}
	}
}

// Suite returns the suite of the key.
func (k *Key) Suite() (*suite.Suite, error) { return suite.Of(k.Signer.Public()) }
