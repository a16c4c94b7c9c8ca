package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// Call is one operation on its way through a node. Set Op, Slot and Write of its Request, and the levels and the Deadline where
// they are not the defaults, then Start it; a finished Call can be Reset and used again.
//
// Err is set by Start or Finish: the operation failed and its reply is void. Errors of the core come as they are.
type Call struct {
	dynamo.Request

	// Present may be set to what Node.Present returned a moment ago: calls that start one after the other then share one
	// reading of the wall clock, which is a thirtieth of the cost of a GET.
	Present object.HLC

	part    *partition
	stored  []stored // by Start, to wait for
	pending bool     // Start left it unfinished: other nodes take part
	open    bool     // nobody set a Deadline
	several bool     // begun by a ring of several: the Deadline is kept
	errand  *errand  // what such a ring's core gets; nil: the next one makes it
}

// errand is what the core holds on to of a call in which other nodes may take part. What is answered in the end may be held back until
// a batch is durable, for as long as the disk likes: a call whose deadline has passed leaves its errand behind and goes on
// without.
type errand struct {
	dynamo.Request
	done  chan struct{}
	timer *time.Timer
}

// wake tells Finish that the core has finished the call.
func (e *errand) wake() { e.done <- struct{}{} }

// send makes the errand of a call that is begun.
func (c *Call) send() *dynamo.Request {
	if c.errand == nil {
		c.errand = &errand{done: make(chan struct{}, 1)}
		c.errand.Owner = c.errand
	}
	r := &c.errand.Request
	r.Op, r.Slot, r.Write, r.Deadline, r.ReadLevel, r.WriteLevel = c.Op, c.Slot, c.Write, c.Deadline, c.ReadLevel, c.WriteLevel
	return r
}

// Pending reports whether a call that was started waits for other nodes. The next operation of the same connection on the
// same slot must not start before Finish has returned.
func (c *Call) Pending() bool { return c.pending }

// Reset makes the call ready for another operation, keeping its scratch room.
func (c *Call) Reset() {
	c.Request.Reset()
	if c.errand != nil {
		c.errand.Reset()
	}
	clear(c.stored)
	c.Present, c.part, c.stored, c.pending, c.several = 0, nil, c.stored[:0], false, false
}

const (
	// DefaultTimeout is how long an operation may take unless its Deadline says otherwise: less than the shortest time
	// after which clients are known to give up by default.
	DefaultTimeout = 800 * time.Millisecond

	// ceilingTries is how often an operation is begun again because the clock's ceiling was in the way.
	ceilingTries = 8
)

// setDefaults fills in what the caller left open.
func (c *Call) setDefaults(now, timeout dynamo.Time) {
	if c.ReadLevel.Level == 0 {
		c.ReadLevel.Level = quorum.Quorum
	}
	if c.WriteLevel.Level == 0 {
		c.WriteLevel.Level = quorum.Quorum
	}
	if c.Deadline == 0 {
		c.Deadline = now + timeout
	}
}

// Present returns the present for Call.Present.
func (n *Node) Present() object.HLC { return n.clock.Physical() }

// Start runs the operation as far as it goes without waiting: when it returns its place in the order is fixed and what it
// wrote is visible. The reply may be sent after Finish only.
func (n *Node) Start(c *Call) {
	alone, now := n.alone.Load(), n.now()
	c.open = c.Deadline == 0
	c.setDefaults(now, n.timeout)
	if !alone && n.crowded(c.Slot, c.Write, c.ReadLevel, c.WriteLevel) {
		c.Err = ErrOverloaded
		return
	}
	p := n.partitionOf(c.Slot)
	present := c.Present
	if present == 0 {
		present = n.clock.Physical()
	}
	for range ceilingTries {
		if (c.Write || !alone) && !n.clock.HasRoom(present) {
			if c.Err = n.makeRoom(c.Deadline, alone); c.Err != nil {
				return
			}
			now = n.now() // that may have taken long
		}
		if again := p.begin(c, now, present); !again {
			return
		}
		present = n.clock.Physical()
		// The goroutine slept for so long that the ceiling came near, or a row is stamped ahead of the clock.
	}
}

// makeRoom waits until the clock has room; in a ring of several no longer than until the deadline.
func (n *Node) makeRoom(deadline dynamo.Time, alone bool) error {
	if alone {
		return n.clock.MakeRoom(hlc.Margin)
	}
	return n.awaitRoom(deadline)
}

// Finish waits until each of the calls may be answered: its own writes, and the writes that it saw, are as durable as the
// policy says, and as many other nodes have answered as its level needs. Failures are left in Err.
//
// All commits come before all reads: were each waited for in the order of the calls, two pipelines that read what the other
// writes later on would wait for each other for ever.
//
// In a ring of several nothing is waited for beyond the Deadline, neither other nodes nor the disk, so others wait for commits. Alone
// there is nobody who might do better, and the caller waits for its commits itself, which costs least.
func (n *Node) Finish(calls []*Call) {
	for _, c := range calls {
		if len(c.stored) == 0 {
			continue
		}
		if c.several {
			n.settlers.hand(c.stored)
		} else if err := settleAll(c.stored); err != nil {
			c.Err = fmt.Errorf("commit: %w", err)
		}
		clear(c.stored)
		c.stored = c.stored[:0]
	}
	for _, c := range calls {
		switch {
		case c.pending:
			n.await(c)
			if errors.Is(c.Err, dynamo.ErrClockCeiling) && n.Time() < c.Deadline {
				// Found out when others had answered. Nothing was done, and making room waits for the disk.
				n.Start(c)
				n.Finish([]*Call{c})
			}
		case c.Err != nil || c.part == nil:
		case c.several:
			c.Err = c.part.awaitUntil(c.Seq, c.Deadline)
		case !c.part.await(c.Seq):
			c.Err = ErrNotDurable
		}
	}
}

// await waits until the core has finished a call, or its deadline has passed.
func (n *Node) await(c *Call) {
	e := c.errand
	c.pending = false
	if e.waited(time.Duration(c.Deadline-n.Time())) || c.part.hurry(e) {
		c.Finished, c.Err, c.Seq = true, e.Err, e.Seq
		return
	}
	// It is answered, but what it wrote or saw is not durable yet.
	c.errand = nil
	c.Finished, c.Err = true, c.part.late()
}

// waited reports whether the core has finished the errand within so much time.
func (e *errand) waited(d time.Duration) bool {
	select {
	case <-e.done:
		return true
	default:
	}
	if e.timer == nil {
		e.timer = time.NewTimer(d)
	} else {
		e.timer.Reset(d)
	}
	defer e.timer.Stop()
	select {
	case <-e.done:
		return true
	case <-e.timer.C:
		return false
	}
}
