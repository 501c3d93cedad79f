// Package leaving tells a recipient of the people whom it was sent earlier, and who are not sent any more.
//
// Who is leaving is found by comparing what the recipient holds (package books) with what a complete read of the platform has found: whoever is held and was not read is no
// longer on the platform (SUB-1), and whoever was read and may not be sent now leaves by the rule that refuses them. A person who was read under another ordinal, because a
// year has begun, is not gone: what is held is noted under that ordinal, to be sent again, and the next run compares everybody: it withdraws them if they may not be sent. Whoever is blocked is left alone.
//
// For each every record is named that the recipient has taken over the connector, a later one does not say that an earlier one is not used any more: the disclosure sets of the delivered
// messages are looked through once, newest first, without the records that the recipient has rejected and those of which a withdrawal or a demand to destroy was told or is on its way. The
// index is the rank of the person's key among those of the message's people. Where the roster has not exactly these people any more, the record cannot be named: if it is the one that was taken last, a
// letter is owed, as where the agreement takes no notices. People are taken in rounds, and of each round the notices, at most notice.Most records each, their entries in
// the log, the rows of the transfers that carry them (package notices), and that the recipient holds nothing of these people, are one transaction: nobody is withdrawn twice.
//
// Failure: transfer.ErrBlocksMoved if somebody was blocked or unblocked since the people were projected, and then nothing of that round is entered; source.empty if nobody at all was read while the recipient holds somebody; then nothing is withdrawn.
package leaving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/delta"
	"birgeoqy.kz/almasu/internal/legal/calendar"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/books"
	"birgeoqy.kz/almasu/internal/store/marks"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/sets"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transfer/comparing"
	"birgeoqy.kz/almasu/internal/transfer/telling"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// round is how many people are taken at once.
const round = 20_000

// Keeper keeps what recipients hold, and implements transfer.Held.
type Keeper struct {
	books.DB
	Store  *store.Store
	Roster func() (*roster.Roster, error)
}

// New returns the keeper of a store that was given its vault.
func New(s *store.Store, open func() (*roster.Roster, error)) Keeper {
	return Keeper{DB: s.Books(), Store: s, Roster: open}
}

// leaver is somebody who is not sent any more.
type leaver struct {
	ordinals []uint32
	key      []byte
	why      transfer.Reason
	records  []telling.Record // newest first
}

// Leave implements transfer.Held.
func (k Keeper) Leave(ctx context.Context, at time.Time, t transfer.Transfer, l comparing.Leaving) (people int, err error) {
	w := &work{Keeper: k, Transfer: t, at: at, Leaving: l}
	for {
		n, more, err := w.round(ctx)
		people += n
		if err != nil || !more {
			return people, err
		}
	}
}

// work is one Leave under way.
type work struct {
	Keeper
	comparing.Leaving
	Transfer transfer.Transfer
	at       time.Time
	ros      *roster.Roster
}

// round deals with the next people who are leaving; more is false once there are none.
func (w *work) round(ctx context.Context) (people int, more bool, err error) {
	gone, err := w.gone(ctx)
	if err != nil || len(gone) == 0 {
		return 0, false, err
	}
	if w.ros, err = w.Roster(); err != nil {
		return 0, false, err
	}
	accounts, err := w.ros.Identities(ctx, gone)
	if err != nil {
		return 0, false, err
	}
	var leavers []*leaver
	var other []uint32
	for _, a := range accounts {
		if x := w.leaver(&a, gone); x != nil {
			leavers = append(leavers, x)
		} else {
			other = append(other, a.Ordinals[len(a.Ordinals)-1])
		}
	}
	if err := w.name(ctx, leavers); err != nil {
		return 0, false, err
	}
	list, err := w.notices(leavers)
	if err != nil {
		return 0, false, err
	}
	ordinals := slices.Sorted(maps.Keys(gone))
	change := func(tx *sqlx.Tx) error {
		if generation, err := books.Lock(ctx, tx); err != nil || generation != w.Generation {
			return errors.Join(transfer.ErrBlocksMoved, err)
		}
		pages := books.Pages{DB: tx, Connector: w.Transfer.Connector, Recipient: w.Transfer.Recipient}
		if err := delta.Leave(ctx, pages, w.Vault, delta.Name(pages.Connector, pages.Recipient), ordinals, other); err != nil {
			return err
		}
		if len(other) > 0 { // the next comparison finds out whether they are sent or leave
			if err := marks.Forget(ctx, tx, pages.Connector, pages.Recipient); err != nil {
				return err
			}
		}
		if err := notices.Put(ctx, w.Store, list)(tx); err != nil {
			return err
		}
		pause.At("leaving.written")
		return nil
	}
	if len(list) > 0 {
		_, err = w.Store.AppendWith(ctx, w.at, change, notices.Entries(list)...)
	} else {
		err = w.Store.InTx(ctx, change)
	}
	pause.At("leaving.entered")
	return len(leavers), true, err
}

