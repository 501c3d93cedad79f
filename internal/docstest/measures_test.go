package docstest

import (
	"bytes"
	"go/ast"
	"regexp"
	"testing"
)

const (
	maxFile     = 600
	maxFunction = 100
	maxPackage  = 2000
	maxMethods  = 4
)

func TestSizes(t *testing.T) {
	sizes := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		sizes[s.folder()] += s.full
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, maxFile)
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if n := fileSet.Position(f.End()).Line - fileSet.Position(f.Pos()).Line + 1; n > maxFunction {
					t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFunction)
				}
			}
		}
	}
	for folder, n := range sizes {
		if n > maxPackage {
			t.Errorf("package %s has %d lines, more than %d", folder, n, maxPackage)
		}
	}
}

// TestInterfacesAreSmall counts methods of interfaces that others may implement; one with unexported methods lists alternatives.
func TestInterfacesAreSmall(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if i, ok := spec.Type.(*ast.InterfaceType); ok && !sealed(i) && len(i.Methods.List) > maxMethods {
				t.Errorf("%s: %s has %d methods, more than %d", s.path, spec.Name.Name, len(i.Methods.List), maxMethods)
			}
			return true
		})
	}
}

func sealed(i *ast.InterfaceType) bool {
	for _, m := range i.Methods.List {
		for _, n := range m.Names {
			if !n.IsExported() {
				return true
			}
		}
	}
	return false
}

// TestEverythingIsDocumented demands a comment of every package, and of every exported name outside package main.
func TestEverythingIsDocumented(t *testing.T) {
	packages := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		packages[s.folder()] = packages[s.folder()] || s.file.Doc != nil
		if s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			undocumented(t, s, d)
		}
	}
	for folder, ok := range packages {
		if !ok {
			t.Errorf("package %s has no comment", folder)
		}
	}
}

func undocumented(t *testing.T, s *source, d ast.Decl) {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		hidden := d.Recv != nil && !ast.IsExported(receiver(d.Recv.List[0].Type))
		if d.Name.IsExported() && !hidden && d.Doc == nil {
			t.Errorf("%s: %s has no comment", s.path, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
					t.Errorf("%s: %s has no comment", s.path, spec.Name.Name)
				}
			case *ast.ValueSpec:
				if spec.Names[0].IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					t.Errorf("%s: %s has no comment", s.path, spec.Names[0].Name)
				}
			}
		}
	}
}

var (
	later = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK|WIP)\b`)
	place = regexp.MustCompile(`(/work/|/home/[a-z]|/root/|/Users/)`)
)

// TestNothingIsPutOff looks for notes of what is to be done, and for paths of somebody's machine, in code and documentation.
func TestNothingIsPutOff(t *testing.T) {
	for _, s := range sources(t) {
		if s.folder() == "internal/docstest" {
			continue
		}
		for i, line := range bytes.Split(s.text, []byte("\n")) {
			if later.Match(line) || place.Match(line) {
				t.Errorf("%s:%d: a note to oneself, or a path of one machine", s.path, i+1)
			}
		}
	}
}

func TestPackagesHaveNoCatchAlls(t *testing.T) {
	for _, s := range sources(t) {
		switch name := s.file.Name.Name; name {
		case "util", "utils", "common", "helpers", "misc":
			t.Errorf("%s: a package says what it holds; %q does not", s.path, name)
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: nothing registers itself: there is no init", s.path)
			}
		}
	}
}
