package retention

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault"
	"birgeoqy.kz/almasu/internal/vault/period"
)

const (
	crowd     = 10
	recipient = "010140000005"
)

// given is a set that was recorded: who was in it, and when.
type given struct {
	class, owner string
	at           time.Time
	who          []int
	body         []byte
}

// rig is a store with a history of people.
type rig struct {
	testing.TB
	s    *store.Store
	path string // of a SQLite store
	key  *signing.Key
	tags []byte
	sets []given
	// ordinals are those of each person by year.
	ordinals map[string][]uint32
	n        int
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newRig(t testing.TB, kind store.Kind, dir string) *rig {
	t.Helper()
	secret, _, err := transferlog.GenerateKey(rand.Reader, "birgeoqy.kz/almasu/log")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, path: filepath.Join(dir, "store.db"), key: must(signing.GenerateKey(signing.Ed25519, nil)), tags: bytes.Repeat([]byte{7}, 32), ordinals: map[string][]uint32{}}
	dsn := r.path
	if kind == store.Postgres {
		dsn = pgtest.New(t).DSN
	}
	r.s = must(store.Open(kind, dsn, must(transferlog.New(secret))))
	t.Cleanup(func() { _ = r.s.Close() })
	r.s.Protect(must(vault.Parse([]byte(must(vault.GenerateKey())))))
	must(r.s.Migrate(context.Background()))
	return r
}

func (r *rig) roster(at time.Time) *roster.Roster {
	return must(people.Open(context.Background(), r.s.People(), r.s.Periods(), r.s.Vault(), at, r.tags))
}

func iin(who int) []byte { return fmt.Appendf(nil, "85010130%04d", who) }

func (r *rig) tag(who int) roster.Tag { return r.roster(time.Now()).TagOf(iin(who)) }

// send records a part with those sent and those refused, and settles its message.
func (r *rig) send(at time.Time, sent, refused []int, settle bool) {
	ctx := context.Background()
	b := record.NewBatch(nil, crowd)
	for who := range crowd {
		b.Add(record.Person{Key: fmt.Appendf(nil, "k%04d", who), IIN: iin(who)}, nil)
	}
	if err := r.roster(at).Resolve(ctx, b); err != nil {
		panic(err)
	}
	year := at.UTC().Format("2006")
	r.ordinals[year] = nil
	for who := range crowd {
		r.ordinals[year] = append(r.ordinals[year], b.Person(who).Ordinal)
	}
	t := transfer.Transfer{ID: record.NewID(), Connector: "c", Route: "r", Recipient: recipient, Trigger: transfer.Schedule, Due: at, Started: at, Actor: "schedule"}
	must(r.s.Begin(ctx, t))
	r.n++
	part := &transfer.Part{Number: 1, LastKey: []byte("k9999"), Read: len(sent) + len(refused), Refused: len(refused), Situations: []byte("table")}
	head := make([]byte, 48)
	_, _ = rand.Read(head)
	var none transferlog.RefusalSet
	for _, who := range refused {
		none.Add(1, b.Person(who).Ordinal)
	}
	part.Refusal = must(none.Encode(slices.Clone(head)))
	var some transferlog.DisclosureSet
	for _, who := range sent {
		some.Add(1, 1, b.Person(who).Ordinal)
	}
	i := &transfer.Intent{Message: record.NewID(), Records: len(sent), Disclosure: must(some.Encode(slices.Clone(head))), Outbox: []byte("sealed")}
	i.Seal = func(sequence uint64) (*signing.Envelope, *transferlog.Intent, error) {
		pinned := record.DigestOf([]byte("pinned"))
		p := signing.NewPayload([]byte("{}"), "application/json")
		env, err := signing.Seal(signing.Header{Transfer: t.ID, Message: i.Message, Sequence: sequence, Sender: "990140000009", Recipient: recipient, Route: "r", Connector: "c",
			Purpose: "4.1.2", Path: "statute", Operation: signing.OperationProvide, Clause: "5.3", Ground: "act 1", Fields: []string{"name"}, Records: i.Records, Sealed: at,
			Decision: pinned, Register: pinned, Policy: pinned, Mapping: pinned, Schema: pinned}, p, r.key)
		if err != nil {
			return nil, nil, err
		}
		return env, &transferlog.Intent{Transfer: t.ID, Message: i.Message, Sequence: sequence, Connector: "c", Route: "r", Recipient: recipient, Purpose: "4.1.2", Path: "statute",
			Clause: "5.3", Ground: "act 1", Decision: pinned, Register: pinned, Policy: pinned, Mapping: pinned, Schema: pinned, Envelope: env.Digest(), Payload: p.Digest(),
			Fields: []string{"name"}, Records: i.Records, Disclosure: i.Disclosure.Digest(), Actor: "schedule"}, nil
	}
	part.Intent = i
	generation, _, err := r.s.Blocked(ctx)
	if err == nil {
		err = r.s.Record(ctx, at, transfer.Work{Transfer: t.ID, Connector: "c", Recipient: recipient, Parts: []*transfer.Part{part}, Generation: generation})
	}
	if err == nil && settle {
		err = r.s.Record(ctx, at, transfer.Work{Transfer: t.ID, Connector: "c", Recipient: recipient, Settlements: []*transfer.Settlement{{Transfer: t.ID, Message: i.Message,
			Sequence: i.Envelope.Header().Sequence, Intent: i.Ticket.Index(), Outcome: transfer.Abandoned, Code: "some.reason", Records: i.Records}}})
	}
	if err != nil {
		panic(err)
	}
	r.sets = append(r.sets, given{class: period.Disclosure, owner: i.Message.String(), at: at, who: sent},
		given{class: period.Refusal, owner: sets.PartOwner(t.ID.String(), 1), at: at, who: refused})
	for k := range 2 {
		g := &r.sets[len(r.sets)-2+k]
		text := map[string]string{period.Disclosure: "SELECT disclosure FROM message WHERE id = $1", period.Refusal: "SELECT refusal FROM part WHERE transfer = $1"}[g.class]
		owner, _, _ := strings.Cut(g.owner, "/")
		if err := r.s.DB().Get(&g.body, text, owner); err != nil {
			panic(err)
		}
	}
}

