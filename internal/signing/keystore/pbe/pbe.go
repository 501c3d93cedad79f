// Package pbe derives keys from passwords and decrypts what they protect in PKCS#12
// containers and encrypted PKCS#8 keys: PBE-SHA1 of RFC 7292 appendix C with 3DES and
// RC2, and PBES2 of RFC 8018 with PBKDF2 and AES-CBC or 3DES-CBC. RC2 and SHA-1 are
// here because national key containers are made with them; nothing else should be.
//
// The iterations that a file may ask for are bounded by [MaxIterations]. A decryption
// that yields nonsense fails with [ErrPassword]; no error shows key material.
package pbe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"unicode/utf16"

	"birgeoqy.kz/almasu/internal/signing/ber"
)

// MaxIterations bounds the work that a file may demand of a password derivation.
const MaxIterations = 5_000_000

// Object identifiers of password-based encryption (RFC 7292 appendix C, RFC 8018).
const (
	oidPBE3DES3   = "1.2.840.113549.1.12.1.3"
	oidPBE3DES2   = "1.2.840.113549.1.12.1.4"
	oidPBERC2128  = "1.2.840.113549.1.12.1.5"
	oidPBERC240   = "1.2.840.113549.1.12.1.6"
	oidPBES2      = "1.2.840.113549.1.5.13"
	oidPBKDF2     = "1.2.840.113549.1.5.12"
	oidDES3CBC    = "1.2.840.113549.3.7"
	oidAES128CBC  = "2.16.840.1.101.3.4.1.2"
	oidAES192CBC  = "2.16.840.1.101.3.4.1.22"
	oidAES256CBC  = "2.16.840.1.101.3.4.1.42"
	oidSHA1       = "1.3.14.3.2.26"
	oidSHA256     = "2.16.840.1.101.3.4.2.1"
	oidSHA384     = "2.16.840.1.101.3.4.2.2"
	oidSHA512     = "2.16.840.1.101.3.4.2.3"
	oidHMACSHA1   = "1.2.840.113549.2.7"
	oidHMACSHA256 = "1.2.840.113549.2.9"
	oidHMACSHA384 = "1.2.840.113549.2.10"
	oidHMACSHA512 = "1.2.840.113549.2.11"
)

// hashes are the hash functions by their own and by their HMAC's identifier.
var hashes = map[string]func() hash.Hash{
	oidSHA1: sha1.New, oidSHA256: sha256.New, oidSHA384: sha512.New384, oidSHA512: sha512.New,
	oidHMACSHA1: sha1.New, oidHMACSHA256: sha256.New, oidHMACSHA384: sha512.New384, oidHMACSHA512: sha512.New,
}

// ErrPassword is the cause when a decryption yields nonsense.
var ErrPassword = errors.New("wrong password or damaged contents")

// Purposes of the PKCS#12 derivation (RFC 7292, appendix B.3).
const (
	IDKey = 1
	IDIV  = 2
	IDMAC = 3
)

// BMP is the password as PKCS#12 feeds it to the derivation: UTF-16, big-endian, with
// a zero at the end.
func BMP(password string) []byte {
	units := append(utf16.Encode([]rune(password)), 0)
	out := make([]byte, 2*len(units))
	for i, u := range units {
		out[2*i], out[2*i+1] = byte(u>>8), byte(u)
	}
	return out
}

