package store

import (
	"bytes"
	"slices"
	"testing"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/vault"
)

// TestOlderStores: what a store held before sets were sealed and rosters had years is read after the migration as before it, and goes on.
func TestOlderStores(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		p, err := r.s.provider()
		r.must(err)
		if _, err = p.DownTo(ctx, 3); err != nil {
			t.Fatal(err)
		}
		v, err := vault.Parse([]byte(r.vault))
		r.must(err)
		// A chunk as it was: the roster of no period, without the column.
		secret := bytes.Repeat([]byte{7}, 32)
		scratch := newRig(t, SQLite)
		old, err := roster.New(people.Chunks{DB: scratch.s.People()}, v, secret)
		r.must(err)
		b := pupils(0, 5, 1)
		r.must(old.Resolve(ctx, b))
		var first, last, body []byte
		r.must(scratch.s.DB().QueryRow("SELECT first_key, last_key, body FROM roster_chunk").Scan(&first, &last, &body))
		_, err = r.s.DB().Exec("INSERT INTO roster_chunk (first_key, last_key, people, body) VALUES ($1, $2, 5, $3)", first, last, body)
		r.must(err)
		_, err = r.s.DB().Exec("UPDATE roster_head SET next = 6")
		r.must(err)
		set, id := r.set(1, 2, 3), record.NewID()
		_, err = r.s.DB().Exec("INSERT INTO transfer (id, connector, route, recipient, cause, due, started, actor, reason, request) VALUES ($1, 'c', 'r', 'b', 'schedule', 1, 1, 'a', '', '')", id.String())
		r.must(err)
		_, err = r.s.DB().Exec(`INSERT INTO message (id, transfer, part, connector, recipient, sequence, records, voids, intent, logged, header, key_id, signature, disclosure)
			VALUES ($1, $1, 1, 'c', 'b', 1, 3, '', 0, 1, $2, 'k', $2, $3)`, id.String(), []byte("x"), []byte(set))
		r.must(err)
		_, err = r.s.DB().Exec("INSERT INTO part (transfer, number, last_key, read, refused, withheld, reasons, refusal) VALUES ($1, 1, $2, 3, 1, 0, '[]', $3)", id.String(), last, []byte(set))
		r.must(err)

		_, err = r.s.Migrate(ctx)
		r.must(err)
		n := 0
		r.must(r.s.Disclosures(ctx, func(d Disclosure) error {
			n++
			if d.Message != id || !bytes.Equal(d.Set, set) {
				t.Errorf("another set: %v", d)
			}
			return nil
		}))
		r.must(r.s.RefusalSets(ctx, id, func(_ int, got transfer.Set) error {
			n++
			if !bytes.Equal(got, set) {
				t.Error("another refusal set")
			}
			return nil
		}))
		if n != 2 {
			t.Errorf("%d sets", n)
		}
		ros, err := people.Open(ctx, r.s.People(), r.s.Periods(), v, r.now, secret)
		r.must(err)
		again := pupils(0, 5, 1)
		r.must(ros.Resolve(ctx, again))
		if again.Person(2).Ordinal <= 5 {
			t.Error("the new year has the ordinals of the old roster")
		}
		found, err := ros.Find(ctx, iinOf(2))
		if err != nil || len(found) != 2 || found[0] != b.Person(2).Ordinal || found[1] != again.Person(2).Ordinal {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

// TestDownWithoutRecentDigests: an older program, which does not know the recent digests of a page, sends everybody of that page again, and compares everybody to do so.
func TestDownWithoutRecentDigests(t *testing.T) {
	onBoth(t, func(r *rig) {
		db := r.s.DB()
		for page, recent := range []string{"", "changed since"} {
			_, err := db.Exec("INSERT INTO held (connector, recipient, page, stale, body, recent) VALUES ('c', 'b', $1, 0, $2, $3)", page, []byte("x"), []byte(recent))
			r.must(err)
		}
		_, err := db.Exec("INSERT INTO mark (connector, recipient, version, horizon, scope, began) VALUES ('c', 'b', 1, 'h', 's', 2)")
		r.must(err)
		p, err := r.s.provider()
		r.must(err)
		_, err = p.DownTo(t.Context(), 18)
		r.must(err)
		_, err = r.s.Migrate(t.Context())
		r.must(err)
		var stale []int
		var horizon string
		r.must(db.Select(&stale, "SELECT stale FROM held ORDER BY page"))
		r.must(db.Get(&horizon, "SELECT horizon FROM mark"))
		if !slices.Equal(stale, []int{0, 1}) || horizon != "" {
			t.Errorf("stale %v, the next comparison goes on from %q", stale, horizon)
		}
	})
}