func (r *rig) job(now time.Time) *Job {
	return &Job{Store: r.s, Roster: func() (*roster.Roster, error) { return r.roster(now), nil }, Now: now, Disclosures: 5, Refusals: 3, Pseudonyms: 5, Actor: "clerk", Reason: "test"}
}

// verified demands that the whole log verifies.
func (r *rig) verified(now time.Time) {
	in, out := io.Pipe()
	go func() {
		w := evidence.NewWriter(out, r.s.PublicKey(), now)
		err := r.s.Export(context.Background(), w)
		if err == nil {
			err = w.Close()
		}
		out.CloseWithError(err)
	}()
	if err := evidence.CheckAll(in, evidence.Options{LogKey: r.s.PublicKey()}); err != nil {
		panic(fmt.Sprintf("the log does not verify any more: %v", err))
	}
}

// check compares what can be opened with what should be: kept are the people who may not be destroyed.
func (r *rig) check(now time.Time, kept map[int]bool) error {
	ctx := context.Background()
	opener := sets.NewOpener(ctx, r.s.Periods(), r.s.Reader())
	var ids []string
	if err := r.s.DB().Select(&ids, "SELECT id FROM period_key WHERE destroyed IS NULL"); err != nil {
		return err
	}
	for _, g := range r.sets {
		in := period.Of(g.class, g.at)
		end, _ := period.End(in)
		years := map[string]int{period.Disclosure: 5, period.Refusal: 3}[g.class]
		over := !end.AddDate(years, 0, 0).After(now)
		inside := slices.ContainsFunc(g.who, func(who int) bool { return kept[who] })
		set, err := opener.Open(g.class, g.owner, in, g.body)
		switch {
		case over && !inside && !errors.Is(err, period.ErrDestroyed):
			return fmt.Errorf("%s of %s opens: %v", g.class, in, err)
		case (!over || inside) && (err != nil || set.Digest() != sets.Digest(in, g.body)):
			return fmt.Errorf("%s of %s does not open: %v", g.class, in, err)
		}
		if over && !inside { // with every key that is left
			for _, id := range ids {
				if v, err := r.s.Periods().Open(ctx, id); err != nil {
					return err
				} else if _, err := v.Open(g.class, g.owner, g.body[32:]); err == nil {
					return fmt.Errorf("%s of %s opens with the key of %s", g.class, in, id)
				}
			}
			if _, err := r.s.Vault().Open(g.class, g.owner, g.body[32:]); err == nil {
				return fmt.Errorf("%s of %s opens with the vault's key", g.class, in)
			}
		}
	}
	ros := r.roster(now)
	for year, ordinals := range r.ordinals {
		end, _ := period.End(year)
		over := !end.AddDate(5, 0, 0).After(now)
		for who, ordinal := range ordinals {
			found, err := ros.FindTags(ctx, map[roster.Tag]struct{}{ros.TagOf(iin(who)): {}})
			if err != nil {
				return err
			}
			if linked := slices.Contains(found, ordinal); linked != (!over || kept[who]) {
				return fmt.Errorf("person %d is linked with the ordinal of %s: %v", who, year, linked)
			}
		}
	}
	return r.searchFile()
}

