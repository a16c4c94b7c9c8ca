package sim

import (
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// newer tells the machine that a node knows a newer epoch.
func (n *node) newer(from object.NodeID, e ring.Epoch) {
	n.conduct(func(m *epoch.Machine) { m.Newer(n.now(), ring.NodeID(from), e) })
}

// lookOften is gossip: who lives, who waits, who leaves, and one node's epoch.
func (n *node) lookOften() {
	w := n.w
	n.lookMask = ^n.dead
	n.look()
	if x := w.nodes[n.random.IntN(len(w.nodes))]; x != n && x.up && n.alive(x) && !w.plan.rings.mute && w.link(x, n).cuts == 0 {
		if e := x.epoch(); e > n.epoch() {
			n.newer(x.id, e)
		}
	}
	n.noteProgress()
	w.after(w.plan.rings.look, n, n.lookOften)
}

// look tells the machine what gossip says, if somebody's life is seen in another light.
func (n *node) look() {
	w := n.w
	if n.machine == nil || n.lookMask == n.dead {
		return
	}
	dead := n.dead
	n.lookMask = dead
	v := epoch.View{Alive: func(id ring.NodeID) bool {
		x := w.nodeOf(object.NodeID(id))
		return x != nil && (x == n || dead>>x.index&1 == 0)
	}}
	for _, x := range w.nodes {
		if x.up && x.present && x.saved.doc == nil && n.alive(x) {
			v.Waiting = append(v.Waiting, ring.Member{Node: x.place})
		}
		if x.departs && !x.stopped {
			v.Leaving = append(v.Leaving, ring.NodeID(x.id))
		}
	}
	n.conduct(func(m *epoch.Machine) { m.View(n.now(), v) })
}

// isHome reports whether the node is on the list of a key's partition, in the ring that it works by.
func (n *node) isHome(key int) bool {
	p := n.w.partitionOf(n.w.plan.keys[key].slot)
	return len(n.works) > p && n.w.rings[n.works[p]].Holds(ring.Partition(p), ring.NodeID(n.id))
}

// serving returns a node that serves clients: the one given, or another if it does not.
func (w *world) serving(n *node, r rng) *node {
	if !w.plan.rings.changes || n.up && len(n.parts) > 0 && !n.stopped {
		return n
	}
	var fit []*node
	for _, x := range w.nodes {
		if x.up && len(x.parts) > 0 && !x.stopped {
			fit = append(fit, x)
		}
	}
	if len(fit) == 0 {
		return n
	}
	return fit[r.IntN(len(fit))]
}
