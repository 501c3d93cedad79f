package signing

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

func TestKeysetRotates(t *testing.T) {
	first, err := GenerateKey(Ed25519, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := first.PEM()
	if err != nil {
		t.Fatal(err)
	}
	set, err := ParseKeyset(plain)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	rotated, err := set.Rotate(rand.Reader, now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	text, err := rotated.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseKeyset(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Current().ID() == first.ID() || again.Current().ID() != rotated.Current().ID() {
		t.Error("the new key does not sign")
	}
	ring, err := again.Ring("351240000010")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		at   time.Time
		good bool
	}{
		{first.ID(), now.Add(-time.Hour), true}, {first.ID(), now.Add(23 * time.Hour), true}, {first.ID(), now.Add(25 * time.Hour), false},
		{again.Current().ID(), now.Add(-time.Hour), false}, {again.Current().ID(), now.Add(time.Hour), true},
	} {
		if _, err := ring.Find(c.id, c.at); (err == nil) != c.good {
			t.Errorf("%s at %v: %v", c.id, c.at, err)
		}
	}
	if more, err := again.Marshal(); err != nil || !bytes.Equal(more, text) {
		t.Errorf("the form at rest is not stable: %v", err)
	}
}

func TestKeysetRefuses(t *testing.T) {
	k, _ := GenerateKey(Ed25519, rand.Reader)
	plain, _ := k.PEM()
	with := func(header string) string {
		return strings.Replace(string(plain), "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n"+header+"\n\n", 1)
	}
	for name, file := range map[string]string{
		"empty": "", "text": "hello", "trailing text": string(plain) + "hello", "bad time": with("Not-After: tomorrow"),
		"unknown header": with("Colour: red"), "ended key signs": with("Not-After: 2026-01-01T00:00:00Z"),
		"public key": string(k.Public().PEM()),
	} {
		if _, err := ParseKeyset([]byte(file)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
