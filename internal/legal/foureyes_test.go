package legal_test

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

// An eye is somebody who signs an approval, in one of the ways that there are: honestly as the author, the initiator or another administrator, or in a way
// that does not count.
type eye struct {
	name string
	// by is whom the approval names, key signs it, at is when.
	by  string
	key ed25519.PrivateKey
	at  time.Time
	// twist changes what is approved before it is signed, and forge the approval afterwards.
	twist func(kind, name *string, digest *record.Digest)
	forge func(*register.Approval)
	// counts is the person that the law sees in it, "" if none.
	counts string
}

// eyes are every role and every fault of an approval. The author is the author of the route and the initiator of the request.
func eyes() []eye {
	yesterday := now.AddDate(0, 0, -1)
	b, c := signers[1].Key, signers[2].Key
	return []eye{
		{name: "the author", by: "admin-author", key: signers[0].Key, at: yesterday},
		{name: "B", by: "admin-b", key: b, at: yesterday, counts: "admin-b"},
		{name: "B later", by: "admin-b", key: b, at: now, counts: "admin-b"},
		{name: "C", by: "admin-c", key: c, at: yesterday, counts: "admin-c"},
		{name: "an administrator who was revoked", by: "admin-r", key: keyOf("admin-r"), at: yesterday},
		{name: "somebody who is no administrator", by: "clerk", key: keyOf("clerk-k"), at: yesterday},
		{name: "C by another's key", by: "admin-c", key: b, at: yesterday},
		{name: "the author in C's name", by: "admin-c", key: signers[0].Key, at: yesterday},
		{name: "C tomorrow", by: "admin-c", key: c, at: now.Add(time.Second)},
		{name: "C at no time", by: "admin-c", key: c, forge: func(a *register.Approval) { a.At = 0 }, at: yesterday},
		{name: "C over other bytes", by: "admin-c", key: c, at: yesterday, twist: func(_, _ *string, d *record.Digest) { d[31] ^= 1 }},
		{name: "C over other bytes, relabelled", by: "admin-c", key: c, at: yesterday, twist: func(_, _ *string, d *record.Digest) { d[0] ^= 1 }, forge: func(a *register.Approval) { a.Digest[0] ^= 1 }},
		{name: "C over another thing", by: "admin-c", key: c, at: yesterday, twist: func(_, n *string, _ *record.Digest) { *n += "-2" }},
		{name: "C over another thing, relabelled", by: "admin-c", key: c, at: yesterday, twist: func(_, n *string, _ *record.Digest) { *n += "-2" }, forge: func(a *register.Approval) { a.Name = strings.TrimSuffix(a.Name, "-2") }},
		{name: "C over another kind", by: "admin-c", key: c, at: yesterday, twist: func(k, _ *string, _ *record.Digest) { *k = register.ApprovePolicy }},
		{name: "C unsigned", by: "admin-c", key: c, at: yesterday, forge: func(a *register.Approval) { a.Signature = nil }},
		{name: "B, renamed C", by: "admin-b", key: b, at: yesterday, forge: func(a *register.Approval) { a.By = "admin-c" }},
	}
}

// approval is what somebody signs for a thing.
func (e eye) approval(kind, name string, digest record.Digest) register.Approval {
	if e.twist != nil {
		e.twist(&kind, &name, &digest)
	}
	a := register.SignApproval(e.key, kind, name, digest, e.by, register.At(e.at))
	if e.forge != nil {
		e.forge(&a)
	}
	return a
}

// people counts the persons whom the law sees in approvals.
func people(list ...eye) int {
	var seen []string
	for _, e := range list {
		if e.counts != "" && !slices.Contains(seen, e.counts) {
			seen = append(seen, e.counts)
		}
	}
	return len(seen)
}

// TestFourEyes: no one, every one, and every two of [eyes] in every order, over a request and over a route. What leaves is permitted if and only if two persons
// who are administrators, other than who drew it up, have signed exactly this before now; else the rule is named.
func TestFourEyes(t *testing.T) {
	r := approved(t)
	iin := pupil(t, 12).IIN
	route := r.Route("oblast-consent")
	digest := r.RouteDigest(route)
	others := slices.DeleteFunc(slices.Clone(r.Approvals), func(a register.Approval) bool { return a.Kind == register.ApproveRoute && a.Name == route.ID })
	judge := func(list ...eye) {
		var names []string
		q := letter(iin)
		approvals := slices.Clone(others)
		for _, e := range list {
			names = append(names, e.name)
			q.Approvals = append(q.Approvals, e.approval(register.ApproveRequest, q.ID, q.Digest()))
			approvals = append(approvals, e.approval(register.ApproveRoute, route.ID, digest))
		}
		t.Run(strings.Join(names, " and then "), func(t *testing.T) {
			changed := *r.Register
			changed.Approvals = approvals
			if people(list...) == 2 {
				open(t, r, requestCase(q))
				open(t, &legal.Register{Register: &changed}, consentCase())
				return
			}
			refusedBy(t, r, requestCase(q), "BAS-3", "request_not_approved")
			refusedBy(t, &legal.Register{Register: &changed}, consentCase(), "ADM-1", "not_approved")
		})
	}
	judge()
	permitted := 0
	for _, first := range eyes() {
		judge(first)
		for _, second := range eyes() {
			judge(first, second)
			if people(first, second) == 2 {
				permitted++
			}
		}
	}
	if permitted != 4 { // B and C, in either order, B in two forms
		t.Errorf("%d pairs are permitted", permitted)
	}
}