// searchFile looks for destroyed keys in the bytes of a SQLite store.
func (r *rig) searchFile() error {
	var gone []string
	if err := r.s.DB().Select(&gone, "SELECT id FROM period_key WHERE destroyed IS NOT NULL"); err != nil || r.s.Kind() != store.SQLite {
		return err
	}
	sample := must(r.s.Vault().Seal(nil, "period", "", []byte(must(vault.GenerateKey())))) // as long as any
	for _, name := range []string{r.path, r.path + "-wal"} {
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for at := 0; ; at++ {
			k := bytes.Index(b[at:], sample[:9]) // version and key id of the vault
			if k < 0 {
				break
			}
			if at += k; at+len(sample) > len(b) {
				break
			}
			for _, id := range gone {
				if _, err := r.s.Vault().Open("period", id, b[at:at+len(sample)]); err == nil {
					return fmt.Errorf("the destroyed key of %s is still in %s", id, filepath.Base(name))
				}
			}
		}
	}
	return nil
}

func (r *rig) hold(at time.Time, id string, who int) error {
	tag := r.tag(who)
	return r.s.OpenDuty(context.Background(), at, store.Duty{ID: id, Kind: "claim", Opened: at, Due: at}, &tag, &transferlog.Act{Actor: "clerk", Act: "duty.open"})
}

// TestRandomHistories: whatever was sent, refused, blocked and held over the years, what is over and not kept opens with no key that is left, what is
// not over or is kept opens, and the log verifies; the same once holds have ended.
func TestRandomHistories(t *testing.T) {
	for kind, one := range map[store.Kind]int{store.SQLite: 12, store.Postgres: 33} { // one in so many of rapid's hundred: a store each is dear
		t.Run(string(kind), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				if rapid.IntRange(0, one-1).Draw(rt, "chance") != 0 {
					return
				}
				dir, err := os.MkdirTemp("", "retention")
				if err != nil {
					rt.Fatal(err)
				}
				defer os.RemoveAll(dir)
				history(t, rt, kind, dir)
			})
		})
	}
}

func history(t testing.TB, rt *rapid.T, kind store.Kind, dir string) {
	r := newRig(t, kind, dir)
	defer r.s.Close()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	ctx := context.Background()
	group := rapid.SliceOfNDistinct(rapid.IntRange(0, crowd-1), 1, 4, rapid.ID[int])
	for _, months := range rapid.SliceOfN(rapid.IntRange(0, 100), 1, 6).Draw(rt, "months ago") {
		r.send(now.AddDate(0, -months, -1), group.Draw(rt, "sent"), group.Draw(rt, "refused"), true)
	}
	kept := map[int]bool{}
	for i, who := range rapid.SliceOfNDistinct(rapid.IntRange(0, crowd-1), 0, 3, rapid.ID[int]).Draw(rt, "kept") {
		kept[who] = true
		var err error
		if i%2 == 0 {
			err = r.hold(now, fmt.Sprint("d", i), who)
		} else {
			err = r.s.Block(ctx, now, store.Block{ID: record.NewID(), Tag: r.tag(who), Requester: "user", Reason: "r", Received: now}, &transferlog.Block{Act: "block", Subject: 1, Requester: "user"})
		}
		if err != nil {
			rt.Fatal(err)
		}
	}
	dry := r.job(now)
	dry.Dry = true
	planned := must(dry.Run(ctx))
	done := must(r.job(now).Run(ctx))
	if !slices.EqualFunc(planned, done, func(a, b Step) bool {
		return a.Class == b.Class && a.Period == b.Period && a.Sets == b.Sets && a.Kept == b.Kept
	}) {
		rt.Fatalf("planned %v, done %v", planned, done)
	}
	if err := r.check(now, kept); err != nil {
		rt.Fatalf("%v\n%v", err, done)
	}
	r.verified(now)
	if more := must(r.job(now).Run(ctx)); len(more) > 0 {
		rt.Fatalf("there was something left: %v", more)
	}
	for i := range 3 {
		_ = r.s.CloseDuty(ctx, now, fmt.Sprint("d", i), "answered", true, &transferlog.Act{Actor: "clerk", Act: "duty.close"}) // those that there are
	}
	left := map[int]bool{}
	blocked := must(r.s.Kept(ctx))
	for who := range kept {
		if _, still := blocked[r.tag(who)]; still {
			left[who] = true
		}
	}
	done = must(r.job(now).Run(ctx))
	if err := r.check(now, left); err != nil {
		rt.Fatalf("after the holds: %v\n%v", err, done)
	}
	if maps.Equal(kept, left) && len(done) > 0 {
		rt.Fatalf("nothing has changed, and %v was done", done)
	}
	r.verified(now)
}

