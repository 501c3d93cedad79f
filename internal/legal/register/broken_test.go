package register_test

import (
	"bytes"
	"crypto/ed25519"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/record"
)

var update = flag.Bool("update", false, "write the findings into testdata/broken; read them before you keep them")

func copyOf(t testing.TB, dir fs.FS) fstest.MapFS {
	t.Helper()
	files := make(fstest.MapFS)
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(dir, path)
		files[path] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sign adds three administrators and the approvals of two to a register; keys and moment are always the same.
func sign(t testing.TB, files fstest.MapFS) {
	t.Helper()
	var admins []register.Administrator
	var signers []register.Signer
	for i, id := range []string{"admin-author", "admin-b", "admin-c"} {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
		admins = append(admins, register.Administrator{ID: id, Name: id, Role: register.RoleAdministration, PublicKey: register.PublicKey(key.Public().(ed25519.PublicKey))})
		signers = append(signers, register.Signer{ID: id, Key: key})
	}
	r, err := register.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	a, err := register.MarshalAdministrators(admins)
	if err != nil {
		t.Fatal(err)
	}
	b, err := register.MarshalApprovals(r.Sign(register.At(time.Date(2026, 8, 1, 0, 0, 0, 0, register.Zone)), signers[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	files[register.FileAdministrators], files[register.FileApprovals] = &fstest.MapFile{Data: a}, &fstest.MapFile{Data: b}
}

// findings applies a case to the shipped register and lists what the loader says: code, place, and the rule if it names one.
func findings(t *testing.T, archive *txtar.Archive) []string {
	t.Helper()
	files := copyOf(t, os.DirFS(exampleDir(t)))
	for _, f := range archive.Files {
		verb, name, _ := strings.Cut(f.Name, " ")
		switch verb {
		case "sign":
			sign(t, files)
		case "write":
			files[name] = &fstest.MapFile{Data: f.Data}
		case "remove":
			delete(files, name)
		case "edit":
			old, new, ok := strings.Cut(string(f.Data), "====\n")
			old, new = strings.TrimSuffix(old, "\n"), strings.TrimSuffix(new, "\n")
			if !ok || files[name] == nil || !strings.Contains(string(files[name].Data), old) {
				t.Fatalf("%s does not have the text that the case replaces", name)
			}
			files[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(files[name].Data), old, new, 1))}
		}
	}
	_, err := register.Load(files)
	var list []string
	if problems, ok := err.(record.Problems); ok {
		for _, p := range problems {
			rule := ""
			if i := strings.LastIndex(p.Message, " ("); i >= 0 && strings.HasSuffix(p.Message, ")") {
				rule = " " + strings.TrimSuffix(p.Message[i+2:], ")")
			}
			list = append(list, p.Code+" "+p.Where+rule)
		}
	}
	return list
}

// TestBrokenRegisters reads every case of testdata/broken: the shipped register, changed, and exactly the findings that must be reported.
func TestBrokenRegisters(t *testing.T) {
	names, err := filepath.Glob("testdata/broken/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	codes := make(map[string]bool)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := findings(t, archive)
			slices.Sort(got)
			last := &archive.Files[len(archive.Files)-1]
			if *update {
				last.Data = []byte(strings.Join(got, "\n") + "\n")
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := strings.TrimSpace(string(last.Data)); want == "" || last.Name != "want" || strings.Join(got, "\n") != want {
				t.Errorf("found\n%s\nexpected\n%s", strings.Join(got, "\n"), want)
			}
			for _, line := range got {
				code, _, _ := strings.Cut(line, " ")
				codes[code] = true
			}
		})
	}
	if len(names) < 80 || len(codes) < 40 {
		t.Errorf("%d cases over %d codes; at least 80 over 40 are wanted", len(names), len(codes))
	}
	t.Log(fmt.Sprint(len(names), " cases over ", len(codes), " codes"))
}
