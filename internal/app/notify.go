package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/app/alarms"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/notes"
)

// channels are the configured ways to tell people.
func (v *service) channels(ps *record.Problems) (out []notify.Channel) {
	if c := v.file.Notify.Mail; c != nil {
		m := &notify.Mail{Server: c.Server, From: c.From, To: c.To, User: c.User, InsecureLoopback: c.InsecureLoopback, TLS: v.trusting(c.CA, ps), Now: v.session.now}
		if c.PasswordFile != "" {
			m.Password = strings.TrimSpace(string(readSecret(v.file.Path(c.PasswordFile), ps, "config.password_missing")))
		}
		ps.Merge(located(m.Check(), c.Where.Key("server")), "config.notify", c.Where.Key("server"))
		out = append(out, m)
	}
	if c := v.file.Notify.Webhook; c != nil {
		t := &http.Transport{TLSClientConfig: v.trusting(c.CA, ps), TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10}
		w := &notify.Webhook{URL: c.URL, InsecureLoopback: c.InsecureLoopback, Transport: t, Key: v.seal, Now: v.session.now}
		ps.Merge(located(w.Check(), c.Where.Key("url")), "config.notify", c.Where.Key("url"))
		out = append(out, w)
	}
	return out
}

// trusting is a TLS configuration with the authorities of a file, or the system's.
func (v *service) trusting(ca string, ps *record.Problems) *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return conf
	}
	if b := readFile(v.file.Path(ca), ps, "config.ca_missing"); b != nil {
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(b) {
			ps.Add("config.ca", v.file.Path(ca), "a PEM file with certificates", "there is no certificate in the file of authorities")
		}
	}
	return conf
}

// watching is what looks for what is wrong, and what tells it.
func (v *service) watching() (*alarms.Watch, *notify.Desk) {
	w := &alarms.Watch{Store: v.store, Register: v.register, Keys: v.ring.Keys(), Routes: map[string]string{}, Ahead: v.file.Notify.Ahead.Or(30 * 24 * time.Hour)}
	for _, c := range v.file.Connectors {
		w.Routes[c.Name] = c.Route
	}
	return w, &notify.Desk{Book: notes.Book{Store: v.store}, Channels: v.tellers, Logger: v.session.logger()}
}

// openWatching opens the service for the command alarms.
func (s *session) openWatching(ctx context.Context) (*alarms.Watch, *notify.Desk, func(), error) {
	v, err := s.open(ctx, parts{store: true})
	if err != nil {
		return nil, nil, nil, err
	}
	w, d := v.watching()
	return w, d, v.Close, nil
}
