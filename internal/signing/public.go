package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"

	"birgeoqy.kz/almasu/internal/record"
)

const (
	keyIDPrefix = "almasu:"
	keyIDChars  = 22 // 132 bits of the hash
	rsaMinBits  = 2048
	rsaMaxBits  = 8192
	maxPEMBytes = 1 << 16
	algHint     = "use ed25519, ecdsa-p256-sha256, rsa-pss-sha512 or rsa-v1_5-sha256"
)

var (
	pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA512}
	oidPSS     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10} // RFC 8017 id-RSASSA-PSS
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)

// PublicKey verifies what the [Key] of the same id signed. It is safe for concurrent use.
type PublicKey struct {
	key  crypto.PublicKey
	alg  Alg
	spki []byte
	hash [sha256.Size]byte
	id   string
}

// ParsePublicKey reads a public key from one PEM block with an SPKI.
func ParsePublicKey(pemBytes []byte) (*PublicKey, error) {
	block, err := onlyBlock(pemBytes)
	if err != nil {
		return nil, err
	}
	if block.Type != "PUBLIC KEY" {
		return nil, badKey("this PEM block does not hold a public key", `expected "PUBLIC KEY" (SPKI)`)
	}
	return parseSPKI(block.Bytes)
}

func parseSPKI(der []byte) (*PublicKey, error) {
	alg := Alg("")
	if plain, ok := pssPublicKey(der); ok {
		der, alg = plain, RSAPSSSHA512
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, badKey("the public key does not parse", algHint)
	}
	return newPublicKey(parsed, alg)
}

// newPublicKey checks the key's strength; an empty alg is the default of its family.
func newPublicKey(key crypto.PublicKey, alg Alg) (*PublicKey, error) {
	var family Alg
	switch key := key.(type) {
	case ed25519.PublicKey:
		family = Ed25519
		if smallOrder(key) {
			return nil, record.NewProblem("signing.weak_key", "", "", "this Ed25519 key is a point of small order")
		}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return nil, record.NewProblem("signing.unsupported_key", "", algHint, "of the elliptic curves only P-256 is supported")
		}
		family = ECDSAP256SHA256
	case *rsa.PublicKey:
		family = RSAPSSSHA512
		if bits := key.N.BitLen(); bits < rsaMinBits || bits > rsaMaxBits {
			return nil, record.NewProblem("signing.weak_key", "", "make an RSA key of 3072 bits", "an RSA key of %d bits: expected %d to %d", bits, rsaMinBits, rsaMaxBits)
		}
		if key.E < 65537 || key.E%2 == 0 || key.N.Bit(0) == 0 {
			return nil, record.NewProblem("signing.weak_key", "", "make an RSA key with the exponent 65537", "the RSA exponent is too small or even")
		}
	default:
		return nil, record.NewProblem("signing.unsupported_key", "", algHint, "this kind of key is not supported")
	}
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, badKey("the public key cannot be encoded", algHint)
	}
	p := &PublicKey{key: key, alg: family, spki: spki, hash: sha256.Sum256(spki)}
	p.id = keyIDPrefix + base64.RawURLEncoding.EncodeToString(p.hash[:])[:keyIDChars]
	if alg == "" || alg == family {
		return p, nil
	}
	return p.As(alg)
}

// As returns the same key for another algorithm of its family: only RSA keys have two.
func (p *PublicKey) As(alg Alg) (*PublicKey, error) {
	_, isRSA := p.key.(*rsa.PublicKey)
	if alg != p.alg && (!isRSA || alg != RSAPSSSHA512 && alg != RSAV15SHA256) {
		return nil, record.NewProblem("signing.unsupported_key", "", algHint, "this key cannot be used with that algorithm")
	}
	other := *p
	other.alg = alg
	return &other, nil
}

// ID returns "almasu:" and 22 characters of the SPKI's SHA-256 in base64url.
func (p *PublicKey) ID() string { return p.id }

