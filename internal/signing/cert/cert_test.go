package cert_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

var (
	from = testca.Now.AddDate(-1, 0, 0)
	to   = testca.Now.AddDate(1, 0, 0)
)

// template of a person below.
func person() testca.Template {
	return testca.Template{Name: testca.Person("850101100012", "940140000385"), From: from, To: to, PathLen: -1,
		KeyUsage: cert.DigitalSignature | cert.ContentCommitment, ExtUsage: []string{cert.UsageEmail}}
}

func authority(name string) testca.Template {
	return testca.Template{Name: testca.Authority(name), From: from, To: to, CA: true, PathLen: -1}
}

func TestParsesPerson(t *testing.T) {
	id := testca.Root(testca.NewKey(testca.GOST2015), authority("ҮЛГІ"))
	template := person()
	template.OCSP, template.CRLs = []string{"http://ocsp.example.kz"}, []string{"http://a.example.kz/1.crl\r\n   URL=http://b.example.kz/1.crl"}
	template.Serial = big.NewInt(0x80)
	c := id.Issue(testca.NewKey(testca.GOST2015), template).Certificate
	if c.SubjectIIN() != "850101100012" || c.SubjectBIN() != "940140000385" {
		t.Error("IIN or BIN not read")
	}
	if len(c.OCSPServers) != 1 || len(c.CRLURLs) != 2 || c.CRLURLs[1] != "http://b.example.kz/1.crl" {
		t.Errorf("addresses: %q %q", c.OCSPServers, c.CRLURLs)
	}
	if c.KeyStore != "1.2.398.3.3.5.1.1" || c.Serial() != "80" || c.IsCA || c.KeyUsage != cert.DigitalSignature|cert.ContentCommitment {
		t.Errorf("%+v", c)
	}
	if !c.NotBefore.Equal(from) || !c.NotAfter.Equal(to) {
		t.Errorf("valid %s to %s", c.NotBefore, c.NotAfter)
	}
	again, err := cert.Parse(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	if err != nil || !bytes.Equal(again.Raw, c.Raw) {
		t.Errorf("PEM: %v", err)
	}
	all, err := cert.ParseAll(bytes.Repeat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}), 3))
	if err != nil || len(all) != 3 {
		t.Errorf("PEM file: %d, %v", len(all), err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := testca.File("gost2015/person.cer")
	for name, b := range map[string][]byte{
		"empty":           {},
		"trailing octets": append(bytes.Clone(good), 0),
		"cut off":         good[:len(good)-1],
		"other PEM":       pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: good}),
		"two PEM":         bytes.Repeat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good}), 2),
		"too large":       ber.Seq(make([]byte, cert.MaxSize)),
	} {
		if _, err := cert.Parse(b); record.CodeOf(err) != "cert.malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedExtensions(t *testing.T) {
	root := &testca.Identity{Key: testca.NewKey(testca.ECDSA), Certificate: testca.Root(testca.NewKey(testca.ECDSA), authority("x")).Certificate}
	parse := func(x []byte) (c *cert.Certificate, refused bool) {
		defer func() { refused = recover() != nil }()
		template := person()
		template.Extra = [][]byte{x}
		return root.Issue(testca.NewKey(testca.ECDSA), template).Certificate, false
	}
	for oid, decides := range map[string]bool{"2.5.29.32": false, "2.5.29.46": false, "1.3.6.1.5.5.7.1.1": false, "2.5.29.19": true} {
		if _, refused := parse(testca.Extension(oid, false, []byte{0x30})); refused != decides {
			t.Errorf("%s malformed: refused %v", oid, refused)
		}
		if _, refused := parse(testca.Extension(oid, true, []byte{0x30})); !refused {
			t.Errorf("%s malformed and critical is accepted", oid)
		}
	}
}

func TestExtensionTwice(t *testing.T) {
	x := testca.Extension("2.5.29.14", false, ber.Octets([]byte{1}))
	if _, err := cert.ParseExtensions(ber.NewReader(ber.Seq(x, x))); err == nil {
		t.Error("an extension that occurs twice is accepted")
	}
}

