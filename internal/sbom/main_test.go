package main

import (
	"os"
	"path/filepath"
	"testing"
)

const mit = "Permission is hereby granted, free of charge, to any person\nobtaining a copy of this software\n THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY"

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		mit:                     "MIT",
		mit + " Commons Clause": "",
		"Apache License\n Version 2.0, January 2004": "Apache-2.0",
		"Redistribution and use in source and binary forms ... Neither the name of X may be used to endorse or promote products": "BSD-3-Clause",
		"Redistribution and use in source and binary forms ... THIS SOFTWARE IS PROVIDED BY THE AUTHORS":                         "BSD-2-Clause",
		"GNU GENERAL PUBLIC LICENSE Version 3": "",
		"all rights reserved":                  "",
		"":                                     "",
	} {
		if got := classify([]byte(text)); got != want {
			t.Errorf("%.30q: %q, want %q", text, got, want)
		}
	}
}

// TestLicenceIn holds that a folder without a licence, or with one beside it that is not allowed, is refused.
func TestLicenceIn(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("license.go", "package x")
	if id, err := licenceIn(dir); err == nil {
		t.Errorf("no file is %q", id)
	}
	put("LICENSE", mit)
	if id, err := licenceIn(dir); err != nil || id != "MIT" {
		t.Errorf("%q %v", id, err)
	}
	put("LICENSE-extra", "all rights reserved")
	if id, err := licenceIn(dir); err == nil {
		t.Errorf("an unknown one beside it is %q", id)
	}
}
