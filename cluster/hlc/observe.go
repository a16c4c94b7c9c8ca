package hlc

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// ErrDrift is what every DriftError is, for errors.Is.
var ErrDrift = errors.New("a clock is too far ahead")

// DriftError refuses a peer's reading: the peer's clock is ahead, or this node's is behind.
type DriftError struct {
	Ahead time.Duration // of the present here, in whole milliseconds
	Max   time.Duration // what is accepted
}

func (e *DriftError) Error() string {
	return fmt.Sprintf("a peer's clock is %v ahead of this node's, more than the %v that are accepted", e.Ahead, e.Max)
}

// Is reports whether target is ErrDrift.
func (*DriftError) Is(target error) bool { return target == ErrDrift }

// Observe takes note of a reading that a peer has issued or observed: later readings here are above it. One that is further
// ahead of the present than the drift that is accepted is refused with a *DriftError and the clock stays as it was, since
// following would spread one wrong clock to all nodes. What the clock has already reached is never refused, because it moves
// nothing: a node whose wall clock was ahead for a time still takes its own stamps back.
//
// Observe may take the clock to the ceiling or beyond it; then HasRoom and Tick say false until MakeRoom.
func (c *Clock) Observe(remote object.HLC) error {
	if remote <= c.Latest() {
		return nil
	}
	return c.ObserveAt(remote, c.Physical())
}

// ObserveAt is Observe for a caller that has read the present just now.
func (c *Clock) ObserveAt(remote, present object.HLC) error {
	last := c.last.Load()
	if uint64(remote) <= last {
		return nil
	}
	if err := c.drift(remote, present); err != nil {
		return err
	}
	for uint64(remote) > last && !c.last.CompareAndSwap(last, uint64(remote)) {
		last = c.last.Load()
	}
	return nil
}

// Check tells whether Observe would refuse a reading, and takes no note of it.
func (c *Clock) Check(remote object.HLC) error {
	if remote <= c.Latest() {
		return nil
	}
	return c.drift(remote, c.Physical())
}

func (c *Clock) drift(remote, present object.HLC) error {
	if ahead := remote.Millis() - present.Millis(); ahead > c.maxDrift {
		return &DriftError{Ahead: durationOf(ahead), Max: durationOf(c.maxDrift)}
	}
	return nil
}

func durationOf(millis int64) time.Duration {
	return time.Duration(min(millis, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
