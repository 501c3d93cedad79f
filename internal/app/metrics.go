package app

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"birgeoqy.kz/almasu/internal/app/watch"
	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transfer"
)

// measure puts meters into the service, and returns where monitoring is answered and with what, and what counts closed transfers. The listener is nil if
// the configuration names none.
func (v *service) measure() (net.Listener, http.Handler, func(*transfer.Report), error) {
	listener, err := metrics.Listen(v.file.Serve.Metrics)
	if err != nil {
		return nil, nil, nil, environment(err)
	}
	registry := metrics.NewRegistry()
	meter := watch.NewMeter(registry)
	state := &watch.State{Store: v.store, Now: v.session.now, Connectors: v.file.Names(), Expiries: v.expiries(), Logger: v.session.logger(),
		Permitted: func() map[string]bool {
			out := map[string]bool{}
			for _, a := range v.askRoutes() {
				out[a.Connector] = a.Permitted
			}
			return out
		}}
	for _, c := range v.connections {
		meter.Connect(c)
		if bin := v.recipient(c); !slices.Contains(state.Recipients, bin) {
			state.Recipients = append(state.Recipients, bin)
		}
	}
	v.engine.Ledger = meter.Ledger(v.engine.Ledger)
	registry.MustRegister(state, collectors.NewDBStatsCollector(v.store.DB().DB, "store"), collectors.NewDBStatsCollector(v.platform.DB, "platform"))
	return listener, metrics.Handler(registry, state.Ready, v.session.logger()), meter.Closed, nil
}

// expiries are the keys and certificates of ours that end.
func (v *service) expiries() []watch.Expiry {
	var out []watch.Expiry
	for _, held := range v.ring.Keys() {
		if held.Key.ID() == v.seal.ID() {
			out = append(out, watch.Expiry{Kind: "seal", Name: held.Key.ID(), Ends: held.NotAfter})
		}
	}
	for i := range v.file.Connectors {
		c := &v.file.Connectors[i]
		if c.REST != nil && c.REST.ClientCertificate != "" {
			var ps record.Problems
			out = append(out, watch.Expiry{Kind: "client_certificate", Name: c.Name, Ends: watch.CertificateEnd(readFile(v.file.Path(c.REST.ClientCertificate), &ps, "config.client_certificate_missing"))})
		}
	}
	return out
}

// answer serves monitoring until ctx ends.
func (v *service) answer(ctx context.Context, l net.Listener, h http.Handler) {
	if l == nil {
		return
	}
	v.session.logger().Info("monitoring is answered", "address", l.Addr().String())
	if err := metrics.Serve(ctx, l, h); err != nil {
		v.session.logger().Error("monitoring is not answered any more", "code", "metrics.listen", "error", err)
	}
}