// leaver is the person of an account, nil if they were read under another ordinal.
func (w *work) leaver(a *roster.Account, gone map[uint32]struct{}) *leaver {
	x := &leaver{ordinals: a.Ordinals, key: a.Key, why: transfer.Reason{Kind: "refused", Rule: "SUB-1", Why: "no longer on the platform"}}
	for _, o := range a.Ordinals {
		if why, refused := w.Refused[o]; refused {
			x.why = why
		} else if _, left := gone[o]; !left && w.Seen(o) {
			return nil
		}
	}
	return x
}

// gone lists the ordinals of people of whom the recipient holds something and who are not sent any more, as many as make a round.
func (w *work) gone(ctx context.Context) (map[uint32]struct{}, error) {
	if !w.Whole && len(w.Refused) == 0 {
		return nil, nil
	}
	out, any := map[uint32]struct{}{}, false
	err := w.DB.Each(ctx, w.Transfer.Connector, w.Transfer.Recipient, w.Stay, func(e delta.Entry) bool {
		any = true
		if _, refused := w.Refused[e.Ordinal]; refused || w.Whole && !w.Seen(e.Ordinal) {
			out[e.Ordinal] = struct{}{}
		}
		return (w.Leaving.Read > 0 || !w.Whole) && len(out) < round
	})
	if err == nil && w.Whole && w.Leaving.Read == 0 && any {
		err = record.NewProblem("source.empty", "", "see that the platform's database is the right one, and whole; if really nobody is left, tell the recipient with: almasu notify",
			"the read came to its end without anybody, and the recipient holds people: nobody is withdrawn")
	}
	return out, err
}

// name finds the records of each of the leavers that the recipient has taken and was not told of.
func (w *work) name(ctx context.Context, leavers []*leaver) error {
	by := map[uint32]*leaver{}
	for _, x := range leavers {
		for _, o := range x.ordinals {
			by[o] = x
		}
	}
	told, err := w.told(ctx)
	if err != nil {
		return err
	}
	rows, err := w.Store.Reader().QueryxContext(ctx, `SELECT m.id, m.header, m.disclosure, m.period, p.after_key, p.last_key, s.rejected, s.receipt
		FROM message m JOIN settlement s ON s.message = m.id JOIN part p ON p.transfer = m.transfer AND p.number = m.part
		WHERE m.connector = $1 AND m.recipient = $2 AND s.outcome = 'delivered' AND length(m.disclosure) > 0 ORDER BY m.intent DESC`, w.Transfer.Connector, w.Transfer.Recipient)
	if err != nil {
		return fmt.Errorf("reading what was sent: %w", err)
	}
	defer rows.Close()
	opener := sets.NewOpener(ctx, w.Store.Periods(), w.Store.Reader())
	for rows.Next() {
		if err := w.look(ctx, rows, opener, by, told); err != nil {
			return err
		}
	}
	return rows.Err()
}

// spot is the place of a record: its message and whose it is.
type spot struct {
	message record.ID
	ordinal uint32
}

// told lists the records of which the recipient was told, or is about to be, that they are used no longer.
func (w *work) told(ctx context.Context) (map[spot]bool, error) {
	list, err := notices.All(ctx, w.Store)
	if err != nil {
		return nil, err
	}
	out := map[spot]bool{}
	for i := range list {
		n := &list[i]
		if notice.Withdraw.Over(n.Act) || n.Outcome != "" && n.Outcome != string(transfer.Delivered) {
			continue
		}
		for _, r := range n.Records {
			out[spot{r.Message, r.Ordinal}] = true
		}
	}
	return out, nil
}

