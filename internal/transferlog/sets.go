package transferlog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"birgeoqy.kz/almasu/internal/record"
)

// Salt is stored beside a set and drawn anew for each, so that its digest in the log tells nothing about who is in it.
type Salt [16]byte

// SetDigest returns what the log holds of an encoded set: SHA-256 over "almasu-set/v1\n", the salt and the bytes.
func SetDigest(salt Salt, encoded []byte) record.Digest {
	h := sha256.New()
	h.Write([]byte("almasu-set/v1\n"))
	h.Write(salt[:])
	h.Write(encoded)
	return record.Digest(h.Sum(nil))
}

// Group is the people of a set who were decided alike.
type Group struct {
	// Situation is the id, within the batch's gate, of what the rules looked at.
	Situation uint16
	// Mask has bit i set if field i of the intent's Fields was sent; it is 0 in a refusal set.
	Mask uint64
	// People are ordinals, ascending.
	People []uint32
}

// Masked lists the fields of an intent that a group's mask names; it is never nil.
func Masked(fields []string, mask uint64) []string {
	out := []string{}
	for i, f := range fields {
		if mask>>uint(i)&1 == 1 {
			out = append(out, f)
		}
	}
	return out
}

// people is what both kinds of set are: groups of ordinals, and room to encode them.
type people struct {
	groups    []Group
	recent    int
	last      uint32
	unordered bool // the ordinals did not come in ascending order
	bitmap    *roaring.Bitmap
	buffer    bytes.Buffer
	all       []uint32
}

func (p *people) reset() {
	for i := range p.groups {
		p.groups[i].People = p.groups[i].People[:0]
	}
	p.recent, p.last, p.unordered = 0, 0, false
}

func (p *people) add(situation uint16, mask uint64, ordinal uint32) {
	if ordinal <= p.last {
		p.unordered = true
	}
	p.last = ordinal
	if p.recent < len(p.groups) && p.groups[p.recent].Situation == situation && p.groups[p.recent].Mask == mask {
		g := &p.groups[p.recent]
		g.People = append(g.People, ordinal)
		return
	}
	for i := range p.groups {
		if g := &p.groups[i]; g.Situation == situation && g.Mask == mask {
			g.People = append(g.People, ordinal)
			p.recent = i
			return
		}
	}
	p.recent = len(p.groups)
	p.groups = append(p.groups, Group{Situation: situation, Mask: mask, People: []uint32{ordinal}})
}

func compareGroups(a, b Group) int {
	return cmp.Or(cmp.Compare(a.Situation, b.Situation), cmp.Compare(a.Mask, b.Mask))
}

// settle sorts the groups and the people in them, and refuses a person who is named twice or not at all.
func (p *people) settle() error {
	slices.SortFunc(p.groups, compareGroups)
	p.recent = 0
	if !p.unordered {
		return nil
	}
	p.all = p.all[:0]
	for _, g := range p.groups {
		slices.Sort(g.People)
		p.all = append(p.all, g.People...)
	}
	slices.Sort(p.all)
	for i, ordinal := range p.all {
		if ordinal == 0 || i > 0 && ordinal == p.all[i-1] {
			return malformed("log.set_malformed", "a set holds a person twice, or one without an ordinal")
		}
	}
	return nil
}

func (p *people) encode(dst []byte, magic string, masks bool) ([]byte, error) {
	if err := p.settle(); err != nil {
		return dst, err
	}
	if p.bitmap == nil {
		p.bitmap = roaring.New()
	}
	dst = append(dst, magic...)
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	count := uint32(0)
	for _, g := range p.groups {
		if len(g.People) == 0 {
			continue
		}
		count++
		dst = binary.LittleEndian.AppendUint16(dst, g.Situation)
		if masks {
			dst = binary.LittleEndian.AppendUint64(dst, g.Mask)
		}
		p.bitmap.Clear()
		p.bitmap.AddMany(g.People)
		p.bitmap.RunOptimize()
		p.buffer.Reset()
		if _, err := p.bitmap.WriteTo(&p.buffer); err != nil {
			return dst, err
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(p.buffer.Len()))
		dst = append(dst, p.buffer.Bytes()...)
	}
	binary.LittleEndian.PutUint32(dst[at:], count)
	return dst, nil
}

