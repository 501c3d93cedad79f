package evidence

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Options is what the auditor brings.
type Options struct {
	// LogKey is the log's public key, if the auditor has it from elsewhere; else the file's own word is taken for it, and
	// the report says so.
	LogKey *transferlog.PublicKey
	// Held are signed checkpoints that somebody else has kept.
	Held [][]byte
	// Keyrings are recipients' keys that the auditor has from elsewhere, by BIN; they replace those in the file.
	Keyrings map[string]*signing.Keyring
	// Observe, if not nil, is called with each entry that could be read, in order.
	Observe func(index int64, e transferlog.Entry)
	// ObserveReceipt, if not nil, is called with the bytes of each receipt, before its settlement is observed.
	ObserveReceipt func(receipt []byte)
}

// CheckAll verifies an export and returns its findings as an error: the whole-log checker of tests.
func CheckAll(r io.Reader, o Options) error {
	report, err := Verify(r, o)
	if err != nil {
		return err
	}
	return report.Err()
}

// Verify reads an export to its end. The error is a problem with the code export.not_an_export if the file does not
// begin as one, or log.held_unusable if a held checkpoint does not verify; errors of reading are wrapped.
func Verify(r io.Reader, o Options) (*Report, error) {
	v := &verifier{
		in: bufio.NewReaderSize(r, 1<<16), options: o, sum: sha256.New(),
		rings: map[string]*signing.Keyring{}, ledger: newLedger(),
		report: Report{Kinds: map[string]int64{}, Outcomes: map[string]int64{}, Recipients: []Recipient{}, Findings: []Finding{}},
	}
	v.entry = -1
	if err := v.head(); err != nil {
		return nil, err
	}
	if err := v.openHeld(); err != nil {
		return nil, err
	}
	v.meet()
	for !v.ended {
		line, err := v.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		v.take(line)
	}
	if err := v.finish(); err != nil {
		return nil, err
	}
	return &v.report, nil
}

type verifier struct {
	in      *bufio.Reader
	options Options
	sum     hash.Hash // of all lines before the present one
	buffer  []byte

	key     *transferlog.PublicKey
	rings   map[string]*signing.Keyring
	known   map[string]*signing.Keyring        // those that count, each beside the others; made at the first receipt
	held    map[int64][]transferlog.Checkpoint // by size
	most    int64                              // the greatest size held
	tree    transferlog.Tree
	hashes  []tlog.Hash
	ledger  *ledger
	receipt []byte // waits for its settlement
	signed  int64  // size of the last good checkpoint
	vouched int64  // size of the last checkpoint line
	ended   bool
	long    bool // the present line was longer than maxLine

	line, entry       int64
	receipts, entries int64
	report            Report
}

func (v *verifier) find(code, format string, args ...any) {
	v.report.Total++
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, Finding{Code: code, Line: v.line, Entry: v.entry, Message: fmt.Sprintf(format, args...)})
	}
}

// findErr makes a finding of an error that has a code.
func (v *verifier) findErr(err error) {
	if err == nil {
		return
	}
	var p *record.Problem
	if errors.As(err, &p) {
		v.find(p.Code, "%s", p.Message)
		return
	}
	v.find("export.malformed", "%v", err)
}

// next returns the next line with its line feed, valid until the following call.
func (v *verifier) next() ([]byte, error) {
	if v.line > 0 {
		v.sum.Write(v.buffer)
	}
	v.buffer, v.long = v.buffer[:0], false
	for {
		part, err := v.in.ReadSlice('\n')
		if len(v.buffer)+len(part) > maxLine {
			v.long = true
		} else {
			v.buffer = append(v.buffer, part...)
		}
		switch {
		case err == nil || errors.Is(err, io.EOF) && len(v.buffer) > 0:
			v.line++
			return v.buffer, nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, readError(err)
		}
	}
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("reading the export: %w", err)
}

