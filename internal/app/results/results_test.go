package results

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
)

var verbs = regexp.MustCompile(`%(?:\[\d\])?[a-z]`)

func TestEveryTextIsInThreeLanguages(t *testing.T) {
	for key, texts := range words {
		want := verbs.FindAllString(texts["en"], -1)
		for _, l := range []lawtool.Language{"kk", "ru", "en"} {
			if texts[l] == "" || len(verbs.FindAllString(texts[l], -1)) != len(want) {
				t.Errorf("%s in %s: %q", key, l, texts[l])
			}
		}
	}
	for code, texts := range withheld {
		if len(texts) != 3 || texts["kk"] == "" || texts["ru"] == "" || texts["en"] == "" {
			t.Errorf("%s: %v", code, texts)
		}
	}
	for _, s := range []transfer.Status{"", transfer.Successful, transfer.SentWithRejects, transfer.InProgress, transfer.NotPermitted, transfer.Failed} {
		if words["short "+string(s)] == nil || s != "" && words[string(s)] == nil {
			t.Errorf("no words for the status %q", s)
		}
	}
}

// TestPrint: the account says each count in words, the identity as figures, and why it has failed.
func TestPrint(t *testing.T) {
	r := &transfer.Report{Status: transfer.Failed,
		Totals: transfer.Totals{Read: 21, Accepted: 6, Unchanged: 5, Refused: 4, Withheld: 3, Rejected: 2, Pending: 1, Received: 8, Messages: 2, Delivered: 1, Failed: 1},
		Reasons: []transfer.Reason{{Kind: "refused", Rule: "TERR-1", Why: "outside_territory", People: 4}, {Kind: "disputed", Rule: "receipt.counts", People: 1},
			{Kind: "rejected", Rule: "a\x1b[2J 870101300123", People: 2}, {Kind: "withheld", Rule: "mapping.not_phone", Why: "phone", People: 3}}}
	r.ID = record.ID{1}
	for lang, want := range map[lawtool.Language][]string{
		"en": {"21 people were looked at; 6: the recipient has taken them", "4: the law does not let them be sent", "1: it is not proven that", "[receipt.counts]", "counts other records", "read 21 = accepted 6",
			"4 people refused by TERR-1: the place is outside", "what to do",
			"3 people withheld by mapping.not_phone (no telephone number of Kazakhstan): phone"},
		"ru": {"просмотрено людей: 21; 6 — получатель принял", "4 — закон не разрешает", "[receipt.counts]", "прочитано 21 = принято 6", "отказано по правилу TERR-1", "mapping.not_phone (это не телефонный номер Казахстана): phone"},
		"kk": {"қаралған адам: 21; 6 — алушы қабылдады", "4 — заң беруге", "[receipt.counts]", "оқылды 21 = қабылданды 6", "TERR-1 ережесі бойынша", "mapping.not_phone (бұл Қазақстан телефонының нөмірі емес): phone"},
	} {
		var out strings.Builder
		Print(&out, r, lang)
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %q in\n%s", lang, w, out.String())
			}
		}
		if strings.ContainsAny(out.String(), "\x1b") || strings.Contains(out.String(), "870101300123") || strings.Contains(out.String(), "%!") {
			t.Errorf("%s: foreign words as they are, or a broken format:\n%q", lang, out.String())
		}
	}
	r.Totals.Accepted, r.Reasons = 7, nil
	for range 30 {
		r.Reasons = append(r.Reasons, transfer.Reason{Kind: "rejected", Rule: "c" + strings.Repeat("x", len(r.Reasons)), People: 1})
	}
	var out strings.Builder
	Print(&out, r, "en")
	if !strings.Contains(out.String(), "≠") || !strings.Contains(out.String(), "do not add up") || strings.Count(out.String(), "rejected by") != mostRejected || !strings.Contains(out.String(), "and 10 reasons more") {
		t.Errorf("an identity that does not hold, or thirty codes:\n%s", out.String())
	}
}

