package crl_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/ber"
	"birgeoqy.kz/almasu/internal/signing/cert"
	"birgeoqy.kz/almasu/internal/signing/cert/crl"
	"birgeoqy.kz/almasu/internal/signing/cert/testca"
)

var (
	ca     = newAuthority(testca.GOST2015)
	person = ca.Issue(testca.NewKey(testca.GOST2015), testca.Template{Name: testca.Person("850101100012", ""),
		From: testca.Now.AddDate(-1, 0, 0), To: testca.Now.AddDate(1, 0, 0), PathLen: -1}).Certificate
)

func newAuthority(kind string) *testca.Identity {
	return testca.Root(testca.NewKey(kind), testca.Template{Name: testca.Authority("ҮЛГІ " + kind), PathLen: -1,
		From: testca.Now.AddDate(-1, 0, 0), To: testca.Now.AddDate(10, 0, 0)})
}

func list() testca.List {
	return testca.List{This: testca.Now.Add(-time.Hour), Next: testca.Now.Add(time.Hour), Number: 7, Base: -1}
}

// open builds and opens the index of a list.
func open(t testing.TB, der []byte, by *testca.Identity) *crl.Index {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.idx")
	if _, err := crl.Build(bytes.NewReader(der), by.Certificate, path); err != nil {
		t.Fatal(err)
	}
	x, err := crl.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func TestIndexAnswersLikeTheList(t *testing.T) {
	rsa := newAuthority(testca.RSA)
	rapid.Check(t, func(rt *rapid.T) {
		numbers := rapid.SliceOfDistinct(rapid.SliceOfN(rapid.Byte(), 1, 20), func(b []byte) string { return new(big.Int).SetBytes(b).String() }).Draw(rt, "serials")
		l := list()
		for i, b := range numbers {
			l.Entries = append(l.Entries, testca.Revoked{Serial: new(big.Int).SetBytes(b), At: testca.Now.Add(-time.Duration(i) * time.Minute), Reason: i%7 - 1})
		}
		path := filepath.Join(t.TempDir(), "list.idx")
		info, err := crl.Build(bytes.NewReader(rsa.CRL(l)), rsa.Certificate, path)
		if err != nil || info.Entries != uint64(len(numbers)) {
			rt.Fatalf("%+v, %v", info, err)
		}
		x, err := crl.Open(path)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = x.Close() }()
		if !x.ThisUpdate.Equal(l.This) || !x.NextUpdate.Equal(l.Next) || x.Number.Int64() != 7 || x.Base != nil || x.Digest != info.Digest {
			rt.Fatalf("%+v", x.Info)
		}
		for _, e := range l.Entries {
			got, found, err := x.Lookup(e.Serial)
			if err != nil || !found || !got.Since.Equal(e.At) || got.Reason != e.Reason {
				rt.Fatalf("%+v: %+v, %v, %v", e, got, found, err)
			}
		}
		probe := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(rt, "probe"))
		want := false
		for _, e := range l.Entries {
			want = want || e.Serial.Cmp(probe) == 0
		}
		if _, found, err := x.Lookup(probe); err != nil || found != want {
			rt.Fatalf("probe: %v, %v", found, err)
		}
	})
}

