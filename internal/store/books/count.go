package books

import (
	"context"
	"fmt"

	"birgeoqy.kz/almasu/internal/delta"
)

// Count counts the people of whom a recipient has anything over a connector. What waits is not counted.
func (d DB) Count(ctx context.Context, connector, recipient string) (people int, err error) {
	rows, err := d.Read.QueryxContext(ctx, "SELECT page, stale, body FROM held WHERE connector = $1 AND recipient = $2 ORDER BY page", connector, recipient)
	if err != nil {
		return 0, fmt.Errorf("counting what a recipient holds: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number, stale int64
		var sealed []byte
		if err := rows.Scan(&number, &stale, &sealed); err != nil {
			return 0, fmt.Errorf("counting what a recipient holds: %w", err)
		}
		if err := delta.Each(d.Vault, delta.Name(connector, recipient), uint32(number), sealed, stale == 1, func(delta.Entry) { people++ }); err != nil {
			return 0, fmt.Errorf("counting what a recipient holds: %w", err)
		}
	}
	return people, rows.Err()
}
