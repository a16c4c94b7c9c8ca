package server

import (
	"sync"
	"sync/atomic"
)

// pauseGate is CLIENT PAUSE: it holds back commands until a time, or until somebody opens it.
type pauseGate struct {
	on atomic.Bool // looked at once a batch

	mu         sync.Mutex
	until      int64 // srv.nanos
	writesOnly bool
	opened     chan struct{} // closed when the gate opens before its time, or its time changes
}

// set closes the gate until then (srv.nanos). As in Redis a longer pause that is in force stays, and so does ALL.
func (g *pauseGate) set(until int64, writesOnly bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.on.Load() {
		until = max(until, g.until)
		writesOnly = writesOnly && g.writesOnly
		close(g.opened)
	}
	g.until, g.writesOnly, g.opened = until, writesOnly, make(chan struct{})
	g.on.Store(true)
}

// clear opens the gate.
func (g *pauseGate) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.on.Load() {
		g.on.Store(false)
		close(g.opened)
	}
}

// state tells what is in force at time now: how long a command must wait, 0 for not at all, and what says earlier that the
// gate has changed.
func (g *pauseGate) state(now int64, write bool) (wait int64, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.on.Load() {
		return 0, nil
	}
	if now >= g.until {
		g.on.Store(false)
		close(g.opened)
		return 0, nil
	}
	if g.writesOnly && !write {
		return 0, nil
	}
	return g.until - now, g.opened
}
