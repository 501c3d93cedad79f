package sigtool

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

// The states of [Report.Revocation].
const (
	// RevocationChecked: it was established of every certificate below a root that it
	// is not revoked.
	RevocationChecked = "checked"
	// RevocationPartly: it was established of some certificates only.
	RevocationPartly = "partly_checked"
	// RevocationNotChecked: nothing was given to check it with, or a root itself signed.
	RevocationNotChecked = "not_checked"
	// RevocationFailed: a certificate is revoked, or it could not be established.
	RevocationFailed = "failed"
	// RevocationNotReached: an earlier check failed.
	RevocationNotReached = "not_reached"
)

// Report is what a verification established.
type Report struct {
	// Kind is xml, wsse, cms, tsp or certificate.
	Kind     string `json:"kind"`
	Verified bool   `json:"verified"`
	// Revocation is one of the states above.
	Revocation string `json:"revocation"`
	// At is the time for which certificates were judged, in RFC 3339.
	At      string    `json:"at"`
	Signers []*Signer `json:"signers"`
	// Content describes what was verified; absent unless Verified.
	Content  *Content          `json:"content,omitempty"`
	Checks   cert.Checks       `json:"checks"`
	Problems []*record.Problem `json:"problems,omitempty"`

	content []byte
}

// Signer is one signature of a report. Certificate is absent if it is not known.
type Signer struct {
	Verified    bool         `json:"verified"`
	Algorithm   string       `json:"algorithm,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	// Chain are the certificates from the signer's to the root, by subject.
	Chain []string `json:"chain,omitempty"`
	// ClaimedTime is the signing time by the signer's word.
	ClaimedTime string `json:"claimed_time,omitempty"`
	// TimeStamp is a time stamp on the signature or, of the kind tsp, the token itself.
	TimeStamp *TimeStamp `json:"time_stamp,omitempty"`
}

// TimeStamp is a time stamp whose own signature verified.
type TimeStamp struct {
	Time      string `json:"time"`
	Trusted   bool   `json:"trusted"`
	Policy    string `json:"policy"`
	Digest    string `json:"digest"`
	Authority string `json:"authority"`
	Cause     string `json:"cause,omitempty"` // code of the problem if not trusted
}

// Content describes octets: of XML the canonical form that was digested.
type Content struct {
	Octets int    `json:"octets"`
	SHA256 string `json:"sha256"`
}

// Certificate is what a certificate says.
type Certificate struct {
	Subject     string   `json:"subject"`
	Issuer      string   `json:"issuer"`
	Serial      string   `json:"serial"` // hexadecimal
	IIN         string   `json:"iin,omitempty"`
	BIN         string   `json:"bin,omitempty"`
	NotBefore   string   `json:"not_before"`
	NotAfter    string   `json:"not_after"`
	Key         string   `json:"key"`
	Authority   bool     `json:"authority"`
	KeyUsage    []string `json:"key_usage,omitempty"`
	ExtKeyUsage []string `json:"ext_key_usage,omitempty"`
	Policies    []string `json:"policies,omitempty"`
	OCSP        []string `json:"ocsp,omitempty"`
	CRL         []string `json:"crl,omitempty"`
	DeltaCRL    []string `json:"delta_crl,omitempty"`
	KeyID       string   `json:"key_id,omitempty"`
	SHA256      string   `json:"sha256"` // of the certificate, hexadecimal
	// Chain is the certificate and those above it as far as they were given, by subject:
	// each signature fits, nothing else is said. Only of certificates that are shown.
	Chain []string `json:"chain,omitempty"`
}

var usageNames = []string{"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

func describe(c *cert.Certificate) *Certificate {
	if c == nil {
		return nil
	}
	sum := sha256.Sum256(c.Raw)
	key := "unknown"
	if s, err := suite.Of(c.PublicKey); c.PublicKey != nil && err == nil {
		key = s.Name
	}
	d := &Certificate{Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.Serial(), IIN: c.SubjectIIN(), BIN: c.SubjectBIN(),
		NotBefore: stamp(c.NotBefore), NotAfter: stamp(c.NotAfter), Key: key, Authority: c.IsCA, ExtKeyUsage: c.ExtKeyUsage,
		Policies: c.Policies, OCSP: c.OCSPServers, CRL: c.CRLURLs, DeltaCRL: c.DeltaCRLURLs,
		KeyID: hex.EncodeToString(c.SubjectKeyID), SHA256: hex.EncodeToString(sum[:])}
	for i, name := range usageNames {
		if c.HasKeyUsage && c.KeyUsage&(1<<i) != 0 {
			d.KeyUsage = append(d.KeyUsage, name)
		}
	}
	return d
}

// rows are the lines of a certificate for people.
func (c *Certificate) rows() []string {
	var out []string
	add := func(name string, values ...string) {
		if text := strings.Join(values, ", "); text != "" {
			out = append(out, fmt.Sprintf("%-12s %s", name+":", text))
		}
	}
	add("subject", c.Subject)
	add("IIN", c.IIN)
	add("BIN", c.BIN)
	add("issuer", c.Issuer)
	add("serial", c.Serial)
	add("valid", c.NotBefore+" to "+c.NotAfter)
	add("key", c.Key)
	if c.Authority {
		add("authority", "may issue certificates")
	}
	add("usage", c.KeyUsage...)
	add("extended", c.ExtKeyUsage...)
	add("policies", c.Policies...)
	add("OCSP", c.OCSP...)
	add("CRL", c.CRL...)
	add("delta CRL", c.DeltaCRL...)
	add("key id", c.KeyID)
	add("SHA-256", c.SHA256)
	if len(c.Chain) > 1 {
		add("chain", strings.Join(c.Chain, " < "))
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func subjects(chain []*cert.Certificate) []string {
	var out []string
	for _, c := range chain {
		out = append(out, c.Subject.String())
	}
	return out
}

func describeStamp(ts *cms.TimeStamp) *TimeStamp {
	if ts == nil {
		return nil
	}
	return &TimeStamp{Time: stamp(ts.Time), Trusted: ts.Trusted, Policy: ts.Policy, Digest: ts.Digest,
		Authority: ts.Authority.Subject.String(), Cause: record.CodeOf(ts.Problem)}
}

// conclude sets the verdict: content was verified if there is no error.
func (r *Report) conclude(content []byte, err error) {
	var ps record.Problems
	ps.Merge(err, "verify.failed", "")
	r.Problems, r.Verified = ps, len(ps) == 0
	r.Revocation = r.revocation()
	if r.Signers == nil {
		r.Signers = []*Signer{}
	}
	if r.Checks == nil {
		r.Checks = cert.Checks{}
	}
	for _, p := range ps {
		if hint := hints[p.Code]; p.Hint == "" {
			p.Hint = hint
		}
	}
	if r.Verified && content != nil {
		sum := sha256.Sum256(content)
		r.content, r.Content = content, &Content{len(content), hex.EncodeToString(sum[:])}
	}
}

// revocation sums up what was established about revocation.
func (r *Report) revocation() string {
	for _, p := range r.Problems {
		if p.Code == "cert.revoked" || p.Code == "cert.revocation_unset" || strings.HasPrefix(p.Code, "cert.crl_") || strings.HasPrefix(p.Code, "cert.ocsp_") {
			return RevocationFailed
		}
	}
	answered := slices.ContainsFunc(r.Checks, func(c cert.Check) bool {
		return c.Outcome == cert.Passed && (c.Name == "crl" || c.Name == "ocsp")
	})
	skipped := slices.ContainsFunc(r.Checks, func(c cert.Check) bool { return c.Outcome == cert.Skipped && c.Name == "revocation" })
	switch {
	case answered && skipped:
		return RevocationPartly
	case answered:
		return RevocationChecked
	case skipped:
		return RevocationNotChecked
	}
	return RevocationNotReached
}

// print writes a report for people.
func (t *tool) print(r *Report, explain bool) {
	verdict := "VERIFIED"
	if !r.Verified {
		verdict = "NOT VERIFIED"
	}
	t.say("%s (%s, as of %s)", verdict, r.Kind, r.At)
	for i, s := range r.Signers {
		switch r.Kind {
		case "certificate":
			t.say("certificate: %s", s.line())
		case "tsp":
			t.say("authority: %s", s.line())
		default:
			t.say("signer %d: %s", i+1, s.line())
		}
		if len(s.Chain) > 1 {
			t.say("  chain: %s", strings.Join(s.Chain, " < "))
		}
		if s.TimeStamp != nil {
			t.say("  %s", s.TimeStamp.line())
		}
	}
	for _, p := range r.Problems {
		t.say("problem: %s", p.Error())
		if p.Hint != "" {
			t.say("  hint: %s", p.Hint)
		}
	}
	if r.Kind == "tsp" && r.Verified && r.Content == nil {
		t.say("What was stamped was NOT compared: give the file with --content.")
	}
	switch r.Revocation {
	case RevocationNotChecked:
		t.say("Revocation was NOT checked: give --crl, --ocsp-response or --ocsp on, and demand it with --require-revocation.")
	case RevocationPartly:
		t.say("Revocation was checked of some certificates only: see --explain.")
	case RevocationChecked:
		t.say("No certificate that was asked about is revoked.")
	}
	if explain {
		t.say("Checks:")
		for _, c := range r.Checks {
			t.say("  %s", explained(c))
		}
	}
}

func (s *Signer) line() string {
	if s.Certificate == nil {
		return "unknown"
	}
	parts := []string{s.Certificate.Subject, "certificate " + s.Certificate.Serial}
	if s.Algorithm != "" {
		parts = append(parts, s.Algorithm)
	}
	if s.ClaimedTime != "" {
		parts = append(parts, "signed, by the signer's word, at "+s.ClaimedTime)
	}
	return strings.Join(parts, "; ")
}

func (ts *TimeStamp) line() string {
	if ts.Trusted {
		return "time stamp of " + ts.Time + " by " + ts.Authority
	}
	return "time stamp of " + ts.Time + ", NOT trusted (" + ts.Cause + ")"
}
