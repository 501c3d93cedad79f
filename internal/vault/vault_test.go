package vault

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
)

func newKey(t testing.TB) string {
	t.Helper()
	line, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestSealOpen(t *testing.T) {
	v, err := Parse([]byte(newKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("a document")
	sealed, err := v.Seal(nil, "outbox", "m1", plain)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain) {
		t.Fatal("sealed bytes hold the plain text")
	}
	got, err := v.Open("outbox", "m1", sealed)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("open: %q, %v", got, err)
	}
	if got, err := v.OpenInPlace("outbox", "m1", bytes.Clone(sealed)); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("in place: %q, %v", got, err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := v.Open("outbox", "m1", bad); !errors.Is(err, ErrOpen) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for _, place := range [][2]string{{"outbox", "m2"}, {"roster", "m1"}, {"outboxm", "1"}} {
		if _, err := v.Open(place[0], place[1], sealed); !errors.Is(err, ErrOpen) {
			t.Fatalf("opened under %v", place)
		}
	}
}

func TestRotation(t *testing.T) {
	first, second := newKey(t), newKey(t)
	before, _ := Parse([]byte(first))
	sealed, _ := before.Seal(nil, "outbox", "m", []byte("x"))
	both, err := Parse([]byte("# newest first\n" + second + "\n" + first))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Open("outbox", "m", sealed); err != nil {
		t.Fatalf("an older key no longer opens: %v", err)
	}
	fresh, _ := both.Seal(nil, "outbox", "m", []byte("x"))
	if _, err := before.Open("outbox", "m", fresh); !errors.Is(err, ErrOpen) {
		t.Fatal("the new key was not used for sealing")
	}
}

func TestBadKeyFiles(t *testing.T) {
	for name, file := range map[string]string{
		"empty": "", "comment only": "# x\n", "no prefix": strings.Repeat("ab", 32),
		"short": keyPrefix + "abcd", "not hex": keyPrefix + strings.Repeat("zz", 32),
	} {
		_, err := Parse([]byte(file))
		var ps record.Problems
		if !errors.As(err, &ps) || ps[0].Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "abab") {
			t.Errorf("%s: the error shows the key", name)
		}
	}
	if _, err := new(Vault).Seal(nil, "a", "b", nil); err == nil {
		t.Error("the zero vault seals")
	}
}