func TestForeign(t *testing.T) {
	known := func(s string) bool { return s == "phone" }
	for in, want := range map[string]string{
		"/phone is that of record 12": "/phone is that of record 12",
		`"phone" does not match`:      `"phone" does not match`,
		`value "Әлия" is not Latin`:   `value "Xxxx" is not Latin`,
		"«Қасымова» already there":    "«Xxxxxxxx» already there",
		"IIN 870101300123 twice":      "IIN 999999999999 twice",
		"call +7 (701) 123-45-67 now": "call +9 (999) 999-99-99 now",
		"a@b.kz wrong":                "x@x.xx wrong",
		"two\nlines\x1b[31m\u202e":    "two lines?[31m?",
		strings.Repeat("ж", 500):      strings.Repeat("ж", 200) + "…",
		"\xff\xfe":                    "?",
		"code 404, 12 records":        "code 404, 12 records",
		"":                            "",
	} {
		if got := Foreign(in, known); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"schema.pattern": "schema.pattern", "E-17": "E-17", "iin_870101300123": "iin_999999999999", "Әлия \"x\"": "Әлия \"x\""} {
		if got := Code(in); got != want {
			t.Errorf("the code %q is shown as %q, want %q", in, got, want)
		}
	}
}

// FuzzForeign: whatever a recipient says, nothing steers a terminal, and nobody's number gets through.
func FuzzForeign(f *testing.F) {
	f.Add("IIN 870101300123 \x1b]0;x\a \u202e«имя» +7 701 123 45 67")
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{Foreign(s, nil), Code(s)} {
			if len([]rune(out)) > longest+1 {
				t.Errorf("%d characters", len([]rune(out)))
			}
			digits := 0
			for _, r := range out {
				if !unicode.IsPrint(r) {
					t.Errorf("%q does not print", r)
				}
				switch {
				case unicode.IsNumber(r) && r != '9':
					digits++
				case !unicode.IsNumber(r):
					digits = 0
				}
				if digits > 3 {
					t.Errorf("a number got through in %q", out)
				}
			}
		}
	})
}

func TestReferences(t *testing.T) {
	id := record.NewID()
	got, err := readReferences("f", strings.NewReader("# comment\n\n"+id.String()+":0\n  "+id.String()+":17\n"))
	if err != nil || len(got) != 2 || got[reference(id, 0)] != 3 || got[reference(id, 17)] != 4 {
		t.Errorf("%v, %v", got, err)
	}
	for name, text := range map[string]string{
		"retry.twice": id.String() + ":1\n" + id.String() + ":1", "retry.reference": "", "retry.reference ": id.String(), "retry.reference  ": id.String() + ":-1",
		"retry.reference   ": id.String() + ":01", "retry.reference    ": "x:1", "retry.reference     ": id.String() + ":1:2", "retry.reference      ": strings.Repeat("x", 1<<17),
		"retry.reference       ": record.ID{}.String() + ":1",
	} {
		if _, err := readReferences("f", strings.NewReader(text)); record.CodeOf(err) != strings.TrimSpace(name) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	_, err = readReferences("f", strings.NewReader(strings.Repeat("x\n", 1000)))
	if list, ok := err.(record.Problems); !ok || len(list) != 100 || !slices.ContainsFunc(list, func(p *record.Problem) bool { return p.Where == "f:100" }) {
		t.Errorf("a thousand mistakes: %v", err)
	}
}

// FuzzReferences: what is read is what canonical references say.
func FuzzReferences(f *testing.F) {
	f.Add("# x\n0193c0ffee0193c0ffee0193c0ffee01:7\n")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := readReferences("f", strings.NewReader(s))
		if err != nil {
			return
		}
		for ref := range got {
			if !strings.Contains(strings.ToLower(s), ref[:32]) {
				t.Errorf("%s was not named", ref)
			}
		}
	})
}

// TestMeaning: codes of a schema share their words, and a code without words stands alone.
func TestMeaning(t *testing.T) {
	for code, want := range map[string]string{
		"schema.pattern": "schema.pattern (it does not fit the agreed schema)", "mapping.formula": "mapping.formula (it would begin a formula in a table)", "mapping.other": "mapping.other",
	} {
		if got := meaning(code, "en"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNothingSent: a run without a message says so, and not that it has sent.
func TestNothingSent(t *testing.T) {
	var out strings.Builder
	Print(&out, &transfer.Report{Status: transfer.SentWithRejects, Totals: transfer.Totals{Read: 3, Unchanged: 2, Withheld: 1}}, "en")
	if text := out.String(); !strings.Contains(text, "Nothing was sent") || !strings.Contains(text, "no message was made") || strings.Contains(text, "Sent;") || strings.Contains(text, "sequence 0") {
		t.Errorf("it says\n%s", text)
	}
}
