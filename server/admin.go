package server

import (
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminServer is HTTP for people and machines that watch the node: /metrics, /healthz, /readyz, and on loopback the
// profiles of net/http/pprof.
type adminServer struct {
	srv  *Server
	ln   net.Listener
	http http.Server
}

func newAdminServer(s *Server) (*adminServer, error) {
	registry := prometheus.NewRegistry()
	for _, c := range append([]prometheus.Collector{newMetrics(s)}, s.opt.Collectors...) {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	a := &adminServer{srv: s, ln: s.opt.Admin}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /readyz", a.ready)
	if isLoopback(a.ln.Addr()) {
		// Profiles tell about keys and stop the world: only for who is on the machine already.
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	if s.opt.AdminRoutes != nil {
		s.opt.AdminRoutes(mux)
	}
	a.http = http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	return a, nil
}

func (a *adminServer) serve() {
	if err := a.http.Serve(a.ln); !errors.Is(err, http.ErrServerClosed) {
		a.srv.log.Error("admin server stopped", "address", a.ln.Addr().String(), "err", err)
	}
}

func (a *adminServer) close() { _ = a.http.Close() }

// health says that the process answers.
func (a *adminServer) health(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") }

// ready says whether clients should be sent here.
func (a *adminServer) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case a.srv.closing.Load():
		say(w, http.StatusServiceUnavailable, "shutting down")
		return
	case a.srv.opt.Ready != nil:
		if err := a.srv.opt.Ready(); err != nil {
			say(w, http.StatusServiceUnavailable, err.Error())
			return
		}
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n")) // who asked has gone
}
