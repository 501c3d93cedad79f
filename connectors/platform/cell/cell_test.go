package cell

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseTimeAgreesWithTheLibrary(t *testing.T) {
	layouts := []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05-07", "2006-01-02T15:04:05-0700"}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "zone")*60)
		want := time.UnixMicro(rapid.Int64Range(-62_000_000_000_000_000, 250_000_000_000_000_000).Draw(t, "micros")).In(zone)
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		text := want.Format(layout)
		parsed, err := time.Parse(layout, text)
		if err != nil {
			t.Skip()
		}
		if got, err := parseTime([]byte(text)); err != nil || got != parsed.UnixMicro() {
			t.Fatalf("parseTime(%s) = %d, %v, want %d", text, got, err, parsed.UnixMicro())
		}
	})
}

func TestParseTime(t *testing.T) {
	for text, want := range map[string]int64{
		"1970-01-01":                 0,
		"1970-01-02 00:00:00":        microsPerDay,
		"2026-11-22T17:51:15Z":       1795369875_000000,
		"2026-11-22T22:51:15+05":     1795369875_000000,
		"2026-11-22T17:51:15.1Z":     1795369875_100000,
		"2026-11-22 17:51:15.123456": 1795369875_123456,
		"2024-02-29":                 1709164800_000000,
		"1969-12-31T23:59:59.5Z":     -500000,
	} {
		if got, err := parseTime([]byte(text)); err != nil || got != want {
			t.Errorf("parseTime(%s) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "2026", "0000-01-01", "2026-13-01", "2026-00-01", "2026-02-29", "2026-04-31", "2026-11-22T", "2026-11-22T24:00:00Z", "2026-11-22T17:60:00Z",
		"2026-11-22T17:51:60Z", "2026-11-22T17:51Z", "2026-11-22x17:51:15Z", "2026-11-22T17:51:15.Z", "2026-11-22T17:51:15+5", "2026-11-22T17:51:15ZZ",
		"2026-11-22T17:51:15+05:60", "2026-11-22T17:51:15+16", "2026/11/22", "22.11.2026", "2026-11-22T17:51:15 Z", "+026-11-22", "infinity",
	} {
		if got, err := parseTime([]byte(text)); err == nil {
			t.Errorf("parseTime(%q) = %d", text, got)
		}
	}
}

func TestMicros(t *testing.T) {
	eight := func(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }
	four := func(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
	for name, c := range map[string]struct {
		cell Cell
		want int64
	}{
		"null":            {Cell{Kind: typeTimestamptz}, 0},
		"2000-01-01":      {Cell{typeTimestamptz, eight(0)}, postgresEpoch},
		"1970 is present": {Cell{typeTimestamp, eight(-postgresEpoch)}, 1},
		"infinity":        {Cell{typeTimestamptz, eight(math.MaxInt64)}, math.MaxInt64},
		"-infinity":       {Cell{typeTimestamptz, eight(math.MinInt64)}, math.MinInt64},
		"date":            {Cell{typeDate, four(1)}, postgresEpoch + microsPerDay},
		"endless date":    {Cell{typeDate, four(math.MaxInt32)}, math.MaxInt64},
		"integer":         {Cell{typeInt8, eight(1234)}, 1234},
		"integer text":    {Cell{TypeText, []byte("1234")}, 1234},
		"text":            {Cell{TypeText, []byte("2000-01-01T00:00:00Z")}, postgresEpoch},
	} {
		if got, err := c.cell.Micros(); err != nil || got != c.want {
			t.Errorf("%s: %d, %v, want %d", name, got, err, c.want)
		}
	}
	for name, c := range map[string]Cell{
		"empty": {TypeText, []byte{}}, "short": {typeTimestamptz, []byte{1}}, "word": {TypeText, []byte("yesterday")}, "bad integer": {typeInt4, []byte{1}},
	} {
		if _, err := c.Micros(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Keys compare as bytes as they compare in the database.
func TestKeysPreserveOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		key := func(v int64) []byte {
			c := Cell{typeInt8, binary.BigEndian.AppendUint64(nil, uint64(v))}
			k, err := c.AppendKey(nil, Integer)
			if err != nil {
				t.Fatal(err)
			}
			return k
		}
		want := 0
		if a < b {
			want = -1
		} else if a > b {
			want = 1
		}
		if got := bytes.Compare(key(a), key(b)); got != want {
			t.Fatalf("keys of %d and %d compare %d", a, b, got)
		}
	})
}

func TestKeys(t *testing.T) {
	id := []byte("0123abcd-4567-89ef-0123-456789abcdef")
	binaryID := []byte{0x01, 0x23, 0xab, 0xcd, 0x45, 0x67, 0x89, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	for _, c := range []Cell{{TypeText, id}, {typeUUID, binaryID}} {
		if key, err := c.AppendKey(nil, UUID); err != nil || !bytes.Equal(key, binaryID) {
			t.Errorf("key %x, %v", key, err)
		}
	}
	if got := (&Cell{typeUUID, binaryID}).AppendText(nil); !bytes.Equal(got, id) {
		t.Errorf("a uuid as text is %s", got)
	}
	for name, c := range map[string]struct {
		cell Cell
		kind string
	}{
		"null": {Cell{}, Text}, "word": {Cell{TypeText, []byte("x")}, Integer}, "upper case": {Cell{TypeText, bytes.ToUpper(id)}, UUID},
		"short": {Cell{TypeText, id[1:]}, UUID}, "too great": {Cell{TypeText, []byte("9223372036854775808")}, Integer},
	} {
		if _, err := c.cell.AppendKey(nil, c.kind); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c := Cell{TypeText, []byte("-9223372036854775808")}
	if key, err := c.AppendKey(nil, Integer); err != nil || !bytes.Equal(key, make([]byte, 8)) {
		t.Errorf("the least integer has the key %x, %v", key, err)
	}
}

// row writes cells as record_send does.
func row(cells []Cell) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(cells)))
	for _, c := range cells {
		b = binary.BigEndian.AppendUint32(b, c.Kind)
		if c.Null() {
			b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
			continue
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(c.B))), c.B...)
	}
	return b
}

