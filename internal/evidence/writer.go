package evidence

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Writer writes an export. Its methods are called in the order of the package comment; the first failure to write
// stays, and Close returns it. It checks nothing: that is what [Verify] is for.
type Writer struct {
	out *bufio.Writer
	sum hash.Hash
	end endLine
	err error
}

// NewWriter begins an export of the log with the given key, made at the given time.
func NewWriter(w io.Writer, key *transferlog.PublicKey, made time.Time) *Writer {
	e := &Writer{sum: sha256.New()}
	e.out = bufio.NewWriterSize(io.MultiWriter(w, e.sum), 1<<16)
	e.line(headLine{Export: 1, Origin: key.Origin(), LogKey: key.String(), Made: formatTime(made)})
	return e
}

func (e *Writer) line(v any) {
	b, err := writeLine(v)
	if err == nil && e.err == nil {
		_, err = e.out.Write(b)
	}
	if e.err == nil {
		e.err = err
	}
}

// Key adds a public key by which the recipient with this BIN signs receipts.
func (e *Writer) Key(recipient string, k signing.HeldKey) {
	e.line(keyLine{Key: string(k.Key.PEM()), Recipient: recipient, NotBefore: formatTime(k.NotBefore), NotAfter: formatTime(k.NotAfter)})
}

// Keyring adds every key of a recipient; the ring's holder is the recipient's BIN.
func (e *Writer) Keyring(ring *signing.Keyring) {
	for _, k := range ring.Keys() {
		e.Key(ring.Holder(), k)
	}
}

// Entry adds the next entry, as it stands in the log.
func (e *Writer) Entry(entry []byte) {
	e.end.End.Entries++
	for _, part := range [...]string{entryOpen, "", entryClose} {
		if e.err != nil {
			return
		}
		if part == "" {
			_, e.err = e.out.Write(entry)
			continue
		}
		_, e.err = e.out.WriteString(part)
	}
}

// Receipt adds the receipt that the next entry, a settlement, names.
func (e *Writer) Receipt(receipt []byte) {
	e.end.End.Receipts++
	e.line(receiptLine{Receipt: receipt})
}

// Checkpoint adds a signed checkpoint of the entries so far.
func (e *Writer) Checkpoint(signed []byte) {
	e.end.End.Checkpoints++
	e.line(checkpointLine{Checkpoint: string(signed)})
}

// Close writes the last line. It does not close the underlying writer.
func (e *Writer) Close() error {
	if e.err == nil {
		e.err = e.out.Flush()
	}
	e.end.End.SHA256 = record.Digest(e.sum.Sum(nil))
	e.line(e.end)
	if e.err == nil {
		e.err = e.out.Flush()
	}
	if e.err != nil {
		return fmt.Errorf("writing the export: %w", e.err)
	}
	return nil
}
