package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/redcon"

	"github.com/rondokv/rondo/server/command"
)

// Server is the front door of one node. Make one with New, then Start it; Shutdown ends it.
type Server struct {
	opt   Options
	node  Node
	keys  Keyspace
	log   *slog.Logger
	table *dispatchTable
	users *userSet
	rules keyspaceRules
	start time.Time // with its monotonic reading: the origin of nanos

	// live are the settings in force: replaced as a whole, never changed.
	live     atomic.Pointer[Settings]
	settings sync.Mutex // held while live is replaced
	// observeFrom is the duration in ns from which SLOWLOG or LATENCY want to know of a command, negative for never.
	observeFrom atomic.Int64

	sessions sessionSet
	// readBuffers holds *[]byte of readRoom bytes for wires.
	readBuffers sync.Pool
	totals      totals
	levels      levelCounters
	waiting     atomic.Int64 // bytes of commands that wait for other nodes
	pause       pauseGate
	slowlog     slowlog
	monitors    monitorHub
	admin       adminState

	closing      atomic.Bool
	closed       chan struct{} // closed once Shutdown began
	drained      chan struct{} // closed once no connection need be answered any more
	drainOnce    sync.Once
	stopOnce     sync.Once
	shutdownOnce sync.Once      // of Options.OnShutdown
	loops        sync.WaitGroup // accept loops and the admin server
	http         *adminServer
}

// New checks o and returns a server that does not accept yet.
func New(o Options) (*Server, error) {
	if o.Node == nil {
		return nil, errors.New("server: no node")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	keys, err := keyspaceOf(o.Node)
	if err != nil {
		return nil, err
	}
	o.Levels = o.Levels.or(defaultLevels())
	if o.WaitingBytes <= 0 {
		o.WaitingBytes = defaultWaitingBytes
	}
	limits := command.Limits{MaxString: o.Settings.MaxBulk}
	parsers := [2]map[string]command.Parser{forwardFace: command.New(limits)}
	limits.OneDatabase = true
	parsers[clusterFace] = command.New(limits)
	table, err := newDispatchTable(parsers, coreHandlers(), adminHandlers())
	if err != nil {
		return nil, err
	}
	s := &Server{opt: o, node: o.Node, keys: keys, log: o.Logger, table: table, users: newUserSet(o.Users), rules: newKeyspaceRules(o.Keyspaces), start: time.Now(), closed: make(chan struct{}), drained: make(chan struct{})}
	s.apply(o.Settings)
	if o.Admin != nil {
		if s.http, err = newAdminServer(s); err != nil {
			return nil, fmt.Errorf("server: admin: %w", err)
		}
	}
	return s, nil
}

// nanos is the time since the server was made, monotonic: cheaper than time.Now and enough for durations.
func (s *Server) nanos() int64 { return int64(time.Since(s.start)) }

// Settings are the settings in force.
func (s *Server) Settings() Settings { return *s.live.Load() }

// apply puts new settings in force, for the connections that are there too.
func (s *Server) apply(n Settings) {
	s.settings.Lock()
	defer s.settings.Unlock()
	s.live.Store(&n)
	s.observeFrom.Store(observeFrom(&n))
	s.slowlog.configure(n.SlowlogSlowerThan, n.SlowlogMaxLen)
	// Readers that wait compute their deadline anew.
	s.sessions.each(func(c *session) { c.wire.poke() })
}

func observeFrom(set *Settings) int64 {
	slow, latency := int64(set.SlowlogSlowerThan), int64(set.LatencyThreshold)
	switch {
	case latency <= 0:
		return slow
	case slow < 0:
		return latency
	}
	return min(slow, latency)
}

// Start accepts on all listeners of the options and returns at once.
func (s *Server) Start() {
	for _, f := range []struct {
		face face
		ln   net.Listener
	}{{clusterFace, s.opt.Cluster}, {forwardFace, s.opt.Forward}} {
		if f.ln == nil {
			continue
		}
		g := &gate{Listener: f.ln, srv: s, face: f.face}
		s.loops.Go(func() {
			if err := redcon.Serve(g, unserved, acceptSession, closeSession); err != nil {
				s.log.Error("stopped accepting", "address", f.ln.Addr().String(), "err", err)
			}
		})
	}
	if s.http != nil {
		s.loops.Go(s.http.serve)
	}
	s.loops.Go(s.sampleRates)
}

// Shutdown stops accepting, lets every connection answer what it has read, and closes it. When ctx ends first the rest is
// cut off and ctx's error returned. It is safe to call more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.closing.Store(true)
		close(s.closed)
		for _, ln := range []net.Listener{s.opt.Cluster, s.opt.Forward} {
			if ln != nil {
				_ = ln.Close() // the accept loop reports what matters
			}
		}
		s.sessions.each(func(c *session) { c.wire.poke() })
	})
	err := s.sessions.wait(ctx)
	if err != nil {
		s.sessions.each(func(c *session) { c.kill() })
		err = fmt.Errorf("server: connections were cut off: %w", err)
	}
	s.drainOnce.Do(func() { close(s.drained) })
	if s.http != nil {
		s.http.close()
	}
	s.loops.Wait()
	return err
}
