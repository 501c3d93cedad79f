package schemas

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecimalAgreesWithRationals(t *testing.T) {
	literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?([eE][+-]?[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := literal.Draw(t, "a"), literal.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got := parseDecimal([]byte(a)).compare(parseDecimal([]byte(b))); got != x.Cmp(y) {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, x.Cmp(y))
		}
		if got := parseDecimal([]byte(a)).whole(); got != x.IsInt() {
			t.Fatalf("%s whole: %v", a, got)
		}
	})
	if parseDecimal([]byte("1e99999999999999999999")).compare(parseDecimal([]byte("1e9"))) != 1 || parseDecimal([]byte("-1e99999999999999999999")).compare(decimal{}) != -1 {
		t.Error("exponents overflow")
	}
}

func TestDatesAgreeWithTime(t *testing.T) {
	digits := rapid.StringMatching(`[0-9]{4}-[01][0-9]-[0-3][0-9]`)
	rapid.Check(t, func(t *rapid.T) {
		s := digits.Draw(t, "date")
		_, err := time.Parse(time.DateOnly, s)
		if isDate([]byte(s)) != (err == nil) {
			t.Fatalf("%s: %v", s, err)
		}
	})
	for _, s := range []string{"", "2024-1-01", "2024-01-1", "+024-01-01", "2024/01/01", "2024-01-01Z", "20240101--"} {
		if isDate([]byte(s)) {
			t.Errorf("%q is no date", s)
		}
	}
}
