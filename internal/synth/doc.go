// Package synth makes the education platform's database with synthetic pupils, for the demonstration, tests and the benchmark. It is
// deterministic: equal [Options] give equal people, whatever the number of people and the database.
//
// # Nobody's numbers
//
// An IIN carries a birth date, a digit for century and sex, a serial of four digits and a check digit. Serials are given out from
// below, and a day has some five hundred births of each sex; the synthetic numbers use the serials 9000 to 9999 only (8000 to 8999,
// then 7000 to 7999, where a check digit does not exist). No register reserves a range, so this is out of reach rather than promised; no
// number was looked up. Names are drawn independently from lists, telephone numbers have the unused mobile code 799.
//
// # Who is there
//
// Pupils of 10 to 17 years, five of six between 10 and 13, most of them in one oblast ([Options.Oblast]), the rest all over the country; accounts
// in every state of policy 2.2; consents in every state that the law distinguishes, see [Situations]; blocks that stand and blocks that
// are lifted; numbers that are missing or wrong. Of a thousand people about 900 are active, unblocked and have a valid number,
// and well over 300 may also be sent to a body of the oblast by their consent.
//
// # The database
//
// [Tables] gives the statements for the relations profiles, accounts, consents, consent_forms and blocks; the profiles hold more columns than
// any policy permits (patronymic, birth date, school, grade, password hash, addresses). [Options.Canary] fills those with a mark that
// must appear nowhere else. The matching configuration of the source is deploy/birgeoqy/platform.yaml.
package synth

import (
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Options says what to make.
type Options struct {
	// People is how many; at most [MaxPeople].
	People int
	// Seed chooses among the possible populations.
	Seed uint64
	// At is the moment at which ages and states are as described; consents were given before it. The zero time is not allowed.
	At time.Time
	// Oblast is the KATO code of the oblast in which two thirds live; "610000000" if empty.
	Oblast string
	// Policy, Operator, Purpose and Recipient are what a good consent names; if empty "v1", "351240000010", "rural_support" and
	// "kind:leb".
	Policy, Operator, Purpose, Recipient string
	// Willing makes only people whose data the law lets go to a body of the oblast: they live in it, their accounts are active, nobody is blocked,
	// numbers and telephones are good, and one of the good situations holds, with its mixed lists of fields. For the benchmark.
	Willing bool
	// Canary, if it is not empty, begins every text in a column that no policy permits.
	Canary string
}

// MaxPeople bounds [Options.People]: above it birth dates and serials would run out.
const MaxPeople = 2_500_000

func (o Options) withDefaults() Options {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&o.Oblast, "610000000")
	set(&o.Policy, "v1")
	set(&o.Operator, "351240000010")
	set(&o.Purpose, "rural_support")
	set(&o.Recipient, "kind:leb")
	o.At = o.At.UTC().Truncate(time.Second)
	return o
}

// Person is one pupil as the platform holds them. Empty texts and zero times stand for NULL.
type Person struct {
	ID                                   int64
	IIN                                  string
	Family, Given, Middle                string
	Birth                                time.Time
	Email, Phone, ParentPhone            string
	Region, District, Settlement         string // names in the pupil's language
	KATO                                 string // the most exact code
	School, Password, Address, UserAgent string
	Grade                                int
	Created, Updated                     time.Time
	// Account is the platform's word for the state; empty if there is no account.
	Account  string
	Since    time.Time
	Consents []Consent
	Block    Block
	// Situation is the name of the consents' situation, see [Situations].
	Situation string
}

// Consent is one acceptance.
type Consent struct {
	Form                    int
	Given, Until, Withdrawn time.Time
	Evidence                string
}

// Block is a request to block; without one, By is empty.
type Block struct {
	By               string
	Received, Lifted time.Time
}

// Form is a wording of consent with the way in which it is given.
type Form struct {
	ID    int
	Name  string
	Terms record.Terms
}
