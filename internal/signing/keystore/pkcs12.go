package keystore

import (
	"crypto/hmac"
	"fmt"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/keystore/pbe"
)

// Object identifiers of PKCS#7, PKCS#9 and PKCS#12.
const (
	oidData          = "1.2.840.113549.1.7.1"
	oidEncryptedData = "1.2.840.113549.1.7.6"
	oidKeyBag        = "1.2.840.113549.1.12.10.1.1"
	oidShroudedBag   = "1.2.840.113549.1.12.10.1.2"
	oidCertBag       = "1.2.840.113549.1.12.10.1.3"
	oidSafeBag       = "1.2.840.113549.1.12.10.1.6"
	oidX509          = "1.2.840.113549.1.9.22.1"
	oidLocalKeyID    = "1.2.840.113549.1.9.21"
)

// maxBags bounds the keys and certificates of one container.
const maxBags = 64

// bag is a key (PKCS#8) or a certificate with the identifier that pairs them.
type bag struct {
	der        []byte
	localKeyID string
}

// contents of a PKCS#12 container.
type contents struct {
	keys, certs []bag
	password    string
}

// readPKCS12 opens a container. An error that wraps errMAC means that the password is
// wrong or the container was changed.
func readPKCS12(der []byte, password string) (*contents, error) {
	top := ber.NewReader(der)
	pfx := top.Seq()
	if v := pfx.Int(100); v != 3 && pfx.Err() == nil {
		return nil, fmt.Errorf("PKCS#12 version %d, expected 3", v)
	}
	oid, safe := contentInfo(pfx)
	if oid != oidData && pfx.Err() == nil {
		return nil, fmt.Errorf("the container is not protected by a password (content %s)", oid)
	}
	authSafe := safe.Octets()
	_ = safe.End()
	if pfx.Empty() && pfx.Err() == nil {
		return nil, fmt.Errorf("the container has no MAC")
	}
	if err := checkMAC(pfx, authSafe, password); err != nil {
		return nil, err
	}
	if err := pfx.End(); err != nil {
		return nil, err
	}
	if err := top.End(); err != nil {
		return nil, err
	}
	c := &contents{password: password}
	in := ber.NewReader(authSafe)
	for seq := in.Seq(); !seq.Empty(); {
		oid, r := contentInfo(seq)
		if err := c.readSafe(oid, r); err != nil {
			return nil, err
		}
	}
	return c, in.End()
}

// contentInfo reads a ContentInfo up to its contents.
func contentInfo(r *ber.Reader) (string, *ber.Reader) {
	seq := r.Seq()
	oid := seq.OID()
	inner := seq.Explicit(0)
	_ = seq.End()
	return oid, inner
}

// errMAC is returned for a MAC that does not fit.
var errMAC = fmt.Errorf("the MAC does not fit: %w", pbe.ErrPassword)

func checkMAC(pfx *ber.Reader, data []byte, password string) error {
	mac := pfx.Seq()
	info := mac.Seq()
	alg := info.Seq()
	oid := alg.OID()
	if !alg.Empty() {
		alg.Null()
	}
	_ = alg.End()
	want := info.Octets()
	_ = info.End()
	salt := mac.Octets()
	iterations := 1
	if !mac.Empty() {
		iterations = pbe.Iterations(mac)
	}
	if err := mac.End(); err != nil {
		return err
	}
	newHash := pbe.Hash(oid)
	if newHash == nil {
		return fmt.Errorf("unknown MAC %s", oid)
	}
	key := pbe.Derive(newHash, pbe.IDMAC, pbe.BMP(password), salt, iterations, newHash().Size())
	h := hmac.New(newHash, key)
	h.Write(data)
	if !hmac.Equal(h.Sum(nil), want) {
		return errMAC
	}
	return nil
}

// readSafe reads one AuthenticatedSafe entry, decrypting it if need be.
func (c *contents) readSafe(oid string, r *ber.Reader) error {
	var plain []byte
	switch oid {
	case oidData:
		plain = r.Octets()
	case oidEncryptedData:
		seq := r.Seq()
		seq.Int(2)
		info := seq.Seq()
		info.OID()
		algorithm := info.Expect(ber.Universal, ber.TagSequence, true)
		body := info.Next()
		if info.Err() == nil && !body.Is(ber.Context, 0) {
			return fmt.Errorf("encrypted data without contents")
		}
		sealed := info.OctetsOf(body)
		if err := info.End(); err != nil {
			return err
		}
		var err error
		if plain, err = pbe.Decrypt(ber.NewReader(algorithm.Full), sealed, c.password); err != nil {
			return err
		}
	default:
		if err := r.Err(); err != nil {
			return err
		}
		return fmt.Errorf("contents of the kind %s", oid)
	}
	if err := r.End(); err != nil {
		return err
	}
	in := ber.NewReader(plain)
	c.readBags(in, in.Seq())
	return in.End()
}

// readBags reads a SafeContents; errors are kept in r.
func (c *contents) readBags(r, seq *ber.Reader) {
	for !seq.Empty() {
		safe := seq.Seq()
		oid := safe.OID()
		value := safe.Explicit(0)
		b := bag{}
		if !safe.Empty() {
			b.localKeyID = localKeyID(safe.Set())
		}
		_ = safe.End()
		c.readBag(oid, value, b)
		if len(c.keys)+len(c.certs) > maxBags {
			r.Fail(fmt.Errorf("more than %d keys and certificates", maxBags))
		}
	}
}

func (c *contents) readBag(oid string, value *ber.Reader, b bag) {
	switch oid {
	case oidKeyBag:
		b.der = value.Next().Full
		c.keys = append(c.keys, b)
	case oidShroudedBag:
		sealed := value.Next()
		if value.Err() != nil {
			return
		}
		plain, err := decryptPKCS8(sealed.Full, c.password)
		if err != nil {
			value.Fail(err)
			return
		}
		b.der = plain
		c.keys = append(c.keys, b)
	case oidCertBag:
		seq := value.Seq()
		kind := seq.OID()
		inner := seq.Explicit(0)
		b.der = inner.Octets()
		_ = inner.End()
		_ = seq.End()
		if kind == oidX509 {
			c.certs = append(c.certs, b)
		}
	case oidSafeBag:
		c.readBags(value, value.Seq())
	}
}

// localKeyID returns the localKeyID among the bag attributes, as raw octets.
func localKeyID(set *ber.Reader) string {
	id := ""
	for !set.Empty() {
		attr := set.Seq()
		oid := attr.OID()
		values := attr.Set()
		if oid == oidLocalKeyID {
			id = string(values.Octets())
		}
	}
	return id
}

// decryptPKCS8 opens an EncryptedPrivateKeyInfo.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	top := ber.NewReader(der)
	seq := top.Seq()
	algorithm := seq.Expect(ber.Universal, ber.TagSequence, true)
	sealed := seq.Octets()
	_ = seq.End()
	if err := top.End(); err != nil {
		return nil, err
	}
	return pbe.Decrypt(ber.NewReader(algorithm.Full), sealed, password)
}
