package config

import (
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// TestCompare: how to compare, and how long candidates are enough.
func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		compare string
		every   time.Duration
		want    string
	}{
		"absent":                  {"", 0, ""},
		"full":                    {"full", 0, ""},
		"none":                    {"none", 0, ""},
		"candidates":              {"candidates", 0, ""},
		"candidates for an hour":  {"candidates", time.Hour, ""},
		"candidates for a day":    {"candidates", 24 * time.Hour, ""},
		"candidates for too long": {"candidates", 24*time.Hour + 1, "config.full_every"},
		"full with a term":        {"full", time.Hour, "config.full_every"},
		"absent with a term":      {"", time.Hour, "config.full_every"},
		"another word":            {"some", 0, "config.compare"},
	} {
		var ps record.Problems
		k := Connector{Name: "a", Compare: c.compare, FullEvery: Duration(c.every)}
		k.check(func(key string) string { return key }, &ps)
		var got []string
		for _, p := range ps {
			if strings.HasPrefix(p.Code, "config.compare") || strings.HasPrefix(p.Code, "config.full_every") {
				got = append(got, p.Code)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
