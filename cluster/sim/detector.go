package sim

import (
	"strconv"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// detector is a node's view of who is alive: slow, wrong at times, and different from the others'.
type detector struct {
	interval Time
	confirm  int    // checks in a row until the view changes
	dead     uint64 // bit by node: thought dead
	doubts   []int  // checks in a row that contradict the view
	until    []Time // suspected without reason until then
}

func (d *detector) init(n *node) {
	w := n.w
	d.interval = w.plan.detect * Time(1+n.random.IntN(3))
	d.confirm = 1 + n.random.IntN(3)
	places := len(w.plan.members) + len(w.plan.spares)
	d.doubts, d.until = make([]int, places), make([]Time, places)
}

// alive reports what the node thinks of another. Of itself it has no doubts.
func (n *node) alive(other *node) bool {
	return other == n || other != nil && n.dead>>other.index&1 == 0
}

// startDetector begins to look; where views are stable by definition nobody does.
func (n *node) startDetector() {
	if n.w.plan.profile == ProfileChaos {
		n.w.after(n.random.around(n.interval), nil, n.detect)
	}
}

func (n *node) detect() {
	w := n.w
	for _, other := range w.nodes {
		if other == n || !n.up || n.pausedUntil > w.now || !other.present {
			continue
		}
		reachable := other.up && other.pausedUntil <= w.now && n.until[other.index] <= w.now &&
			(w.phase != chaos || w.link(n, other).cuts == 0 && w.link(other, n).cuts == 0)
		if reachable == n.alive(other) {
			n.doubts[other.index] = 0
			continue
		}
		if n.doubts[other.index]++; n.doubts[other.index] < n.confirm && w.phase == chaos {
			continue
		}
		n.doubts[other.index] = 0
		n.view(other, reachable)
	}
	w.after(n.interval, nil, n.detect)
}

// view changes what the node thinks of another.
func (n *node) view(other *node, alive bool) {
	if n.alive(other) == alive {
		return
	}
	n.w.totals.Views++
	n.dead ^= 1 << other.index
	n.w.trace.line(n.w.now, n.index, onView, [3]uint64{uint64(other.index), n.dead, 0}, nil)
	n.look()
	for p := range n.parts {
		if alive {
			n.arm(p) // hints for it may go now
			continue
		}
		n.step(p, func(part *dynamo.Partition) { part.Unreachable(n.time(), other.id) })
	}
}

// suspect takes another node for dead, at once and for a while, whatever it does.
func (n *node) suspect(other *node, until Time) {
	if !n.up || n.pausedUntil > n.w.now {
		return
	}
	n.until[other.index] = max(n.until[other.index], until)
	n.view(other, false)
}

// refused reports whether a connection to another node would be refused at once: its process is gone.
func (n *node) refused(other *node) bool { return !other.up && n.confirm == 1 }

// unreachable is what a broken connection says.
func (n *node) unreachable(other *node) {
	if !other.up {
		n.view(other, false)
	}
}

func nodeName(w *world, id object.NodeID) string {
	if n := w.nodeOf(id); n != nil {
		return "n" + strconv.Itoa(n.index)
	}
	return "?"
}
