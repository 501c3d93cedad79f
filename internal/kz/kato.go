package kz

import (
	_ "embed" // the editions of the classifier
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

// Level says how exact a KATO code is.
type Level uint8

// The levels of a code; LevelNone is what a text that is no code has.
const (
	LevelNone Level = iota
	LevelOblast
	LevelDistrict
	LevelSubDistrict
	LevelSettlement
)

var levelNames = [...]string{"none", "oblast", "district", "sub_district", "settlement"}

const codeLength = 9

// String returns the level's name as the classifier's file writes it, e.g. "sub_district".
func (l Level) String() string { return levelNames[l] }

// LevelOf returns the level that the digits of code state, whether or not an edition has the code. It is LevelNone unless
// code is nine digits of which the first two are not both zero.
func LevelOf(code []byte) Level {
	if len(code) != codeLength || code[0] == '0' && code[1] == '0' {
		return LevelNone
	}
	level := LevelOblast
	for i, c := range code {
		switch {
		case c < '0' || c > '9':
			return LevelNone
		case c == '0' || i < 2:
		case i < 4:
			level = LevelDistrict
		case i < 6:
			level = LevelSubDistrict
		default:
			level = LevelSettlement
		}
	}
	return level
}

// Within reports whether the place code lies in territory or is territory itself: whether it begins with territory's groups
// down to territory's level. It is false if either is not a code. It allocates nothing.
func Within(code, territory []byte) bool {
	if len(code) != codeLength || len(territory) != codeLength || territory[0] == '0' && territory[1] == '0' {
		return false
	}
	// The first eight digits are compared as one number, whose lowest byte is the first digit.
	c, t := binary.LittleEndian.Uint64(code), binary.LittleEndian.Uint64(territory)
	if !eightDigits(c) || !eightDigits(t) || code[8]-'0' > 9 || territory[8]-'0' > 9 {
		return false
	}
	same := bits.TrailingZeros64(c^t) / 8 // digits in common
	if same == 8 && code[8] == territory[8] {
		same = codeLength
	}
	end := 8 - bits.LeadingZeros64(t^zeros)/8 // length of territory up to its last digit that is not zero
	if territory[8] != '0' {
		end = codeLength
	}
	return same >= groupEnd[end]
}

const zeros = 0x3030303030303030 // "00000000"

// eightDigits reports whether each of the eight bytes is an ASCII digit: its high half is 3, also after adding 6.
func eightDigits(v uint64) bool {
	const high, six = 0xf0f0f0f0f0f0f0f0, 0x0606060606060606
	return v&high == zeros && (v+six)&high == zeros
}

// groupEnd is the end of the group in which the last of n digits stands.
var groupEnd = [codeLength + 1]int{2, 2, 2, 4, 4, 6, 6, 9, 9, 9}

// Place is one row of the classifier.
type Place struct {
	// Code is the nine digits.
	Code  string
	Level Level
	// Kind is the classifier's additional sign: 0 republic or oblast, 1 urban, 2 rural, 3 town or settlement administration
	// with rural places, 4 district with urban places. It is not the level.
	Kind uint8
	// NameKK and NameRU are the names in Kazakh and Russian.
	NameKK, NameRU string
}

// Edition is the classifier as published on one day. It is immutable and safe for concurrent use.
type Edition struct {
	version, classifier string
	places              []Place  // ascending by code
	codes               []uint32 // of places, in the same order
}

//go:embed data/kato-2026-07-17.csv
var kato20260717 string

var embedded = sync.OnceValue(func() *Edition {
	e, err := ReadEdition("2026-07-17", strings.NewReader(kato20260717))
	if err != nil {
		panic("kz: the embedded classifier is broken: " + err.Error())
	}
	return e
})

// KATO returns the embedded edition of 17 July 2026. The first call reads it, which takes some milliseconds.
func KATO() *Edition { return embedded() }

var katoHeader = []string{"kato", "kato_version", "level", "type_code", "name_ru", "name_kk"}

// ReadEdition reads the CSV form of an edition, as data/README.md describes it: the columns kato, kato_version, level, type_code, name_ru and name_kk,
// rows ascending by code. version is the day of the edition.
func ReadEdition(version string, r io.Reader) (*Edition, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the columns: %w", err)
	}
	if !slices.Equal(header, katoHeader) {
		return nil, fmt.Errorf("expected the columns %v", katoHeader)
	}
	e := &Edition{version: version}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return e, nil
		}
		if err != nil {
			return nil, err
		}
		if err := e.add(row); err != nil {
			return nil, err
		}
	}
}

