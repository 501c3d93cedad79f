package signing

import (
	"bytes"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// SignLine signs one line of text under a domain, a prefix that ends in a line feed and that no other kind of signed object has.
// The result is line "\n" key-id " " signature "\n"; the signature is over the domain and the line.
func SignLine(domain string, line []byte, k *Key) ([]byte, error) {
	if bytes.IndexByte(line, '\n') >= 0 {
		return nil, record.NewProblem("signing.not_a_line", "", "", "there is a line feed in the line to be signed")
	}
	signature, err := k.Sign(append([]byte(domain), line...))
	if err != nil {
		return nil, err
	}
	out := append(append(make([]byte, 0, len(line)+128), line...), '\n')
	return append(append(append(append(out, k.ID()...), ' '), encode64(signature)...), '\n'), nil
}

// OpenLine verifies what [SignLine] wrote by a key whose period in the ring holds the given time, and returns the line and the key's id.
// Codes: signing.malformed, signing.bad_signature, signing.unknown_key, signing.key_expired, signing.key_not_yet_valid.
func OpenLine(domain string, b []byte, ring *Keyring, at time.Time) (line []byte, keyID string, err error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	last, ok := bytes.CutSuffix(rest, []byte("\n"))
	keyID, signature, good := splitSignature(string(last), " ")
	if !ok || !good {
		return nil, "", record.NewProblem("signing.malformed", "", "", "expected a line and a line with key id and signature")
	}
	key, err := ring.Find(keyID, at)
	if err != nil {
		return nil, "", err
	}
	if err := key.Verify(append([]byte(domain), line...), signature); err != nil {
		return nil, "", err
	}
	return line, keyID, nil
}
