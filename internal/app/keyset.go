package app

import (
	"path/filepath"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// readKeyset reads the sealing keys: all that are listed verify in their periods, the one in force signs.
func (v *service) readKeyset(path string, ps *record.Problems) {
	b := readSecret(path, ps, "config.key_missing")
	if b == nil {
		return
	}
	var err error
	if v.keyset, err = signing.ParseKeyset(path, b); err != nil {
		ps.Merge(err, "config.key", path)
		return
	}
	v.ring = signing.NewKeyring("self")
	now := v.session.now()
	current, err := v.keyset.Current(now)
	if err != nil {
		ps.Merge(err, "config.key", path)
		return
	}
	for _, e := range v.keyset.Entries {
		file := filepath.Join(filepath.Dir(path), e.Path)
		secret := readSecret(file, ps, "config.key_missing")
		if secret == nil {
			continue
		}
		key, err := e.Key(func(string) ([]byte, error) { return secret, nil })
		if err == nil {
			err = v.ring.Add(key.Public(), e.NotBefore, e.NotAfter)
		}
		if err != nil {
			ps.Merge(located(err, file), "config.key", file)
			continue
		}
		if e.KeyID == current.KeyID {
			v.seal = key
		}
	}
}
