package cluster

import (
	"bytes"
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// hintBytes is how many bytes of keys and rows the hints of a node take, by the node that they are for. It is made anew in the
// background after a start: until then it is too low, and so is what the bound leaves room for too high.
//
// Partitions are counted in their order. Of those below counted all changes are in; of that one those of keys below countedTo.
type hintBytes struct {
	bound   int64 // 0: none
	sum     atomic.Int64
	counted atomic.Int64

	countedTo []byte // guarded by the mutex of partition number counted

	mu sync.Mutex
	of map[object.NodeID]int64 // guarded by mu
}

func (h *hintBytes) room() bool { return h.bound <= 0 || h.sum.Load() < h.bound }

func (h *hintBytes) known(partitions int) bool { return h.counted.Load() >= int64(partitions) }

// countLocked brings the counts up to date with what a batch of a partition changed. The partition's mutex is held.
func (h *hintBytes) countLocked(partition int, changes []dynamo.HintChange) {
	for i := range changes {
		c := &changes[i]
		counted := h.counted.Load()
		if int64(partition) > counted || int64(partition) == counted && bytes.Compare(c.Key, h.countedTo) >= 0 {
			continue
		}
		if target, ok := object.ParseHintPrefix(c.Key); ok {
			h.add(target, int64(c.Bytes))
		}
	}
}

func (h *hintBytes) add(target object.NodeID, n int64) {
	h.sum.Add(n)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[object.NodeID]int64)
	}
	if h.of[target] += n; h.of[target] == 0 {
		delete(h.of, target)
	}
}

// HintBytes returns how many bytes of hints the node keeps, by the node that they are for.
func (n *Node) HintBytes() map[object.NodeID]int64 {
	n.hints.mu.Lock()
	defer n.hints.mu.Unlock()
	return maps.Clone(n.hints.of)
}

// countHints counts the hints that the node had when it was started.
func (n *Node) countHints(ctx context.Context) {
	for i := range n.partitions {
		for more := true; more; {
			if ctx.Err() != nil {
				return
			}
			var err error
			if more, err = n.countSomeHints(i); err != nil {
				n.log.Error("hints not counted", "partition", i, "error", err)
				return
			}
		}
	}
}

// countSomeHints counts the next hints of partition i and reports whether there are more. Whom hints are kept for can change
// between two calls.
func (n *Node) countSomeHints(i int) (more bool, err error) {
	p := &n.partitions[i]
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &n.hints
	if p.core != nil {
		for _, target := range p.core.Hinted() {
			lo, hi := n.hintRange(i, target)
			if bytes.Compare(hi, h.countedTo) <= 0 {
				continue
			}
			if bytes.Compare(lo, h.countedTo) < 0 {
				lo = h.countedTo
			}
			return true, n.countHintsLocked(lo, hi, target)
		}
	}
	h.countedTo = nil
	h.counted.Store(int64(i) + 1)
	return false, nil
}

func (n *Node) countHintsLocked(lo, hi []byte, target object.NodeID) error {
	next := hi
	seen, size := 0, 0
	err := n.store.Scan(lo, hi, func(key, row []byte) bool {
		if seen == countChunk {
			next = bytes.Clone(key)
			return false
		}
		seen++
		size += len(key) + len(row)
		return true
	})
	if err != nil {
		return err
	}
	n.hints.add(target, int64(size))
	n.hints.countedTo = next
	return nil
}

// hintRange returns between which engine keys a partition's hints for a node lie.
func (n *Node) hintRange(i int, target object.NodeID) (lo, hi []byte) {
	first := uint16(n.firstSlot(i))
	lo = object.AppendSlotKey(object.AppendHintPrefix(nil, target), first)
	return lo, object.AppendSlotKey(object.AppendHintPrefix(nil, target), first+1<<n.slotShift)
}
