// Package door lets people onto the road: it gives them their ordinals and marks who is blocked (I5).
package door

import (
	"context"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
)

// Door serves one goroutine.
type Door struct {
	Roster *roster.Roster
	// Blocked are the tags of everybody blocked.
	Blocked map[roster.Tag]struct{}
}

// Resolve sets ordinals and blocks of a batch.
func (d *Door) Resolve(ctx context.Context, b *record.Batch) error {
	if err := d.Roster.Resolve(ctx, b); err != nil {
		return err
	}
	if len(d.Blocked) > 0 {
		for i := range b.Len() {
			if _, hit := d.Blocked[d.Roster.Tag(i)]; hit {
				b.Person(i).Blocked = true
			}
		}
	}
	return nil
}