// TestFourEyesBindEveryByte: after two approvals, whatever is changed in a request needs two others; the approvals of one request are none of another's.
func TestFourEyesBindEveryByte(t *testing.T) {
	r := approved(t)
	named, other := pupil(t, 12), pupil(t, 13)
	for name, change := range map[string]func(*legal.Request){
		"id": func(q *legal.Request) { q.ID = "r-2" }, "number": func(q *legal.Request) { q.Number += "0" }, "date": func(q *legal.Request) { q.Date-- },
		"signatory": func(q *legal.Request) { q.Signatory += " " }, "file": func(q *legal.Request) { q.File[0] ^= 1 },
		"competence":        func(q *legal.Request) { q.Competence.Article = "6" },
		"a field more":      func(q *legal.Request) { q.Fields = append(q.Fields, "region") },
		"a field less":      func(q *legal.Request) { q.Fields = q.Fields[:2] },
		"the order":         func(q *legal.Request) { slices.Reverse(q.Fields) },
		"another person":    func(q *legal.Request) { q.Subjects = []record.Digest{legal.SubjectDigest(salt, other.IIN)} },
		"a person more":     func(q *legal.Request) { q.Subjects = append(q.Subjects, legal.SubjectDigest(salt, other.IIN)) },
		"everyone":          func(q *legal.Request) { q.Everyone, q.Subjects = true, nil },
		"the salt":          func(q *legal.Request) { q.Salt += "0" },
		"the deadline":      func(q *legal.Request) { q.Deadline = register.At(now) },
		"a later end":       func(q *legal.Request) { q.Expires++ },
		"another initiator": func(q *legal.Request) { q.Initiator = "admin-b" },
	} {
		t.Run(name, func(t *testing.T) {
			q := signed(letter(named.IIN), 1, 2)
			q.Fields, q.Subjects = slices.Clone(q.Fields), slices.Clone(q.Subjects)
			open(t, r, requestCase(q))
			change(q)
			refusedBy(t, r, requestCase(q), "BAS-3", "request_not_approved")
		})
	}
}

// TestFourEyesOverFields: what two approve is still not more than the law permits: a field that nobody may have, or that the request does not name, stays, each by
// its rule; a request for such fields alone is refused.
func TestFourEyesOverFields(t *testing.T) {
	r := approved(t)
	iin := pupil(t, 12).IIN
	for field, rule := range map[string]string{"birth_date": "FLD-3", "middle_name": "FLD-1", "ip": "TECH-2", "phone": "FLD-2", "shoe_size": "FLD-0"} {
		t.Run(field, func(t *testing.T) {
			q := letter(iin)
			q.Fields = []string{"iin", field}
			g := open(t, r, requestCase(signed(q, 1, 2)))
			if !slices.Equal(g.Fields(), []string{"iin"}) {
				t.Errorf("fields %v", g.Fields())
			}
			i := slices.IndexFunc(g.Denied(), func(d legal.Denied) bool { return d.Field == field })
			if i < 0 || g.Denied()[i].Rule != rule {
				t.Errorf("denied: %+v", g.Denied())
			}
			if !slices.ContainsFunc(g.Denied(), func(d legal.Denied) bool { return d.Field == "family_name" && d.Rule == "BAS-3" }) {
				t.Errorf("a field that the request does not name: %+v", g.Denied())
			}
			alone := letter(iin)
			alone.Fields = []string{field}
			refusedBy(t, r, requestCase(signed(alone, 1, 2)), "PD-1", "nothing_permitted")
		})
	}
}

// TestFourEyesAfterRevocation: an approval does not outlive its approver's place in the register, nor their key.
func TestFourEyesAfterRevocation(t *testing.T) {
	iin := pupil(t, 12).IIN
	q := signed(letter(iin), 1, 2)
	for name, change := range map[string]func(*register.Administrator){
		"removed": func(a *register.Administrator) { a.ID = "admin-new" },
		"another key": func(a *register.Administrator) {
			a.PublicKey = register.PublicKey(keyOf("admin-z").Public().(ed25519.PublicKey))
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := exampleFS(t)
			approve(t, files)
			open(t, load(t, files), requestCase(q))
			list := slices.Clone(load(t, files).Administrators)
			i := slices.IndexFunc(list, func(a register.Administrator) bool { return a.ID == "admin-c" })
			change(&list[i])
			b, err := register.MarshalAdministrators(list)
			if err != nil {
				t.Fatal(err)
			}
			files[register.FileAdministrators] = &fstest.MapFile{Data: b}
			if _, err := legal.Load(files); record.CodeOf(err) == "" {
				t.Errorf("approvals of the register by somebody who is gone: %v", err)
			}
			delete(files, register.FileApprovals)
			refusedBy(t, load(t, files), consentCase(), "ADM-1", "not_approved")
			kept := load(t, files)
			by := kept.Approvers(q.Approvals, register.ApproveRequest, q.ID, q.Digest(), q.Initiator, register.At(now))
			if !slices.Equal(by, []string{"admin-b"}) {
				t.Errorf("approved by %v", by)
			}
		})
	}
}
