// Package monitor is what the receiving side shows to monitoring: what its store holds, by sender, what it has answered, and whether it is ready.
package monitor

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/metrics"
)

// Source is what the pages show.
type Source struct {
	Config *inbox.Config
	Now    func() time.Time
	Logger *slog.Logger
	// Stopped is closed when nothing is written any more.
	Stopped <-chan struct{}
	// Refusals and Requests count what was answered, by code and by path.
	Refusals, Requests *prometheus.CounterVec
}

// Handler is the handler of /metrics, /healthz and /readyz. Senders are labelled by their BIN, refusals by their code.
func (s *Source) Handler() http.Handler {
	registry := metrics.NewRegistry()
	registry.MustRegister(s.Refusals, s.Requests, &figures{s})
	for _, path := range []string{"/v1/messages", "/v1/checkpoints", "/v1/status"} {
		s.Requests.WithLabelValues(path)
	}
	return metrics.Handler(registry, s.ready, s.Logger)
}

// ready says why messages cannot be stored now.
func (s *Source) ready(ctx context.Context) []metrics.Reason {
	if _, err := inbox.Status(ctx, s.Config, s.Now()); err != nil {
		return []metrics.Reason{{Code: "store.unreachable", Message: "the store cannot be read: look at the disk and the rights of the data folder"}}
	}
	select {
	case <-s.Stopped:
		return []metrics.Reason{{Code: "service.stopped", Message: "the writer has stopped"}}
	default:
		return nil
	}
}

// figures are what the store holds, by sender.
type figures struct{ s *Source }

func figure(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("authority_"+name, help, labels, nil)
}

var (
	descUp       = figure("store_up", "1 if the store has answered this scrape.")
	descMessages = figure("messages", "Messages stored.", "sender")
	descRefused  = figure("messages_refused", "Messages stored and refused as a whole, with a receipt.", "sender")
	descRecords  = figure("records", "Records accepted.", "sender")
	descRejected = figure("records_rejected", "Records rejected.", "sender")
	descLast     = figure("last_sequence", "The greatest number received.", "sender")
	descMissing  = figure("sequence_missing", "Numbers that are missing, and whether for longer than gap_timeout.", "sender", "overdue")
	descAlarms   = figure("alarms", "Contradictions of the sender that are kept as evidence, up to a hundred.", "sender")
	descHeld     = figure("held_log_entries", "Size of the sender's log at the last checkpoint that is held.", "sender")
)

// Describe implements [prometheus.Collector].
func (f *figures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descUp, descMessages, descRefused, descRecords, descRejected, descLast, descMissing, descAlarms, descHeld} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (f *figures) Collect(out chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := inbox.Status(ctx, f.s.Config, f.s.Now())
	if err != nil {
		put(descUp, 0)
		f.s.Logger.Warn("the store does not answer monitoring", "code", "store.unreachable", "error", err)
		return
	}
	put(descUp, 1)
	for _, one := range all {
		overdue, missing := 0, 0
		for _, g := range one.Gaps {
			if g.Overdue {
				overdue++
			} else {
				missing++
			}
		}
		put(descMessages, float64(one.Messages), one.BIN)
		put(descRefused, float64(one.Refused), one.BIN)
		put(descRecords, float64(one.Records), one.BIN)
		put(descRejected, float64(one.Rejected), one.BIN)
		put(descLast, float64(one.Last), one.BIN)
		put(descMissing, float64(missing), one.BIN, "no")
		put(descMissing, float64(overdue), one.BIN, "yes")
		put(descAlarms, float64(len(one.Alarms)), one.BIN)
		put(descHeld, float64(one.HeldSize), one.BIN)
	}
}
