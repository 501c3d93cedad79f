package horizon

import (
	"errors"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

func TestReaches(t *testing.T) {
	const earlier = "pg1:7:a:b:c:d"
	for text, want := range map[string]string{
		earlier: "", "pg1:8:a:b:c:d": "", "pg1:6:a:b:c:d": "behind", "pg1:8:x:b:c:d": "server", "pg1:8:a:x:c:d": "table", "pg1:8:a:b:x:d": "form", "pg1:8:a:b:c:x": "configuration",
	} {
		was, err := Parse(earlier)
		if err != nil {
			t.Fatal(err)
		}
		now, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		err = now.Reaches(was)
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, connectors.ErrHorizon) || record.CodeOf(err) != "source.horizon" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzHorizon(f *testing.F) {
	f.Add("pg1:7:a:b:c:d")
	f.Add("pg1:18446744073709551616:a:b:c:d")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if err == nil && h.String() != text || err != nil && !errors.Is(err, connectors.ErrHorizon) {
			t.Errorf("%v, %v", h, err)
		}
	})
}
