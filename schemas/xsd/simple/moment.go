package simple

import "bytes"

// moment reads the parts of a date or time, one after another.
type moment struct {
	text                                   []byte
	negative                               bool
	year, month, day, hour, minute, second int64
	fraction                               []byte
	zone                                   int64 // minutes
	zoned                                  bool
}

// shaped is a parser for one shape: "y" a date, "T" a time, "yT" both, "M" year and month, "Y" a year, "a" month and day, "e" a day, "m" a month.
func shaped(shape string) func(*value, []byte, *Scratch) bool {
	return func(v *value, text []byte, _ *Scratch) bool {
		m := moment{text: text, year: 4, month: 1, day: 1} // a leap year, where none is given
		if !m.read(shape) || !m.readZone() || len(m.text) > 0 {
			return false
		}
		if m.day > daysIn(m.signedYear(), m.month) {
			return false
		}
		m.value(v)
		return true
	}
}

func (m *moment) read(shape string) bool {
	switch shape {
	case "yT":
		return m.readYear() && m.mark("-") && m.two(&m.month, 1, 12) && m.mark("-") && m.two(&m.day, 1, 31) && m.mark("T") && m.clock()
	case "y":
		return m.readYear() && m.mark("-") && m.two(&m.month, 1, 12) && m.mark("-") && m.two(&m.day, 1, 31)
	case "T":
		return m.time()
	case "M":
		return m.readYear() && m.mark("-") && m.two(&m.month, 1, 12)
	case "Y":
		return m.readYear()
	case "a":
		return m.mark("--") && m.two(&m.month, 1, 12) && m.mark("-") && m.two(&m.day, 1, 31)
	case "e":
		return m.mark("---") && m.two(&m.day, 1, 31)
	}
	return m.mark("--") && m.two(&m.month, 1, 12)
}

// readYear reads at least four digits, without leading zeros beyond four; there is no year 0000.
func (m *moment) readYear() bool {
	m.negative = m.mark("-")
	n := leading(m.text)
	if n < 4 || n > 9 || n > 4 && m.text[0] == '0' {
		return false
	}
	m.year, m.text = whole(m.text[:n]), m.text[n:]
	return m.year > 0
}

// signedYear counts 1 BC as 0.
func (m *moment) signedYear() int64 {
	if m.negative {
		return 1 - m.year
	}
	return m.year
}

func (m *moment) mark(s string) bool {
	rest, ok := bytes.CutPrefix(m.text, []byte(s))
	if ok {
		m.text = rest
	}
	return ok
}

func (m *moment) two(n *int64, low, high int64) bool {
	if len(m.text) < 2 || leading(m.text[:2]) < 2 {
		return false
	}
	*n, m.text = whole(m.text[:2]), m.text[2:]
	return *n >= low && *n <= high
}

// clock reads a time of day; 24:00:00 is the end of the day.
func (m *moment) clock() bool {
	if !m.two(&m.hour, 0, 24) || !m.mark(":") || !m.two(&m.minute, 0, 59) || !m.mark(":") || !m.two(&m.second, 0, 59) {
		return false
	}
	if m.mark(".") {
		n := leading(m.text)
		if n == 0 {
			return false
		}
		m.fraction, m.text = bytes.TrimRight(m.text[:n], "0"), m.text[n:]
	}
	return m.hour < 24 || m.minute == 0 && m.second == 0 && len(m.fraction) == 0
}

// time reads a time without a date, where the end of the day is its beginning.
func (m *moment) time() bool {
	ok := m.clock()
	m.hour %= 24
	return ok
}

func (m *moment) readZone() bool {
	if len(m.text) == 0 {
		return true
	}
	m.zoned = true
	if m.mark("Z") {
		return true
	}
	sign := int64(1)
	if m.mark("-") {
		sign = -1
	} else if !m.mark("+") {
		return false
	}
	var hours, minutes int64
	if !m.two(&hours, 0, 14) || !m.mark(":") || !m.two(&minutes, 0, 59) {
		return false
	}
	m.zone = sign * (hours*60 + minutes)
	return hours < 14 || minutes == 0
}

func (m *moment) value(v *value) {
	v.fraction, v.zoned = m.fraction, m.zoned
	v.seconds = daysBefore(m.signedYear(), m.month, m.day)*86400 + m.hour*3600 + m.minute*60 + m.second - m.zone*60
}

func leap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysIn(y, m int64) int64 {
	if m == 2 && leap(y) {
		return 29
	}
	return [...]int64{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m]
}

// daysBefore counts days of the Gregorian calendar, stretched into the past.
func daysBefore(y, m, d int64) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := y / 400
	if y < 0 {
		era = (y - 399) / 400
	}
	of := y - era*400
	return era*146097 + of*365 + of/4 - of/100 + (153*(m-3)+2)/5 + d
}
