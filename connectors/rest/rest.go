package rest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"

	"github.com/go-resty/resty/v2"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
	"birgeoqy.kz/almasu/internal/transferlog"
)

const (
	messagesPath    = "/v1/messages"
	checkpointsPath = "/v1/checkpoints"

	maxRefusalBytes   = 64 << 10
	maxIntroductions  = 4 // tries to introduce a checkpoint, each from the size that the recipient stated last
	maxUnknownAnswers = 2 // repetitions of a message whose checkpoint the recipient had forgotten
)

// Connector delivers to one recipient. It is safe for concurrent use; make one with [New].
type Connector struct {
	conf      Config
	client    *resty.Client
	transport *http.Transport
	chain     *chain
}

var _ connectors.Connector = (*Connector)(nil)

// New returns a connector, or all problems of its configuration at once. It opens no connection.
func New(conf Config) (*Connector, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	transport, err := conf.transport()
	if err != nil {
		return nil, err
	}
	c := &Connector{conf: conf, transport: transport}
	c.client = resty.New().
		SetTransport(&signer{conf: &c.conf, next: transport}).
		SetRedirectPolicy(resty.RedirectPolicyFunc(func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse })).
		SetDoNotParseResponse(true).
		SetCookieJar(nil).
		SetLogger(silent{}).
		SetBaseURL(conf.BaseURL).
		SetHeader("User-Agent", conf.UserAgent).
		SetHeader("Accept", signing.ReceiptMediaType+", application/json")
	c.chain = newChain(c)
	return c, nil
}

// Close closes idle connections. Deliveries under way are not disturbed.
func (c *Connector) Close() { c.transport.CloseIdleConnections() }

// Seal returns the document as it is: over HTTPS it travels in the form that the recipient's schema describes.
func (c *Connector) Seal(document []byte, mediaType string) ([]byte, string, error) {
	return document, mediaType, nil
}

// Deliver makes one attempt: it introduces the ticket's checkpoint if that was not done, and posts the message. The
// acknowledgement is the receipt's bytes. Errors are [*connectors.Failure].
func (c *Connector) Deliver(ctx context.Context, env *signing.Envelope, ticket *transferlog.Ticket) ([]byte, error) {
	if err := connectors.Admit(env, ticket, c.conf.Recipient); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.conf.AttemptTimeout)
	defer cancel()
	note := ticket.Checkpoint()
	for unknown := 0; ; unknown++ {
		if err := c.chain.introduce(ctx, note); err != nil {
			return nil, err
		}
		a, err := c.post(ctx, messagesPath, signing.MaxReceiptBytes, message(env, ticket))
		if err != nil {
			return nil, err
		}
		if a.status == http.StatusOK {
			return a.body, nil
		}
		r := a.refusal()
		if a.status == http.StatusConflict && r.Code == "log.checkpoint_unknown" && unknown < maxUnknownAnswers {
			c.chain.forget(r.HeldSize)
			continue
		}
		if connectors.CarriesReceipt(env, r.Code, r.Receipt, c.conf.Peers, c.conf.Now()) {
			return r.Receipt, nil
		}
		return nil, c.failure(a, r)
	}
}

// ReadReceipt verifies the receipt against the envelope by the recipient's keys of now. What is not a good receipt for this envelope is Disputed.
func (c *Connector) ReadReceipt(env *signing.Envelope, acknowledgement []byte) (*signing.Receipt, error) {
	return connectors.ReadReceipt(env, acknowledgement, c.conf.Peers, c.conf.Now())
}

// request is what differs between the requests that the connector makes.
type request struct {
	payload signing.Payload
	header  http.Header
}

func message(env *signing.Envelope, ticket *transferlog.Ticket) request {
	header := make(http.Header, 16)
	httpsig.SetEnvelope(header, env)
	header.Set(httpsig.FieldCheckpoint, base64.StdEncoding.EncodeToString(ticket.Checkpoint()))
	header.Set(httpsig.FieldTicket, ticket.Wire())
	return request{payload: env.Payload(), header: header}
}

// post posts, as exchange.
func (c *Connector) post(ctx context.Context, path string, limit int64, r request) (*answer, error) {
	return c.exchange(ctx, http.MethodPost, path, limit, r)
}

// exchange makes one request and reads at most limit bytes of the answer. When it returns, every reader of the payload is closed.
func (c *Connector) exchange(ctx context.Context, method, path string, limit int64, r request) (*answer, error) {
	body := &body{payload: r.payload}
	defer body.readers.Wait() // the transport closes bodies with the answer or the connection
	out := c.client.R().SetContext(context.WithValue(ctx, bodyKey{}, body))
	for name, values := range r.header {
		out.Header[name] = values
	}
	resp, err := out.Execute(method, path)
	if err != nil {
		return nil, broken(ctx, err)
	}
	raw := resp.RawResponse
	defer func() { _ = raw.Body.Close() }()
	if raw.StatusCode != http.StatusOK {
		limit = maxRefusalBytes
	}
	a := &answer{status: raw.StatusCode, retryAfter: raw.Header.Get("Retry-After")}
	if a.body, err = readAtMost(raw, limit); err == nil {
		// Whoever is left in the middle of an answer may still end it properly: what came after our time was over is not a whole answer.
		if err = ctx.Err(); err == nil {
			return a, nil
		}
	}
	if !errors.Is(err, errTooLarge) {
		return nil, broken(ctx, err)
	}
	if a.status == http.StatusOK {
		return nil, &connectors.Failure{Kind: connectors.Disputed, Code: "delivery.answer_too_large", Hint: "ask the recipient what answers under this address", Err: err}
	}
	a.body = nil // a refusal without a readable code
	return a, nil
}

var errTooLarge = errors.New("the answer is longer than it may be")

func readAtMost(r *http.Response, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	buf := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead))
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	if err == nil && n > limit {
		err = errTooLarge
	}
	return buf.Bytes(), err
}

// silent drops what resty would log.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