// Every mutation of a certificate is refused: it does not parse, or its chain fails.
func TestMutations(t *testing.T) {
	for _, family := range testca.Families {
		good := testca.File(family + "/person.cer")
		v := cert.Verifier{Roots: cert.NewPool(testca.Certificate(family + "/root.cer")), Intermediates: cert.NewPool(testca.Certificate(family + "/ca.cer")),
			Now: testca.Now, Usage: cert.ForSigning, Revocation: cert.Unchecked("test")}
		codes := map[string]int{}
		for i := range good {
			for _, bit := range []byte{1, 0x20, 0x80} {
				mutated := bytes.Clone(good)
				mutated[i] ^= bit
				c, err := cert.Parse(mutated)
				if err == nil {
					_, _, err = v.Verify(context.Background(), c)
				}
				codes[record.CodeOf(err)]++
				if record.CodeOf(err) == "" {
					t.Errorf("%s: octet %d xor %#x passes (%v)", family, i, bit, err)
				}
			}
		}
		t.Logf("%s: %v", family, codes)
	}
}

// hierarchy of GOST 2015 with everything that can be wrong.
func TestChains(t *testing.T) {
	newKey := func() *testca.Identity { return &testca.Identity{Key: testca.NewKey(testca.GOST2015)} }
	root := testca.Root(newKey().Key, authority("root"))
	issue := func(by *testca.Identity, template testca.Template, change ...func(*testca.Template)) *testca.Identity {
		for _, f := range change {
			f(&template)
		}
		return by.Issue(newKey().Key, template)
	}
	ca := issue(root, authority("ca"))
	other := testca.Root(newKey().Key, authority("root")) // the same name, another key
	narrow := issue(root, authority("narrow"), func(x *testca.Template) { x.PathLen = 0 })
	deep := issue(narrow, authority("deep"))
	old := issue(root, authority("old"), func(x *testca.Template) { x.To = from.AddDate(0, 1, 0) })
	noSign := issue(root, authority("nosign"), func(x *testca.Template) { x.KeyUsage = cert.CRLSign })
	plain := issue(root, authority("plain"), func(x *testca.Template) { x.CA = false; x.KeyUsage = cert.KeyCertSign })
	noIDs := issue(root, authority("noids"), func(x *testca.Template) { x.NoKeyIDs = true })
	rsa := testca.Root(testca.NewKey(testca.RSA), authority("rsa"))
	all := cert.NewPool()
	for _, id := range []*testca.Identity{ca, other, narrow, deep, old, noSign, plain, noIDs} {
		all.Add(id.Certificate)
	}
	leaf := func(by *testca.Identity, change ...func(*testca.Template)) *cert.Certificate {
		return issue(by, person(), change...).Certificate
	}
	forClients := cert.Usage{ExtAnyOf: []string{cert.UsageClientAuth}}
	services := func(x *testca.Template) { x.ExtUsage = []string{cert.UsageTimeStamping, cert.UsageOCSPSigning} }
	onlyStamps := cert.Usage{ExtAnyOf: []string{cert.UsageTimeStamping}, ExtOnly: true}
	cases := map[string]struct {
		leaf  *cert.Certificate
		usage cert.Usage
		code  string
		chain int
	}{
		"below the root":          {leaf(root), cert.ForSigning, "", 2},
		"below an authority":      {leaf(ca), cert.ForSigning, "", 3},
		"bare outer algorithm":    {leaf(ca, func(x *testca.Template) { x.BareOuter = true }), cert.ForSigning, "", 3},
		"without key identifiers": {leaf(ca, func(x *testca.Template) { x.NoKeyIDs = true }), cert.ForSigning, "", 3},
		"authority without them":  {leaf(noIDs), cert.ForSigning, "", 3},
		"the root itself":         {root.Certificate, cert.Usage{}, "", 1},
		"path length 0":           {leaf(narrow), cert.ForSigning, "", 3},
		"path too long":           {leaf(deep), cert.ForSigning, "cert.path_too_long", 4},
		"other root of the name":  {leaf(other), cert.ForSigning, "cert.unknown_issuer", 0},
		"unknown issuer":          {leaf(rsa), cert.ForSigning, "cert.unknown_issuer", 0},
		"expired authority":       {leaf(old), cert.ForSigning, "cert.expired", 3},
		"authority may not sign":  {leaf(noSign), cert.ForSigning, "cert.not_ca", 0},
		"issuer is no authority":  {leaf(plain), cert.ForSigning, "cert.not_ca", 0},
		"a person issued it":      {leaf(issue(ca, person())), cert.ForSigning, "cert.unknown_issuer", 0},
		"expired":                 {leaf(ca, func(x *testca.Template) { x.To = testca.Now.Add(-time.Second) }), cert.ForSigning, "cert.expired", 3},
		"not yet valid":           {leaf(ca, func(x *testca.Template) { x.From = testca.Now.Add(time.Second) }), cert.ForSigning, "cert.not_yet_valid", 3},
		"key usage":               {leaf(ca, func(x *testca.Template) { x.KeyUsage = cert.KeyAgreement }), cert.ForSigning, "cert.bad_usage", 3},
		"no key usage":            {leaf(ca, func(x *testca.Template) { x.NoKeyUsage = true }), cert.ForSigning, "", 3},
		"a service as a signer":   {leaf(ca, services), cert.ForSigning, "cert.bad_usage", 3},
		"extended usage":          {leaf(ca), forClients, "cert.bad_usage", 3},
		"any extended usage":      {leaf(ca, func(x *testca.Template) { x.ExtUsage = []string{cert.UsageAny} }), forClients, "", 3},
		"no extended usage":       {leaf(ca, func(x *testca.Template) { x.ExtUsage = nil }), forClients, "", 3},
		"no usage, required":      {leaf(ca, func(x *testca.Template) { x.ExtUsage = nil }), cert.Usage{ExtAnyOf: forClients.ExtAnyOf, ExtRequired: true}, "cert.bad_usage", 3},
		"stamps, critical":        {leaf(ca, func(x *testca.Template) { x.ExtUsage, x.ExtMarked = onlyStamps.ExtAnyOf, true }), onlyStamps, "", 3},
		"stamps, not critical":    {leaf(ca, func(x *testca.Template) { x.ExtUsage = onlyStamps.ExtAnyOf }), onlyStamps, "cert.bad_usage", 3},
		"stamps and more": {leaf(ca, func(x *testca.Template) {
			x.ExtUsage, x.ExtMarked = []string{cert.UsageTimeStamping, cert.UsageEmail}, true
		}), onlyStamps, "cert.bad_usage", 3},
		"unknown critical":  {leaf(ca, func(x *testca.Template) { x.Extra = [][]byte{testca.Extension("1.2.3.4", true, ber.Null())} }), cert.ForSigning, "cert.unknown_extension", 3},
		"unknown extension": {leaf(ca, func(x *testca.Template) { x.Extra = [][]byte{testca.Extension("1.2.3.4", false, ber.Null())} }), cert.ForSigning, "", 3},
	}
	for name, c := range cases {
		v := cert.Verifier{Roots: cert.NewPool(root.Certificate), Intermediates: all, Now: testca.Now, Usage: c.usage, Revocation: cert.Unchecked("test")}
		chain, checks, err := v.Verify(context.Background(), c.leaf)
		if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") || len(chain) != c.chain {
			t.Errorf("%s: chain of %d, %v; want %d, code %q", name, len(chain), err, c.chain, c.code)
		}
		failed := false
		for _, check := range checks {
			failed = failed || check.Outcome == cert.Failed && check.Code == c.code
		}
		if failed != (c.code != "") {
			t.Errorf("%s: the checks do not show the outcome: %v", name, checks)
		}
	}
}

