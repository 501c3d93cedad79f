package config

import (
	"os"
	"testing"
)

// FuzzParse reads the service's file: what is accepted names its connectors once each, and reads the same again.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("../../deploy/birgeoqy/almasu.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("register: r\nconnectors: [{name: a, rest: {url: x}}]\nserve: {poll: -1s}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse("almasu.yaml", b)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, name := range file.Names() {
			if _, ok := file.Find(name); !ok || seen[name] || name == "" {
				t.Fatal("a connector is not found by its name, or stands twice")
			}
			seen[name] = true
		}
	})
}
