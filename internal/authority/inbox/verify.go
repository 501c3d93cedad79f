package inbox

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/evidence"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Checked is the result of [Verify].
type Checked struct {
	// Messages and Checkpoints count what was re-checked.
	Messages    int64 `json:"messages"`
	Checkpoints int64 `json:"checkpoints"`
	// Log is the report on the sender's export, if one was given.
	Log *evidence.Report `json:"log,omitempty"`
	// Findings holds every finding about the store, and those of Log.
	Findings record.Problems `json:"findings"`
}

// Verify checks everything that is stored again: signatures over envelopes and receipts, digests of documents, tickets, the chain of
// checkpoints and the sequence numbers. With an export of the log of the sender with the given BIN it checks the export, that it
// extends every state of the log that was held, that every message received is in it, and that every message it calls
// delivered was received.
func Verify(ctx context.Context, c *Config, export io.Reader, exporter string) (*Checked, error) {
	st, err := Open(ctx, c.Data, false)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	v := &verification{store: st, config: c, result: &Checked{Findings: record.Problems{}}}
	if err := v.receiptKeys(ctx); err != nil {
		return nil, err
	}
	found := false
	for _, one := range c.Senders {
		sd, err := LoadSender(one)
		if err != nil {
			return nil, err
		}
		var log io.Reader
		if export != nil && one.BIN == exporter {
			log, found = export, true
		}
		if err := v.sender(ctx, sd, log); err != nil {
			return nil, err
		}
	}
	if export != nil && !found {
		return nil, record.NewProblem("request.sender", "", "give the BIN of a configured sender", "there is no sender %q whose log this could be", exporter)
	}
	return v.result, nil
}

type verification struct {
	store  *Store
	config *Config
	keys   *signing.Keyring // that sign receipts
	result *Checked

	states   map[int64]transferlog.Checkpoint
	held     [][]byte
	received map[record.ID]place
}

// place is where the log must have the intent of a message.
type place struct {
	index    int64
	envelope record.Digest
}

func (v *verification) find(code, where, format string, args ...any) {
	v.result.Findings.Add(code, where, "", format, args...)
}

