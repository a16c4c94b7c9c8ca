package gossip

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// leaveWait bounds each of the two messages of a goodbye when there is no earlier deadline.
const leaveWait = 2 * time.Second

// ErrClosed is returned once the node has left, failed or been closed.
var ErrClosed = errors.New("gossip: closed")

// Leave tells the others that this node goes, which they see as Left and not as Dead, and returns when enough of them were
// told to pass it on, or with ctx. Gossip goes on until Close, but this node does not come back in this incarnation.
//
// memberlist hands out leaving and dying as the same event, so leaving is told apart: by a packet to every member and by the
// meta bytes, and only then memberlist is told. The meta bytes alone would not do. They stop to spread where memberlist's own
// message overtakes them, and one node in a hundred would see a death.
func (g *Gossip) Leave(ctx context.Context) error {
	wait := leaveWait
	if at, ok := ctx.Deadline(); ok {
		wait = max(min(wait, time.Until(at)/2), time.Millisecond)
	}
	done := make(chan error, 1)
	g.mu.Lock()
	if g.gone {
		g.mu.Unlock()
		return ErrClosed
	}
	g.wg.Go(func() { done <- g.sayGoodbye(wait) })
	g.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *Gossip) sayGoodbye(wait time.Duration) error {
	g.change(func(time.Time) bool {
		g.mine.leaving, g.table.changed = true, true
		return true
	})
	g.depart.Lock()
	defer g.depart.Unlock()
	g.mu.Lock()
	gone := g.gone
	g.mu.Unlock()
	if gone {
		return ErrClosed
	}
	msg := goodbye{g.id, g.incarnation}.appendTo(nil)
	for _, n := range g.ml.Members() {
		if n.Name != nodeName(g.id) {
			// Lost packets are what the meta bytes are for.
			_ = g.ml.SendBestEffort(n, msg)
		}
	}
	// An error says only that nobody took the message in time.
	return errors.Join(g.ml.UpdateNode(wait), g.ml.Leave(wait))
}

// Close stops at once, without a word: what Leave is for. It returns when the sockets are closed and all goroutines of this
// package have ended. Those of memberlist's that sleep (a probe that waits for its answer) end within 4 s at the worst, half a
// second as a rule; they touch no socket and call nothing back.
func (g *Gossip) Close() error {
	g.closed.Do(func() {
		g.cancel()
		g.stopMemberlist()
		g.wg.Wait()
		g.logs.close()
	})
	return nil
}

// stopMemberlist ends all traffic.
func (g *Gossip) stopMemberlist() {
	g.down.Do(func() {
		g.mu.Lock()
		g.gone = true
		g.mu.Unlock()
		// memberlist panics when it is told to leave after its shutdown.
		g.depart.Lock()
		defer g.depart.Unlock()
		// Its only error is the transport's, whose listeners it closes without looking.
		_ = g.ml.Shutdown()
	})
}

// goodbye is the packet to every member: version u8 = 1 | kind u8 = 1 | node u64 | incarnation u64.
type goodbye struct {
	id          object.NodeID
	incarnation object.Incarnation
}

const (
	messageVersion = 1
	kindGoodbye    = 1
	goodbyeLen     = 2 + 8 + 8
)

func (m goodbye) appendTo(dst []byte) []byte {
	dst = append(dst, messageVersion, kindGoodbye)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.id))
	return binary.BigEndian.AppendUint64(dst, uint64(m.incarnation))
}

func parseGoodbye(b []byte) (goodbye, bool) {
	if len(b) < goodbyeLen || b[0] != messageVersion || b[1] != kindGoodbye {
		return goodbye{}, false
	}
	return goodbye{object.NodeID(binary.BigEndian.Uint64(b[2:])), object.Incarnation(binary.BigEndian.Uint64(b[10:]))}, true
}