// A renewed authority stands beside its expired certificate: the chain goes by the one
// that is valid, whatever their order.
func TestRenewedAuthority(t *testing.T) {
	key := testca.NewKey(testca.GOST2015)
	old, renewed := authority("root"), authority("root")
	old.To, old.Serial, renewed.Serial = testca.Now.Add(-time.Hour), big.NewInt(1), big.NewInt(2)
	first, second := testca.Root(key, old), testca.Root(key, renewed)
	leaf := first.Issue(testca.NewKey(testca.GOST2015), person()).Certificate
	for _, roots := range []*cert.Pool{cert.NewPool(first.Certificate, second.Certificate), cert.NewPool(second.Certificate, first.Certificate)} {
		v := cert.Verifier{Roots: roots, Now: testca.Now, Usage: cert.ForSigning, Revocation: cert.Unchecked("test")}
		chain, _, err := v.Verify(context.Background(), leaf)
		if err != nil || chain[1].Serial() != "2" {
			t.Errorf("%v", err)
		}
	}
	v := cert.Verifier{Roots: cert.NewPool(first.Certificate), Now: testca.Now, Usage: cert.ForSigning, Revocation: cert.Unchecked("test")}
	if _, _, err := v.Verify(context.Background(), leaf); record.CodeOf(err) != "cert.expired" {
		t.Errorf("only the old one: %v", err)
	}
}

