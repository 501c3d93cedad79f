package chosen

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/record"
)

// platform has the accounts 1 to people; broken after some reads nothing more.
type platform struct{ people, broken int }

func key(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func (p platform) Open(_ context.Context, q connectors.Query) (connectors.Stream, error) {
	s := &reading{p: p, at: 1, through: p.people}
	if q.After != nil {
		s.at = int(binary.BigEndian.Uint32(q.After)) + 1
	}
	if q.Through != nil {
		s.through = min(p.people, int(binary.BigEndian.Uint32(q.Through)))
	}
	return s, nil
}

type reading struct {
	p           platform
	at, through int
}

var errBroken = errors.New("the connection is gone")

func (s *reading) Next(_ context.Context, b *record.Batch, n int) error {
	b.Reset()
	for ; s.at <= s.through && b.Len() < n; s.at++ {
		if s.p.broken > 0 && s.at > s.p.broken {
			return errBroken
		}
		b.Add(record.Person{Key: key(s.at)}, [][]byte{key(s.at)})
	}
	if b.Len() == 0 {
		return io.EOF
	}
	return nil
}

func (s *reading) Snapshot() string { return "snapshot" }
func (s *reading) Horizon() string  { return "1" }
func (s *reading) Close() error     { return nil }

// read reads a source to the end in batches of n, each of which has somebody and at most n.
func read(t interface{ Fatalf(string, ...any) }, s connectors.Source, q connectors.Query, n int) (got []int, err error) {
	stream, err := s.Open(context.Background(), q)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer stream.Close()
	b := record.NewBatch(q.Fields, n)
	for {
		err := stream.Next(context.Background(), b, n)
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if b.Len() == 0 || b.Len() > n {
			t.Fatalf("a batch of %d", b.Len())
		}
		for i := range b.Len() {
			v, _ := b.Value(i, 0)
			if string(v) != string(b.Person(i).Key) {
				t.Fatalf("another's value")
			}
			got = append(got, int(binary.BigEndian.Uint32(b.Person(i).Key)))
		}
	}
}

// TestReadsTheChosenAndNobodyElse: whoever is chosen, there, and inside the bounds is read once, in order.
func TestReadsTheChosenAndNobodyElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(0, 60).Draw(t, "people")
		chosen := rapid.SliceOfNDistinct(rapid.IntRange(1, 80), 0, 40, rapid.ID[int]).Draw(t, "chosen")
		slices.Sort(chosen)
		s := &Source{Of: platform{people: people}}
		for _, c := range chosen {
			s.Keys = append(s.Keys, key(c))
		}
		if len(chosen) > 0 && rapid.Bool().Draw(t, "known below") {
			s.After = key(rapid.IntRange(0, chosen[0]-1).Draw(t, "below"))
		}
		q, after, through := connectors.Query{Fields: []string{"f"}}, 0, 1000
		if rapid.Bool().Draw(t, "bounded") {
			after, through = rapid.IntRange(0, 80).Draw(t, "after"), rapid.IntRange(0, 80).Draw(t, "through")
			q.After, q.Through = key(after), key(through)
		}
		got, err := read(t, s, q, rapid.IntRange(1, 20).Draw(t, "batch"))
		want := slices.DeleteFunc(slices.Clone(chosen), func(c int) bool { return c > people || c <= after || c > through })
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("read %v, want %v, %v", got, want, err)
		}
	})
}

// TestABrokenReadIsNoEnd: an error of the source behind is never taken for its end.
func TestABrokenReadIsNoEnd(t *testing.T) {
	got, err := read(t, &Source{Of: platform{people: 50, broken: 20}, Keys: [][]byte{key(3), key(40)}}, connectors.Query{Fields: []string{"f"}}, 10)
	if !errors.Is(err, errBroken) || len(got) > 1 {
		t.Errorf("read %v, %v", got, err)
	}
}
