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
	"birgeoqy.kz/almasu/internal/signing"
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

// body is what the transport is told about a request's body.
type body struct {
	payload signing.Payload
	// readers are those that the transport has not closed yet. It may go on reading one after the answer has come.
	readers sync.WaitGroup
}

// bodyKey is the context key of a request's *body.
type bodyKey struct{}

// watched is a reader that says when the transport has let go of it.
type watched struct {
	io.ReadCloser
	close func()
}

func (w *watched) Close() error {
	err := w.ReadCloser.Close()
	w.close()
	return err
}

// open returns a reader of the payload, and never an error.
func (b *body) open() (io.ReadCloser, error) {
	b.readers.Add(1)
	return &watched{b.payload.Open(), sync.OnceFunc(b.readers.Done)}, nil
}

// signer signs each request as it leaves.
type signer struct {
	conf *Config
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	body := r.Context().Value(bodyKey{}).(*body)
	out := r.Clone(r.Context())
	params := httpsig.Params{Created: s.conf.Now(), Lifetime: s.conf.SignatureLifetime, Nonce: httpsig.NewNonce()}
	out.ContentLength = body.payload.Size()
	if err := httpsig.Sign(out, body.payload.Digest(), s.conf.Key, params); err != nil {
		return nil, err
	}
	if out.ContentLength > 0 {
		out.GetBody = body.open // for the connection after one that the transport finds dead
		out.Body, _ = body.open()
	}
	return s.next.RoundTrip(out)
}