func TestParseRecord(t *testing.T) {
	cells := []Cell{{TypeText, []byte("a")}, {Kind: typeInt8}, {TypeText, []byte{}}}
	got := make([]Cell, 3)
	if err := Parse(row(cells), got); err != nil {
		t.Fatal(err)
	}
	for i := range cells {
		if got[i].Null() != cells[i].Null() || got[i].Kind != cells[i].Kind || !bytes.Equal(got[i].B, cells[i].B) {
			t.Errorf("cell %d is %v", i, got[i])
		}
	}
	if err := Parse(row(cells), make([]Cell, 2)); err == nil {
		t.Error("a row with more columns is accepted")
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add(row([]Cell{{TypeText, []byte("a")}, {Kind: typeInt8}}))
	f.Add([]byte{0, 0, 0, 2, 0, 0, 0, 25, 255, 255, 255, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		cells := make([]Cell, 2)
		if err := Parse(b, cells); err == nil && !bytes.Equal(row(cells), b) {
			t.Fatalf("%x is not what its cells make", b)
		}
		for i := range cells {
			_, _ = cells[i].Micros()
			_, _ = cells[i].AppendKey(nil, UUID)
			cells[i].AppendText(nil)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add([]byte("2026-11-22T17:51:15.123456+05:00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		at, err := parseTime(b)
		if err != nil {
			return
		}
		text := time.UnixMicro(at).UTC().Format(time.RFC3339Nano)
		if text[0] == '-' || strings.HasPrefix(text, "0000-") || len(text) > 30 { // an offset led out of the years 1 to 9999
			return
		}
		if again, err := parseTime([]byte(text)); err != nil || again != at {
			t.Fatalf("%q is %d, and again %d, %v", b, at, again, err)
		}
	})
}
