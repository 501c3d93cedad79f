package outbox

import (
	"bytes"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
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
	payload := bytes.Repeat([]byte("almasu "), 5000)
	var scratch []byte
	for _, p := range [][]byte{payload, nil, payload[:10]} {
		var sealed []byte
		payload := signing.NewPayload(p, "text/plain")
		h := &signing.Header{Message: record.NewID(), Payload: payload.Digest(), MediaType: "text/plain"}
		if sealed, scratch, err = Pack(v, h.Message, payload, scratch); err != nil {
			t.Fatal(err)
		}
		back, err := Unpack(v, h, bytes.Clone(sealed), nil)
		if err != nil || !bytes.Equal(back.Bytes(), p) || back.Digest() != payload.Digest() || back.MediaType() != "text/plain" {
			t.Errorf("%d bytes come back as %d, %v", len(p), len(back.Bytes()), err)
		}
		another := *h
		another.Message = record.NewID()
		if _, err := Unpack(v, &another, bytes.Clone(sealed), nil); err == nil {
			t.Error("a payload opens under another message")
		}
		another = *h
		another.Payload[3] ^= 1
		if _, err := Unpack(v, &another, bytes.Clone(sealed), nil); err == nil {
			t.Error("a payload opens under another digest")
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := Unpack(v, h, sealed, nil); err == nil {
			t.Error("a damaged payload opens")
		}
	}
	h := &signing.Header{Message: record.NewID()}
	bomb, err := v.Seal(nil, purpose, name(h.Message, h.Payload), []byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unpack(v, h, bomb, nil); err == nil {
		t.Error("a payload of four gigabytes is unpacked")
	}
}
