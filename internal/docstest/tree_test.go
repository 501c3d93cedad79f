package docstest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder with go.mod, seen from here.
const root = "../.."

// source is one Go file.
type source struct {
	path  string // from the root, with slashes
	text  []byte
	file  *ast.File
	lines int
	full  int // lines that are not blank
	test  bool
}

// folder is the package's path from the root.
func (s *source) folder() string {
	if i := strings.LastIndexByte(s.path, '/'); i >= 0 {
		return s.path[:i]
	}
	return "."
}

var fileSet = token.NewFileSet()

// listed are the files of the working tree that are not ignored, with a suffix.
func listed(t *testing.T, suffix string) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return walked(t, suffix)
	}
	var files []string
	for _, f := range strings.Fields(string(out)) {
		if _, err := os.Stat(filepath.Join(root, f)); err == nil && strings.HasSuffix(f, suffix) {
			files = append(files, f)
		}
	}
	return files
}

// walked lists files where there is no git.
func walked(t *testing.T, suffix string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, suffix) {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sources parses every Go file of the project.
func sources(t *testing.T) []*source {
	t.Helper()
	var all []*source
	for _, path := range listed(t, ".go") {
		if strings.Contains(path, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(fileSet, path, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, &source{path: path, text: text, file: file, lines: bytes.Count(text, []byte("\n")), full: filled(text), test: strings.HasSuffix(path, "_test.go")})
	}
	if len(all) < 100 {
		t.Fatalf("only %d Go files were found", len(all))
	}
	return all
}

// filled counts lines that are not blank.
func filled(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	return n
}

// declared are all names that the project declares: "path.Name" and "path.Type.Method".
func declared(all []*source) map[string]bool {
	names := map[string]bool{}
	for _, s := range all {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = receiver(d.Recv.List[0].Type) + "." + name
				}
				names[s.folder()+"."+name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names[s.folder()+"."+spec.Name.Name] = true
						members(names, s.folder()+"."+spec.Name.Name, spec.Type)
					case *ast.ValueSpec:
						for _, n := range spec.Names {
							names[s.folder()+"."+n.Name] = true
						}
					}
				}
			}
		}
	}
	return names
}

// members adds an interface's methods and a struct's fields.
func members(names map[string]bool, typ string, expr ast.Expr) {
	var list *ast.FieldList
	switch expr := expr.(type) {
	case *ast.InterfaceType:
		list = expr.Methods
	case *ast.StructType:
		list = expr.Fields
	default:
		return
	}
	for _, f := range list.List {
		for _, n := range f.Names {
			names[typ+"."+n.Name] = true
		}
	}
}

func receiver(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.StarExpr:
		return receiver(expr.X)
	case *ast.IndexExpr:
		return receiver(expr.X)
	case *ast.Ident:
		return expr.Name
	}
	return ""
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
