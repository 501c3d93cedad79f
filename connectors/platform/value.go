package platform

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"
)

// The type numbers (OIDs) of PostgreSQL whose binary form a cell understands; anything else is text.
const (
	typeText        = 25
	typeBool        = 16
	typeInt8        = 20
	typeInt2        = 21
	typeInt4        = 23
	typeDate        = 1082
	typeTimestamp   = 1114
	typeTimestamptz = 1184
	typeUUID        = 2950
)

// postgresEpoch is 1 January 2000 in Unix microseconds, from which PostgreSQL counts.
const postgresEpoch = 946_684_800_000_000

const microsPerDay = 86_400_000_000

// cell is one value of a row: its bytes (nil for NULL) in the form of its type. It is valid until the next row is read.
type cell struct {
	kind uint32
	b    []byte
}

func (c *cell) null() bool { return c.b == nil }

var (
	errRow  = errors.New("the row does not have the form of record_send")
	errTime = errors.New("not a time")
	errKey  = errors.New("not a key of the configured type")
	errUUID = errors.New("not a uuid")
)

// parseRecord splits what record_send made into exactly len(cells) cells, which share its memory.
func parseRecord(b []byte, cells []cell) error {
	if len(b) < 4 || binary.BigEndian.Uint32(b) != uint32(len(cells)) {
		return errRow
	}
	b = b[4:]
	for i := range cells {
		if len(b) < 8 {
			return errRow
		}
		kind, size := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		b = b[8:]
		if size == math.MaxUint32 { // -1
			cells[i] = cell{kind: kind}
			continue
		}
		if uint64(size) > uint64(len(b)) {
			return errRow
		}
		cells[i] = cell{kind: kind, b: b[:size:size]}
		b = b[size:]
	}
	if len(b) != 0 {
		return errRow
	}
	return nil
}

// integer returns the value of a cell of an integer type or of decimal text.
func (c *cell) integer() (int64, bool) {
	switch {
	case c.kind == typeInt8 && len(c.b) == 8:
		return int64(binary.BigEndian.Uint64(c.b)), true
	case c.kind == typeInt4 && len(c.b) == 4:
		return int64(int32(binary.BigEndian.Uint32(c.b))), true
	case c.kind == typeInt2 && len(c.b) == 2:
		return int64(int16(binary.BigEndian.Uint16(c.b))), true
	case c.kind == typeInt8 || c.kind == typeInt4 || c.kind == typeInt2:
		return 0, false
	}
	return parseInteger(c.b)
}

func parseInteger(b []byte) (int64, bool) {
	digits, negative := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	if len(digits) == 0 || len(digits) > 18 {
		n, err := strconv.ParseInt(string(b), 10, 64) // the rare long ones
		return n, err == nil
	}
	var n int64
	for _, d := range digits {
		if d -= '0'; d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if negative {
		n = -n
	}
	return n, true
}

// truth reports whether the cell is true; a NULL is not.
func (c *cell) truth() bool {
	if c.kind == typeBool {
		return len(c.b) == 1 && c.b[0] == 1
	}
	return string(c.b) == "1" || string(c.b) == "true"
}

// micros returns a time as Unix microseconds: 0 for NULL, and never 0 otherwise.
func (c *cell) micros() (int64, error) {
	if c.null() {
		return 0, nil
	}
	at, err := c.instant()
	if at == 0 {
		at = 1
	}
	return at, err
}

func (c *cell) instant() (int64, error) {
	switch {
	case (c.kind == typeTimestamptz || c.kind == typeTimestamp) && len(c.b) == 8:
		at := int64(binary.BigEndian.Uint64(c.b))
		if at > math.MaxInt64-postgresEpoch || at == math.MinInt64 { // infinity, -infinity
			return at, nil
		}
		return at + postgresEpoch, nil
	case c.kind == typeDate && len(c.b) == 4:
		day := int64(int32(binary.BigEndian.Uint32(c.b)))
		if day == math.MaxInt32 {
			return math.MaxInt64, nil
		}
		return day*microsPerDay + postgresEpoch, nil
	}
	if n, ok := c.integer(); ok {
		return n, nil
	}
	return parseTime(c.b)
}

// parseTime reads YYYY-MM-DD, alone or followed by T or a space and hh:mm:ss, a fraction, and Z, an offset or nothing for UTC.
func parseTime(b []byte) (int64, error) {
	year, month, day := digits(b, 0, 4), digits(b, 5, 2), digits(b, 8, 2)
	if year|month|day < 0 || b[4] != '-' || b[7] != '-' || year < 1 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month) {
		return 0, errTime
	}
	at := int64(daysSinceEpoch(year, month, day)) * microsPerDay
	if len(b) == 10 {
		return at, nil
	}
	hour, minute, second := digits(b, 11, 2), digits(b, 14, 2), digits(b, 17, 2)
	if hour|minute|second < 0 || b[10] != 'T' && b[10] != ' ' || b[13] != ':' || b[16] != ':' || hour > 23 || minute > 59 || second > 59 {
		return 0, errTime
	}
	at += int64(hour*3600+minute*60+second) * 1e6
	rest := b[19:]
	if len(rest) > 0 && rest[0] == '.' {
		unit, n := int64(100_000), 1
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			at += int64(rest[n]-'0') * unit // digits beyond the sixth count nothing
			unit /= 10
		}
		if n == 1 {
			return 0, errTime
		}
		rest = rest[n:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, errTime
	}
	return at - int64(offset)*1e6, nil
}