func (v *verifier) head() error {
	bad := record.NewProblem("export.not_an_export", "", `expected {"export":1,"origin":...,"log_key":...,"made":...} in the first line`, "this is not the export of a log")
	line, err := v.next()
	if errors.Is(err, io.EOF) {
		return bad
	}
	if err != nil {
		return err
	}
	var h headLine
	if !readLine(line, &h) || h.Export != 1 {
		return bad
	}
	key, err := transferlog.ParsePublicKey(h.LogKey)
	if err != nil {
		return bad
	}
	if _, ok := parseTime(h.Made); !ok || h.Made == "" || h.LogKey != key.String() {
		return bad
	}
	v.key = key
	v.report.Origin, v.report.Made = h.Origin, h.Made
	if given := v.options.LogKey; given != nil {
		v.report.KeyGiven = true
		if given.String() != h.LogKey {
			v.find("log.other_key", "the file names another key of the log than the one given")
		}
		v.key = given
	}
	if h.Origin != v.key.Origin() {
		v.find("log.other_key", "the file's origin is not the name of the log's key")
	}
	v.report.LogKey = v.key.String()
	return nil
}

func (v *verifier) openHeld() error {
	v.held = map[int64][]transferlog.Checkpoint{}
	for i, b := range v.options.Held {
		c, err := v.key.Open(b)
		if err != nil {
			return record.NewProblem("log.held_unusable", fmt.Sprintf("held checkpoint %d", i), "give the log's key with it", "a held checkpoint does not verify: %v", err)
		}
		v.held[c.Size] = append(v.held[c.Size], c)
		v.most = max(v.most, c.Size)
	}
	return nil
}

// meet compares the tree with the held checkpoints of its present size.
func (v *verifier) meet() {
	for _, h := range v.held[v.tree.Size()] {
		if h.Root != v.tree.Root() {
			v.find("log.inconsistent", "a checkpoint of %d entries that is held has another root: the log was rewritten", h.Size)
		} else {
			v.report.Held++
		}
	}
}

func (v *verifier) take(line []byte) {
	if v.long {
		v.find("export.malformed", "a line is longer than %d bytes", maxLine)
		return
	}
	v.entry = -1
	switch {
	case line[len(line)-1] != '\n':
		return // finish says that the file was cut
	case bytes.HasPrefix(line, []byte(entryOpen)) && bytes.HasSuffix(line, []byte(entryClose)):
		v.takeEntry(line[len(entryOpen) : len(line)-len(entryClose)])
	case bytes.HasPrefix(line, []byte(`{"checkpoint":`)):
		v.takeCheckpoint(line)
	case bytes.HasPrefix(line, []byte(`{"receipt":`)):
		v.takeReceipt(line)
	case bytes.HasPrefix(line, []byte(`{"key":`)):
		v.takeKey(line)
	case bytes.HasPrefix(line, []byte(`{"end":`)):
		v.takeEnd(line)
	default:
		v.find("export.malformed", "the line is of no known kind")
	}
}

func (v *verifier) takeKey(line []byte) {
	var k keyLine
	if !readLine(line, &k) {
		v.find("export.malformed", "the line of a key is malformed")
		return
	}
	if v.entries > 0 || v.receipt != nil {
		v.find("export.order", "keys stand before the entries")
	}
	key, err := signing.ParsePublicKey([]byte(k.Key))
	if err != nil {
		v.findErr(err)
		return
	}
	before, ok := parseTime(k.NotBefore)
	after, good := parseTime(k.NotAfter)
	if !ok || !good || !bytes.Equal(key.PEM(), []byte(k.Key)) {
		v.find("export.malformed", "the line of a key is malformed")
		return
	}
	ring := v.rings[k.Recipient]
	if ring == nil {
		ring = signing.NewKeyring(k.Recipient)
		v.rings[k.Recipient] = ring
	}
	if err := ring.Add(key, before, after); err != nil {
		v.findErr(err)
	}
}

// ring is a recipient's keyring, the auditor's if they brought one. Keys stand before the entries, so that all are known when the first receipt comes.
func (v *verifier) ring(recipient string) *signing.Keyring {
	if v.known == nil {
		v.known = map[string]*signing.Keyring{}
		given := maps.Clone(v.rings)
		maps.Copy(given, v.options.Keyrings)
		for bin, from := range given {
			ring := signing.NewKeyring(bin)
			for _, k := range from.Keys() {
				v.findErr(ring.Add(k.Key, k.NotBefore, k.NotAfter))
			}
			for _, other := range given {
				ring.Beside(other)
			}
			v.known[bin] = ring
		}
	}
	return v.known[recipient]
}

