package app

import (
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// readKeyset reads the sealing keys; the ring is ours as long as the register says who we are.
func (v *service) readKeyset(path string, ps *record.Problems) {
	b := readSecret(path, ps, "config.key_missing")
	if b == nil {
		return
	}
	var err error
	if v.keyset, err = signing.ParseKeyset(b); err != nil {
		ps.Merge(located(err, path), "config.key", path)
		return
	}
	v.seal = v.keyset.Current()
	v.ring, err = v.keyset.Ring("self")
	ps.Merge(err, "config.key", path)
}