// Alg returns the one algorithm whose signatures the key verifies.
func (p *PublicKey) Alg() Alg { return p.alg }

// Fingerprint returns "sha256:" and the SHA-256 of the SPKI in hexadecimal.
func (p *PublicKey) Fingerprint() string { return "sha256:" + hex.EncodeToString(p.hash[:]) }

// String returns the key's id.
func (p *PublicKey) String() string { return p.id }

// PEM returns the SPKI as one "PUBLIC KEY" block.
func (p *PublicKey) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.spki})
}

// Verify checks the signature over the message; a failure has the code signing.bad_signature.
func (p *PublicKey) Verify(message, sig []byte) error {
	if p == nil || !p.verify(message, sig) {
		return record.NewProblem("signing.bad_signature", "", "", "the signature does not verify")
	}
	return nil
}

func (p *PublicKey) verify(message, sig []byte) bool {
	switch key := p.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, sig)
	case *ecdsa.PublicKey:
		r, s, ok := splitPair(sig)
		sum := sha256.Sum256(message)
		return ok && ecdsa.Verify(key, sum[:], r, s)
	case *rsa.PublicKey:
		if p.alg == RSAV15SHA256 {
			sum := sha256.Sum256(message)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
		}
		sum := sha512.Sum512(message)
		return rsa.VerifyPSS(key, crypto.SHA512, sum[:], sig, pssOptions) == nil
	}
	return false
}

func badKey(message, hint string) error {
	return record.NewProblem("signing.bad_key", "", hint, "%s", message)
}

// onlyBlock returns the one PEM block of a file that holds nothing else.
func onlyBlock(b []byte) (*pem.Block, error) {
	if len(b) > maxPEMBytes {
		return nil, badKey("the key file is too large", "a key file holds one PEM block")
	}
	b = bytes.TrimSpace(b)
	if !bytes.HasPrefix(b, []byte("-----BEGIN ")) {
		return nil, badKey("this is not a PEM file", "the file begins with -----BEGIN")
	}
	block, rest := pem.Decode(b)
	if block == nil {
		return nil, badKey("the PEM block does not parse", "a key file holds one whole PEM block")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, badKey("there is something after the PEM block", "a key file holds one PEM block")
	}
	if len(block.Headers) != 0 {
		return nil, badKey("the PEM block has header lines", "encrypted PEM is not supported: protect the file by its mode")
	}
	return block, nil
}

// pssPrivateKey returns the PKCS#1 key inside a PKCS#8 one whose algorithm is id-RSASSA-PSS.
func pssPrivateKey(der []byte) (pkcs1 []byte, ok bool) {
	var outer struct {
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		PrivateKey []byte
		Attributes asn1.RawValue `asn1:"optional,tag:0"`
	}
	rest, err := asn1.Unmarshal(der, &outer)
	if err != nil || len(rest) != 0 || !outer.Algorithm.Algorithm.Equal(oidPSS) {
		return nil, false
	}
	return outer.PrivateKey, true
}

// pssPublicKey rewrites an SPKI whose algorithm is id-RSASSA-PSS to one with rsaEncryption.
func pssPublicKey(der []byte) (spki []byte, ok bool) {
	type subjectPublicKeyInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	var outer subjectPublicKeyInfo
	rest, err := asn1.Unmarshal(der, &outer)
	if err != nil || len(rest) != 0 || !outer.Algorithm.Algorithm.Equal(oidPSS) {
		return nil, false
	}
	outer.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}
	spki, err = asn1.Marshal(outer)
	return spki, err == nil
}

// smallOrders are the y coordinates of the points of order 1, 2, 4 and 8 on edwards25519, and their encodings that are not reduced.
var smallOrders = [...]string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func smallOrder(key ed25519.PublicKey) bool {
	y := bytes.Clone(key)
	y[len(y)-1] &= 0x7f // the sign of x
	text := hex.EncodeToString(y)
	for _, s := range smallOrders {
		if s == text {
			return true
		}
	}
	return false
}
