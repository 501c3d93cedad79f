package legal

import (
	"bytes"

	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/record"
)

// consenters says whose consent the law asks for. It follows from the age, which is computed here and kept nowhere.
type consenters uint8

const (
	consentersUnknown consenters = iota
	consentersRepresentative
	consentersBoth
	consentersSelf
)

var consenterNames = [...]string{"unknown", "representative", "both", "self"}

// place is where a person lives relative to a local body's territory.
type place uint8

const (
	placeUnknown place = iota
	placeOutside
	placeInside
)

// standing is how a consent stands at the moment of sending, apart from what it says.
type standing uint8

const (
	standingNone standing = iota
	standingGood
	standingUndated
	standingNotYet
	standingPolicyLater
	standingWithdrawn
	standingExpired
	standingNoTerm
	standingNoEvidence
)

// permission is the consent of one giver that governs: what it says, by id, and how it stands.
type permission struct {
	Terms    uint16
	Standing standing
}

// Situation is everything about a person that the rules look at, on one gate. It is comparable, and holds nothing that
// names anybody; deciding is a function of it alone. The zero Situation is refused.
type Situation struct {
	account    record.AccountState
	columns    bool // the batch has the gate's columns
	registered bool // one registered user
	current    bool // not dated in the future
	requested  bool // named by the request, or there is none
	blocked    bool
	// parentBlocked is looked at where the gate has a field of the parent's.
	parentBlocked bool
	// The rest is looked at on the consent path, and place for a local body.
	overflow       bool // too many kinds of consents to tell apart
	of             consenters
	place          place
	self           permission
	representative permission
}

// leeway is how far a profile's moment of change may lie after the gate's, since a snapshot is taken after the gate is made.
const leeway = int64(24 * 60 * 60 * 1e6)

// situate looks at one person. It allocates only for consent terms it has not met.
func (g *Gate) situate(p *record.Person, consents []record.Consent, before []byte, columns bool) Situation {
	s := Situation{
		account: p.Account, columns: columns, blocked: p.Blocked, requested: true,
		registered: len(p.Key) > 0 && (before == nil || bytes.Compare(before, p.Key) < 0),
		current:    p.Updated <= g.now+leeway,
	}
	if g.subjects != nil {
		_, s.requested = g.subjects[SubjectDigest(g.request.Salt, p.IIN)]
	}
	s.parentBlocked = p.ParentBlocked && g.parentBit != 0
	if g.local {
		switch {
		case kz.LevelOf(p.Place) == kz.LevelNone:
		case kz.Within(p.Place, g.territory):
			s.place = placeInside
		default:
			s.place = placeOutside
		}
	}
	if g.consent {
		s.of = g.cutoffs.consenters(p.IIN)
		g.govern(&s, consents)
	}
	return s
}

// consenters tells from the number who must consent: under 14 the representative, from 14 to 17 both, then the person. It is unknown
// unless the number is well formed and states a day in the past.
func (c *cutoffs) consenters(iin []byte) consenters {
	if !kz.ValidIIN(iin) {
		return consentersUnknown
	}
	d, ok := kz.BirthDate(iin)
	if !ok {
		return consentersUnknown
	}
	born := int32(d.Year)*10000 + int32(d.Month)*100 + int32(d.Day)
	switch {
	case born > c.today:
		return consentersUnknown
	case born > c.born14:
		return consentersRepresentative
	case born > c.born18:
		return consentersBoth
	}
	return consentersSelf
}

// govern finds, for each giver, the consent that governs: of those that can be proved and are addressed to this recipient and purpose
// the one given last; failing those, the one given last of the others, which is then refused for what it lacks. A later consent takes
// the place of an earlier one also where it is narrower, withdrawn or expired.
func (g *Gate) govern(s *Situation, consents []record.Consent) {
	var bestSelf, bestRep rank
	for i := range consents {
		c := &consents[i]
		id, ok := g.termsID(c.Terms)
		if !ok {
			s.overflow = true
			continue
		}
		v := &g.verdicts[id]
		r := rank{addressed: v.addressed, given: c.Given, begun: c.Given != 0 && c.Given <= g.now}
		best, to := &bestSelf, &s.self
		if v.representative {
			best, to = &bestRep, &s.representative
		}
		if to.Terms != 0 && !best.less(r) {
			continue
		}
		*best, *to = r, permission{id, g.stands(c, v)}
	}
}

// rank orders the consents of one giver.
type rank struct {
	addressed, begun bool
	given            int64
}

func (a rank) less(b rank) bool {
	if a.begun != b.begun {
		return b.begun
	}
	if a.addressed != b.addressed {
		return b.addressed
	}
	return a.given < b.given
}

func (g *Gate) stands(c *record.Consent, v *verdict) standing {
	switch {
	case c.Given == 0:
		return standingUndated
	case c.Given > g.now:
		return standingNotYet
	case c.Withdrawn != 0 && c.Withdrawn <= g.now:
		return standingWithdrawn
	case !c.Evidence:
		return standingNoEvidence
	case c.Given < v.policyFrom:
		return standingPolicyLater
	case c.Until != 0 && c.Until <= g.now:
		return standingExpired
	case c.Until == 0 && !c.Terms.UntilPurpose:
		return standingNoTerm
	}
	return standingGood
}
