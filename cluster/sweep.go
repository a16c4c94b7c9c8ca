package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

const (
	sweepInterval = 100 * time.Millisecond
	sweepBackoff  = 10 * time.Second // after an error
	// sweepBatch bounds the rows that one pass looks at: at most 20,000 a second.
	sweepBatch = 2000
)

// sweep lets expired keys go. Reads never show them, so this only gives room back.
func (n *Node) sweep(ctx context.Context) {
	timer := time.NewTimer(sweepInterval)
	defer timer.Stop()
	var after []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		pause := sweepInterval
		if !n.alone.Load() { // with others nothing may be forgotten until all have agreed that it may, which they do not do yet
			after = nil
			timer.Reset(sweepBackoff)
			continue
		}
		next, err := n.sweepOnce(ctx, after)
		if err != nil && ctx.Err() == nil {
			n.log.Error("expired keys not let go", "error", err)
			pause = sweepBackoff
		}
		after = next
		timer.Reset(pause)
	}
}

// sweepOnce looks at the next candidates and returns where to go on.
func (n *Node) sweepOnce(ctx context.Context, after []byte) (next []byte, err error) {
	keys, next, err := n.store.ExpiredCandidates(n.NowMillis(), after, sweepBatch)
	if err != nil {
		err = fmt.Errorf("find expired rows: %w", err)
	}
	var gone []stored
	for _, key := range keys {
		if ctx.Err() != nil {
			break
		}
		r, bad := n.collect(key)
		if bad != nil && err == nil {
			err = bad // one row that cannot be read keeps no other
		}
		if r.commit != nil {
			gone = append(gone, r)
		}
	}
	return next, errors.Join(err, n.finishRemovals(gone))
}

// finishRemovals waits for rows on their way out, each a batch of its own.
func (n *Node) finishRemovals(rs []stored) error {
	var first error
	for _, r := range rs {
		if err := settleAll([]stored{r}); err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		n.expired.Add(1)
	}
	return first
}

// collect lets the row under key go if it is dead at the node's watermark, its clock.
func (n *Node) collect(key []byte) (stored, error) {
	rk, err := object.ParseRowKey(key)
	if err != nil || rk.Database || len(rk.Sub) > 0 {
		return stored{}, err
	}
	p := n.partitionOf(rk.Slot)
	if p.unreadable != nil {
		return stored{}, nil // what is cleared there is not known
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alone {
		return stored{}, nil
	}
	row, err := n.store.Get(nil, key)
	if err != nil || row == nil {
		return stored{}, err
	}
	k := object.KeyState{Database: p.core.Cleared(rk.Ref.DB)}
	if err := k.Row.DecodeRow(row); err != nil {
		return stored{}, err
	}
	before := dynamo.PresenceOf(&k)
	if !k.Row.Collect(k.Database, n.clock.Read()) {
		return stored{}, nil
	}
	commit, err := n.store.Apply([]object.Write{{Key: key}})
	if err != nil {
		return stored{}, err
	}
	if p.countsLocked(key) {
		n.counts.move(rk.Slot, rk.Ref.DB, before, dynamo.Presence{})
	}
	return stored{p, commit, p.core.Batch()}, nil
}
