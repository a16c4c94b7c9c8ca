package cluster

import (
	"context"
	"fmt"
	"time"
)

// drainLook is how often Drain looks.
const drainLook = 2 * time.Millisecond

// Drain waits until no operation is under way, at the clients' word or a peer's, or ctx ends. It is for a node that stops:
// whoever passed an operation on gets its answer, and the hints of operations that were answered already find a place,
// which takes until their deadline. No new ones may come: the front door is closed, and peers were told that the node goes.
func (n *Node) Drain(ctx context.Context) error {
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	for {
		busy := n.busy()
		if busy == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cluster: operations of %d partitions are under way: %w", busy, ctx.Err())
		case <-tick.C:
		}
	}
}

// busy returns how many partitions have something under way.
func (n *Node) busy() (busy int) {
	if n.alone.Load() {
		return 0
	}
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		p.mu.Lock()
		if p.core.Busy() {
			busy++
		}
		p.mu.Unlock()
	}
	return busy
}
