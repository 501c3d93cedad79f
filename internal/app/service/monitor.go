package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"birgeoqy.kz/almasu/internal/app/alarms"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/peer"
	"birgeoqy.kz/almasu/internal/app/watch"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/notify"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/notes"
	"birgeoqy.kz/almasu/internal/transfer"
)

// measure puts meters into the service, and returns where monitoring is answered and with what, and what counts closed transfers. The listener is nil if
// the configuration names none. serves says whether this process serves.
func (v *Service) measure(serves func() bool) (net.Listener, http.Handler, func(*transfer.Report), error) {
	listener, err := metrics.Listen(v.File.Serve.Metrics)
	if err != nil {
		return nil, nil, nil, exit.Environment(err)
	}
	registry := metrics.NewRegistry()
	meter := watch.NewMeter(registry)
	state := &watch.State{Store: v.Store, Now: v.Env.Now, Connectors: v.File.Names(), Expiries: v.Expiries(), Serves: serves, Logger: v.Env.Logger,
		Permitted: func() map[string]bool {
			out := map[string]bool{}
			for _, a := range v.AskRoutes() {
				out[a.Connector] = a.Permitted
			}
			return out
		}}
	for _, c := range v.Connections {
		meter.Connect(c)
		if bin := v.Recipient(c); !slices.Contains(state.Recipients, bin) {
			state.Recipients = append(state.Recipients, bin)
		}
	}
	v.Engine.Ledger = meter.Ledger(v.Engine.Ledger)
	registry.MustRegister(state, collectors.NewDBStatsCollector(v.Store.DB().DB, "store"), collectors.NewDBStatsCollector(v.Platform.DB, "platform"))
	return listener, metrics.Handler(registry, state.Ready, v.Env.Logger), meter.Closed, nil
}

// Expiries are the keys and certificates of ours that end.
func (v *Service) Expiries() []watch.Expiry {
	var out []watch.Expiry
	for _, held := range v.Ring.Keys() {
		if held.Key.ID() == v.Seal.ID() {
			out = append(out, watch.Expiry{Kind: "seal", Name: held.Key.ID(), Ends: held.NotAfter})
		}
	}
	for i := range v.File.Connectors {
		c := &v.File.Connectors[i]
		if c.REST != nil && c.REST.ClientCertificate != "" {
			var ps record.Problems
			out = append(out, watch.Expiry{Kind: "client_certificate", Name: c.Name, Ends: watch.CertificateEnd(ReadFile(v.File.Path(c.REST.ClientCertificate), &ps, "config.client_certificate_missing"))})
		}
	}
	return out
}

// answer serves monitoring until ctx ends.
func (v *Service) answer(ctx context.Context, l net.Listener, h http.Handler) {
	if l == nil {
		return
	}
	v.Env.Logger.Info("monitoring is answered", "address", l.Addr().String())
	if err := metrics.Serve(ctx, l, h); err != nil {
		v.Env.Logger.Error("monitoring is not answered any more", "code", "metrics.listen", "error", err)
	}
}

// channels are the configured ways to tell people.
func (v *Service) channels(ps *record.Problems) (out []notify.Channel) {
	if c := v.File.Notify.Mail; c != nil {
		m := &notify.Mail{Server: c.Server, From: c.From, To: c.To, User: c.User, InsecureLoopback: c.InsecureLoopback, TLS: v.trusting(c.CA, ps), Now: v.Env.Now}
		if c.PasswordFile != "" {
			m.Password = strings.TrimSpace(string(ReadSecret(v.File.Path(c.PasswordFile), ps, "config.password_missing")))
		}
		ps.Merge(peer.Located(m.Check(), c.Where.Key("server")), "config.notify", c.Where.Key("server"))
		out = append(out, m)
	}
	if c := v.File.Notify.Webhook; c != nil {
		t := &http.Transport{TLSClientConfig: v.trusting(c.CA, ps), TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10}
		w := &notify.Webhook{URL: c.URL, InsecureLoopback: c.InsecureLoopback, Transport: t, Key: v.Seal, Now: v.Env.Now}
		ps.Merge(peer.Located(w.Check(), c.Where.Key("url")), "config.notify", c.Where.Key("url"))
		out = append(out, w)
	}
	return out
}

