package store

import (
	"errors"
	"maps"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

func TestDuties(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		act := func(what string) *transferlog.Act {
			return &transferlog.Act{Actor: "clerk", Act: what, Object: "d1", Reason: "a letter"}
		}
		claim := Duty{ID: "d1", Kind: "claim", Subject: "4,9", Opened: r.now, Due: r.now.Add(30 * 24 * time.Hour), Note: "a letter", Source: "8.2"}
		breach := Duty{ID: "d0", Kind: "breach", About: "transfer", Opened: r.now, Due: r.now.Add(24 * time.Hour), Source: "94-V 25(2)"}
		tag := roster.Tag{1, 2, 3}
		r.must(r.s.OpenDuty(ctx, r.tick(), claim, &tag, act("duty.open")))
		r.must(r.s.OpenDuty(ctx, r.tick(), breach, nil, act("duty.open")))
		if err := r.s.OpenDuty(ctx, r.tick(), claim, &tag, act("duty.open")); !errors.Is(err, ErrDutyTaken) {
			t.Errorf("one id for two duties: %v", err)
		}
		list, err := r.s.Duties(ctx, false)
		if err != nil || len(list) != 2 || list[0] != breach || list[1] != claim {
			t.Fatalf("duties %+v, %v", list, err)
		}
		held, err := r.s.Held(ctx)
		if _, ok := held[tag]; err != nil || !ok || len(held) != 1 {
			t.Errorf("held %v, %v", held, err)
		}
		at := r.tick()
		r.must(r.s.CloseDuty(ctx, at, "d1", "court", false, act("duty.close")))
		if held, err = r.s.Held(ctx); err != nil || len(held) != 1 {
			t.Errorf("a hold did not outlast its claim: %v, %v", held, err)
		}
		if err := r.s.CloseDuty(ctx, r.tick(), "d1", "answered", true, act("duty.close")); !errors.Is(err, ErrNotOpen) {
			t.Errorf("closed twice: %v", err)
		}
		got, err := r.s.Duty(ctx, "d1")
		claim.Closed, claim.Outcome = at, "court"
		if err != nil || got != claim {
			t.Errorf("duty %+v, %v", got, err)
		}
		if _, err := r.s.Duty(ctx, "none"); !errors.Is(err, ErrNoDuty) {
			t.Errorf("unknown duty: %v", err)
		}
		other := Duty{ID: "d2", Kind: "claim", Opened: r.now, Due: r.now, Source: "8.2"}
		r.must(r.s.OpenDuty(ctx, r.tick(), other, &roster.Tag{9}, act("duty.open")))
		r.must(r.s.CloseDuty(ctx, r.tick(), "d2", "answered", true, act("duty.close")))
		if held, err = r.s.Held(ctx); err != nil || len(held) != 1 {
			t.Errorf("held %v, %v", held, err)
		}
		notified := Duty{ID: "notify:t", Kind: "notify_subject", Opened: r.now, Due: r.now, Closed: r.tick(), Outcome: "done", Source: "94-V 19(1)"}
		r.must(r.s.OpenDuty(ctx, r.tick(), notified, nil, act("duty.close")))
		if list, err = r.s.Duties(ctx, false); err != nil || len(list) != 1 {
			t.Errorf("open duties %+v, %v", list, err)
		}
		if list, err = r.s.Duties(ctx, true); err != nil || len(list) != 4 {
			t.Errorf("all duties %+v, %v", list, err)
		}
		r.check()
	})
}

func TestDutiesAreConstrained(t *testing.T) {
	onBoth(t, func(r *rig) {
		for _, statement := range []string{
			"INSERT INTO duty (id, kind, subject, about, opened, due, outcome, note, source) VALUES ('a', 'claim', '', '', 1, 2, 'done', '', '')",
			"INSERT INTO duty (id, kind, subject, about, opened, due, closed, note, source) VALUES ('a', 'claim', '', '', 1, 2, 3, '', '')",
			"INSERT INTO duty (id, kind, subject, about, opened, due, note, source) VALUES ('a', '', '', '', 1, 2, '', '')",
			"INSERT INTO legal_hold (duty, tag, placed) VALUES ('nobody', '0123456789abcdef', 1)",
		} {
			if _, err := r.s.DB().Exec(statement); err == nil {
				t.Errorf("taken: %s", statement)
			}
		}
	})
}

