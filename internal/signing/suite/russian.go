package suite

import (
	"crypto"
	"io"
	"slices"

	"birgeoqy.kz/almasu/internal/signing/gost"
)

// RussianPublicKey is a GOST key in the form of RFC 9215: its signatures are BE(s)||BE(r). It is made by [ParseSPKI]
// and by [RussianPrivateKey.Public].
type RussianPublicKey struct {
	key  *gost.PublicKey
	form *curveForm
}

// Key returns the key itself, which verifies the Kazakh order of octets.
func (k *RussianPublicKey) Key() *gost.PublicKey { return k.key }

// Equal reports whether x is a *RussianPublicKey of the same curve and point; the curve's identifiers may differ.
func (k *RussianPublicKey) Equal(x crypto.PublicKey) bool {
	other, ok := x.(*RussianPublicKey)
	return ok && k.key.Equal(other.key)
}

// RussianPrivateKey signs in the form of RFC 9215. No verb of package fmt prints it.
type RussianPrivateKey struct {
	*gost.PrivateKey
	form *curveForm
}

// NewRussianPrivateKey wraps key, whose curve is named by its tc26 identifier or, for CryptoPro-A, by
// id-GostR3410-2001-CryptoPro-A-ParamSet.
func NewRussianPrivateKey(key *gost.PrivateKey) (*RussianPrivateKey, error) {
	pub, _ := key.Public().(*gost.PublicKey)
	for i := range curveForms {
		if f := &curveForms[i]; !f.kazakh && pub.Curve() == f.of() && (f.withDigest || pub.Curve() != gost.CryptoProA()) {
			return &RussianPrivateKey{key, f}, nil
		}
	}
	return nil, ErrAlgorithm
}

// Public returns the *[RussianPublicKey].
func (k *RussianPrivateKey) Public() crypto.PublicKey {
	return &RussianPublicKey{k.PrivateKey.Public().(*gost.PublicKey), k.form}
}

// Sign returns BE(s)||BE(r) over digest; see [gost.PrivateKey.Sign].
func (k *RussianPrivateKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := k.PrivateKey.Sign(rand, digest, opts)
	return reversed(sig), err
}

func reversed(b []byte) []byte {
	out := slices.Clone(b)
	slices.Reverse(out)
	return out
}
