package cert

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/signing/ber"
)

// Attribute is one attribute of a name. Value is its text; of a value that is no
// character string it is "#" and the hexadecimal DER (RFC 4514, section 2.4).
type Attribute struct {
	OID   string
	Value string
}

// Name is a distinguished name: its encoding and its attributes in the order of the
// encoding, one list for each relative name.
type Name struct {
	Raw  []byte
	RDNs [][]Attribute
}

// attributeNames maps the types of RFC 4514 and RFC 5280 that certificates carry to
// their short names.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SURNAME", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C",
	"2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
	"2.5.4.12": "T", "2.5.4.15": "BUSINESSCATEGORY", "2.5.4.42": "GIVENNAME",
	"1.2.840.113549.1.9.1": "EMAILADDRESS", "0.9.2342.19200300.100.1.25": "DC",
	"0.9.2342.19200300.100.1.1": "UID",
}

// attributeAliases are other spellings found in texts, in upper case.
var attributeAliases = map[string]string{
	"SN": "2.5.4.4", "S": "2.5.4.8", "G": "2.5.4.42", "GN": "2.5.4.42", "E": "1.2.840.113549.1.9.1",
	"EMAIL": "1.2.840.113549.1.9.1", "TITLE": "2.5.4.12", "SERIAL": "2.5.4.5",
}

// ParseName reads a Name from its encoding.
func ParseName(der []byte) (Name, error) {
	n := Name{Raw: der}
	top := ber.NewReader(der)
	for seq := top.Seq(); !seq.Empty(); {
		var rdn []Attribute
		for set := seq.Set(); !set.Empty(); {
			pair := set.Seq()
			a := Attribute{OID: pair.OID()}
			value := pair.Next()
			if err := pair.End(); err != nil {
				return Name{}, err
			}
			text, err := ber.Text(value)
			if err != nil {
				text = "#" + hex.EncodeToString(value.Full)
			}
			a.Value = text
			rdn = append(rdn, a)
		}
		n.RDNs = append(n.RDNs, rdn)
	}
	return n, top.End()
}

// String returns the name as RFC 4514 writes it: the last relative name first.
func (n Name) String() string {
	var parts []string
	for _, rdn := range slices.Backward(n.RDNs) {
		var pairs []string
		for _, a := range rdn {
			key, ok := attributeNames[a.OID]
			if !ok {
				key = a.OID
			}
			pairs = append(pairs, key+"="+escapeValue(a.Value))
		}
		parts = append(parts, strings.Join(pairs, "+"))
	}
	return strings.Join(parts, ",")
}

func escapeValue(s string) string {
	var b strings.Builder
	for i, r := range s {
		last := i+len(string(r)) == len(s)
		switch {
		case strings.ContainsRune(`,+"\<>;=`, r), r == '#' && i == 0, r == ' ' && (i == 0 || last):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\%02X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Equal reports whether both names are the same: by encoding, or by types and texts,
// whatever string types the texts are encoded in. Letters of different case differ.
func (n Name) Equal(o Name) bool {
	return bytes.Equal(n.Raw, o.Raw) || len(n.RDNs) > 0 && slices.Equal(n.keys(exactly), o.keys(exactly))
}

func exactly(s string) string { return s }

// loosely ignores case and runs of spaces (RFC 5280, section 7.1).
func loosely(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// keys returns a comparable text for each relative name.
func (n Name) keys(form func(string) string) []string {
	out := make([]string, len(n.RDNs))
	for i, rdn := range n.RDNs {
		pairs := make([]string, len(rdn))
		for j, a := range rdn {
			pairs[j] = a.OID + "=" + form(a.Value)
		}
		slices.Sort(pairs)
		out[i] = strings.Join(pairs, "\x00")
	}
	return out
}

// EqualText reports whether text is this name written as RFC 4514 or RFC 2253 does,
// or in the order of the encoding: XML signatures in the field use both.
func (n Name) EqualText(text string) bool {
	other, ok := parseText(text)
	if !ok || len(n.RDNs) == 0 {
		return false
	}
	mine, theirs := n.keys(loosely), other.keys(loosely)
	if slices.Equal(mine, theirs) {
		return true
	}
	slices.Reverse(theirs)
	return slices.Equal(mine, theirs)
}

// parseText reads a textual name in the order in which it is written.
func parseText(text string) (Name, bool) {
	var n Name
	var rdn []Attribute
	for rest := text; ; {
		key, after, found := strings.Cut(rest, "=")
		if !found {
			return Name{}, false
		}
		oid, ok := attributeOID(strings.TrimSpace(key))
		if !ok {
			return Name{}, false
		}
		value, sep, tail, ok := cutValue(after)
		if !ok {
			return Name{}, false
		}
		if strings.HasPrefix(strings.TrimLeft(after, " "), "#") {
			if value, ok = hexText(value); !ok {
				return Name{}, false
			}
		}
		rdn = append(rdn, Attribute{OID: oid, Value: value})
		if sep != '+' {
			n.RDNs = append(n.RDNs, rdn)
			rdn = nil
		}
		if sep == 0 {
			return n, true
		}
		rest = tail
	}
}

func attributeOID(key string) (string, bool) {
	key = strings.ToUpper(strings.TrimPrefix(strings.ToUpper(key), "OID."))
	for oid, name := range attributeNames {
		if name == key || oid == key {
			return oid, true
		}
	}
	if oid, ok := attributeAliases[key]; ok {
		return oid, true
	}
	return key, key != "" && strings.Trim(key, "0123456789.") == ""
}

// hexText decodes the form "#" and hexadecimal DER, as Java writes types it has no
// name for.
func hexText(s string) (string, bool) {
	der, err := hex.DecodeString(s[1:])
	if err != nil {
		return "", false
	}
	v, err := ber.Parse(der)
	if err != nil {
		return "", false
	}
	text, err := ber.Text(v)
	if err != nil {
		return s, true
	}
	return text, true
}

// cutValue splits one attribute value off s, undoing escapes and quotes. sep is the
// separator that ended it, 0 at the end of the text.
func cutValue(s string) (value string, sep byte, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	var b []byte
	quoted, kept := false, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			octet, _ := hex.DecodeString(s[i+1 : i+3])
			b = append(b, octet...)
			i += 2
			kept = len(b)
		case c == '\\':
			if i+1 == len(s) {
				return "", 0, "", false
			}
			i++
			b = append(b, s[i])
			kept = len(b)
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ';' || c == '+'):
			return string(trimEnd(b, kept)), c, s[i+1:], true
		default:
			b = append(b, c)
		}
	}
	return string(trimEnd(b, kept)), 0, "", !quoted
}

// trimEnd removes unescaped spaces at the end; the first kept octets stay.
func trimEnd(b []byte, kept int) []byte {
	for len(b) > kept && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
