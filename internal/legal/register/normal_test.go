package register_test

import (
	"os"
	"testing"

	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/needs"
)

func TestNormaliseText(t *testing.T) {
	for raw, want := range map[string]string{
		"\ufeffa\r\n\r\n  b\u00a0c \n": "a b c",
		"и\u0306":                      "й",
		"":                             "",
	} {
		if got := register.NormaliseText(raw); got != want {
			t.Errorf("%q became %q, expected %q", raw, got, want)
		}
	}
	if register.TextDigest("a  b") != register.TextDigest("a\nb") || register.TextDigest("a b") == register.TextDigest("ab") {
		t.Error("white space counts, or does not count at all")
	}
}

// TestExampleHasTheDigestOfThePolicy compares the example with the text of the policy, which is not part of the repository.
func TestExampleHasTheDigestOfThePolicy(t *testing.T) {
	text := needs.ReferenceFile(t, "reference", "000_9943e31ef24037b4.txt")
	r, err := register.Load(os.DirFS(exampleDir(t)))
	if err != nil {
		t.Fatal(err)
	}
	if got := register.TextDigest(string(text)); r.Policy("v1").TextDigest != got {
		t.Errorf("the text has the digest %s", got)
	}
}
