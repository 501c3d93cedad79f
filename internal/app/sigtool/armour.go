package sigtool

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

const mark = "\ufeff"

// text returns b as UTF-8 without a byte order mark if b is text in UTF-16 or UTF-8; b
// itself if it is anything else. sixteen says that it was UTF-16.
func text(b []byte) (out []byte, sixteen bool) {
	var order binary.ByteOrder
	switch {
	case len(b)%2 != 0 || len(b) < 4:
	case b[0] == 0xff && b[1] == 0xfe, b[1] == 0 && b[3] == 0 && b[0] != 0:
		order = binary.LittleEndian
	case b[0] == 0xfe && b[1] == 0xff, b[0] == 0 && b[2] == 0 && b[1] != 0:
		order = binary.BigEndian
	}
	if order == nil {
		return bytes.TrimPrefix(b, []byte(mark)), false
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	for i := 0; i < len(units); i++ {
		if r := rune(units[i]); !utf16.IsSurrogate(r) {
			continue
		} else if i+1 < len(units) && utf16.DecodeRune(r, rune(units[i+1])) != utf8.RuneError {
			i++
			continue
		}
		return b, false // a lone surrogate: not UTF-16
	}
	return []byte(strings.TrimPrefix(string(utf16.Decode(units)), mark)), true
}

// unbase64 decodes base64 or base64url with white space anywhere, padded or not.
func unbase64(b []byte) ([]byte, bool) {
	dense := strings.TrimRight(strings.Join(strings.Fields(string(b)), ""), "=")
	dense = strings.NewReplacer("-", "+", "_", "/").Replace(dense)
	out, err := base64.RawStdEncoding.Strict().DecodeString(dense)
	return out, err == nil && len(out) > 0
}

// unpem returns what stands in the PEM blocks of b, whatever their labels and lines.
func unpem(b []byte) (blocks [][]byte) {
	const begin, end, dashes = "-----BEGIN ", "-----END ", "-----"
	for rest := string(b); ; {
		_, after, found := strings.Cut(rest, begin)
		if !found {
			return blocks
		}
		label, body, found := strings.Cut(after, dashes)
		if !found {
			return nil
		}
		body, rest, found = strings.Cut(body, end+label+dashes)
		if !found {
			return nil
		}
		raw, ok := unbase64([]byte(body))
		if !ok {
			return nil
		}
		blocks = append(blocks, raw)
	}
}

// binaries returns the binary values in b: those of its PEM blocks, or the one that b is
// in base64 or as it stands. They are not looked into.
func binaries(b []byte) [][]byte {
	if value, ok := asValue(b); ok {
		return [][]byte{value}
	}
	plain, _ := text(b)
	if blocks := unpem(plain); blocks != nil {
		return blocks
	}
	if raw, ok := unbase64(plain); ok {
		return [][]byte{raw}
	}
	return [][]byte{b}
}

// asValue returns the one BER value that b is, without line ends behind it.
func asValue(b []byte) ([]byte, bool) {
	if len(b) == 0 || b[0] != 0x30 {
		return nil, false
	}
	r := ber.NewReader(b)
	v := r.Next()
	if r.Err() != nil || len(v.Full) == 0 || len(bytes.Trim(b[len(v.Full):], "\r\n")) > 0 {
		return nil, false
	}
	return v.Full, true
}

// single returns the one binary value in b; a file of several PEM blocks is none.
func single(b []byte) ([]byte, *record.Problem) {
	all := binaries(b)
	if len(all) != 1 {
		return nil, record.NewProblem("file.several", "", "split the file", "%d PEM blocks, expected one", len(all))
	}
	return all[0], nil
}

// readCertificates reads the certificates of a file.
func readCertificates(b []byte) ([]*cert.Certificate, error) {
	var all []*cert.Certificate
	for _, der := range binaries(b) {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// xmlText returns an XML document in UTF-8 without armour.
func xmlText(b []byte) ([]byte, error) {
	plain, sixteen := text(b)
	plain = bytes.TrimSpace(plain)
	if len(plain) > 0 && plain[0] != '<' {
		if raw, ok := unbase64(plain); ok {
			plain, sixteen = text(raw)
			plain = bytes.TrimSpace(plain)
		}
	}
	head, rest, found := bytes.Cut(plain, []byte("?>"))
	declaration := string(head)
	if !found || !strings.HasPrefix(declaration, "<?xml") {
		return plain, nil
	}
	named := encodingOf(declaration)
	declared := strings.ToLower(named)
	switch {
	case sixteen && declared != "" && !strings.HasPrefix(declared, "utf-16"):
		return nil, record.NewProblem("xml.encoding", "", "", "the document is UTF-16 and declares another encoding")
	case declared == "windows-1251":
		out, err := charmap.Windows1251.NewDecoder().Bytes(rest)
		if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
			return nil, record.NewProblem("xml.encoding", "", "", "the document is not in windows-1251 as it declares")
		}
		rest = out
	case !strings.HasPrefix(declared, "utf-16") && declared != "us-ascii" && declared != "utf8":
		return plain, nil
	}
	return append([]byte(strings.Replace(declaration, named, "UTF-8", 1)+"?>"), rest...), nil
}

// encodingOf returns the encoding that an XML declaration names, or "".
func encodingOf(declaration string) string {
	_, after, found := strings.Cut(declaration, "encoding")
	after = strings.TrimLeft(after, " \t\r\n")
	if !found || !strings.HasPrefix(after, "=") {
		return ""
	}
	after = strings.TrimLeft(after[1:], " \t\r\n")
	if after == "" || after[0] != '"' && after[0] != '\'' {
		return ""
	}
	value, _, _ := strings.Cut(after[1:], after[:1])
	return value
}
