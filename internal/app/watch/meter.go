package watch

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birgeoqy.kz/almasu/connectors"
	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// Meter counts what this process does, by standing between the engine and its ledger, sources and connectors. What it counts is durable before it is
// counted, except attempts and reads. It changes nothing.
type Meter struct {
	codes metrics.Codes

	transfers, people, logged, settled, attempts, failures, retries, read, reading *prometheus.CounterVec
	inFlight                                                                       *prometheus.GaugeVec
	seconds                                                                        *prometheus.HistogramVec
}

// NewMeter registers the figures.
func NewMeter(r prometheus.Registerer) *Meter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	m := &Meter{
		transfers: counter("almasu_transfers_total", "Transfers closed, by how they ended.", "connector", "status"),
		people:    counter("almasu_people_total", "People by what became of their record, and the rule or code.", "connector", "outcome", "code"),
		logged:    counter("almasu_messages_logged_total", "Messages whose intent was logged; void notices apart.", "connector", "kind"),
		settled:   counter("almasu_messages_settled_total", "Messages by their end.", "connector", "outcome"),
		attempts:  counter("almasu_delivery_attempts_total", "Attempts to deliver, by result: receipt, transient, refused, disputed, halt.", "connector", "result"),
		failures:  counter("almasu_delivery_failures_total", "Failed attempts by code.", "connector", "code"),
		retries:   counter("almasu_delivery_retries_total", "Attempts beyond the first at messages that were settled.", "connector"),
		read:      counter("almasu_source_people_total", "People read from the platform.", "connector"),
		reading:   counter("almasu_source_seconds_total", "Seconds spent waiting for the platform; people by seconds is the rate.", "connector"),
		inFlight:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "almasu_messages_in_flight", Help: "Messages being delivered now."}, []string{"connector"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "almasu_delivery_seconds", Help: "Seconds that an attempt took.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10, 30, 120}}, []string{"connector"}),
	}
	r.MustRegister(m.inFlight, m.seconds)
	return m
}

// Connect puts the meter into a connection, and makes its figures begin at zero.
func (m *Meter) Connect(c *transfer.Connection) {
	if c.Source != nil {
		c.Source = meteredSource{c.Source, m, c.Name}
	}
	if c.Connector != nil {
		metered := &meteredConnector{c.Connector, m, c.Name}
		asker, asks := c.Connector.(connectors.Asker)
		if c.Connector = metered; asks {
			c.Connector = meteredAsker{metered, asker}
		}
	}
	for _, status := range []transfer.Status{transfer.Successful, transfer.SentWithRejects, transfer.InProgress, transfer.NotPermitted, transfer.Failed} {
		m.transfers.WithLabelValues(c.Name, string(status))
	}
	for _, outcome := range []transfer.Outcome{transfer.Delivered, transfer.Refused, transfer.Disputed, transfer.Cancelled, transfer.Abandoned} {
		m.settled.WithLabelValues(c.Name, string(outcome))
	}
	for _, result := range []string{"receipt", "transient", "refused", "disputed", "halt"} {
		m.attempts.WithLabelValues(c.Name, result)
	}
	for _, outcome := range []string{"read", "accepted", "updated"} {
		m.people.WithLabelValues(c.Name, outcome, "none")
	}
	for _, vec := range []*prometheus.CounterVec{m.retries, m.read, m.reading} {
		vec.WithLabelValues(c.Name)
	}
	m.inFlight.WithLabelValues(c.Name)
	m.seconds.WithLabelValues(c.Name)
}

// Closed counts a transfer that was closed.
func (m *Meter) Closed(r *transfer.Report) {
	m.transfers.WithLabelValues(r.Connector, string(r.Status)).Inc()
}

// Ledger counts what is recorded in a ledger.
func (m *Meter) Ledger(l transfer.Ledger) transfer.Ledger { return meteredLedger{l, m} }

type meteredLedger struct {
	transfer.Ledger
	m *Meter
}

