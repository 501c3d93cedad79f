package xmllint

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/schemas"
)

// abstract is a schema outside the subset: it has an abstract element with substitutions, and imports nothing.
const abstract = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:element name="any" abstract="true"/>
<xs:element name="one" substitutionGroup="any"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[a-z]+"/></xs:restriction></xs:simpleType></xs:element>
<xs:element name="list"><xs:complexType><xs:sequence><xs:element ref="any" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>`

func installed(t *testing.T) *Program {
	t.Helper()
	p, err := Find()
	if err != nil {
		needs.Missing(t, "%v", err)
	}
	return p
}

func schemaFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "list.v1.xsd")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestJudge(t *testing.T) {
	p, file := installed(t), schemaFile(t, abstract)
	for _, c := range []struct {
		doc  string
		want []int
		code string
	}{
		{"<list>\n<one>a</one>\n<one>b</one>\n</list>", nil, ""},
		{"<list>\n<one>SECRET</one>\n<one>b</one>\n<one>1</one>\n</list>", []int{2, 4}, ""},
		{"<list>\n<any>a</any>\n</list>", []int{2}, ""},
		{"<nothing/>", []int{1}, ""},
		{"<list>SECRET", nil, "xml.syntax"},
		{`<!DOCTYPE list SYSTEM "http://127.0.0.1:1/x.dtd"><list/>`, []int{1}, ""},
	} {
		lines, err := p.Judge(t.Context(), file, []byte(c.doc))
		slices.Sort(lines)
		if lines = slices.Compact(lines); !slices.Equal(lines, c.want) || record.CodeOf(err) != c.code || err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v %v", c.doc, lines, err)
		}
	}
}

// TestCannotTell: every way not to have a verdict has its code, and none is a verdict.
func TestCannotTell(t *testing.T) {
	p, file := installed(t), schemaFile(t, abstract)
	s, err := schemas.Pin(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Try(t.Context(), s, file); err != nil {
		t.Error(err)
	}
	if _, err := p.Judge(t.Context(), schemaFile(t, strings.Replace(abstract, `ref="any"`, `ref="none"`, 1)), []byte("<list/>")); record.CodeOf(err) != "schema.unreadable" {
		t.Errorf("a broken schema: %v", err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(abstract, "[a-z]", ".", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Try(t.Context(), s, file); record.CodeOf(err) != "schema.changed" {
		t.Errorf("a schema that was changed: %v", err)
	}
	hang := filepath.Join(t.TempDir(), "xmllint")
	if err := os.WriteFile(hang, []byte("#!/bin/sh\nread line </dev/zero\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Program{Path: hang, Limit: 50 * time.Millisecond}).Judge(t.Context(), file, nil); record.CodeOf(err) != "xmllint.timeout" {
		t.Errorf("a program that hangs: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Judge(ended, file, []byte("<list/>")); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that ends: %v", err)
	}
	fails, err := exec.LookPath("false")
	if err == nil {
		if _, err := (&Program{Path: fails, Limit: time.Second}).Judge(t.Context(), file, []byte("<list/>")); err == nil {
			t.Error("a program that fails has found nothing at fault")
		}
	}
	t.Setenv("PATH", "")
	if _, err := Find(); record.CodeOf(err) != "xmllint.missing" {
		t.Errorf("without the program: %v", err)
	}
}
