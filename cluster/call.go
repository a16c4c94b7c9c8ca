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
	done    chan struct{}
}

// Pending reports whether a call that was started waits for other nodes. The next operation of the same connection on the
// same slot must not start before Finish has returned.
func (c *Call) Pending() bool { return c.pending }

// wake tells Finish that the core has finished the call.
func (c *Call) wake() { c.done <- struct{}{} }

// Reset makes the call ready for another operation, keeping its scratch room.
func (c *Call) Reset() {
	c.Request.Reset()
	clear(c.stored)
	c.Present, c.part, c.stored, c.pending = 0, nil, c.stored[:0], false
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
	now := n.now()
	c.setDefaults(now, n.timeout)
	if !n.alone {
		c.Owner = c
		if c.done == nil {
			c.done = make(chan struct{}, 1)
		}
	}
	p := n.partitionOf(c.Slot)
	present := c.Present
	if present == 0 {
		present = n.clock.Physical()
	}
	for range ceilingTries {
		if (c.Write || !n.alone) && !n.clock.HasRoom(present) {
			if c.Err = n.clock.MakeRoom(hlc.Margin); c.Err != nil {
				return
			}
		}
		if again := p.begin(c, now, present); !again {
			return
		}
		present = n.clock.Physical()
		// The goroutine slept for so long that the ceiling came near, or a row is stamped ahead of the clock.
	}
}

// Finish waits until each of the calls may be answered: its own writes, and the writes that it saw, are as durable as the
// policy says, and as many other nodes have answered as its level needs. Failures are left in Err.
//
// All commits come before all reads: were each waited for in the order of the calls, two pipelines that read what the other
// writes later on would wait for each other for ever.
func (n *Node) Finish(calls []*Call) {
	for _, c := range calls {
		if len(c.stored) == 0 {
			continue
		}
		if err := settleAll(c.stored); err != nil && !c.pending {
			c.Err = fmt.Errorf("commit: %w", err)
		}
		clear(c.stored)
		c.stored = c.stored[:0]
	}
	for _, c := range calls {
		switch {
		case c.pending:
			<-c.done // at the deadline at the latest
			c.pending = false
			if errors.Is(c.Err, dynamo.ErrClockCeiling) {
				// Found out when others had answered. Nothing was done, and making room waits for the disk.
				n.Start(c)
				n.Finish([]*Call{c})
			}
		case c.Err == nil && c.part != nil && !c.part.await(c.Seq):
			c.Err = ErrNotDurable
		}
	}
}
