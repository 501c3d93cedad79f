package pattern

import (
	"encoding/binary"
	"unicode/utf8"
)

// maxPlaces bounds the places of a straight pattern.
const maxPlaces = 64

// straight is a pattern of which each place of the text has characters of its own, whatever stands before: a step needs not wait for the one before it.
type straight struct {
	// places are the classes that each place may have, as bits, and more those of every place behind.
	places []uint64
	more   uint64
	least  int // characters at least
	// low and high are the least and the greatest byte of each place, eight to a word, of a pattern of at least eight bytes of ASCII; the last
	// word is about the last eight of them.
	low, high []uint64
}

// straightOf is nil if the pattern is not straight.
func straightOf(m *Matcher) *straight {
	s := &straight{least: -1}
	for state, n := rowStart, 0; n <= maxPlaces && m.width <= 64; n++ {
		if m.ends[state] != (s.least >= 0) {
			if s.least >= 0 {
				return nil // a longer text may not end where a shorter one may
			}
			s.least = n
		}
		to, set, ok := m.only(state)
		switch {
		case !ok:
			return nil
		case to == state:
			s.more = set
			fallthrough
		case set == 0:
			if s.least < 0 {
				return nil
			}
			s.bytes(m)
			return s
		}
		s.places, state = append(s.places, set), to
	}
	return nil
}

// only is the one state that any character leads to, and the classes that do; it is not ok if there are more such states, or if the rest does not matter.
func (m *Matcher) only(state int) (to int, set uint64, ok bool) {
	for class := range m.width {
		next := int(m.next[state*m.width+class]) / m.width
		switch {
		case next == rowNever:
			continue
		case next == rowAlways, set != 0 && next != to:
			return 0, 0, false
		}
		to, set = next, set|1<<class
	}
	return to, set, true
}

// bytes fills low and high, if each place has one range of ASCII.
func (s *straight) bytes(m *Matcher) {
	n := len(s.places)
	if s.more != 0 || s.least != n || n < 8 {
		return
	}
	low, high := make([]byte, n), make([]byte, n)
	for i, set := range s.places {
		count := 0
		for c, class := range m.low {
			if set>>class&1 == 0 {
				continue
			}
			if count == 0 {
				low[i] = byte(c)
			}
			if count++; c >= utf8.RuneSelf || int(low[i])+count-1 != c {
				return
			}
			high[i] = byte(c)
		}
		for _, class := range m.above {
			if set>>class&1 == 1 {
				return
			}
		}
	}
	for i := 0; i < n; i += 8 {
		at := min(i, n-8)
		s.low, s.high = append(s.low, binary.LittleEndian.Uint64(low[at:])), append(s.high, binary.LittleEndian.Uint64(high[at:]))
	}
}

func (s *straight) match(m *Matcher, b []byte) bool {
	if s.low != nil {
		return s.matchBytes(b)
	}
	n := 0
	for i := 0; i < len(b); n++ {
		var class uint8
		if c := b[i]; c < utf8.RuneSelf {
			class = m.low[c]
			i++
		} else if c < 0xE0 && i+1 < len(b) {
			class = m.low[int(c&0x1F)<<6|int(b[i+1]&0x3F)]
			i += 2
		} else {
			r, size := utf8.DecodeRune(b[i:])
			class = m.class(r)
			i += size
		}
		allowed := s.more
		if n < len(s.places) {
			allowed = s.places[n]
		}
		if allowed>>(class&63)&1 == 0 {
			return false
		}
	}
	return n >= s.least
}

// matchBytes compares eight bytes at once. Of a byte below 0x80, 0x80 less the bound below it, and 0x80 and the bound above it less the byte, keep their highest bit.
func (s *straight) matchBytes(b []byte) bool {
	const tops = 0x8080_8080_8080_8080
	if len(b) != s.least {
		return false
	}
	for i, low := range s.low {
		w := binary.LittleEndian.Uint64(b[min(8*i, len(b)-8):])
		if ((w|tops)-low)&((s.high[i]|tops)-w)&^w&tops != tops {
			return false
		}
	}
	return true
}
