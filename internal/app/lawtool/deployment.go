package lawtool

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/config"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

// deployment is a folder with a register and what stands beside it.
type deployment struct {
	dir string
	// register, mappings and schemas are folders.
	register, mappings, schemas string
	// file is the configuration; nil if there is none, or none that can be read.
	file     *config.File
	problems record.Problems
}

// configName is the file that makes a folder a deployment.
const configName = "almasu.yaml"

// deployments finds the deployments at paths: a folder, a configuration file, a register's folder, or a tree as DIR/... . Without paths it
// is the configuration's folder, or the working folder if there is none.
func (t *tool) deployments(paths []string) ([]*deployment, error) {
	if len(paths) == 0 {
		paths = []string{filepath.Dir(*t.Config)}
	}
	var out []*deployment
	var problems record.Problems
	for _, path := range paths {
		found, err := find(path)
		if err != nil {
			return nil, t.Environment(err)
		}
		if len(found) == 0 {
			problems.Add("usage.path", path, "name a folder with almasu.yaml or a folder register, or a tree: ./...", "there is no register here")
		}
		for _, d := range found {
			if !slices.ContainsFunc(out, func(x *deployment) bool { return x.register == d.register }) {
				out = append(out, d)
			}
		}
	}
	return out, problems.Err()
}

func find(path string) ([]*deployment, error) {
	dir, tree := strings.CutSuffix(filepath.ToSlash(path), "/...")
	if !tree {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return []*deployment{configured(path)}, nil
		}
		if d := at(filepath.Clean(path)); d != nil {
			return []*deployment{d}, nil
		}
		return nil, nil
	}
	var out []*deployment
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if base := entry.Name(); name != dir && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "node_modules") {
			return filepath.SkipDir
		}
		if d := at(name); d != nil {
			out = append(out, d)
			return filepath.SkipDir
		}
		return nil
	})
	return out, err
}

// at returns the deployment that a folder is, or nil.
func at(dir string) *deployment {
	switch {
	case isFile(filepath.Join(dir, configName)):
		return configured(filepath.Join(dir, configName))
	case isFile(filepath.Join(dir, "register", register.FileOperator)):
		return conventional(dir, filepath.Join(dir, "register"))
	case isFile(filepath.Join(dir, register.FileOperator)):
		return conventional(filepath.Dir(dir), dir)
	}
	return nil
}

// conventional is a deployment without a configuration.
func conventional(dir, reg string) *deployment {
	return &deployment{dir: dir, register: reg, mappings: filepath.Join(dir, "mapping"), schemas: filepath.Join(dir, "schemas")}
}

// configured is a deployment by its configuration file; one that cannot be read is a problem, and convention stands in.
func configured(path string) *deployment {
	d := conventional(filepath.Dir(path), filepath.Join(filepath.Dir(path), "register"))
	text, err := os.ReadFile(path)
	if err != nil {
		d.problems.Add("config.unreadable", path, "", "the configuration cannot be read")
		return d
	}
	file, err := config.Parse(path, text)
	if err != nil {
		d.problems.Merge(err, "config.unreadable", path)
		return d
	}
	d.file, d.register, d.schemas = file, filepath.Clean(file.Path(file.Register)), filepath.Clean(file.Path(file.Schemas))
	return d
}

// tables are the files of a connector's tables: the configuration's, or by convention its name, and versions of it, if there are any.
func (d *deployment) tables(connector string) (paths []string) {
	if d.file != nil {
		if c, ok := d.file.Find(connector); ok {
			for _, name := range c.Mappings() {
				paths = append(paths, d.file.Path(name))
			}
			return paths
		}
	}
	plain := filepath.Join(d.mappings, connector+".yaml")
	versions, _ := filepath.Glob(filepath.Join(d.mappings, connector+".v*.yaml")) // the pattern is well formed: a connector has letters, digits and hyphens
	if len(versions) > 0 && !isFile(plain) {
		return versions
	}
	return append([]string{plain}, versions...)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
