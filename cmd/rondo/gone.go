package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rondokv/rondo/conf"
)

// partFor is for how long a node that is no member any more carries messages about the ring: it may be the only voter that
// heard of the decision and is still there, and those who are left could decide nothing more. It serves nobody meanwhile.
const partFor = 3 * time.Second

// linger waits until a node that was removed may stop; any other does not wait.
func (m *membership) linger() {
	m.mu.Lock()
	removed := m.removed
	m.mu.Unlock()
	if !removed.IsZero() {
		<-time.After(time.Until(removed.Add(partFor)))
	}
}

// part is the start of a node whose directory holds a ring that it is no member of any more. It may have stopped before the
// others heard of it, so it tells them for as long as it did then, and ends.
func (n *node) part(ctx context.Context, cfg conf.Config, ln listeners, out io.Writer) (err error) {
	if n.members, err = newMembership(n, n.company); err != nil {
		return err
	}
	if err := n.members.keep(cfg); err != nil {
		return err
	}
	room := openAntechamber(ln, "This node is no member of the ring any more", wordDown, n.adminRoutes)
	n.teller(cfg, room, out)("it has left, or was removed: it tells the others what it knows, and stops", true)
	err = n.tellOn(ctx, cfg, ln)
	return errors.Join(err, room.close())
}

// tellOn carries messages about the ring for a while and returns why the node ends.
func (n *node) tellOn(ctx context.Context, cfg conf.Config, ln listeners) error {
	if err := n.connect(ctx, cfg, ln); err != nil {
		return err
	}
	enough := time.NewTimer(partFor)
	defer enough.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-n.ended:
			if !errors.Is(err, errGone) {
				return err
			}
		case <-enough.C:
			return fmt.Errorf("data directory %s holds a ring that this node, %s, is no member of any more: it has left, or was removed. "+
				"Give --dir a new directory to join as a new node", cfg.Dir, hexID(n.members.self))
		}
	}
}
