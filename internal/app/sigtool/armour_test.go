package sigtool_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

func utf16Of(order binary.AppendByteOrder, text string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func folded(text string, width int, end string) string {
	var b strings.Builder
	for i := 0; i < len(text); i += width {
		b.WriteString(text[i:min(i+width, len(text))] + end)
	}
	return b.String()
}

// armoured returns der in every armour that tools in the field put on.
func armoured(der []byte, label string) map[string][]byte {
	text := base64.StdEncoding.EncodeToString(der)
	oneLine := fmt.Sprintf("-----BEGIN %s-----%s-----END %s-----", label, text, label)
	usual := string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	return map[string][]byte{
		"DER":                     der,
		"DER, line end behind":    append(bytes.Clone(der), '\n'),
		"DER, CR LF behind":       append(bytes.Clone(der), "\r\n"...),
		"base64":                  []byte(text),
		"base64, line end":        []byte(text + "\n"),
		"base64, lines of 76":     []byte(folded(text, 76, "\r\n")),
		"base64, lines of 64":     []byte("\n" + folded(text, 64, "\n")),
		"base64, unpadded":        []byte(strings.TrimRight(text, "=")),
		"base64url":               []byte(base64.RawURLEncoding.EncodeToString(der)),
		"base64, mark before":     []byte("\ufeff" + text),
		"base64, UTF-16":          utf16Of(binary.LittleEndian, "\ufeff"+text),
		"PEM":                     []byte(usual),
		"PEM, CR LF":              []byte(strings.ReplaceAll(usual, "\n", "\r\n")),
		"PEM, mark before":        []byte("\ufeff" + usual),
		"PEM, UTF-16":             utf16Of(binary.BigEndian, "\ufeff"+usual),
		"PEM, UTF-16 unmarked":    utf16Of(binary.LittleEndian, usual),
		"PEM, one line":           []byte(oneLine),
		"PEM, one line of base64": []byte(fmt.Sprintf("-----BEGIN %s-----\n%s\n-----END %s-----\n", label, text, label)),
		"PEM, text around":        []byte("subject: x\n\n" + usual + "\nbye\n"),
	}
}

func TestArmour(t *testing.T) {
	dir := t.TempDir()
	content := put(t, "content", testca.File("gost2015/content.txt"))
	for _, c := range []struct{ kind, file, label, root string }{
		{"cms", "gost2015/attached.p7s", "CMS", "gost2015"},
		{"cms", "gost2004/attached.ber", "PKCS7", "gost2004"},
		{"cms", "rsa/attached.p7s", "PKCS #7 SIGNED DATA", "rsa"},
		{"tsp", "gost2015/content.tst", "TIMESTAMP", "gost2015"},
		{"tsp", "gost2015/content.tsr", "TIMESTAMP RESPONSE", "gost2015"},
	} {
		root := put(t, "ca.cer", testca.File(c.root+"/ca.cer"))
		for name, b := range armoured(testca.File(c.file), c.label) {
			args := []string{"verify", c.kind, "--roots", root, put(t, "signed", b)}
			if c.kind == "tsp" {
				args = append(args, "--content", content)
			}
			if got := invoke(t, testca.Now, nil, args...); got.exit != 0 {
				t.Errorf("%s, %s: %s\n%s", c.file, name, got.code, got.out)
			}
		}
	}
	for name, b := range armoured(testca.File("rsa/ca.cer"), "CERTIFICATE") {
		for flag, other := range map[string]string{"--roots": "rsa/attached.p7s"} {
			got := invoke(t, testca.Now, nil, "verify", "cms", flag, put(t, "ca", b), put(t, "signed", testca.File(other)))
			if got.exit != 0 {
				t.Errorf("root in %s: %s", name, got.code)
			}
		}
	}
	for name, b := range armoured(testca.File("rsa/list.crl"), "X509 CRL") {
		index := filepath.Join(dir, strings.ReplaceAll(name, " ", "_"))
		if got := invoke(t, testca.Now, nil, "cert", "crl-index", "--issuer", put(t, "ca", testca.File("rsa/ca.cer")), "--output", index, put(t, "list", b)); got.exit != 0 {
			t.Errorf("list in %s: %s", name, got.code)
		}
	}
}

// What is no armour stays an error: octets behind the document, several documents.
func TestArmourRefused(t *testing.T) {
	der := testca.File("rsa/attached.p7s")
	one := pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der})
	root := put(t, "ca.cer", testca.File("rsa/ca.cer"))
	for name, b := range map[string][]byte{
		"empty":               {},
		"octet behind":        append(bytes.Clone(der), 0),
		"text behind":         append(bytes.Clone(der), "\nx"...),
		"cut off":             der[:len(der)-1],
		"two blocks":          append(bytes.Clone(one), one...),
		"block without end":   one[:len(one)-12],
		"broken base64":       bytes.Replace(one, []byte("\n"), []byte("\n*"), 2),
		"document twice":      append(bytes.Clone(der), der...),
		"a lone surrogate":    {0xff, 0xfe, 0x00, 0xd8},
		"PEM of other labels": []byte("-----BEGIN CMS-----\n" + base64.StdEncoding.EncodeToString(der) + "\n-----END PKCS7-----\n"),
	} {
		if got := invoke(t, testca.Now, nil, "verify", "cms", "--roots", root, put(t, "signed", b)); got.exit != 1 {
			t.Errorf("%s: exit code %d, %q", name, got.exit, got.code)
		}
	}
}

