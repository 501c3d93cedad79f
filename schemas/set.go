package schemas

import (
	"cmp"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"

	"birgeoqy.kz/almasu/internal/record"
)

// Entry is one schema of a [Set].
type Entry struct {
	// Name and Version are those of the file name.
	Name    string
	Version int
	// File is the path in the file system that the set was loaded from.
	File   string
	Schema *Schema
}

// Set is a registry of schemas. A document is checked against the schema whose digest was agreed, never against "the newest". It is safe for concurrent use.
type Set struct {
	entries []Entry
	digests map[record.Digest]int
}

var fileName = regexp.MustCompile(`^([a-z][a-z0-9-]*)\.v([1-9][0-9]{0,3})\.json$`)

// LoadSet compiles every *.json in fsys, at any depth. A file is named <name>.v<version>.json, where name is of lower-case letters,
// digits and hyphens; two files may share neither name and version nor bytes. All problems are reported at once, as [record.Problems].
func LoadSet(fsys fs.FS) (*Set, error) {
	s := &Set{digests: map[record.Digest]int{}}
	var problems record.Problems
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".json" {
			return err
		}
		s.add(fsys, file, &problems)
		return nil
	})
	problems.Merge(err, "schema.unreadable", ".")
	if err := problems.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(s.entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	for i, e := range s.entries {
		s.digests[e.Schema.Digest()] = i
	}
	return s, nil
}

func (s *Set) add(fsys fs.FS, file string, problems *record.Problems) {
	parts := fileName.FindStringSubmatch(path.Base(file))
	if parts == nil {
		problems.Add("schema.file_name", file, "rename the file", "a schema file is named <name>.v<version>.json")
		return
	}
	raw, err := fs.ReadFile(fsys, file)
	if err != nil {
		problems.Add("schema.unreadable", file, "", "the file cannot be read: %v", err)
		return
	}
	compiled, err := Compile(raw)
	if err != nil {
		var found record.Problems
		found.Merge(err, "schema.unreadable", "")
		for _, p := range found {
			p.Where = file + ":" + p.Where
		}
		*problems = append(*problems, found...)
		return
	}
	version, _ := strconv.Atoi(parts[2])
	if other, ok := s.Lookup(parts[1], version); ok {
		problems.Add("schema.twice", file, "", "%s is the same name and version", other.File)
	} else if k, ok := s.digests[compiled.Digest()]; ok {
		problems.Add("schema.twice", file, "", "%s has the same bytes", s.entries[k].File)
	}
	s.digests[compiled.Digest()] = len(s.entries)
	s.entries = append(s.entries, Entry{Name: parts[1], Version: version, File: file, Schema: compiled})
}

// Find returns the schema with this digest.
func (s *Set) Find(d record.Digest) (Entry, bool) {
	i, ok := s.digests[d]
	if !ok || d.IsZero() {
		return Entry{}, false
	}
	return s.entries[i], true
}

// Lookup returns the schema of this name and version.
func (s *Set) Lookup(name string, version int) (Entry, bool) {
	for _, e := range s.entries {
		if e.Name == name && e.Version == version {
			return e, true
		}
	}
	return Entry{}, false
}

// All lists the schemas by name and version.
func (s *Set) All() []Entry { return slices.Clone(s.entries) }
