package sigtool

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/signing/cert"
)

// Every check that a verification can make is explained in words, and no words are left
// over.
func TestEveryCheckIsExplained(t *testing.T) {
	calls := regexp.MustCompile(`(?:\.Judge|\.Add|Check\{Name:|Checks\{\{Name:) ?\(?"([a-z.]+)"`)
	made := map[string]bool{}
	for _, dir := range []string{"../../signing/cert", "../../signing/cms", "../../signing/xmldsig", "../../soap", "."} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			b, err := os.ReadFile(path)
			for _, m := range calls.FindAllSubmatch(b, -1) {
				made[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(made) < 20 {
		t.Fatalf("only %d checks were found in the sources", len(made))
	}
	for name := range made {
		if texts[name] == "" {
			t.Errorf("the check %q has no words", name)
		}
	}
	for name := range texts {
		if !made[name] {
			t.Errorf("no check is named %q", name)
		}
	}
}

func TestExplainedIsOneLine(t *testing.T) {
	line := explained(cert.Check{Name: "validity", Where: "certificate 1f", Outcome: cert.Failed, Code: "cert.expired", Detail: "expired\nlong ago"})
	if line != "[failed] the certificate was valid at the time asked (certificate 1f; expired long ago; cert.expired)" {
		t.Error(line)
	}
}

func FuzzArmour(f *testing.F) {
	for _, seed := range []string{"MAA=", "-----BEGIN CMS-----MAA=-----END CMS-----", "\xff\xfe<\x00a\x00/\x00>\x00",
		`<?xml version="1.0" encoding="windows-1251"?><a>` + "\xd8</a>", "0\x80\x00\x00\r\n", `<?xml encoding=`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, value := range binaries(b) {
			if len(value) > len(b) {
				t.Error("a value longer than its armour")
			}
		}
		plain, err := xmlText(b)
		if err != nil {
			return
		}
		again, err := xmlText(plain)
		if err != nil && strings.HasPrefix(string(plain), "<a") {
			t.Errorf("no second time: %v", err)
		}
		_ = again
	})
}
