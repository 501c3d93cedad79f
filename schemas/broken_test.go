package schemas

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"birgeoqy.kz/almasu/internal/record"
)

var renew = flag.Bool("renew", false, "write the findings into the corpus of broken schemas")

// findings is "line code" for each problem, in order of report.
func findings(err error) string {
	var problems record.Problems
	if !errors.As(err, &problems) {
		return fmt.Sprintf("%v\n", err)
	}
	var b strings.Builder
	for _, p := range problems {
		line, _, _ := strings.Cut(p.Where, ":")
		fmt.Fprintf(&b, "%s %s\n", line, p.Code)
	}
	return b.String()
}

func TestBroken(t *testing.T) {
	const corpus = "testdata/broken.txtar"
	archive, err := txtar.ParseFile(corpus)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		f, want := &archive.Files[i], &archive.Files[i+1]
		_, err := Compile(f.Data)
		got := findings(err)
		if *renew {
			want.Data = []byte(got)
		}
		if got != string(want.Data) || err == nil {
			t.Errorf("%s:\ngot\n%swant\n%s%v", f.Name, got, want.Data, err)
		}
		for line := range strings.Lines(got) {
			codes[strings.Fields(line)[1]] = true
		}
	}
	t.Logf("%d schemas, %d codes", len(archive.Files)/2, len(codes))
	if len(archive.Files)/2 < 50 || len(codes) < 20 {
		t.Errorf("the corpus has %d schemas and %d codes", len(archive.Files)/2, len(codes))
	}
	if *renew {
		if err := os.WriteFile(corpus, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/broken.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data, []byte(`{"a":[1,"x",null]}`))
	}
	f.Add([]byte(`{"$schema":"`+Dialect+`","type":"object","properties":{"a":{"items":{"type":["string","null"]}}}}`), []byte(`{"a":[1,"x",null]}`))
	f.Fuzz(func(t *testing.T, raw, doc []byte) {
		s, err := Compile(raw)
		if err != nil {
			return
		}
		full, err := s.Full()
		if err != nil {
			t.Fatalf("compiled, but the library refuses it: %v", err)
		}
		found, err := s.CheckDocument(doc)
		if err != nil {
			return
		}
		if (len(found) == 0) != (full.Check(doc) == nil) {
			t.Fatalf("own verdict %v, the library's %v", found, full.Check(doc))
		}
	})
}
