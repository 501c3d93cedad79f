package signing

import (
	"bytes"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// files holds a private key a name.
func files(t testing.TB, keys map[string]*Key) func(string) ([]byte, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, k := range keys {
		b, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		fsys[name] = &fstest.MapFile{Data: b}
	}
	return func(path string) ([]byte, error) { return fs.ReadFile(fsys, path) }
}

func TestKeysetRotation(t *testing.T) {
	first, second, third := mustKey(Ed25519), mustKey(RSAV15SHA256), mustKey(ECDSAP256SHA256)
	day := 24 * time.Hour
	start := testTime.Truncate(time.Second)
	set, err := new(Keyset).Rotate(first.Public(), "1.pem", start, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Rotate(second.Public(), "2.pem", start.Add(30*day), start.Add(90*day), 7*day); err != nil {
		t.Fatal(err)
	}
	again, err := ParseKeyset("keys", set.Format())
	if err != nil || !reflect.DeepEqual(again, set) {
		t.Fatalf("%v\n%s", err, set.Format())
	}
	read := files(t, map[string]*Key{"1.pem": first, "2.pem": second})
	ring, err := again.Ring("123456789012", read)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at               time.Time
		signs            string
		accepts1, accept bool
	}{
		{start.Add(-1), "", false, false},
		{start, first.ID(), true, false},
		{start.Add(30 * day), second.ID(), true, true},
		{start.Add(37 * day), second.ID(), false, true},
		{start.Add(90 * day), "", false, false},
	} {
		current, err := again.Current(c.at)
		if current.KeyID != c.signs || (err != nil) != (c.signs == "") || err != nil && record.CodeOf(err) != "keyset.no_key" {
			t.Fatalf("%s: %+v %v", c.at, current, err)
		}
		_, err1 := ring.Find(first.ID(), c.at)
		_, err2 := ring.Find(second.ID(), c.at)
		if (err1 == nil) != c.accepts1 || (err2 == nil) != c.accept {
			t.Fatalf("%s: %v, %v", c.at, err1, err2)
		}
		if c.signs != "" {
			k, err := current.Key(read)
			if err != nil || k.ID() != c.signs || k.Alg() != current.Alg {
				t.Fatal(k, err)
			}
		}
	}
	_, err = set.Rotate(first.Public(), "3.pem", start, time.Time{}, 0)
	wantCode(t, err, "keyset.duplicate")
	_, err = set.Rotate(third.Public(), "3.pem", start, start, 0)
	wantCode(t, err, "keyset.period")
	_, err = set.Rotate(third.Public(), "a key.pem", start, time.Time{}, 0)
	wantCode(t, err, "keyset.columns")
	_, err = set.Rotate(third.Public(), "3.pem", start, time.Time{}, -1)
	wantCode(t, err, "keyset.columns")
}

func TestKeysetNoticesSwappedFiles(t *testing.T) {
	a, b := mustKey(Ed25519), mustKey(Ed25519)
	set, _ := new(Keyset).Rotate(a.Public(), "a.pem", testTime, time.Time{}, 0)
	set, _ = set.Rotate(b.Public(), "b.pem", testTime, time.Time{}, 0)
	_, err := set.Ring("h", files(t, map[string]*Key{"a.pem": b, "b.pem": a}))
	problems, _ := err.(record.Problems)
	if len(problems) != 2 || problems[0].Code != "keyset.other_key" || problems[1].Code != "keyset.other_key" {
		t.Fatal(err)
	}
	_, err = set.Entries[0].Key(files(t, map[string]*Key{"a.pem": b}))
	wantCode(t, err, "keyset.other_key")
	_, err = set.Ring("h", files(t, map[string]*Key{"a.pem": a}))
	wantCode(t, err, "keyset.unreadable")
	_, err = set.Ring("h", func(string) ([]byte, error) { return []byte("x"), nil })
	wantCode(t, err, "signing.bad_key")
	_, err = set.Ring("h", files(t, map[string]*Key{"a.pem": mustKey(RSAPSSSHA512), "b.pem": b}))
	wantCode(t, err, "signing.unsupported_key")
	ring, err := set.Ring("h", func(path string) ([]byte, error) { // public halves, as a counterparty hands them over
		return map[string]*Key{"a.pem": a, "b.pem": b}[path].Public().PEM(), nil
	})
	if err != nil || len(ring.Keys()) != 2 {
		t.Fatal(err)
	}
}

func TestBadKeysets(t *testing.T) {
	good := "almasu:6g6aPvPPC9BxKUNhQnKwHQ ed25519 2026-09-01T00:00:00Z - a.pem"
	for name, c := range map[string]struct {
		text string
		want []string // line and code of each problem
	}{
		"empty":     {"", []string{"keys:1 keyset.title"}},
		"title":     {"almasu-keyset v2\n" + good, []string{"keys:1 keyset.title"}},
		"no keys":   {keysetTitle + "\n# " + good + "\n\n", []string{"keys keyset.empty"}},
		"too long":  {keysetTitle + strings.Repeat("\n", maxKeysetLines), []string{"keys keyset.too_long"}},
		"duplicate": {keysetTitle + "\n" + good + "\n" + good, []string{"keys:3 keyset.duplicate"}},
		"all at once": {keysetTitle + "\nalmasu:short hmac yesterday 2026-02-30T00:00:00Z a.pem\nx y\n" +
			strings.Replace(good, "-09-01T00:00:00Z -", "-09-01T00:00:00Z 2026-09-01T00:00:00Z", 1),
			[]string{"keys:2 keyset.time", "keys:2 keyset.time", "keys:2 keyset.key_id", "keys:2 keyset.algorithm", "keys:3 keyset.columns", "keys:4 keyset.period"}},
		"odd id": {keysetTitle + "\n" + strings.Replace(good, "6g6a", "6g/a", 1), []string{"keys:2 keyset.key_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKeyset("keys", []byte(c.text))
			var got []string
			problems, _ := err.(record.Problems)
			for _, p := range problems {
				got = append(got, p.Where+" "+p.Code)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %q, expected %q", got, c.want)
			}
		})
	}
}

func FuzzKeyset(f *testing.F) {
	set, _ := new(Keyset).Rotate(testKey.Public(), "a.pem", testTime, testTime.Add(time.Hour), 0)
	f.Add(set.Format())
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := ParseKeyset("keys", b)
		if err != nil {
			return
		}
		again, err := ParseKeyset("keys", set.Format())
		if err != nil || !reflect.DeepEqual(again, set) || !bytes.Equal(again.Format(), set.Format()) {
			t.Fatalf("%v\n%s", err, set.Format())
		}
	})
}