// Authorities that vouch for each other lead nowhere, in bounded work.
func TestCrossSigned(t *testing.T) {
	var ids []*testca.Identity
	all := cert.NewPool()
	for range 6 {
		ids = append(ids, testca.Root(testca.NewKey(testca.GOST2015), authority("same")))
	}
	for _, by := range ids {
		for _, of := range ids {
			template := authority("same")
			template.NoKeyIDs = true
			all.Add(by.Issue(of.Key, template).Certificate)
		}
	}
	template := person()
	template.NoKeyIDs = true
	leaf := ids[0].Issue(testca.NewKey(testca.GOST2015), template).Certificate
	v := cert.Verifier{Roots: cert.NewPool(testca.Certificate("rsa/root.cer")), Intermediates: all, Now: testca.Now, Revocation: cert.Unchecked("test")}
	if _, _, err := v.Verify(context.Background(), leaf); err == nil {
		t.Error("a chain without a root")
	}
}

func TestZeroVerifierRefuses(t *testing.T) {
	leaf, root := testca.Certificate("rsa/person.cer"), testca.Certificate("rsa/root.cer")
	ctx := context.Background()
	if _, _, err := new(cert.Verifier).Verify(ctx, leaf); record.CodeOf(err) != "cert.no_time" {
		t.Error(err)
	}
	v := &cert.Verifier{Now: testca.Now}
	if _, _, err := v.Verify(ctx, leaf); record.CodeOf(err) != "cert.unknown_issuer" {
		t.Error(err)
	}
	v.Roots = cert.NewPool(root)
	if _, _, err := v.Verify(ctx, leaf, testca.Certificate("rsa/ca.cer")); record.CodeOf(err) != "cert.revocation_unset" {
		t.Error(err)
	}
	v.Revocation = cert.FirstAnswer(nil)
	if _, _, err := v.Verify(ctx, leaf, testca.Certificate("rsa/ca.cer")); record.CodeOf(err) != "cert.revocation_unset" {
		t.Error(err)
	}
}

func TestPool(t *testing.T) {
	p := cert.NewPool(testca.Certificate("rsa/ca.cer"), testca.Certificate("rsa/person.cer"), testca.Certificate("rsa/person.cer"))
	c := testca.Certificate("rsa/person.cer")
	if len(p.All()) != 2 || !p.Contains(c) || p.Contains(testca.Certificate("rsa/root.cer")) {
		t.Errorf("%d certificates", len(p.All()))
	}
	if got := p.BySerial(c.SerialNumber, func(n cert.Name) bool { return n.EqualText(c.Issuer.String()) }); len(got) != 1 {
		t.Errorf("by serial: %d", len(got))
	}
	if got := p.ByKeyID(c.SubjectKeyID); len(got) != 1 || len(p.ByKeyID(nil)) != 0 {
		t.Errorf("by key: %d", len(got))
	}
	var none *cert.Pool
	if none.Contains(c) || none.All() != nil || none.Issuers(c) != nil {
		t.Error("a nil pool is not empty")
	}
}

// answers is a Revocation with a fixed outcome.
type answers string

func (a answers) Check(_ context.Context, q cert.Query) (cert.Checks, error) {
	if a == "" {
		return nil, nil
	}
	return nil, record.NewProblem(string(a), "", "", "fixed")
}

func TestFirstAnswer(t *testing.T) {
	for _, c := range []struct {
		sources cert.FirstAnswer
		code    string
	}{
		{cert.FirstAnswer{answers("")}, ""},
		{cert.FirstAnswer{answers("cert.ocsp_unreachable"), answers("")}, ""},
		{cert.FirstAnswer{answers("cert.ocsp_unreachable"), answers("cert.revoked"), answers("")}, "cert.revoked"},
		{cert.FirstAnswer{answers("cert.revoked"), answers("")}, "cert.revoked"},
		{cert.FirstAnswer{answers("cert.ocsp_unknown"), answers("")}, "cert.ocsp_unknown"},
		{cert.FirstAnswer{answers("cert.ocsp_unreachable"), answers("cert.crl_stale")}, "cert.crl_stale"},
	} {
		if _, err := c.sources.Check(context.Background(), cert.Query{Certificate: testca.Certificate("rsa/person.cer")}); record.CodeOf(err) != c.code {
			t.Errorf("%v: %v", c.sources, err)
		}
	}
}

