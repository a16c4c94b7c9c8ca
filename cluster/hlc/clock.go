package hlc

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

const (
	// Ahead is how far above the present the ceiling is set: after a crash the clock's readings begin that far ahead of the
	// others', which must be well below the drift that they accept.
	Ahead = 2 * time.Second
	// Low is how much room is left when the ceiling should be raised in the background, before anyone has to wait.
	Low = 1200 * time.Millisecond
	// Margin is the room that HasRoom asks for, which an operation needs before it takes a mutex.
	Margin = 100 * time.Millisecond
	// DefaultMaxDrift is the drift that is accepted unless Options say otherwise.
	DefaultMaxDrift = 5 * time.Second

	// step is the room above Latest when that is ahead of the present. A crash costs as much once more, so it is less than
	// the time in which a node can crash and start again.
	step = 3 * Margin
)

// Options are what a clock is made of. Raise must be set.
type Options struct {
	// Now is the wall clock; nil for time.Now.
	Now func() time.Time
	// Monotonic is the time since any fixed instant, which no step of the wall clock changes; nil for the monotonic
	// reading that Now's results carry.
	Monotonic func() time.Duration

	// Ceiling is the greatest that Raise was ever called with, by this node in any life; 0 for none. A greater one does.
	Ceiling object.HLC
	// Raise makes a ceiling durable before it returns. It is called by MakeRoom only, once at a time.
	Raise func(object.HLC) error

	// MaxDrift is how far ahead of the present a peer's reading may be, in whole milliseconds; 0 for DefaultMaxDrift.
	MaxDrift time.Duration
}

// Clock is a hybrid logical clock. Its methods may be called at once from anywhere; only MakeRoom waits.
type Clock struct {
	raise     func(object.HLC) error
	now       func() time.Time
	monotonic func() time.Duration // nil: by what Now says
	maxDrift  int64                // ms

	start          time.Time
	startMonotonic time.Duration
	startMillis    int64 // the present at the start

	// Where both clocks are the process's own, one reading does: how far the wall clock is ahead of what the monotonic clock
	// makes of the start, in ns, and when it was found to be, in ns since the start.
	carries bool
	ahead   atomic.Int64
	aheadAt atomic.Int64

	last    atomic.Uint64 // the latest reading issued or observed
	ceiling atomic.Uint64 // nothing at or above it is issued

	raising sync.Mutex // held while the ceiling is being made durable
}

// New returns a clock that goes on where the ceiling says that the one before it may have got to. It has no room until the
// first MakeRoom.
func New(o Options) *Clock {
	own := o.Now == nil && o.Monotonic == nil
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxDrift <= 0 {
		o.MaxDrift = DefaultMaxDrift
	}
	c := &Clock{raise: o.Raise, now: o.Now, monotonic: o.Monotonic, maxDrift: o.MaxDrift.Milliseconds()}
	c.start = o.Now()
	if o.Monotonic != nil {
		c.startMonotonic = o.Monotonic()
	}
	c.carries = own
	c.aheadAt.Store(math.MinInt64 / 2)
	c.startMillis = max(c.start.UnixMilli(), o.Ceiling.Millis()-Ahead.Milliseconds())
	c.ceiling.Store(uint64(o.Ceiling))
	c.last.Store(uint64(o.Ceiling))
	return c
}

// Physical returns the present as the first reading of its millisecond: the later of the wall clock and what the monotonic
// clock makes of the present at the start. So a wall clock that steps back does not stop it, but it may step back as well.
func (c *Clock) Physical() object.HLC {
	if c.carries {
		return c.carried()
	}
	t := c.now()
	elapsed := t.Sub(c.start)
	if c.monotonic != nil {
		elapsed = c.monotonic() - c.startMonotonic
	}
	return object.HLCOf(max(t.UnixMilli(), c.startMillis+elapsed.Milliseconds()))
}

// wallEvery is how often carried looks at the wall clock: after so long a step of it shows.
const wallEvery = 10 * time.Millisecond

// carried is Physical with one system clock read, not two.
func (c *Clock) carried() object.HLC {
	elapsed := time.Since(c.start)
	if int64(elapsed)-c.aheadAt.Load() >= int64(wallEvery) {
		t := time.Now()
		elapsed = t.Sub(c.start)
		c.ahead.Store(max(0, t.UnixNano()-c.startMillis*int64(time.Millisecond)-int64(elapsed)))
		c.aheadAt.Store(int64(elapsed))
	}
	return object.HLCOf(c.startMillis + (int64(elapsed)+c.ahead.Load())/int64(time.Millisecond))
}

// Latest returns the latest reading issued or observed. A clean stop leaves a ceiling above it.
func (c *Clock) Latest() object.HLC { return object.HLC(c.last.Load()) }

// MaxDrift returns how far ahead of the present a peer's reading may be, in ms.
func (c *Clock) MaxDrift() int64 { return c.maxDrift }

// Read returns the present without issuing a reading: never behind any that was issued or observed.
func (c *Clock) Read() object.HLC { return max(c.Physical(), c.Latest()) }

// Tick issues n consecutive readings above all before them and returns the first, given the present; false when the ceiling
// is in the way and MakeRoom is needed. REQUIRES: n > 0.
func (c *Clock) Tick(present object.HLC, n int) (object.HLC, bool) {
	for {
		last, ceiling := c.last.Load(), c.ceiling.Load()
		if last >= ceiling {
			return 0, false // as after the start, or when a peer's reading went beyond the ceiling
		}
		first := max(uint64(present), last+1)
		if first >= ceiling || ceiling-first <= uint64(n) {
			return 0, false
		}
		if c.last.CompareAndSwap(last, first+uint64(n)-1) {
			return object.HLC(first), true
		}
	}
}

// HasRoom reports whether readings can be issued for a while from present on.
func (c *Clock) HasRoom(present object.HLC) bool {
	return c.room(max(present, c.Latest()), Margin)
}

// room reports whether the ceiling is more than need above from.
func (c *Clock) room(from object.HLC, need time.Duration) bool {
	ceiling := object.HLC(c.ceiling.Load())
	return ceiling > from && ceiling-from > object.HLCOf(need.Milliseconds())
}

// MakeRoom raises the ceiling unless it is more than low above the present and more than Margin above Latest already. It waits
// for the disk: never under a mutex. After an error the clock is as it was. REQUIRES: low < Ahead.
func (c *Clock) MakeRoom(low time.Duration) error {
	c.raising.Lock()
	defer c.raising.Unlock()
	present, last := c.Physical(), c.Latest()
	if c.room(present, low) && c.room(last, Margin) {
		return nil
	}
	// Latest ahead of the present (after a crash, or because of a peer) moves with what is issued, not with the time, so it
	// needs little room; and has little, for it is how much further ahead the next crash takes the clock.
	ceiling := max(object.HLCOf(present.Millis()+Ahead.Milliseconds()), object.HLCOf(last.Millis()+step.Milliseconds()))
	if uint64(ceiling) <= c.ceiling.Load() {
		return errEnd
	}
	if err := c.raise(ceiling); err != nil {
		return fmt.Errorf("raise the clock's ceiling: %w", err)
	}
	c.ceiling.Store(uint64(ceiling))
	return nil
}

var errEnd = errors.New("the clock is at the end of its range")
