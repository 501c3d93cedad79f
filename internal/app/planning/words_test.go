package planning

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/register"
)

var verbs = regexp.MustCompile(`%[a-z]`)

// TestEveryTextIsInThreeLanguages holds that texts are there in all languages, with the same things put in.
func TestEveryTextIsInThreeLanguages(t *testing.T) {
	for key, texts := range holdWords {
		want := verbs.FindAllString(texts["en"], -1)
		for _, l := range []lawtool.Language{"kk", "ru", "en"} {
			if texts[l] == "" || !slices.Equal(verbs.FindAllString(texts[l], -1), want) {
				t.Errorf("%s in %s: %q", key, l, texts[l])
			}
		}
	}
}

// TestExpires: weekends and days off do not count; a year without a calendar ends sooner, not later.
func TestExpires(t *testing.T) {
	at := func(y int, m time.Month, d, h int) time.Time { return time.Date(y, m, d, h, 0, 0, 0, register.Zone) }
	for from, want := range map[time.Time]time.Time{
		at(2026, 11, 20, 9): at(2026, 11, 26, 0), // Friday: Monday, Tuesday, Wednesday
		at(2026, 11, 22, 9): at(2026, 11, 26, 0), // Sunday
		at(2090, 1, 6, 23):  at(2090, 1, 10, 0),
	} {
		if got := Expires(from, 3); !got.Equal(want) {
			t.Errorf("from %s: %s, want %s", from, got.In(register.Zone), want)
		}
	}
}
