package kill

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// killed lists every point at which a test of this package kills a program.
func killed() []string {
	out := slices.Concat(voiding, filing, holding, releasing)
	for _, list := range [][]point{road, receiving, comparing, booking} {
		for _, p := range list {
			out = append(out, p.name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestEveryPointIsKilledAt compares the points that stand in the programs' source with those at which tests kill: none is left out, and none is gone.
func TestEveryPointIsKilledAt(t *testing.T) {
	var points, before, after []string // points in one piece, and the beginnings and ends of those that are put together
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(b), "internal/pause\"") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, b, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, named := of.X.(*ast.Ident)
			switch {
			case named && x.Name == "pause" && (of.Sel.Name == "At" || of.Sel.Name == "Half"):
				if text, ok := literal(call.Args[0]); ok {
					points = append(points, text)
				} else if sum, ok := call.Args[0].(*ast.BinaryExpr); !ok {
					t.Errorf("%s: a point that is no text", path)
				} else if text, ok := literal(sum.X); ok {
					before = append(before, text)
				} else {
					t.Errorf("%s: a point that does not begin with a text", path)
				}
			case of.Sel.Name == "pause":
				if text, ok := literal(call.Args[0]); ok {
					after = append(after, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range before {
		for _, a := range after {
			points = append(points, b+a)
		}
	}
	slices.Sort(points)
	points = slices.Compact(points)
	if len(points) < 40 {
		t.Errorf("only %d points were found", len(points))
	}
	all := killed()
	for _, p := range points {
		if !slices.Contains(all, p) {
			t.Errorf("nobody is killed at %s: put it into the list of a test", p)
		}
	}
	for _, p := range all {
		if !slices.Contains(points, p) {
			t.Errorf("no program has the point %s", p)
		}
	}
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}
