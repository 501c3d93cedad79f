package c14n_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/c14n"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmlread"
	"birgeoqy.kz/almasu/internal/signing/xmldsig/xmltest"
)

func parse(t *testing.T, text string) *etree.Document {
	t.Helper()
	doc, err := xmlread.Parse([]byte(text), xmlread.DefaultLimits())
	if err != nil {
		t.Fatalf("%v\n%q", err, text)
	}
	return doc
}

// TestDocumentsEqualLibxml2 compares whole documents, in both methods, with xmllint.
func TestDocumentsEqualLibxml2(t *testing.T) {
	xmllint := needs.Tool(t, "xmllint", "libxml2-utils")
	const documents = 1500
	for _, mode := range []struct {
		flag   string
		method c14n.Method
	}{
		{"--c14n", c14n.Method{Comments: true}},
		{"--exc-c14n", c14n.Method{Comments: true, Exclusive: true}},
	} {
		t.Run(mode.flag, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"--nonet", mode.flag}
			var mine [][]byte
			for i := range documents {
				text, _ := xmltest.Document(uint64(i), false)
				got, err := mode.method.Document(parse(t, text))
				if err != nil {
					t.Fatalf("document %d: %v", i, err)
				}
				path := filepath.Join(dir, fmt.Sprintf("%d.xml", i))
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, path)
				mine = append(mine, got)
			}
			theirs, err := exec.Command(xmllint, args...).Output()
			if err != nil {
				t.Fatalf("xmllint: %v", err)
			}
			for i, got := range mine {
				rest, ok := bytes.CutPrefix(theirs, got)
				if !ok {
					text, _ := xmltest.Document(uint64(i), false)
					t.Fatalf("document %d differs\ntext   %q\nours   %q\ntheirs %q", i, text, got, theirs[:min(len(theirs), len(got)+80)])
				}
				theirs = rest
			}
			if len(theirs) > 0 {
				t.Fatalf("xmllint wrote %d bytes more", len(theirs))
			}
		})
	}
}

var digestValue = regexp.MustCompile(`<DigestValue>([^<]*)</DigestValue>`)

// TestElementsEqualLibxml2 compares sub-elements: xmlsec1, which canonicalises with
// libxml2, signs one reference to each target element in each method, and its digests
// are compared with those of our octets.
func TestElementsEqualLibxml2(t *testing.T) {
	xmlsec := needs.Tool(t, "xmlsec1", "xmlsec1")
	dir := t.TempDir()
	key := filepath.Join(dir, "key.bin")
	if err := os.WriteFile(key, []byte("a key for digests only"), 0o600); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for seed := uint64(10_000); compared < 2_400; seed++ {
		text, targets := xmltest.Document(seed, true)
		if targets == 0 {
			continue
		}
		compared += compareTargets(t, xmlsec, key, filepath.Join(dir, "in.xml"), text, targets)
	}
	t.Logf("%d sub-elements compared", compared)
}

// elementModes are the methods for sub-elements. A reference by "#id" drops comments
// in every method.
var elementModes = []struct {
	transform string
	method    c14n.Method
}{
	{`<Transform Algorithm="` + c14n.Inclusive + `"/>`, c14n.Method{}},
	{`<Transform Algorithm="` + c14n.Exclusive + `"/>`, c14n.Method{Exclusive: true}},
	{
		`<Transform Algorithm="` + c14n.Exclusive + `"><InclusiveNamespaces xmlns="` + c14n.Exclusive + `" PrefixList="p #default ds"/></Transform>`,
		c14n.Method{Exclusive: true, Prefixes: c14n.PrefixList("p #default ds")},
	},
	{
		`<Transform Algorithm="` + c14n.Exclusive + `"><InclusiveNamespaces xmlns="` + c14n.Exclusive + `" PrefixList="q r"/></Transform>`,
		c14n.Method{Exclusive: true, Prefixes: c14n.PrefixList("q r")},
	},
}

func compareTargets(t *testing.T, xmlsec, key, path, text string, targets int) int {
	t.Helper()
	var refs strings.Builder
	for i := range targets {
		for _, m := range elementModes {
			fmt.Fprintf(&refs, `<Reference URI="#t%d"><Transforms>%s</Transforms>`+
				`<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><DigestValue/></Reference>`, i, m.transform)
		}
	}
	signature := `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><CanonicalizationMethod Algorithm="` + c14n.Inclusive +
		`"/><SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>` + refs.String() +
		`</SignedInfo><SignatureValue/></Signature>`
	end := strings.LastIndex(text, "</")
	if end < 0 || !strings.Contains(text, "Id='t0'") {
		return 0
	}
	whole := text[:end] + signature + text[end:]
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--sign", "--hmackey", key, "--id-attr:Id", "target"}
	for _, uri := range xmltest.Namespaces {
		args = append(args, "--id-attr:Id", uri+":target")
	}
	out, err := exec.Command(xmlsec, append(args, path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("xmlsec1: %v\n%s\n%q", err, out, whole)
	}
	digests := digestValue.FindAllSubmatch(out, -1)
	if len(digests) != targets*len(elementModes) {
		t.Fatalf("xmlsec1 wrote %d digests", len(digests))
	}
	doc := parse(t, whole)
	for i := range targets {
		el := doc.FindElement(fmt.Sprintf("//*[@Id='t%d']", i))
		for k, m := range elementModes {
			got, err := m.method.Element(el)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(got)
			if base64.StdEncoding.EncodeToString(sum[:]) != string(digests[i*len(elementModes)+k][1]) {
				t.Fatalf("element t%d, method %d differs\ntext %q\nours %q", i, k, whole, got)
			}
		}
	}
	return targets * len(elementModes)
}
