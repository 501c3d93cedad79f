// Package authority is the receiving side of transfers.
package authority
