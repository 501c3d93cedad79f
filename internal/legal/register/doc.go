// Package register reads the law as data: fields, policy versions, acts, recipients, purposes, routes, administrators and approvals.
//
// # Files
//
// A register is a folder of strictly decoded YAML (package strict): operator.yaml, fields.yaml, policies.yaml, acts.yaml,
// purposes.yaml and recipients.yaml; one file for each route under routes/; and, when there are any, administrators.yaml
// and approvals.yaml. Each file but operator.yaml and the routes holds one list under its own name. The struct comments are the manual
// of the keys. [Load] reports every problem of every file at once, with file:line:column, a stable code, and the id of the rule that
// is broken; a register with a problem does not load. Other YAML files at the top are problems too: a misspelt name must not
// silently take approvals away.
//
// # Time
//
// A date is its midnight at +05:00 (see [Zone]); every period includes its beginning and excludes its end. Policy versions follow each other
// without gap or overlap, and the last one is open. Editions of one act share an id and do not overlap.
//
// # Digests and approvals
//
// Canonical form is one line of JSON with keys in the order of the structs, no HTML escapes, moments in RFC 3339 UTC. A route's digest covers the
// route and everything it refers to ([Register.RouteDigest]), so that a change of the recipient's agreement or of the cited norm asks for new
// approvals. Suspending a route or withholding a field of it only narrows, and is not covered: it works at once. The register's digest covers
// everything. An approval is an Ed25519 signature over [ApprovalText]. An approval for another digest is not an error: it just does
// not count. A bad signature, an unknown approver or an approval by the author is an error.
package register