func (v *verification) receiptKeys(ctx context.Context) error {
	v.keys = signing.NewKeyring(v.config.BIN)
	rows, err := v.store.db.QueryContext(ctx, "SELECT pem FROM receipt_key")
	if err != nil {
		return fmt.Errorf("reading receipt keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var pem []byte
		if err := rows.Scan(&pem); err != nil {
			return fmt.Errorf("reading receipt keys: %w", err)
		}
		key, err := signing.ParsePublicKey(pem)
		if err == nil {
			err = v.keys.Add(key, time.Time{}, time.Time{})
		}
		if err != nil {
			v.result.Findings.Merge(err, "store.damaged", "receipt_key")
		}
	}
	return rows.Err()
}

func (v *verification) sender(ctx context.Context, sd *Sender, log io.Reader) error {
	v.states, v.held, v.received = map[int64]transferlog.Checkpoint{}, nil, map[record.ID]place{}
	if err := v.checkpoints(ctx, sd); err != nil {
		return err
	}
	if err := v.messages(ctx, sd); err != nil {
		return err
	}
	if log == nil {
		return nil
	}
	return v.export(sd, log)
}

// checkpoints replays how the held state of the log advanced.
func (v *verification) checkpoints(ctx context.Context, sd *Sender) error {
	rows, err := v.store.db.QueryContext(ctx, "SELECT id, size, root, signed, against, proof FROM checkpoint WHERE sender = ? ORDER BY id", sd.BIN)
	if err != nil {
		return fmt.Errorf("reading checkpoints: %w", err)
	}
	defer rows.Close()
	held := newProgress(sd.LogKey.Origin()).Held
	for rows.Next() {
		var id, size, against int64
		var root, signed, hashes []byte
		if err := rows.Scan(&id, &size, &root, &signed, &against, &hashes); err != nil {
			return fmt.Errorf("reading checkpoints: %w", err)
		}
		v.result.Checkpoints++
		where := fmt.Sprintf("sender %s, checkpoint row %d", sd.BIN, id)
		state, err := sd.LogKey.Open(signed)
		if err != nil {
			v.result.Findings.Merge(err, "store.damaged", where)
			continue
		}
		if state.Size != size || !bytes.Equal(state.Root[:], root) || against != held.Size || len(hashes)%tlog.HashSize != 0 {
			v.find("store.damaged", where, "the row does not say what its signed checkpoint says")
			continue
		}
		var proof tlog.TreeProof
		for chunk := range slices.Chunk(hashes, tlog.HashSize) {
			proof = append(proof, tlog.Hash(chunk))
		}
		earlier, later := held, state
		if state.Size < held.Size {
			earlier, later = state, held
		}
		if err := transferlog.CheckExtension(earlier, later, proof); err != nil {
			v.result.Findings.Merge(err, "log.inconsistent", where)
			continue
		}
		held = later
		v.states[size] = state
		v.held = append(v.held, signed)
	}
	return rows.Err()
}

// row is a stored message.
type row struct {
	sequence                   uint64
	message, header, signature []byte
	keyID, ticket              string
	document, receipt          []byte
	checkpoint, received       int64
	status                     string
	accepted, rejected         int
}

const selectMessages = `SELECT sequence, message, header, key_id, signature, document, ticket, checkpoint, received, status, accepted, rejected, receipt
	FROM message WHERE sender = ? ORDER BY sequence`

func (r *row) scan(rows *sql.Rows) error {
	if err := rows.Scan(&r.sequence, &r.message, &r.header, &r.keyID, &r.signature, &r.document, &r.ticket, &r.checkpoint, &r.received, &r.status, &r.accepted, &r.rejected, &r.receipt); err != nil {
		return fmt.Errorf("reading messages: %w", err)
	}
	return nil
}

func (v *verification) messages(ctx context.Context, sd *Sender) error {
	rows, err := v.store.db.QueryContext(ctx, selectMessages, sd.BIN)
	if err != nil {
		return fmt.Errorf("reading messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := r.scan(rows); err != nil {
			return err
		}
		v.result.Messages++
		if err := v.message(sd, &r); err != nil {
			v.result.Findings.Merge(err, "store.damaged", fmt.Sprintf("sender %s, message %d", sd.BIN, r.sequence))
		}
	}
	return rows.Err()
}

// message checks one stored message; the error is its finding.
func (v *verification) message(sd *Sender, r *row) error {
	damaged := func(what string) error { return record.NewProblem("store.damaged", "", "", "%s", what) }
	at := time.UnixMicro(r.received)
	h, err := signing.ParseHeader(r.header)
	if err != nil {
		return err
	}
	if h.Sequence != r.sequence || !bytes.Equal(h.Message[:], r.message) || h.Sender != sd.BIN || h.Recipient != v.config.BIN {
		return damaged("the row does not say what its envelope says")
	}
	var document []byte
	if r.status == signing.StatusAccepted {
		if document, err = unpack(r.document); err != nil {
			return damaged("the document cannot be decompressed")
		}
	}
	_, err = signing.OpenParts(r.header, r.keyID, r.signature, signing.NewPayload(document, h.MediaType), sd.Ring, at)
	// The signature is judged before the payload, which is not kept of a refused message.
	if err != nil && (r.status == signing.StatusAccepted || record.CodeOf(err) != "envelope.payload_mismatch") {
		return err
	}
	state, ok := v.states[r.checkpoint]
	if !ok {
		return damaged("the checkpoint that the ticket is against is not held")
	}
	intent, index, err := transferlog.CheckWire(r.ticket, state)
	if err != nil {
		return err
	}
	envelope := record.DigestOf(r.header)
	if intent.Envelope != envelope || !Agrees(intent, &h) {
		return record.NewProblem("log.ticket_other_message", "", "", "the intent in the log is not for this message")
	}
	v.received[h.Message] = place{index: index, envelope: envelope}
	receipt, err := signing.OpenReceiptFor(r.receipt, v.keys, at, signing.Subject{
		Message: h.Message, Envelope: envelope, Sequence: h.Sequence, Recipient: h.Recipient, Records: h.Records,
	})
	if err != nil {
		return err
	}
	if receipt.Status != r.status || receipt.Accepted != r.accepted || receipt.LogIndex != index || r.status == signing.StatusAccepted && receipt.Rejected != r.rejected {
		return damaged("the row does not say what its receipt says")
	}
	return nil
}

// export checks the sender's log against what was held and received.
func (v *verification) export(sd *Sender, log io.Reader) error {
	found := map[record.ID]bool{}
	mine := map[int64]record.ID{}
	report, err := evidence.Verify(log, evidence.Options{
		LogKey: sd.LogKey, Held: v.held, Keyrings: map[string]*signing.Keyring{v.config.BIN: v.keys},
		Observe: func(index int64, e transferlog.Entry) {
			switch e := e.(type) {
			case *transferlog.Intent:
				if e.Recipient != v.config.BIN {
					return
				}
				mine[index] = e.Message
				if p, ok := v.received[e.Message]; ok && p.index == index && p.envelope == e.Envelope {
					found[e.Message] = true
				}
			case *transferlog.Settlement:
				id, ok := mine[e.Intent]
				if _, have := v.received[id]; ok && e.Outcome == transferlog.Delivered && !have {
					v.find("log.not_received", fmt.Sprintf("sender %s, entry %d", sd.BIN, index), "the log calls a message delivered that was never received")
				}
			}
		},
	})
	if err != nil {
		return err
	}
	v.result.Log = report
	var ps record.Problems
	if errors.As(report.Err(), &ps) {
		v.result.Findings = append(v.result.Findings, ps...)
	}
	for id := range v.received {
		if !found[id] {
			v.find("log.not_in_log", "sender "+sd.BIN, "a message that was received is not in the log")
		}
	}
	return nil
}

// Agrees reports whether an intent repeats what the header of the message says.
func Agrees(in *transferlog.Intent, h *signing.Header) bool {
	return in.Transfer == h.Transfer && in.Message == h.Message && in.Sequence == h.Sequence && in.Recipient == h.Recipient &&
		in.Purpose == h.Purpose && in.Path == h.Path && in.Clause == h.Clause && in.Payload == h.Payload && in.Records == h.Records &&
		(in.Notice != "") == (h.Operation == signing.OperationNotice) && in.Decision == h.Decision && in.Register == h.Register && in.Policy == h.Policy && in.Mapping == h.Mapping && in.Schema == h.Schema
}
