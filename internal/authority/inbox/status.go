package inbox

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"

	"birgeoqy.kz/almasu/internal/notice"
)

// Gap is a sequence number that is missing.
type Gap struct {
	Sequence uint64 `json:"sequence"`
	// Since is when a message with a greater number was first received.
	Since time.Time `json:"since"`
	// Overdue says that the gap has lasted longer than the configured timeout.
	Overdue bool `json:"overdue"`
}

// Alarm is evidence against a sender that is kept.
type Alarm struct {
	At   time.Time `json:"at"`
	Code string    `json:"code"`
}

// SenderStatus is what was received of one sender.
type SenderStatus struct {
	BIN  string `json:"bin"`
	Name string `json:"name"`
	// Messages counts those stored, Refused those of them that were refused as a whole; Records and Rejected count records.
	Messages int64 `json:"messages"`
	Refused  int64 `json:"refused"`
	Records  int64 `json:"records"`
	Rejected int64 `json:"rejected"`
	// Notices counts the notices about records received before; Corrected, Withdrawn and Destroyed the records that they have marked.
	Notices   int64 `json:"notices"`
	Corrected int64 `json:"corrected"`
	Withdrawn int64 `json:"withdrawn"`
	Destroyed int64 `json:"destroyed"`
	// Last is the greatest sequence number received.
	Last uint64 `json:"last_sequence"`
	Gaps []Gap  `json:"gaps"`
	// HeldSize and HeldRoot are the state of the sender's log that is held; Checkpoint is its signed form.
	HeldSize   int64     `json:"held_size"`
	HeldRoot   tlog.Hash `json:"held_root"`
	Checkpoint string    `json:"checkpoint,omitempty"`
	// Alarms are the first hundred.
	Alarms []Alarm `json:"alarms"`
}

// Status reads the store of a configuration, also while it is being served.
func Status(ctx context.Context, c *Config, now time.Time) ([]SenderStatus, error) {
	st, err := Open(ctx, c.Data, false)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	out := []SenderStatus{}
	for _, one := range c.Senders {
		s, err := st.status(ctx, one, now, c.GapTimeout)
		if err != nil {
			return nil, err
		}
		out = append(out, *s)
	}
	return out, nil
}

// Signed returns the sender's signed checkpoint of this size, which was accepted.
func (s *Store) Signed(ctx context.Context, sender string, size int64) (signed []byte, err error) {
	if err = s.db.QueryRowContext(ctx, "SELECT signed FROM checkpoint WHERE sender = ? AND size = ?", sender, size).Scan(&signed); err != nil {
		return nil, fmt.Errorf("reading the held checkpoint: %w", err)
	}
	return signed, nil
}

// Since lists the messages of a sender from a number on, in order, until their receipts have so many bytes.
func (s *Store) Since(ctx context.Context, sender string, from uint64, most int) ([]signing.Held, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT sequence, message, header, receipt FROM message WHERE sender = ? AND sequence >= ? ORDER BY sequence", sender, int64(from))
	if err != nil {
		return nil, fmt.Errorf("listing messages: %w", err)
	}
	defer rows.Close()
	var out []signing.Held
	for rows.Next() && most > 0 {
		var h signing.Held
		var id, header []byte
		if err := rows.Scan(&h.Sequence, &id, &header, &h.Receipt); err != nil {
			return nil, fmt.Errorf("listing messages: %w", err)
		}
		copy(h.Message[:], id)
		h.Envelope = record.DigestOf(header)
		out, most = append(out, h), most-len(h.Receipt)-256
	}
	return out, rows.Err()
}

func (s *Store) status(ctx context.Context, c SenderConfig, now time.Time, timeout time.Duration) (*SenderStatus, error) {
	sd, err := LoadSender(c)
	if err != nil {
		return nil, err
	}
	p, err := s.Progress(ctx, sd)
	if err != nil {
		return nil, err
	}
	out := &SenderStatus{BIN: c.BIN, Name: c.Name, Last: p.Last, Gaps: []Gap{}, HeldSize: p.Held.Size, HeldRoot: p.Held.Root, Alarms: []Alarm{}}
	err = s.db.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE status = 'refused'), coalesce(sum(accepted), 0), coalesce(sum(rejected), 0)
		FROM message WHERE sender = ?`, c.BIN).Scan(&out.Messages, &out.Refused, &out.Records, &out.Rejected)
	if err != nil {
		return nil, fmt.Errorf("counting messages: %w", err)
	}
	if err := s.countNotices(ctx, c.BIN, out); err != nil {
		return nil, err
	}
	for _, n := range p.Missing() {
		var micros int64
		if err := s.db.QueryRowContext(ctx, "SELECT min(received) FROM message WHERE sender = ? AND sequence > ?", c.BIN, int64(n)).Scan(&micros); err != nil {
			return nil, fmt.Errorf("looking for gaps: %w", err)
		}
		since := record.Instant(micros)
		out.Gaps = append(out.Gaps, Gap{Sequence: n, Since: since, Overdue: now.Sub(since) > timeout})
	}
	if p.Held.Size > 0 {
		signed, err := s.Signed(ctx, c.BIN, p.Held.Size)
		if err != nil {
			return nil, err
		}
		out.Checkpoint = string(signed)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT at, code FROM alarm WHERE sender = ? ORDER BY id LIMIT 100", c.BIN)
	if err != nil {
		return nil, fmt.Errorf("reading alarms: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var micros int64
		var a Alarm
		if err := rows.Scan(&micros, &a.Code); err != nil {
			return nil, fmt.Errorf("reading alarms: %w", err)
		}
		a.At = record.Instant(micros)
		out.Alarms = append(out.Alarms, a)
	}
	return out, rows.Err()
}

func (s *Store) countNotices(ctx context.Context, sender string, out *SenderStatus) error {
	marks, notices, err := s.Marks(ctx, sender)
	out.Notices = notices
	for _, m := range marks {
		switch m.Act {
		case notice.Correct:
			out.Corrected++
		case notice.Withdraw:
			out.Withdrawn++
		case notice.Destroy:
			out.Destroyed++
		}
	}
	return err
}

// WriteStatus renders a status for people.
func WriteStatus(w io.Writer, all []SenderStatus) {
	for _, s := range all {
		fmt.Fprintf(w, "sender %s %s\n", s.BIN, s.Name)
		fmt.Fprintf(w, "  messages %d (refused %d), records %d (rejected %d), last number %d\n", s.Messages, s.Refused, s.Records, s.Rejected, s.Last)
		if s.Notices > 0 {
			fmt.Fprintf(w, "  notices %d: records corrected %d, withdrawn %d, destroyed %d\n", s.Notices, s.Corrected, s.Withdrawn, s.Destroyed)
		}
		fmt.Fprintf(w, "  held log state: %d entries, root %s\n", s.HeldSize, s.HeldRoot)
		for _, g := range s.Gaps {
			overdue := ""
			if g.Overdue {
				overdue = ", OVERDUE"
			}
			fmt.Fprintf(w, "  number %d is missing since %s%s\n", g.Sequence, g.Since.Format(time.RFC3339), overdue)
		}
		for _, a := range s.Alarms {
			fmt.Fprintf(w, "  ALARM %s at %s\n", a.Code, a.At.Format(time.RFC3339))
		}
	}
}
