package peer

import (
	"time"

	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/mapping"
	"birgeoqy.kz/almasu/schemas"
)

// Version is a table that takes the place of a connection's own from a moment on.
type Version struct {
	From   time.Time
	Table  *mapping.Table
	Schema *schemas.Schema
}

// At is the connection as it is at a time: with the last table that has begun. versions are ascending.
func At(c *transfer.Connection, versions []Version, t time.Time) *transfer.Connection {
	out := *c
	for _, v := range versions {
		if !t.Before(v.From) {
			out.Table, out.Schema = v.Table, v.Schema
		}
	}
	return &out
}
