package parcel

import (
	"archive/zip"
	"bytes"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// FuzzRead reads parcels, and the answers and status lines that come back: a document is never longer than it may be, and nothing is an answer that
// the recipient has not signed.
func FuzzRead(f *testing.F) {
	key, err := signing.GenerateKey(signing.Ed25519, nil)
	if err != nil {
		f.Fatal(err)
	}
	ring := signing.NewKeyring("351240000040")
	if err := ring.Add(key.Public(), time.Time{}, time.Time{}); err != nil {
		f.Fatal(err)
	}
	message := record.NewID()
	answer, err := Answer{Message: message.String(), Code: "log.checkpoint_unknown"}.Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	var whole bytes.Buffer
	z := zip.NewWriter(&whole)
	for _, name := range []string{manifestEntry, envelopeEntry, ticketEntry, checkpointEntry, "document.json"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte("{}"))
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(answer)
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 12
		if p, err := Read(b, limit); err == nil && (p == nil || len(p.Stored) > limit+limit/256+maxSmall) {
			t.Fatal("a parcel is read that is too large")
		}
		if _, err := OpenAnswer(b, ring, time.Unix(0, 0), message); err == nil && !bytes.Equal(b, answer) {
			t.Fatal("an answer that nobody has signed")
		}
		if _, err := HeldSize(b, ring, time.Unix(0, 0), "351240000010"); err == nil {
			t.Fatal("a status that nobody has signed")
		}
	})
}
