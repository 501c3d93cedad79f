package doctor

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"birgeoqy.kz/almasu/internal/record"
)

// Server is a recipient's server, as a connector is configured to meet it.
type Server struct {
	Connector, URL string
	// CA is the PEM text of the authority that vouches for it, Pins the fingerprints of its key; without both the system's authorities count.
	CA   []byte
	Pins []string
	// ClientCertificate and ClientKey, in PEM, are ours.
	ClientCertificate, ClientKey []byte
	// Loopback permits plain HTTP.
	Loopback bool
}

const patience = 10 * time.Second

// Recipient connects to a recipient as a delivery would, and says what is wrong with its certificate, its key or its clock. now is our clock.
func Recipient(ctx context.Context, s Server, now func() time.Time) []Finding {
	what := "recipient of " + s.Connector
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var seen tls.ConnectionState
	conf, err := s.tls(now, &seen)
	if err != nil {
		return []Finding{{Fail, "doctor.tls_files", what, err.Error(), "look at ca, client_certificate and client_key of the connector"}}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: patience}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, s.URL, nil)
	if err != nil {
		return []Finding{{Fail, "doctor.unreachable", what, "the URL cannot be used", "look at url of the connector"}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return []Finding{s.unreachable(what, err)}
	}
	_ = resp.Body.Close()
	out := s.certificate(what, &seen, now())
	return append(out, clock(what, resp.Header.Get("Date"), now())...)
}

// tls verifies as the connector does, and keeps what was seen.
func (s *Server) tls(now func() time.Time, seen *tls.ConnectionState) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS13, Time: now}
	if len(s.CA) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(s.CA) {
			return nil, errors.New("there is no certificate in the file of authorities")
		}
	}
	if len(s.ClientCertificate) > 0 {
		pair, err := tls.X509KeyPair(s.ClientCertificate, s.ClientKey)
		if err != nil {
			return nil, errors.New("client certificate and key do not belong together")
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	conf.InsecureSkipVerify = len(s.Pins) > 0 && len(s.CA) == 0 // the pin then authenticates alone
	conf.VerifyConnection = func(state tls.ConnectionState) error {
		*seen = state
		if len(s.Pins) > 0 && !slices.Contains(s.Pins, fingerprint(state.PeerCertificates[0])) {
			return errPin
		}
		return nil
	}
	return conf, nil
}

var errPin = errors.New("the key is not pinned")

func fingerprint(c *x509.Certificate) string {
	return record.Digest(sha256.Sum256(c.RawSubjectPublicKeyInfo)).String()
}

// unreachable tells why a connection failed.
func (s *Server) unreachable(what string, err error) Finding {
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	switch {
	case errors.Is(err, errPin):
		return Finding{Fail, "doctor.pin", what, "its server has another key than the pinned one", "compare the fingerprint with the recipient by telephone before you change pins"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Finding{Fail, "doctor.certificate_expired", what, "its certificate is not valid now", "ask the recipient to renew it; is our own clock right?"}
	case errors.As(err, &authority):
		return Finding{Fail, "doctor.certificate_authority", what, "its certificate is signed by an authority that is not configured", "ask the recipient which authority it has, and put its certificate under ca"}
	case errors.As(err, &host):
		return Finding{Fail, "doctor.certificate_name", what, "its certificate is for another name", "compare url with the names in the certificate"}
	}
	var dns *net.DNSError
	hint := "is it running, and does a firewall let us through? Try: openssl s_client -connect HOST:PORT -tls1_3"
	if errors.As(err, &dns) {
		hint = "the name cannot be resolved: look at url and at the name servers"
	}
	return Finding{Fail, "doctor.unreachable", what, fmt.Sprintf("it cannot be reached at %s", s.URL), hint}
}

// certificate judges what the server showed. Plain HTTP has none.
func (s *Server) certificate(what string, seen *tls.ConnectionState, now time.Time) []Finding {
	if len(seen.PeerCertificates) == 0 {
		if s.Loopback {
			return []Finding{{Warn, "doctor.plain_http", what, "is met over plain HTTP", "insecure_loopback is for demonstrations"}}
		}
		return nil
	}
	leaf := seen.PeerCertificates[0]
	first := leaf.NotAfter
	for _, chain := range seen.VerifiedChains {
		for _, c := range chain {
			if c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
	}
	f := Finding{OK, "", what, fmt.Sprintf("TLS 1.3, valid until %s, key %s", first.UTC().Format(time.DateOnly), fingerprint(leaf)), ""}
	if first.Sub(now) < Soon {
		f.Level, f.Code, f.Hint = Warn, "doctor.certificate_ends", "ask the recipient when it renews; with a pinned key, for the new fingerprint too"
	}
	return []Finding{f}
}

// The difference of clocks that is worth a warning, and that which makes a recipient refuse us.
const (
	skewWarn = time.Minute
	skewFail = 5 * time.Minute
)

// clock compares a Date header with our clock.
func clock(what, date string, now time.Time) []Finding {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return nil // nothing obliges a server to say the time
	}
	skew := now.Sub(theirs)
	f := Finding{Fail, "doctor.recipient_clock", what, fmt.Sprintf("our clock and its clock differ by %s", skew.Round(time.Second)), "find out which is wrong (timedatectl); signatures count for five minutes"}
	switch skew = skew.Abs(); {
	case skew <= skewWarn:
		return nil
	case skew <= skewFail:
		f.Level = Warn
	}
	return []Finding{f}
}
