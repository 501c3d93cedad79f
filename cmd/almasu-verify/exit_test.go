package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestExitCodes holds each code; scripts tell zero from others only.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	for name, b := range files(t) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		want int
		args []string
	}{
		{exitOK, []string{at("good.jsonl")}}, {exitOK, []string{"--help"}}, {exitFinding, []string{at("bad.jsonl"), at("good.jsonl")}},
		{exitInput, []string{at("log.pub"), at("bad.jsonl")}}, {exitInput, nil}, {exitEnvironment, []string{at("bad.jsonl"), at("none")}},
		{exitEnvironment, []string{"--key", at("none"), at("good.jsonl")}}, {exitEnvironment, []string{dir}},
	} {
		if got := run(c.args, nil, io.Discard, io.Discard); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