// decode reads the form of encode and nothing else.
func (p *people) decode(b []byte, magic string, masks bool) error {
	bad := malformed("log.set_malformed", "the bytes are not a set of people in canonical form")
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok || len(rest) < 4 {
		return bad
	}
	count := binary.LittleEndian.Uint32(rest)
	rest = rest[4:]
	head := 6
	if masks {
		head = 14
	}
	for range count {
		if len(rest) < head {
			return bad
		}
		g := Group{Situation: binary.LittleEndian.Uint16(rest)}
		if masks {
			g.Mask = binary.LittleEndian.Uint64(rest[2:])
		}
		size := binary.LittleEndian.Uint32(rest[head-4:])
		rest = rest[head:]
		if uint64(size) > uint64(len(rest)) {
			return bad
		}
		bitmap := roaring.New()
		if _, err := bitmap.ReadFrom(bytes.NewReader(rest[:size])); err != nil || bitmap.Validate() != nil || bitmap.GetCardinality() > maxPeople {
			return bad
		}
		g.People = bitmap.ToArray()
		p.groups = append(p.groups, g)
		rest = rest[size:]
	}
	p.unordered = true
	again, err := p.encode(make([]byte, 0, len(b)), magic, masks)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return bad
	}
	return nil
}

// maxPeople bounds one group of a decoded set, so that a run-length lie does not fill the memory.
const maxPeople = 1 << 23

func (p *people) find(ordinal uint32) (Group, bool) {
	for _, g := range p.groups {
		if _, ok := slices.BinarySearch(g.People, ordinal); ok {
			return g, true
		}
	}
	return Group{}, false
}

func (p *people) count() (n int) {
	for _, g := range p.groups {
		n += len(g.People)
	}
	return n
}

// DisclosureSet says of one message who is in it, and with which fields. It is filled by Add in any order (ascending is
// fastest), encoded, and reused after Reset. The zero DisclosureSet is empty. It is not safe for concurrent use.
type DisclosureSet struct{ people people }

const disclosureMagic = "ALMSDIS1"

// Reset empties the set and keeps its memory.
func (s *DisclosureSet) Reset() { s.people.reset() }

// Add puts a person into the set, under the situation they were decided in and the mask of the fields sent.
func (s *DisclosureSet) Add(situation uint16, mask uint64, ordinal uint32) {
	s.people.add(situation, mask, ordinal)
}

// Encode appends the canonical bytes to dst. A person who was added twice, or whose ordinal is 0, is an error with the code
// log.set_malformed.
func (s *DisclosureSet) Encode(dst []byte) ([]byte, error) {
	return s.people.encode(dst, disclosureMagic, true)
}

// ParseDisclosureSet reads the form of [DisclosureSet.Encode] and nothing else; the code of an error is log.set_malformed.
func ParseDisclosureSet(b []byte) (*DisclosureSet, error) {
	s := &DisclosureSet{}
	return s, s.people.decode(b, disclosureMagic, true)
}

// Contains reports whether the person is in the message; after Add and before Encode it may not know.
func (s *DisclosureSet) Contains(ordinal uint32) bool { _, ok := s.people.find(ordinal); return ok }

// Find returns the group that the person is in.
func (s *DisclosureSet) Find(ordinal uint32) (Group, bool) { return s.people.find(ordinal) }

// Len returns the number of people.
func (s *DisclosureSet) Len() int { return s.people.count() }

// Groups returns the groups, for reading; one of a reused set may be empty.
func (s *DisclosureSet) Groups() []Group { return s.people.groups }

// RefusalSet says who was read for a transfer and not sent, by situation, from which the rule follows. It is used as
// a [DisclosureSet] is.
type RefusalSet struct{ people people }

const refusalMagic = "ALMSREF1"

// Reset empties the set and keeps its memory.
func (s *RefusalSet) Reset() { s.people.reset() }

// Add puts a person into the set, under the situation they were refused in.
func (s *RefusalSet) Add(situation uint16, ordinal uint32) { s.people.add(situation, 0, ordinal) }

// Encode is as [DisclosureSet.Encode].
func (s *RefusalSet) Encode(dst []byte) ([]byte, error) {
	return s.people.encode(dst, refusalMagic, false)
}

// ParseRefusalSet reads the form of [RefusalSet.Encode] and nothing else; the code of an error is log.set_malformed.
func ParseRefusalSet(b []byte) (*RefusalSet, error) {
	s := &RefusalSet{}
	return s, s.people.decode(b, refusalMagic, false)
}

// Find returns the group that the person is in.
func (s *RefusalSet) Find(ordinal uint32) (Group, bool) { return s.people.find(ordinal) }

// Len returns the number of people.
func (s *RefusalSet) Len() int { return s.people.count() }

// Groups is as [DisclosureSet.Groups].
func (s *RefusalSet) Groups() []Group { return s.people.groups }
