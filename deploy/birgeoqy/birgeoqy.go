// Package birgeoqy is the complete example of a configuration: the register of the law, mappings, schemas and the names of the
// platform's relations, as the demonstration embeds them and as an operator starts from.
package birgeoqy

import "embed"

// Files are the example's files, by their paths in this folder.
//
//go:embed register mapping schemas platform.yaml
var Files embed.FS
