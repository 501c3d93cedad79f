package httpsig

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/dunglas/httpsfv"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// The keys of RFC 9421 appendix B.1.
const (
	rfcPSS = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`
	rfcECDSA = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----`
	rfcEd25519 = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----`
	rfcSecret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
)

// rfcMessage is the request of appendix B.2, and the status of its response.
var rfcMessage = map[string]string{
	"@method": "POST", "@path": "/foo", "@query": "?param=Value&Pet=dog", "@authority": "example.com", "@status": "200",
	"date": "Tue, 20 Apr 2021 02:07:55 GMT", "content-type": "application/json", "content-length": "18",
	"content-digest": "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
}

var rfcVectors = []struct{ section, key, input, signature string }{
	{"B.2.1", rfcPSS, `();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
		"d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q=="},
	{"B.2.3", rfcPSS, `("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`,
		"bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA=="},
	{"B.2.4", rfcECDSA, `("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`,
		"wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="},
	{"B.2.5", "", `("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`,
		"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="},
	{"B.2.6", rfcEd25519, `("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
		"wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="},
}

func TestRFC9421Vectors(t *testing.T) {
	for _, vector := range rfcVectors {
		t.Run(vector.section, func(t *testing.T) {
			base := vectorBase(t, vector.section, vector.input)
			want, err := base64.StdEncoding.DecodeString(vector.signature)
			if err != nil {
				t.Fatal(err)
			}
			if vector.key == "" { // the one algorithm with a shared secret, which the profile does not have: the base is what counts
				secret, _ := base64.StdEncoding.DecodeString(rfcSecret)
				mac := hmac.New(sha256.New, secret)
				mac.Write(base)
				if !bytes.Equal(mac.Sum(nil), want) {
					t.Fatalf("the signature base is another one:\n%s", base)
				}
				return
			}
			public, err := signing.ParsePublicKey([]byte(vector.key))
			if err != nil {
				private, err := signing.ParseKey([]byte(vector.key))
				if err != nil {
					t.Fatal(err)
				}
				public = private.Public()
				if got, _ := private.Sign(base); !bytes.Equal(got, want) {
					t.Fatal("Ed25519 is deterministic, and this is another signature")
				}
			}
			if err := public.Verify(base, want); err != nil {
				t.Fatal(err)
			}
			if public.Verify(append(base, ' '), want) == nil {
				t.Fatal("another base verifies")
			}
		})
	}
}

// vectorBase parses and rewrites the input, as a verifier does.
func vectorBase(t *testing.T, section, input string) []byte {
	t.Helper()
	dict, err := httpsfv.UnmarshalDictionary([]string{"sig=" + input})
	if err != nil {
		t.Fatal(err)
	}
	member, _ := dict.Get("sig")
	list := member.(httpsfv.InnerList)
	params, err := httpsfv.Marshal(list)
	if err != nil || params != input {
		t.Fatalf("rewritten as %s (%v)", params, err)
	}
	var components []string
	for _, item := range list.Items {
		components = append(components, item.Value.(string))
	}
	base, err := signatureBase(components, params, func(name string) (string, error) {
		if section == "B.2.4" { // the response of the appendix
			switch name {
			case "content-length":
				return "23", nil
			case "content-digest":
				return "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:", nil
			}
		}
		v, ok := rfcMessage[name]
		if !ok {
			return "", errors.New("no such component")
		}
		return v, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// RFC 9530 appendix B.1 and B.2, and the request of RFC 9421 appendix B.2.
func TestRFC9530Vectors(t *testing.T) {
	for content, want := range map[string]string{
		"{\"hello\": \"world\"}\n": "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
		"":                         "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
		`{"hello": "world"}`:       "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
	} {
		d := record.DigestOf([]byte(content))
		if got := contentDigest(d); got != want {
			t.Errorf("got %s, expected %s", got, want)
		}
		if err := checkDigest([]string{rfcMessage["content-digest"], want}, d); err != nil {
			t.Error(err)
		}
		if err := checkDigest([]string{rfcMessage["content-digest"]}, d); record.CodeOf(err) != "signature.digest" {
			t.Errorf("a digest by another algorithm alone: %v", err)
		}
	}
}
