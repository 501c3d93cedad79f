package rest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
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

// contentKey is the context key of the digest of a request's body.
type contentKey struct{}

func withContent(ctx context.Context, d record.Digest) context.Context {
	return context.WithValue(ctx, contentKey{}, d)
}

// signer signs each request as it leaves.
type signer struct {
	conf *Config
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	digest, _ := r.Context().Value(contentKey{}).(record.Digest)
	out := r.Clone(r.Context())
	params := httpsig.Params{Created: s.conf.Now(), Lifetime: s.conf.SignatureLifetime, Nonce: httpsig.NewNonce()}
	if err := httpsig.Sign(out, digest, s.conf.Key, params); err != nil {
		return nil, err
	}
	return s.next.RoundTrip(out)
}