func TestBuildRefuses(t *testing.T) {
	other := newAuthority(testca.GOST2015) // the same name, another key
	bad := func(change func(*testca.List)) []byte {
		l := list()
		l.Entries = []testca.Revoked{{Serial: big.NewInt(5), At: testca.Now, Reason: 1}}
		change(&l)
		return ca.CRL(l)
	}
	good := bad(func(*testca.List) {})
	cases := map[string]struct {
		der  []byte
		code string // of package cert; empty for a malformed list
	}{
		"empty":              {nil, ""},
		"cut off":            {good[:len(good)-1], ""},
		"trailing octets":    {append(bytes.Clone(good), 0), ""},
		"another key's list": {other.CRL(list()), ""}, // by the key identifier
		"another issuer":     {newAuthority(testca.RSA).CRL(list()), ""},
		"indefinite length":  {append([]byte{0x30, 0x80}, good[4:]...), ""},
		"certificate":        {ca.Certificate.Raw, ""},
		"unknown critical":   {bad(func(l *testca.List) { l.Extra = [][]byte{testca.Extension("1.2.3.4", true, ber.Null())} }), ""},
		"only authorities": {bad(func(l *testca.List) {
			l.Extra = [][]byte{testca.Extension("2.5.29.28", true, ber.Seq([]byte{0x82, 1, 0xff}))}
		}), ""},
		"indirect": {bad(func(l *testca.List) {
			l.Extra = [][]byte{testca.Extension("2.5.29.28", true, ber.Seq([]byte{0x84, 1, 0xff}))}
		}), ""},
		"some reasons": {bad(func(l *testca.List) {
			l.Extra = [][]byte{testca.Extension("2.5.29.28", true, ber.Seq([]byte{0x83, 2, 1, 6}))}
		}), ""},
		"negative serial": {bad(func(l *testca.List) { l.Entries[0].Serial = big.NewInt(-5) }), ""},
	}
	for name, c := range cases {
		dir := t.TempDir()
		_, err := crl.Build(bytes.NewReader(c.der), ca.Certificate, filepath.Join(dir, "list.idx"))
		if err == nil || c.code == "" && !errors.Is(err, crl.ErrList) || c.code != "" && record.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: left %d files behind", name, len(left))
		}
	}
	mute := ca.Issue(ca.Key, testca.Template{Name: testca.Authority("ҮЛГІ " + testca.GOST2015), CA: true, PathLen: -1, KeyUsage: cert.KeyCertSign, From: testca.Now, To: testca.Now})
	if _, err := crl.Build(bytes.NewReader(good), mute.Certificate, filepath.Join(t.TempDir(), "x")); !errors.Is(err, crl.ErrList) {
		t.Errorf("authority that may not sign lists: %v", err)
	}
	for _, bare := range []bool{false, true} {
		if _, err := crl.Build(bytes.NewReader(bad(func(l *testca.List) { l.BareInner = bare })), ca.Certificate, filepath.Join(t.TempDir(), "x")); err != nil {
			t.Errorf("NULL only outside %v: %v", bare, err)
		}
	}
}

// Every mutation of a list is refused and leaves the index that was there.
func TestMutations(t *testing.T) {
	for _, family := range testca.Families {
		good := testca.File(family + "/list.crl")
		issuer := testca.Certificate(family + "/ca.cer")
		path := filepath.Join(t.TempDir(), "list.idx")
		if _, err := crl.Build(bytes.NewReader(good), issuer, path); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range good {
			mutated := bytes.Clone(good)
			mutated[i] ^= 1 << (i % 8)
			_, err := crl.Build(bytes.NewReader(mutated), issuer, path)
			if err == nil || !errors.Is(err, crl.ErrList) && record.CodeOf(err) == "" {
				t.Errorf("%s: octet %d: %v", family, i, err)
			}
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the index changed (%v)", family, err)
		}
	}
}

func TestDamagedIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.idx")
	if _, err := crl.Build(bytes.NewReader(testca.File("rsa/list.crl")), testca.Certificate("rsa/ca.cer"), path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if x, err := crl.Open(path); !errors.Is(err, crl.ErrIndex) {
			t.Errorf("%s: %v, %v", name, x, err)
		}
	}
	for i := range good {
		mutated := bytes.Clone(good)
		mutated[i] ^= 0x10
		try("mutated", mutated)
	}
	for n := range good {
		try("cut off", good[:n])
	}
	if _, err := crl.Open(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestChecker(t *testing.T) {
	revoked := func(reason int) []testca.Revoked {
		return []testca.Revoked{{Serial: person.SerialNumber, At: testca.Now.Add(-time.Minute), Reason: reason}}
	}
	change := func(f func(*testca.List)) *crl.Index {
		l := list()
		f(&l)
		return open(t, ca.CRL(l), ca)
	}
	clean := change(func(*testca.List) {})
	listed := change(func(l *testca.List) { l.Entries = revoked(5) })
	hold := change(func(l *testca.List) { l.Entries = revoked(6) })
	delta := func(base int64, entries []testca.Revoked, this time.Time) *crl.Index {
		return change(func(l *testca.List) { l.Base, l.Number, l.Entries, l.This = base, 8, entries, this })
	}
	later, earlier := testca.Now.Add(-time.Minute), testca.Now.Add(-2*time.Hour)
	stale := change(func(l *testca.List) { l.Next = testca.Now.Add(-time.Second) })
	endless := change(func(l *testca.List) { l.Next = time.Time{} })
	future := change(func(l *testca.List) { l.This = testca.Now.Add(time.Hour) })
	foreign := open(t, newAuthorityList(t), foreignAuthority)
	old := change(func(l *testca.List) { l.This, l.Entries = earlier, revoked(5) })
	cases := map[string]struct {
		checker crl.Checker
		code    string
	}{
		"not listed":               {crl.Checker{Lists: []*crl.Index{clean}}, ""},
		"listed":                   {crl.Checker{Lists: []*crl.Index{listed}}, "cert.revoked"},
		"no list":                  {crl.Checker{}, "cert.crl_missing"},
		"another authority's list": {crl.Checker{Lists: []*crl.Index{foreign}}, "cert.crl_missing"},
		"stale":                    {crl.Checker{Lists: []*crl.Index{stale}}, "cert.crl_stale"},
		"without an end":           {crl.Checker{Lists: []*crl.Index{endless}}, "cert.crl_stale"},
		"without an end, bounded":  {crl.Checker{Lists: []*crl.Index{endless}, MaxAge: 2 * time.Hour}, ""},
		"too old":                  {crl.Checker{Lists: []*crl.Index{clean}, MaxAge: time.Minute}, "cert.crl_stale"},
		"of the future":            {crl.Checker{Lists: []*crl.Index{future}}, "cert.crl_early"},
		"the latest counts":        {crl.Checker{Lists: []*crl.Index{old, clean}}, ""},
		"only a delta list":        {crl.Checker{Lists: []*crl.Index{delta(7, nil, later)}}, "cert.crl_missing"},
		"delta revokes":            {crl.Checker{Lists: []*crl.Index{clean, delta(7, revoked(4), later)}}, "cert.revoked"},
		"delta lifts a hold":       {crl.Checker{Lists: []*crl.Index{hold, delta(7, revoked(8), later)}}, ""},
		"hold":                     {crl.Checker{Lists: []*crl.Index{hold}}, "cert.revoked"},
		"delta of a later base":    {crl.Checker{Lists: []*crl.Index{clean, delta(8, revoked(4), later)}}, ""},
		"delta older than full":    {crl.Checker{Lists: []*crl.Index{hold, delta(7, revoked(8), earlier)}}, "cert.revoked"},
		"delta needed":             {crl.Checker{Lists: []*crl.Index{clean}, NeedDelta: true}, "cert.crl_missing"},
		"delta needed and there":   {crl.Checker{Lists: []*crl.Index{clean, delta(7, nil, later)}, NeedDelta: true}, ""},
	}
	q := cert.Query{Certificate: person, Issuer: ca.Certificate, At: testca.Now, Now: testca.Now}
	for name, c := range cases {
		checks, err := c.checker.Check(context.Background(), q)
		if record.CodeOf(err) != c.code || (err == nil) != (c.code == "") || len(checks) == 0 {
			t.Errorf("%s: %v (%v), want code %q", name, err, checks, c.code)
		}
	}
	before := q
	before.At = testca.Now.Add(-time.Hour)
	if _, err := (&crl.Checker{Lists: []*crl.Index{listed}}).Check(context.Background(), before); err != nil {
		t.Errorf("revoked after the time asked: %v", err)
	}
}

var foreignAuthority = newAuthority(testca.RSA)

func newAuthorityList(t *testing.T) []byte {
	t.Helper()
	return foreignAuthority.CRL(list())
}

// big420k is a list of the length of the national one.
func big420k(tb testing.TB) (path string, l testca.List) {
	tb.Helper()
	l = list()
	raw := make([]byte, 20)
	for range 420_000 {
		if _, err := rand.Read(raw); err != nil {
			tb.Fatal(err)
		}
		raw[0] &= 0x7f
		l.Entries = append(l.Entries, testca.Revoked{Serial: new(big.Int).SetBytes(raw), At: testca.Now, Reason: 5})
	}
	path = filepath.Join(tb.TempDir(), "big.crl")
	if err := os.WriteFile(path, ca.CRL(l), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path, l
}

// meter notes the largest heap while a list is read.
type meter struct {
	io.Reader
	reads int
	peak  uint64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.reads++; m.reads%16 == 0 {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		m.peak = max(m.peak, s.HeapAlloc)
	}
	return m.Reader.Read(p)
}

// The memory of building an index does not grow with the list, and a look-up takes
// less than a millisecond.
func TestLongList(t *testing.T) {
	if testing.Short() {
		t.Skip("a list of 420,000 entries is long")
	}
	path, l := big420k(t)
	serials := []*big.Int{l.Entries[0].Serial, l.Entries[len(l.Entries)/2].Serial, l.Entries[len(l.Entries)-1].Serial, big.NewInt(1)}
	l = testca.List{}
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	before := s.HeapAlloc
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	index := filepath.Join(t.TempDir(), "big.idx")
	m := &meter{Reader: f}
	start := time.Now()
	info, err := crl.Build(m, ca.Certificate, index)
	if err != nil || info.Entries != 420_000 {
		t.Fatalf("%+v, %v", info, err)
	}
	built := time.Since(start)
	grown := int64(m.peak) - int64(before)
	if grown > 16<<20 {
		t.Errorf("the heap grew by %d octets while the list was read", grown)
	}
	x, err := crl.Open(index)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	start = time.Now()
	for i := range 1000 {
		_, found, err := x.Lookup(serials[i%4])
		if err != nil || found != (i%4 != 3) {
			t.Fatal(i, found, err)
		}
	}
	lookup := time.Since(start) / 1000
	if lookup > time.Millisecond {
		t.Errorf("a look-up takes %s", lookup)
	}
	t.Logf("built in %s, heap grew by %d octets at most, look-up %s", built, grown, lookup)
}

func BenchmarkLookup(b *testing.B) {
	path, l := big420k(b)
	der, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	x := open(b, der, ca)
	for i := 0; b.Loop(); i++ {
		if _, found, err := x.Lookup(l.Entries[i%len(l.Entries)].Serial); err != nil || !found {
			b.Fatal(found, err)
		}
	}
}

// Lists of the national authority.
func TestSharedLists(t *testing.T) {
	for _, c := range []struct {
		file, issuer    string
		entries, number int64
		delta           bool
	}{
		{"nca_gost2022_test_2026-08.crl", "nca_gost2022_test.cer", 195, 166, false},
		{"nca_gost2004_test_2022.crl", "nca_gost_test.crt", 31, 7, false},
		{"nca_gost2022_test_delta.crl", "nca_gost2022_test.cer", 0, 10, true},
	} {
		issuer, err := cert.Parse(needs.ReferenceFile(t, "data/kz-signatures", "ca/"+c.issuer))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "list.idx")
		info, err := crl.Build(bytes.NewReader(needs.ReferenceFile(t, "data/kz-signatures", "crl/"+c.file)), issuer, path)
		if err != nil || int64(info.Entries) != c.entries || info.Number.Int64() != c.number || (info.Base != nil) != c.delta {
			t.Errorf("%s: %+v, %v", c.file, info, err)
			continue
		}
		x, err := crl.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		_ = x.Close()
	}
}

func FuzzBuild(f *testing.F) {
	for _, family := range []string{"gost2015", "rsa"} {
		f.Add(testca.File(family + "/list.crl"))
		f.Add(testca.File(family + "/delta.crl"))
	}
	dir := f.TempDir()
	issuer := testca.Certificate("rsa/ca.cer")
	good := testca.File("rsa/list.crl")
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := crl.Build(bytes.NewReader(b), issuer, filepath.Join(dir, "x")); err == nil && !bytes.Equal(b, good) && !bytes.Equal(b, testca.File("rsa/delta.crl")) {
			t.Error("a list that was not signed is accepted")
		}
	})
}
