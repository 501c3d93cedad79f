package crl

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"time"

	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
)

// Limits of a list.
const (
	maxHead  = 64 << 10 // octets of any single value that is held in memory
	maxBytes = 1 << 30  // octets of a list
)

// ErrList is wrapped by errors about the form of a list.
var ErrList = errors.New("malformed revocation list")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrList, fmt.Sprintf(format, args...))
}

// Extensions of lists and entries.
const (
	oidCRLNumber      = "2.5.29.20"
	oidReason         = "2.5.29.21"
	oidInvalidity     = "2.5.29.24"
	oidDeltaIndicator = "2.5.29.27"
	oidIssuingPoint   = "2.5.29.28"
	oidAuthorityKeyID = "2.5.29.35"
)

// Info describes a list.
type Info struct {
	Issuer     cert.Name
	ThisUpdate time.Time
	NextUpdate time.Time // zero if the list does not say
	Number     *big.Int  // nil if absent
	Base       *big.Int  // the number of the list that a delta list completes; nil of a full list
	Entries    uint64
	Digest     [sha256.Size]byte // of the whole list
}

// entry is one revoked certificate.
type entry struct {
	serial [serialSize]byte
	since  int64
	reason byte
}

const noReason = 255

// stream reads one list. Octets pass through the digest of the list and, while tbs is
// set, through the hash of the signature.
type stream struct {
	in     *bufio.Reader
	whole  hash.Hash
	tbs    hash.Hash
	head   []byte // octets of the signed part from before its hash was known
	inside bool
	left   []int64 // octets left in each open value
	buf    []byte
}

func newStream(r io.Reader) *stream {
	return &stream{in: bufio.NewReaderSize(io.LimitReader(r, maxBytes), 64<<10), whole: sha256.New()}
}

