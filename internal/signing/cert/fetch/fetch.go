// Package fetch asks the services of a certification authority over HTTP: responders,
// time-stamping authorities and the places of lists. It opens no connection itself;
// the transport is given.
//
// Every request carries a User-Agent, because the national services send clients
// without one to a login page; redirections are not followed for the same reason; an
// answer other than 200, of another content type than asked for, or above the bound is
// an error. Answers are bounded in size, and in time by the context.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// UserAgent is sent unless a Client names another.
const UserAgent = "almasu"

// MaxAnswer is the bound of an answer in octets unless a Client names another.
const MaxAnswer = 1 << 20

// ErrAnswer is wrapped by the error about an answer that is not usable.
var ErrAnswer = errors.New("unusable answer")

// Client asks services. The zero Client has no transport and fails every request.
type Client struct {
	// Transport carries the requests.
	Transport http.RoundTripper
	// UserAgent replaces the package's.
	UserAgent string
	// MaxAnswer replaces the package's bound.
	MaxAnswer int64
}

// Post sends body and returns the answer, which must be of the content type want.
func (c *Client) Post(ctx context.Context, url, contentType, want string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", url, err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", want)
	var out bytes.Buffer
	if err := c.do(req, want, &out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Get writes the answer of any content type to w, at most up to the bound.
func (c *Client) Get(ctx context.Context, url string, w io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("address %q: %w", url, err)
	}
	return c.do(req, "", w)
}

func (c *Client) do(req *http.Request, want string, w io.Writer) error {
	if c == nil || c.Transport == nil {
		return errors.New("no transport is configured")
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return fmt.Errorf("address %q is not of HTTP", req.URL.Redacted())
	}
	agent := c.UserAgent
	if agent == "" {
		agent = UserAgent
	}
	req.Header.Set("User-Agent", agent)
	res, err := c.Transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("asking %s: %w", req.URL.Redacted(), err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: status %d from %s", ErrAnswer, res.StatusCode, req.URL.Redacted())
	}
	if got, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); want != "" && got != want {
		return fmt.Errorf("%w: content type %q from %s, expected %q", ErrAnswer, got, req.URL.Redacted(), want)
	}
	limit := c.MaxAnswer
	if limit == 0 {
		limit = MaxAnswer
	}
	n, err := io.Copy(w, io.LimitReader(res.Body, limit+1))
	if err != nil {
		return fmt.Errorf("reading from %s: %w", req.URL.Redacted(), err)
	}
	if n > limit {
		return fmt.Errorf("%w: more than %d octets from %s", ErrAnswer, limit, req.URL.Redacted())
	}
	return nil
}