func (e *Edition) add(row []string) error {
	p := Place{
		Code: strings.Clone(row[0]), Level: LevelOf([]byte(row[0])),
		NameRU: CleanName(row[4]), NameKK: CleanName(row[5]),
	}
	n, ok := codeNumber(p.Code)
	switch {
	case !ok || p.Level == LevelNone || p.Level.String() != row[2]:
		return fmt.Errorf("row %d: code %q does not agree with level %q", len(e.places)+1, row[0], row[2])
	case len(e.codes) > 0 && n <= e.codes[len(e.codes)-1]:
		return fmt.Errorf("row %d: code %q is out of order", len(e.places)+1, row[0])
	case len(row[3]) != 1 || row[3][0] < '0' || row[3][0] > '4':
		return fmt.Errorf("row %d: unknown kind %q", len(e.places)+1, row[3])
	case e.classifier == "":
		e.classifier = strings.Clone(row[1])
	case e.classifier != row[1]:
		return fmt.Errorf("row %d: classifier %q within %q", len(e.places)+1, row[1], e.classifier)
	}
	p.Kind = row[3][0] - '0'
	e.places, e.codes = append(e.places, p), append(e.codes, n)
	return nil
}

func codeNumber(code string) (uint32, bool) {
	if len(code) != codeLength {
		return 0, false
	}
	var n uint32
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return 0, false
		}
		n = n*10 + uint32(code[i]-'0')
	}
	return n, true
}

// Version returns the day of the edition, e.g. "2026-07-17".
func (e *Edition) Version() string { return e.version }

// Classifier returns the name of the classifier, e.g. "NK RK 11-2025".
func (e *Edition) Classifier() string { return e.classifier }

// Places returns all rows, ascending by code; the caller does not change them.
func (e *Edition) Places() []Place { return e.places }

// Lookup returns the place with this code. It allocates nothing, so that Lookup(string(b)) doesn't either.
func (e *Edition) Lookup(code string) (Place, bool) {
	n, ok := codeNumber(code)
	if !ok {
		return Place{}, false
	}
	i, ok := slices.BinarySearch(e.codes, n)
	if !ok {
		return Place{}, false
	}
	return e.places[i], true
}

// Parent returns the nearest existing place above code, which need not exist itself. It is false for an oblast.
func (e *Edition) Parent(code string) (Place, bool) {
	n, ok := codeNumber(code)
	if !ok {
		return Place{}, false
	}
	for _, unit := range [...]uint32{1e3, 1e5, 1e7} {
		above := n / unit * unit
		if above == n {
			continue
		}
		if i, ok := slices.BinarySearch(e.codes, above); ok {
			return e.places[i], true
		}
	}
	return Place{}, false
}

// Chain returns the place with this code and everything above it, the oblast last; nil if the code is not in the edition.
func (e *Edition) Chain(code string) []Place {
	p, ok := e.Lookup(code)
	var chain []Place
	for ok {
		chain = append(chain, p)
		p, ok = e.Parent(p.Code)
	}
	return chain
}

// Children returns the places whose parent is code, ascending; with an empty code the oblasts.
func (e *Edition) Children(code string) []Place {
	var children []Place
	for _, p := range e.below(code) {
		parent, _ := e.Parent(p.Code)
		if parent.Code == code && p.Code != code {
			children = append(children, p)
		}
	}
	return children
}

// below returns the rows that lie within code, itself included; all rows for an empty code.
func (e *Edition) below(code string) []Place {
	if code == "" {
		return e.places
	}
	n, ok := codeNumber(code)
	if !ok {
		return nil
	}
	size := [...]uint32{0, 1e7, 1e5, 1e3, 1}[LevelOf([]byte(code))]
	from, _ := slices.BinarySearch(e.codes, n)
	to, _ := slices.BinarySearch(e.codes, n+size)
	return e.places[from:to]
}

// Search returns the places within the territory (all, if it is empty) whose name in either language holds every word of query at the
// beginning of a word, ascending by code. Case does not matter, nor whether a letter that Kazakh has beyond Russian, or ё, was typed as its Russian neighbour.
func (e *Edition) Search(query, territory string) []Place {
	wanted := words(query)
	if len(wanted) == 0 {
		return nil
	}
	var found []Place
	for _, p := range e.below(territory) {
		if matches(words(p.NameKK), wanted) || matches(words(p.NameRU), wanted) {
			found = append(found, p)
		}
	}
	return found
}

// neighbours are what letters are typed as on a Russian keyboard.
var neighbours = strings.NewReplacer("ё", "е", "ә", "а", "ғ", "г", "қ", "к", "ң", "н", "ө", "о", "ұ", "у", "ү", "у", "һ", "х", "і", "и")

func words(s string) []string {
	s = neighbours.Replace(strings.ToLower(CleanName(s)))
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(` .,"«»()-`, r) })
}

func matches(have, wanted []string) bool {
	for _, w := range wanted {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return true
}
