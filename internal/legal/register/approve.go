package register

import (
	"crypto/ed25519"
	"slices"

	"github.com/goccy/go-yaml"

	"birgeoqy.kz/almasu/internal/record"
)

// ApprovalText is what an approver signs: five lines that name the kind and the thing, its digest, the approver, and the moment.
func ApprovalText(kind, name string, digest record.Digest, by string, at Instant) []byte {
	return []byte("almasu-approval/v1\n" + kind + " " + name + "\n" + digest.String() + "\nby " + by + "\nat " + at.String() + "\n")
}

// SignApproval makes an approval with the approver's key.
func SignApproval(key ed25519.PrivateKey, kind, name string, digest record.Digest, by string, at Instant) Approval {
	return Approval{Kind: kind, Name: name, Digest: digest, By: by, At: at, Signature: ed25519.Sign(key, ApprovalText(kind, name, digest, by, at))}
}

// Verify says whether the administrator signed this approval.
func (a *Approval) Verify(who *Administrator) bool {
	return a.By == who.ID && len(who.PublicKey) == ed25519.PublicKeySize && a.At != 0 &&
		ed25519.Verify(ed25519.PublicKey(who.PublicKey), ApprovalText(a.Kind, a.Name, a.Digest, a.By, a.At), a.Signature)
}

// Approvers lists, in order of their ids, the administrators other than author who approved exactly this digest
// at or before now, with a good signature. Two make an approval (ADM-1).
func (r *Register) Approvers(from []Approval, kind, name string, digest record.Digest, author string, now Instant) []string {
	var by []string
	for i := range from {
		a := &from[i]
		if a.Kind != kind || a.Name != name || a.Digest != digest || a.Digest.IsZero() || a.By == author || a.At > now {
			continue
		}
		who := r.Administrator(a.By)
		if who == nil || who.Role != RoleAdministration || !a.Verify(who) || slices.Contains(by, a.By) {
			continue
		}
		by = append(by, a.By)
	}
	slices.Sort(by)
	return by
}

// Approvable is something that needs two approvals.
type Approvable struct {
	// Kind is route or policy, Name its id, Digest what is approved; Author may not approve it (routes).
	Kind, Name, Author string
	Digest             record.Digest
}

// Approvables lists every route, and every policy version that takes effect before it was registered.
func (r *Register) Approvables() []Approvable {
	var list []Approvable
	for i := range r.Policies {
		if p := &r.Policies[i]; p.From < p.Registered {
			list = append(list, Approvable{Kind: ApprovePolicy, Name: p.ID, Digest: p.Digest()})
		}
	}
	for i := range r.Routes {
		rt := &r.Routes[i]
		list = append(list, Approvable{Kind: ApproveRoute, Name: rt.ID, Author: rt.Author, Digest: r.RouteDigest(rt)})
	}
	return list
}

// MarshalAdministrators writes administrators.yaml.
func MarshalAdministrators(list []Administrator) ([]byte, error) {
	type row struct {
		ID        string `yaml:"id"`
		Name      string `yaml:"name"`
		Role      string `yaml:"role"`
		PublicKey string `yaml:"public_key"`
	}
	rows := make([]row, len(list))
	for i, a := range list {
		key, _ := a.PublicKey.MarshalText()
		rows[i] = row{a.ID, a.Name, a.Role, string(key)}
	}
	return yaml.Marshal(map[string]any{"administrators": rows})
}

// MarshalApprovals writes approvals.yaml.
func MarshalApprovals(list []Approval) ([]byte, error) {
	type row struct {
		Kind      string `yaml:"kind"`
		Name      string `yaml:"name"`
		Digest    string `yaml:"digest"`
		By        string `yaml:"by"`
		At        string `yaml:"at"`
		Signature string `yaml:"signature"`
	}
	rows := make([]row, len(list))
	for i, a := range list {
		sig, _ := a.Signature.MarshalText()
		rows[i] = row{a.Kind, a.Name, a.Digest.String(), a.By, a.At.String(), string(sig)}
	}
	return yaml.Marshal(map[string]any{"approvals": rows})
}

// Signer is an administrator with their private key.
type Signer struct {
	ID  string
	Key ed25519.PrivateKey
}

// Sign approves everything of [Register.Approvables] in the names of the signers, except an author's own routes.
func (r *Register) Sign(at Instant, by ...Signer) []Approval {
	var list []Approval
	for _, x := range r.Approvables() {
		for _, s := range by {
			if s.ID != x.Author {
				list = append(list, SignApproval(s.Key, x.Kind, x.Name, x.Digest, s.ID, at))
			}
		}
	}
	return list
}
