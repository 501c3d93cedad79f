package signing

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// keysetTitle is the first line of a keyset file.
const keysetTitle = "almasu-keyset v1"

const maxKeysetLines = 1000

// Keyset is the list of one holder's keys with their periods: our own, whose files hold private keys, or a counterparty's, whose
// files hold public keys. Its file is text, a line each:
//
//	almasu-keyset v1
//	# key id                        algorithm  not before            not after             file
//	almasu:6g6aPvPPC9BxKUNhQnKwHQ   ed25519    2026-09-01T00:00:00Z  2027-10-01T00:00:00Z  keys/2026.pem
//	almasu:Zc4BT0zTeD0z6QvcTWYzAA   ed25519    2027-09-01T00:00:00Z  -                     keys/2027.pem
//
// Five columns are separated by blanks; "-" leaves a side of the period open; times are in UTC and whole seconds; lines that begin with "#" and empty lines mean
// nothing. The key in a file must have the id and serve the algorithm of its line, so that a file that was swapped is noticed.
//
// Rotation is an overlap of periods: the key whose period began last signs, while signatures by the former are still accepted until its
// period ends, long enough for every message under way to arrive.
type Keyset struct {
	Entries []KeysetEntry
}

// KeysetEntry is one line of a keyset file.
type KeysetEntry struct {
	KeyID               string
	Alg                 Alg
	NotBefore, NotAfter time.Time // zero is open
	// Path is the file with the PEM block, relative to the keyset file.
	Path string
}

