package cms_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/crl"
	"birgeoqy.kz/almasu/internal/signing/cert/fetch"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
	"birgeoqy.kz/almasu/internal/signing/cms"
	"birgeoqy.kz/almasu/internal/signing/suite"
)

func sharedCertificate(t *testing.T, name string) *cert.Certificate {
	t.Helper()
	c, err := cert.Parse(needs.ReferenceFile(t, "data/kz-signatures", "ca/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Documents that the national tools made, against the outcomes expected of them.
func TestSharedDocuments(t *testing.T) {
	gost := []string{"root_test_gost_2022.cer"}
	cases := []struct {
		file  string
		roots []string
		more  []string
		at    string
		code  string
		stamp string // code of the authority's problem, "none" without a stamp, "" if trusted
	}{
		{"gost2015_attached_tsp-gost2015-prod.p7s", gost, []string{"nca_gost2022_test.cer"}, "2026-08-01", "", "cert.unknown_issuer"},
		{"gost2015_attached_tsp-gost2015-prod.p7s", append(gost, "prod_tsa_gost2022_2025-2028.cer"), []string{"nca_gost2022_test.cer"}, "2030-08-01", "", ""},
		{"gost2015_attached_tsp-gost2015-prod.p7s", gost, []string{"nca_gost2022_test.cer"}, "2027-06-01", "cert.expired", "cert.unknown_issuer"},
		{"gost2015_attached_tsp-gost2015-prod.p7s", gost, nil, "2026-08-01", "cert.unknown_issuer", "cert.unknown_issuer"},
		{"gost2015_attached_tsp-gost2015-prod.p7s", []string{"prod_2015-2025_root_gost.crt"}, []string{"nca_gost2022_test.cer"}, "2026-08-01", "cert.unknown_issuer", "cert.unknown_issuer"},
		{"gost2015_attached_tsp-gost2004-test.p7s", gost, []string{"nca_gost2022_test.cer"}, "2025-03-01", "", "cert.unknown_issuer"},
		{"gost2015_attached_tsp-gost2004-test.p7s", gost, []string{"nca_gost2022_test.cer"}, "2026-03-01", "cert.expired", "cert.unknown_issuer"},
		{"rsa256_attached.p7s", []string{"nca_rsa_test.crt"}, nil, "2020-10-01", "", "none"},
		{"rsa256_attached.p7s", []string{"nca_rsa_test.crt"}, nil, "2022-10-01", "cert.expired", "none"},
		{"rsa256_attached.p7s", gost, nil, "2020-10-01", "cert.unknown_issuer", "none"},
	}
	for _, c := range cases {
		document := needs.ReferenceFile(t, "data/kz-signatures", "cms/"+c.file)
		now, err := time.Parse(time.DateOnly, c.at)
		if err != nil {
			t.Fatal(err)
		}
		v := &cms.Verifier{Chain: cert.Verifier{Roots: cert.NewPool(), Intermediates: cert.NewPool(), Now: now, Revocation: cert.Unchecked("test")}}
		for _, name := range c.roots {
			v.Chain.Roots.Add(sharedCertificate(t, name))
		}
		for _, name := range c.more {
			v.Chain.Intermediates.Add(sharedCertificate(t, name))
		}
		res, err := v.Verify(context.Background(), document, nil)
		if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s at %s: %v, want code %q", c.file, c.at, err, c.code)
		}
		stamp := "none"
		if ts := res.Signers[0].TimeStamp; ts != nil {
			stamp = record.CodeOf(ts.Problem)
		}
		if stamp != c.stamp {
			t.Errorf("%s at %s: time stamp %q, want %q", c.file, c.at, stamp, c.stamp)
		}
	}
}

func TestSharedTimeStamps(t *testing.T) {
	for _, name := range []string{"tsp/tsp_token.bin", "tsp/tsp_response.bin"} {
		b := needs.ReferenceFile(t, "data/kz-signatures", name)
		v := &cms.Verifier{Chain: cert.Verifier{Roots: cert.NewPool(), Now: time.Date(2022, 10, 1, 0, 0, 0, 0, time.UTC), Revocation: cert.Unchecked("test")}}
		ts, _, err := v.VerifyTimeStamp(context.Background(), b, nil)
		if record.CodeOf(err) != "cert.unknown_issuer" || ts.Policy != "1.2.398.3.3.2.6.1" || ts.Digest != "SHA-1" {
			t.Errorf("%s: %+v, %v", name, ts, err)
		}
		v.Chain.Roots.Add(ts.Authority)
		if ts, _, err = v.VerifyTimeStamp(context.Background(), b, nil); err != nil || !ts.Trusted {
			t.Errorf("%s with its authority trusted: %v", name, err)
		}
		if _, _, err = v.VerifyTimeStamp(context.Background(), b, []byte("other")); record.CodeOf(err) != "tsp.imprint" {
			t.Errorf("%s for other content: %v", name, err)
		}
	}
}

// shape says how a document is written by hand.
type shape struct {
	digest, signature []byte // algorithm identifiers
	announced         []byte
	attributes        func(content []byte) [][]byte // nil for none
	unsorted          bool                          // attributes as given, signed as given
	contentType       string
	version           int64
	keyID             bool
	extra             [][]byte // certificates before the signer's
}

// shaped writes a document of the given shape signed by id.
func shaped(id *testca.Identity, content []byte, s shape) []byte {
	su, err := suite.Of(id.Key.Public())
	if err != nil {
		panic(err)
	}
	signed, sid := content, ber.Seq(id.Certificate.Issuer.Raw, ber.Integer(id.Certificate.SerialNumber))
	signerVersion := int64(1)
	if s.keyID {
		sid, signerVersion = ber.Implicit(0, id.Certificate.SubjectKeyID), 3
	}
	parts := [][]byte{ber.Int(signerVersion), sid, s.digest}
	if s.attributes != nil {
		attrs := ber.SetOf(s.attributes(su.Digest(content))...)
		if s.unsorted {
			attrs = ber.Set(s.attributes(su.Digest(content))...)
		}
		signed = attrs
		implicit := bytes.Clone(attrs)
		implicit[0] = 0xa0
		parts = append(parts, implicit)
	}
	parts = append(parts, s.signature, ber.Octets(id.SignOctets(signed)))
	certs := append(s.extra, id.Certificate.Raw)
	return ber.Seq(ber.OID("1.2.840.113549.1.7.2"), ber.Explicit(0, ber.Seq(ber.Int(s.version), ber.Set(s.announced),
		ber.Seq(ber.OID(s.contentType), ber.Explicit(0, ber.Octets(content))), ber.Explicit(0, certs...), ber.Set(ber.Seq(parts...)))))
}

func attribute(oid string, values ...[]byte) []byte { return ber.Seq(ber.OID(oid), ber.Set(values...)) }

func usual(digest []byte) [][]byte {
	return [][]byte{
		attribute("1.2.840.113549.1.9.4", ber.Octets(digest)),
		attribute("1.2.840.113549.1.9.3", ber.OID(cms.OIDData)),
	}
}

// Shapes that tools in the field write, and shapes that must be refused.
func TestShapes(t *testing.T) {
	const g04, k04, h04, b04 = "1.2.398.3.10.1.1.1.2", "1.2.398.3.10.1.1.1.1", "1.2.398.3.10.1.3.1", "1.2.398.3.10.1.3.1.1.0"
	bare := func(oid string) []byte { return ber.Seq(ber.OID(oid)) }
	base := shape{digest: ber.Algorithm(h04), signature: ber.Algorithm(g04), announced: ber.Algorithm(h04), attributes: usual, contentType: cms.OIDData, version: 1}
	content := []byte("shape")
	cases := map[string]struct {
		change func(*shape)
		code   string
	}{
		"usual":                      {func(*shape) {}, ""},
		"key as signature algorithm": {func(s *shape) { s.signature = ber.Algorithm(k04) }, ""},
		"absent parameters":          {func(s *shape) { s.digest, s.signature, s.announced = bare(h04), bare(g04), bare(h04) }, ""},
		"key's parameters": {func(s *shape) {
			s.signature = ber.Seq(ber.OID(k04), ber.Seq(ber.OID("1.2.398.3.10.1.1.1.1.1"), ber.OID(b04)))
		}, ""},
		"hash by its box":              {func(s *shape) { s.digest, s.announced = ber.Algorithm(b04), ber.Algorithm(b04) }, ""},
		"hash announced by its box":    {func(s *shape) { s.announced = ber.Algorithm(b04) }, ""},
		"version 3":                    {func(s *shape) { s.version = 3 }, ""},
		"unsorted attributes":          {func(s *shape) { s.unsorted = true }, ""},
		"key identifier":               {func(s *shape) { s.keyID = true }, ""},
		"no attributes":                {func(s *shape) { s.attributes = nil }, ""},
		"issuer first in the bag":      {func(s *shape) { s.extra = [][]byte{testca.File("gost2004/ca.cer")} }, ""},
		"hash not announced":           {func(s *shape) { s.announced = ber.Algorithm("2.16.840.1.101.3.4.2.1") }, "cms.bad_attributes"},
		"hash of another suite":        {func(s *shape) { s.digest = ber.Algorithm("1.2.398.3.10.1.3.3") }, "cert.bad_signature"},
		"signature of another suite":   {func(s *shape) { s.signature = ber.Algorithm("1.2.398.3.10.1.1.2.3.2") }, "cert.bad_signature"},
		"unknown signature algorithm":  {func(s *shape) { s.signature = ber.Algorithm("1.2.3.4") }, "cert.unsupported_algorithm"},
		"unknown hash":                 {func(s *shape) { s.announced = ber.Algorithm("1.2.3.4") }, "cms.unsupported_algorithm"},
		"SHA-1":                        {func(s *shape) { s.digest = ber.Algorithm("1.3.14.3.2.26") }, "cert.weak_algorithm"},
		"version 2":                    {func(s *shape) { s.version = 2 }, "cms.malformed"},
		"other content, version 1":     {func(s *shape) { s.contentType = "1.2.3.4" }, "cms.malformed"},
		"other content than signed":    {func(s *shape) { s.contentType, s.version = "1.2.3.4", 3 }, "cms.content_type"},
		"other content, no attributes": {func(s *shape) { s.contentType, s.version, s.attributes = "1.2.3.4", 3, nil }, "cms.content_type"},
		"content type not signed":      {func(s *shape) { s.attributes = func(d []byte) [][]byte { return usual(d)[:1] } }, "cms.bad_attributes"},
		"digest not signed":            {func(s *shape) { s.attributes = func(d []byte) [][]byte { return usual(d)[1:] } }, "cms.bad_attributes"},
		"attribute twice":              {func(s *shape) { s.attributes = func(d []byte) [][]byte { return append(usual(d), usual(d)...) } }, "cms.malformed"},
		"attribute of two values": {func(s *shape) {
			s.attributes = func(d []byte) [][]byte {
				return append(usual(d)[1:], attribute("1.2.840.113549.1.9.4", ber.Octets(d), ber.Octets(d)))
			}
		}, "cms.malformed"},
		"signing time malformed": {func(s *shape) {
			s.attributes = func(d []byte) [][]byte { return append(usual(d), attribute("1.2.840.113549.1.9.5", ber.Null())) }
		}, "cms.bad_attributes"},
		"other certificate named":         {func(s *shape) { s.attributes = naming(make([]byte, 32)) }, "cms.certificate_mismatch"},
		"certificate named by an unknown": {func(s *shape) { s.attributes = naming(nil) }, "cms.unsupported_algorithm"},
	}
	for name, c := range cases {
		s := base
		c.change(&s)
		id := &testca.Identity{Key: key(t, "gost2004/person.p12"), Certificate: testca.Certificate("gost2004/person.cer")}
		res, err := verifier("gost2004").Verify(context.Background(), shaped(id, content, s), nil)
		if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: %v, want code %q", name, err, c.code)
		}
		if err == nil && !bytes.Equal(res.Content, content) {
			t.Errorf("%s: other content", name)
		}
	}
}

// naming adds a signing-certificate-v2 with the given hash; nil for an unknown function.
func naming(hash []byte) func([]byte) [][]byte {
	return func(d []byte) [][]byte {
		id := [][]byte{ber.Octets(hash)}
		if hash == nil {
			id = [][]byte{ber.Algorithm("1.2.3.4"), ber.Octets(make([]byte, 32))}
		}
		return append(usual(d), attribute("1.2.840.113549.1.9.16.2.47", ber.Seq(ber.Seq(ber.Seq(id...)))))
	}
}

// A hash function may go by its Russian name under a national key.
func TestRussianNameOfTheHash(t *testing.T) {
	id := &testca.Identity{Key: key(t, "gost2015/person.p12"), Certificate: testca.Certificate("gost2015/person.cer")}
	s := shape{digest: ber.Algorithm("1.2.643.7.1.1.2.3"), signature: ber.Algorithm("1.2.398.3.10.1.1.2.3.2"),
		announced: ber.Algorithm("1.2.643.7.1.1.2.3"), attributes: usual, contentType: cms.OIDData, version: 1}
	if _, err := verifier("gost2015").Verify(context.Background(), shaped(id, []byte("x"), s), nil); err != nil {
		t.Error(err)
	}
}

// Revocation by an indexed list of the authority, end to end.
func TestRevocationByList(t *testing.T) {
	for _, family := range testca.Families {
		path := filepath.Join(t.TempDir(), "list.idx")
		if _, err := crl.Build(bytes.NewReader(testca.File(family+"/list.crl")), testca.Certificate(family+"/ca.cer"), path); err != nil {
			t.Fatal(err)
		}
		index, err := crl.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		v := verifier(family)
		v.Chain.Revocation, v.Chain.LeafOnly = &crl.Checker{Lists: []*crl.Index{index}}, true
		for file, code := range map[string]string{"attached.p7s": "", "stamped.p7s": "", "revoked.p7s": "cert.revoked"} {
			if _, err := v.Verify(context.Background(), testca.File(family+"/"+file), nil); record.CodeOf(err) != code {
				t.Errorf("%s/%s: %v, want %q", family, file, err, code)
			}
		}
		v.Chain.LeafOnly = false // nobody has the root's list
		if _, err := v.Verify(context.Background(), testca.File(family+"/attached.p7s"), nil); record.CodeOf(err) != "cert.crl_missing" {
			t.Errorf("%s, whole chain: %v", family, err)
		}
		_ = index.Close()
	}
}

// A document stamped by an authority over HTTP.
func TestStampsOverHTTP(t *testing.T) {
	d, _ := cert.DigestByOID("1.2.398.3.10.1.3.3")
	tsa := &testca.Identity{Key: key(t, "gost2015/tsa.p12"), Certificate: testca.Certificate("gost2015/tsa.cer")}
	var imprinted []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "application/timestamp-query" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(testca.Response(tsa.Token(testca.Stamp{Time: testca.Now, Policy: "1.2.398.3.3.2.6.4", Digest: d, Data: imprinted, Nonce: big.NewInt(99)})))
	}))
	t.Cleanup(s.Close)
	a := &cms.Authority{URL: s.URL, Client: &fetch.Client{Transport: http.DefaultTransport}, Policy: "1.2.398.3.3.2.6.4", Digest: d}
	v := verifier("gost2015")
	ctx := context.Background()
	opts := cms.Options{Time: testca.Now, Stamp: func(signature []byte) ([]byte, error) {
		imprinted = signature
		q, answer, err := a.Ask(ctx, signature, big.NewInt(99))
		if err != nil {
			return nil, err
		}
		token, _, _, err := v.VerifyResponse(ctx, q, answer)
		return token, err
	}}
	signer := cms.Key{Signer: key(t, "gost2015/person.p12"), Certificate: testca.Certificate("gost2015/person.cer")}
	doc, err := cms.Sign(rand.Reader, []byte("x"), opts, signer)
	if err != nil {
		t.Fatal(err)
	}
	v.RequireTimeStamp = true
	if _, err := v.Verify(ctx, doc, nil); err != nil {
		t.Error(err)
	}
	s.Close()
	if _, err := cms.Sign(rand.Reader, []byte("x"), opts, signer); record.CodeOf(err) != "tsp.unreachable" {
		t.Errorf("authority that is down: %v", err)
	}
}

