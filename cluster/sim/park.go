package sim

import (
	"errors"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
)

// parked is a request of a newer epoch than its partition's.
type parked struct {
	from    *node
	message wire.Message
}

const maxParked = 64

// receiveRing takes a message that is about the ring, or that its partition is too early for. It reports whether nothing more is
// to be done with it.
func (n *node) receiveRing(from *node, m wire.Message) bool {
	head := m.Head()
	if r, ok := m.(*wire.Ring); ok {
		n.conduct(func(m *epoch.Machine) {
			if err := m.Receive(n.now(), ring.NodeID(from.id), r.Body); errors.Is(err, epoch.ErrConflict) {
				n.w.fail("I18 epochs", -1, "node %d: %v", n.index, err)
			}
		})
		return true
	}
	if ring.Epoch(head.Epoch) > n.epoch() {
		n.newer(from.id, ring.Epoch(head.Epoch))
	}
	if len(n.parts) == 0 {
		return true // it waits to be admitted
	}
	p := int(head.Partition)
	if p >= len(n.parts) || ring.Epoch(head.Epoch) <= n.works[p] || !asks(m) {
		return false
	}
	g := &n.w.plan.rings
	if !g.parks || len(n.parked) >= maxParked {
		return false
	}
	n.w.totals.Parked++
	n.parked = append(n.parked, parked{from, m})
	n.w.after(min(g.park, Time(head.Budget)*millisecond), n, func() {
		for i := range n.parked {
			if n.parked[i].message == m {
				n.parked = append(n.parked[:i:i], n.parked[i+1:]...)
				n.receive(from, p, m)
				return
			}
		}
	})
	return true
}

// asks reports whether a message is a request.
func asks(m wire.Message) bool {
	switch m.Kind() {
	case wire.KindRead, wire.KindWrite, wire.KindPass, wire.KindCompare, wire.KindFetch:
		return true
	}
	return false
}

// unpark hands a partition's requests on that are not of a newer epoch any more.
func (n *node) unpark(p int) {
	var ready []parked
	kept := n.parked[:0:0]
	for _, x := range n.parked {
		if h := x.message.Head(); int(h.Partition) == p && ring.Epoch(h.Epoch) <= n.works[p] {
			ready = append(ready, x)
		} else {
			kept = append(kept, x)
		}
	}
	n.parked = kept
	for _, x := range ready {
		n.receive(x.from, p, x.message)
	}
}
