package transfer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"birgeoqy.kz/almasu/connectors/connectortest"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transfer"
)

// names reads the family names in a document, by IIN, in order.
func names(r *rig, m connectortest.Message) (iin, name []string) {
	var d struct {
		Pupils []struct {
			IIN    string `json:"iin"`
			Family string `json:"family_name"`
		} `json:"pupils"`
	}
	r.must(json.Unmarshal(m.Payload, &d))
	for _, p := range d.Pupils {
		iin, name = append(iin, p.IIN), append(name, p.Family)
	}
	return iin, name
}

// holding is a naive receiver: it does what the messages that it has kept say, in the order of their numbers.
func (r *rig) holding() map[string]string {
	r.Helper()
	type spot struct {
		message record.ID
		index   int
	}
	used := map[spot]bool{}
	kept := r.peer.Kept()
	slices.SortFunc(kept, func(a, b connectortest.Message) int { return int(int64(a.Header.Sequence) - int64(b.Header.Sequence)) })
	_, documents := r.carried()
	for _, m := range kept {
		switch m.Header.Operation {
		case signing.OperationProvide:
			for i := m.Rejects; i < m.Header.Records; i++ { // the first ones are rejected
				used[spot{m.Header.Message, i}] = true
			}
		case signing.OperationNotice:
			for _, d := range documents {
				if d.Message != m.Header.Message {
					continue
				}
				for _, x := range d.Records {
					delete(used, spot{x.Message, x.Index})
				}
			}
		}
	}
	out := map[string]string{}
	for _, m := range kept {
		if m.Header.Operation != signing.OperationProvide {
			continue
		}
		iin, name := names(r, m)
		for i := range iin {
			if used[spot{m.Header.Message, i}] {
				out[iin[i]] = name[i]
			}
		}
	}
	return out
}

// TestComparisonAgainstModel runs random histories (two, or with ALMASU_STORMS two thirds of its number) of the platform, of the receiver and of kills between any two steps. Whenever all is quiet, the receiver holds exactly the people who may be
// sent, as they are; a run on an unchanged platform sends and withdraws nobody; and the log verifies after each step.
func TestComparisonAgainstModel(t *testing.T) {
	for h := range 2 * storms(t) / 3 {
		kind := []store.Kind{store.SQLite, store.Postgres}[h%2]
		seed := uint64(time.Now().UnixNano())
		t.Run(fmt.Sprintf("%s/%d", kind, seed), func(t *testing.T) {
			r, random := newRigOf(t, kind, 60, 7), rand.New(rand.NewPCG(seed, 1))
			r.exec("CREATE TABLE gone AS SELECT * FROM profiles WHERE 0")
			r.comparing()
			r.conn.Patience = 0
			r.settleAll()
			lawful := r.holding() // who may be sent, with their names; the history changes both
			erased := map[string]string{}
			for step := range 6 {
				for range 1 + random.IntN(4) {
					r.disturb(random, step, lawful, erased)
				}
				r.adventure(random)
				r.settleAll()
				if got := r.holding(); !maps.Equal(got, lawful) {
					t.Fatalf("step %d: the receiver holds %d people, expected %d, or others", step, len(got), len(lawful))
				}
				report, sent := r.sent()
				if len(sent) > 0 || report.Withdrawn > 0 || report.Totals.Unchanged != len(lawful) {
					t.Fatalf("step %d, nothing changed: %d sent, %d withdrawn: %s", step, len(sent), report.Withdrawn, report.Totals)
				}
			}
		})
	}
}

// disturb changes one person on the platform.
func (r *rig) disturb(random *rand.Rand, step int, lawful, erased map[string]string) {
	r.Helper()
	some := func(of map[string]string) string {
		all := slices.Sorted(maps.Keys(of))
		return all[random.IntN(len(all))]
	}
	switch act := random.IntN(5); {
	case act == 0 && len(lawful) > 20: // they leave the platform
		iin := some(lawful)
		r.exec("INSERT INTO gone SELECT * FROM profiles WHERE iin = ?", iin)
		r.exec("DELETE FROM profiles WHERE iin = ?", iin)
		delete(lawful, iin)
	case act == 1: // everybody who left is back
		var back []struct {
			IIN  string `db:"iin"`
			Name string `db:"family_name"`
		}
		r.must(r.platform.Select(&back, "SELECT iin, family_name FROM gone"))
		r.exec("INSERT INTO profiles SELECT * FROM gone")
		r.exec("DELETE FROM gone")
		for _, p := range back {
			lawful[p.IIN] = p.Name
		}
	case act == 2 && len(lawful) > 20: // the law lets them go
		iin := some(lawful)
		erased[iin] = lawful[iin]
		delete(lawful, iin)
		r.exec("UPDATE accounts SET state = 'erased' WHERE user_id = (SELECT id FROM profiles WHERE iin = ?)", iin)
	case act == 3 && len(erased) > 0: // and takes them again
		iin := some(erased)
		lawful[iin] = erased[iin]
		delete(erased, iin)
		r.exec("UPDATE accounts SET state = 'active' WHERE user_id = (SELECT id FROM profiles WHERE iin = ?)", iin)
	default:
		iin := some(lawful)
		lawful[iin] = fmt.Sprintf("Сейіт%c", 'а'+rune(step))
		r.rename(lawful[iin], iin)
	}
}

// adventure is a run that something happens to: the receiver misbehaves, the process is killed before or after a transaction, or the read fails.
func (r *rig) adventure(random *rand.Rand) {
	r.Helper()
	acts := []connectortest.Act{connectortest.Honest, connectortest.RejectsOne, connectortest.Silent, connectortest.CutAfter, connectortest.ServerErrorAfter, connectortest.Refuses}
	for range random.IntN(4) {
		r.peer.Play(acts[random.IntN(len(acts))])
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	at, n := random.IntN(6), 0
	cut := func(transfer.Work) error {
		if n++; n == at {
			cancel()
			return errCut
		}
		return nil
	}
	switch random.IntN(4) {
	case 0:
		r.before = cut
	case 1:
		r.after = cut
	case 2:
		r.next = func(batch int) error {
			if batch == at {
				return errors.New("the platform goes away")
			}
			return nil
		}
	}
	_, _ = r.run(ctx, r.order()) // whatever comes of it
	r.restart()
	r.comparing()
	r.conn.Patience = 0
}

// settleAll goes on with what was not closed, and runs until nothing is sent any more.
func (r *rig) settleAll() {
	r.Helper()
	r.peer.Play()
	r.peer.TakeNotices()
	for range 6 {
		open, err := r.store.Unclosed(r.Context(), connector)
		r.must(err)
		for _, t := range open {
			o := transfer.Order{Transfer: t}
			o.Notice, err = r.engine.Notice(r.Context(), t.ID)
			r.must(err)
			r.finish(o)
		}
		report := r.finish(r.order())
		if len(open) == 0 && report.Totals.Messages == 0 && report.Withdrawn == 0 && report.Totals.Pending == 0 && report.Code == "" {
			return
		}
	}
	r.Fatal("it does not come to rest")
}