// TestMessagesThatWait are not destroyed, and a destroyed key does not come back.
func TestMessagesThatWait(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	r := newRig(t, store.SQLite, t.TempDir())
	r.send(now.AddDate(-7, 0, 0), []int{1}, []int{2}, false)
	steps := must(r.job(now).Run(t.Context()))
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Class == period.Disclosure })
	if i < 0 || steps[i].Waits == "" || len(steps) != 3 {
		t.Fatalf("%+v", steps)
	}
	if _, err := r.s.DB().Exec("UPDATE period_key SET body = x'00', destroyed = NULL WHERE destroyed IS NOT NULL"); err == nil {
		t.Error("a destroyed key came back")
	}
	if _, err := r.s.DB().Exec("DELETE FROM period_key"); err == nil {
		t.Error("keys were deleted")
	}
	if _, err := (&Job{Store: r.s, Now: now}).Run(t.Context()); err == nil {
		t.Error("a job without terms was run")
	}
}

// TestBlockedMeanwhile: somebody comes under a block between the look and the act. The step is prepared again, and keeps what holds them.
func TestBlockedMeanwhile(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	r := newRig(t, store.SQLite, t.TempDir())
	r.send(now.AddDate(-7, 0, 0), []int{1, 2}, []int{3}, true)
	block := func(who int) error {
		return r.s.Block(t.Context(), now, store.Block{ID: record.NewID(), Tag: r.tag(who), Requester: "user", Reason: "test", Received: now}, &transferlog.Block{Act: "block", Subject: 1, Requester: "user"})
	}
	if err := block(9); err != nil {
		t.Fatal(err)
	}
	j := r.job(now)
	plain, looks := j.Roster, 0
	j.Roster = func() (*roster.Roster, error) { // asked after the look, before the act
		if looks++; looks == 1 {
			if err := block(1); err != nil {
				return nil, err
			}
		}
		return plain()
	}
	steps := must(j.Run(t.Context()))
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Class == period.Disclosure })
	if i < 0 || steps[i].Kept != 1 || looks < 2 {
		t.Errorf("%+v after %d looks", steps, looks)
	}
	if err := r.check(now, map[int]bool{1: true, 9: true}); err != nil {
		t.Error(err)
	}
	r.verified(now)
}

// TestOverdue says since when something was to be destroyed, a month after a timer should have seen to it; nothing afterwards, nor what a block keeps.
func TestOverdue(t *testing.T) {
	sent := time.Date(2020, 3, 10, 0, 0, 0, 0, time.UTC)
	over := time.Date(2023, 4, 1, 0, 0, 0, 0, time.UTC) // refusals of March 2020, after three years
	r := newRig(t, store.SQLite, t.TempDir())
	r.send(sent, []int{1, 2}, []int{3}, true)
	insist := func(at, want time.Time) {
		t.Helper()
		if since, err := r.job(at).Overdue(t.Context()); err != nil || !since.Equal(want) {
			t.Errorf("on %s overdue since %v, want %v; %v", at, since, want, err)
		}
	}
	insist(over, time.Time{})
	insist(over.Add(Grace), over)
	if err := r.s.Block(t.Context(), over, store.Block{ID: record.NewID(), Tag: r.tag(3), Requester: "user", Reason: "test", Received: over}, &transferlog.Block{Act: "block", Subject: 1, Requester: "user"}); err != nil {
		t.Fatal(err)
	}
	must(r.job(over.Add(Grace)).Run(t.Context()))
	insist(over.Add(2*Grace), time.Time{})
	disclosures := time.Date(2025, 4, 1, 0, 0, 0, 0, time.UTC)
	insist(disclosures.Add(Grace), disclosures)
}

// TestRoles: the service's role on PostgreSQL cannot destroy, that of retention can, and neither can change the log.
func TestRoles(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	r := newRig(t, store.Postgres, t.TempDir())
	if _, err := r.s.DB().Exec(store.Roles); err != nil {
		t.Fatal(err)
	}
	r.send(now.AddDate(-7, 0, 0), []int{1, 2}, []int{3}, true)
	if err := r.hold(now, "d0", 1); err != nil {
		t.Fatal(err)
	}
	as := func(role string) *sqlx.DB {
		db := r.s.DB()
		db.SetMaxOpenConns(1)
		db.SetMaxIdleConns(1)
		db.MustExec("SET ROLE " + role)
		return db
	}
	db := as("almasu_service")
	for _, statement := range []string{"UPDATE period_key SET body = ''", "DELETE FROM period_key", "DELETE FROM kept_set", "UPDATE block SET tag = ''"} {
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("the service: %s: %v", statement, err)
		}
	}
	db.MustExec("RESET ROLE")
	db = as("almasu_retention")
	if _, err := db.Exec("DELETE FROM log_entry"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("retention deletes from the log: %v", err)
	}
	db.MustExec("RESET ROLE")
	db.SetMaxOpenConns(4)
	if _, err := r.job(now).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.check(now, map[int]bool{1: true}); err != nil {
		t.Fatal(err)
	}
}
