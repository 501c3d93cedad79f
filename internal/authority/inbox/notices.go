package inbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// Mark is what notices have said of a record, the last of them counts.
type Mark struct {
	Act notice.Act
	// Places are all that corrections have said, in their order.
	Places []notice.Place
	// Notice is the message id of the notice that said it.
	Notice record.ID
}

// Spot is where a record stands: the message that brought it, and its index there.
type Spot struct {
	Message record.ID
	Index   int
}

// Marks reads what a sender's notices have said, of each record that they name, and counts them. They are kept as messages, so that what is marked
// can be proven.
func (s *Store) Marks(ctx context.Context, sender string) (marks map[Spot]Mark, notices int64, err error) {
	schema := notice.Schema().Digest()
	rows, err := s.db.QueryContext(ctx, "SELECT document, receipt FROM message WHERE sender = ? AND schema = ? AND status = 'accepted' ORDER BY sequence", sender, schema[:])
	if err != nil {
		return nil, 0, fmt.Errorf("reading notices: %w", err)
	}
	defer rows.Close()
	marks = map[Spot]Mark{}
	for rows.Next() {
		var packed, receipt []byte
		if err := rows.Scan(&packed, &receipt); err != nil {
			return nil, 0, fmt.Errorf("reading notices: %w", err)
		}
		document, err := unpack(packed)
		if err != nil {
			return nil, 0, err
		}
		n, err := notice.Parse(document)
		if err != nil {
			continue // a void notice that has taken the number of a notice
		}
		rejected, err := rejectedOf(receipt)
		if err != nil {
			return nil, 0, err
		}
		notices++
		for i := range n.Records {
			if !rejected[i] {
				put(marks, n.Message, &n.Records[i])
			}
		}
	}
	return marks, notices, rows.Err()
}

func put(marks map[Spot]Mark, id record.ID, r *notice.Record) {
	at := Spot{r.Message, r.Index}
	m := marks[at]
	if r.Act.Over(m.Act) {
		marks[at] = Mark{Act: r.Act, Places: append(m.Places, r.Places...), Notice: id}
	}
}

// Original is a message that a notice is about.
type Original struct {
	Header  signing.Header
	Digest  record.Digest // of the header
	store   *Store
	id      int64
	refused bool
	missing map[int]bool
}

// Original finds a message of a sender that was received; nil if there is none.
func (s *Store) Original(ctx context.Context, sender string, message record.ID) (*Original, error) {
	o := &Original{store: s}
	var header, receipt []byte
	var status string
	err := s.db.QueryRowContext(ctx, "SELECT id, header, status, receipt FROM message WHERE sender = ? AND message = ?", sender, message[:]).Scan(&o.id, &header, &status, &receipt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the message that a notice is about: %w", err)
	}
	if o.Header, err = signing.ParseHeader(header); err != nil {
		return nil, err
	}
	if o.missing, err = rejectedOf(receipt); err != nil {
		return nil, err
	}
	o.Digest, o.refused = record.DigestOf(header), status != signing.StatusAccepted
	return o, nil
}

// Holds reports whether a record was taken from the message at this index.
func (o *Original) Holds(index int) bool {
	return o.Header.Operation == signing.OperationProvide && !o.refused && index < o.Header.Records && !o.missing[index]
}

// Document returns the members of the message's document.
func (o *Original) Document(ctx context.Context) (map[string]json.RawMessage, error) {
	var packed []byte
	if err := o.store.db.QueryRowContext(ctx, "SELECT document FROM message WHERE id = ?", o.id).Scan(&packed); err != nil {
		return nil, fmt.Errorf("reading the message that a notice is about: %w", err)
	}
	document, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(document, &parts); err != nil {
		return nil, fmt.Errorf("reading the message that a notice is about: %w", err)
	}
	return parts, nil
}
