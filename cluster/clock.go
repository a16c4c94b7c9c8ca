package cluster

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

const (
	// ceilingAhead is how far above the present the ceiling is set. After a crash the clock goes on from the ceiling, so
	// this is how far a node may then run ahead of the others: well below the drift that they accept.
	ceilingAhead = 2 * time.Second
	// ceilingLow is how much room is left when the ceiling is raised in the background, before anyone has to wait.
	ceilingLow = 1200 * time.Millisecond
	// ceilingMargin is the room an operation needs before it takes a partition's mutex.
	ceilingMargin = 100 * time.Millisecond
)

// clock is the node's hybrid logical clock. Its physical part is the later of the wall clock and what the monotonic clock
// makes of the durable ceiling read at start, so a wall clock that steps back never stops it and nothing is issued twice.
type clock struct {
	raiseCeiling func(object.HLC) error // durable when it returns
	now          func() time.Time
	start        time.Time
	startMillis  int64

	last    atomic.Uint64 // the latest reading issued or seen
	ceiling atomic.Uint64 // no stamp at or above it is issued

	raising sync.Mutex // held while the ceiling is being made durable
}

func newClock(now func() time.Time, ceiling object.HLC, raise func(object.HLC) error) *clock {
	start := now()
	c := &clock{raiseCeiling: raise, now: now, start: start, startMillis: max(start.UnixMilli(), ceiling.Millis()+1)}
	c.ceiling.Store(uint64(ceiling))
	c.last.Store(uint64(ceiling))
	return c
}

// physical returns the present as the first reading of its millisecond.
func (c *clock) physical() object.HLC {
	t := c.now()
	return object.HLCOf(max(t.UnixMilli(), c.startMillis+t.Sub(c.start).Milliseconds()))
}

// read returns the present without issuing a stamp: never behind any reading issued.
func (c *clock) read() object.HLC {
	return max(c.physical(), object.HLC(c.last.Load()))
}

// tick issues n consecutive readings and returns the first, given the present; false when the ceiling is in the way.
func (c *clock) tick(present object.HLC, n int) (object.HLC, bool) {
	for {
		last := c.last.Load()
		first := max(uint64(present), last+1)
		if first+uint64(n) >= c.ceiling.Load() {
			return 0, false
		}
		if c.last.CompareAndSwap(last, first+uint64(n)-1) {
			return object.HLC(first), true
		}
	}
}

// hasRoom reports whether stamps can be issued for a while from present on.
func (c *clock) hasRoom(present object.HLC) bool {
	return uint64(present)+uint64(object.HLCOf(ceilingMargin.Milliseconds())) < c.ceiling.Load()
}

// makeRoom raises the ceiling unless it is far enough ahead already. It waits for the disk: never under a mutex.
func (c *clock) makeRoom(low time.Duration) error {
	c.raising.Lock()
	defer c.raising.Unlock()
	present := c.read()
	if uint64(present)+uint64(object.HLCOf(low.Milliseconds())) < c.ceiling.Load() {
		return nil
	}
	ceiling := object.HLCOf(present.Millis() + ceilingAhead.Milliseconds())
	if err := c.raiseCeiling(ceiling); err != nil {
		return fmt.Errorf("raise the clock's ceiling: %w", err)
	}
	c.ceiling.Store(uint64(ceiling))
	return nil
}
