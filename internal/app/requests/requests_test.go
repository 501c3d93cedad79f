package requests

import (
	"regexp"
	"testing"

	"birgeoqy.kz/almasu/internal/app/lawtool"
)

var verbs = regexp.MustCompile(`%[a-z]`)

func TestEveryTextIsInThreeLanguages(t *testing.T) {
	for key, texts := range words {
		want := len(verbs.FindAllString(texts["en"], -1))
		for _, l := range []lawtool.Language{"kk", "ru", "en"} {
			if texts[l] == "" || len(verbs.FindAllString(texts[l], -1)) != want {
				t.Errorf("%s in %s: %q", key, l, texts[l])
			}
		}
	}
}

func TestStates(t *testing.T) {
	for _, c := range []struct {
		sent, closed, expired bool
		by                    int
		want                  string
	}{
		{want: "entered"}, {by: 1, want: "approved"}, {by: 2, want: "due"}, {by: 2, expired: true, want: "expired"}, {by: 2, sent: true, want: "answered"},
		{sent: true, expired: true, want: "answered"}, {sent: true, closed: true, want: "closed"}, {closed: true, want: "closed"},
	} {
		if got := state(c.sent, c.closed, c.expired, c.by); got != c.want || words[got] == nil {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
