package synth

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/kz"
)

const day = 24 * time.Hour

// Generator makes the people of one population. It is not safe for concurrent use.
type Generator struct {
	options Options
	source  *rand.PCG
	rand    *rand.Rand
	inside  []address // in the chosen oblast
	outside []address
	// The young are born on one of youngDays days from youngFrom on, the older ones from oldFrom on.
	youngFrom, oldFrom time.Time
	youngDays, oldDays int
}

// New returns the generator of a population.
func New(o Options) (*Generator, error) {
	if o.People < 0 || o.People > MaxPeople || o.At.IsZero() {
		return nil, fmt.Errorf("synth: from 0 to %d people and a time are needed", MaxPeople)
	}
	o = o.withDefaults()
	g := &Generator{options: o, source: rand.NewPCG(o.Seed, 0)}
	g.rand = rand.New(g.source)
	for _, p := range kz.KATO().Places() {
		switch {
		case p.Level < kz.LevelSubDistrict || p.Level == kz.LevelSubDistrict && p.Kind != 1:
		case kz.Within([]byte(p.Code), []byte(o.Oblast)):
			g.inside = append(g.inside, addressOf(p))
		default:
			g.outside = append(g.outside, addressOf(p))
		}
	}
	if len(g.inside) == 0 {
		return nil, fmt.Errorf("synth: no settlement lies within %q", o.Oblast)
	}
	today := time.Date(o.At.Year(), o.At.Month(), o.At.Day(), 0, 0, 0, 0, time.UTC)
	// A day's margin at each end keeps the ages true in every time zone.
	g.oldFrom = today.AddDate(-18, 0, 2)
	g.youngFrom = today.AddDate(-14, 0, 2)
	g.oldDays = int(today.AddDate(-14, 0, -1).Sub(g.oldFrom) / day)
	g.youngDays = int(today.AddDate(-10, 0, -1).Sub(g.youngFrom) / day)
	return g, nil
}

// Person returns the person with the index i, from 0; ids count from 1.
func (g *Generator) Person(i int) Person {
	g.source.Seed(g.options.Seed, uint64(i))
	p := Person{ID: int64(i) + 1}
	under14 := i%6 != 5
	female := g.number(&p, i, under14)
	g.name(&p, female)
	g.place(&p)
	g.contacts(&p)
	g.account(&p)
	g.consents(&p, under14)
	g.block(&p)
	g.unpermitted(&p)
	if p.Account == "erased" {
		p.Family, p.Given, p.Email, p.Phone, p.ParentPhone, p.IIN = "", "", "", "", "", ""
	}
	return p
}

// permille is true for n of a thousand.
func (g *Generator) permille(n int) bool { return g.rand.IntN(1000) < n }

func pick[T any](g *Generator, list []T) T { return list[g.rand.IntN(len(list))] }

// number chooses birth date and IIN: a different one for each index, because the index is spread one to one over days, sexes and serials.
func (g *Generator) number(p *Person, i int, under14 bool) (female bool) {
	nth, from, days := i/6*5+i%6, g.youngFrom, g.youngDays
	if !under14 {
		nth, from, days = i/6, g.oldFrom, g.oldDays
	}
	const spread = 7919 // a prime above the number of days
	p.Birth = from.AddDate(0, 0, nth*spread%days)
	rest := nth / days
	female = rest%2 == 1
	serial := rest / 2 * 617 % 1000 // 617 has no factor in common with 1000
	century := byte('5')
	if female {
		century = '6'
	}
	if p.Birth.Year() < 2000 {
		century -= 2
	}
	p.IIN = iin(p.Birth, century, serial)
	if g.options.Willing {
		return female
	}
	switch n := g.rand.IntN(1000); {
	case n < 8:
		p.IIN = ""
	case n < 16: // a wrong check digit
		p.IIN = p.IIN[:11] + string('0'+(p.IIN[11]-'0'+1+byte(g.rand.IntN(8)))%10)
	case n < 20: // too short
		p.IIN = p.IIN[:10]
	}
	return female
}

// iin completes a number with a serial of the highest thousand in which a check digit exists.
func iin(birth time.Time, century byte, serial int) string {
	for thousand := 9; ; thousand-- {
		number := fmt.Appendf(birth.AppendFormat(make([]byte, 0, 12), "060102"), "%c%d%03d", century, thousand, serial)
		if digit, ok := kz.CheckDigit(number); ok {
			return string(append(number, digit))
		}
	}
}

func (g *Generator) name(p *Person, female bool) {
	kazakh := g.permille(650)
	sex := 0
	if female {
		sex = 1
	}
	names, patronymics := russian, russianFathers
	if kazakh {
		names, patronymics = kazakhNames, kazakhFathers
	}
	p.Family = pick(g, names.families)
	if female && (strings.HasSuffix(p.Family, "ов") || strings.HasSuffix(p.Family, "ев") || strings.HasSuffix(p.Family, "ин")) {
		p.Family += "а"
	}
	p.Given = pick(g, names.given[sex])
	p.Middle = pick(g, patronymics) + names.patronymic[sex]
	if g.permille(10) {
		p.Given = " " + p.Given + "  "
	}
}

func (g *Generator) place(p *Person) {
	places := g.outside
	if g.options.Willing || g.permille(665) {
		places = g.inside
	}
	at := pick(g, places)
	inKazakh := g.permille(600)
	switch n := g.rand.IntN(1000); {
	case g.options.Willing:
	case n < 5:
		return // no place at all
	case n < 10:
		p.KATO, p.Settlement = "999999999", "?" // a code that no edition has
		return
	}
	names := at.russian
	if inKazakh {
		names = at.kazakh
	}
	p.KATO, p.Region, p.District, p.Settlement = at.code, names[0], names[1], names[2]
}

