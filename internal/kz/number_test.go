package kz

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestValidIIN(t *testing.T) {
	cases := map[string]bool{
		"850101100012": true, "850101200019": true, "850101100022": true, // first pass
		"850101100304": true, "850101100316": true, "850101100328": true, // second pass
		"850101100013": false, "850101100305": false,
		"": false, "85010110001": false, "8501011000120": false, "85010110001a": false, "85010110001٢": false,
		"940140000385": false, // a BIN
	}
	for iin, want := range cases {
		if got := ValidIIN([]byte(iin)); got != want {
			t.Errorf("ValidIIN(%q) = %v, want %v", iin, got, want)
		}
	}
	for _, prefix := range []string{"85010110033", "85010110114", "85010120187"} {
		if _, ok := CheckDigit([]byte(prefix)); ok {
			t.Errorf("prefix %s is never issued, yet has a check digit", prefix)
		}
		for x := byte('0'); x <= '9'; x++ {
			if ValidIIN(append([]byte(prefix), x)) {
				t.Errorf("%s%c is taken for valid", prefix, x)
			}
		}
	}
}

func TestValidBIN(t *testing.T) {
	cases := map[string]bool{
		"940140000385": true, "950341000052": true, "961141000023": true, "070941024691": true,
		"230940006078": true, "810840000017": true,
		"940140000380": false, "850101100012": false, "": false, "94014000038": false,
	}
	for bin, want := range cases {
		if got := ValidBIN([]byte(bin)); got != want {
			t.Errorf("ValidBIN(%q) = %v, want %v", bin, got, want)
		}
	}
}

func TestCheckDigitRefusesOtherLengthsAndLetters(t *testing.T) {
	for _, prefix := range []string{"", "8501011000", "850101100012", "8501011000x"} {
		if _, ok := CheckDigit([]byte(prefix)); ok {
			t.Errorf("CheckDigit(%q) is ok", prefix)
		}
	}
}

// Exactly one digit, or none, completes a prefix.
func TestOneCheckDigitPerPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := []byte(rapid.StringMatching(`[0-9]{4}[0-3][0-9]{6}`).Draw(t, "prefix"))
		want, ok := CheckDigit(prefix)
		for x := byte('0'); x <= '9'; x++ {
			if got := ValidIIN(append(prefix[:11:11], x)); got != (ok && x == want) {
				t.Fatalf("%s%c: valid = %v, check digit %c (%v)", prefix, x, got, want, ok)
			}
		}
	})
}

func TestBirthDate(t *testing.T) {
	cases := map[string]struct {
		date Date
		ok   bool
	}{
		"850101100012": {Date{1885, time.January, 1}, true},
		"150229500000": {Date{}, false}, // no leap year
		"160229500000": {Date{2016, time.February, 29}, true},
		"000229500000": {Date{2000, time.February, 29}, true},
		"000229300000": {Date{}, false}, // 1900 was none
		"121231600000": {Date{2012, time.December, 31}, true},
		"120431600000": {Date{}, false},
		"121301600000": {Date{}, false},
		"120001600000": {Date{}, false},
		"120100600000": {Date{}, false},
		"120101000000": {Date{}, false}, // seventh digit names no century
		"120101700000": {Date{}, false},
		"12010150000":  {Date{}, false},
		"12010150000x": {Date{}, false},
	}
	for iin, want := range cases {
		if date, ok := BirthDate([]byte(iin)); ok != want.ok || date != want.date {
			t.Errorf("BirthDate(%s) = %v, %v, want %v, %v", iin, date, ok, want.date, want.ok)
		}
	}
}

func TestBirthDateAgreesWithCalendar(t *testing.T) {
	for day := time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2100; day = day.AddDate(0, 0, 1) {
		iin := day.Format("060102") + string('1'+byte((day.Year()-1800)/100*2)) + "00000"
		if got, ok := BirthDate([]byte(iin)); !ok || got != DateOf(day) {
			t.Fatalf("BirthDate(%s) = %v, %v, want %v", iin, got, ok, DateOf(day))
		}
	}
}

func TestAge(t *testing.T) {
	born := Date{2012, time.February, 29}
	cases := map[Date]int{
		{2026, time.February, 28}: 13, {2026, time.March, 1}: 14, {2028, time.February, 29}: 16,
		{2012, time.February, 29}: 0, {2011, time.March, 1}: -1, {2026, time.December, 31}: 14,
	}
	for at, want := range cases {
		if got := born.Age(at); got != want {
			t.Errorf("age on %v is %d, want %d", at, got, want)
		}
	}
}

func FuzzNumbers(f *testing.F) {
	f.Add([]byte("850101100012"))
	f.Add([]byte("940140000385"))
	f.Fuzz(func(t *testing.T, number []byte) {
		if ValidIIN(number) && ValidBIN(number) {
			t.Fatal("both an IIN and a BIN")
		}
		if d, ok := BirthDate(number); ok && DateOf(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)) != d {
			t.Fatal("a date that the calendar lacks")
		}
	})
}

func BenchmarkValidIIN(b *testing.B) {
	iin := []byte("850101100304")
	b.ReportAllocs()
	for b.Loop() {
		ValidIIN(iin)
	}
}
