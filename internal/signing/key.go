package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"

	"birgeoqy.kz/almasu/internal/record"
)

// Alg is the name of a signature algorithm in the RFC 9421 registry.
type Alg string

// The algorithms.
const (
	Ed25519         Alg = "ed25519"
	ECDSAP256SHA256 Alg = "ecdsa-p256-sha256"
	RSAPSSSHA512    Alg = "rsa-pss-sha512"
	RSAV15SHA256    Alg = "rsa-v1_5-sha256"
)

// Key is a private signing key. It never prints its secret, whatever the verb. It is safe for concurrent use.
type Key struct {
	signer crypto.Signer
	public *PublicKey
}

const pairBytes = 32 // of each of r and s in an ECDSA signature

// GenerateKey makes a key. RSA keys have 3072 bits. The random source is crypto/rand's if random is nil;
// some algorithms of the standard library use their own source whatever is given.
func GenerateKey(alg Alg, random io.Reader) (*Key, error) {
	if random == nil {
		random = rand.Reader
	}
	var signer crypto.Signer
	var err error
	switch alg {
	case Ed25519:
		_, signer, err = ed25519.GenerateKey(random)
	case ECDSAP256SHA256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case RSAPSSSHA512, RSAV15SHA256:
		signer, err = rsa.GenerateKey(random, 3072)
	default:
		return nil, record.NewProblem("signing.unsupported_key", "", algHint, "this algorithm is not known")
	}
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	return newKey(signer, alg)
}

// ParseKey reads a private key from one PEM block: PKCS#8, SEC 1 or PKCS#1. Encrypted blocks, several
// blocks and trailing bytes are refused.
func ParseKey(pemBytes []byte) (*Key, error) {
	block, err := onlyBlock(pemBytes)
	if err != nil {
		return nil, err
	}
	var parsed any
	alg := Alg("")
	switch block.Type {
	case "PRIVATE KEY":
		if der, ok := pssPrivateKey(block.Bytes); ok {
			alg = RSAPSSSHA512
			parsed, err = x509.ParsePKCS1PrivateKey(der)
			break
		}
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, badKey("this PEM block does not hold a private key", `expected "PRIVATE KEY" (PKCS#8), not encrypted`)
	}
	if err != nil { // the parser's own text is dropped: it may describe secret numbers
		return nil, badKey("the private key does not parse", "make one with: almasu keys generate")
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, record.NewProblem("signing.unsupported_key", "", algHint, "this kind of private key cannot sign")
	}
	return newKey(signer, alg)
}

func newKey(signer crypto.Signer, alg Alg) (*Key, error) {
	public, err := newPublicKey(signer.Public(), alg)
	if err != nil {
		return nil, err
	}
	return &Key{signer: signer, public: public}, nil
}

// As returns the same key for another algorithm of its family: only RSA keys have two.
func (k *Key) As(alg Alg) (*Key, error) {
	public, err := k.public.As(alg)
	if err != nil {
		return nil, err
	}
	return &Key{signer: k.signer, public: public}, nil
}

// ID returns the key's id, which is also its public half's.
func (k *Key) ID() string { return k.public.id }

// Alg returns the algorithm that the key signs with.
func (k *Key) Alg() Alg { return k.public.alg }

// Public returns the public half.
func (k *Key) Public() *PublicKey { return k.public }

// PEM returns the private key as one PKCS#8 block. It is the only way to get the secret out.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		return nil, fmt.Errorf("encoding the private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Sign signs the message, which is hashed as the algorithm says.
func (k *Key) Sign(message []byte) ([]byte, error) {
	if k == nil || k.signer == nil {
		return nil, record.NewProblem("signing.no_key", "", "", "there is no key to sign with")
	}
	var sig []byte
	var err error
	switch k.public.alg {
	case Ed25519:
		sig, err = k.signer.Sign(nil, message, crypto.Hash(0))
	case ECDSAP256SHA256:
		sig, err = k.signPair(message)
	case RSAPSSSHA512:
		sum := sha512.Sum512(message)
		sig, err = k.signer.Sign(rand.Reader, sum[:], pssOptions)
	case RSAV15SHA256:
		sum := sha256.Sum256(message)
		sig, err = k.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.public.id, err)
	}
	return sig, nil
}

func (k *Key) signPair(message []byte) ([]byte, error) {
	private, ok := k.signer.(*ecdsa.PrivateKey)
	if !ok {
		return nil, record.NewProblem("signing.unsupported_key", "", algHint, "not an ECDSA key")
	}
	sum := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		return nil, err
	}
	sig := make([]byte, 2*pairBytes)
	r.FillBytes(sig[:pairBytes])
	s.FillBytes(sig[pairBytes:])
	return sig, nil
}

// Format prints the key's id and algorithm for every verb.
func (k Key) Format(f fmt.State, _ rune) {
	if k.public == nil {
		_, _ = io.WriteString(f, "no key")
		return
	}
	_, _ = fmt.Fprintf(f, "private key %s (%s)", k.public.id, k.public.alg)
}

// LogValue logs the key's id.
func (k Key) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// MarshalJSON writes the key's id.
func (k Key) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", fmt.Sprint(k)), nil }

func splitPair(sig []byte) (r, s *big.Int, ok bool) {
	if len(sig) != 2*pairBytes {
		return nil, nil, false
	}
	return new(big.Int).SetBytes(sig[:pairBytes]), new(big.Int).SetBytes(sig[pairBytes:]), true
}
