package kz

import "time"

const numberLength = 12

var secondWeights = [11]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2}

// CheckDigit returns the check digit ('0' to '9') that belongs to the first eleven digits of an IIN or a BIN.
// ok is false if they are not eleven digits, or if the prefix is one of those that are never issued.
func CheckDigit(prefix []byte) (digit byte, ok bool) {
	if len(prefix) != numberLength-1 {
		return 0, false
	}
	first, second := 0, 0
	for i, c := range prefix {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := int(c - '0')
		first += d * (i + 1)
		second += d * secondWeights[i]
	}
	if first %= 11; first < 10 {
		return byte('0' + first), true
	}
	if second %= 11; second < 10 {
		return byte('0' + second), true
	}
	return 0, false
}

func checked(number []byte) bool {
	if len(number) != numberLength {
		return false
	}
	digit, ok := CheckDigit(number[:numberLength-1])
	return ok && number[numberLength-1] == digit
}

// ValidIIN reports whether iin has twelve digits, the fifth of which is not that of a BIN, with the right check digit.
// It does not look at the birth date: see [BirthDate].
func ValidIIN(iin []byte) bool { return checked(iin) && iin[4] <= '3' }

// ValidBIN reports whether bin has twelve digits with the right check digit and the kind (fifth digit 4 to 6) of a BIN.
func ValidBIN(bin []byte) bool { return checked(bin) && bin[4] >= '4' && bin[4] <= '6' }

// Date is a day of the civil calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day on which t falls in t's location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{Year: y, Month: m, Day: d}
}

// BirthDate reads the date that the digits of an IIN state. ok is false if the number is not twelve digits, its seventh digit names no
// century, or the calendar has no such day; the check digit is not looked at. The date is what
// the digits say, which since 2013 need not be the holder's birth date.
func BirthDate(iin []byte) (d Date, ok bool) {
	if len(iin) != numberLength {
		return Date{}, false
	}
	for _, c := range iin {
		if c < '0' || c > '9' {
			return Date{}, false
		}
	}
	century := iin[6]
	if century < '1' || century > '6' {
		return Date{}, false
	}
	d = Date{
		Year:  1800 + 100*int((century-'1')/2) + twoDigits(iin),
		Month: time.Month(twoDigits(iin[2:])),
		Day:   twoDigits(iin[4:]),
	}
	if d.Month < 1 || d.Month > 12 || d.Day < 1 || d.Day > daysIn(d.Year, d.Month) {
		return Date{}, false
	}
	return d, true
}

func twoDigits(b []byte) int { return int(b[0]-'0')*10 + int(b[1]-'0') }

func daysIn(year int, month time.Month) int {
	switch month {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

// Age returns the full years that someone born on d has lived on the day at; it is negative before the birth. A year is full on the
// birthday; for 29 February that is 1 March in common years.
func (d Date) Age(at Date) int {
	years := at.Year - d.Year
	if at.Month < d.Month || at.Month == d.Month && at.Day < d.Day {
		years--
	}
	return years
}
