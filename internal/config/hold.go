package config

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/scheduler"
)

// Share is a part of a whole in millionths, written in percent: "10%", "0.5%".
type Share int64

const whole = 1_000_000

// UnmarshalText reads a percentage of at most 100 with at most four decimals.
func (s *Share) UnmarshalText(b []byte) error {
	number, percent := strings.CutSuffix(string(b), "%")
	r, ok := new(big.Rat).SetString(number)
	if !percent || !ok || strings.Trim(number, "0123456789.") != "" || len(number) > 9 {
		return errShare
	}
	r.Mul(r, big.NewRat(whole/100, 1))
	if !r.IsInt() || r.Sign() <= 0 || r.Cmp(big.NewRat(whole, 1)) > 0 {
		return errShare
	}
	*s = Share(r.Num().Int64())
	return nil
}

var errShare = fmt.Errorf(`expected a share of more than 0%% and at most 100%%, such as "10%%" or "0.5%%"`)

// MarshalText writes the share as it is read.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the share in percent.
func (s Share) String() string {
	text := fmt.Sprintf("%d.%04d", s/(whole/100), s%(whole/100))
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// Limit is reached by a number of people that is at least Least, and at least Share of what it is measured against. One of the two may be left out.
type Limit struct {
	Share Share        `yaml:"share,optional" json:"share,omitempty"`
	Least int          `yaml:"least,optional" json:"least,omitempty"`
	Where strict.Where `yaml:"-" json:"-"`
}

// Reached reports whether n of base people reach the limit. Nobody reaches none.
func (l *Limit) Reached(n, base int) bool {
	return l != nil && n > 0 && n >= l.Least && int64(n)*whole >= int64(l.Share)*int64(base)
}

// String is the limit as it is written: "10% and 50 people".
func (l *Limit) String() string {
	switch {
	case l.Least == 0:
		return l.Share.String()
	case l.Share == 0:
		return fmt.Sprintf("%d people", l.Least)
	}
	return fmt.Sprintf("%s and %d people", l.Share, l.Least)
}

// Hold says which numbers stop a run before anything is sent, until a person has decided. What each is measured against stands in package limits.
type Hold struct {
	// Changed: people who would be sent otherwise than the recipient has them, new ones included; measured against those whom it has.
	Changed *Limit `yaml:"changed,optional"`
	// Withdrawn: people whom the recipient has and would have no more; measured against those whom it has.
	Withdrawn *Limit `yaml:"withdrawn,optional"`
	// Refused: people whom the law refuses, beyond those of the run before; measured against those who were read then.
	Refused *Limit `yaml:"refused,optional"`
	// Rejected: records that the recipient rejected in the run before; measured against those that it had then. The next run is held.
	Rejected *Limit `yaml:"rejected,optional"`
	// During replaces limits while a calendar is open: the first that is.
	During []During `yaml:"during,optional"`
	// Expires is how many working days a person has to decide; default 3. What is not approved until the end of the last is not sent.
	Expires int          `yaml:"expires,optional"`
	Where   strict.Where `yaml:"-"`
}

// During has other limits for a time: those that it names take the place of the connector's.
type During struct {
	// Calendar names a calendar of the file calendars. It is open when it permits a run to begin.
	Calendar  string       `yaml:"calendar"`
	Changed   *Limit       `yaml:"changed,optional"`
	Withdrawn *Limit       `yaml:"withdrawn,optional"`
	Refused   *Limit       `yaml:"refused,optional"`
	Rejected  *Limit       `yaml:"rejected,optional"`
	Where     strict.Where `yaml:"-"`
}

// Limits are the limits at one time; Calendar is the one by which they stand, "" for the connector's own.
type Limits struct {
	Changed, Withdrawn, Refused, Rejected *Limit
	Calendar                              string
}

// WorkingDays is Expires, or its default.
func (h *Hold) WorkingDays() int {
	if h.Expires == 0 {
		return 3
	}
	return h.Expires
}

// At returns the limits in force at a time. The calendars are those that [Hold.Check] was given.
func (h *Hold) At(now time.Time, calendars map[string]*scheduler.Calendar) Limits {
	l := Limits{Changed: h.Changed, Withdrawn: h.Withdrawn, Refused: h.Refused, Rejected: h.Rejected}
	for i := range h.During {
		d := &h.During[i]
		if _, closed := calendars[d.Calendar].Opens(now); closed != "" {
			continue
		}
		l.Calendar = d.Calendar
		for _, one := range []struct {
			here *Limit
			to   **Limit
		}{{d.Changed, &l.Changed}, {d.Withdrawn, &l.Withdrawn}, {d.Refused, &l.Refused}, {d.Rejected, &l.Rejected}} {
			if one.here != nil {
				*one.to = one.here
			}
		}
		break
	}
	return l
}

// Check demands that the calendars which the limits name are there. Code: config.hold_calendar.
func (h *Hold) Check(calendars map[string]*scheduler.Calendar) error {
	var problems record.Problems
	for i := range h.During {
		if d := &h.During[i]; calendars[d.Calendar] == nil {
			problems.Add("config.hold_calendar", d.Where.Key("calendar"), `calendars stand in the file that "calendars" names`, "there is no calendar %q", d.Calendar)
		}
	}
	return problems.Err()
}

// check looks at the limits themselves. Codes: config.hold, config.range.
func (h *Hold) check(ps *record.Problems) {
	one := func(where strict.Where, key string, l *Limit) bool {
		switch {
		case l == nil:
			return false
		case l.Share == 0 && l.Least == 0:
			ps.Add("config.hold", where.Key(key), `e.g. {share: 10%, least: 50}`, "%s needs a share, a least number of people, or both", key)
		case l.Least < 0:
			ps.Add("config.range", where.Key(key), "", "%s: least is a number of people from 1", key)
		}
		return true
	}
	some := false
	look := func(where strict.Where, changed, withdrawn, refused, rejected *Limit) (any bool) {
		for key, l := range map[string]*Limit{"changed": changed, "withdrawn": withdrawn, "refused": refused, "rejected": rejected} {
			any = one(where, key, l) || any
		}
		return any
	}
	some = look(h.Where, h.Changed, h.Withdrawn, h.Refused, h.Rejected)
	for i := range h.During {
		d := &h.During[i]
		if !look(d.Where, d.Changed, d.Withdrawn, d.Refused, d.Rejected) {
			ps.Add("config.hold", d.Where.Key("calendar"), "name what holds then", "a calendar without limits changes nothing")
		}
		some = true
	}
	if !some {
		ps.Add("config.hold", h.Where.Key("expires"), "name changed, withdrawn, refused or rejected", "hold has no limit, so that nothing would be held")
	}
	if h.Expires < 0 || h.Expires > 60 {
		ps.Add("config.range", h.Where.Key("expires"), "3 is usual", "expires is from 1 to 60 working days")
	}
}
