package record

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
)

// Digest is a SHA-256 value; the zero value means "absent".
type Digest [sha256.Size]byte

const digestPrefix = "sha256:"

// DigestOf returns the SHA-256 of b.
func DigestOf(b []byte) Digest { return sha256.Sum256(b) }

// IsZero reports whether d is absent.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns "sha256:" and 64 hexadecimal digits, or "" for the zero Digest.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return digestPrefix + hex.EncodeToString(d[:])
}

// Short returns the first 12 hexadecimal digits, for people.
func (d Digest) Short() string { return hex.EncodeToString(d[:6]) }

// MarshalText writes the form of [Digest.String].
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of [Digest.String]; an empty text is the zero Digest.
func (d *Digest) UnmarshalText(b []byte) error {
	got, err := ParseDigest(string(b))
	if err != nil {
		return err
	}
	*d = got
	return nil
}

// ErrDigest is returned for a text that is not a digest.
var ErrDigest = errors.New(`not a digest: expected "sha256:" and 64 lower-case hexadecimal digits, not all zero`)

// ParseDigest reads the form of [Digest.String]. The empty text is the zero Digest.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if s == "" {
		return d, nil
	}
	h, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(h) != 2*len(d) || strings.ToLower(h) != h {
		return Digest{}, ErrDigest
	}
	if _, err := hex.Decode(d[:], []byte(h)); err != nil || d.IsZero() {
		return Digest{}, ErrDigest
	}
	return d, nil
}

// ID names a transfer, a message or a request: 16 random bytes as 32
// lower-case hexadecimal digits in text. The zero ID names nothing.
type ID [16]byte

// NewID returns a random ID.
func NewID() ID {
	var id ID
	if _, err := rand.Read(id[:]); err != nil {
		panic("record: the system has no randomness: " + err.Error())
	}
	return id
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns 32 hexadecimal digits, or "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return hex.EncodeToString(id[:])
}

// MarshalText writes the form of [ID.String].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// ErrID is returned for a text that is not an ID.
var ErrID = errors.New("not an id: expected 32 lower-case hexadecimal digits, not all zero")

// UnmarshalText reads the form of [ID.String]; an empty text is the zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	got, err := ParseID(string(b))
	if err != nil {
		return err
	}
	*id = got
	return nil
}

// ParseID reads the form of [ID.String], so that an ID has one text: the zero ID is the empty one, and 32 zeros are none.
func ParseID(s string) (ID, error) {
	var id ID
	if s == "" {
		return id, nil
	}
	if len(s) != 2*len(id) || strings.ToLower(s) != s {
		return ID{}, ErrID
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil || id.IsZero() {
		return ID{}, ErrID
	}
	return id, nil
}

// Problem is one finding about an input.
type Problem struct {
	// Code is stable, lower case and dotted, e.g. "mapping.field_not_permitted".
	Code string `json:"code"`
	// Where is "file:line:column" or a path inside the input; it may be empty.
	Where string `json:"where,omitempty"`
	// Message says what was found and what was expected, in one line.
	Message string `json:"message"`
	// Hint says what to do about it; it may be empty.
	Hint string `json:"hint,omitempty"`
}

// Error returns "where: message [code]".
func (p *Problem) Error() string {
	if p.Where == "" {
		return fmt.Sprintf("%s [%s]", p.Message, p.Code)
	}
	return fmt.Sprintf("%s: %s [%s]", p.Where, p.Message, p.Code)
}

// NewProblem makes a Problem with a formatted message.
func NewProblem(code, where, hint, format string, args ...any) *Problem {
	return &Problem{Code: code, Where: where, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// Problems is every finding about an input; as an error it prints a line each.
type Problems []*Problem

// Error prints a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap is the first problem, so that whoever asks an error for one problem finds it in several.
func (ps Problems) Unwrap() error {
	if len(ps) == 0 {
		return nil
	}
	return ps[0]
}

// Err returns ps as an error, or nil if there is none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Add appends a problem with a formatted message.
func (ps *Problems) Add(code, where, hint, format string, args ...any) {
	*ps = append(*ps, NewProblem(code, where, hint, format, args...))
}

// Merge appends err's problems: each of a Problems, a Problem itself, or, for any
// other error, one problem with the given fallback code and place.
func (ps *Problems) Merge(err error, code, where string) {
	if err == nil {
		return
	}
	var many Problems
	var one *Problem
	switch {
	case errors.As(err, &many):
		*ps = append(*ps, many...)
	case errors.As(err, &one):
		*ps = append(*ps, one)
	default:
		*ps = append(*ps, &Problem{Code: code, Where: where, Message: err.Error()})
	}
}

// CodeOf returns the stable code that err carries, or "" if it carries none.
// Of several problems it is the first one's.
func CodeOf(err error) string {
	var coded interface{ ProblemCode() string }
	if errors.As(err, &coded) {
		return coded.ProblemCode()
	}
	return ""
}

// ProblemCode implements the contract of [CodeOf].
func (p *Problem) ProblemCode() string { return p.Code }

// ProblemCode implements the contract of [CodeOf].
func (ps Problems) ProblemCode() string {
	if len(ps) == 0 {
		return ""
	}
	return ps[0].Code
}

// FileURI returns a path as the URI file name of SQLite, without parameters (https://www.sqlite.org/uri.html): a "?" or "#" in a path is part of it.
func FileURI(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// WithoutPath is the cause of a file system's error: the path stands elsewhere, as the place of a problem.
func WithoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
