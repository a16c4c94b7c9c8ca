package cluster

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/rondokv/rondo/engine/object"
)

const (
	placeMask = 1<<object.HashBits - 1
	// scanEffort bounds the rows that one Scan looks at for each that it was asked for, where many are dead.
	scanEffort = 10
)

// The operations below see all slots, so they are no calls. Calls started before must be finished first.

// Scan calls fn for about count alive keys of db from cursor on and returns the next cursor, 0 at the end. A key that is
// there from the first Scan to the last is seen at least once. Cursors hold no state: any node can go on from them.
// name is valid during the call of fn only.
func (n *Node) Scan(db uint8, cursor uint64, count int, fn func(name []byte, t object.Type)) (next uint64, err error) {
	return n.scan(scanRange{db: db, cursor: cursor, end: object.SlotCount, count: count}, nil, fn)
}

// scanRange is what a scan is to look at: from cursor to slot end, which is not among it.
type scanRange struct {
	db     uint8
	cursor uint64
	end    uint64
	count  int
}

// scan is Scan over the slots of a range that serves names, nil for all. next is 0 only at the end of all slots.
func (n *Node) scan(r scanRange, serves func(object.Slot) bool, fn func(name []byte, t object.Type)) (next uint64, err error) {
	db, cursor, count := r.db, r.cursor, r.count
	left, effort := count, count*scanEffort
	slot, place := cursor>>object.HashBits, cursor&placeMask
	for ; slot < r.end; slot, place = slot+1, 0 {
		if left <= 0 || effort <= 0 {
			return slot << object.HashBits, nil
		}
		if n.counts.missing.Load() == 0 && n.counts.slots[db][slot].Load() == 0 || serves != nil && !serves(object.Slot(slot)) {
			continue
		}
		stopped := false
		err := n.scanSlot(object.Slot(slot), db, place, func(rk object.RowKey, k *object.KeyState) bool {
			if rk.Place != place && (left <= 0 || effort <= 0) {
				// Keys that share a place are never parted: the cursor could not tell them apart.
				place, stopped = rk.Place, true
				return false
			}
			place = rk.Place
			effort--
			if t := k.Type(); t != object.TypeNone {
				left--
				fn(rk.Ref.Name, t)
			}
			return true
		})
		if err != nil {
			return 0, err
		}
		if stopped {
			return slot<<object.HashBits | place, nil
		}
	}
	if r.end < object.SlotCount {
		return r.end << object.HashBits, nil
	}
	return 0, nil
}

// scanSlot calls fn with the key rows of one database in a slot, dead or alive, until fn returns false.
func (n *Node) scanSlot(slot object.Slot, db uint8, place uint64, fn func(object.RowKey, *object.KeyState) bool) error {
	p := n.partitionOf(slot)
	if p.unreadable != nil {
		return p.unreadable
	}
	p.mu.Lock()
	cleared := p.core.Cleared(db)
	p.mu.Unlock()
	now := n.clock.Read()
	lo, hi := object.AppendScanKey(nil, slot, db, place), object.AppendDatabaseKey(nil, slot, db+1)
	var bad error
	err := n.store.Scan(lo, hi, func(key, row []byte) bool {
		rk, err := object.ParseRowKey(key)
		if err != nil {
			bad = err
			return false
		}
		if len(rk.Sub) > 0 {
			return true
		}
		k := object.KeyState{Database: cleared}
		if bad = k.Row.DecodeRow(row); bad != nil {
			return false
		}
		k.Look(now)
		return fn(rk, &k)
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("scan slot %d: %w", slot, err)
	}
	return n.awaitPartition(p)
}

// awaitPartition returns once all that the partition shows is as durable as the policy says.
func (n *Node) awaitPartition(p *partition) error {
	p.mu.Lock()
	seq := p.core.Applied()
	p.mu.Unlock()
	if !p.await(seq) {
		return ErrNotDurable
	}
	return nil
}

// keysChunk is how many keys Keys takes at a time.
const keysChunk = 1000

// Keys calls fn with every alive key of db until fn returns false. name is valid during the call only.
func (n *Node) Keys(db uint8, fn func(name []byte) bool) error {
	more := true
	for cursor := uint64(0); ; {
		next, err := n.Scan(db, cursor, keysChunk, func(name []byte, _ object.Type) {
			more = more && fn(name)
		})
		if err != nil || next == 0 || !more {
			return err
		}
		cursor = next
	}
}

// SlotKeys returns up to limit alive keys of database 0 in a slot.
func (n *Node) SlotKeys(slot object.Slot, limit int) ([][]byte, error) {
	var names [][]byte
	if limit <= 0 {
		return nil, nil
	}
	err := n.scanSlot(slot, 0, 0, func(rk object.RowKey, k *object.KeyState) bool {
		if k.Exists() {
			names = append(names, bytes.Clone(rk.Ref.Name))
		}
		return len(names) < limit
	})
	return names, err
}

// randomTries is how many places RandomKey tries before it takes the first alive key there is.
const randomTries = 8

// RandomKey returns an alive key of db, about evenly chosen; false when there is none.
func (n *Node) RandomKey(db uint8) (name []byte, ok bool, err error) {
	for range randomTries {
		slot, some := n.randomSlot(db)
		if !some {
			break
		}
		take := func(rk object.RowKey, k *object.KeyState) bool {
			if k.Exists() {
				name, ok = bytes.Clone(rk.Ref.Name), true
			}
			return !ok
		}
		if err := n.scanSlot(slot, db, rand.Uint64()&placeMask, take); err != nil || ok {
			return name, ok, err
		}
		if err := n.scanSlot(slot, db, 0, take); err != nil || ok {
			return name, ok, err
		}
	}
	err = n.Keys(db, func(k []byte) bool {
		name, ok = bytes.Clone(k), true
		return false
	})
	return name, ok, err
}

// randomSlot returns a slot that counts keys of db, drawn by how many.
func (n *Node) randomSlot(db uint8) (object.Slot, bool) {
	total := n.counts.keys[db].Load()
	if total <= 0 {
		return 0, false
	}
	at := rand.Int64N(total)
	for s := range object.SlotCount {
		at -= int64(n.counts.slots[db][s].Load())
		if at < 0 {
			return object.Slot(s), true
		}
	}
	return 0, false
}
