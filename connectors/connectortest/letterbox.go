package connectortest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/parcel"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Letterbox is a receiver of parcels in a folder (package internal/parcel is the specification), which treats them as a [Peer] treats requests.
// It looks into the folder when it is told to. It is safe for concurrent use.
type Letterbox struct {
	*Peer
	// Dir is the folder that has in and out.
	Dir string

	turn sync.Mutex
}

// NewLetterbox makes an empty letterbox with a peer behind it.
func NewLetterbox(t testing.TB, recipient string, senders *signing.Keyring, log *transferlog.PublicKey, now func() time.Time) *Letterbox {
	t.Helper()
	l := &Letterbox{Peer: NewPeer(t, recipient, senders, log, now), Dir: t.TempDir()}
	l.empty()
	return l
}

func (l *Letterbox) empty() {
	for _, name := range []string{parcel.In, parcel.Out} {
		dir := filepath.Join(l.Dir, name)
		if err := os.RemoveAll(dir); err != nil {
			l.t.Error(err)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			l.t.Error(err)
		}
	}
}

// Restart implements [Receiver]. What is lost with the memory is the folder, too.
func (l *Letterbox) Restart(remembering bool) {
	l.Peer.Restart(remembering)
	l.turn.Lock()
	defer l.turn.Unlock()
	if !remembering {
		l.empty()
	}
}

// Look takes what lies in the folder: introductions first, from the lowest state on, then parcels. A parcel that has a good receipt is
// removed; any other is treated again at the next look.
func (l *Letterbox) Look() {
	l.turn.Lock()
	defer l.turn.Unlock()
	files, err := os.ReadDir(filepath.Join(l.Dir, parcel.In))
	if err != nil {
		l.t.Error(err)
	}
	var steps [][2]int64
	sender := ""
	for _, f := range files {
		if s, from, to, ok := parcel.IntroductionOf(f.Name()); ok {
			sender, steps = s, append(steps, [2]int64{from, to})
		}
	}
	slices.SortFunc(steps, func(a, b [2]int64) int { return int(a[0]+a[1]) - int(b[0]+b[1]) })
	for _, s := range steps {
		name := filepath.Join(l.Dir, parcel.In, parcel.CheckpointName(sender, s[0], s[1]))
		if b, err := os.ReadFile(name); err == nil && l.checkpoint(b).status == http.StatusOK {
			_ = os.Remove(name)
		}
	}
	for _, f := range files {
		if message, ok := parcel.MessageOf(f.Name()); ok {
			l.treat(message, filepath.Join(l.Dir, parcel.In, f.Name()))
		}
	}
}

// treat treats one parcel and leaves what is answered.
func (l *Letterbox) treat(message record.ID, name string) {
	b, err := os.ReadFile(name)
	if err != nil {
		return
	}
	p, err := parcel.Read(b, 64<<20)
	if err != nil {
		l.t.Error(err)
		return
	}
	fields := http.Header{"Content-Type": {p.MediaType}}
	fields.Set(httpsig.FieldEnvelope, p.Wire)
	env, err := signing.OpenWire(p.Wire, signing.NewPayload(p.Stored, p.MediaType), l.senders, l.now())
	if err != nil {
		l.t.Error(err)
		return
	}
	httpsig.SetEnvelope(fields, env)
	fields.Set(httpsig.FieldCheckpoint, base64.StdEncoding.EncodeToString(p.Checkpoint))
	fields.Set(httpsig.FieldTicket, p.Ticket)
	over, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond) // nobody waits at a letterbox
	defer cancel()
	w := &slip{header: http.Header{}}
	func() {
		defer func() { _ = recover() }() // a connection that is cut
		l.message(over, w, fields, p.Stored)
	}()
	if l.reply(message, w); w.status == http.StatusOK {
		if _, err := signing.OpenReceipt(w.body, l.Keys(), l.now(), env); err == nil {
			_ = os.Remove(name)
		}
	}
}

// slip collects an answer.
type slip struct {
	header http.Header
	status int
	body   []byte
}

func (s *slip) Header() http.Header { return s.header }
func (s *slip) Flush()              {}
func (s *slip) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}
func (s *slip) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	if len(s.body) > signing.MaxReceiptBytes {
		return 0, io.ErrShortWrite
	}
	s.body = append(s.body, b...)
	return len(b), nil
}

// reply turns what a server would have sent into files.
func (l *Letterbox) reply(message record.ID, w *slip) {
	out := func(name string) string { return filepath.Join(l.Dir, parcel.Out, name) }
	write := func(name string, b []byte) {
		if err := os.WriteFile(out(name), b, 0o600); err != nil {
			l.t.Error(err)
		}
	}
	huge := len(w.header.Get("Content-Length")) > 7
	switch {
	case w.status == 0 && !huge:
		return
	case huge:
		write(parcel.ReceiptName(message), make([]byte, signing.MaxReceiptBytes+1))
		return
	case w.status == http.StatusOK:
		write(parcel.ReceiptName(message), w.body)
		_ = os.Remove(out(parcel.AnswerName(message)))
		return
	}
	var body struct {
		Code    string `json:"code"`
		Held    int64  `json:"held_size"`
		Receipt []byte `json:"receipt"`
	}
	_ = json.Unmarshal(w.body, &body)
	if w.status >= 500 && body.Code == "" {
		body.Code = "service.failed"
	}
	if len(body.Receipt) > 0 && !strings.HasPrefix(body.Code, "sequence.") { // a signed refusal
		write(parcel.ReceiptName(message), body.Receipt)
		return
	}
	a := parcel.Answer{Message: message.String(), At: l.now().UTC().Format(time.RFC3339), Code: body.Code, HeldSize: &body.Held, Receipt: body.Receipt}
	if w.header.Get("Retry-After") != "" {
		a.RetryAfter = RetryAfter
	}
	b, err := a.Sign(l.key)
	if err != nil {
		l.t.Error(err)
	}
	write(parcel.AnswerName(message), b)
}
