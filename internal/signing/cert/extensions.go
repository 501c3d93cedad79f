package cert

import (
	"fmt"
	"math/bits"
	"strings"

	"birgeoqy.kz/almasu/internal/signing/ber"
)

// Extensions of RFC 5280, RFC 6960 and of the national authority.
const (
	oidSubjectKeyID    = "2.5.29.14"
	oidKeyUsage        = "2.5.29.15"
	oidConstraints     = "2.5.29.19"
	oidCRLPoints       = "2.5.29.31"
	oidPolicies        = "2.5.29.32"
	oidAuthorityKeyID  = "2.5.29.35"
	oidExtKeyUsage     = "2.5.29.37"
	oidFreshestCRL     = "2.5.29.46"
	oidAuthorityAccess = "1.3.6.1.5.5.7.1.1"
	oidOCSPNoCheck     = "1.3.6.1.5.5.7.48.1.5"
	oidKeyStore        = "1.2.398.3.3.5"

	oidAccessOCSP    = "1.3.6.1.5.5.7.48.1"
	oidAccessIssuers = "1.3.6.1.5.5.7.48.2"
)

// Extension is one extension of a certificate, a CRL or an OCSP response.
type Extension struct {
	OID      string
	Critical bool
	Value    []byte // contents of the extnValue octet string
}

// ParseExtensions reads a SEQUENCE OF Extension; one that occurs twice is an error.
func ParseExtensions(r *ber.Reader) ([]Extension, error) {
	var all []Extension
	seen := map[string]bool{}
	for seq := r.Seq(); !seq.Empty(); {
		e := seq.Seq()
		var x Extension
		x.OID = e.OID()
		if e.Has(ber.Universal, ber.TagBoolean) {
			x.Critical = e.Bool()
		}
		x.Value = e.Octets()
		if err := e.End(); err != nil {
			return nil, err
		}
		if seen[x.OID] {
			return nil, fmt.Errorf("extension %s occurs twice", x.OID)
		}
		seen[x.OID] = true
		all = append(all, x)
	}
	return all, r.End()
}

func (c *Certificate) parseExtensions(r *ber.Reader) error {
	all, err := ParseExtensions(r)
	if err != nil {
		return err
	}
	for _, x := range all {
		in := ber.NewReader(x.Value)
		known := c.parseExtension(in, x)
		if !known && x.Critical {
			c.UnknownCritical = append(c.UnknownCritical, x.OID)
		}
		if err := in.Err(); known && err != nil && (x.Critical || !informative[x.OID]) {
			return fmt.Errorf("extension %s: %w", x.OID, err)
		}
	}
	return nil
}

// informative are extensions that only tell where to look. One that cannot be read is
// as good as none, unless it is critical: revocation then finds no place to ask.
var informative = map[string]bool{oidCRLPoints: true, oidFreshestCRL: true, oidAuthorityAccess: true, oidPolicies: true, oidKeyStore: true}

// parseExtension reads x from r and reports whether it is known.
func (c *Certificate) parseExtension(r *ber.Reader, x Extension) bool {
	switch x.OID {
	case oidSubjectKeyID:
		c.SubjectKeyID = r.Octets()
	case oidKeyUsage:
		c.HasKeyUsage, c.KeyUsage = true, parseKeyUsage(r)
	case oidConstraints:
		c.parseConstraints(r.Seq())
	case oidAuthorityKeyID:
		c.AuthorityKeyID = ParseAuthorityKeyID(r)
	case oidExtKeyUsage:
		c.ExtKeyUsageCritical = x.Critical
		for seq := r.Seq(); !seq.Empty(); {
			c.ExtKeyUsage = append(c.ExtKeyUsage, seq.OID())
		}
	case oidCRLPoints:
		c.CRLURLs = parsePoints(r)
	case oidFreshestCRL:
		c.DeltaCRLURLs = parsePoints(r)
	case oidAuthorityAccess:
		c.parseAccess(r)
	case oidPolicies:
		for seq := r.Seq(); !seq.Empty(); {
			c.Policies = append(c.Policies, seq.Seq().OID())
		}
	case oidKeyStore:
		if seq := r.Seq(); seq.Has(ber.Universal, ber.TagOID) {
			c.KeyStore = seq.OID()
		}
	case oidOCSPNoCheck: // NULL, or nothing in some national certificates
		c.OCSPNoCheck = true
		return true
	default:
		return false
	}
	_ = r.End()
	return true
}

func parseKeyUsage(r *ber.Reader) KeyUsage {
	v := r.Expect(ber.Universal, ber.TagBitString, false)
	if v.Full == nil || len(v.Body) < 2 || len(v.Body) > 3 || v.Body[0] > 7 {
		r.Fail(fmt.Errorf("%w: key usage of %d octets", ber.ErrSyntax, len(v.Body)))
		return 0
	}
	ku := KeyUsage(bits.Reverse8(v.Body[1]))
	if len(v.Body) == 3 {
		ku |= KeyUsage(bits.Reverse8(v.Body[2])) << 8
	}
	return ku
}

func (c *Certificate) parseConstraints(seq *ber.Reader) {
	c.HasConstraints = true
	if seq.Has(ber.Universal, ber.TagBoolean) {
		c.IsCA = seq.Bool()
	}
	if seq.Has(ber.Universal, ber.TagInteger) {
		c.MaxPathLen = seq.Int(1 << 16)
	}
	_ = seq.End()
}

// ParseAuthorityKeyID reads an AuthorityKeyIdentifier and returns its key identifier,
// nil if there is none.
func ParseAuthorityKeyID(r *ber.Reader) []byte {
	var id []byte
	for seq := r.Seq(); !seq.Empty(); {
		if v := seq.Next(); v.Is(ber.Context, 0) {
			id = seq.OctetsOf(v)
		}
	}
	return id
}

// parsePoints returns the addresses of CRLDistributionPoints.
func parsePoints(r *ber.Reader) []string {
	var urls []string
	for points := r.Seq(); !points.Empty(); {
		point := points.Seq()
		for !point.Empty() {
			field := point.Next()
			if !field.Is(ber.Context, 0) {
				continue
			}
			for name := point.Inside(field); !name.Empty(); {
				if full := name.Next(); full.Is(ber.Context, 0) {
					urls = append(urls, generalURLs(name.Inside(full))...)
				}
			}
		}
	}
	return urls
}

// generalURLs returns the uniformResourceIdentifiers among the general names in r. One
// name may hold several addresses, set apart by white space and "URL=": national
// certificates do that.
func generalURLs(r *ber.Reader) []string {
	var urls []string
	for !r.Empty() {
		if v := r.Next(); v.Is(ber.Context, 6) && !v.Constructed && len(v.Body) > 0 {
			for url := range strings.FieldsSeq(string(v.Body)) {
				urls = append(urls, strings.TrimPrefix(url, "URL="))
			}
		}
	}
	return urls
}

func (c *Certificate) parseAccess(r *ber.Reader) {
	for seq := r.Seq(); !seq.Empty(); {
		access := seq.Seq()
		method := access.OID()
		urls := generalURLs(access)
		switch method {
		case oidAccessOCSP:
			c.OCSPServers = append(c.OCSPServers, urls...)
		case oidAccessIssuers:
			c.IssuerURLs = append(c.IssuerURLs, urls...)
		}
	}
}
