package box

import (
	"strings"
	"testing"
)

// TestLookInThreeLanguages: a look is told in three languages; a code that has no words there keeps those that it came with, and nothing is lost.
func TestLookInThreeLanguages(t *testing.T) {
	found := &Intake{Taken: 3, Refused: 1, States: 2, Waiting: []Waiting{
		{File: "a.zip", Code: "parcel.malformed", Text: "a parcel is a zip archive", Hint: "remove it"}, {File: "b.zip", Code: "other.code", Text: "other words", Hint: "other hint"},
	}}
	for lang, want := range map[string][]string{
		"en": {"3 parcels have a receipt now, 1 of them a refusal; 2 states", "a.zip stays: a parcel is a zip archive [parcel.malformed]", "hint: remove it"},
		"ru": {"пакетов с квитанцией: 3, из них с отказом: 1; принято состояний журналов: 2", "a.zip остаётся: файл не является целым пакетом [parcel.malformed]", "что делать: он обрезан"},
		"kk": {"түбіртек берілген пакеттер: 3, олардың ішінде бас тартылғаны: 1", "a.zip қалды: файл бүтін пакет емес [parcel.malformed]", "не істеу керек: ол қиылған"},
	} {
		var out strings.Builder
		if err := found.Write(&out, lang); err != nil {
			t.Fatal(err)
		}
		for _, w := range append(want, "b.zip", "other words [other.code]", "other hint") {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %q in\n%s", lang, w, out.String())
			}
		}
	}
	if len(reasons["kk"]) != len(reasons["ru"]) || len(phrases) != len(Languages) {
		t.Error("the languages do not have the same words")
	}
	for code, kk := range reasons["kk"] {
		if ru := reasons["ru"][code]; kk[0] == "" || kk[1] == "" || ru[0] == "" || ru[1] == "" {
			t.Errorf("%s: words are missing", code)
		}
	}
}
