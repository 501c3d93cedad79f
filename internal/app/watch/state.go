package watch

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/fault"
	"birgeoqy.kz/almasu/internal/store/standing"
	"birgeoqy.kz/almasu/internal/store/tally"
	"birgeoqy.kz/almasu/internal/transfer"
)

// Expiry is something whose end comes: a key or a certificate.
type Expiry struct {
	// Kind is "seal" or "client_certificate"; Name the key's id or the connector.
	Kind, Name string
	Ends       time.Time
}

// CertificateEnd is when the first certificate of a PEM text ends, zero if there is none.
func CertificateEnd(text []byte) time.Time {
	block, _ := pem.Decode(text)
	if block == nil {
		return time.Time{}
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return c.NotAfter
}

// State is what monitoring asks a service for. It is collected at each scrape from the store, so that several processes on one store agree.
type State struct {
	Store *store.Store
	Now   func() time.Time
	// Recipients are the BINs of the recipients that connectors send to, whose lines are shown also if nothing was ever wrong; Connectors their names.
	Recipients, Connectors []string
	Expiries               []Expiry
	// Permitted says for each connector whether its route is permitted now.
	Permitted func() map[string]bool
	// Serves says whether this process serves, or waits because others do by another deployment; nil for always.
	Serves func() bool
	Logger *slog.Logger
}

type desc = *prometheus.Desc

func gauge(name, help string, labels ...string) desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// The figures of the store, by what waits, lines, runs and the rest.
var (
	descUp      = gauge("almasu_store_up", "1 if the store has answered this scrape.")
	descServes  = gauge("almasu_serves", "1 if this process serves, 0 if it waits because others do by another configuration.")
	descWaiting = gauge("almasu_messages_waiting", "Messages that are logged and not settled.", "recipient", "connector")
	descPeople  = gauge("almasu_people_waiting", "People in messages that wait.", "recipient", "connector")
	descOldest  = gauge("almasu_waiting_oldest_seconds", "Age of the oldest message that waits.", "recipient", "connector")
	descLine    = gauge("almasu_line_state", "1 for the state that the line to the recipient is in: up, down or halted.", "recipient", "state")
	descLog     = gauge("almasu_log_entries", "Entries of the log.")
	descOutbox  = gauge("almasu_outbox_bytes", "Sealed payload that waits.")
	descDue     = gauge("almasu_runs_due", "Runs whose time has come and that nobody has claimed.", "connector")
	descLate    = gauge("almasu_run_late_seconds", "How long the oldest of them has been due.", "connector")
	descRunning = gauge("almasu_runs_running", "Runs that a process holds.", "connector")
	descMissed  = gauge("almasu_runs_missed", "Runs that were missed, since the beginning.", "connector")
	descLease   = gauge("almasu_lease_seconds_left", "Until the lease of the run ends; negative if it has lapsed.", "connector")
	descHolds   = gauge("almasu_holds_open", "Holds that wait for a person's decision.", "connector")
	descHeld    = gauge("almasu_hold_age_seconds", "How long the hold has waited for a decision.", "connector")
	descDecide  = gauge("almasu_hold_seconds_left", "Until the hold expires and nothing of it is sent.", "connector")
	descExpiry  = gauge("almasu_expiry_days", "Days until a key or certificate ends.", "kind", "name")
	descRoute   = gauge("almasu_route_permitted", "1 if the law permits the connector's route now.", "connector")
)

// Describe implements [prometheus.Collector].
func (s *State) Describe(out chan<- desc) {
	for _, d := range []desc{descUp, descServes, descWaiting, descPeople, descOldest, descLine, descLog, descOutbox, descDue, descLate, descRunning, descMissed, descLease, descHolds, descHeld, descDecide, descExpiry, descRoute} {
		out <- d
	}
}

const scrapePatience = 5 * time.Second

// Collect implements [prometheus.Collector].
func (s *State) Collect(out chan<- prometheus.Metric) {
	put := func(d desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := s.Now()
	for _, e := range s.Expiries {
		if !e.Ends.IsZero() {
			put(descExpiry, e.Ends.Sub(now).Hours()/24, e.Kind, e.Name)
		}
	}
	for connector, permitted := range s.Permitted() {
		put(descRoute, truth(permitted), connector)
	}
	if s.Serves != nil {
		put(descServes, truth(s.Serves()))
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	t, err := tally.Read(ctx, s.Store, now)
	put(descUp, truth(err == nil))
	if err != nil {
		s.Logger.Warn("the store does not answer monitoring", "code", codeOf(err), "error", err)
		return
	}
	put(descLog, float64(t.LogEntries))
	put(descOutbox, float64(t.OutboxBytes))
	for _, w := range t.Waiting {
		put(descWaiting, float64(w.Messages), w.Recipient, w.Connector)
		put(descPeople, float64(w.People), w.Recipient, w.Connector)
		put(descOldest, now.Sub(w.Oldest).Seconds(), w.Recipient, w.Connector)
	}
	for recipient, state := range s.lines(t) {
		for _, one := range []transfer.LineState{transfer.LineUp, transfer.LineDown, transfer.LineHalted} {
			put(descLine, truth(one == state), recipient, string(one))
		}
	}
	for _, j := range s.jobs(t) {
		put(descDue, float64(j.Due), j.Connector)
		put(descRunning, float64(j.Running), j.Connector)
		put(descMissed, float64(j.Missed), j.Connector)
		if !j.Lease.IsZero() {
			put(descLease, j.Lease.Sub(now).Seconds(), j.Connector)
		}
		late := 0.0
		if !j.Oldest.IsZero() {
			late = now.Sub(j.Oldest).Seconds()
		}
		put(descLate, late, j.Connector)
	}
	s.holds(t, now, put)
}

// holds puts the figures of holds: a count for every connector, ages for those that have one.
func (s *State) holds(t *tally.Tally, now time.Time, put func(d desc, v float64, labels ...string)) {
	open := map[string]int{}
	for _, name := range s.Connectors {
		open[name] = 0
	}
	for _, h := range t.Held {
		open[h.Connector]++
		put(descHeld, now.Sub(h.Since).Seconds(), h.Connector)
		put(descDecide, h.Expires.Sub(now).Seconds(), h.Connector)
	}
	for name, n := range open {
		put(descHolds, float64(n), name)
	}
}

func (s *State) lines(t *tally.Tally) map[string]transfer.LineState {
	out := map[string]transfer.LineState{}
	for _, bin := range s.Recipients {
		out[bin] = transfer.LineUp
	}
	for _, l := range t.Lines {
		out[l.Recipient] = l.State
	}
	return out
}

// jobs has every connector, also those that were never due.
func (s *State) jobs(t *tally.Tally) []tally.Job {
	out, known := t.Jobs, map[string]bool{}
	for _, j := range t.Jobs {
		known[j.Connector] = true
	}
	for _, name := range s.Connectors {
		if !known[name] {
			out = append(out, tally.Job{Connector: name})
		}
	}
	return out
}

// Ready says why the service cannot do its work now: its store does not answer, is not migrated, or is in doubt; or its sealing key has ended. A recipient that does not answer
// is no such reason.
func (s *State) Ready(ctx context.Context) (out []metrics.Reason) {
	if err := s.Store.Check(ctx); err != nil {
		out = append(out, metrics.Reason{Code: codeOf(err), Message: "the store does not answer, or is not migrated; see: almasu doctor"})
	} else if doubt, err := standing.InDoubt(ctx, s.Store); err == nil && doubt {
		out = append(out, metrics.Reason{Code: "restore.not_compared", Message: "the store may be older than what its recipients know; see: almasu reconcile"})
	}
	seal := false
	for _, e := range s.Expiries {
		seal = seal || e.Kind == "seal" && (e.Ends.IsZero() || e.Ends.After(s.Now()))
	}
	if !seal {
		out = append(out, metrics.Reason{Code: "signing.key_expired", Message: "no sealing key is in force; see: almasu keys rotate"})
	}
	return out
}

// codeOf is the code of an error of the store; one that no database has made says that time ran out.
func codeOf(err error) string {
	if code := record.CodeOf(fault.Wrap(err)); code != "" {
		return code
	}
	return fault.Unreachable
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