// ParseKeyset reads a keyset file. name stands before the line number in problems, of which all are reported at once. Codes: keyset.title,
// keyset.columns, keyset.key_id, keyset.algorithm, keyset.time, keyset.period, keyset.duplicate, keyset.empty, keyset.too_long.
func ParseKeyset(name string, b []byte) (*Keyset, error) {
	var ps record.Problems
	lines := strings.Split(string(b), "\n")
	if strings.TrimRight(lines[0], " \r") != keysetTitle {
		ps.Add("keyset.title", name+":1", "", "expected the line %q", keysetTitle)
		return nil, ps.Err()
	}
	if len(lines) > maxKeysetLines {
		ps.Add("keyset.too_long", name, "", "expected at most %d lines", maxKeysetLines)
		return nil, ps.Err()
	}
	set := &Keyset{}
	for i, line := range lines[1:] {
		columns := strings.Fields(line)
		if len(columns) == 0 || strings.HasPrefix(columns[0], "#") {
			continue
		}
		where := fmt.Sprintf("%s:%d", name, i+2)
		if len(columns) != 5 {
			ps.Add("keyset.columns", where, "", "expected key id, algorithm, not before, not after and file; found %d columns", len(columns))
			continue
		}
		e := KeysetEntry{KeyID: columns[0], Alg: Alg(columns[1]), Path: columns[4]}
		e.NotBefore = keysetTime(&ps, where, columns[2])
		e.NotAfter = keysetTime(&ps, where, columns[3])
		set.check(&ps, where, e)
		set.Entries = append(set.Entries, e)
	}
	if len(set.Entries) == 0 {
		ps.Add("keyset.empty", name, "make a key with: almasu keys generate", "there is no key in the file")
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return set, nil
}

// check reports what is wrong with an entry that is about to be added.
func (s *Keyset) check(ps *record.Problems, where string, e KeysetEntry) {
	if id, ok := strings.CutPrefix(e.KeyID, keyIDPrefix); !ok || len(id) != keyIDChars || strings.ContainsFunc(id, notBase64URL) {
		ps.Add("keyset.key_id", where, "", "expected %q and %d characters", keyIDPrefix, keyIDChars)
	}
	if !slices.Contains([]Alg{Ed25519, ECDSAP256SHA256, RSAPSSSHA512, RSAV15SHA256}, e.Alg) {
		ps.Add("keyset.algorithm", where, algHint, "this algorithm is not known")
	}
	if !e.NotAfter.IsZero() && !e.NotBefore.Before(e.NotAfter) {
		ps.Add("keyset.period", where, "", "the period of this key is empty")
	}
	if slices.ContainsFunc(s.Entries, func(other KeysetEntry) bool { return other.KeyID == e.KeyID }) {
		ps.Add("keyset.duplicate", where, "each key stands once, with one period", "this key is in the file already")
	}
}

func notBase64URL(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}

func keysetTime(ps *record.Problems, where, s string) time.Time {
	if s == "-" {
		return time.Time{}
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", s)
	if err != nil || t.IsZero() {
		ps.Add("keyset.time", where, `e.g. 2027-09-01T00:00:00Z, or "-" for open`, "this is not a time in UTC and whole seconds")
	}
	return t
}

// Format writes the file; [ParseKeyset] reads it back as it was.
func (s *Keyset) Format() []byte {
	var out bytes.Buffer
	moment := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	out.WriteString(keysetTitle + "\n")
	fmt.Fprintf(&out, "%-29s  %-17s  %-20s  %-20s  %s\n", "# key id", "algorithm", "not before", "not after", "file")
	for _, e := range s.Entries {
		fmt.Fprintf(&out, "%-29s  %-17s  %-20s  %-20s  %s\n", e.KeyID, e.Alg, moment(e.NotBefore), moment(e.NotAfter), e.Path)
	}
	return out.Bytes()
}

// Current returns the entry that signs at the given time: of those whose period holds it, the one that began last. The code of an
// error is keyset.no_key.
func (s *Keyset) Current(at time.Time) (KeysetEntry, error) {
	best := -1
	for i, e := range s.Entries {
		valid := !at.Before(e.NotBefore) && (e.NotAfter.IsZero() || at.Before(e.NotAfter))
		if valid && (best < 0 || e.NotBefore.After(s.Entries[best].NotBefore)) {
			best = i
		}
	}
	if best < 0 {
		return KeysetEntry{}, record.NewProblem("keyset.no_key", "", "make a key with: almasu keys rotate", "no key is in its period")
	}
	return s.Entries[best], nil
}

// Rotate returns the keyset with a further key, whose period begins at begin and ends at end (zero is open), and in which no former key's
// period lasts longer than overlap after begin. The overlap is to be longer than the longest deadline of a message, and begin to be far enough
// ahead for the counterparties to have provisioned the new key.
func (s *Keyset) Rotate(k *PublicKey, path string, begin, end time.Time, overlap time.Duration) (*Keyset, error) {
	begin = begin.UTC().Truncate(time.Second)
	next := &Keyset{Entries: slices.Clone(s.Entries)}
	for i := range next.Entries {
		e := &next.Entries[i]
		last := begin.Add(overlap).Truncate(time.Second)
		if e.NotBefore.Before(last) && (e.NotAfter.IsZero() || e.NotAfter.After(last)) {
			e.NotAfter = last
		}
	}
	e := KeysetEntry{KeyID: k.ID(), Alg: k.Alg(), NotBefore: begin, Path: path}
	if !end.IsZero() {
		e.NotAfter = end.UTC().Truncate(time.Second)
	}
	var ps record.Problems
	if overlap < 0 || len(strings.Fields(path)) != 1 || strings.TrimSpace(path) != path {
		ps.Add("keyset.columns", path, "", "expected an overlap that is not negative and a path without blanks")
	}
	next.check(&ps, path, e)
	if err := ps.Err(); err != nil {
		return nil, err
	}
	next.Entries = append(next.Entries, e)
	return next, nil
}

// Key reads the private key of an entry through read and compares it with the entry: keyset.other_key if it is another.
func (e KeysetEntry) Key(read func(path string) ([]byte, error)) (*Key, error) {
	b, err := read(e.Path)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", e.KeyID, err)
	}
	k, err := ParseKey(b)
	if err != nil {
		return nil, err
	}
	if k, err = k.As(e.Alg); err != nil {
		return nil, err
	}
	return k, e.same(k.Public())
}

// Public reads the public key of an entry, from a file with either half, as [KeysetEntry.Key] does.
func (e KeysetEntry) Public(read func(path string) ([]byte, error)) (*PublicKey, error) {
	b, err := read(e.Path)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", e.KeyID, err)
	}
	p, err := ParsePublicKey(b)
	if err != nil {
		k, private := ParseKey(b)
		if private != nil {
			return nil, err
		}
		p = k.Public()
	}
	if p, err = p.As(e.Alg); err != nil {
		return nil, err
	}
	return p, e.same(p)
}

func (e KeysetEntry) same(p *PublicKey) error {
	if p.ID() != e.KeyID {
		return record.NewProblem("keyset.other_key", e.Path, "was the file swapped? Its key is "+p.ID(), "the file does not hold the key %s", e.KeyID)
	}
	return nil
}

// Ring returns the keyring of all entries, or all problems at once. Codes: keyset.other_key, keyset.unreadable, signing.*.
func (s *Keyset) Ring(holder string, read func(path string) ([]byte, error)) (*Keyring, error) {
	ring := NewKeyring(holder)
	var ps record.Problems
	for _, e := range s.Entries {
		p, err := e.Public(read)
		if err == nil {
			err = ring.Add(p, e.NotBefore, e.NotAfter)
		}
		ps.Merge(err, "keyset.unreadable", e.Path)
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return ring, nil
}
