package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"almasu-verify": main})
}

// TestScripts runs the command on a log of one delivered message.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(e *testscript.Env) error {
		for name, b := range files(t) {
			if err := os.WriteFile(filepath.Join(e.WorkDir, name), b, 0o600); err != nil {
				return err
			}
		}
		return nil
	}})
}

// files are a good export, the same with a byte changed, the same cut, keys, and a checkpoint of another log by the same key.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	at := time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC)
	secret, public, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := transferlog.New(secret)
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := signing.GenerateKey(signing.Ed25519, nil)
	if err != nil {
		t.Fatal(err)
	}
	var memory, fork transferlog.Memory
	commit := func(m *transferlog.Memory, e transferlog.Entry) []byte {
		c, err := log.Commit(context.Background(), m, at, e)
		if err != nil {
			t.Fatal(err)
		}
		return c.Checkpoint()
	}
	in := &transferlog.Intent{
		Transfer: record.NewID(), Message: record.NewID(), Sequence: 1, Recipient: "010140000005", Path: "statute",
		Envelope: record.DigestOf([]byte("e")), Payload: record.DigestOf([]byte("p")), Records: 2,
	}
	held := commit(&memory, in)
	receipt, err := signing.SignReceipt(signing.Receipt{
		Message: in.Message, Envelope: in.Envelope, Sequence: 1, Recipient: in.Recipient, Received: at, Status: signing.StatusAccepted, Records: 2, Accepted: 2,
	}, recipient)
	if err != nil {
		t.Fatal(err)
	}
	last := commit(&memory, &transferlog.Settlement{
		Transfer: in.Transfer, Message: in.Message, Sequence: 1, Recipient: in.Recipient, Outcome: transferlog.Delivered,
		Receipt: record.DigestOf(receipt), Accepted: 2, Attempts: 1,
	})
	var out bytes.Buffer
	w := evidence.NewWriter(&out, log.PublicKey(), at)
	w.Key(in.Recipient, signing.HeldKey{Key: recipient.Public()})
	w.Entry(memory.Entries[0])
	w.Checkpoint(held)
	w.Receipt(receipt)
	w.Entry(memory.Entries[1])
	w.Checkpoint(last)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	good := out.Bytes()
	return map[string][]byte{
		"good.jsonl": good, "bad.jsonl": bytes.Replace(good, []byte(`"records":2`), []byte(`"records":3`), 1), "cut.jsonl": good[:len(good)-60],
		"log.pub": []byte(public), "other.pub": []byte(other), "recipient.pem": recipient.Public().PEM(), "held.txt": held,
		"fork.txt": commit(&fork, &transferlog.Act{Actor: "a", Act: "run_now"}),
	}
}
