package authority

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// maxUpdate bounds the body of POST /v1/checkpoints.
const maxUpdate = 64 << 10

// updateBody is the JSON of POST /v1/checkpoints.
type updateBody struct {
	// Checkpoint is the signed checkpoint in base64.
	Checkpoint []byte `json:"checkpoint"`
	// From is the size of the log that we hold, which the proof connects with the checkpoint.
	From int64 `json:"from"`
	// Proof is an RFC 6962 consistency proof between the smaller and the greater of the two.
	Proof []tlog.Hash `json:"proof"`
}

// position is the JSON that answers POST /v1/checkpoints: what is held now.
type position struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
}

// checkpoint answers POST /v1/checkpoints.
func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > maxUpdate {
		return refuse("request.too_large", "", "the body is longer than %d bytes", maxUpdate)
	}
	at := s.now()
	var buffer []byte
	b, err := s.authentic(r, at, &buffer)
	if err != nil {
		return err
	}
	var in updateBody
	d := json.NewDecoder(bytes.NewReader(b.bytes))
	d.DisallowUnknownFields()
	if d.Decode(&in) != nil || onlyEOF(d) || in.From < 0 {
		return refuse("request.malformed", "", `expected {"checkpoint":base64,"from":size,"proof":[base64,...]}`)
	}
	state, err := b.sender.LogKey.Open(in.Checkpoint)
	if err != nil {
		return err
	}
	held, err := s.advance(r.Context(), b.sender, &inbox.State{
		Sender: b.sender.BIN, Nonce: nonceOf(b.verified), Received: at, State: state, Signed: in.Checkpoint, Against: in.From, Proof: in.Proof,
	})
	if err != nil {
		return err
	}
	pause.At("authority.advanced")
	writeJSON(w, position{Size: held.Size, Root: held.Root})
	return nil
}

// readState reads the body of an introduction, and verifies the checkpoint's signature.
func readState(sd *sender, body []byte, at time.Time) (*inbox.State, error) {
	var in updateBody
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(&in) != nil || onlyEOF(d) || in.From < 0 {
		return nil, refuse("request.malformed", "", `expected {"checkpoint":base64,"from":size,"proof":[base64,...]}`)
	}
	state, err := sd.LogKey.Open(in.Checkpoint)
	if err != nil {
		return nil, err
	}
	return &inbox.State{Sender: sd.BIN, Received: at, State: state, Signed: in.Checkpoint, Against: in.From, Proof: in.Proof}, nil
}

// onlyEOF reports whether something stands after the JSON value.
func onlyEOF(d *json.Decoder) bool {
	_, err := d.Token()
	return err != io.EOF
}

// advance accepts a state of the sender's log, greater or smaller than the one held, if the proof connects the two. What
// does not fit is kept as evidence.
func (s *Server) advance(ctx context.Context, sd *sender, u *inbox.State) (held transferlog.Checkpoint, err error) {
	state := u.State
	err = s.group.submit(ctx, func(ctx context.Context, g *group) error {
		var err error
		if held, err = g.Holds(ctx, sd.BIN, state.Origin); err != nil {
			return err
		}
		root, known, err := g.Root(ctx, sd.BIN, state.Size)
		switch {
		case err != nil:
			return err
		case known && root == state.Root:
			return nil
		case !known && u.Against != held.Size:
			r := refuse("log.checkpoint_base", "prove from the state that is held", "the proof is from %d entries, %d are held", u.Against, held.Size)
			r.held = &held
			return r
		}
		earlier, later := held, state
		if state.Size < held.Size {
			earlier, later = state, held
		}
		if known || transferlog.CheckExtension(earlier, later, u.Proof) != nil {
			s.log.Error("alarm", "sender", sd.BIN, "code", "log.inconsistent")
			if err := g.Raise(ctx, sd.BIN, u.Received, "log.inconsistent", u.Signed, u.Nonce == inbox.Nonce{}); err != nil {
				return err
			}
			return inconsistent(held)
		}
		if err := g.PutState(ctx, u); err != nil {
			return err
		}
		held = later
		g.after = append(g.after, func() {
			sd.mu.Lock()
			defer sd.mu.Unlock()
			sd.progress.Accept(state)
		})
		return nil
	})
	return held, err
}

// maxListed bounds the receipts of one status, in bytes.
const maxListed = 4 << 20

// statusRequest answers GET /v1/status to the sender who signed it; with ?from=NUMBER it lists the messages received from that number on.
func (s *Server) statusRequest(w http.ResponseWriter, r *http.Request) error {
	at := s.now()
	var buffer []byte
	b, err := s.authentic(r, at, &buffer)
	if err != nil {
		return err
	}
	var listed []signing.Held
	if text := r.URL.Query().Get("from"); text != "" {
		from, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			return refuse("request.malformed", "", "from is a sequence number")
		}
		if listed, err = s.store.Since(r.Context(), b.sender.BIN, from, maxListed); err != nil {
			return err
		}
	}
	signed, err := s.status(r.Context(), b.sender, at, listed)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", signing.StandingMediaType)
	w.Write(signed)
	return nil
}

// status signs how far a sender has come, with messages that are listed.
func (s *Server) status(ctx context.Context, sd *sender, at time.Time, listed []signing.Held) ([]byte, error) {
	sd.mu.Lock()
	line := signing.Standing{
		Recipient: s.config.BIN, Sender: sd.BIN, Last: sd.progress.Last, Missing: sd.progress.Missing(),
		HeldSize: sd.progress.Held.Size, HeldRoot: sd.progress.Held.Root.String(), Messages: listed,
	}
	sd.mu.Unlock()
	if line.HeldSize > 0 {
		var err error
		if line.Checkpoint, err = s.store.Signed(ctx, sd.BIN, line.HeldSize); err != nil {
			return nil, err
		}
	}
	return signing.SignStanding(line, at, s.key)
}