func (l meteredLedger) Record(ctx context.Context, at time.Time, w transfer.Work) error {
	if err := l.Ledger.Record(ctx, at, w); err != nil {
		return err
	}
	m := l.m
	count := func(outcome, code string, n int) {
		if n > 0 {
			m.people.WithLabelValues(w.Connector, outcome, code).Add(float64(n))
		}
	}
	for _, p := range w.Parts {
		count("read", "none", p.Read)
		count("unchanged", "none", p.Unchanged)
		for _, why := range p.Reasons {
			count(why.Kind, m.codes.Label(why.Rule), why.People)
		}
		if p.Intent != nil {
			m.logged.WithLabelValues(w.Connector, "people").Inc()
		}
	}
	if w.Void != nil {
		m.logged.WithLabelValues(w.Connector, "void").Inc()
	}
	for _, s := range w.Settlements {
		m.settled.WithLabelValues(w.Connector, string(s.Outcome)).Inc()
		m.retries.WithLabelValues(w.Connector).Add(float64(max(s.Attempts-1, 0)))
		count("accepted", "none", s.Accepted)
		count("updated", "none", s.Updated)
		for _, why := range s.Reasons {
			code := "by_recipient" // which has chosen the words
			if why.Kind != "rejected" {
				code = m.codes.Label(why.Rule)
			}
			count(why.Kind, code, why.People)
		}
	}
	return nil
}

type meteredConnector struct {
	connectors.Connector
	m    *Meter
	name string
}

// meteredAsker is one whose recipient can be asked.
type meteredAsker struct {
	*meteredConnector
	connectors.Asker
}

func (c *meteredConnector) Deliver(ctx context.Context, env *signing.Envelope, ticket *transferlog.Ticket) ([]byte, error) {
	flying := c.m.inFlight.WithLabelValues(c.name)
	flying.Inc()
	defer flying.Dec()
	timer := prometheus.NewTimer(c.m.seconds.WithLabelValues(c.name))
	ack, err := c.Connector.Deliver(ctx, env, ticket)
	timer.ObserveDuration()
	if err != nil && ctx.Err() == nil {
		c.failed(err)
	}
	return ack, err
}

func (c *meteredConnector) ReadReceipt(env *signing.Envelope, ack []byte) (*signing.Receipt, error) {
	receipt, err := c.Connector.ReadReceipt(env, ack)
	if err != nil {
		c.failed(err)
	} else {
		c.m.attempts.WithLabelValues(c.name, "receipt").Inc()
	}
	return receipt, err
}

func (c *meteredConnector) failed(err error) {
	kind, code := connectors.Transient, "delivery.failed"
	var f *connectors.Failure
	if errors.As(err, &f) {
		kind, code = f.Kind, f.Code
	}
	c.m.attempts.WithLabelValues(c.name, kind.String()).Inc()
	c.m.failures.WithLabelValues(c.name, c.m.codes.Label(code)).Inc()
}

type meteredSource struct {
	connectors.Source
	m    *Meter
	name string
}

func (s meteredSource) Open(ctx context.Context, q connectors.Query) (connectors.Stream, error) {
	timer := s.m.since(s.name)
	stream, err := s.Source.Open(ctx, q)
	timer.ObserveDuration()
	if err != nil {
		return nil, err
	}
	return &meteredStream{stream, s.m, s.name}, nil
}

// since counts the seconds of reading.
func (m *Meter) since(name string) *prometheus.Timer {
	return prometheus.NewTimer(prometheus.ObserverFunc(func(seconds float64) { m.reading.WithLabelValues(name).Add(seconds) }))
}

type meteredStream struct {
	connectors.Stream
	m    *Meter
	name string
}

func (s *meteredStream) Next(ctx context.Context, b *record.Batch, n int) error {
	timer := s.m.since(s.name)
	err := s.Stream.Next(ctx, b, n)
	timer.ObserveDuration()
	if err == nil {
		s.m.read.WithLabelValues(s.name).Add(float64(b.Len()))
	}
	return err
}
