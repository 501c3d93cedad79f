// Package vault seals bytes at rest: the outbox and the roster of people.
//
// # Form
//
// A sealed value is one byte of version (1), eight bytes of key id, twelve bytes of
// random nonce, and the AES-256-GCM ciphertext with its tag. The associated data are the
// purpose ("outbox", "roster", ...) and a name, joined by a zero byte, so that a value
// put in another row does not open.
//
// # Keys
//
// A key file holds one line per key, "almasu-vault-v1 " and 64 hexadecimal digits; the first line
// seals, all lines open. Rotation is putting a new line on top. The key id is the first eight
// bytes of SHA-256 over "almasu-vault-id" and the key. Lines that start with "#" are comments.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"birgeoqy.kz/almasu/internal/record"
)

const (
	version   = 1
	idSize    = 8
	keyPrefix = "almasu-vault-v1 "
	overhead  = 1 + idSize + 12 + 16
)

// ErrOpen is returned for bytes that were not sealed by one of the keys under this purpose and name. Its code is vault.not_opened.
var ErrOpen error = record.NewProblem("vault.not_opened", "", "is this the vault.key that the store was used with? Put the file back from your copy of the keys, with every older line; if the key is the right one, the store was altered: see docs/operations.md, Restore",
	"sealed bytes do not open: unknown key, or changed, or moved to another row")

type keyID [idSize]byte

// Vault seals and opens. It is safe for concurrent use. The zero Vault refuses.
type Vault struct {
	current keyID
	keys    map[keyID]cipher.AEAD
}

// GenerateKey returns a new key as a line of a key file.
func GenerateKey() (string, error) {
	var k [32]byte
	if _, err := rand.Read(k[:]); err != nil {
		return "", err
	}
	return keyPrefix + hex.EncodeToString(k[:]) + "\n", nil
}

// Parse reads a key file. Problems name lines, never keys.
func Parse(file []byte) (*Vault, error) {
	v := &Vault{keys: map[keyID]cipher.AEAD{}}
	var problems record.Problems
	for i, line := range strings.Split(string(file), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := hex.DecodeString(strings.TrimPrefix(line, keyPrefix))
		if err != nil || !strings.HasPrefix(line, keyPrefix) || len(raw) != 32 {
			problems.Add("vault.bad_key", fmt.Sprintf("line %d", i+1), "put the file back from your copy of the keys: what was sealed opens with no other (a new deployment makes its keys with: almasu keys generate FOLDER)",
				`expected %q and 64 hexadecimal digits`, keyPrefix)
			continue
		}
		v.add(raw)
	}
	if len(problems) == 0 && len(v.keys) == 0 {
		problems.Add("vault.no_key", "", "put the file back from your copy of the keys: what was sealed opens with no other (a new deployment makes its keys with: almasu keys generate FOLDER)", "the key file holds no key")
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Vault) add(raw []byte) {
	sum := sha256.Sum256(append([]byte("almasu-vault-id"), raw...))
	id := keyID(sum[:idSize])
	block, err := aes.NewCipher(raw)
	if err != nil {
		panic("vault: a 32-byte key was refused: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("vault: " + err.Error())
	}
	if len(v.keys) == 0 {
		v.current = id
	}
	v.keys[id] = aead
}

// Seal appends the sealed form of plain to dst.
func (v *Vault) Seal(dst []byte, purpose, name string, plain []byte) ([]byte, error) {
	aead := v.keys[v.current]
	if aead == nil {
		return nil, errors.New("the vault has no key")
	}
	var nonce [12]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, err
	}
	dst = append(dst, version)
	dst = append(dst, v.current[:]...)
	dst = append(dst, nonce[:]...)
	return aead.Seal(dst, nonce[:], plain, associated(purpose, name)), nil
}

// Open returns what was sealed, or [ErrOpen].
func (v *Vault) Open(purpose, name string, sealed []byte) ([]byte, error) {
	return v.open(purpose, name, sealed, false)
}

// OpenInPlace does the same in the memory of sealed, which holds nothing of use afterwards.
func (v *Vault) OpenInPlace(purpose, name string, sealed []byte) ([]byte, error) {
	return v.open(purpose, name, sealed, true)
}

func (v *Vault) open(purpose, name string, sealed []byte, inPlace bool) ([]byte, error) {
	if len(sealed) < overhead || sealed[0] != version {
		return nil, ErrOpen
	}
	aead := v.keys[keyID(sealed[1:1+idSize])]
	if aead == nil {
		return nil, ErrOpen
	}
	nonce, body := sealed[1+idSize:1+idSize+12], sealed[1+idSize+12:]
	var dst []byte
	if inPlace {
		dst = body[:0]
	}
	plain, err := aead.Open(dst, nonce, body, associated(purpose, name))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

func associated(purpose, name string) []byte { return []byte(purpose + "\x00" + name) }