func TestKeptAreTheBlockedAndTheHeld(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		block := func(tag byte) {
			r.must(r.s.Block(ctx, r.tick(), Block{ID: record.NewID(), Tag: roster.Tag{tag}, Requester: "user", Reason: "r", Received: r.now}, &transferlog.Block{Act: "block", Subject: 1, Requester: "user"}))
		}
		claim := func(id string, tag byte) {
			r.must(r.s.OpenDuty(ctx, r.tick(), Duty{ID: id, Kind: "claim", Opened: r.now, Due: r.now}, &roster.Tag{tag}, &transferlog.Act{Actor: "clerk", Act: "duty.open"}))
		}
		block(1)
		block(2)
		claim("d2", 2)
		claim("d3", 3)
		claim("d4", 4)
		r.must(r.s.CloseDuty(ctx, r.tick(), "d4", "answered", true, &transferlog.Act{Actor: "clerk", Act: "duty.close"}))
		kept, err := r.s.Kept(ctx)
		r.must(err)
		want := map[roster.Tag]Kept{{1}: {Blocked: true}, {2}: {Blocked: true, Held: true}, {3}: {Held: true}}
		if !maps.Equal(kept, want) {
			t.Errorf("kept are %v", kept)
		}
	})
}

// TestDutiesByRole does everything as the service's role, and tries what it must not do.
func TestDutiesByRole(t *testing.T) {
	r := newRig(t, Postgres)
	db := r.as("almasu_service")
	r.dsn = r.pg.Cluster.DSNFor(r.pg.Name, "almasu_service")
	r.open()
	act := &transferlog.Act{Actor: "clerk", Act: "duty.open"}
	r.must(r.s.OpenDuty(t.Context(), r.tick(), Duty{ID: "d1", Kind: "claim", Opened: r.now, Due: r.now}, &roster.Tag{1}, act))
	r.must(r.s.CloseDuty(t.Context(), r.tick(), "d1", "answered", true, act))
	_, err := r.s.Held(t.Context())
	r.must(err)
	for _, statement := range []string{"DELETE FROM duty", "DELETE FROM legal_hold", "UPDATE duty SET due = 0", "UPDATE legal_hold SET tag = ''"} {
		if _, err := db.Exec(statement); !refused(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	auditor := r.as("almasu_auditor")
	if _, err := auditor.Exec("SELECT tag FROM legal_hold"); !refused(err) {
		t.Errorf("the auditor reads pseudonyms: %v", err)
	}
}

func TestDecisionsAreRead(t *testing.T) {
	onBoth(t, func(r *rig) {
		ctx := t.Context()
		tr := r.begin("pupils", ministry)
		a, b := r.part(tr, 1, 0, 3, 1), r.part(tr, 2, 3, 3, 0)
		a.Refusal = make(transfer.Set, 60)
		a.Situations = []byte(`{"v":1}`)
		r.must(r.s.Record(ctx, r.tick(), r.work(tr, a, b)))
		body, err := r.s.Situations(ctx, record.DigestOf(a.Situations))
		if err != nil || string(body) != string(a.Situations) {
			t.Errorf("situations %q, %v", body, err)
		}
		if _, err := r.s.Situations(ctx, record.DigestOf([]byte("x"))); !errors.Is(err, ErrNoSituations) {
			t.Errorf("unknown situations: %v", err)
		}
		var parts []int
		r.must(r.s.RefusalSets(ctx, tr.ID, func(part int, set transfer.Set) error {
			if len(set) != 60 {
				t.Errorf("a set of %d bytes", len(set))
			}
			parts = append(parts, part)
			return nil
		}))
		if len(parts) != 1 || parts[0] != 1 {
			t.Errorf("refusing parts %v", parts)
		}
		if s, err := r.s.Settled(ctx, a.Intent.Message); err != nil || s != (Settled{}) {
			t.Errorf("a pending message is settled: %+v, %v", s, err)
		}
		w := r.work(tr)
		w.Settlements = []*transfer.Settlement{r.settle(a.Intent, transfer.Delivered, true)}
		r.must(r.s.Record(ctx, r.tick(), w))
		if s, err := r.s.Settled(ctx, a.Intent.Message); err != nil || s.Outcome != "delivered" || s.Receipt.IsZero() || s.Entry != 2 || !s.At.Equal(r.now) {
			t.Errorf("settled %+v, %v", s, err)
		}
		r.must(r.s.Block(ctx, r.tick(), Block{ID: record.NewID(), Tag: roster.Tag{1}, Requester: "user", Reason: "r", Received: r.now}, &transferlog.Block{Act: "block", Subject: 1, Requester: "user"}))
		if list, err := r.s.OpenBlocks(ctx); err != nil || len(list) != 1 || list[0].Requester != "user" || !list[0].Received.Equal(r.now) {
			t.Errorf("open blocks %+v, %v", list, err)
		}
	})
}
