package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// check looks at the whole store at one moment and reports everything that does not fit together.
func (r *rig) check() {
	r.Helper()
	if err := r.world(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) world() error {
	w := &world{rig: r, intents: map[record.ID]*transferlog.Intent{}, at: map[record.ID]int64{}, settled: map[record.ID]int64{}}
	err := r.s.Look(context.Background(), func(tx *sqlx.Tx) error {
		w.tx = tx
		for _, look := range []func() error{w.log, w.messages, w.settlements, w.outbox, w.sequences, w.parts, w.roster, w.dues} {
			if err := look(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Err()
}

type world struct {
	record.Problems
	rig     *rig
	tx      *sqlx.Tx
	intents map[record.ID]*transferlog.Intent
	at      map[record.ID]int64
	settled map[record.ID]int64
	entries map[record.ID]*transferlog.Settlement
}

func (w *world) find(format string, args ...any) { w.Add("world", "", "", format, args...) }

// each scans every row of a query into the targets and calls f.
func (w *world) each(query string, f func(), targets ...any) error {
	rows, err := w.tx.Queryx(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		f()
	}
	return rows.Err()
}

// log recomputes the tree and compares it with the stored hashes and every signed checkpoint.
func (w *world) log() error {
	var tree transferlog.Tree
	var hashes []tlog.Hash
	roots := map[int64]tlog.Hash{}
	w.entries = map[record.ID]*transferlog.Settlement{}
	var idx, size int64
	var body []byte
	err := w.each("SELECT idx, body FROM log_entry ORDER BY idx", func() {
		if idx != tree.Size() {
			w.find("entry %d stands where %d is due", idx, tree.Size())
		}
		e, err := transferlog.Decode(body)
		if err != nil {
			w.find("entry %d: %v", idx, err)
		}
		w.entry(idx, e)
		hashes = tree.Append(hashes, body)
		roots[tree.Size()] = tree.Root()
	}, &idx, &body)
	if err != nil {
		return err
	}
	n := 0
	err = w.each("SELECT idx, hash FROM log_hash ORDER BY idx", func() {
		if n >= len(hashes) || idx != int64(n) || !bytes.Equal(body, hashes[n][:]) {
			w.find("stored hash %d is wrong", idx)
		}
		n++
	}, &idx, &body)
	if err != nil || n != len(hashes) {
		w.find("%d hashes stored, %d computed", n, len(hashes))
	}
	last := int64(0)
	err = w.each("SELECT size, body FROM log_checkpoint ORDER BY size", func() {
		c, err := w.rig.s.PublicKey().Open(body)
		if err != nil || c.Size != size || c.Root != roots[size] {
			w.find("the checkpoint of %d entries is wrong: %v", size, err)
		}
		last = size
	}, &size, &body)
	if err != nil {
		return err
	}
	var head []byte
	if err := w.tx.QueryRow("SELECT size, checkpoint FROM log_head").Scan(&size, &head); err != nil {
		return err
	}
	if size != tree.Size() || last != size || size > 0 && !bytes.Equal(head, body) {
		w.find("the head has %d entries, the log %d, the last checkpoint %d", size, tree.Size(), last)
	}
	return nil
}

func (w *world) entry(idx int64, e transferlog.Entry) {
	switch e := e.(type) {
	case *transferlog.Intent:
		if w.intents[e.Message] != nil {
			w.find("entry %d: a second intent of one message", idx)
		}
		w.intents[e.Message], w.at[e.Message] = e, idx
	case *transferlog.Settlement:
		in := w.intents[e.Message]
		if in == nil || w.at[e.Message] != e.Intent || in.Sequence != e.Sequence || in.Recipient != e.Recipient || in.Transfer != e.Transfer {
			w.find("entry %d settles what is no intent", idx)
		}
		if _, ok := w.settled[e.Message]; ok {
			w.find("entry %d settles a second time", idx)
		}
		w.settled[e.Message], w.entries[e.Message] = idx, e
	}
}

// messages compares each message with its intent: one row for each, the header signed and pinned.
func (w *world) messages() error {
	var id, voids, recipient, keyID string
	var sequence, intent, part int64
	var header, signature, disclosure []byte
	n := 0
	err := w.each("SELECT id, voids, recipient, sequence, intent, part, header, key_id, signature, disclosure FROM message", func() {
		n++
		mid, err := record.ParseID(id)
		in := w.intents[mid]
		if err != nil || in == nil {
			w.find("a message has no intent: %v", err)
			return
		}
		h, err := signing.ParseHeader(header)
		if err != nil || in.Envelope != record.DigestOf(header) || h.Message != mid || h.Sequence != uint64(sequence) {
			w.find("message %d of %s has another header than its intent: %v", sequence, recipient, err)
		}
		if w.at[mid] != intent || in.Sequence != uint64(sequence) || in.Recipient != recipient || in.Voids.String() != voids || in.Voids.IsZero() != (part > 0) {
			w.find("message %d of %s is not what its intent says", sequence, recipient)
		}
		if v := w.intents[in.Voids]; !in.Voids.IsZero() && (v == nil || v.Sequence != in.Sequence || v.Recipient != in.Recipient) {
			w.find("message %d of %s voids nothing", sequence, recipient)
		}
	}, &id, &voids, &recipient, &sequence, &intent, &part, &header, &keyID, &signature, &disclosure)
	if n != len(w.intents) {
		w.find("%d messages, %d intents", n, len(w.intents))
	}
	return err
}

func (w *world) settlements() error {
	var id, outcome, code string
	var entry int64
	var receipt []byte
	n := 0
	err := w.each("SELECT message, outcome, code, entry, receipt FROM settlement", func() {
		n++
		mid, _ := record.ParseID(id)
		e := w.entries[mid]
		if e == nil || w.settled[mid] != entry || e.Outcome != outcome || e.Code != code || len(receipt) > 0 && e.Receipt != record.DigestOf(receipt) {
			w.find("a settlement at %d is not what the log says", entry)
		}
	}, &id, &outcome, &code, &entry, &receipt)
	if n != len(w.settled) {
		w.find("%d settlements, the log has %d", n, len(w.settled))
	}
	return err
}

// outbox holds exactly the messages without a settlement, and their envelopes open.
func (w *world) outbox() error {
	var id, keyID string
	var header, signature, body []byte
	n := 0
	err := w.each("SELECT o.message, m.header, m.key_id, m.signature, o.body FROM outbox o JOIN message m ON m.id = o.message", func() {
		n++
		mid, _ := record.ParseID(id)
		if _, ok := w.settled[mid]; ok || w.intents[mid] == nil {
			w.find("the outbox holds a message that is settled or was never logged")
		}
		if _, err := signing.OpenParts(header, keyID, signature, signing.NewPayload(body, "application/json"), w.rig.ring, start); err != nil {
			w.find("an envelope of the outbox does not open: %v", err)
		}
	}, &id, &header, &keyID, &signature, &body)
	if n != len(w.intents)-len(w.settled) {
		w.find("the outbox holds %d messages, %d wait", n, len(w.intents)-len(w.settled))
	}
	return err
}

// sequences run 1, 2, 3, ... for each recipient, in log order.
func (w *world) sequences() error {
	next := map[string]int64{}
	var recipient string
	var sequence int64
	err := w.each("SELECT recipient, sequence FROM message WHERE voids = '' ORDER BY intent", func() {
		if next[recipient]++; sequence != next[recipient] {
			w.find("number %d of %s stands where %d is due", sequence, recipient, next[recipient])
		}
	}, &recipient, &sequence)
	if err != nil {
		return err
	}
	return w.each("SELECT recipient, next FROM sequence", func() {
		if sequence != next[recipient]+1 {
			w.find("the next number of %s is %d, and %d were used", recipient, sequence, next[recipient])
		}
	}, &recipient, &sequence)
}

// parts account for everybody read.
func (w *world) parts() error {
	var number, read, refused, withheld int
	var records sql.NullInt64
	return w.each(`SELECT p.number, p.read, p.refused, p.withheld, (SELECT sum(m.records) FROM message m WHERE m.transfer = p.transfer AND m.part = p.number) FROM part p`, func() {
		if read > 0 && read != refused+withheld+int(records.Int64) {
			w.find("part %d reads %d and accounts for %d", number, read, refused+withheld+int(records.Int64))
		}
	}, &number, &read, &refused, &withheld, &records)
}

// roster has an entry for each ordinal given out, in chunks that do not overlap.
func (w *world) roster() error {
	var first, last, before []byte
	var people, total, next int64
	err := w.each("SELECT first_key, last_key, people FROM roster_chunk ORDER BY first_key", func() {
		if bytes.Compare(first, last) > 0 || before != nil && bytes.Compare(before, first) >= 0 {
			w.find("chunks of the roster overlap")
		}
		before = bytes.Clone(last)
		total += people
	}, &first, &last, &people)
	if err != nil {
		return err
	}
	if err := w.tx.Get(&next, "SELECT next FROM roster_head"); err != nil {
		return err
	}
	if total != next-1 {
		w.find("the roster has %d entries and gave out %d ordinals", total, next-1)
	}
	return nil
}

func (w *world) dues() error {
	var connector string
	var n int
	return w.each("SELECT connector, count(*) FROM due WHERE state = 'running' GROUP BY connector HAVING count(*) > 1", func() {
		w.find("%d rows of %s run at once", n, connector)
	}, &connector, &n)
}

// export writes the log as an auditor gets it.
func (r *rig) export() []byte {
	r.Helper()
	return r.exportOf(func(w *evidence.Writer) error { return r.s.Export(r.Context(), w) })
}

func (r *rig) exportOf(export func(*evidence.Writer) error) []byte {
	r.Helper()
	var out bytes.Buffer
	w := evidence.NewWriter(&out, r.s.PublicKey(), r.now)
	for bin, k := range r.receivers {
		w.Key(bin, signing.HeldKey{Key: k.Public()})
	}
	r.must(export(w))
	r.must(w.Close())
	return out.Bytes()
}

func verify(t testing.TB, export []byte) *evidence.Report {
	t.Helper()
	report, err := evidence.Verify(bytes.NewReader(export), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// verified fails unless the export of the log verifies.
func (r *rig) verified() *evidence.Report {
	r.Helper()
	report := verify(r, r.export())
	if !report.OK() {
		r.Fatal(fmt.Errorf("the export does not verify: %w", report.Err()))
	}
	return report
}
