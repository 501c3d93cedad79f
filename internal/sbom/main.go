// Command sbom builds the three programs and writes their bills of materials into a folder: NAME.cdx.json (CycloneDX 1.5 in JSON) for each program, with the
// modules that are linked into it as "go version -m" reads them from the built file, their sums and licences; and licences.txt, a line a module.
//
// A licence is found by the text of the module's licence file in the module cache, classified by the phrases that only this licence has. A module without
// one, with one that is not known, or not allowed, is an error, and nothing is written. The allowed licences let a program be given away under
// Apache-2.0. It needs no network.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sbom FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

var programs = []string{"almasu", "almasu-verify", "authority"}

// component is a module, as CycloneDX has it.
type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref,omitempty"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	PURL     string    `json:"purl,omitempty"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licences []licence `json:"licenses,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type licence struct {
	Licence struct {
		ID string `json:"id"`
	} `json:"license"`
}

type document struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

func write(folder string) error {
	dir, err := os.MkdirTemp("", "sbom")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs: %w\n%s", err, out)
	}
	cached, err := folders()
	if err != nil {
		return err
	}
	licences := map[string]string{}
	files := map[string][]byte{}
	var problems []error
	for _, name := range programs {
		info, err := buildinfo.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		d := document{Format: "CycloneDX", Spec: "1.5", Version: 1, Metadata: metadata{component{Type: "application", Name: info.Path, Version: info.Main.Version}}}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			c, err := describe(m.Path, m.Version, m.Sum, cached[m.Path])
			if err != nil {
				problems = append(problems, err)
				continue
			}
			licences[c.Ref] = c.Licences[0].Licence.ID
			d.Components = append(d.Components, c)
		}
		std := component{Type: "library", Ref: "std@" + strings.TrimPrefix(info.GoVersion, "go"), Name: "std", Version: strings.TrimPrefix(info.GoVersion, "go"), PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}
		std.Licences = []licence{named("BSD-3-Clause")}
		licences[std.Ref] = "BSD-3-Clause"
		d.Components = append(d.Components, std)
		if files[name+".cdx.json"], err = json.MarshalIndent(d, "", "  "); err != nil {
			return err
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	var lines []string
	for ref, id := range licences {
		lines = append(lines, ref+"\t"+id+"\n")
	}
	slices.Sort(lines)
	files["licences.txt"] = []byte(strings.Join(lines, ""))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d modules, each with a licence that is allowed; %s with %s %s/%s\n", len(lines), folder, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

func named(id string) (l licence) {
	l.Licence.ID = id
	return l
}

// folders are where the modules lie in the module cache, by path.
func folders() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("asking for the modules: %w", err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		all[path] = dir
	}
	return all, nil
}

// describe makes the component of a module that lies in dir. sum is the one of go.sum.
func describe(path, version, sum, dir string) (component, error) {
	c := component{Type: "library", Ref: path + "@" + version, Name: path, Version: version, PURL: "pkg:golang/" + path + "@" + version}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:"))
	if err != nil || len(raw) != sha256.Size {
		return c, fmt.Errorf("%s has no sum", c.Ref)
	}
	c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
	if dir == "" {
		return c, fmt.Errorf("%s is not in the module cache; run: go mod download", c.Ref)
	}
	id, err := licenceIn(dir)
	if err != nil {
		return c, fmt.Errorf("%s: %w", c.Ref, err)
	}
	c.Licences = []licence{named(id)}
	return c, nil
}

// read are files that a person has read, by the end of their path without the version: they are no licence of code that is linked.
var read = map[string]string{
	"modernc.org/memory/LICENSE-LOGO":         "an address, of a picture",
	"modernc.org/sqlite/LICENSE-3RD-PARTY.md": "a list of other modules, which are judged by themselves, and of material that is not built",
}

// licenceIn classifies the licence files of a folder. Where there are several, each must be allowed; the first by name counts.
func licenceIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	first := ""
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") || strings.HasSuffix(name, ".GO") {
			continue
		}
		folder, _, _ := strings.Cut(dir, "@")
		if read[filepath.Base(filepath.Dir(folder))+"/"+filepath.Base(folder)+"/"+e.Name()] != "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		id := classify(text)
		if id == "" {
			return "", fmt.Errorf("the licence in %s is not known, or not allowed", e.Name())
		}
		if first == "" {
			first = id
		}
	}
	if first == "" {
		return "", errors.New("there is no licence file")
	}
	return first, nil
}

// allowed are the licences that are allowed, by phrases that all stand in their texts and, together, in no other's.
var allowed = []struct {
	id      string
	phrases []string
}{
	{"Apache-2.0", []string{"Apache License", "Version 2.0, January 2004"}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy", "THE SOFTWARE IS PROVIDED \"AS IS\""}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "Neither the name", "endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms", "THIS SOFTWARE IS PROVIDED BY"}},
	{"blessing", []string{"All of the code and documentation in SQLite has been dedicated to the public domain"}},
	{"ISC", []string{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}},
}

// foreign are phrases of licences that are not allowed, and may quote one that is.
var foreign = []string{"GNU GENERAL PUBLIC LICENSE", "GNU LESSER GENERAL PUBLIC", "GNU AFFERO", "Mozilla Public License", "Business Source License", "Server Side Public License", "Commons Clause", "Creative Commons"}

// classify returns the SPDX id of an allowed licence, "" for any other text.
func classify(text []byte) string {
	flat := strings.Join(strings.Fields(string(bytes.ToValidUTF8(text, nil))), " ")
	for _, phrase := range foreign {
		if strings.Contains(strings.ToLower(flat), strings.ToLower(phrase)) {
			return ""
		}
	}
	for _, l := range allowed {
		all := true
		for _, phrase := range l.phrases {
			all = all && strings.Contains(flat, phrase)
		}
		if all {
			return l.id
		}
	}
	return ""
}
