package outbox

import (
	"bytes"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/vault"
)

func TestPack(t *testing.T) {
	text, err := vault.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	id, payload := record.NewID(), bytes.Repeat([]byte("almasu "), 5000)
	var scratch []byte
	for _, p := range [][]byte{payload, nil, payload[:10]} {
		var sealed []byte
		if sealed, scratch, err = Pack(v, id, p, scratch); err != nil {
			t.Fatal(err)
		}
		back, err := Unpack(v, id, sealed, nil)
		if err != nil || !bytes.Equal(back, p) {
			t.Errorf("%d bytes come back as %d, %v", len(p), len(back), err)
		}
		if _, err := Unpack(v, record.NewID(), sealed, nil); err == nil {
			t.Error("a payload opens under another message")
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := Unpack(v, id, sealed, nil); err == nil {
			t.Error("a damaged payload opens")
		}
	}
	bomb, err := v.Seal(nil, purpose, id.String(), []byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(v, id, bomb, nil); err == nil {
		t.Error("a payload of four gigabytes is unpacked")
	}
}
