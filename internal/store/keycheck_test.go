package store

import (
	"bytes"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestInsistKey: the first key is the store's, another one is refused, and the key cannot be read from the store. Whoever may only read is not hindered.
func TestInsistKey(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx, key := t.Context(), bytes.Repeat([]byte("k"), 32)
		if r.pg != nil {
			r.must(asRole(r, "almasu_auditor").InsistKey(ctx, "pseudonym", key))
		}
		for range 2 {
			r.must(r.s.InsistKey(ctx, "pseudonym", key))
		}
		r.open()
		other := bytes.Clone(key)
		other[31]++
		if err := r.s.InsistKey(ctx, "pseudonym", other); record.CodeOf(err) != "store.other_key" {
			t.Errorf("another key: %v", err)
		}
		r.must(r.s.InsistKey(ctx, "another", other))
		var value []byte
		r.must(r.s.DB().Get(&value, "SELECT value FROM key_check WHERE name = 'pseudonym'"))
		if len(value) != 16 || bytes.Contains(key, value) {
			t.Error("the store holds the key")
		}
		if r.pg != nil {
			if err := asRole(r, "almasu_auditor").InsistKey(ctx, "pseudonym", other); record.CodeOf(err) != "store.other_key" {
				t.Errorf("another key, for one who reads: %v", err)
			}
		}
	})
}

// asRole opens the rig's store on PostgreSQL as a role.
func asRole(r *rig, role string) *Store {
	r.Helper()
	r.as(role).Close()
	log, err := transferlog.New(r.secret)
	r.must(err)
	s, err := Open(Postgres, r.pg.Cluster.DSNFor(r.pg.Name, role), log)
	r.must(err)
	r.Cleanup(func() { s.Close() })
	return s
}