// encodings are ways in which one signed document reaches people.
func encodings(t *testing.T, document string) map[string][]byte {
	t.Helper()
	declared := func(encoding string) string {
		return `<?xml version="1.0" encoding="` + encoding + `"?>` + "\r\n" + document
	}
	cyrillic, err := charmap.Windows1251.NewEncoder().Bytes([]byte(declared("windows-1251")))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"as it stands":            []byte(document),
		"declared":                []byte(declared("utf-8")),
		"declared, single quotes": []byte("<?xml version='1.0' encoding='UTF-8' standalone='yes'?>" + document),
		"mark before":             []byte("\ufeff" + declared("UTF-8")),
		"white space around":      []byte("\r\n  " + declared("UTF-8") + "\n\n"),
		"UTF-16":                  utf16Of(binary.LittleEndian, "\ufeff"+declared("utf-16")),
		"UTF-16, big-endian":      utf16Of(binary.BigEndian, "\ufeff"+declared("UTF-16BE")),
		"UTF-16, undeclared":      utf16Of(binary.LittleEndian, "\ufeff"+document),
		"UTF-16, unmarked":        utf16Of(binary.LittleEndian, declared("UTF-16LE")),
		"UTF-8 declared UTF-16":   []byte(declared("utf-16")),
		"UTF-8 declared UTF8":     []byte(declared("UTF8")),
		"windows-1251":            cyrillic,
		"base64":                  []byte(base64.StdEncoding.EncodeToString([]byte(declared("UTF-8")))),
		"base64 of UTF-16":        []byte(folded(base64.StdEncoding.EncodeToString(utf16Of(binary.LittleEndian, "\ufeff"+declared("utf-16"))), 76, "\n")),
	}
}

func TestEncodings(t *testing.T) {
	root := put(t, "ca.cer", testca.File("gost2015/ca.cer"))
	key, password := put(t, "key.p12", testca.File("gost2015/person.p12")), put(t, "password", []byte(testca.Password))
	in := put(t, "in.xml", []byte("<заявка язык=\"ru\">\r\nДокумент № 7 «образец»&#13;\r\n</заявка>"))
	for _, kind := range []string{"xml", "wsse"} {
		out := filepath.Join(t.TempDir(), "out")
		if got := invoke(t, testca.Now, nil, "sign", kind, "--key", key, "--password-file", password, "--output", out, in); got.exit != 0 {
			t.Fatal(got.code)
		}
		signed := string(mustRead(t, out))
		var first []byte
		for name, b := range encodings(t, signed) {
			extract := filepath.Join(t.TempDir(), "extract")
			got := invoke(t, testca.Now, nil, "verify", kind, "--roots", root, "--extract", extract, put(t, "signed", b))
			if got.exit != 0 {
				t.Errorf("%s, %s: %s\n%s", kind, name, got.code, got.out)
				continue
			}
			content := mustRead(t, extract)
			if first == nil {
				first = content
			}
			if !bytes.Equal(first, content) {
				t.Errorf("%s, %s: other content", kind, name)
			}
		}
		for name, b := range map[string][]byte{
			"UTF-16 declared otherwise": utf16Of(binary.LittleEndian, "\ufeff<?xml version=\"1.0\" encoding=\"UTF-8\"?>"+signed),
			"another encoding":          []byte("<?xml version=\"1.0\" encoding=\"koi8-r\"?>" + signed),
			"not UTF-8":                 append([]byte(signed), 0xff),
			"XML 1.1":                   []byte("<?xml version=\"1.1\" encoding=\"utf-16\"?>" + signed),
			"not windows-1251":          []byte("<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>\x98</a>"),
			"UTF-8 taken for 1251":      []byte("<?xml version=\"1.0\" encoding=\"windows-1251\"?>" + signed),
		} {
			if got := invoke(t, testca.Now, nil, "verify", kind, "--roots", root, put(t, "signed", b)); got.exit != 1 {
				t.Errorf("%s, %s: exit code %d", kind, name, got.exit)
			}
		}
	}
}