func TestRevokedLater(t *testing.T) {
	q := cert.Query{Certificate: testca.Certificate("rsa/person.cer"), At: testca.Now, Now: testca.Now.AddDate(1, 0, 0)}
	for _, c := range []struct {
		since   time.Time
		reason  int
		revoked bool
	}{
		{testca.Now, 0, true},
		{testca.Now.Add(time.Second), 5, false},
		{testca.Now.Add(time.Second), -1, false},
		{testca.Now.Add(time.Second), 1, true},
		{testca.Now.Add(time.Second), 2, true},
	} {
		if got := q.Revoked(c.since, c.reason); (got != nil) != c.revoked {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestNames(t *testing.T) {
	n, err := cert.ParseName(testca.Name("2.5.4.3", ` Ү,+"\<>;=#`, "2.5.4.10", `АҚ "ҮЛГІ"`, "2.5.4.6", "KZ", "1.2.3.4", "x\ny "))
	if err != nil {
		t.Fatal(err)
	}
	const want = `1.2.3.4=x\0Ay\ ,C=KZ,O=АҚ \"ҮЛГІ\",CN=\ Ү\,\+\"\\\<\>\;\=#`
	if n.String() != want {
		t.Errorf("%s, want %s", n, want)
	}
	for _, text := range []string{want, `cn="Ү,+\"\\<>;=#", O=ақ \"үлгі\" , C=kz,OID.1.2.3.4=x\0Ay`} {
		if !n.EqualText(text) {
			t.Errorf("%s is not taken for the name", text)
		}
	}
	serial, err := cert.ParseName(testca.Name("2.5.4.5", "IIN850101100012", "2.5.4.6", "KZ"))
	if err != nil || !serial.EqualText("C=KZ,2.5.4.5=#130f49494e383530313031313030303132") || serial.EqualText(`C=KZ,2.5.4.5=\#130f49494e383530313031313030303132`) {
		t.Errorf("hexadecimal value: %v", err)
	}
	for _, text := range []string{"", "CN", "CN=a\\", `CN="a`, "C=KZ", want + ",C=KZ", "C=#zz", "C=#0500x", "C=#", "QQ=1," + want} {
		if n.EqualText(text) {
			t.Errorf("%q is taken for the name", text)
		}
	}
	two, err := cert.ParseName(ber.Seq(ber.Set(ber.Seq(ber.OID("2.5.4.3"), ber.UTF8("a")), ber.Seq(ber.OID("2.5.4.6"), ber.Printable("KZ")))))
	if err != nil || two.String() != "CN=a+C=KZ" || !two.EqualText("C=KZ+CN=a") || two.EqualText("C=KZ,CN=a") {
		t.Errorf("%s, %v", two, err)
	}
}

// The national authority's certificates chain as expected.
func TestSharedCertificates(t *testing.T) {
	load := func(name string) *cert.Certificate {
		c, err := cert.Parse(needs.ReferenceFile(t, "data/kz-signatures", "ca/"+name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return c
	}
	for _, c := range []struct{ leaf, root, at, code string }{
		{"root_test_gost_2022.cer", "root_test_gost_2022.cer", "2026-01-01", ""},
		{"nca_gost2022_test.cer", "root_test_gost_2022.cer", "2026-01-01", ""},
		{"nca_gost2022_test.cer", "root_test_gost_2022.cer", "2033-01-01", "cert.expired"},
		{"prod_2015-2025_nca_gost.crt", "prod_2015-2025_root_gost.crt", "2020-01-01", ""},
		{"prod_2015-2025_nca_rsa.crt", "prod_2015-2025_root_rsa.crt", "2020-01-01", ""},
		{"prod_2015-2025_nca_rsa.crt", "prod_2015-2025_root_rsa.crt", "2026-01-01", "cert.expired"},
		{"nca_gost_test.crt", "root_test_gost_2022.cer", "2020-01-01", "cert.unknown_issuer"},
		{"prod_tsa_gost2022_2025-2028.cer", "prod_2015-2025_root_gost.crt", "2026-01-01", "cert.unknown_issuer"},
	} {
		at, err := time.Parse(time.DateOnly, c.at)
		if err != nil {
			t.Fatal(err)
		}
		v := cert.Verifier{Roots: cert.NewPool(load(c.root)), Now: at, Revocation: cert.Unchecked("test")}
		if _, _, err := v.Verify(context.Background(), load(c.leaf)); record.CodeOf(err) != c.code {
			t.Errorf("%s at %s: %v, want %q", c.leaf, c.at, err, c.code)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, family := range testca.Families {
		f.Add(testca.File(family + "/person.cer"))
	}
	root := testca.Certificate("gost2015/root.cer")
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := cert.Parse(b)
		if err != nil {
			return
		}
		_ = c.CheckSignatureFrom(root)
		if text := c.Subject.String(); len(c.Subject.RDNs) > 0 && len(c.Subject.RDNs[0]) > 0 {
			_ = c.Subject.EqualText(text)
		}
		_, _ = c.SubjectIIN(), c.SubjectBIN()
	})
}
