package cluster

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Links is how messages get to other nodes. Send never waits: false, or a message that is lost later, are the same to a node.
// A message that was sent is delivered at most once.
type Links interface {
	Send(to object.NodeID, m wire.Message) bool
}

// nobody is the Links of a node that is alone.
type nobody struct{}

func (nobody) Send(object.NodeID, wire.Message) bool { return false }

const (
	// tickEvery is how often it is looked which partitions want a tick.
	tickEvery = 4 * time.Millisecond
	// mistrust is for how long a node is not used after its clock was found too far ahead.
	mistrust = time.Second
	// holdDoubt is for how long clients are sent to others after that. It is more, since nothing is asked of a node that is not used:
	// only now and then it says something that can be refused, and a map that changed every time would send clients to and fro.
	holdDoubt = 10 * time.Second
)

// Receive takes messages of one peer, as one read of its link brought them. It returns when all that they stored is as durable
// as the policy says: what arrives meanwhile waits together, and shares the next sync.
func (n *Node) Receive(from object.NodeID, ms []wire.Message) {
	batches := make([]stored, 0, len(ms))
	var at instant
	for i, m := range ms {
		if i%receiveAtOnce == 0 {
			at = n.instant()
		}
		batches = n.receive(from, m, at, batches)
	}
	n.settle(batches, "what peers sent is not durable")
}

// receiveAtOnce is how many messages are taken by one reading of the clocks.
const receiveAtOnce = 64

// instant is a reading of the clocks that several steps share.
type instant struct {
	present object.HLC
	now     dynamo.Time
}

func (n *Node) instant() instant { return instant{n.clock.Physical(), n.now()} }

func (n *Node) receive(from object.NodeID, m wire.Message, at instant, batches []stored) []stored {
	h := m.Head()
	switch m := m.(type) {
	case *wire.Ask:
		n.answer(from, m)
		return batches
	case *wire.Answer:
		n.asks.answered(m)
		return batches
	case *wire.Ring:
		if n.keeper != nil {
			n.keeper.Receive(from, m)
		}
		return batches
	}
	if int(h.Partition) >= len(n.partitions) || n.partitions[h.Partition].unreadable != nil {
		return batches // nobody answers: to the peer this node is silent there
	}
	if h.Epoch > uint64(n.ring.Load().Epoch()) && n.park(from, m) {
		return batches
	}
	if n.refuses(from, m, at.present) {
		return batches
	}
	p := &n.partitions[h.Partition]
	// The ceiling must be above what is taken in before a row with such a stamp is stored, and nobody may wait for it
	// under the mutex. A reading too far ahead is left for the core to refuse.
	if n.clock.ObserveAt(h.HLC, at.present) == nil && !n.clock.HasRoom(at.present) {
		if err := n.clock.MakeRoom(hlc.Margin); err != nil {
			n.log.Error("clock ceiling not raised", "error", err)
			return batches
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.now == 0 && !p.alone {
		at.now = n.Time()
	}
	p.present = at.present
	p.core.Receive(at.now, from, m)
	return p.readyLocked(at.now, batches)
}

// PeerDown says that a node is not reachable any more: operations need not wait for it.
func (n *Node) PeerDown(id object.NodeID) {
	var batches []stored
	n.eachLocked(func(p *partition) {
		if p.core.Busy() {
			p.present = n.clock.Physical()
			p.core.Unreachable(n.now(), id)
			batches = p.readyLocked(n.now(), batches)
		}
	})
	n.settlers.hand(batches)
}

// PeerUp says that a node is reachable again: hints for it may go home.
func (n *Node) PeerUp(object.NodeID) {
	n.eachLocked(func(p *partition) {
		if len(p.core.Hinted()) > 0 {
			p.setTimerLocked()
		}
	})
}

// ticks gives every partition its tick when it wants one. It waits for nothing, for every deadline of the node is kept here.
func (n *Node) ticks(ctx context.Context) {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	var batches []stored
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if n.alone.Load() && !n.rest(ctx) {
			return
		}
		now := n.now()
		for i := range n.partitions {
			p := &n.partitions[i]
			if at := p.timer.Load(); at == 0 || dynamo.Time(at) > now {
				continue
			}
			if !p.mu.TryLock() {
				n.tickLater(p)
				continue
			}
			batches = p.tickLocked(now, batches)
			p.mu.Unlock()
		}
		n.settlers.hand(batches)
		clear(batches)
		batches = batches[:0]
	}
}

// tickLater gives a partition its tick once its mutex is free: whoever holds it may be reading from the disk, and the deadlines of the
// other partitions are kept meanwhile.
func (n *Node) tickLater(p *partition) {
	if !p.ticking.CompareAndSwap(false, true) {
		return
	}
	n.run(func() {
		p.mu.Lock()
		p.ticking.Store(false)
		batches := p.tickLocked(n.now(), nil)
		p.mu.Unlock()
		n.settlers.hand(batches)
	})
}

// doubts are the nodes whose clocks were found too far ahead, and until when they are not used.
type doubts struct {
	nodes atomic.Pointer[map[object.NodeID]dynamo.Time]
}

func (d *doubts) add(id object.NodeID, until dynamo.Time) {
	for {
		old := d.nodes.Load()
		next := map[object.NodeID]dynamo.Time{id: until}
		if old != nil {
			next = maps.Clone(*old)
			next[id] = until
		}
		if d.nodes.CompareAndSwap(old, &next) {
			return
		}
	}
}

func (d *doubts) doubted(id object.NodeID, now func() dynamo.Time) bool {
	nodes := d.nodes.Load()
	if nodes == nil {
		return false
	}
	until, ok := (*nodes)[id]
	return ok && now() < until
}

// Doubted reports whether a node's clock was refused within the last holdDoubt.
func (n *Node) Doubted(id object.NodeID) bool {
	nodes := n.doubts.nodes.Load()
	if nodes == nil {
		return false
	}
	until, ok := (*nodes)[id]
	return ok && n.Time() < until-dynamo.Time(mistrust)+dynamo.Time(holdDoubt)
}

// hears reports whether a member is thought to be reachable and its clock to be right.
func (n *Node) hears(id object.NodeID) bool {
	return id == n.id || n.alive(id) && !n.doubts.doubted(id, n.now)
}

// event takes note of what a core reports.
func (n *Node) event(p *partition, e *dynamo.Event) {
	switch e.Kind {
	case dynamo.EventDrift:
		var drift *hlc.DriftError
		if !errors.As(e.Err, &drift) {
			break // this node has no room for the reading at the moment; the peer will say it again
		}
		n.doubts.add(e.Peer, n.now()+dynamo.Time(mistrust))
		if n.drifts.note(e.Peer, drift.Ahead, n.now()) {
			n.log.Warn("a peer's clock is refused", "peer", e.Peer, "error", e.Err)
		}
	case dynamo.EventCorrupt:
		n.log.Error("a row cannot be merged or read", "key", string(e.Ref.Name), "db", e.Ref.DB, "peer", e.Peer, "error", e.Err)
	case dynamo.EventConflict:
		n.log.Debug("concurrent writes met", "key", string(e.Ref.Name), "db", e.Ref.DB)
	}
}

// Stats returns what the partitions have counted.
func (n *Node) Stats() dynamo.Stats {
	var sum dynamo.Stats
	n.eachLocked(func(p *partition) { sum.Add(p.core.Stats()) })
	return sum
}
