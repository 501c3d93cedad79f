package signing

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// The PEM headers of a keyset.
const (
	headerNotBefore = "Not-Before"
	headerNotAfter  = "Not-After"
)

// Keyset is a holder's own keys: the first signs, all verify in their periods. At rest it is a file of private keys in
// PEM (PKCS#8), newest first, each with the optional PEM headers Not-Before and Not-After in RFC 3339. A file with one plain key is a keyset.
type Keyset struct{ keys []ownKey }

type ownKey struct {
	key                 *Key
	notBefore, notAfter time.Time
}

// ParseKeyset reads a keyset. Problems name the place of a key in the file, never its contents. Codes: signing.keyset, and those of [ParseKey].
func ParseKeyset(file []byte) (*Keyset, error) {
	s := &Keyset{}
	var problems record.Problems
	for n, rest := 1, file; len(bytes.TrimSpace(rest)) > 0; n++ {
		where := fmt.Sprintf("key %d", n)
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			problems.Add("signing.keyset", where, "make one with: almasu keys generate", "expected private keys in PEM and nothing else")
			break
		}
		own, err := parseOwn(block)
		if err != nil {
			problems.Merge(err, "signing.keyset", where)
			continue
		}
		s.keys = append(s.keys, own)
	}
	if len(problems) == 0 && len(s.keys) == 0 {
		problems.Add("signing.keyset", "", "make one with: almasu keys generate", "the file holds no key")
	}
	if len(s.keys) > 0 && !s.keys[0].notAfter.IsZero() {
		problems.Add("signing.keyset", "key 1", "make a new one with: almasu keys rotate", "the key that signs has an end")
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func parseOwn(block *pem.Block) (own ownKey, err error) {
	for name, value := range block.Headers {
		at, err := time.Parse(time.RFC3339, value)
		switch {
		case err != nil:
			return own, record.NewProblem("signing.keyset", name, "", "expected an RFC 3339 time")
		case name == headerNotBefore:
			own.notBefore = at
		case name == headerNotAfter:
			own.notAfter = at
		default:
			return own, record.NewProblem("signing.keyset", name, "", "unknown header of a key")
		}
	}
	own.key, err = ParseKey(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
	return own, err
}

// Current is the key that signs.
func (s *Keyset) Current() *Key { return s.keys[0].key }

// Ring is the public keys with their periods.
func (s *Keyset) Ring(holder string) (*Keyring, error) {
	ring := NewKeyring(holder)
	for _, own := range s.keys {
		if err := ring.Add(own.key.Public(), own.notBefore, own.notAfter); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

// Rotate returns a keyset with a new key of the same algorithm in front, good from now on; the former one ends after the overlap.
func (s *Keyset) Rotate(random io.Reader, now time.Time, overlap time.Duration) (*Keyset, error) {
	fresh, err := GenerateKey(s.Current().Alg(), random)
	if err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	former := s.keys[0]
	former.notAfter = now.Add(overlap)
	return &Keyset{keys: append([]ownKey{{key: fresh, notBefore: now}, former}, s.keys[1:]...)}, nil
}

// Marshal returns the form at rest: a secret.
func (s *Keyset) Marshal() ([]byte, error) {
	var out bytes.Buffer
	for _, own := range s.keys {
		text, err := own.key.PEM()
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(text)
		block.Headers = map[string]string{}
		if !own.notBefore.IsZero() {
			block.Headers[headerNotBefore] = own.notBefore.UTC().Format(time.RFC3339)
		}
		if !own.notAfter.IsZero() {
			block.Headers[headerNotAfter] = own.notAfter.UTC().Format(time.RFC3339)
		}
		if err := pem.Encode(&out, block); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
