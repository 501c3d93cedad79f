package kill

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/klauspost/compress/s2"
)

// traces are the forms in which a value may be written somewhere: as it is, in upper and lower case hexadecimal digits, in base64 of both alphabets
// wherever it begins, in UTF-16 of both orders, escaped for JSON and for URLs. Forms are looked for in bytes and in what these unpack to.
type traces struct{ patterns [][]byte }

func (s *traces) add(value string) {
	raw := []byte(value)
	digits := hex.EncodeToString(raw)
	forms := [][]byte{raw, []byte(digits), []byte(strings.ToUpper(digits)), []byte(url.QueryEscape(value))}
	units := utf16.Encode([]rune(value))
	var escaped strings.Builder
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var wide []byte
		for _, u := range units {
			wide = order.AppendUint16(wide, u)
		}
		forms = append(forms, wide)
	}
	for _, u := range units {
		if u < 0x80 {
			escaped.WriteByte(byte(u))
		} else {
			fmt.Fprintf(&escaped, `\u%04x`, u)
		}
	}
	forms = append(forms, []byte(escaped.String()), []byte(strings.ReplaceAll(strings.ToUpper(escaped.String()), `\U`, `\u`)))
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // what stands before it shifts its digits; those it shares with its neighbours are left out
			whole := alphabet.EncodeToString(append(make([]byte, before), raw...))
			forms = append(forms, []byte(whole[(before*8+5)/6:(before+len(raw))*8/6]))
		}
	}
	seen := map[string]bool{}
	for _, p := range s.patterns {
		seen[string(p)] = true
	}
	for _, f := range forms {
		if !seen[string(f)] {
			seen[string(f)] = true
			s.patterns = append(s.patterns, f)
		}
	}
}

// in counts the forms that stand in b, or in what b unpacks to by S2 or, from any place, by gzip.
func (s *traces) in(b []byte) (n int) {
	n = s.plain(b)
	if size, err := s2.DecodedLen(b); err == nil && size > 0 && size < 64<<20 {
		if plain, err := s2.Decode(nil, b); err == nil {
			n += s.plain(plain)
		}
	}
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte{0x1f, 0x8b, 8})
		if i < 0 {
			return n
		}
		at += i
		if z, err := gzip.NewReader(bytes.NewReader(b[at:])); err == nil {
			plain, _ := io.ReadAll(io.LimitReader(z, 16<<20))
			n += s.plain(plain)
		}
		at += 3
	}
}

func (s *traces) plain(b []byte) (n int) {
	for _, p := range s.patterns {
		if bytes.Contains(b, p) {
			n++
		}
	}
	return n
}
