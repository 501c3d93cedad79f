package authority

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/metrics"
)

// Monitoring is the handler of /metrics, /healthz and /readyz. Senders are labelled by their BIN, refusals by their code.
func (s *Server) Monitoring() http.Handler {
	registry := metrics.NewRegistry()
	registry.MustRegister(s.refusals, s.answers, &figures{s})
	for _, path := range []string{"/v1/messages", "/v1/checkpoints", "/v1/status"} {
		s.answers.WithLabelValues(path)
	}
	return metrics.Handler(registry, s.ready, s.log)
}

// ready says why messages cannot be stored now.
func (s *Server) ready(ctx context.Context) []metrics.Reason {
	if _, err := inbox.Status(ctx, s.config, s.now()); err != nil {
		return []metrics.Reason{{Code: "store.unreachable", Message: "the store cannot be read: look at the disk and the rights of the data folder"}}
	}
	select {
	case <-s.group.stopped:
		return []metrics.Reason{{Code: "service.stopped", Message: "the writer has stopped"}}
	default:
		return nil
	}
}

// figures are what the store holds, by sender.
type figures struct{ s *Server }

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
	all, err := inbox.Status(ctx, f.s.config, f.s.now())
	if err != nil {
		put(descUp, 0)
		f.s.log.Warn("the store does not answer monitoring", "code", "store.unreachable", "error", err)
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
