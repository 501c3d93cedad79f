package register

import (
	"crypto/ed25519"
	"crypto/sha256"
	"io/fs"

	"birgeoqy.kz/almasu/internal/record"
)

// Rehearse reads a register like [Load], but puts invented administrators in the place of administrators.yaml and approvals.yaml: the routes' authors, and
// two others who have approved everything at the given moment. It shows what a register would decide if it were approved; cases and previews use it.
// Its digest is no real register's, and [Register.Rehearsed] says what it is.
func Rehearse(fsys fs.FS, at Instant) (*Register, error) {
	bare := without{fsys}
	r, err := Load(bare)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	add := func(id string) ed25519.PrivateKey {
		seed := sha256.Sum256([]byte("almasu-rehearsal/v1\n" + id))
		key := ed25519.NewKeyFromSeed(seed[:])
		if !seen[id] {
			seen[id] = true
			r.Administrators = append(r.Administrators, Administrator{ID: id, Name: id, Role: RoleAdministration, PublicKey: PublicKey(key.Public().(ed25519.PublicKey))})
		}
		return key
	}
	for i := range r.Routes {
		add(r.Routes[i].Author)
	}
	first, second := Signer{"rehearsal-1", add("rehearsal-1")}, Signer{"rehearsal-2", add("rehearsal-2")}
	r.index()
	r.Approvals = r.Sign(at, first, second)
	r.rehearsed = true
	r.digest = record.DigestOf(append([]byte("almasu-rehearsal/v1\n"), r.digest[:]...))
	return r, nil
}

// Rehearsed says that the approvals are invented: no such register may send anything.
func (r *Register) Rehearsed() bool { return r.rehearsed }

// RehearsalSigner signs requests in rehearsals as one of the two invented administrators, n being 1 or 2.
func RehearsalSigner(n int) Signer {
	id := "rehearsal-1"
	if n == 2 {
		id = "rehearsal-2"
	}
	seed := sha256.Sum256([]byte("almasu-rehearsal/v1\n" + id))
	return Signer{id, ed25519.NewKeyFromSeed(seed[:])}
}

// without hides the files of administrators and approvals.
type without struct{ fs.FS }

// Open opens any other file.
func (w without) Open(name string) (fs.File, error) {
	if name == FileAdministrators || name == FileApprovals {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return w.FS.Open(name)
}
