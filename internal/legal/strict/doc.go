// Package strict decodes YAML that people write into Go structs, and reports everything that is
// wrong with a file at once.
//
// The accepted language is a small part of YAML 1.2: one document; mappings with plain text keys,
// sequences and scalars. Anchors, aliases, merge keys, tags and explicit "?" keys are refused, since one text
// must have one reading. A file is at most [MaxBytes] long and at most [MaxDepth] levels deep.
//
// The target is a pointer to a struct. Each exported field has a tag:
//
//	Name  string  `yaml:"name"`           // the key must be there and must not be empty
//	Note  string  `yaml:"note,optional"`  // the key may be missing
//	Where strict.Where `yaml:"-"`         // filled with the places of the mapping and of its values
//
// Field types: string (numbers are taken as they are written, so that 010140000005 keeps its zero), bool,
// int, structs, pointers to structs, slices of all these, and any type with UnmarshalText. Unknown keys, duplicate
// keys, missing keys, wrong types, a second document and an empty file are problems with the codes
// yaml.unknown_key, yaml.duplicate_key, yaml.missing_key, yaml.wrong_type, yaml.bad_value, yaml.second_document,
// yaml.empty, yaml.syntax, yaml.not_plain, yaml.too_large. Each problem has its place as file:line:column.
package strict
