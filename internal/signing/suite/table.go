package suite

import (
	"crypto"
	"crypto/sha256"
	"encoding/asn1"

	"birgeoqy.kz/almasu/internal/signing/gost"
)

type oid = asn1.ObjectIdentifier

const (
	xmlKZ = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
	xmlRU = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
	xmlW3 = "http://www.w3.org/2001/04/xmldsig-more#"
)

// The hash functions. The Kazakh and the Russian Streebog are the same function under two names.
var (
	streebog512KZ = &Digest{"Streebog-512", oid{1, 2, 398, 3, 10, 1, 3, 3}, xmlKZ + "gostr34112015-512", gost.NewStreebog512}
	streebog256KZ = &Digest{"Streebog-256", oid{1, 2, 398, 3, 10, 1, 3, 2}, xmlKZ + "gostr34112015-256", gost.NewStreebog256}
	gost34311     = &Digest{"GOST 34.311-95", oid{1, 2, 398, 3, 10, 1, 3, 1}, xmlW3 + "gost34311", gost.New341194}
	streebog512RU = &Digest{"Streebog-512", oid{1, 2, 643, 7, 1, 1, 2, 3}, xmlRU + "gostr34112012-512", gost.NewStreebog512}
	streebog256RU = &Digest{"Streebog-256", oid{1, 2, 643, 7, 1, 1, 2, 2}, xmlRU + "gostr34112012-256", gost.NewStreebog256}
	sha2          = &Digest{"SHA-256", oid{2, 16, 840, 1, 101, 3, 4, 2, 1}, "http://www.w3.org/2001/04/xmlenc#sha256", sha256.New}

	digests = []*Digest{streebog512KZ, streebog256KZ, gost34311, streebog512RU, streebog256RU, sha2}
)

var suites = []*Suite{
	newSuite("GOST-2015-512", oid{1, 2, 398, 3, 10, 1, 1, 2, 2}, oid{1, 2, 398, 3, 10, 1, 1, 2, 3, 2},
		xmlKZ+"gostr34102015-gostr34112015-512", streebog512KZ, onCurve(gost.ParamSetA512), verifyGOST, 0),
	newSuite("GOST-2015-256", oid{1, 2, 398, 3, 10, 1, 1, 2, 1}, oid{1, 2, 398, 3, 10, 1, 1, 2, 3, 1},
		xmlKZ+"gostr34102015-gostr34112015-256", streebog256KZ, onCurve(gost.ParamSetA256), verifyGOST, 0),
	newSuite("GOST-2004", oid{1, 2, 398, 3, 10, 1, 1, 1, 1}, oid{1, 2, 398, 3, 10, 1, 1, 1, 2},
		xmlW3+"gost34310-gost34311", gost34311, onCurve(gost.CryptoProA), verifyGOST, 0),
	newSuite("TC26-512", oid{1, 2, 643, 7, 1, 1, 1, 2}, oid{1, 2, 643, 7, 1, 1, 3, 3},
		xmlRU+"gostr34102012-gostr34112012-512", streebog512RU, ofSize(64), verifyRussian, 0),
	newSuite("TC26-256", oid{1, 2, 643, 7, 1, 1, 1, 1}, oid{1, 2, 643, 7, 1, 1, 3, 2},
		xmlRU+"gostr34102012-gostr34112012-256", streebog256RU, ofSize(32), verifyRussian, 0),
	newSuite("RSA-SHA256", oid{1, 2, 840, 113549, 1, 1, 1}, oid{1, 2, 840, 113549, 1, 1, 11},
		xmlW3+"rsa-sha256", sha2, isRSA, verifyRSA, crypto.SHA256),
	newSuite("ECDSA-P256-SHA256", oid{1, 2, 840, 10045, 2, 1}, oid{1, 2, 840, 10045, 4, 3, 2},
		"", sha2, isP256, verifyECDSA, crypto.SHA256),
}

func newSuite(name string, key, sig oid, uri string, d *Digest, owns func(crypto.PublicKey) bool,
	verify func(crypto.PublicKey, []byte, []byte) bool, opts crypto.Hash) *Suite {
	return &Suite{Name: name, KeyOID: key, SignatureOID: sig, SignatureURI: uri, DigestOID: d.OID, DigestURI: d.URI,
		NewHash: d.New, owns: owns, verify: verify, opts: opts}
}

// curveForm is how a SubjectPublicKeyInfo names a curve.
type curveForm struct {
	key, curve oid
	digest     oid  // the only digest parameter that is accepted
	kazakh     bool // the key becomes a *gost.PublicKey, and the digest parameter is mandatory
	withDigest bool // the digest parameter is written
	of         func() *gost.Curve
}

var (
	gost34311ParamsOID = oid{1, 2, 398, 3, 10, 1, 3, 1, 1, 0}

	keyTC26512 = oid{1, 2, 643, 7, 1, 1, 1, 2}
	keyTC26256 = oid{1, 2, 643, 7, 1, 1, 1, 1}
)

var curveForms = []curveForm{
	{oid{1, 2, 398, 3, 10, 1, 1, 2, 2}, oid{1, 2, 398, 3, 10, 1, 1, 2, 2, 1}, streebog512KZ.OID, true, true, gost.ParamSetA512},
	{oid{1, 2, 398, 3, 10, 1, 1, 2, 1}, oid{1, 2, 398, 3, 10, 1, 1, 2, 1, 1}, streebog256KZ.OID, true, true, gost.ParamSetA256},
	{oid{1, 2, 398, 3, 10, 1, 1, 1, 1}, oid{1, 2, 398, 3, 10, 1, 1, 1, 1, 1}, gost34311ParamsOID, true, true, gost.CryptoProA},
	{keyTC26512, oid{1, 2, 643, 7, 1, 2, 1, 2, 1}, streebog512RU.OID, false, false, gost.ParamSetA512},
	{keyTC26256, oid{1, 2, 643, 7, 1, 2, 1, 1, 1}, streebog256RU.OID, false, false, gost.ParamSetA256},
	{keyTC26256, oid{1, 2, 643, 7, 1, 2, 1, 1, 2}, streebog256RU.OID, false, false, gost.CryptoProA},
	{keyTC26256, oid{1, 2, 643, 2, 2, 35, 1}, streebog256RU.OID, false, true, gost.CryptoProA},
	{keyTC26256, oid{1, 2, 643, 2, 2, 36, 0}, streebog256RU.OID, false, true, gost.CryptoProA},
}
