package signing

import (
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// HeldKey is one key of a [Keyring] with its period: from NotBefore up to, and not including, NotAfter. A zero time leaves that side open.
type HeldKey struct {
	Key                 *PublicKey
	NotBefore, NotAfter time.Time
}

// Keyring is the public keys of one holder. Fill it with Add, then it is safe for concurrent reading. A nil Keyring knows no key.
type Keyring struct {
	holder string
	keys   []HeldKey
	beside []*Keyring
}

// NewKeyring returns an empty keyring of the named holder, e.g. a BIN.
func NewKeyring(holder string) *Keyring { return &Keyring{holder: holder} }

// Holder returns whose keys these are.
func (r *Keyring) Holder() string { return r.holder }

// Keys returns the keys in the order they were added; the caller does not change it.
func (r *Keyring) Keys() []HeldKey {
	if r == nil {
		return nil
	}
	return r.keys
}

// Add adds a key for a period. A key that is there already and an empty period are refused.
func (r *Keyring) Add(k *PublicKey, notBefore, notAfter time.Time) error {
	if k == nil || k.id == "" {
		return record.NewProblem("signing.no_key", "", "", "there is no key to add")
	}
	if !notAfter.IsZero() && !notBefore.Before(notAfter) {
		return record.NewProblem("signing.key_period", k.id, "not_after is later than not_before", "the period of this key is empty")
	}
	for _, held := range r.keys {
		if held.Key.id == k.id {
			return record.NewProblem("signing.duplicate_key", k.id, "each key stands once, with one period", "this key is in the keyring already")
		}
	}
	r.keys = append(r.keys, HeldKey{Key: k, NotBefore: notBefore, NotAfter: notAfter})
	return nil
}

// Beside names the keyrings that are provisioned besides this one. Their keys open nothing here; but a key of another holder is told from one that
// nobody knows.
func (r *Keyring) Beside(others ...*Keyring) { r.beside = append(r.beside, others...) }

// ofAnother reports whether a key is another holder's.
func (r *Keyring) ofAnother(keyID string) bool {
	if r == nil {
		return false
	}
	for _, other := range r.beside {
		for _, held := range other.Keys() {
			if held.Key.id == keyID && other.holder != r.holder {
				return true
			}
		}
	}
	return false
}

// Find returns the key with this id if its period holds the given time. Codes: signing.unknown_key, signing.key_of_another (see [Keyring.Beside]),
// signing.key_expired, signing.key_not_yet_valid.
func (r *Keyring) Find(keyID string, at time.Time) (*PublicKey, error) {
	for _, held := range r.Keys() {
		if held.Key.id != keyID {
			continue
		}
		if at.Before(held.NotBefore) {
			return nil, record.NewProblem("signing.key_not_yet_valid", keyID, "check both clocks and the key's not_before", "the period of this key has not begun")
		}
		if !held.NotAfter.IsZero() && !at.Before(held.NotAfter) {
			return nil, record.NewProblem("signing.key_expired", keyID, "ask the holder for the key that replaced it", "the period of this key is over")
		}
		return held.Key, nil
	}
	if r.ofAnother(keyID) {
		return nil, record.NewProblem("signing.key_of_another", keyID, "keep it: it is evidence against whoever signed with another's key", "this key is another holder's")
	}
	return nil, record.NewProblem("signing.unknown_key", "", "provision the holder's public key by file and compare its fingerprint", "no key with this id is provisioned for this holder")
}
