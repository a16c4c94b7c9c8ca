package cluster

import (
	"sync/atomic"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Crowder is Links that know when so much waits for a node that nothing more should be begun that needs it. Crowded is called
// for every operation, with 0 to ask whether any node is such, and must not block.
type Crowder interface {
	Crowded(to object.NodeID) bool
}

// overload counts what was refused or dropped before anything of it was done.
type overload struct {
	crowded atomic.Uint64 // operations refused because too much waits for nodes that they need
	expired atomic.Uint64 // requests of peers that came when nobody waited for them any more
}

// Overload is what a node has refused or dropped before anything of it was done.
type Overload struct {
	Crowded uint64 // operations for which too much waits already for nodes that they need
	Expired uint64 // requests of peers that came when nobody waited for them any more
}

// Overload returns what was refused and dropped since the start.
func (n *Node) Overload() Overload {
	return Overload{Crowded: n.overload.crowded.Load(), Expired: n.overload.expired.Load()}
}

// crowded reports whether an operation must be refused because too much waits for nodes that it needs: what it would send would be
// lost, and its client told after the deadline that nobody knows what became of it.
func (n *Node) crowded(slot object.Slot, write bool, read, writeLevel Level) bool {
	links, ok := n.links.(Crowder)
	if !ok || !links.Crowded(0) {
		return false
	}
	list := n.ring.Load().Lookup(ring.Slot(slot))
	level, own := read.Level, false
	if write {
		level = writeLevel.Level
	}
	room, full := 0, 0
	primary := object.NodeID(0)
	for _, m := range list {
		id := object.NodeID(m)
		own = own || id == n.id
		if !n.hears(id) {
			continue
		}
		if primary == 0 {
			primary = id
		}
		if id != n.id && links.Crowded(id) {
			full++
		} else {
			room++
		}
	}
	passed := primary != 0 && primary != n.id && (write || !own)
	if full > 0 && (passed && links.Crowded(primary) || !passed && room < needed(level, len(list))) {
		n.overload.crowded.Add(1)
		return true
	}
	return false
}

// needed is how many of so many home replicas a level asks for, at least.
func needed(l LevelName, homes int) int {
	switch l {
	case LevelAny, LevelLocalOne:
		return 1
	case LevelAll:
		return homes
	case LevelQuorum, LevelEachQuorum, LevelLocalQuorum, 0:
		return quorum.Majority(homes)
	}
	return int(l)
}

// refuses takes a request of a peer that must not be begun: one that nobody waits for any more, or one that needs nodes for which
// too much waits. It reports whether there is nothing left to do.
//
// A request says how long its sender waits. How long it was on its way is known as far as the clocks agree, so one is taken for
// expired only when it is older than that by more than clocks may differ: such requests come in a heap when a process was
// stopped for long. What replicas are sent to store is never dropped: it is as good late.
func (n *Node) refuses(from object.NodeID, m wire.Message, present object.HLC) bool {
	h := m.Head()
	switch m := m.(type) {
	case *wire.Read:
		return n.isExpired(h, present)
	case *wire.Pass:
		if n.isExpired(h, present) {
			return true
		}
		write := Level{Level: LevelName(m.WriteLevel)}
		if !n.crowded(m.Slot, m.Write, Level{Level: LevelName(m.ReadLevel)}, write) {
			return false
		}
		reply := &wire.PassReply{Header: n.header(h.ID), Status: wire.StatusOverloaded}
		reply.Asker, reply.Partition = h.Asker, h.Partition
		n.links.Send(from, reply)
		return true
	}
	return false
}

func (n *Node) isExpired(h *wire.Header, present object.HLC) bool {
	age := present.Millis() - h.HLC.Millis()
	if h.Budget == 0 || age <= int64(h.Budget)+n.clock.MaxDrift() {
		return false
	}
	n.overload.expired.Add(1)
	return true
}
