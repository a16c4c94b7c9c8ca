package cluster

import (
	"maps"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// Drift is what a node had to refuse of a peer because of the peer's clock.
type Drift struct {
	Messages uint64        // refused since the start
	Ahead    time.Duration // how far ahead of this node's clock the last of them was; 0: that is not known
}

// drifts are the refusals by peer. Only members of the ring can send, so there are no more than those.
type drifts struct {
	mu   sync.Mutex
	by   map[object.NodeID]Drift
	said map[object.NodeID]dynamo.Time
}

// sayAgain is how long the log is silent about the clock of one peer after a line about it.
const sayAgain = dynamo.Time(10 * time.Second)

// note counts a refusal and tells whether to log it: a peer whose clock is wrong sends as many messages as any other.
func (d *drifts) note(id object.NodeID, ahead time.Duration, now dynamo.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil {
		d.by, d.said = make(map[object.NodeID]Drift), make(map[object.NodeID]dynamo.Time)
	}
	d.by[id] = Drift{Messages: d.by[id].Messages + 1, Ahead: ahead}
	if at, ok := d.said[id]; ok && now-at < sayAgain {
		return false
	}
	d.said[id] = now
	return true
}

// Drifts returns, by peer, what was refused because of the peer's clock.
func (n *Node) Drifts() map[object.NodeID]Drift {
	n.drifts.mu.Lock()
	defer n.drifts.mu.Unlock()
	return maps.Clone(n.drifts.by)
}