// look names those who are in one message.
func (w *work) look(ctx context.Context, rows *sqlx.Rows, opener *sets.Opener, by map[uint32]*leaver, told map[spot]bool) error {
	var text, in string
	var header, body, after, last, receipt []byte
	var rejected int
	if err := rows.Scan(&text, &header, &body, &in, &after, &last, &rejected, &receipt); err != nil {
		return fmt.Errorf("reading what was sent: %w", err)
	}
	id, err := record.ParseID(text)
	if err != nil {
		return err
	}
	h, err := signing.ParseHeader(header)
	if err != nil || h.Operation != signing.OperationProvide {
		return err
	}
	stored, err := opener.Open(period.Disclosure, text, in, body)
	if errors.Is(err, period.ErrDestroyed) {
		return nil
	}
	if err != nil {
		return err
	}
	set, err := stored.Disclosed()
	if err != nil {
		return fmt.Errorf("the disclosure set of message %s: %w", id, err)
	}
	var inside []uint32
	for o := range by {
		if g, ok := set.Find(o); ok && g.Mask != 0 && !told[spot{id, o}] {
			inside = append(inside, o)
		}
	}
	if len(inside) == 0 {
		return nil
	}
	order, err := w.ros.Order(ctx, after, last, set.Contains)
	if err != nil {
		return err
	}
	known := len(order) == h.Records && len(order) == set.Len()
	var refused []int
	if rejected > 0 {
		if refused, err = rejects(receipt); err != nil {
			return err
		}
	}
	index := make(map[uint32]int, len(order))
	for i, o := range order {
		index[o] = i
	}
	for _, o := range inside {
		i, there := index[o]
		if !there || !known {
			i = -1
		} else if slices.Contains(refused, i) {
			continue
		}
		if x := by[o]; i >= 0 || len(x.records) == 0 {
			x.records = append(x.records, telling.Record{Message: id, Envelope: record.DigestOf(header), Index: i, Ordinal: o, Key: x.key})
		}
	}
	return nil
}

// rejects lists the places of the rejected records in a receipt that was verified when it was stored.
func rejects(receipt []byte) (out []int, err error) {
	line, _, _ := bytes.Cut(receipt, []byte("\n"))
	var r struct {
		Outcomes []struct {
			Index  int    `json:"index"`
			Status string `json:"status"`
		} `json:"outcomes"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("reading a stored receipt: %w", err)
	}
	for _, o := range r.Outcomes {
		if o.Status == signing.StatusRejected {
			out = append(out, o.Index)
		}
	}
	return out, nil
}

// notices groups leavers into what is entered. Of whom no message is left that could be named, nothing can be said.
func (w *work) notices(leavers []*leaver) ([]notices.Notice, error) {
	term, _ := calendar.TermOf(notices.Term(notice.Withdraw))
	due, err := calendar.Kazakhstan().Due(term, w.at)
	if err != nil {
		return nil, err
	}
	type group struct {
		why    transfer.Reason
		letter bool
	}
	open := map[group]int{}
	var list []notices.Notice
	var subjects [][]string
	for _, x := range leavers {
		for i := range x.records {
			g := group{x.why, !w.Notices || x.records[i].Index < 0}
			at, ok := open[g]
			if !ok || len(list[at].Records) == notice.Most {
				t := w.Transfer
				t.ID, t.Trigger, t.Due, t.Started, t.Request = record.NewID(), transfer.RunNow, w.at, w.at, ""
				t.Reason = "not sent any more by transfer " + w.Transfer.ID.String()
				at, open[g] = len(list), len(list)
				list = append(list, notices.Notice{Transfer: t, Letter: g.letter, Opened: w.at, Due: due, Notice: telling.Notice{Act: notice.Withdraw, Rule: g.why.Rule, Why: g.why.Why}})
				subjects = append(subjects, nil)
			}
			list[at].Records = append(list[at].Records, x.records[i])
			for _, o := range x.ordinals {
				if text := strconv.FormatUint(uint64(o), 10); i == 0 || !slices.Contains(subjects[at], text) {
					subjects[at] = append(subjects[at], text)
				}
			}
		}
	}
	for i := range list {
		list[i].Subject = strings.Join(subjects[i], ",")
	}
	return list, nil
}