// The signed attributes of one document are no content of another.
func TestAttributesAsContent(t *testing.T) {
	id := &testca.Identity{Key: key(t, "gost2015/person.p12"), Certificate: testca.Certificate("gost2015/person.cer")}
	const g15, h15 = "1.2.398.3.10.1.1.2.3.2", "1.2.398.3.10.1.3.3"
	attrs := ber.SetOf(usual(make([]byte, 64))...)
	doc := shaped(id, attrs, shape{digest: ber.Algorithm(h15), signature: ber.Algorithm(g15), announced: ber.Algorithm(h15), contentType: cms.OIDData, version: 1})
	if _, err := verifier("gost2015").Verify(context.Background(), doc, nil); record.CodeOf(err) != "cms.ambiguous" {
		t.Error(err)
	}
}

func TestNoSigner(t *testing.T) {
	empty := ber.Seq(ber.OID("1.2.840.113549.1.7.2"), ber.Explicit(0, ber.Seq(ber.Int(1), ber.Set(), ber.Seq(ber.OID(cms.OIDData), ber.Explicit(0, ber.Octets(nil))), ber.Set())))
	if _, err := verifier("rsa").Verify(context.Background(), empty, nil); record.CodeOf(err) != "cms.no_signer" {
		t.Error(err)
	}
}

