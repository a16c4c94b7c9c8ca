package sim

import (
	"errors"

	"github.com/rondokv/rondo/cluster/dynamo"
)

// call is an operation on a node.
type call struct {
	dynamo.Request
	rec    *record
	op     *op
	node   *node
	part   int
	client *client // nil: the final reads
	gone   bool    // the client does not wait any more
	held   bool    // it waits for a sync, or for the clock's ceiling: the driver's doing, not the core's
}

// patience is how much longer than the deadline a client waits.
const patience = 300 * millisecond

// begin hands an operation to a node.
func (w *world) begin(n *node, rec *record, cl *client) {
	c := &call{rec: rec, node: n, client: cl, op: &op{w: w, rec: rec}}
	slot := w.plan.keys[rec.commands[0].key].slot
	c.part = w.partitionOf(slot)
	c.Op, c.Slot, c.Write = c.op, slot, rec.write
	c.ReadLevel, c.WriteLevel = rec.levels[0], rec.levels[1]
	c.Deadline = n.time() + rec.timeout
	n.calls = append(n.calls, c)
	life := n.life
	w.after(0, n, c.start)
	w.after(rec.timeout+rec.timeout/50+patience, nil, func() { c.giveUp(life) })
}

func (c *call) start() {
	n := c.node
	if c.Write {
		n.makeRoom()
	}
	n.step(c.part, func(part *dynamo.Partition) { part.Begin(n.time(), &c.Request) })
	switch {
	case !c.Finished || !n.has(c):
		// Ready.Done lists it, or has.
	case c.Err == nil && c.Seq > n.durable[c.part]:
		c.held = true
		n.waiting = append(n.waiting, waiting{c.part, c.Seq, c})
	default:
		c.answered(true)
	}
}

func (n *node) has(c *call) bool {
	for _, have := range n.calls {
		if have == c {
			return true
		}
	}
	return false
}

// done takes a request that the core has finished.
func (n *node) done(req *dynamo.Request) {
	for _, c := range n.calls {
		if &c.Request == req {
			c.answered(true)
			return
		}
	}
	n.w.fail("I12 answers", -1, "node %d answers a request twice, or one that it was not given", n.index)
}

// answered ends the call. inTime says that nothing but the core decided when.
func (c *call) answered(inTime bool) {
	n, w := c.node, c.node.w
	if errors.Is(c.Err, dynamo.ErrClockCeiling) && n.time() < c.Deadline {
		c.held = true
		w.totals.Ceilings++
		w.after(w.plan.syncMean+5*millisecond, n, func() {
			n.mustMakeRoom(0)
			c.Err, c.Finished, c.Seq = nil, false, 0
			c.start()
		})
		return
	}
	n.drop(c)
	if c.gone {
		return
	}
	w.totals.Checks[checkInTime]++
	late := w.now - c.rec.invoked - c.rec.timeout - c.rec.timeout/50
	if inTime && !c.held && late > slack && n.lastPause < c.rec.invoked && !c.slowed() {
		w.fail("I12 answers", c.rec.commands[0].key, "answered %d ms late: %v", late/millisecond, c.rec)
	}
	c.finish(c.Err)
}

// slowed says that the core may hold the answer back for a slow disk: as it does with what is begun again under another ring.
func (c *call) slowed() bool {
	return c.node.slowUntil > c.rec.invoked && c.node.w.keys[c.rec.commands[0].key].moved
}

// slack is how late an answer may be.
const slack = 50 * millisecond

func (c *call) finish(err error) {
	c.gone = true
	w := c.node.w
	w.conclude(c.rec, err, c.op.results)
	if c.client != nil {
		c.client.answered(c.rec)
		return
	}
	w.final.answered(c.rec)
}

// broken is what the client sees when the node dies.
func (c *call) broken() {
	if !c.gone {
		c.finish(errBroken)
	}
}

func (c *call) giveUp(life uint32) {
	if c.gone {
		return
	}
	n := c.node
	if n.life == life && n.pausedUntil == 0 && n.lastPause < c.rec.invoked && !c.held && !c.slowed() {
		n.w.fail("I12 answers", c.rec.commands[0].key, "never answered: %v", c.rec)
	}
	c.finish(errBroken)
}

func (n *node) drop(c *call) {
	for i, have := range n.calls {
		if have == c {
			n.calls = append(n.calls[:i:i], n.calls[i+1:]...)
			return
		}
	}
}
