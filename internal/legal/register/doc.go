// Package register reads the law as data: fields, policy versions, acts, recipients, purposes and routes.
package register