func TestSignRefuses(t *testing.T) {
	id := key(t, "gost2015/person.p12")
	good := cms.Key{Signer: id, Certificate: testca.Certificate("gost2015/person.cer")}
	for name, c := range map[string]struct {
		opts cms.Options
		keys []cms.Key
		code string
	}{
		"no time":           {cms.Options{}, []cms.Key{good}, "cms.no_time"},
		"no key":            {cms.Options{Time: testca.Now}, nil, "cms.no_signer"},
		"other certificate": {cms.Options{Time: testca.Now}, []cms.Key{{Signer: id, Certificate: testca.Certificate("gost2015/ca.cer")}}, "cms.key_mismatch"},
		"no certificate":    {cms.Options{Time: testca.Now}, []cms.Key{{Signer: id}}, "cms.key_mismatch"},
	} {
		if _, err := cms.Sign(rand.Reader, nil, c.opts, c.keys...); record.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimeStampAnswers(t *testing.T) {
	d, _ := cert.DigestByOID("1.2.398.3.10.1.3.3")
	tsa := &testca.Identity{Key: key(t, "gost2015/tsa.p12"), Certificate: testca.Certificate("gost2015/tsa.cer")}
	person := &testca.Identity{Key: key(t, "gost2015/person.p12"), Certificate: testca.Certificate("gost2015/person.cer")}
	data := []byte("stamp me")
	q, err := cms.NewRequest(d, data, "1.2.398.3.3.2.6.4", big.NewInt(4242))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cms.NewRequest(d, data, "policy", nil); record.CodeOf(err) != "tsp.policy" {
		t.Error(err)
	}
	good := testca.Stamp{Time: testca.Now, Policy: q.Policy, Digest: d, Data: data, Nonce: q.Nonce, WithSHA1: true}
	cases := map[string]struct {
		change func(*testca.Stamp)
		by     *testca.Identity
		code   string
	}{
		"good":              {func(*testca.Stamp) {}, tsa, ""},
		"certificate by v2": {func(s *testca.Stamp) { s.WithSHA1 = false }, tsa, ""},
		"other data":        {func(s *testca.Stamp) { s.Data = []byte("other") }, tsa, "tsp.imprint"},
		"other nonce":       {func(s *testca.Stamp) { s.Nonce = big.NewInt(1) }, tsa, "tsp.nonce"},
		"no nonce":          {func(s *testca.Stamp) { s.Nonce = nil }, tsa, "tsp.nonce"},
		"other policy":      {func(s *testca.Stamp) { s.Policy = "1.2.398.3.3.2.6.1" }, tsa, "tsp.policy"},
		"of the future":     {func(s *testca.Stamp) { s.Time = testca.Now.Add(time.Hour) }, tsa, "tsp.future"},
		"unnamed":           {func(s *testca.Stamp) { s.Unnamed = true }, tsa, "tsp.bad_token"},
		"by a person":       {func(*testca.Stamp) {}, person, "cert.bad_usage"},
	}
	for name, c := range cases {
		s := good
		c.change(&s)
		_, ts, _, err := verifier("gost2015").VerifyResponse(context.Background(), q, testca.Response(c.by.Token(s)))
		if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: %v, want code %q", name, err, c.code)
		}
		if err == nil && !ts.Trusted {
			t.Errorf("%s: not trusted", name)
		}
	}
	refused := ber.Seq(ber.Seq(ber.Int(2), ber.Seq(ber.UTF8("no")), ber.TLV(0x03, []byte{5, 0x20})))
	if _, _, _, err := verifier("gost2015").VerifyResponse(context.Background(), q, refused); record.CodeOf(err) != "tsp.refused" {
		t.Error(err)
	}
}
