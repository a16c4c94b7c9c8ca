package cluster

import (
	"context"
	"sync"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Ring returns the ring by which all partitions work.
func (n *Node) Ring() *ring.Ring { return n.ring.Load() }

// SwitchRing takes the partitions into the ring of a later epoch, one after the other, while they serve. When it returns all of
// them work by it. It waits for no disk: others wait for what it has to tell. One call at a time.
func (n *Node) SwitchRing(r *ring.Ring) {
	if r.Epoch() <= n.ring.Load().Epoch() {
		return
	}
	alone := len(r.Members()) == 1
	if !alone {
		n.alone.Store(false) // before the first partition needs the time
	}
	var batches []stored
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		batches = p.switchRing(r, alone, batches[:0])
		n.settlers.hand(batches)
	}
	n.ring.Store(r)
	n.alone.Store(alone)
	if !alone {
		poke(n.crowd)
	}
	n.unpark()
	n.mover.again()
}

func (p *partition) switchRing(r *ring.Ring, alone bool, batches []stored) []stored {
	present := p.node.clock.Physical()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present, p.alone = present, alone
	now := p.node.Time()
	p.core.SwitchRing(now, r)
	batches = p.readyLocked(now, batches)
	if alone {
		p.timer.Store(0)
	}
	return batches
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rest waits as long as the node is alone; false when ctx ends.
func (n *Node) rest(ctx context.Context) bool {
	for n.alone.Load() {
		select {
		case <-ctx.Done():
			return false
		case <-n.crowd:
		}
	}
	return true
}

// parked are requests of an epoch that this node has not adopted yet. Refused, they would have their asker take this node for one
// that failed; the epoch is adopted in a moment.
type parked struct {
	mu      sync.Mutex
	waiting []parkedMessage
	bytes   int
	dropped uint64
}

type parkedMessage struct {
	from    object.NodeID
	message wire.Message
	until   dynamo.Time
}

const (
	maxParked      = 4096
	maxParkedBytes = 16 << 20
	// parkFor bounds how long a request that does not say for how long it is waited for is kept.
	parkFor = 1000 * dynamo.Millisecond
)

// park takes a message of a later epoch than the node's. It reports whether there is nothing left to do: replies need no epoch.
func (n *Node) park(from object.NodeID, m wire.Message) bool {
	h := m.Head()
	if n.keeper == nil {
		return false
	}
	n.keeper.Newer(from, ring.Epoch(h.Epoch))
	switch m.(type) {
	case *wire.Read, *wire.Write, *wire.Pass, *wire.Compare, *wire.Fetch:
	default:
		return false
	}
	size, err := wire.Size(m)
	if err != nil {
		return false // the core refuses it
	}
	now := n.Time()
	keep := parkFor
	if b := dynamo.Time(h.Budget) * dynamo.Millisecond; b > 0 && b < keep {
		keep = b
	}
	q := &n.parked
	q.mu.Lock()
	defer q.mu.Unlock()
	if h.Epoch <= uint64(n.ring.Load().Epoch()) {
		return false // it was adopted meanwhile: unpark has been here or waits for the mutex
	}
	if len(q.waiting) == maxParked || q.bytes+size > maxParkedBytes {
		q.purge(now)
	}
	if len(q.waiting) == maxParked || q.bytes+size > maxParkedBytes {
		q.dropped++
		return false
	}
	q.waiting = append(q.waiting, parkedMessage{from, m, now + keep})
	q.bytes += size
	return true
}

// purge drops what nobody waits for any more.
func (q *parked) purge(now dynamo.Time) {
	kept := q.waiting[:0]
	q.bytes = 0
	for _, p := range q.waiting {
		if p.until <= now {
			q.dropped++
			continue
		}
		size, _ := wire.Size(p.message) // it could be told before
		q.bytes += size
		kept = append(kept, p)
	}
	clear(q.waiting[len(kept):])
	q.waiting = kept
}

// unpark takes what was parked, now that the epoch is adopted. What is of a later one still is parked again.
func (n *Node) unpark() {
	q := &n.parked
	q.mu.Lock()
	q.purge(n.Time())
	waiting := q.waiting
	q.waiting, q.bytes = nil, 0
	q.mu.Unlock()
	var batches []stored
	var at instant
	for i, m := range waiting {
		if i%receiveAtOnce == 0 {
			at = n.instant()
		}
		batches = n.receive(m.from, m.message, at, batches)
	}
	n.settlers.hand(batches)
}
