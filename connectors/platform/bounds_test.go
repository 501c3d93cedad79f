package platform

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/connectors/platform/cell"
	"birgeoqy.kz/almasu/internal/record"
)

func keysOf(all []seen) (keys []string) {
	for _, one := range all {
		keys = append(keys, string(one.Person.Key))
	}
	return keys
}

// TestBoundsCutTheRead reads between every two keys and compares with what a whole read has there.
func TestBoundsCutTheRead(t *testing.T) {
	const row = ",'','','on','')"
	for name, c := range map[string]struct {
		column, kind string
		keys         []string
	}{
		"bigint":       {"bigint", KeyInteger, []string{"-9223372036854775808", "-5", "0", "7", "10", "9223372036854775807"}},
		"integer":      {"integer", KeyInteger, []string{"-5", "0", "7", "10", "2147483647"}},
		"smallint":     {"smallint", KeyInteger, []string{"-5", "0", "32767"}},
		"text":         {"text", KeyText, []string{"''", "'a''b'", "'B'", "'b'", "'b%'", "'10'", "'9'", "'ә'"}},
		"varchar":      {"varchar(20)", KeyText, []string{"'a'", "'Z'", "'ж'"}},
		"uuid":         {"uuid", KeyUUID, []string{"'10000000-0000-0000-0000-000000000000'", "'0f000000-0000-4000-8000-00000000000a'", "'f0000000-0000-0000-0000-000000000000'"}},
		"uuid as text": {"text", KeyUUID, []string{"'10000000-0000-0000-0000-000000000000'", "'0f000000-0000-4000-8000-00000000000a'", "'f0000000-0000-0000-0000-000000000000'"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
				config := people(t, db, dialect, c.column, "")
				config.Profiles.KeyType = c.kind
				for _, key := range c.keys {
					db.MustExec("INSERT INTO people VALUES (" + key + row)
				}
				src := source(t, config, db)
				all, err := readAll(t, src, connectors.Query{}, 3)
				if err != nil || len(all) != len(c.keys) {
					t.Fatalf("%d people, %v", len(all), err)
				}
				whole := keysOf(all)
				for i := -1; i < len(whole); i++ {
					for j := -1; j < len(whole); j++ {
						q, from, to := connectors.Query{}, i+1, len(whole)
						if i >= 0 {
							q.After = []byte(whole[i])
						}
						if j >= 0 {
							q.Through, to = []byte(whole[j]), j+1
						}
						got, err := readAll(t, src, q, 2)
						if err != nil || !slices.Equal(keysOf(got), whole[min(from, to):to]) {
							t.Errorf("above %d and not above %d: %d people, %v", i, j, len(got), err)
						}
					}
				}
			})
		})
	}
}

// TestBoundsOfTheSyntheticPeople goes on after each batch anew, as an interrupted transfer does, with consents and blocks as in one read.
func TestBoundsOfTheSyntheticPeople(t *testing.T) {
	onPeople(t, func(t *testing.T, db *sqlx.DB, c Config) {
		src := source(t, c, db)
		whole, err := readAll(t, src, connectors.Query{Fields: allFields}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(whole); from += 233 {
			q := connectors.Query{Fields: allFields, Through: whole[min(from+232, len(whole)-1)].Person.Key}
			if from > 0 {
				q.After = whole[from-1].Person.Key
			}
			got, err := readAll(t, src, q, 50)
			if err != nil || len(got) != min(233, len(whole)-from) {
				t.Fatalf("from %d: %d people, %v", from, len(got), err)
			}
			for i := range got {
				if !same(got[i], whole[from+i]) || string(got[i].Person.Key) != string(whole[from+i].Person.Key) {
					t.Fatalf("person %d differs from the whole read", from+i)
				}
			}
		}
	})
}

func TestBoundsOfAnotherTypeAreRefused(t *testing.T) {
	for kind, keys := range map[string][][]byte{
		KeyInteger: {{}, {1}, make([]byte, 9), make([]byte, 16)},
		KeyUUID:    {{}, make([]byte, 8), []byte("10000000-0000-0000-0000-000000000000")},
		KeyText:    {{0xff}},
	} {
		for i, key := range keys {
			config := example(t, SQLite)
			config.Profiles.KeyType = kind
			for _, q := range []connectors.Query{{After: key}, {Through: key}} {
				_, err := source(t, config, nil).Open(t.Context(), q)
				if record.CodeOf(err) != "source.bound" {
					t.Errorf("%s, key %d: %v", kind, i, err)
				}
			}
		}
	}
}

// TestBoundsThatTheDatabaseComparesOtherwise has keys that are texts of numbers: the database's order is not that of the keys.
func TestBoundsThatTheDatabaseComparesOtherwise(t *testing.T) {
	onBoth(t, func(t *testing.T, db *sqlx.DB, dialect string) {
		config := people(t, db, dialect, "text", "('100','','','on','')")
		config.Profiles.KeyType = KeyInteger
		key := func(n int64) []byte {
			b, err := (&cell.Cell{Kind: cell.TypeText, B: fmt.Append(nil, n)}).AppendKey(nil, KeyInteger)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		_, err := readAll(t, source(t, config, db), connectors.Query{Through: key(90)}, 1)
		if record.CodeOf(err) != "source.order" {
			t.Errorf("got %v", err)
		}
	})
}
