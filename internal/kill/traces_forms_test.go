package kill

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/s2"
)

// TestTracesAreFound hides a value in each form in which it is looked for.
func TestTracesAreFound(t *testing.T) {
	const value = "Канарфам"
	var s traces
	s.add(value)
	if s.in([]byte("Канарейка, 000000000000")) != 0 {
		t.Error("found where it is not")
	}
	var wide, packed bytes.Buffer
	for _, u := range utf16.Encode([]rune(value)) {
		wide.Write([]byte{byte(u), byte(u >> 8)})
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("x" + value)); err != nil || z.Close() != nil {
		t.Fatal("cannot pack")
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for name, hidden := range map[string][]byte{
		"as it is": []byte("x" + value), "JSON": text, "escaped": []byte(strconv.QuoteToASCII(value)), "UTF-16": wide.Bytes(),
		"hexadecimal": []byte(hex.EncodeToString([]byte("x" + value))), "upper hexadecimal": []byte(strings.ToUpper(hex.EncodeToString([]byte(value)))),
		"URL": []byte(url.QueryEscape("x " + value)), "S2": s2.Encode(nil, []byte("x"+value)), "gzip": append([]byte("before"), packed.Bytes()...),
		"base64": []byte(base64.StdEncoding.EncodeToString([]byte(value + "y"))), "base64, one before": []byte(base64.URLEncoding.EncodeToString([]byte("x" + value + "yz"))),
		"base64, two before": []byte(base64.StdEncoding.EncodeToString([]byte("xx" + value + "yz"))),
	} {
		if s.in(hidden) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}