func (v *verifier) takeReceipt(line []byte) {
	var r receiptLine
	if !readLine(line, &r) || len(r.Receipt) == 0 {
		v.find("export.malformed", "the line of a receipt is malformed")
		return
	}
	if v.receipt != nil {
		v.find("receipt.unexpected", "no settlement follows the receipt of an earlier line")
	}
	v.receipt = r.Receipt
	v.receipts++
	if v.options.ObserveReceipt != nil {
		v.options.ObserveReceipt(r.Receipt)
	}
}

func (v *verifier) takeCheckpoint(line []byte) {
	v.report.Checkpoints++
	if v.receipt != nil {
		v.find("receipt.unexpected", "no settlement follows the receipt of an earlier line")
		v.receipt = nil
	}
	var c checkpointLine
	if !readLine(line, &c) {
		v.find("export.malformed", "the line of a checkpoint is malformed")
		return
	}
	state, err := v.key.Open([]byte(c.Checkpoint))
	if err != nil {
		v.findErr(err)
		return
	}
	switch {
	case state.Size != v.tree.Size() || state.Size <= v.vouched:
		v.find("log.checkpoint_order", "a checkpoint of %d entries stands after %d entries", state.Size, v.tree.Size())
	case state.Root != v.tree.Root():
		v.find("log.root_mismatch", "the entries before a signed checkpoint of %d entries are not those that were signed", state.Size)
	default:
		v.signed = state.Size
	}
	v.vouched = max(v.vouched, state.Size)
}

func (v *verifier) takeEntry(entry []byte) {
	v.entry = v.entries
	v.entries++
	v.hashes = v.tree.Append(v.hashes[:0], entry)
	v.meet()
	e, err := transferlog.Decode(entry)
	receipt := v.receipt
	v.receipt = nil
	if err != nil {
		v.findErr(err)
		return
	}
	v.report.Kinds[e.Kind()]++
	if s, ok := e.(*transferlog.Settlement); ok {
		v.settle(s, receipt)
	} else if receipt != nil {
		v.find("receipt.unexpected", "a receipt stands before an entry that is no settlement")
	}
	switch e := e.(type) {
	case *transferlog.Intent:
		v.ledger.intent(v, e)
	case *transferlog.Run:
		v.ledger.run(v, e)
	case *transferlog.Refusals:
		v.ledger.refusals(e)
	}
	if v.options.Observe != nil {
		v.options.Observe(v.entry, e)
	}
}

func (v *verifier) takeEnd(line []byte) {
	v.ended = true
	var e endLine
	if !readLine(line, &e) {
		v.find("export.malformed", "the last line is malformed")
		return
	}
	if e.End.SHA256 != record.Digest(v.sum.Sum(nil)) {
		v.find("export.damaged", "the file's own digest does not match: it was changed after it was written")
	}
	if e.End.Entries != v.entries || e.End.Checkpoints != v.report.Checkpoints || e.End.Receipts != v.receipts {
		v.find("export.counts", "the last line counts other numbers of entries, checkpoints or receipts than the file holds")
	}
}

func (v *verifier) finish() error {
	v.entry = -1
	if !v.ended {
		v.find("export.truncated", "the file has no last line: it was cut")
	} else if _, err := v.in.ReadByte(); err == nil {
		v.find("export.trailing", "there are bytes after the last line")
	} else if !errors.Is(err, io.EOF) {
		return readError(err)
	}
	if v.receipt != nil {
		v.find("receipt.unexpected", "no settlement follows the receipt of an earlier line")
	}
	size := v.tree.Size()
	if v.signed < size {
		v.find("log.unsigned_tail", "no valid checkpoint covers the entries from index %d", v.signed)
	}
	if v.most > size {
		v.find("log.truncated", "a checkpoint of %d entries is held, and the file has %d: entries were taken away", v.most, size)
	}
	v.report.Entries, v.report.Root = size, v.tree.Root().String()
	v.ledger.sum(&v.report)
	return nil
}
