package xmldsig_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/xmldsig"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

// documents use what signing must get right.
var documents = map[string]string{
	"plain":       `<r><a>1</a></r>`,
	"declaration": "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\r\n<r>\r\n <a/>\r\n</r>\r\n",
	"comments":    `<!-- before --><r>in<!-- side -->side</r><!-- behind -->`,
	"redeclared":  `<p:r xmlns:p="urn:1" xmlns="urn:d"><p:a xmlns:p="urn:2" xmlns=""><b p:x="1"/></p:a></p:r>`,
	"ds used":     `<r xmlns:ds="urn:not-signatures"><ds:a/></r>`,
	"lang":        `<r xml:lang="kk" xml:space="preserve"><a xml:lang="ru"> </a></r>`,
	"white space": "<r a='1\t2\n3&#9;4&#10;5&#13;6'>7&#13;\r\n\t8</r>",
	"sections":    `<r>a<![CDATA[<b>&]]>c</r>`,
	"letters":     `<журнал атауы="Оқушылар тізімі"><оқушы>Әйгерім Ғабит Һәкімқызы Ұлы Өмір Үй Іс Қара Ң</оқушы></журнал>`,
	"instruction": `<?a b?><r><?c d?></r><?e?>`,
	"beyond BMP":  `<r a="&#x1F600;">😀</r>`,
}

func read(tb testing.TB, text string) *etree.Document {
	tb.Helper()
	doc, err := xmlread.Parse([]byte(text), xmlread.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// verify verifies a text within the default limits, with no known certificates.
func verify[T string | []byte](text T) ([]*xmldsig.Verified, cert.Checks, error) {
	return xmldsig.Verify([]byte(text), xmlread.DefaultLimits(), nil)
}

func signed(tb testing.TB, text string, s xmldsig.Signer) string {
	tb.Helper()
	out, err := xmldsig.Sign(read(tb, text), s)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

func canonical(tb testing.TB, text string) []byte {
	tb.Helper()
	out, err := c14n.Method{}.Document(read(tb, text))
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestSignVerify(t *testing.T) {
	for _, name := range xmltest.Suites {
		s := xmltest.Signer(t, name, "a")
		for title, text := range documents {
			t.Run(name+"/"+title, func(t *testing.T) {
				all, checks, err := verify(signed(t, text, s))
				if err != nil {
					t.Fatal(err)
				}
				if len(all) != 1 || len(checks) != 6 {
					t.Fatalf("%d signatures, checks %v", len(all), checks)
				}
				v := all[0]
				if !bytes.Equal(v.Whole().Octets(), canonical(t, text)) {
					t.Errorf("covered: %s", v.Whole().Octets())
				}
				if !bytes.Equal(v.Signer().Raw, s.Certificate.Raw) || v.Suite().Name != name {
					t.Error("another signer")
				}
				again, err := v.Whole().Document(xmlread.DefaultLimits())
				if err != nil || len(xmldsig.Find(again.Root())) != 0 {
					t.Errorf("the tree that was verified: %v", err)
				}
			})
		}
	}
}

// TestCanonicalPath: without a tree the same signed document comes out.
func TestCanonicalPath(t *testing.T) {
	s := xmltest.Signer(t, "RSA-SHA256", "a") // PKCS #1 v1.5 is deterministic
	for title, text := range documents {
		if title == "comments" || title == "instruction" {
			continue
		}
		form := canonical(t, text)
		got, err := xmldsig.SignCanonical(form, s)
		if err != nil {
			t.Errorf("%s: %v", title, err)
			continue
		}
		if want := signed(t, text, s); string(got) != want {
			t.Errorf("%s\ngot  %s\nwant %s", title, got, want)
		}
	}
	for _, text := range []string{"", "<r>", "<r/>", "<r></r>\n", "<!-- c --><r></r>", "<r a='1'></r>", "<r b=\"\" a=\"\"></r>", "text", "<a></a><b></b>"} {
		if _, err := xmldsig.SignCanonical([]byte(text), s); record.CodeOf(err) == "" {
			t.Errorf("%q was signed: %v", text, err)
		}
	}
}

// TestSeveralSigners: each signature covers those before it.
func TestSeveralSigners(t *testing.T) {
	first, second := xmltest.Signer(t, "GOST-2015-512", "a"), xmltest.Signer(t, "RSA-SHA256", "a")
	once := signed(t, documents["letters"], first)
	twice := signed(t, once, second)
	all, _, err := verify(twice)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d %v", len(all), err)
	}
	if string(all[0].Whole().Octets()) != string(canonical(t, documents["letters"])) {
		t.Error("the first covers something else")
	}
	if string(all[1].Whole().Octets()) != once {
		t.Error("the second does not cover the first")
	}
	signature, _ := signatureOf(twice)
	if _, _, err := verify(strings.Replace(twice, signature, "", 1)); record.CodeOf(err) != "xmldsig.digest" {
		t.Errorf("without the first signature: %v", err)
	}
}

func TestSignerRefused(t *testing.T) {
	a, b := xmltest.Signer(t, "RSA-SHA256", "a"), xmltest.Signer(t, "GOST-2015-512", "a")
	for title, s := range map[string]xmldsig.Signer{
		"zero":             {},
		"another's key":    {Key: a.Key, Certificate: b.Certificate, Rand: a.Rand},
		"no randomness":    {Key: a.Key, Certificate: a.Certificate},
		"no certificate":   {Key: a.Key, Rand: a.Rand},
		"same kind of key": {Key: xmltest.Signer(t, "RSA-SHA256", "b").Key, Certificate: a.Certificate, Rand: a.Rand},
	} {
		if _, err := xmldsig.Sign(read(t, "<r/>"), s); record.CodeOf(err) != "xmldsig.key" {
			t.Errorf("%s: %v", title, err)
		}
	}
}

// TestZeroVerified: nothing can be read out of a Verified that Verify did not make.
func TestZeroVerified(t *testing.T) {
	var v xmldsig.Verified
	if v.Signer() != nil || v.Contents() != nil || v.Whole().Octets() != nil {
		t.Error("a zero Verified says something")
	}
	if _, err := v.Whole().Document(xmlread.DefaultLimits()); err == nil {
		t.Error("a zero Content has a document")
	}
}
