package signing

import (
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

func TestListingSaysPeriodsAndNoSecret(t *testing.T) {
	first, second := mustKey(Ed25519), mustKey(Ed25519)
	from := time.Date(2026, 9, 1, 5, 0, 0, 0, time.FixedZone("", 5*3600))
	ring := NewKeyring("980540000007")
	for _, held := range []HeldKey{{Key: first.Public(), NotAfter: from}, {Key: second.Public(), NotBefore: from}} {
		if err := ring.Add(held.Key, held.NotBefore, held.NotAfter); err != nil {
			t.Fatal(err)
		}
	}
	listed := ring.Listing("seal")
	if len(listed) != 2 || listed[0].NotBefore != "" || listed[0].NotAfter != "2026-09-01T00:00:00Z" || listed[1].NotBefore != "2026-09-01T00:00:00Z" || listed[1].NotAfter != "" {
		t.Fatalf("%+v", listed)
	}
	var out strings.Builder
	WriteListing(&out, append([]Listed{{Use: "log", ID: "example.org/log", Public: "example.org/log+1+x"}}, listed...),
		record.Problems{record.NewProblem("config.file", "here.pem", "", "this file is not here")})
	for _, words := range []string{
		"log: example.org/log\nexample.org/log+1+x\n",
		"seal: " + first.ID() + " ed25519 " + first.Public().Fingerprint() + "\n-----BEGIN PUBLIC KEY-----\n", second.Public().Fingerprint(), "not here yet: here.pem",
	} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%q is not in\n%s", words, &out)
		}
	}
	if strings.Contains(out.String(), "PRIVATE") {
		t.Error("a secret is shown")
	}
	if (*Keyring)(nil).Listing("nobody") != nil {
		t.Error("a ring without keys lists some")
	}
}
