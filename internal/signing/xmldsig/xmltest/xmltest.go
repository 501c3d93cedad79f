// Package xmltest makes the keys and self-signed certificates with which the tests of
// the XML packages sign, random documents, and finds the programs with which they compare. Only tests
// import it; a certificate of its making is trusted nowhere.
package xmltest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/gost"
	"birgeoqy.kz/almasu/internal/signing/suite"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
)

// Suites are the names of the suites that sign XML, as [Signer] takes them.
var Suites = []string{"RSA-SHA256", "GOST-2015-512", "GOST-2015-256", "GOST-2004", "TC26-512", "TC26-256"}

var signers sync.Map // name to func() (xmldsig.Signer, error)

// Signer returns a key of the named suite with a self-signed certificate, the same one
// within a process. label tells several keys of one suite apart.
func Signer(tb testing.TB, suiteName, label string) xmldsig.Signer {
	tb.Helper()
	made, _ := signers.LoadOrStore(suiteName+"/"+label, sync.OnceValues(func() (xmldsig.Signer, error) {
		return newSigner(suiteName, label)
	}))
	s, err := made.(func() (xmldsig.Signer, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newSigner(suiteName, label string) (xmldsig.Signer, error) {
	key, err := newKey(suiteName)
	if err != nil {
		return xmldsig.Signer{}, err
	}
	c, err := selfSigned(key, "Синтетикалық "+suiteName+" "+label)
	return xmldsig.Signer{Key: key, Certificate: c, Rand: rand.Reader}, err
}

func newKey(suiteName string) (crypto.Signer, error) {
	switch suiteName {
	case "RSA-SHA256":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "GOST-2015-512":
		return gost.GenerateKey(gost.ParamSetA512(), rand.Reader)
	case "GOST-2015-256":
		return gost.GenerateKey(gost.ParamSetA256(), rand.Reader)
	case "GOST-2004":
		return gost.GenerateKey(gost.CryptoProA(), rand.Reader)
	case "TC26-512":
		return russianKey(gost.ParamSetA512())
	case "TC26-256":
		return russianKey(gost.ParamSetA256())
	}
	return nil, fmt.Errorf("no suite %q", suiteName)
}

func russianKey(curve *gost.Curve) (crypto.Signer, error) {
	key, err := gost.GenerateKey(curve, rand.Reader)
	if err != nil {
		return nil, err
	}
	return suite.NewRussianPrivateKey(key)
}

// name encodes CN=common, C=KZ in that order, as the national authority writes names.
func name(common string) []byte {
	part := func(oid string, value []byte) []byte { return ber.Set(ber.Seq(ber.OID(oid), value)) }
	return ber.Seq(part("2.5.4.3", ber.UTF8(common)), part("2.5.4.6", ber.Printable("KZ")))
}

// selfSigned makes a certificate valid from 2020 to 2040.
func selfSigned(key crypto.Signer, common string) (*cert.Certificate, error) {
	su, err := suite.Of(key.Public())
	if err != nil {
		return nil, err
	}
	spki, err := suite.MarshalSPKI(key.Public())
	if err != nil {
		return nil, err
	}
	serial := new(big.Int).SetBytes(su.Digest(spki)[:16])
	algorithm := ber.Seq(ber.OID(su.SignatureOID.String()), ber.Null())
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	tbs := ber.Seq(ber.Explicit(0, ber.Int(2)), ber.Integer(serial), algorithm, name(common),
		ber.Seq(ber.UTCTime(from), ber.UTCTime(from.AddDate(20, 0, 0))), name(common), spki)
	sig, err := su.Sign(rand.Reader, key, su.Digest(tbs))
	if err != nil {
		return nil, err
	}
	return cert.Parse(ber.Seq(tbs, algorithm, ber.Bits(sig)))
}

// Run runs a program in dir and returns its output; a failure of it fails the test.
func Run(tb testing.TB, dir, program string, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s %q: %v\n%s%s", filepath.Base(program), args, err, out, stderr.Bytes())
	}
	return out
}

// Write writes a file of the test and returns its path.
func Write(tb testing.TB, dir, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// PEM returns a block of that type.
func PEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
