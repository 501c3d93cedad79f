package cert

import (
	"bytes"
	"math/big"
)

// Pool is a set of certificates. A nil Pool is empty. After it is filled it may be
// read by several goroutines.
type Pool struct {
	all    []*Certificate
	byName map[string][]*Certificate
}

// NewPool returns a pool of the given certificates.
func NewPool(certs ...*Certificate) *Pool {
	p := &Pool{byName: map[string][]*Certificate{}}
	for _, c := range certs {
		p.Add(c)
	}
	return p
}

// Add puts c into the pool unless it is there.
func (p *Pool) Add(c *Certificate) {
	if !p.Contains(c) {
		p.all = append(p.all, c)
		key := nameKey(c.Subject)
		p.byName[key] = append(p.byName[key], c)
	}
}

// All returns the certificates in the order in which they were added.
func (p *Pool) All() []*Certificate {
	if p == nil {
		return nil
	}
	return p.all
}

// Contains reports whether the very certificate is in the pool.
func (p *Pool) Contains(c *Certificate) bool {
	if p == nil {
		return false
	}
	for _, have := range p.byName[nameKey(c.Subject)] {
		if bytes.Equal(have.Raw, c.Raw) {
			return true
		}
	}
	return false
}

// Issuers returns the certificates that may have issued c: by name, and by key
// identifier where both name it.
func (p *Pool) Issuers(c *Certificate) []*Certificate {
	if p == nil {
		return nil
	}
	var out []*Certificate
	for _, have := range p.byName[nameKey(c.Issuer)] {
		if c.AuthorityKeyID != nil && have.SubjectKeyID != nil && !bytes.Equal(c.AuthorityKeyID, have.SubjectKeyID) {
			continue
		}
		out = append(out, have)
	}
	return out
}

// BySerial returns the certificates with the given serial number whose issuer same
// accepts: XML signatures name a certificate so.
func (p *Pool) BySerial(serial *big.Int, same func(issuer Name) bool) []*Certificate {
	var out []*Certificate
	for _, c := range p.All() {
		if c.SerialNumber.Cmp(serial) == 0 && same(c.Issuer) {
			out = append(out, c)
		}
	}
	return out
}

// ByKeyID returns the certificates with the given subject key identifier.
func (p *Pool) ByKeyID(id []byte) []*Certificate {
	var out []*Certificate
	for _, c := range p.All() {
		if len(id) > 0 && bytes.Equal(c.SubjectKeyID, id) {
			out = append(out, c)
		}
	}
	return out
}

// nameKey is equal for names that [Name.Equal] takes for the same.
func nameKey(n Name) string {
	var b []byte
	for _, k := range n.keys(exactly) {
		b = append(append(b, k...), 1)
	}
	return string(b)
}