// parseOffset reads nothing, Z, ±hh, ±hhmm or ±hh:mm, in seconds.
func parseOffset(b []byte) (int, bool) {
	if len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	hours, minutes := digits(b, 1, 2), 0
	switch {
	case len(b) == 5:
		minutes = digits(b, 3, 2)
	case len(b) == 6 && b[3] == ':':
		minutes = digits(b, 4, 2)
	case len(b) != 3:
		return 0, false
	}
	if hours|minutes < 0 || hours > 15 || minutes > 59 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	offset := hours*3600 + minutes*60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// digits returns the number of n digits at b[from:], or -1.
func digits(b []byte, from, n int) int {
	if len(b) < from+n {
		return -1
	}
	value := 0
	for _, d := range b[from : from+n] {
		if d -= '0'; d > 9 {
			return -1
		}
		value = value*10 + int(d)
	}
	return value
}

func daysOf(year, month int) int {
	return daysSinceEpoch(year+month/12, month%12+1, 1) - daysSinceEpoch(year, month, 1)
}

// daysSinceEpoch counts the days from 1 January 1970 in the proleptic Gregorian calendar; the year begins in March here.
func daysSinceEpoch(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// appendText appends the cell's value as text: what the fields of a person and the parts of terms are.
func (c *cell) appendText(dst []byte) []byte {
	switch c.kind {
	case typeBool:
		return strconv.AppendBool(dst, c.truth())
	case typeInt2, typeInt4, typeInt8:
		n, _ := c.integer()
		return strconv.AppendInt(dst, n, 10)
	case typeUUID:
		if len(c.b) == 16 {
			return appendUUID(dst, c.b)
		}
	case typeTimestamp, typeTimestamptz, typeDate:
		at, _ := c.instant()
		return time.UnixMicro(at).UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	return append(dst, c.b...)
}

// appendKey appends the order-preserving form of a key.
func (c *cell) appendKey(dst []byte, keyType string) ([]byte, error) {
	if c.null() {
		return dst, errKey
	}
	switch keyType {
	case KeyInteger:
		n, ok := c.integer()
		if !ok {
			return dst, errKey
		}
		return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63), nil
	case KeyUUID:
		if c.kind == typeUUID && len(c.b) == 16 {
			return append(dst, c.b...), nil
		}
		return parseUUID(dst, c.b)
	}
	return append(dst, c.b...), nil
}

const hexDigits = "0123456789abcdef"

func appendUUID(dst, b []byte) []byte {
	for i, x := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[x>>4], hexDigits[x&15])
	}
	return dst
}

// parseUUID reads the usual form of 36 characters with lower-case digits, in which order by text is order by value.
func parseUUID(dst, b []byte) ([]byte, error) {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return dst, errUUID
	}
	high, half := byte(0), false
	for i, x := range b {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			continue
		}
		switch {
		case x >= '0' && x <= '9':
			x -= '0'
		case x >= 'a' && x <= 'f':
			x -= 'a' - 10
		default:
			return dst, errUUID
		}
		if half {
			dst = append(dst, high<<4|x)
		}
		high, half = x, !half
	}
	return dst, nil
}
