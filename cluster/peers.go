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
)

// Receive takes messages of one peer, as one read of its link brought them. It returns when all that they stored is as durable
// as the policy says: what arrives meanwhile waits together, and shares the next sync.
func (n *Node) Receive(from object.NodeID, ms []wire.Message) {
	batches := make([]stored, 0, len(ms))
	for _, m := range ms {
		batches = n.receive(from, m, batches)
	}
	if err := settleAll(batches); err != nil {
		n.log.Error("what peers sent is not durable", "error", err)
	}
}

func (n *Node) receive(from object.NodeID, m wire.Message, batches []stored) []stored {
	h := m.Head()
	if m, ok := m.(*wire.Ask); ok {
		n.answer(from, m)
		return batches
	}
	if m, ok := m.(*wire.Answer); ok {
		n.asks.answered(m)
		return batches
	}
	if int(h.Partition) >= len(n.partitions) || n.partitions[h.Partition].unreadable != nil {
		return batches // nobody answers: to the peer this node is silent there
	}
	p := &n.partitions[h.Partition]
	// The ceiling must be above what is taken in before a row with such a stamp is stored, and nobody may wait for it
	// under the mutex. A reading too far ahead is left for the core to refuse.
	if n.clock.Observe(h.HLC) == nil && !n.clock.HasRoom(n.clock.Physical()) {
		if err := n.clock.MakeRoom(hlc.Margin); err != nil {
			n.log.Error("clock ceiling not raised", "error", err)
			return batches
		}
	}
	present, now := n.clock.Physical(), n.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present = present
	p.core.Receive(now, from, m)
	return p.readyLocked(now, batches)
}

// PeerDown says that a node is not reachable any more: operations need not wait for it.
func (n *Node) PeerDown(id object.NodeID) {
	var batches []stored
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		p.mu.Lock()
		if p.core.Busy() {
			p.present = n.clock.Physical()
			p.core.Unreachable(n.now(), id)
			batches = p.readyLocked(n.now(), batches)
		}
		p.mu.Unlock()
	}
	if err := settleAll(batches); err != nil {
		n.log.Error("hints are not durable", "error", err)
	}
}

// PeerUp says that a node is reachable again: hints for it may go home.
func (n *Node) PeerUp(object.NodeID) {
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		p.mu.Lock()
		if len(p.core.Hinted()) > 0 {
			p.setTimerLocked()
		}
		p.mu.Unlock()
	}
}

// ticks gives every partition its tick when it wants one.
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
		now := n.now()
		for i := range n.partitions {
			p := &n.partitions[i]
			if at := p.timer.Load(); at == 0 || dynamo.Time(at) > now {
				continue
			}
			p.mu.Lock()
			p.present = n.clock.Physical()
			p.core.Tick(now)
			batches = p.readyLocked(now, batches)
			p.mu.Unlock()
		}
		if err := settleAll(batches); err != nil {
			n.log.Error("hints are not durable", "error", err)
		}
		clear(batches)
		batches = batches[:0]
	}
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

// hears reports whether a member is thought to be reachable and its clock to be right.
func (n *Node) hears(id object.NodeID) bool {
	return id == n.id || n.alive(id) && !n.doubts.doubted(id, n.now)
}

// event takes note of what a core reports.
func (n *Node) event(p *partition, e *dynamo.Event) {
	switch e.Kind {
	case dynamo.EventDrift:
		var drift *hlc.DriftError
		if errors.As(e.Err, &drift) {
			n.doubts.add(e.Peer, n.now()+dynamo.Time(mistrust))
		}
		n.drifts.Add(1)
		n.log.Warn("a peer's clock is refused", "peer", e.Peer, "error", e.Err)
	case dynamo.EventCorrupt:
		n.log.Error("a row cannot be merged or read", "key", string(e.Ref.Name), "db", e.Ref.DB, "peer", e.Peer, "error", e.Err)
	case dynamo.EventConflict:
		n.log.Debug("concurrent writes met", "key", string(e.Ref.Name), "db", e.Ref.DB)
	}
}

// Stats returns what the partitions have counted.
func (n *Node) Stats() dynamo.Stats {
	var sum dynamo.Stats
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		p.mu.Lock()
		sum.Add(p.core.Stats())
		p.mu.Unlock()
	}
	return sum
}
