package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
)

// signatureLifetime is how long the signature of a webhook's request is good.
const signatureLifetime = time.Minute

// Webhook is a channel to a program. Its fields are checked by [Webhook.Check].
type Webhook struct {
	URL string
	// InsecureLoopback admits an address on this machine without HTTPS.
	InsecureLoopback bool
	// Transport makes connections.
	Transport http.RoundTripper
	// Key signs.
	Key *signing.Key
	Now func() time.Time
}

// Check reports all problems of the fields at once.
func (w *Webhook) Check() error {
	var ps record.Problems
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		ps.Add("notify.webhook_url", "url", "e.g. https://duty.example.kz/almasu", "expected an https address without user and fragment")
	case u.Scheme == "http" && w.InsecureLoopback && loopback(u.Hostname()):
	case u.Scheme != "https":
		ps.Add("notify.insecure", "url", "use https", "only an address on this machine may go without encryption")
	}
	return ps.Err()
}

// Name implements [Channel].
func (w *Webhook) Name() string { return "webhook" }

// body is the JSON form of a note: format 1, each change with its sentence in the three languages.
type body struct {
	V      int      `json:"v"`
	ID     string   `json:"id"`
	At     string   `json:"at"`
	Raised []change `json:"raised"`
	Over   []change `json:"over"`
}

type change struct {
	Condition
	Text map[string]string `json:"text"`
}

func (n *Note) json() ([]byte, error) {
	out := body{V: 1, ID: n.ID, At: n.At.Format(time.RFC3339Nano), Raised: changes(n.Raised, false), Over: changes(n.Over, true)}
	return json.Marshal(out)
}

func changes(list []Condition, over bool) []change {
	out := make([]change, len(list))
	for i, c := range list {
		out[i] = change{c, map[string]string{"kk": c.sentence(kazakh, over), "ru": c.sentence(russian, over), "en": c.sentence(english, over)}}
	}
	return out
}

// Send implements [Channel]. Codes: notify.webhook_connection, notify.webhook_refused.
func (w *Webhook) Send(ctx context.Context, n *Note) error {
	b, err := n.json()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(b))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "almasu")
	params := httpsig.Params{Created: w.Now(), Lifetime: signatureLifetime, Nonce: httpsig.NewNonce()}
	if err := httpsig.Sign(r, record.DigestOf(b), w.Key, params); err != nil {
		return err
	}
	answer, err := w.Transport.RoundTrip(r) // no redirects
	if err != nil {
		return record.NewProblem("notify.webhook_connection", r.URL.Host, "", "the webhook cannot be reached")
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return record.NewProblem("notify.webhook_refused", r.URL.Host, "", "the webhook answered with status %s", strconv.Itoa(answer.StatusCode))
	}
	return nil
}
