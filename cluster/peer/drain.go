package peer

import (
	"context"
	"fmt"
	"time"
)

// drainLook is how often Drain looks.
const drainLook = time.Millisecond

// Drain waits until everything that was sent to peers which are up has been handed to the kernel, or ctx ends. Close after it
// loses nothing that the network would not.
func (l *Links) Drain(ctx context.Context) error {
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	for {
		queued := l.queued()
		if queued == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("peer: %d bytes were not written: %w", queued, ctx.Err())
		case <-tick.C:
		}
	}
}

// queued returns how many bytes wait for, or are being written to, peers that are up.
func (l *Links) queued() (bytes int) {
	for _, k := range *l.links.Load() {
		k.mu.Lock()
		if k.up {
			bytes += k.queue.bytes
		}
		k.mu.Unlock()
	}
	return bytes
}
