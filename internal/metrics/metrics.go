// Package metrics answers to monitoring, for both programs, on an address of its own over plain HTTP:
//
//	GET /healthz   200 while the process serves
//	GET /readyz    200 if it can do its work, else 503; the body is JSON either way: {"ready": false, "reasons": [{"code": "...", "message": "..."}]}
//	GET /metrics   the Prometheus text format, or OpenMetrics if asked for
//
// Anything else is 404 or 405. The address is one that its owner states: a host must be named, so that nothing is open to a network by omission.
// Nothing here needs a password, so nothing here may be secret or personal: values of labels come from closed sets of the deployment (routes, connectors,
// BINs of recipients and senders, codes), and codes that others can choose pass a [Codes].
package metrics

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"birgeoqy.kz/almasu/internal/record"
)

// Reason is why a program is not ready.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// CheckAddress says what is wrong with an address to listen on, nil if nothing is; "" is off.
func CheckAddress(address string) *record.Problem {
	if address == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || port == "" {
		return record.NewProblem("metrics.address", "", "e.g. 127.0.0.1:9464; name 0.0.0.0 if every host may read", "expected host:port")
	}
	return nil
}

// NewRegistry returns a registry that has the process's own figures: memory, goroutines, descriptors, build.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	return r
}

// Listen takes the address; "" is off, and gives nil.
func Listen(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, record.NewProblem("metrics.listen", address, "another process may have this address; change it in the configuration, or leave it out", "metrics cannot be served: %v", err)
	}
	return l, nil
}

// readyPatience bounds how long it may take to find out whether a program is ready, and to collect its figures.
const readyPatience = 5 * time.Second

// Handler is the three pages. ready returns why the program is not ready, nothing if it is.
func Handler(registry *prometheus.Registry, ready func(context.Context) []Reason, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
		defer cancel()
		reasons := ready(ctx)
		w.Header().Set("Content-Type", "application/json")
		if len(reasons) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(struct {
			Ready   bool     `json:"ready"`
			Reasons []Reason `json:"reasons,omitempty"`
		}{len(reasons) == 0, reasons})
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 2 * readyPatience,
		EnableOpenMetrics: true,
	}))
	return mux
}

// Serve serves until ctx ends. A listener that is nil is off.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	if l == nil {
		return nil
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Codes keeps labels to a closed set: what does not look like a stable code, and what comes when 64 are known, is "other". The zero value is ready.
type Codes struct {
	mu   sync.Mutex
	seen map[string]bool
}

var codeForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]{0,23}(\.[a-z][a-z_]{0,23}){0,2}$`)

const maxCodes = 64

// Label is the label for a code.
func (c *Codes) Label(code string) string {
	if code == "" {
		return "none"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[code] {
		return code
	}
	if len(c.seen) >= maxCodes || !codeForm.MatchString(code) {
		return "other"
	}
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[code] = true
	return code
}
