// Package cell is the values of rows as PostgreSQL's record_send writes them: a count of columns, then for each column its type, its length (-1 for NULL) and its bytes in the
// type's binary form, all numbers big-endian with 32 bits. The rows of other databases become cells of type text.
//
// A time is Unix microseconds; what has no zone is UTC. A key has a form whose bytes are in the order of the keys: an integer is eight bytes big-endian with the sign bit
// flipped, a uuid its sixteen bytes, a text its bytes. Errors name what was expected, and never the value.
package cell

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"
)

// The types of keys.
const (
	Integer = "integer"
	Text    = "text"
	UUID    = "uuid"
)

// The type numbers (OIDs) of PostgreSQL whose binary form a cell understands; anything else is text.
const (
	TypeText        = 25
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

// Cell is one value of a row: its bytes (nil for NULL) in the form of its type. It is valid until the next row is read.
type Cell struct {
	Kind uint32
	B    []byte
}

// Null reports whether the cell is NULL.
func (c *Cell) Null() bool { return c.B == nil }

// ErrRow is a row of another form, or with another number of columns.
var ErrRow = errors.New("the row does not have the form of record_send")

var (
	errTime = errors.New("not a time")
	errKey  = errors.New("not a key of the configured type")
	errUUID = errors.New("not a uuid")
)

// Parse splits what record_send made into exactly len(cells) cells, which share its memory.
func Parse(b []byte, cells []Cell) error {
	if len(b) < 4 || binary.BigEndian.Uint32(b) != uint32(len(cells)) {
		return ErrRow
	}
	b = b[4:]
	for i := range cells {
		if len(b) < 8 {
			return ErrRow
		}
		kind, size := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		b = b[8:]
		if size == math.MaxUint32 { // -1
			cells[i] = Cell{Kind: kind}
			continue
		}
		if uint64(size) > uint64(len(b)) {
			return ErrRow
		}
		cells[i] = Cell{Kind: kind, B: b[:size:size]}
		b = b[size:]
	}
	if len(b) != 0 {
		return ErrRow
	}
	return nil
}

// integer returns the value of a cell of an integer type or of decimal text.
func (c *Cell) integer() (int64, bool) {
	switch {
	case c.Kind == typeInt8 && len(c.B) == 8:
		return int64(binary.BigEndian.Uint64(c.B)), true
	case c.Kind == typeInt4 && len(c.B) == 4:
		return int64(int32(binary.BigEndian.Uint32(c.B))), true
	case c.Kind == typeInt2 && len(c.B) == 2:
		return int64(int16(binary.BigEndian.Uint16(c.B))), true
	case c.Kind == typeInt8 || c.Kind == typeInt4 || c.Kind == typeInt2:
		return 0, false
	}
	return parseInteger(c.B)
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

// Truth reports whether the cell is true; a NULL is not.
func (c *Cell) Truth() bool {
	if c.Kind == typeBool {
		return len(c.B) == 1 && c.B[0] == 1
	}
	return string(c.B) == "1" || string(c.B) == "true"
}

// Micros returns a time as Unix microseconds: 0 for NULL, and never 0 otherwise.
func (c *Cell) Micros() (int64, error) {
	if c.Null() {
		return 0, nil
	}
	at, err := c.instant()
	if at == 0 {
		at = 1
	}
	return at, err
}

func (c *Cell) instant() (int64, error) {
	switch {
	case (c.Kind == typeTimestamptz || c.Kind == typeTimestamp) && len(c.B) == 8:
		at := int64(binary.BigEndian.Uint64(c.B))
		if at > math.MaxInt64-postgresEpoch || at == math.MinInt64 { // infinity, -infinity
			return at, nil
		}
		return at + postgresEpoch, nil
	case c.Kind == typeDate && len(c.B) == 4:
		day := int64(int32(binary.BigEndian.Uint32(c.B)))
		if day == math.MaxInt32 {
			return math.MaxInt64, nil
		}
		return day*microsPerDay + postgresEpoch, nil
	}
	if n, ok := c.integer(); ok {
		return n, nil
	}
	return parseTime(c.B)
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

// AppendText appends the cell's value as text: what the fields of a person and the parts of terms are.
func (c *Cell) AppendText(dst []byte) []byte {
	switch c.Kind {
	case typeBool:
		return strconv.AppendBool(dst, c.Truth())
	case typeInt2, typeInt4, typeInt8:
		n, _ := c.integer()
		return strconv.AppendInt(dst, n, 10)
	case typeUUID:
		if len(c.B) == 16 {
			return AppendUUID(dst, c.B)
		}
	case typeTimestamp, typeTimestamptz, typeDate:
		at, _ := c.instant()
		return time.UnixMicro(at).UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	return append(dst, c.B...)
}

// AppendKey appends the order-preserving form of a key.
func (c *Cell) AppendKey(dst []byte, keyType string) ([]byte, error) {
	if c.Null() {
		return dst, errKey
	}
	switch keyType {
	case Integer:
		n, ok := c.integer()
		if !ok {
			return dst, errKey
		}
		return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63), nil
	case UUID:
		if c.Kind == typeUUID && len(c.B) == 16 {
			return append(dst, c.B...), nil
		}
		return parseUUID(dst, c.B)
	}
	return append(dst, c.B...), nil
}

const hexDigits = "0123456789abcdef"

// AppendUUID appends the usual form of the sixteen bytes of a uuid.
func AppendUUID(dst, b []byte) []byte {
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
