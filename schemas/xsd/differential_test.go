package xsd_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/schemas/xsd"
)

// judge lets libxml2 judge documents by a schema; it reports which are valid, and whether it takes the schema.
func judge(t *testing.T, dir, schema string, documents []string) (valid []bool, taken bool) {
	t.Helper()
	args := []string{"--noout", "--nonet", "--schema", schema}
	for i, d := range documents {
		name := filepath.Join(dir, strconv.Itoa(i)+".xml")
		if err := os.WriteFile(name, []byte(d), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	out, _ := exec.Command("xmllint", args...).CombinedOutput()
	if bytes.Contains(out, []byte("failed to compile")) {
		return nil, false
	}
	valid = make([]bool, len(documents))
	for i := range documents {
		name := filepath.Join(dir, strconv.Itoa(i)+".xml")
		switch {
		case bytes.Contains(out, []byte(name+" validates\n")):
			valid[i] = true
		case !bytes.Contains(out, []byte(name+" fails to validate\n")) && !bytes.Contains(out, []byte(name+":")):
			t.Fatalf("xmllint says nothing of a document:\n%s", out)
		}
	}
	return valid, true
}

// choices are texts of which one is to be chosen, see generator.value.
var choices = regexp.MustCompile("\x01[^\x01]*\x01")

// settle chooses texts: for each place, the schema is asked which of the texts it takes, and mostly one of these is chosen.
func settle(r *rand.Rand, s *xsd.Schema, doc string) string {
	reader := s.Reader()
	for {
		at := choices.FindStringIndex(doc)
		if at == nil {
			return doc
		}
		head, tail := doc[:at[0]], doc[at[1]:]
		rest := choices.ReplaceAllStringFunc(tail, func(m string) string { return strings.Split(strings.Trim(m, "\x01"), "\x02")[0] })
		list := strings.Split(strings.Trim(doc[at[0]:at[1]], "\x01"), "\x02")
		best, fewest := []string{}, 1<<30
		for _, one := range list {
			if reader.Read([]byte(head+one+rest), nil) != nil {
				continue
			}
			if n := len(reader.Checker().Found()); n < fewest {
				best, fewest = []string{one}, n
			} else if n == fewest {
				best = append(best, one)
			}
		}
		if len(best) == 0 {
			best = list
		}
		doc = head + best[r.IntN(len(best))] + tail
	}
}

var (
	anElement   = regexp.MustCompile(`<((?:t:)?e\d+)(?: [^>]*)?>[^<]*</(?:t:)?e\d+>`)
	anAttribute = regexp.MustCompile(` e\d+="[^"]*"`)
	aText       = regexp.MustCompile(`>[^<]*<`)
	aName       = regexp.MustCompile(`e\d+`)
)

// mutate changes a document in one place.
func mutate(r *rand.Rand, doc string) string {
	pick := func(re *regexp.Regexp) []int {
		all := re.FindAllStringIndex(doc, -1)
		if len(all) == 0 {
			return []int{0, 0}
		}
		return all[r.IntN(len(all))]
	}
	switch r.IntN(9) {
	case 0: // an element goes
		at := pick(anElement)
		return doc[:at[0]] + doc[at[1]:]
	case 1: // an element comes twice
		at := pick(anElement)
		return doc[:at[1]] + doc[at[0]:at[1]] + doc[at[1]:]
	case 2: // an attribute goes
		at := pick(anAttribute)
		return doc[:at[0]] + doc[at[1]:]
	case 3: // an attribute comes
		at := pick(regexp.MustCompile(`<(?:t:)?e\d+`))
		if at[1] == 0 {
			return doc
		}
		return doc[:at[1]] + []string{` zz="1"`, ` xsi:nil="true"`, ` xsi:nil="false"`, ` e3="x"`, ` u:y=""`, ` xsi:type="xs:string"`}[r.IntN(5)] + doc[at[1]:]
	case 4: // text changes
		at := pick(aText)
		text := []string{"", " ", "x", "0", "-1", "true", "2026-01-01", "12", "қ", "a b", "\n"}[r.IntN(11)]
		if at[1] == 0 {
			return doc
		}
		return doc[:at[0]+1] + text + doc[at[1]-1:]
	case 5: // an element moves
		at := pick(anElement)
		cut := doc[at[0]:at[1]]
		doc = doc[:at[0]] + doc[at[1]:]
		at = pick(anElement)
		return doc[:at[0]] + cut + doc[at[0]:]
	case 6: // a comment or an instruction (libxml2 takes no CDATA section where only elements may stand, not even a blank one)
		at := pick(aText)
		if at[1] == 0 {
			return doc
		}
		return doc[:at[0]+1] + []string{"<!-- c -->", "<?p q?>"}[r.IntN(2)] + doc[at[0]+1:]
	case 7: // an element gets another name
		at := pick(anElement)
		part := doc[at[0]:at[1]]
		name := aName.FindString(part)
		if name == "" {
			return doc
		}
		return doc[:at[0]] + strings.ReplaceAll(part, name, "e"+strconv.Itoa(1+r.IntN(9))) + doc[at[1]:]
	}
	return doc
}

// TestAgainstXmllint compares verdicts on generated schemas and documents with those of libxml2. ALMASU_XSD_SCHEMAS sets how many schemas.
func TestAgainstXmllint(t *testing.T) {
	needs.Tool(t, "xmllint", "libxml2-utils")
	schemas := 150
	if n, err := strconv.Atoi(os.Getenv("ALMASU_XSD_SCHEMAS")); err == nil {
		schemas = n
	}
	first, _ := strconv.Atoi(os.Getenv("ALMASU_XSD_SEED"))
	pairs, valid, refused, apart, wrong := 0, 0, 0, 0, 0
	for seed := first; seed < first+schemas; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		g := &generator{Rand: r}
		text, make := g.schema()
		dir := t.TempDir()
		file := filepath.Join(dir, "s.xsd")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := xsd.Compile("s.xsd", func(string) ([]byte, error) { return []byte(text), nil })
		if err != nil {
			if _, taken := judge(t, dir, file, []string{"<a/>"}); taken {
				apart++
				t.Logf("seed %d: refused here only: %v", seed, err)
			}
			refused++
			continue
		}
		var documents []string
		for range 17 {
			doc := settle(r, s, make())
			documents = append(documents, doc, mutate(r, doc), mutate(r, mutate(r, doc)))
		}
		slices.Sort(documents)
		documents = slices.Compact(documents)
		verdicts, taken := judge(t, dir, file, documents)
		if !taken {
			apart++ // libxml2 takes a wildcard that is repeated in a repeated group for ambiguous with itself
			continue
		}
		for i, doc := range documents {
			reader := s.Reader()
			err := reader.Read([]byte(doc), nil)
			ours := err == nil && len(reader.Checker().Found()) == 0
			pairs++
			if ours {
				valid++
			}
			if ours != verdicts[i] {
				if wrong++; wrong <= 10 {
					out, _ := exec.Command("xmllint", "--noout", "--schema", file, filepath.Join(dir, strconv.Itoa(i)+".xml")).CombinedOutput()
					t.Errorf("seed %d: we say %v, xmllint says %v; %v %v\n%s\n%s\n%s", seed, ours, verdicts[i], err, reader.Checker().Found(), out, doc, text)
				}
			}
		}
	}
	t.Logf("%d pairs, %d valid, %d apart; of %d schemas %d refused, %d taken by one side only", pairs, valid, wrong, schemas, refused, apart)
	if schemas >= 150 && (pairs < 5000 || valid < pairs/5 || valid > pairs*4/5) {
		t.Errorf("%d pairs, %d valid: the generator has become worse", pairs, valid)
	}
	if apart > schemas/8 {
		t.Errorf("%d schemas are taken by one side only", apart)
	}
}
