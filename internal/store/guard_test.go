package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/store/people"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/scheduler"
)

// evidenceTables are the tables that are only inserted into.
var evidenceTables = []string{"log_entry", "log_hash", "log_checkpoint", "situations", "part", "message", "settlement", "notice", "retry", "key_check"}

// as opens the database of a rig on PostgreSQL as a role.
func (r *rig) as(role string) *sqlx.DB {
	r.Helper()
	r.pg.MustExec("ALTER ROLE " + role + " LOGIN")
	db, err := sqlx.Open("postgres", r.pg.Cluster.DSNFor(r.pg.Name, role))
	r.must(err)
	r.Cleanup(func() { _ = db.Close() })
	return db
}

func refused(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && e.Code == "42501"
}

// everything does each thing that the store can do, once.
func (r *rig) everything() {
	r.Helper()
	ctx := r.Context()
	r.must(r.s.Check(ctx))
	tr := r.begin("pupils", ministry)
	a, b := r.part(tr, 1, 0, 3, 1), r.part(tr, 2, 3, 3, 0)
	r.must(r.s.Record(ctx, r.tick(), r.work(tr, a, b)))
	w := r.work(tr)
	w.Void = r.void(tr, b.Intent)
	w.Settlements = []*transfer.Settlement{r.settle(a.Intent, transfer.Delivered, true)}
	r.must(r.s.Record(ctx, r.tick(), w))
	_, err := r.s.Waiting(ctx, "pupils")
	r.must(err)
	r.must(r.s.Finish(ctx, r.tick(), &transfer.Report{Transfer: tr}))
	_, err = r.s.Transfers(ctx, "", 5)
	r.must(err)
	r.must(r.s.Disclosures(ctx, func(Disclosure) error { return nil }))
	block := &transferlog.Block{Act: "block", Subject: 1, Requester: "user"}
	r.must(r.s.Block(ctx, r.tick(), Block{ID: record.NewID(), Tag: roster.Tag{1}, Requester: "user", Reason: "r", Received: r.now}, block))
	r.must(r.s.Unblock(ctx, r.tick(), roster.Tag{1}, "lawful", &transferlog.Block{Act: "unblock", Subject: 1}))
	_, err = r.s.AppendWith(ctx, r.tick(), func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO notice (id, connector, route, recipient, act, letter, subject, body, opened, due, actor, reason)
			VALUES ($1, 'pupils', 'r', $2, 'correct', 0, '1', '{}', 1, 1, 'a', 'r')`, record.NewID().String(), ministry)
		return err
	}, &transferlog.Act{Actor: "a", Act: "notice.enter"})
	r.must(err)
	_, err = r.s.AppendWith(ctx, r.tick(), func(tx *sqlx.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO retry (id, origin, code, body, entered, actor, reason) VALUES ($1, $1, '', '{}', 1, 'a', 'r')", tr.ID.String())
		return err
	}, &transferlog.Act{Actor: "a", Act: "retry.enter"})
	r.must(err)
	r.must(r.s.SetRegister(ctx, r.tick(), &transferlog.RegisterChange{New: record.DigestOf([]byte("r"))}))
	act := &transferlog.Act{Actor: "a", Act: "request"}
	r.must(r.s.PutRequest(ctx, r.tick(), Request{ID: "q", Connector: "pupils"}, act))
	r.must(r.s.PutApproval(ctx, r.tick(), "q", Approval{Approver: "b", At: r.now}, act))
	_, err = r.s.GetRequest(ctx, "q")
	r.must(err)
	r.must(r.s.Enter(ctx, r.tick(), scheduler.Due{Job: "pupils", At: r.now, Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting},
		scheduler.Due{Job: "pupils", At: r.now.Add(-time.Hour), Cause: scheduler.CauseCatchUp, State: scheduler.StateMissed, Actor: "schedule", Reason: "late"}))
	d, err := r.s.Claim(ctx, "w", scheduler.Want{}, r.now, time.Minute)
	if err != nil || d == nil {
		r.Fatalf("nothing to claim: %v", err)
	}
	r.must(r.s.Keep(ctx, "w", d, scheduler.StateDone, r.now))
	r.must(r.s.Pause(ctx, r.now, "pupils", "a", "r"))
	r.must(r.s.Resume(ctx, r.now, "pupils", "a", "r"))
	r.must(r.s.Skip(ctx, r.now, "pupils", r.now.Add(time.Hour), "a", "r"))
	r.must(r.s.Enter(ctx, r.now, scheduler.Due{Job: "pupils", At: r.now.Add(-time.Minute), Cause: scheduler.CauseSchedule, State: scheduler.StateWaiting}))
	_, err = r.s.Dues(ctx, "", 5)
	r.must(err)
	for range 2 { // the second time replaces the chunk by another and a tombstone
		r.must(people.Chunks{DB: r.s.People()}.Change(ctx, key(1), key(2), func(next uint32, around []roster.Chunk) ([]roster.Chunk, uint32, error) {
			put := []roster.Chunk{{First: key(int(next)), Last: key(int(next)), Count: int(next), Body: []byte("x")}}
			for _, c := range around {
				put = append(put, roster.Chunk{First: c.First})
			}
			return put, next + 1, nil
		}))
	}
	r.must(r.s.InsistKey(ctx, "pseudonym", []byte("key")))
	r.must(people.Chunks{DB: r.s.People()}.Each(ctx, func(roster.Chunk) error { return nil }))
	r.must(r.s.Export(ctx, evidence.NewWriter(&bytes.Buffer{}, r.s.PublicKey(), r.now)))
	r.check()
}

// TestServiceRole runs everything as the service's role, and tries what it must not do.
func TestServiceRole(t *testing.T) {
	r := newRig(t, Postgres)
	db := r.as("almasu_service")
	r.dsn = r.pg.Cluster.DSNFor(r.pg.Name, "almasu_service")
	r.open()
	r.everything()
	for _, table := range evidenceTables {
		var column string
		r.must(r.pg.Get(&column, "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position LIMIT 1", table))
		for _, statement := range []string{
			fmt.Sprintf("UPDATE %s SET %s = %s", table, column, column), "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE",
			"ALTER TABLE " + table + " ADD COLUMN x int", "DROP TABLE " + table,
		} {
			if _, err := db.Exec(statement); !refused(err) {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	for _, statement := range []string{
		"DELETE FROM log_head", "DELETE FROM sequence", "DELETE FROM transfer", "DELETE FROM due", "DELETE FROM block", "DELETE FROM request", "DELETE FROM approval",
		"UPDATE transfer SET started = 0", "UPDATE block SET tag = '', received = 0", "UPDATE request SET body = ''", "UPDATE approval SET body = ''",
		"UPDATE due SET actor = ''", "UPDATE outbox SET body = ''", "UPDATE goose_db_version SET version_id = 0", "INSERT INTO log_head VALUES (2, 0, '', 0, '')",
		"CREATE TABLE mine (x int)", "CREATE TRIGGER t BEFORE INSERT ON log_entry EXECUTE FUNCTION suppress_redundant_updates_trigger()",
	} {
		if _, err := db.Exec(statement); !refused(err) {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// TestAuditorRole reads what an auditor may read, and tries the rest.
func TestAuditorRole(t *testing.T) {
	r := newRig(t, Postgres)
	r.everything()
	db := r.as("almasu_auditor")
	r.dsn = r.pg.Cluster.DSNFor(r.pg.Name, "almasu_auditor")
	r.open()
	r.verified()
	var tables []string
	r.must(r.pg.Select(&tables, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"))
	hidden := map[string]bool{"outbox": true, "held": true, "roster_chunk": true, "roster_head": true, "request": true, "approval": true, "block": true, "period_key": true, "kept_set": true, "sending": true, "goose_db_version": true}
	for _, table := range tables {
		_, err := db.Exec("SELECT count(*) FROM " + table)
		if hidden[table] != refused(err) || err != nil && !refused(err) {
			t.Errorf("reading %s: %v", table, err)
		}
		for _, statement := range []string{"DELETE FROM " + table, "TRUNCATE " + table + " CASCADE", "INSERT INTO " + table + " SELECT * FROM " + table} {
			if _, err := db.Exec(statement); !refused(err) {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
}

// TestTriggersRefuse tries to change each table of evidence on SQLite, by every statement that does.
func TestTriggersRefuse(t *testing.T) {
	r := newRig(t, SQLite)
	r.everything()
	for _, table := range evidenceTables {
		var columns []string
		r.must(r.s.DB().Select(&columns, "SELECT name FROM pragma_table_info('"+table+"')"))
		for _, statement := range []string{
			fmt.Sprintf("UPDATE %s SET %s = %s", table, columns[0], columns[0]), "DELETE FROM " + table, "REPLACE INTO " + table + " SELECT * FROM " + table,
			"INSERT OR REPLACE INTO " + table + " SELECT * FROM " + table,
			fmt.Sprintf("INSERT INTO %s SELECT * FROM %s WHERE true ON CONFLICT (%s) DO UPDATE SET %s = %s", table, table, conflict[table], columns[1], columns[1]),
		} {
			if _, err := r.s.DB().Exec(statement); err == nil {
				t.Errorf("%s was done", statement)
			}
		}
	}
	r.check()
}

var conflict = map[string]string{"log_entry": "idx", "log_hash": "idx", "log_checkpoint": "size", "situations": "digest", "part": "transfer, number", "message": "id", "settlement": "message"}

// TestIllegalRows tries rows that the state rules exclude, each of which differs from a legal row in one thing.
func TestIllegalRows(t *testing.T) {
	const m = "INSERT INTO message (id, transfer, part, connector, recipient, sequence, records, voids, intent, logged, header, key_id, signature, disclosure) VALUES "
	const s = "INSERT INTO settlement (message, outcome, code, receipt, accepted, updated, rejected, reasons, attempts, entry, settled) VALUES "
	const d = "INSERT INTO due (connector, due, cause, state, worker, lease_until, term, reason) VALUES "
	const b = "INSERT INTO block (id, tag, requester, reason, received, lifted, outcome) VALUES "
	legal := []string{
		"INSERT INTO transfer VALUES ('t', 'c', 'r', 'b', 'schedule', 1, 1, 'a', '', '', NULL, NULL)",
		"INSERT INTO part VALUES ('t', 1, NULL, X, 1, 0, 0, '[]', NULL, '', 0)",
		m + "('m1', 't', 1, 'c', 'b', 1, 1, '', 0, 1, X, 'k', X, X)",
		m + "('m2', 't', 1, 'c', 'b', 2, 1, '', 1, 1, X, 'k', X, X)",
		m + "('v1', 't', 0, 'c', 'b', 1, 0, 'm1', 2, 1, X, 'k', X, X)",
		s + "('m1', 'cancelled', 'x', E, 0, 0, 0, '[]', 1, 5, 1)",
		d + "('c', 1, 'schedule', 'running', 'w', 1, 1, '')",
		d + "('c', 2, 'schedule', 'missed', '', 0, 0, 'late')",
		b + "('b1', X, 'user', 'r', 1, NULL, '')",
	}
	illegal := map[string]string{
		"a second head":                          "INSERT INTO log_head (id, size, checkpoint) VALUES (2, 0, E)",
		"a negative size":                        "UPDATE log_head SET size = -1",
		"a short hash":                           "INSERT INTO log_hash VALUES (0, X)",
		"a negative index":                       "INSERT INTO log_entry VALUES (-1, X)",
		"number zero is next":                    "INSERT INTO sequence VALUES ('b', 0)",
		"an unknown cause":                       "INSERT INTO transfer VALUES ('t2', 'c', 'r', 'b', 'whim', 1, 1, 'a', '', '', NULL, NULL)",
		"closed without a report":                "UPDATE transfer SET finished = 1",
		"part zero":                              "INSERT INTO part VALUES ('t', 0, NULL, X, 1, 0, 0, '[]', NULL, '', 0)",
		"a part twice":                           legal[1],
		"a part of no transfer":                  "INSERT INTO part VALUES ('u', 1, NULL, X, 1, 0, 0, '[]', NULL, '', 0)",
		"a negative count":                       "INSERT INTO part VALUES ('t', 2, NULL, X, 1, -1, 0, '[]', NULL, '', 0)",
		"a message without a part":               m + "('m3', 't', 0, 'c', 'b', 3, 1, '', 9, 1, X, 'k', X, X)",
		"a void notice in a part":                m + "('v2', 't', 1, 'c', 'b', 2, 0, 'm2', 9, 1, X, 'k', X, X)",
		"a void notice with records":             m + "('v2', 't', 0, 'c', 'b', 2, 1, 'm2', 9, 1, X, 'k', X, X)",
		"a second void notice":                   m + "('v2', 't', 0, 'c', 'b', 1, 0, 'm1', 9, 1, X, 'k', X, X)",
		"a number twice":                         m + "('m3', 't', 1, 'c', 'b', 2, 1, '', 9, 1, X, 'k', X, X)",
		"number zero":                            m + "('m3', 't', 1, 'c', 'b', 0, 1, '', 9, 1, X, 'k', X, X)",
		"an intent twice":                        m + "('m3', 't', 1, 'c', 'b', 3, 1, '', 1, 1, X, 'k', X, X)",
		"settled twice":                          s + "('m1', 'cancelled', 'x', E, 0, 0, 0, '[]', 1, 6, 1)",
		"an entry settles twice":                 s + "('m2', 'cancelled', 'x', E, 0, 0, 0, '[]', 1, 5, 1)",
		"a settlement of no message":             s + "('m9', 'cancelled', 'x', E, 0, 0, 0, '[]', 1, 6, 1)",
		"an unknown outcome":                     s + "('m2', 'lost', 'x', E, 0, 0, 0, '[]', 1, 6, 1)",
		"a delivery without a receipt":           s + "('m2', 'delivered', '', E, 0, 0, 0, '[]', 1, 6, 1)",
		"a delivery with a code":                 s + "('m2', 'delivered', 'x', X, 0, 0, 0, '[]', 1, 6, 1)",
		"a refusal without a code":               s + "('m2', 'refused', '', X, 0, 0, 0, '[]', 1, 6, 1)",
		"a negative count of records":            s + "('m2', 'refused', 'x', X, 0, 0, -1, '[]', 1, 6, 1)",
		"the outbox holds what is unknown":       "INSERT INTO outbox VALUES ('m9', X, E, 0)",
		"a due time twice":                       d + "('c', 1, 'schedule', 'waiting', '', 0, 0, '')",
		"two rows of a connector run":            d + "('c', 3, 'schedule', 'running', 'w', 1, 1, '')",
		"it runs without a lease":                d + "('c2', 3, 'schedule', 'running', '', 0, 0, '')",
		"it is missed without a reason":          d + "('c', 3, 'schedule', 'missed', '', 0, 0, '')",
		"an unknown state":                       d + "('c', 3, 'schedule', 'green', '', 0, 0, '')",
		"an approval of no request":              "INSERT INTO approval VALUES ('q', 'a', '', 1, '')",
		"a chunk of nobody":                      "INSERT INTO roster_chunk VALUES (X, X, 0, X, '')",
		"ordinal zero is next":                   "UPDATE roster_head SET next = 0",
		"an unknown requester":                   b + "('b2', X, 'me', 'r', 1, NULL, '')",
		"a block lifted without an outcome":      b + "('b2', X, 'user', 'r', 1, 2, '')",
		"a block with an outcome, in force":      b + "('b2', X, 'user', 'r', 1, NULL, 'lawful')",
		"a part with less than nobody unchanged": "INSERT INTO part VALUES ('t', 2, NULL, X, 1, 0, 0, '[]', NULL, '', -1)",
		"a page that is half stale":              "INSERT INTO held VALUES ('c', 'b', 0, 2, X)",
	}
	onBoth(t, func(r *rig) {
		in := strings.NewReplacer(" X", " CAST('x' AS bytea)", "(X", "(CAST('x' AS bytea)", " E", " CAST('' AS bytea)")
		if r.kind == SQLite {
			in = strings.NewReplacer(" X", " x'78'", "(X", "(x'78'", " E", " x''")
		}
		for _, statement := range legal {
			r.s.DB().MustExec(in.Replace(statement))
		}
		for name, statement := range illegal {
			if _, err := r.s.DB().Exec(in.Replace(statement)); err == nil {
				t.Errorf("%s was taken", name)
			} else if strings.Contains(err.Error(), "syntax") || strings.Contains(err.Error(), "column") && r.kind == Postgres {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
