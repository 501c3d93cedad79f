package register

import (
	"birgeoqy.kz/almasu/internal/record"
)

// Digest is the SHA-256 of "almasu-register/v1\n" and the whole register in canonical form, approvals included.
func (r *Register) Digest() record.Digest { return r.digest }

func at[T any](list []T, index map[string]int, id string) *T {
	i, ok := index[id]
	if !ok {
		return nil
	}
	return &list[i]
}

// Field finds a field by id; nil if there is none.
func (r *Register) Field(id string) *Field { return at(r.Fields, r.fields, id) }

// Purpose finds a purpose by code; nil if there is none.
func (r *Register) Purpose(code string) *Purpose { return at(r.Purposes, r.purposes, code) }

// Recipient finds a recipient by id; nil if there is none.
func (r *Register) Recipient(id string) *Recipient { return at(r.Recipients, r.recipients, id) }

// Route finds a route by id; nil if there is none.
func (r *Register) Route(id string) *Route { return at(r.Routes, r.routes, id) }

// TakesNotices returns the clause of the agreement by which the recipient of a route takes notices over its channel, "" if it is told by letter.
func (r *Register) TakesNotices(rt *Route) string {
	to := r.Recipient(rt.Recipient)
	if to == nil || to.Agreement == nil {
		return ""
	}
	for _, c := range to.Agreement.Channels {
		if c.Channel == rt.Channel {
			return c.Notices
		}
	}
	return ""
}

// Administrator finds an administrator by id; nil if there is none.
func (r *Register) Administrator(id string) *Administrator {
	return at(r.Administrators, r.admins, id)
}

// Policy finds a policy version by id; nil if there is none.
func (r *Register) Policy(id string) *Policy {
	for i := range r.Policies {
		if r.Policies[i].ID == id {
			return &r.Policies[i]
		}
	}
	return nil
}

// PolicyAt returns the one version in force, or nil.
func (r *Register) PolicyAt(now Instant) *Policy {
	for i := range r.Policies {
		if p := &r.Policies[i]; Within(p.From, p.Until, now) {
			return p
		}
	}
	return nil
}

// Resolve finds the edition of the cited act that is in force, and the article; both are nil unless both are in force.
func (r *Register) Resolve(c Citation, now Instant) (*Act, *Article) {
	for i := range r.Acts {
		a := &r.Acts[i]
		if a.ID != c.Act || !Within(a.From, a.Until, now) {
			continue
		}
		for j := range a.Articles {
			art := &a.Articles[j]
			from := art.From
			if from == 0 {
				from = a.From
			}
			if art.ID == c.Article && Within(from, art.Until, now) {
				return a, art
			}
		}
	}
	return nil, nil
}

// editions lists every edition of the cited act that has the article, in force or not.
func (r *Register) editions(c Citation) []*Act {
	var list []*Act
	for i := range r.Acts {
		if r.Acts[i].ID != c.Act {
			continue
		}
		for j := range r.Acts[i].Articles {
			if r.Acts[i].Articles[j].ID == c.Article {
				list = append(list, &r.Acts[i])
			}
		}
	}
	return list
}

// Digest is the SHA-256 of "almasu-policy/v1\n" and the version in canonical form.
func (p *Policy) Digest() record.Digest { return digestOf("almasu-policy/v1\n", p) }

// cited is one citation with every edition of the norm, as a route's digest covers it.
type cited struct {
	Citation Citation    `json:"citation"`
	Editions []editionOf `json:"editions"`
}

type editionOf struct {
	Type    string  `json:"type"`
	Edition Instant `json:"edition"`
	From    Instant `json:"from"`
	Until   Instant `json:"until"`
	Example bool    `json:"example"`
	Article Article `json:"article"`
}

func (r *Register) cited(c *Citation) *cited {
	if c == nil {
		return nil
	}
	out := &cited{Citation: *c}
	for _, a := range r.editions(*c) {
		for _, art := range a.Articles {
			if art.ID == c.Article {
				out.Editions = append(out.Editions, editionOf{a.Type, a.Edition, a.From, a.Until, a.Example, art})
			}
		}
	}
	return out
}

// RouteDigest is what approvals of a route approve: the SHA-256 of "almasu-route/v1\n" and the canonical form of the route with
// everything it refers to: recipient and its parents, purpose, the cited norms in all editions, and the definitions of its fields.
// A route's suspension and withheld fields are not in it.
func (r *Register) RouteDigest(rt *Route) record.Digest {
	full := struct {
		Route      *Route       `json:"route"`
		Recipients []*Recipient `json:"recipients"`
		Purpose    *Purpose     `json:"purpose"`
		Ground     *cited       `json:"ground"`
		Procedure  *cited       `json:"procedure"`
		Competence *cited       `json:"competence"`
		FreeItem   *cited       `json:"free_item"`
		Fields     []*Field     `json:"fields"`
	}{
		Route: rt, Purpose: r.Purpose(rt.Purpose), Ground: r.cited(&rt.Ground), Procedure: r.cited(&rt.Procedure),
		Competence: r.cited(rt.Competence), FreeItem: r.cited(rt.FreeItem),
	}
	for rec := r.Recipient(rt.Recipient); rec != nil && len(full.Recipients) < len(r.Recipients); rec = r.Recipient(rec.Parent) {
		full.Recipients = append(full.Recipients, rec)
	}
	for i := range rt.Fields {
		full.Fields = append(full.Fields, r.Field(rt.Fields[i].Field))
	}
	return digestOf("almasu-route/v1\n", full)
}
