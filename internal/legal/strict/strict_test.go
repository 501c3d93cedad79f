package strict_test

import (
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/legal/strict"
	"birgeoqy.kz/almasu/internal/record"
)

type leaf struct {
	Name  string       `yaml:"name"`
	Note  string       `yaml:"note,optional"`
	On    bool         `yaml:"on,optional"`
	Count int          `yaml:"count,optional"`
	Where strict.Where `yaml:"-"`
}

type tree struct {
	Digest record.Digest `yaml:"digest,optional"`
	Words  []string      `yaml:"words,optional"`
	Leaves []leaf        `yaml:"leaves,optional"`
	One    *leaf         `yaml:"one,optional"`
	Where  strict.Where  `yaml:"-"`
}

func TestDecodeReadsEveryKind(t *testing.T) {
	var got tree
	src := "words: [a, 010, \"b c\"]\nleaves:\n  - name: x\n    on: true\n    count: 12\none:\n  name: |\n    long\n    text\n"
	if ps := strict.Decode("f.yaml", []byte(src), &got); len(ps) > 0 {
		t.Fatal(ps)
	}
	if strings.Join(got.Words, "|") != "a|010|b c" || got.Leaves[0].Count != 12 || !got.Leaves[0].On || got.One.Name != "long\ntext" {
		t.Errorf("read %+v", got)
	}
	for key, want := range map[string]string{"count": "f.yaml:5:12", "missing": "f.yaml:3:5"} {
		if at := got.Leaves[0].Where.Key(key); at != want {
			t.Errorf("%s stands at %s, expected %s", key, at, want)
		}
	}
	if at := got.Where.Key("words[2]"); at != "f.yaml:1:17" {
		t.Errorf("words[2] stands at %s", at)
	}
}

func TestDecodeReportsEverythingAtOnce(t *testing.T) {
	src := "digest: sha256:xyz\nwords: 3\nwrods: [a]\nleaves:\n  - nam: x\n    count: many\n    count: 3\n    on: maybe\none: &a {name: y}\n"
	want := []string{
		"yaml.bad_value f.yaml:1:9", "yaml.wrong_type f.yaml:2:8", "yaml.unknown_key f.yaml:3:1", "yaml.unknown_key f.yaml:5:5",
		"yaml.wrong_type f.yaml:6:12", "yaml.duplicate_key f.yaml:7:5", "yaml.wrong_type f.yaml:8:9", "yaml.missing_key f.yaml:5:5", "yaml.not_plain f.yaml:9:6",
	}
	var got []string
	for _, p := range strict.Decode("f.yaml", []byte(src), new(tree)) {
		got = append(got, p.Code+" "+p.Where)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDecodeRefusesWholeFiles(t *testing.T) {
	for name, c := range map[string]struct{ src, code string }{
		"empty":           {"", "yaml.empty"},
		"only a comment":  {"# nothing\n", "yaml.empty"},
		"two documents":   {"words: [a]\n---\nwords: [b]\n", "yaml.second_document"},
		"not YAML":        {"words: [a\n", "yaml.syntax"},
		"not UTF-8":       {"words: [\xff]\n", "yaml.syntax"},
		"too deep":        {strings.Repeat("[", 1000), "yaml.too_large"},
		"too long":        {strings.Repeat("# x\n", strict.MaxBytes/4+1), "yaml.too_large"},
		"explicit key":    {"? words\n: [a]\n", "yaml.not_plain"},
		"merge key":       {"<<: {words: [a]}\n", "yaml.not_plain"},
		"list at the top": {"- a\n", "yaml.wrong_type"},
		"empty text":      {"one: {name: \"\"}\n", "yaml.wrong_type"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := record.CodeOf(strict.Decode("f", []byte(c.src), new(tree)).Err()); got != c.code {
				t.Errorf("code %q, expected %q", got, c.code)
			}
		})
	}
}

func TestUnknownKeySuggestsTheNearest(t *testing.T) {
	ps := strict.Decode("f", []byte("wrods: [a]\n"), new(tree))
	if len(ps) != 1 || !strings.Contains(ps[0].Hint, "words") {
		t.Errorf("problems %v", ps)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("words: [a, b]\nleaves:\n  - name: x\n"))
	f.Add([]byte("a: &x 1\nb: *x\n<<: *x\n? q\n: r\n"))
	f.Add([]byte("one: {name: |\n  x\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range strict.Decode("f", b, new(tree)) {
			if p.Code == "" || p.Where == "" || p.Message == "" {
				t.Errorf("incomplete problem %+v", p)
			}
		}
	})
}
