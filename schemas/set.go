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

var fileName = regexp.MustCompile(`^([a-z][a-z0-9-]*)\.v([1-9][0-9]{0,3})\.(?:json|xsd)$`)

// LoadSet compiles every *.json and *.xsd in fsys, at any depth. A file is named <name>.v<version>.json or <name>.v<version>.xsd, where name is of
// lower-case letters, digits and hyphens; two may share neither name and version nor digest. An *.xsd with another name is a part that
// some schema includes or imports. All problems are reported at once, as [record.Problems].
//
// A schema of XML that uses more than is supported is refused, unless its digest is one of foreign: then it is [Schema.Foreign].
func LoadSet(fsys fs.FS, foreign ...record.Digest) (*Set, error) {
	s := &Set{digests: map[record.Digest]int{}}
	var problems record.Problems
	var parts []string
	used := map[string]bool{}
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		ext := path.Ext(file)
		if err != nil || d.IsDir() || ext != ".json" && ext != ".xsd" {
			return err
		}
		if ext == ".xsd" && !fileName.MatchString(path.Base(file)) {
			parts = append(parts, file)
			return nil
		}
		s.add(fsys, file, foreign, used, &problems)
		return nil
	})
	for _, p := range parts {
		if !used[p] && len(problems) == 0 {
			problems.Add("schema.file_name", p, "name it <name>.v<version>.xsd, or delete it", "no schema includes or imports this file")
		}
	}
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

func (s *Set) add(fsys fs.FS, file string, foreign []record.Digest, used map[string]bool, problems *record.Problems) {
	parts := fileName.FindStringSubmatch(path.Base(file))
	if parts == nil {
		problems.Add("schema.file_name", file, "rename the file", "a schema file is named <name>.v<version>.json or .xsd")
		return
	}
	compiled, err := CompileFile(fsys, file)
	if err != nil && len(foreign) > 0 && path.Ext(file) == ".xsd" {
		if pinned, pinErr := Pin(fsys, file); pinErr == nil && slices.Contains(foreign, pinned.Digest()) {
			compiled, err = pinned, nil
		}
	}
	if err != nil {
		problems.Merge(err, "schema.unreadable", file)
		return
	}
	for _, f := range compiled.files() {
		used[f] = true
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

// CompileFile compiles a schema from a file, as XML Schema if its name ends in .xsd. The error is [record.Problems]; places begin with the
// file's name.
func CompileFile(fsys fs.FS, file string) (*Schema, error) {
	if path.Ext(file) == ".xsd" {
		return CompileXSD(file, func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) })
	}
	raw, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, record.NewProblem("schema.unreadable", file, "", "the file cannot be read: %v", err)
	}
	compiled, err := Compile(raw)
	if err != nil {
		var found record.Problems
		found.Merge(err, "schema.unreadable", "")
		for _, p := range found {
			p.Where = file + ":" + p.Where
		}
		return nil, found
	}
	return compiled, nil
}
