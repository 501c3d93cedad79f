// Package transferlog is the format of the transfer log: an append-only Merkle tree of what was sent, to whom and why.
package transferlog

// MaxFields is the greatest number of fields in a message: each is a bit in the masks of a disclosure set.
const MaxFields = 64