// address is a settlement, a town or a city's district, with the names of its oblast, its district (if it lies in one) and its own.
type address struct {
	code            string
	kazakh, russian [3]string
}

func addressOf(p kz.Place) address {
	a := address{code: p.Code}
	for _, above := range kz.KATO().Chain(p.Code) {
		i := 2
		switch {
		case above.Level == kz.LevelOblast:
			i = 0
		case above.Level == kz.LevelDistrict:
			i = 1
		case above.Code != p.Code:
			continue
		}
		a.kazakh[i], a.russian[i] = above.NameKK, above.NameRU
	}
	return a
}

func (g *Generator) contacts(p *Person) {
	phone := func() string {
		n := g.rand.IntN(10_000_000)
		switch {
		case g.options.Willing, g.permille(940):
			return fmt.Sprintf("+7799%07d", n)
		case g.permille(800):
			return fmt.Sprintf("8 (799) %03d-%02d-%02d", n/10000, n/100%100, n%100)
		}
		return fmt.Sprintf("799%05d", n/100) // two digits are missing
	}
	if !g.permille(100) {
		p.Phone = phone()
	}
	if !g.permille(40) {
		p.ParentPhone = phone()
	}
	if !g.permille(250) {
		p.Email = fmt.Sprintf("pupil%d@mail.example", p.ID)
	}
	p.Created = g.options.At.Add(-time.Duration(200+g.rand.IntN(500)) * day)
	p.Updated = g.options.At.Add(-time.Duration(1+g.rand.IntN(190*86400)) * time.Second)
}

func (g *Generator) account(p *Person) {
	p.Since = p.Created
	p.Account = "active"
	switch n := g.rand.IntN(1000); {
	case g.options.Willing:
		return
	case n < 15:
		p.Account = "closed"
	case n < 25:
		p.Account = "disagreed"
	case n < 38:
		p.Account = "withdrawn"
	case n < 45:
		p.Account = "erased"
	case n < 48:
		p.Account = "suspended" // a state that no configuration maps
	case n < 50:
		p.Account, p.Since = "", time.Time{}
	default:
		return
	}
	if p.Account != "" {
		p.Since = g.options.At.Add(-time.Duration(1+g.rand.IntN(100)) * day)
	}
}

func (g *Generator) consents(p *Person, under14 bool) {
	total, situations := 1000, Situations(under14)
	if g.options.Willing {
		total, situations = onlyGood(situations)
	}
	n := g.rand.IntN(total)
	for _, s := range situations {
		if n -= s.Weight; n >= 0 {
			continue
		}
		p.Situation = s.Name
		for _, a := range s.acts {
			p.Consents = append(p.Consents, g.consent(a))
		}
		return
	}
}

// onlyGood keeps the good situations, and adds up their weights.
func onlyGood(all []Situation) (total int, kept []Situation) {
	for _, s := range all {
		if s.Good {
			total, kept = total+s.Weight, append(kept, s)
		}
	}
	return total, kept
}

func (g *Generator) consent(a act) Consent {
	at := g.options.At
	var proof [32]byte
	for i := range proof {
		proof[i] = byte(g.rand.Uint32())
	}
	c := Consent{Form: formIDs[a.form], Given: at.Add(-time.Duration(5+g.rand.IntN(180)) * day), Evidence: hex.EncodeToString(proof[:])}
	if a.form != "no_term" && g.permille(500) {
		c.Until = c.Given.AddDate(1, 0, 0)
	}
	switch a.time {
	case expired:
		c.Given = at.Add(-time.Duration(400+g.rand.IntN(200)) * day)
		c.Until = c.Given.AddDate(1, 0, 0)
	case withdrawn:
		c.Withdrawn = at.Add(-time.Duration(1+g.rand.IntN(4*24)) * time.Hour)
	case comingLater:
		c.Given, c.Until = at.Add(30*day), time.Time{}
	case undated:
		c.Given, c.Until = time.Time{}, time.Time{}
	case unproved:
		c.Evidence = ""
	}
	return c
}

func (g *Generator) block(p *Person) {
	n := g.rand.IntN(1000)
	if n >= 20 || g.options.Willing {
		return
	}
	p.Block = Block{By: pick(g, []string{"user", "legal_representative", "pd_authority"}), Received: g.options.At.Add(-time.Duration(1+g.rand.IntN(20*24)) * time.Hour)}
	if n < 6 {
		p.Block.Lifted = p.Block.Received.Add(12 * time.Hour)
	}
}

// unpermitted fills what the platform holds beyond the policy.
func (g *Generator) unpermitted(p *Person) {
	age := kz.Date{Year: p.Birth.Year(), Month: p.Birth.Month(), Day: p.Birth.Day()}.Age(kz.DateOf(g.options.At))
	p.Grade = age - 6
	p.School = fmt.Sprintf("№ %d", 1+g.rand.IntN(200))
	p.Password = fmt.Sprintf("argon2id$%016x%016x", g.rand.Uint64(), g.rand.Uint64())
	p.Address = fmt.Sprintf("203.0.113.%d", g.rand.IntN(256))
	p.UserAgent = "Mozilla/5.0"
	if mark := g.options.Canary; mark != "" {
		for _, s := range []*string{&p.Middle, &p.School, &p.Password, &p.Address, &p.UserAgent} {
			*s = mark + *s
		}
	}
}
