package casework

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
)

var verbs = regexp.MustCompile(`%[a-z]`)

// TestEveryTextIsInThreeLanguages holds that texts are there in all languages, with the same things put in.
func TestEveryTextIsInThreeLanguages(t *testing.T) {
	for name, words := range map[string]map[string]map[lawtool.Language]string{"notice": noticeWords, "file": subjectWords} {
		for key, texts := range words {
			want := verbs.FindAllString(texts["en"], -1)
			for _, l := range []lawtool.Language{"kk", "ru", "en"} {
				if texts[l] == "" || !slices.Equal(verbs.FindAllString(texts[l], -1), want) {
					t.Errorf("%s: %s in %s: %q", name, key, l, texts[l])
				}
			}
			if len(texts) != 3 {
				t.Errorf("%s: %s is in %d languages", name, key, len(texts))
			}
		}
	}
	for _, outcome := range []string{"", "delivered", "refused", "disputed", "cancelled", "abandoned"} {
		if subjectWords["outcome_"+orPending(outcome)] == nil {
			t.Errorf("no words for the outcome %q", outcome)
		}
	}
	for _, path := range []string{"consent", "statute"} {
		if subjectWords["path_"+path] == nil {
			t.Errorf("no words for the path %s", path)
		}
	}
}

func TestSpans(t *testing.T) {
	for want, list := range map[string][]uint32{"": nil, "7": {7}, "1-3,5,9-10": {10, 1, 3, 2, 9, 5}, "4294967294-4294967295": {1<<32 - 1, 1<<32 - 2}} {
		if got := spans(list); got != want {
			t.Errorf("%v: %s", list, got)
		}
	}
}

func TestMasked(t *testing.T) {
	if got := transferlog.Masked([]string{"a", "b", "c"}, 0b101); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("%v", got)
	}
	if got := transferlog.Masked(nil, 7); got == nil || len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestDutyObjectNamesNobody(t *testing.T) {
	d := store.Duty{ID: "d1", Kind: "claim", Subject: "4,9", About: "m1", Note: "letter 5"}
	if got := dutyObject(&d); got != "claim d1 ordinals 4,9 about m1" {
		t.Errorf("%s", got)
	}
	if got := dutyObject(&store.Duty{ID: "d1", Kind: "breach"}); got != "breach d1" {
		t.Errorf("%s", got)
	}
}

// TestFileOfAPerson writes a file with everything that a file can hold, in each language.
func TestFileOfAPerson(t *testing.T) {
	reg, err := legal.Load(os.DirFS("../../../deploy/birgeoqy/register"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	f := subjectFile{
		At: at, Blocked: true, Held: true, Operator: noticeOperator{BIN: "351240000010", NameKK: "Қор", NameRU: "Фонд", Contact: "https://birgeoqy.kz/"},
		Given: []subjectGiven{
			{At: at, Recipient: "R", BIN: "351240000040", Fields: []string{"iin", "phone"}, Purpose: "P", Path: "consent", Clause: "5.2", Ground: "G", Act: "A", Procedure: "O", Outcome: "delivered",
				Receipt: "sha256:00", Settled: &at, Intent: 7, Message: "m1"},
			{At: at, Path: "statute", Outcome: "pending"},
		},
		Refused: []subjectRefused{{At: at, Recipient: "R", BIN: "351240000040", Rule: "TERR-1", Text: "T"}},
		Duties:  []subjectDuty{{Text: "claim", Opened: at, Due: "2026-12-23"}, {Text: "information", Opened: at, Due: "2026-11-26", Outcome: "done"}},
	}
	for l, want := range map[lawtool.Language][]string{
		"kk": {"2026-11-23 07:00:00 +05:00", "iin (ЖСН), phone (Байланыс телефоны)", "Негізі: келісім, саясаттың 5.2 тармағы; G (A)", "алушы қабылдады", "бұғатталған", "claim, → 2026-12-23", "information, done"},
		"ru": {"iin (ИИН)", "Основание: закон", "ожидается ответ", "TERR-1, T", "заблокированы", "в связи с претензией"},
		"en": {"The recipient's signed receipt: 2026-11-23 07:00:00 +05:00, sha256:00", "Entry of the log: 7, message m1", "Transfers that refused to send your data: 1"},
	} {
		var out bytes.Buffer
		f.write(&out, reg, l)
		for _, text := range want {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s lacks %q:\n%s", l, text, out.String())
			}
		}
		if strings.Contains(out.String(), "%!") {
			t.Errorf("%s: %s", l, out.String())
		}
	}
}

// TestBadArgumentsOpenNothing: what is wrong with the arguments is said before any database is opened.
func TestBadArgumentsOpenNothing(t *testing.T) {
	iin := t.TempDir() + "/iin"
	if err := os.WriteFile(iin, []byte("850101100012\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asJSON := false
	env := lawtool.Env{Stdout: &bytes.Buffer{}, JSON: &asJSON, Now: func() time.Time { return time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC) }, User: "clerk",
		Environment: func(err error) error { return err }}
	for args, code := range map[string]string{
		"duties --lang de":                                          "usage.lang",
		"duties --until soon":                                       "usage.time",
		"duties open --kind rumour --reason x":                      "usage.kind",
		"duties open --kind claim":                                  "usage.reason",
		"duties open --kind claim --reason x --received 2027-01-01": "usage.received",
		"duties close":                                              "usage.arguments",
		"duties close d1":                                           "usage.reason",
		"duties close block:b1 --reason x":                          "duty.block",
		"claim open --reason x":                                     "usage.iin_file",
		"claim close d1 --outcome lost --reason x":                  "usage.outcome",
		"claim settle":                                              "usage.command",
		"incident open --reason x":                                  "usage.about",
		"incident open --about 12 --reason x":                       "usage.about",
		"incident notice d1":                                        "usage.measures",
		"subject-file --iin-file " + iin:                            "usage.reason",
		"subject-file --reason x":                                   "usage.iin_file",
		"subject-file --reason x --lang xx --iin-file " + iin:       "usage.lang",
		// The calendar does not have the days of 2021.
		"duties open --kind information --reason x --received 2021-01-01": "calendar.unknown_year",
	} {
		root := &cobra.Command{Use: "almasu", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(Commands(env)...)
		root.SetArgs(strings.Fields(args))
		if err := root.ExecuteContext(t.Context()); record.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", args, err, code)
		}
	}
}
