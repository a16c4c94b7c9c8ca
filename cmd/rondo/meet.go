package main

import (
	"context"
	"time"

	"github.com/rondokv/rondo/cluster/gossip"
)

const (
	// settleFor bounds how long a node with a ring waits for others and its links to them before it takes clients.
	settleFor = time.Second
	// disputeFor is how much longer it waits to know that no other node has its id: gossip asks the other one three times.
	disputeFor = time.Second
)

// meet waits until another node is heard, or settleFor is over. A node whose id another one uses learns it here, before it has made
// links: peers would take it for a new life of the other, and not have that one back. The news of others may come with the very
// answer by which gossip finds that out, so nobody is counted while the id is disputed.
func (c *company) meet(ctx context.Context) error {
	settle, done := context.WithTimeout(ctx, settleFor)
	defer done()
	decide, done := context.WithTimeout(ctx, settleFor+disputeFor)
	defer done()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-c.gossip.Failed():
			return c.gossip.Err()
		default:
		}
		v := c.gossip.View()
		if decide.Err() != nil || !v.Disputed() && (settle.Err() != nil || c.hears(v)) {
			return nil
		}
		select {
		case <-c.gossip.Failed():
		case <-decide.Done():
		case <-t.C:
		}
	}
}

// hears says whether another node is there.
func (c *company) hears(v gossip.View) bool {
	for m := range v.All() {
		if m.ID != c.gossip.ID() && (m.State == gossip.Alive || m.State == gossip.Suspect) {
			return true
		}
	}
	return false
}
