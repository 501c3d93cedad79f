package testca

import (
	"bytes"
	"crypto"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"slices"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/keystore/pbe"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// signedData writes a token the way the national authority does: signed attributes in
// the order of their length, no signing-certificate-v2.
func (id *Identity) signedData(contentType string, content []byte, stamp Stamp) []byte {
	s := must(suite.Of(id.Key.Public()))
	attr := func(oid string, value []byte) []byte { return ber.Seq(ber.OID(oid), ber.Set(value)) }
	attrs := [][]byte{
		attr("1.2.840.113549.1.9.3", ber.OID(contentType)),
		attr("1.2.840.113549.1.9.5", ber.UTCTime(stamp.Time)),
		attr("1.2.840.113549.1.9.4", ber.Octets(s.Digest(content))),
	}
	switch {
	case stamp.Unnamed:
	case stamp.WithSHA1:
		sum := sha1.Sum(id.Certificate.Raw)
		attrs = append(attrs, attr("1.2.840.113549.1.9.16.2.12", ber.Seq(ber.Seq(ber.Seq(ber.Octets(sum[:]))))))
	default:
		sum := sha256.Sum256(id.Certificate.Raw)
		attrs = append(attrs, attr("1.2.840.113549.1.9.16.2.47", ber.Seq(ber.Seq(ber.Seq(ber.Octets(sum[:]))))))
	}
	signed := ber.SetOf(attrs...)
	implicit := slices.Clone(signed)
	implicit[0] = 0xa0
	digest := Algorithm(s, s.DigestOID.String())
	signer := ber.Seq(ber.Int(1), ber.Seq(id.Certificate.Issuer.Raw, ber.Integer(id.Certificate.SerialNumber)),
		digest, implicit, id.Algorithm(), ber.Octets(id.SignOctets(signed)))
	return ber.Seq(ber.OID("1.2.840.113549.1.7.2"), ber.Explicit(0, ber.Seq(ber.Int(3), ber.Set(digest),
		ber.Seq(ber.OID(contentType), ber.Explicit(0, ber.Octets(content))),
		ber.Explicit(0, id.Certificate.Raw), ber.Set(signer))))
}

// PKCS8 encodes a private key: of the national GOST keys as the national tools do.
func PKCS8(key crypto.Signer) []byte {
	var k *gost.PrivateKey
	switch key := key.(type) {
	case *gost.PrivateKey:
		k = key
	case *suite.RussianPrivateKey:
		k = key.PrivateKey
	default:
		return must(x509.MarshalPKCS8PrivateKey(key))
	}
	spki := ber.NewReader(must(suite.MarshalSPKI(key.Public()))).Seq()
	algorithm := spki.Next().Full
	inner := ber.Octets(k.Bytes())
	if len(k.Bytes()) == 32 {
		d := slices.Clone(k.Bytes())
		slices.Reverse(d)
		inner = ber.Integer(new(big.Int).SetBytes(d))
	}
	return ber.Seq(ber.Int(0), algorithm, ber.Octets(inner))
}

// iterations is what the national tools use.
const iterations = 1024

// seal encrypts plain under a PBE-SHA1 algorithm of RFC 7292 and returns its
// AlgorithmIdentifier and the encryption.
func seal(oid, password string, plain []byte) (algorithm, sealed []byte) {
	salt := make([]byte, 20)
	must(rand.Read(salt))
	derive := func(id byte, size int) []byte {
		return pbe.Derive(sha1.New, id, pbe.BMP(password), salt, iterations, size)
	}
	var block cipher.Block
	if oid == pbeRC2 {
		block = pbe.NewRC2(derive(pbe.IDKey, 5))
	} else {
		block = must(des.NewTripleDESCipher(derive(pbe.IDKey, 24)))
	}
	pad := 8 - len(plain)%8
	sealed = append(slices.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, derive(pbe.IDIV, 8)).CryptBlocks(sealed, sealed)
	return ber.Seq(ber.OID(oid), ber.Seq(ber.Octets(salt), ber.Int(iterations))), sealed
}

const (
	pbe3DES = "1.2.840.113549.1.12.1.3"
	pbeRC2  = "1.2.840.113549.1.12.1.6"
)

// macData returns MacData by HMAC-SHA1 over data.
func macData(password string, data []byte) []byte {
	salt := make([]byte, 20)
	must(rand.Read(salt))
	h := hmac.New(sha1.New, pbe.Derive(sha1.New, pbe.IDMAC, pbe.BMP(password), salt, iterations, sha1.Size))
	h.Write(data)
	return ber.Seq(ber.Seq(ber.Algorithm("1.3.14.3.2.26"), ber.Octets(h.Sum(nil))), ber.Octets(salt), ber.Int(iterations))
}

// PKCS12 returns a container as the national tools write it: BER with indefinite
// lengths, the key shrouded by 3DES, the certificates encrypted by RC2-40, a SHA-1 MAC.
func PKCS12(password string, id *Identity, others ...*Identity) []byte {
	local := make([]byte, 20)
	must(rand.Read(local))
	attrs := ber.Set(ber.Seq(ber.OID("1.2.840.113549.1.9.21"), ber.Set(ber.Octets(local))))
	algorithm, sealed := seal(pbe3DES, password, PKCS8(id.Key))
	keyBag := ber.Seq(ber.OID("1.2.840.113549.1.12.10.1.2"), ber.Explicit(0, ber.Seq(algorithm, ber.Octets(sealed))), attrs)
	bags := [][]byte{certBag(id, attrs)}
	for _, other := range others {
		bags = append(bags, certBag(other, nil))
	}
	algorithm, sealed = seal(pbeRC2, password, ber.Seq(bags...))
	data := ber.OID("1.2.840.113549.1.7.1")
	encrypted := indefinite(0x30, ber.Int(0), indefinite(0x30, data, algorithm, indefinite(0xa0, ber.Octets(sealed))))
	safe := indefinite(0x30,
		indefinite(0x30, data, indefinite(0xa0, ber.Octets(ber.Seq(keyBag)))),
		indefinite(0x30, ber.OID("1.2.840.113549.1.7.6"), indefinite(0xa0, encrypted)))
	return ber.Seq(ber.Int(3), ber.Seq(data, ber.Explicit(0, ber.Octets(safe))), macData(password, safe))
}

func certBag(id *Identity, attrs []byte) []byte {
	bag := ber.Seq(ber.OID("1.2.840.113549.1.9.22.1"), ber.Explicit(0, ber.Octets(id.Certificate.Raw)))
	return ber.Seq(ber.OID("1.2.840.113549.1.12.10.1.3"), ber.Explicit(0, bag), attrs)
}

// indefinite encodes a constructed value of indefinite length.
func indefinite(id byte, values ...[]byte) []byte {
	return slices.Concat([]byte{id, 0x80}, slices.Concat(values...), []byte{0, 0})
}
