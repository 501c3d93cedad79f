package books

import (
	"context"
	"fmt"

	"birgeoqy.kz/almasu/internal/delta"
)

// Count counts the people of whom a recipient has anything over a connector. What waits is not counted.
func (d DB) Count(ctx context.Context, connector, recipient string) (people int, err error) {
	rows, err := d.Read.QueryxContext(ctx, "SELECT page, body, recent, stale = 1 FROM held WHERE connector = $1 AND recipient = $2 ORDER BY page", connector, recipient)
	if err != nil {
		return 0, fmt.Errorf("counting what a recipient holds: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number int64
		var sealed delta.Sealed
		if err := rows.Scan(&number, &sealed.Body, &sealed.Recent, &sealed.Stale); err != nil {
			return 0, fmt.Errorf("counting what a recipient holds: %w", err)
		}
		if err := delta.Each(d.Vault, delta.Name(connector, recipient), uint32(number), sealed, func(delta.Entry) { people++ }); err != nil {
			return 0, fmt.Errorf("counting what a recipient holds: %w", err)
		}
	}
	return people, rows.Err()
}
