package gost

import (
	"bytes"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var hashes = map[string]func() hash.Hash{
	"streebog512": NewStreebog512, "streebog256": NewStreebog256, "34.311": New341194,
}

// The messages of RFC 6986, section 10: M1 is a row of digits, M2 a line of "The Song of Igor's Campaign" in windows-1251.
const (
	m1 = "012345678901234567890123456789012345678901234567890123456789012"
	m2 = "\xd1\xe5 \xe2\xe5\xf2\xf0\xe8, \xd1\xf2\xf0\xe8\xe1\xee\xe6\xe8 \xe2\xed\xf3\xf6\xe8, \xe2\xe5\xfe\xf2\xfa " +
		"\xf1 \xec\xee\xf0\xff \xf1\xf2\xf0\xe5\xeb\xe0\xec\xe8 \xed\xe0 \xf5\xf0\xe0\xe1\xf0\xfb\xff \xef\xeb\xfa\xea\xfb \xc8\xe3\xee\xf0\xe5\xe2\xfb"
)

func TestHashVectors(t *testing.T) {
	for _, c := range []struct{ hash, message, want string }{
		{"streebog512", "", "8e945da209aa869f0455928529bcae4679e9873ab707b55315f56ceb98bef0a7362f715528356ee83cda5f2aac4c6ad2ba3a715c1bcd81cb8e9f90bf4c1c1a8a"},
		{"streebog512", m1, "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"},
		{"streebog512", m2, "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"},
		{"streebog256", "", "3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb"},
		{"streebog256", m1, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"},
		{"streebog256", m2, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"},
		{"34.311", "", "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"},
		{"34.311", "abc", "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d"},
		// RFC 5831, section 7.3
		{"34.311", "This is message, length=32 bytes", "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa"},
		{"34.311", "Suppose the original message has length = 50 bytes", "471aba57a60a770d3a76130635c1fbea4ef14de51f78b4ae57dd893b62f55208"},
		{"34.311", strings.Repeat("U", 128), "53a3a3ed25180cef0c1d85a074273e551c25660a87062a52d926a9e8fe5733a4"},
	} {
		h := hashes[c.hash]()
		h.Write([]byte(c.message))
		if got := hex.EncodeToString(h.Sum(nil)); got != c.want {
			t.Errorf("%s of %.20q: %s, want %s", c.hash, c.message, got, c.want)
		}
	}
}

func TestHashInPieces(t *testing.T) {
	for name, newHash := range hashes {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				msg := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "message")
				whole, pieces := newHash(), newHash()
				whole.Write(msg)
				pieces.Write([]byte("forgotten"))
				pieces.Reset()
				for len(msg) > 0 {
					n := rapid.IntRange(0, len(msg)).Draw(t, "n")
					if k, err := pieces.Write(msg[:n]); k != n || err != nil {
						t.Fatalf("Write of %d bytes: %d, %v", n, k, err)
					}
					if got := pieces.Sum([]byte{7}); got[0] != 7 || len(got) != 1+pieces.Size() { // must not change the state
						t.Fatal("Sum does not append")
					}
					msg = msg[n:]
				}
				if !bytes.Equal(whole.Sum(nil), pieces.Sum(nil)) || len(whole.Sum(nil)) != whole.Size() {
					t.Fatal("the digest depends on the pieces")
				}
			})
		})
	}
}
