package main

import (
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// early keeps what members ask of a node that they know to be admitted and that has no core yet: in a ring of few copies a write
// needs its answer, and nobody asks twice.
type early struct {
	mu      sync.Mutex
	closed  bool // the core is there
	waiting []earlyMessages
	count   int
}

type earlyMessages struct {
	from object.NodeID
	ms   []wire.Message
	at   time.Time
}

const (
	maxEarly = 4096 // messages
	// earlyFor is how long a message is of use: about as long as an operation takes that waits for it.
	earlyFor = 500 * time.Millisecond
)

// keep takes messages, unless the core is there by now.
func (e *early) keep(from object.NodeID, ms []wire.Message, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	for len(e.waiting) > 0 && (e.count+len(ms) > maxEarly || now.Sub(e.waiting[0].at) > earlyFor) {
		e.count -= len(e.waiting[0].ms)
		e.waiting[0] = earlyMessages{}
		e.waiting = e.waiting[1:]
	}
	if e.count+len(ms) <= maxEarly {
		e.waiting = append(e.waiting, earlyMessages{from, append([]wire.Message(nil), ms...), now})
		e.count += len(ms)
	}
	return true
}

// close returns what is still of use. From now on keep takes nothing.
func (e *early) close(now time.Time) (kept []earlyMessages) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range e.waiting {
		if now.Sub(w.at) <= earlyFor {
			kept = append(kept, w)
		}
	}
	e.closed, e.waiting, e.count = true, nil, 0
	return kept
}
