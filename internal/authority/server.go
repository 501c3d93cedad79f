package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/authority/monitor"
	"birgeoqy.kz/almasu/internal/metrics"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/signing/httpsig"
)

// signatureWindow is how far a request's created time may lie from our clock, and how long its signature may be good.
const signatureWindow = 300 * time.Second

// patience is how long a request waits, before its body is read, for others to be done.
const patience = 5 * time.Second

// sender is one who may send, with how far it has come.
type sender struct {
	*inbox.Sender

	mu       sync.Mutex // guards progress, which follows what was written
	progress *inbox.Progress
}

// Server is the receiving side. Its methods are safe for concurrent use.
type Server struct {
	config   *inbox.Config
	now      func() time.Time
	log      *slog.Logger
	key      *signing.Key
	senders  map[string]*sender
	owners   map[string]*sender // by key id
	verifier *httpsig.Verifier
	judges   map[record.Digest]*judge
	slots    chan struct{}

	store *inbox.Store
	group *group
	stop  context.CancelFunc

	// refusals and answers count answers.
	refusals, answers *prometheus.CounterVec
	codes             metrics.Codes
}

// Open reads keys and schemas, opens the store as its only writer, and starts the writer. Close ends it.
func Open(ctx context.Context, c *inbox.Config, now func() time.Time, log *slog.Logger) (*Server, error) {
	s := &Server{
		config: c, now: now, log: log, slots: make(chan struct{}, c.Limits.InFlight),
		senders: map[string]*sender{}, owners: map[string]*sender{}, judges: map[record.Digest]*judge{},
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "authority_refusals_total", Help: "Requests that were refused, by code."}, []string{"code"}),
		answers:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "authority_requests_total", Help: "Requests that were worked on, by path."}, []string{"path"}),
	}
	if err := s.material(); err != nil {
		return nil, err
	}
	var err error
	if s.store, err = inbox.Open(ctx, c.Data, true); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	return s, nil
}

// material reads the files that the configuration names; all findings come at once.
func (s *Server) material() error {
	var ps record.Problems
	if b, err := inbox.Secret(s.config.ReceiptKey); err != nil {
		ps.Merge(err, "config.file", "receipt_key")
	} else if s.key, err = signing.ParseKey(b); err != nil {
		ps.Merge(err, "config.file", s.config.ReceiptKey)
	}
	ring := signing.NewKeyring("senders")
	for _, one := range s.config.Senders {
		sd, err := inbox.LoadSender(one)
		if err != nil {
			ps.Merge(err, "config.file", "sender "+one.BIN)
			continue
		}
		known := &sender{Sender: sd}
		s.senders[one.BIN] = known
		for _, k := range sd.Ring.Keys() {
			ps.Merge(ring.Add(k.Key, k.NotBefore, k.NotAfter), "config.value", "sender "+one.BIN)
			s.owners[k.Key.ID()] = known
		}
	}
	for _, one := range s.config.Schemas {
		schema, err := inbox.LoadSchema(one)
		if err != nil {
			ps.Merge(err, "config.file", one.File)
			continue
		}
		s.judges[schema.Digest()] = newJudge(schema, one.Columns, s.config.Unique)
	}
	nonces := httpsig.NewNonces(2*signatureWindow, 1<<20)
	s.verifier = &httpsig.Verifier{Ring: ring, Window: signatureWindow, Fresh: nonces.Fresh}
	if s.config.PublicURL != "" {
		s.verifier.Target = func(r *http.Request) string { return s.config.PublicURL + r.URL.RequestURI() }
	}
	return ps.Err()
}

// begin loads what the store knows and starts the writer.
func (s *Server) begin(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	now := s.now()
	if err := s.store.EachNonce(ctx, now, func(keyID, nonce string) { s.verifier.Fresh(keyID, nonce, now) }); err != nil {
		return err
	}
	if err := s.store.RememberKey(ctx, s.key.Public(), now); err != nil {
		return err
	}
	w, err := s.store.Writer(ctx)
	if err != nil {
		return err
	}
	s.group = newGroup(w)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go s.group.run(running)
	return nil
}

// load reads the progress of every sender from the store.
func (s *Server) load(ctx context.Context) error {
	for _, sd := range s.senders {
		p, err := s.store.Progress(ctx, sd.Sender)
		if err != nil {
			return err
		}
		sd.progress = p
	}
	return nil
}

// Close stops the writer and closes the store. Requests that are still on their way get 503.
func (s *Server) Close() error {
	s.stop()
	<-s.group.stopped
	return errors.Join(s.group.Close(), s.store.Close())
}

// Handler returns the service: POST /v1/messages, POST /v1/checkpoints, GET /v1/status.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, one := range map[string]struct {
		method string
		serve  func(http.ResponseWriter, *http.Request) error
	}{
		"/v1/messages":    {http.MethodPost, s.message},
		"/v1/checkpoints": {http.MethodPost, s.checkpoint},
		"/v1/status":      {http.MethodGet, s.statusRequest},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s.answers.WithLabelValues(path).Inc()
			if err := s.serve(w, r, one.method, one.serve); err != nil {
				s.writeRefusal(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.writeRefusal(w, r, refuse("request.not_found", "", "there is nothing at this path"))
	})
	return mux
}

// serve applies the limits that hold for every request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, method string, serve func(http.ResponseWriter, *http.Request) error) error {
	if r.Method != method {
		w.Header().Set("Allow", method)
		return refuse("request.method", "", "expected %s", method)
	}
	switch {
	case r.ContentLength < 0:
		return refuse("request.length", "", "the length of the body is not stated")
	case r.ContentLength > s.config.Limits.BodyBytes:
		return refuse("request.too_large", "send smaller messages", "the body is longer than %d bytes", s.config.Limits.BodyBytes)
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return refuse("service.busy", "", "too many requests are being worked on")
	}
	return serve(w, r)
}

// Serve listens and serves until ctx ends; ready is called with the base URL once connections are accepted.
func (s *Server) Serve(ctx context.Context, ready func(url string)) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 256 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		Protocols: new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	listener, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return err
	}
	scheme := "http"
	if !s.config.InsecureLoopback {
		conf, err := s.tls()
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		listener, scheme = tls.NewListener(listener, conf), "https"
	}
	monitoring, err := metrics.Listen(s.config.Metrics)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	if monitoring != nil {
		pages := &monitor.Source{Config: s.config, Now: s.now, Logger: s.log, Stopped: s.group.stopped, Refusals: s.refusals, Requests: s.answers}
		s.log.Info("monitoring is answered", "address", monitoring.Addr().String())
		go func() { ended <- metrics.Serve(ctx, monitoring, pages.Handler()) }()
	}
	ready(scheme + "://" + listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

func (s *Server) tls() (*tls.Config, error) {
	if _, err := inbox.Secret(s.config.TLS.Key); err != nil {
		return nil, err
	}
	certificate, err := tls.LoadX509KeyPair(s.config.TLS.Certificate, s.config.TLS.Key)
	if err != nil {
		return nil, record.NewProblem("config.file", "tls", "", "%v", err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, Time: s.now}
	if s.config.TLS.ClientCA != "" {
		b, err := os.ReadFile(s.config.TLS.ClientCA)
		if err != nil {
			return nil, record.NewProblem("config.file", "tls.client_ca", "", "%v", err)
		}
		conf.ClientCAs, conf.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !conf.ClientCAs.AppendCertsFromPEM(b) {
			return nil, record.NewProblem("config.file", "tls.client_ca", "", "the file holds no certificate in PEM")
		}
	}
	return conf, nil
}