// read returns the next n octets, valid until the next read.
func (s *stream) read(n int64) ([]byte, error) {
	if n > maxHead {
		return nil, bad("value of %d octets", n)
	}
	for i := range s.left {
		if s.left[i] -= n; s.left[i] < 0 {
			return nil, bad("a value reaches beyond the one around it")
		}
	}
	if int64(cap(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	b := s.buf[:n]
	if _, err := io.ReadFull(s.in, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, bad("cut off")
		}
		return nil, fmt.Errorf("reading the list: %w", err)
	}
	s.whole.Write(b)
	if s.inside {
		if s.tbs != nil {
			s.tbs.Write(b)
		} else if s.head = append(s.head, b...); len(s.head) > maxHead {
			return nil, bad("no signature algorithm at the beginning")
		}
	}
	return b, nil
}

// header reads an identifier octet and a definite length. raw are the octets read.
func (s *stream) header() (id byte, length int64, raw []byte, err error) {
	b, err := s.read(2)
	if err != nil {
		return 0, 0, nil, err
	}
	raw = append(raw, b...)
	id, n := b[0], int64(b[1])
	if id&0x1f == 0x1f || n == 0x80 || n > 0x84 {
		return 0, 0, nil, bad("tag or length not of DER")
	}
	if n < 0x80 {
		return id, n, raw, nil
	}
	if b, err = s.read(n & 0x7f); err != nil {
		return 0, 0, nil, err
	}
	raw = append(raw, b...)
	for _, c := range b {
		length = length<<8 | int64(c)
	}
	return id, length, raw, nil
}

// enter reads the header of a constructed value that must have the given identifier.
func (s *stream) enter(want byte) error {
	id, length, _, err := s.header()
	if err != nil {
		return err
	}
	if id != want {
		return bad("found identifier %#02x, expected %#02x", id, want)
	}
	s.left = append(s.left, length)
	return nil
}

// leave ends the innermost value, which must be read to its end.
func (s *stream) leave() error {
	last := len(s.left) - 1
	if s.left[last] != 0 {
		return bad("%d unexpected octets at the end of a structure", s.left[last])
	}
	s.left = s.left[:last]
	return nil
}

// more reports whether the innermost value has octets left.
func (s *stream) more() bool { return s.left[len(s.left)-1] > 0 }

// value reads one value whole.
func (s *stream) value() ([]byte, error) {
	_, length, raw, err := s.header()
	if err != nil {
		return nil, err
	}
	body, err := s.read(length)
	if err != nil {
		return nil, err
	}
	return append(raw, body...), nil
}

// peekID returns the identifier octet of the next value without reading it, 0 at the end.
func (s *stream) peekID() byte {
	if !s.more() {
		return 0
	}
	b, err := s.in.Peek(1)
	if err != nil {
		return 0
	}
	return b[0]
}

// readList reads a list whose issuer is the given certificate, hands every entry to
// each, and returns the list's description after its signature has verified.
func readList(r io.Reader, issuer *cert.Certificate, each func(entry) error) (*Info, error) {
	s := newStream(r)
	if err := s.enter(0x30); err != nil {
		return nil, err
	}
	s.inside = true
	if err := s.enter(0x30); err != nil {
		return nil, err
	}
	info, algorithm, err := s.readHead(issuer)
	if err != nil {
		return nil, err
	}
	scheme, problem := issuer.Scheme(algorithm, "")
	if problem != nil {
		return nil, problem
	}
	s.tbs = scheme.NewHash()
	s.tbs.Write(s.head)
	if err := s.readEntries(info, each); err != nil {
		return nil, err
	}
	if err := s.readExtensions(info, issuer); err != nil {
		return nil, err
	}
	if err := s.leave(); err != nil {
		return nil, err
	}
	s.inside = false
	return info, s.finish(info, scheme, algorithm)
}

// finish reads what follows the signed part and verifies the signature.
func (s *stream) finish(info *Info, scheme *cert.Scheme, algorithm string) error {
	outer, err := s.algorithm()
	if err != nil {
		return err
	}
	raw, err := s.value()
	if err != nil {
		return err
	}
	r := ber.NewReader(raw)
	signature := r.Bits()
	if err := r.End(); err != nil {
		return bad("signature: %s", err)
	}
	if err := s.leave(); err != nil {
		return err
	}
	if _, err := s.in.ReadByte(); !errors.Is(err, io.EOF) {
		return bad("octets after the list")
	}
	if outer != algorithm {
		return bad("the signature algorithms inside and outside differ")
	}
	if problem := scheme.Verify(s.tbs.Sum(nil), signature); problem != nil {
		return problem
	}
	s.whole.Sum(info.Digest[:0])
	return nil
}

func (s *stream) algorithm() (string, error) {
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	r := ber.NewReader(raw)
	oid := cert.AlgorithmOf(r)
	if err := r.End(); err != nil {
		return "", bad("algorithm: %s", err)
	}
	return oid, nil
}

// readHead reads up to the entries.
func (s *stream) readHead(issuer *cert.Certificate) (*Info, string, error) {
	if s.peekID() == 0x02 {
		if _, err := s.value(); err != nil {
			return nil, "", err
		}
	}
	algorithm, err := s.algorithm()
	if err != nil {
		return nil, "", err
	}
	raw, err := s.value()
	if err != nil {
		return nil, "", err
	}
	info := &Info{}
	if info.Issuer, err = cert.ParseName(raw); err != nil {
		return nil, "", bad("issuer: %s", err)
	}
	if !info.Issuer.Equal(issuer.Subject) {
		return nil, "", bad("the list is of another issuer")
	}
	if info.ThisUpdate, err = s.time(); err != nil {
		return nil, "", err
	}
	if id := s.peekID(); id == ber.TagUTCTime || id == ber.TagGeneralizedTime {
		if info.NextUpdate, err = s.time(); err != nil {
			return nil, "", err
		}
	}
	return info, algorithm, nil
}

func (s *stream) time() (time.Time, error) {
	raw, err := s.value()
	if err != nil {
		return time.Time{}, err
	}
	r := ber.NewReader(raw)
	t := r.Time()
	if err := r.End(); err != nil {
		return time.Time{}, bad("time: %s", err)
	}
	return t, nil
}

func (s *stream) readEntries(info *Info, each func(entry) error) error {
	if s.peekID() != 0x30 {
		return nil
	}
	if err := s.enter(0x30); err != nil {
		return err
	}
	for s.more() {
		raw, err := s.value()
		if err != nil {
			return err
		}
		e, err := parseEntry(raw)
		if err != nil {
			return bad("entry %d: %s", info.Entries+1, err)
		}
		info.Entries++
		if err := each(e); err != nil {
			return err
		}
	}
	return s.leave()
}

func parseEntry(raw []byte) (entry, error) {
	e := entry{reason: noReason}
	top := ber.NewReader(raw)
	seq := top.Seq()
	serial := seq.Integer()
	e.since = seq.Time().Unix()
	if !seq.Empty() {
		extensions, err := cert.ParseExtensions(seq)
		if err != nil {
			return e, err
		}
		for _, x := range extensions {
			switch x.OID {
			case oidReason:
				r := ber.NewReader(x.Value)
				e.reason = byte(r.Enumerated())
				if err := r.End(); err != nil {
					return e, err
				}
			case oidInvalidity:
			default:
				if x.Critical {
					return e, fmt.Errorf("unknown critical extension %s", x.OID)
				}
			}
		}
	}
	if err := seq.End(); err != nil {
		return e, err
	}
	var err error
	e.serial, err = serialKey(serial)
	return e, errors.Join(err, top.End())
}

// readExtensions reads crlExtensions.
func (s *stream) readExtensions(info *Info, issuer *cert.Certificate) error {
	if !s.more() {
		return nil
	}
	raw, err := s.value()
	if err != nil {
		return err
	}
	r := ber.NewReader(raw)
	extensions, err := cert.ParseExtensions(r.Explicit(0))
	if err := errors.Join(err, r.End()); err != nil {
		return bad("extensions: %s", err)
	}
	for _, x := range extensions {
		in := ber.NewReader(x.Value)
		switch x.OID {
		case oidCRLNumber:
			info.Number = in.Integer()
		case oidDeltaIndicator:
			info.Base = in.Integer()
		case oidAuthorityKeyID:
			id := cert.ParseAuthorityKeyID(in)
			if id != nil && issuer.SubjectKeyID != nil && string(id) != string(issuer.SubjectKeyID) {
				return bad("the list is of another key of the issuer")
			}
		case oidIssuingPoint:
			if err := checkPoint(in); err != nil {
				return err
			}
		default:
			if x.Critical {
				return bad("unknown critical extension %s", x.OID)
			}
			continue
		}
		if err := in.End(); err != nil {
			return bad("extension %s: %s", x.OID, err)
		}
	}
	return nil
}

// checkPoint reads IssuingDistributionPoint, which may name a place but not narrow the list.
func checkPoint(r *ber.Reader) error {
	for seq := r.Seq(); !seq.Empty(); {
		v := seq.Next()
		narrowed := v.Is(ber.Context, 3) || len(v.Body) == 1 && v.Body[0] != 0
		if !v.Is(ber.Context, 0) && narrowed {
			return bad("the list covers only some reasons or kinds of certificate")
		}
	}
	return nil
}