// Derive is the key derivation of RFC 7292, appendix B.2.
func Derive(newHash func() hash.Hash, id byte, password, salt []byte, iterations, size int) []byte {
	h := newHash()
	v := h.BlockSize()
	fill := func(b []byte) []byte {
		if len(b) == 0 {
			return nil
		}
		n := (len(b) + v - 1) / v * v
		return bytes.Repeat(b, n/len(b)+1)[:n]
	}
	in := append(fill(salt), fill(password)...)
	d := bytes.Repeat([]byte{id}, v)
	var out []byte
	for {
		h.Reset()
		h.Write(d)
		h.Write(in)
		a := h.Sum(nil)
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		if out = append(out, a...); len(out) >= size {
			return out[:size]
		}
		b := fill(a)[:v]
		for j := 0; j < len(in); j += v {
			carry := 1
			for k := v - 1; k >= 0; k-- {
				carry += int(in[j+k]) + int(b[k])
				in[j+k] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// Iterations reads an iteration count within the bound.
func Iterations(r *ber.Reader) int {
	n := r.Int(MaxIterations)
	if r.Err() == nil && n < 1 {
		r.Fail(fmt.Errorf("%w: no iterations", ber.ErrSyntax))
	}
	return n
}

// Decrypt undoes the password-based encryption named by the AlgorithmIdentifier that
// r reads next.
func Decrypt(algorithm *ber.Reader, data []byte, password string) ([]byte, error) {
	seq := algorithm.Seq()
	oid := seq.OID()
	params := seq.Seq()
	if err := seq.End(); err != nil {
		return nil, err
	}
	var block cipher.Block
	var iv []byte
	var err error
	if oid == oidPBES2 {
		block, iv, err = pbes2(params, password)
	} else {
		block, iv, err = pbes1(oid, params, password)
	}
	if err != nil {
		return nil, err
	}
	return cbcDecrypt(block, iv, data)
}

func pbes1(oid string, params *ber.Reader, password string) (cipher.Block, []byte, error) {
	salt := params.Octets()
	iterations := Iterations(params)
	if err := params.End(); err != nil {
		return nil, nil, err
	}
	size := map[string]int{oidPBE3DES3: 24, oidPBE3DES2: 16, oidPBERC2128: 16, oidPBERC240: 5}[oid]
	if size == 0 {
		return nil, nil, fmt.Errorf("unknown encryption %s", oid)
	}
	pw := BMP(password)
	key := Derive(sha1.New, IDKey, pw, salt, iterations, size)
	iv := Derive(sha1.New, IDIV, pw, salt, iterations, 8)
	switch oid {
	case oidPBERC2128, oidPBERC240:
		return NewRC2(key), iv, nil
	case oidPBE3DES2:
		key = append(key, key[:8]...)
	}
	block, err := des.NewTripleDESCipher(key)
	return block, iv, err
}

func pbes2(params *ber.Reader, password string) (cipher.Block, []byte, error) {
	kdf := params.Seq()
	if oid := kdf.OID(); oid != oidPBKDF2 && kdf.Err() == nil {
		return nil, nil, fmt.Errorf("unknown key derivation %s", oid)
	}
	p := kdf.Seq()
	salt := p.Octets()
	iterations := Iterations(p)
	if p.Has(ber.Universal, ber.TagInteger) {
		p.Int(64) // the key length follows from the cipher
	}
	prf := oidHMACSHA1
	if !p.Empty() {
		alg := p.Seq()
		prf = alg.OID()
		if !alg.Empty() {
			alg.Null()
		}
		_ = alg.End()
	}
	_ = p.End()
	_ = kdf.End()
	scheme := params.Seq()
	oid := scheme.OID()
	iv := scheme.Octets()
	_ = scheme.End()
	if err := params.End(); err != nil {
		return nil, nil, err
	}
	newHash := hashes[prf]
	size := map[string]int{oidAES128CBC: 16, oidAES192CBC: 24, oidAES256CBC: 32, oidDES3CBC: 24}[oid]
	if newHash == nil || size == 0 {
		return nil, nil, fmt.Errorf("unknown encryption %s with %s", oid, prf)
	}
	key, err := pbkdf2.Key(newHash, password, salt, iterations, size)
	if err != nil {
		return nil, nil, err
	}
	var block cipher.Block
	if oid == oidDES3CBC {
		block, err = des.NewTripleDESCipher(key)
	} else {
		block, err = aes.NewCipher(key)
	}
	return block, iv, err
}

// cbcDecrypt decrypts CBC and removes the padding of RFC 8018, section 6.1.1.
func cbcDecrypt(block cipher.Block, iv, data []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, ErrPassword
	}
	out := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > size {
		return nil, ErrPassword
	}
	want := bytes.Repeat([]byte{byte(pad)}, pad)
	if subtle.ConstantTimeCompare(out[len(out)-pad:], want) != 1 {
		return nil, ErrPassword
	}
	return out[:len(out)-pad], nil
}

// Hash returns the hash function of a MAC by its dotted object identifier, nil if unknown.
func Hash(oid string) func() hash.Hash { return hashes[oid] }