// trusting is a TLS configuration with the authorities of a file, or the system's.
func (v *Service) trusting(ca string, ps *record.Problems) *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return conf
	}
	if b := ReadFile(v.File.Path(ca), ps, "config.ca_missing"); b != nil {
		if conf.RootCAs = x509.NewCertPool(); !conf.RootCAs.AppendCertsFromPEM(b) {
			ps.Add("config.ca", v.File.Path(ca), "a PEM file with certificates", "there is no certificate in the file of authorities")
		}
	}
	return conf
}

// Watching is what looks for what is wrong, and what tells it.
func (v *Service) Watching() (*alarms.Watch, *notify.Desk) {
	w := &alarms.Watch{Store: v.Store, Register: v.Register, Keys: v.Ring.Keys(), Routes: map[string]string{}, Retention: v.File.Retention, Ahead: v.File.Notify.Ahead.Or(30 * 24 * time.Hour)}
	for _, c := range v.File.Connectors {
		w.Routes[c.Name] = c.Route
	}
	return w, &notify.Desk{Book: notes.Book{Store: v.Store}, Channels: v.tellers, Logger: v.Env.Logger}
}

// RouteAnswer is what the law says of a connector's route as of now.
type RouteAnswer struct {
	Connector string         `json:"connector"`
	Route     string         `json:"route"`
	Permitted bool           `json:"permitted"`
	OnRequest bool           `json:"on_request"`
	Fields    []string       `json:"fields,omitempty"`
	Denied    []legal.Denied `json:"denied,omitempty"`
	Rule      string         `json:"rule,omitempty"`
	Why       string         `json:"why,omitempty"`
	// Hint is what to do where it is not permitted.
	Hint string `json:"hint,omitempty"`
}

// AskRoutes asks the law about the route of each connector as of now. A route on request is judged with its request.
func (v *Service) AskRoutes() []RouteAnswer {
	var out []RouteAnswer
	for _, name := range v.File.Names() {
		c := v.Connections[name]
		a := RouteAnswer{Connector: name, Route: c.Route, OnRequest: v.Register.Route(c.Route).Trigger == "request"}
		if a.OnRequest { // judged with its request
			a.Permitted, a.Why = true, "judged with each request; answers approved ones only"
			out = append(out, a)
			continue
		}
		gate, err := v.Register.Gate(legal.Case{Route: c.Route, Now: v.Env.Now(), Demo: v.Env.Demo, Channel: c.Channel})
		var refusal *legal.Refusal
		switch {
		case errors.As(err, &refusal):
			a.Rule, a.Why, a.Hint = refusal.Rule, refusal.Error(), v.advise(c, refusal)
		case err != nil:
			a.Why, a.Hint = err.Error(), "see: almasu lint"
		default:
			a.Permitted, a.Fields, a.Denied = true, gate.Fields(), gate.Denied()
		}
		out = append(out, a)
	}
	return out
}

// advise says what to do about a route that the law refuses.
func (v *Service) advise(c *transfer.Connection, refusal *legal.Refusal) string {
	route := v.Register.Route(c.Route)
	const approve = "two administrators%s approve it, each with: almasu approve --route %s --as WHO --key FILE; what that prints goes into the register's approvals.yaml"
	switch rules.Reason(refusal.Why) {
	case rules.WhyNotApproved:
		return fmt.Sprintf(approve, " other than "+route.Author, route.ID)
	case rules.WhyBackdatingNotApproved:
		var versions []string
		for _, one := range v.Register.Approvables() {
			if one.Kind == register.ApprovePolicy {
				versions = append(versions, one.Name)
			}
		}
		return fmt.Sprintf("the policy's version takes effect before it was registered; "+approve, "", strings.Join(versions, " or "))
	case rules.WhyChannelOther:
		return fmt.Sprintf("the route says channel: %s, and the configuration has a connector of the channel %s; a route that is changed is approved anew", route.Channel, c.Channel)
	}
	return "see: almasu lint, and docs/operations.md, \"A run is not permitted\""
}
