package transform

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"os"
)

// apply runs one step as an encoder would.
func apply(s Step, in string) (string, string) {
	plain, tidy := look([]byte(in))
	sc := Scratch{odd: !plain, tidy: tidy}
	out, code := s(&sc, []byte(in))
	return string(out), code
}

// TestTransformExamples runs the examples of the closed list, and finds each of them in the package comment.
func TestTransformExamples(t *testing.T) {
	comment, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range All() {
		if !strings.Contains(string(comment), "//\t"+tr.Name) || !strings.Contains(string(comment), tr.About) {
			t.Errorf("%s is not in the package comment: %s", tr.Name, tr.About)
		}
		if tr.Joins {
			continue
		}
		if len(tr.Examples) < 3 {
			t.Errorf("%s has %d examples", tr.Name, len(tr.Examples))
		}
		for _, e := range tr.Examples {
			got, code := apply(tr.Step, e[0])
			if code != "" {
				got = "!" + code
			}
			if got != e[1] {
				t.Errorf("%s(%q) = %q, want %q", tr.Name, e[0], got, e[1])
			}
		}
	}
}

// anyText draws text with many spaces, Kazakh letters, combining marks and digits.
var anyText = rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("  \t\u00a0\u0085\u2003\u3000\u0300\u0301\u0306\u0483әғқңөұүһіӘҒҚҢӨҰҮҺІЙйЁ AbZ019+-().ßŉǅΣς🙂\u0340\u0958"))))

func TestStepsAreIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyText.Draw(t, "in")
		for _, tr := range All() {
			if tr.Joins {
				continue
			}
			once, code := apply(tr.Step, in)
			if code != "" || once == "" {
				continue
			}
			if twice, code := apply(tr.Step, once); twice != once || code != "" {
				t.Fatalf("%s: %q, then %q %s", tr.Name, once, twice, code)
			}
		}
	})
}

func TestStepsMeanWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := anyText.Draw(t, "in")
		if got, _ := apply(trim, in); got != strings.TrimSpace(in) {
			t.Fatalf("trim(%q) = %q", in, got)
		}
		if got, _ := apply(upper, in); got != strings.Map(unicode.ToUpper, in) {
			t.Fatalf("upper(%q) = %q", in, got)
		}
		if got, _ := apply(lower, in); got != strings.Map(unicode.ToLower, in) {
			t.Fatalf("lower(%q) = %q", in, got)
		}
		if got, _ := apply(nfc, in); got != norm.NFC.String(in) {
			t.Fatalf("nfc(%q) = %q", in, got)
		}
		got, _ := apply(collapseSpaces, in)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(in), " ") || strings.Contains(got, "  ") || strings.ContainsAny(got, "\t\u00a0\u2003") {
			t.Fatalf("collapse_spaces(%q) = %q", in, got)
		}
	})
}

// TestComposingStaysInsideAValue composes a value that begins with a combining mark, behind another one.
func TestComposingStaysInsideAValue(t *testing.T) {
	sc := Scratch{buf: []byte("e"), odd: true}
	if out, _ := nfc(&sc, []byte("\u0301И\u0306")); string(out) != "\u0301Й" || string(sc.buf) != "e\u0301Й" {
		t.Errorf("%q in %q", out, sc.buf)
	}
}

// TestLook holds the quick look at text against the library: it may say less than the truth, never more.
func TestLook(t *testing.T) {
	check := func(b []byte) string {
		plain, tidy := look(b)
		if plain && (!utf8.Valid(b) || !norm.NFC.IsNormal(b)) {
			return "plain"
		}
		if tidy && (string(b) != strings.TrimSpace(string(b)) || strings.Join(strings.Fields(string(b)), " ") != string(b)) {
			return "tidy"
		}
		return ""
	}
	alphabet := rapid.SampledFrom([]rune("  \n\u0085\u00a0әғқңөЙ aбвгдежзиклЯZ09Ҁ\u0482\u0483\u0487\u0488Ҋ҃ӁӾԯ԰éǅ\u0344\u2003🙂"))
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringOfN(alphabet, 0, 30, -1).Draw(t, "text"))
		for cut := range min(len(text), 4) { // also from the middle of a character, and with a character cut off
			if wrong := check(text[cut:]); wrong != "" {
				t.Fatalf("%q is not %s", text[cut:], wrong)
			}
			if wrong := check(text[:len(text)-cut]); wrong != "" {
				t.Fatalf("%q is not %s", text[:len(text)-cut], wrong)
			}
		}
	})
	for _, name := range []string{"Сейітқали", "Әбдірахманов Нұрсұлтан", "ӘҒҚҢӨҰҮҺІәғқңөұүһі", "Ivanov", "990101300129", "Мир", "ё"} {
		if plain, tidy := look([]byte(name)); !plain || !tidy {
			t.Errorf("%q takes the slow way", name)
		}
	}
}

func FuzzLook(f *testing.F) {
	f.Add([]byte("Сейітқали  Ақнұр"))
	f.Add([]byte("аб\xd2\x83вгде"))
	f.Fuzz(func(t *testing.T, b []byte) {
		plain, tidy := look(b)
		if plain && (!utf8.Valid(b) || !norm.NFC.IsNormal(b)) {
			t.Fatal("not plain")
		}
		if tidy && strings.Join(strings.Fields(string(b)), " ") != string(b) {
			t.Fatal("not tidy")
		}
	})
}

// TestChain runs chains of all lengths against their steps one by one.
func TestChain(t *testing.T) {
	var usable []*Transform
	for i := range All() {
		if tr := &All()[i]; !tr.Joins {
			usable = append(usable, tr)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var chain Chain
		want, wantCode := anyText.Draw(t, "in"), ""
		in := want
		for _, tr := range rapid.SliceOfN(rapid.SampledFrom(usable), 0, 4).Draw(t, "chain") {
			chain = chain.Then(tr)
			if want != "" && wantCode == "" {
				want, wantCode = apply(tr.Step, want)
			}
		}
		var s Scratch
		s.Start()
		s.Look([]byte(in))
		out, code := chain.Run(&s, []byte(in))
		if code != wantCode || code == "" && string(s.Compose(out)) != norm.NFC.String(want) {
			t.Fatalf("%q: %q %s, want %q %s", in, out, code, want, wantCode)
		}
	})
}
