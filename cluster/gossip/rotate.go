package gossip

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// ErrPlainText is what RotateKey says when there is no key.
var ErrPlainText = errors.New("gossip: not encrypted")

// RotationError says at which step a rotation stopped and whom it waited for. The key ring stays as that step left it: all
// messages can still be read, and the rotation may be begun again.
type RotationError struct {
	Step    string // "add", "use"
	Waiting []object.NodeID
	Err     error
}

func (e *RotationError) Error() string {
	names := make([]string, len(e.Waiting))
	for i, id := range e.Waiting {
		names[i] = nodeName(id)
	}
	return fmt.Sprintf("gossip: key rotation: waiting for every node to %s the key, not yet: %s: %v", e.Step, strings.Join(names, " "), e.Err)
}

func (e *RotationError) Unwrap() error { return e.Err }

// RotateKey changes the key. Call it on every node, in any order, with the same key: each node
//
//	adds the new key, which it can now read       and waits until every member can
//	uses it for what it sends                     and waits until every member does
//	removes the old one
//
// so at no time is there a message that a member cannot read. Members tell the fingerprints of their keys in their meta
// bytes. Those that are dead or have left are not waited for: give them the new key before they come back.
func (g *Gossip) RotateKey(ctx context.Context, key []byte) error {
	if g.keyring == nil {
		return ErrPlainText
	}
	if len(key) != keyBytes {
		return fmt.Errorf("gossip: key has %d bytes, want %d", len(key), keyBytes)
	}
	g.rotate.Lock()
	defer g.rotate.Unlock()
	f := fingerprint(key)
	if keys := fingerprints(g.keyring.GetKeys()); len(keys) >= maxKeys && keys[0] != f && keys[1] != f {
		return fmt.Errorf("gossip: another rotation has not ended: %08x is in use and %08x is known", keys[0], keys[1])
	}
	if err := g.setKeys(g.keyring.AddKey(key)); err != nil {
		return err
	}
	if err := g.awaitMembers(ctx, "add", func(a *announcement) bool { return len(a.keys) > 0 && (a.keys[0] == f || a.keys[len(a.keys)-1] == f) }); err != nil {
		return err
	}
	if err := g.setKeys(g.keyring.UseKey(key)); err != nil {
		return err
	}
	if err := g.awaitMembers(ctx, "use", func(a *announcement) bool { return len(a.keys) > 0 && a.keys[0] == f }); err != nil {
		return err
	}
	// The old key is the last of at most two, so memberlist moves none of the keys that its readers may be looking at.
	for _, old := range g.keyring.GetKeys()[1:] {
		if err := g.setKeys(g.keyring.RemoveKey(old)); err != nil {
			return err
		}
	}
	return nil
}

// Keys returns the fingerprints of the keys that this node knows, the one in use first.
func (g *Gossip) Keys() []uint32 {
	if g.keyring == nil {
		return nil
	}
	return fingerprints(g.keyring.GetKeys())
}

// setKeys tells the others about a changed key ring.
func (g *Gossip) setKeys(err error) error {
	if err != nil {
		return fmt.Errorf("gossip: key ring: %w", err)
	}
	keys := fingerprints(g.keyring.GetKeys())
	g.change(func(time.Time) bool {
		g.mine.keys, g.table.changed = keys, true
		return true
	})
	return nil
}

// awaitMembers waits until ok holds for every member that is up.
func (g *Gossip) awaitMembers(ctx context.Context, step string, ok func(*announcement) bool) error {
	for {
		g.mu.Lock()
		var waiting []object.NodeID
		for id, e := range g.table.entries {
			if e.swim && !e.told.leaving && !ok(&e.told) {
				waiting = append(waiting, id)
			}
		}
		changed := g.changed
		g.mu.Unlock()
		if len(waiting) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &RotationError{Step: step, Waiting: slices.Sorted(slices.Values(waiting)), Err: ctx.Err()}
		case <-g.ctx.Done():
			return &RotationError{Step: step, Waiting: slices.Sorted(slices.Values(waiting)), Err: ErrClosed}
		}
	}
}

func fingerprints(keys [][]byte) []uint32 {
	var out []uint32
	for _, k := range keys {
		out = append(out, fingerprint(k))
	}
	return out
}

// fingerprint names a key without telling it.
func fingerprint(key []byte) uint32 {
	sum := sha256.Sum256(append([]byte("rondo gossip key\x00"), key...))
	return binary.BigEndian.Uint32(sum[:])
}
