package transferlog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
)

// Checkpoint is a state of the log: what its signature vouches for.
type Checkpoint struct {
	// Origin names the log; it is also the name of its key.
	Origin string
	// Size is the number of entries, Root the RFC 6962 tree hash over them.
	Size int64
	Root tlog.Hash
}

// text returns the signed text, C2SP tlog-checkpoint: origin, size and root, a line each, and no extension lines.
func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// GenerateKey makes a key pair for a log of the given origin, in the text forms of a signed note's keys.
func GenerateKey(random io.Reader, origin string) (secret, public string, err error) {
	return note.GenerateKey(random, origin)
}

// PublicKey verifies the checkpoints of one log. The zero PublicKey verifies nothing.
type PublicKey struct {
	verifier note.Verifier
	text     string
}

// ParsePublicKey reads "origin+hash+key", surrounding white space aside; the code of an error is log.key_malformed.
func ParsePublicKey(text string) (*PublicKey, error) {
	text = strings.TrimSpace(text)
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, malformed("log.key_malformed", "not a log's public key of the form origin+hash+key")
	}
	return &PublicKey{verifier: v, text: text}, nil
}

// Origin returns the name of the log.
func (k *PublicKey) Origin() string {
	if k == nil || k.verifier == nil {
		return ""
	}
	return k.verifier.Name()
}

// String returns the form that [ParsePublicKey] reads.
func (k *PublicKey) String() string { return k.text }

// Open verifies a signed checkpoint. It insists on exactly one signature, this key's, on the key's origin, on the three
// lines, and on their canonical spelling. Codes: log.checkpoint_malformed, log.checkpoint_signature.
func (k *PublicKey) Open(signed []byte) (Checkpoint, error) {
	if k == nil || k.verifier == nil {
		return Checkpoint{}, malformed("log.key_malformed", "there is no key to verify a checkpoint with")
	}
	c, err := parseCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	n, err := note.Open(signed, note.VerifierList(k.verifier))
	if err != nil {
		return Checkpoint{}, record.NewProblem("log.checkpoint_signature", "", "is this the log's key? If its file was swapped, put it back from your copy of the keys", "the checkpoint bears no valid signature of %s", k.Origin())
	}
	if c.Origin != k.Origin() || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return Checkpoint{}, malformed("log.checkpoint_signature", "the checkpoint bears other signatures than that of %s", k.Origin())
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64)
	if err != nil || len(raw) != 4+ed25519.SignatureSize {
		return Checkpoint{}, malformed("log.checkpoint_malformed", "the checkpoint's signature is not in canonical base64")
	}
	return c, nil
}

// parseCheckpoint reads the signed text without verifying its signature.
func parseCheckpoint(signed []byte) (Checkpoint, error) {
	bad := malformed("log.checkpoint_malformed", "a checkpoint is three lines, origin, size and root, and a signature")
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return Checkpoint{}, bad
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 3 {
		return Checkpoint{}, bad
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, bad
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, bad
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if c.text() != string(text)+"\n" {
		return Checkpoint{}, bad
	}
	return c, nil
}

// ProveConsistency returns the proof that the log of newSize entries begins with the log of oldSize entries; it is empty
// if oldSize is 0 or newSize.
func ProveConsistency(r tlog.HashReader, oldSize, newSize int64) (tlog.TreeProof, error) {
	if oldSize == 0 && newSize >= 0 {
		return tlog.TreeProof{}, nil
	}
	return tlog.ProveTree(newSize, oldSize, r)
}

// CheckExtension verifies that the log of which later is a checkpoint begins with the log of which earlier is one.
// Anything else is a fork, and the code is log.inconsistent.
func CheckExtension(earlier, later Checkpoint, proof tlog.TreeProof) error {
	bad := malformed("log.inconsistent", "the log of %d entries is not an extension of the log of %d entries that is held", later.Size, earlier.Size)
	switch {
	case earlier.Origin != later.Origin || earlier.Size < 0 || later.Size < earlier.Size:
		return bad
	case earlier.Size == 0:
		if earlier.Root != emptyRoot || len(proof) != 0 || (later.Size == 0 && later.Root != emptyRoot) {
			return bad
		}
	case tlog.CheckTree(proof, later.Size, later.Root, earlier.Size, earlier.Root) != nil:
		return bad
	}
	return nil
}

// emptyRoot is the tree hash of no entries, RFC 6962 section 2.1: the SHA-256 of nothing.
var emptyRoot = func() tlog.Hash { h, _ := tlog.TreeHash(0, nil); return h }()
