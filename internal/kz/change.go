package kz

import "slices"

// Fate says what has become of a code in another edition.
type Fate uint8

// The fates of a code.
const (
	// FateUnknown: the code is in neither edition.
	FateUnknown Fate = iota
	// FateSame: the code is there, under the same names; FateRenamed: under others.
	FateSame
	FateRenamed
	// FateMoved: the code is not there any more, and exactly one code that is new has its level and its names, within the nearest ancestor that both editions have.
	FateMoved
	// FateGone: the code is not there any more, and nothing takes its place; the nearest ancestor that is there stands for it.
	FateGone
)

var fateNames = [...]string{"unknown", "same", "renamed", "moved", "gone"}

// String returns the lower-case name.
func (f Fate) String() string { return fateNames[f] }

// Migrate says what has become of a code of this edition in a later one, and which place stands for it there. A place that was moved is proposed by its
// names, which are not unique in the country: a person confirms it.
func (e *Edition) Migrate(to *Edition, code string) (Place, Fate) {
	before, was := e.Lookup(code)
	if now, is := to.Lookup(code); is {
		if !was || now.NameKK == before.NameKK && now.NameRU == before.NameRU {
			return now, FateSame
		}
		return now, FateRenamed
	}
	above, ok := to.Parent(code)
	if !was {
		return above, FateUnknown
	}
	within := ""
	for chain := e.Chain(code); len(chain) > 1; chain = chain[1:] {
		if _, both := to.Lookup(chain[1].Code); both {
			within = chain[1].Code
			break
		}
	}
	var found []Place
	for _, p := range to.below(within) {
		if p.Level == before.Level && p.NameKK == before.NameKK && p.NameRU == before.NameRU {
			if _, old := e.Lookup(p.Code); !old {
				found = append(found, p)
			}
		}
	}
	if len(found) == 1 {
		return found[0], FateMoved
	}
	if !ok {
		return Place{}, FateGone
	}
	return above, FateGone
}

// Similar returns places within the territory (all, if it is empty) that have a word which differs from the word given by a letter or two: what
// somebody who mistyped may have meant. At most ten, the highest levels first.
func (e *Edition) Similar(word, territory string) []Place {
	wanted := words(word)
	if len(wanted) != 1 {
		return nil
	}
	most := 1
	if len([]rune(wanted[0])) > 7 {
		most = 2
	}
	var found []Place
	for _, p := range e.below(territory) {
		near := func(have string) bool { return distance([]rune(have), []rune(wanted[0]), most) <= most }
		if slices.ContainsFunc(words(p.NameKK), near) || slices.ContainsFunc(words(p.NameRU), near) {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b Place) int { return int(a.Level) - int(b.Level) })
	return found[:min(len(found), 10)]
}

// distance is the number of letters to change, add or drop, if it is at most the bound, and any greater number if it is not.
func distance(a, b []rune, bound int) int {
	if len(a)-len(b) > bound || len(b)-len(a) > bound || len(a) < 4 || len(b) < 4 {
		return bound + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner := row[0]
		row[0] = i + 1
		for j := range b {
			step := corner
			if a[i] != b[j] {
				step = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], step
		}
	}
	return row[len(b)]
}
