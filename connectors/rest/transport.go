package rest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
)

// errPin is why a handshake fails when the server's key is not pinned.
var errPin = errors.New("the server's public key is not one of the pinned ones")

func (c *Config) transport() (*http.Transport, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS13, Time: c.Now}
	if len(c.CA) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, record.NewProblem("rest.ca", "ca", "a PEM file with certificates", "there is no certificate in the file of authorities")
		}
	}
	if len(c.ClientCertificate) > 0 {
		pair, err := tls.X509KeyPair(c.ClientCertificate, c.ClientKey)
		if err != nil { // the cause is dropped: it may describe the key
			return nil, record.NewProblem("rest.client_certificate", "client_certificate", "", "client certificate and key do not parse or do not belong together")
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	if len(c.Pins) > 0 {
		pins := slices.Clone(c.Pins)
		conf.InsecureSkipVerify = len(c.CA) == 0 // the pin then authenticates alone
		conf.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) > 0 {
				leaf := record.Digest(sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo))
				if slices.Contains(pins, leaf.String()) {
					return nil
				}
			}
			return errPin
		}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: c.ConnectTimeout}).DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    c.HandshakeTimeout,
		ResponseHeaderTimeout:  c.AnswerTimeout,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true,
		MaxIdleConns:           c.Connections,
		MaxIdleConnsPerHost:    c.Connections,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        64 << 10,
		Protocols:              protocols,
	}, nil
}

// content is what the transport is told about a request's body.
type content struct {
	digest record.Digest
	// readers are the bodies that the transport has not closed yet. It may go on reading one after the answer has come.
	readers sync.WaitGroup
}

// contentKey is the context key of a request's *content.
type contentKey struct{}

// watched is a body that says when the transport has let go of it.
type watched struct {
	io.ReadCloser
	close func()
}

func (w *watched) Close() error {
	err := w.ReadCloser.Close()
	w.close()
	return err
}

// watch makes the content know of a request's body, and of the ones that the transport makes in its place when it finds a connection dead.
func (c *content) watch(r *http.Request) {
	if r.Body == nil {
		return
	}
	wrap := func(body io.ReadCloser) io.ReadCloser {
		c.readers.Add(1)
		return &watched{body, sync.OnceFunc(c.readers.Done)}
	}
	again := r.GetBody
	r.Body, r.GetBody = wrap(r.Body), func() (io.ReadCloser, error) {
		body, err := again()
		if err != nil {
			return nil, err
		}
		return wrap(body), nil
	}
}

// signer signs each request as it leaves.
type signer struct {
	conf *Config
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	body := r.Context().Value(contentKey{}).(*content)
	out := r.Clone(r.Context())
	params := httpsig.Params{Created: s.conf.Now(), Lifetime: s.conf.SignatureLifetime, Nonce: httpsig.NewNonce()}
	if err := httpsig.Sign(out, body.digest, s.conf.Key, params); err != nil {
		return nil, err
	}
	body.watch(out)
	return s.next.RoundTrip(out)
}
