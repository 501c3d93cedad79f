package kz

import (
	"strings"
	"testing"
)

const older = `kato,kato_version,level,type_code,name_ru,name_kk
100000000,NK RK 11-2025,oblast,0,область Абай,Абай облысы
103600000,NK RK 11-2025,district,2,Один,Бір
103630000,NK RK 11-2025,sub_district,2,Два,Екі
103630100,NK RK 11-2025,settlement,2,с.Три,Үш а.
103630200,NK RK 11-2025,settlement,2,с.Четыре,Төрт а.
103630300,NK RK 11-2025,settlement,2,с.Пять,Бес а.
103630400,NK RK 11-2025,settlement,2,с.Шесть,Алты а.
`

const newer = `kato,kato_version,level,type_code,name_ru,name_kk
100000000,NK RK 11-2025,oblast,0,область Абай,Абай облысы
103600000,NK RK 11-2025,district,2,Один,Бір
103630300,NK RK 11-2025,settlement,2,с.Пятое,Бесінші а.
103640000,NK RK 11-2025,sub_district,2,Другой,Басқа
103640100,NK RK 11-2025,settlement,2,с.Три,Үш а.
103640200,NK RK 11-2025,settlement,2,с.Четыре,Төрт а.
103640300,NK RK 11-2025,settlement,2,с.Четыре,Төрт а.
`

func TestMigrate(t *testing.T) {
	read := func(text string) *Edition {
		e, err := ReadEdition("x", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	from, to := read(older), read(newer)
	for code, want := range map[string]struct {
		code string
		fate Fate
	}{
		"100000000": {"100000000", FateSame}, "103630300": {"103630300", FateRenamed}, "103630100": {"103640100", FateMoved}, "103630200": {"103600000", FateGone},
		"103630400": {"103600000", FateGone}, "103630000": {"103600000", FateGone}, "103639999": {"103600000", FateUnknown}, "999999999": {"", FateUnknown}, "x": {"", FateUnknown},
	} {
		if p, fate := from.Migrate(to, code); p.Code != want.code || fate != want.fate {
			t.Errorf("%s: %s %s, want %s %s", code, p.Code, fate, want.code, want.fate)
		}
	}
	for _, p := range KATO().Places() {
		if now, fate := KATO().Migrate(KATO(), p.Code); fate != FateSame || now != p {
			t.Fatalf("%s: %s in its own edition", p.Code, fate)
		}
	}
}

func TestSimilar(t *testing.T) {
	for word, code := range map[string]string{"Алмата": "750000000", "шымкэнт": "790000000", "Турксстан": "610000000", "Сайрем": "615200000"} {
		found := KATO().Similar(word, "")
		ok := false
		for _, p := range found {
			ok = ok || p.Code == code
		}
		if !ok {
			t.Errorf("%s: %v", word, found)
		}
	}
	for _, word := range []string{"", "ауд", "два слова", "ъъъъъъ"} {
		if found := KATO().Similar(word, ""); len(found) > 0 {
			t.Errorf("%q: %v", word, found)
		}
	}
	if len(KATO().Search("Туркистан облысы", "")) != 1 || len(KATO().Search("түркістан ОБЛЫСЫ", "")) != 1 {
		t.Error("letters of a Russian keyboard")
	}
}
