package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync/atomic"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// counts is how many keys there are by slot and database. It is kept as rows change, saved at a clean stop, and made
// anew in the background after an unclean one. A key counts while only an expiry may hide it, so no clock is needed.
//
// While a partition is being counted, its countedTo divides its keys: those below are in the counts and are kept so by
// every write; those above will be met by the scan.
type counts struct {
	keys    [object.DBCount]atomic.Int64
	expires [object.DBCount]atomic.Int64
	slots   [object.DBCount][object.SlotCount]atomic.Int32
	missing atomic.Int32 // partitions not yet counted
}

func (c *counts) add(slot object.Slot, db uint8, keys, expires int) {
	if keys != 0 {
		c.keys[db].Add(int64(keys))
		c.slots[db][slot].Add(int32(keys))
	}
	if expires != 0 {
		c.expires[db].Add(int64(expires))
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// move takes a key from one presence to another.
func (c *counts) move(slot object.Slot, db uint8, from, to dynamo.Presence) {
	c.add(slot, db, one(to.Stored)-one(from.Stored), one(to.Expires)-one(from.Expires))
}

// countLocked brings the counts up to date with what a batch changed.
func (p *partition) countLocked(changes []dynamo.Count) {
	for i := range changes {
		c := &changes[i]
		if p.countsLocked(c.Key) {
			p.node.counts.move(c.Slot, c.DB, c.Before, c.After)
		}
	}
}

// countsLocked reports whether the counts hold the key, so that its changes must be counted.
func (p *partition) countsLocked(key []byte) bool {
	return p.counted || bytes.Compare(key, p.countedTo) < 0
}

// countChunk is how many rows are counted under a partition's mutex at a time.
const countChunk = 512

// countAll counts the keys of every partition.
func (n *Node) countAll(ctx context.Context) {
	for i := range n.partitions {
		for {
			if ctx.Err() != nil {
				return
			}
			more, err := n.countSome(i)
			if err != nil {
				n.log.Error("keys not counted", "partition", i, "error", err)
				return
			}
			if !more {
				break
			}
		}
		n.counts.missing.Add(-1)
	}
	n.log.Info("keys counted", "keys", n.counts.keys[0].Load())
}

// countSome counts the next rows of partition i and reports whether there are more.
func (n *Node) countSome(i int) (more bool, err error) {
	p := &n.partitions[i]
	p.mu.Lock()
	defer p.mu.Unlock()
	lo := p.countedTo
	if lo == nil {
		lo = object.AppendSlotKey(nil, uint16(n.firstSlot(i)))
	}
	end := object.AppendSlotKey(nil, uint16(n.firstSlot(i))+1<<n.slotShift)
	seen := 0
	var bad error
	err = n.store.Scan(lo, end, func(key, row []byte) bool {
		if seen == countChunk {
			p.countedTo = bytes.Clone(key)
			return false
		}
		seen++
		bad = n.countRowLocked(p, key, row)
		return bad == nil
	})
	switch {
	case err != nil:
		return false, err
	case bad != nil:
		return false, bad
	case seen == countChunk && !bytes.Equal(lo, p.countedTo):
		return true, nil
	}
	p.counted, p.countedTo = true, nil
	return false, nil
}

func (n *Node) countRowLocked(p *partition, key, row []byte) error {
	rk, err := object.ParseRowKey(key)
	if err != nil {
		return err
	}
	if rk.Database || len(rk.Sub) > 0 {
		return nil
	}
	k := object.KeyState{Database: p.clearedLocked(rk.Ref.DB)}
	if err := k.Row.DecodeRow(row); err != nil {
		return err
	}
	n.counts.move(rk.Slot, rk.Ref.DB, dynamo.Presence{}, dynamo.PresenceOf(&k))
	return nil
}

// Size returns how many keys a database holds, expired ones among them until they are cleaned up; ErrCounting while that
// is not known after an unclean stop.
func (n *Node) Size(db uint8) (int64, error) {
	if n.counts.missing.Load() > 0 {
		return 0, ErrCounting
	}
	return n.counts.keys[db].Load(), nil
}

// SlotSize returns how many keys of database 0 a slot holds, as Size does.
func (n *Node) SlotSize(slot object.Slot) (int64, error) {
	if n.counts.missing.Load() > 0 {
		return 0, ErrCounting
	}
	return int64(n.counts.slots[0][slot].Load()), nil
}

// DatabaseInfo is what INFO keyspace tells of a database.
type DatabaseInfo struct {
	Keys    int64
	Expires int64 // keys that have an expiry
}

// Keyspace returns the counts of all databases, which grow while keys are being counted.
func (n *Node) Keyspace() [object.DBCount]DatabaseInfo {
	var out [object.DBCount]DatabaseInfo
	for db := range out {
		out[db] = DatabaseInfo{Keys: n.counts.keys[db].Load(), Expires: n.counts.expires[db].Load()}
	}
	return out
}

const countsFormat = 1

// SaveCounts returns the counts for Options.Counts of the next start, nil while they are not known. REQUIRES: Close has
// returned.
func (n *Node) SaveCounts() []byte {
	if n.counts.missing.Load() > 0 {
		return nil
	}
	b := []byte{countsFormat}
	for db := range object.DBCount {
		b = binary.AppendVarint(b, n.counts.expires[db].Load())
		b = binary.AppendVarint(b, n.counts.keys[db].Load())
		if n.counts.keys[db].Load() == 0 {
			continue
		}
		for s := range object.SlotCount {
			b = binary.AppendVarint(b, int64(n.counts.slots[db][s].Load()))
		}
	}
	return b
}

// restoreCounts takes over saved counts; false when they must be made anew. An empty store needs none.
func (n *Node) restoreCounts(b []byte) bool {
	if !n.counts.restore(b) {
		n.counts = counts{}
		if !n.holdsNone(object.SpaceData) {
			n.counts.missing.Store(int32(len(n.partitions)))
			return false
		}
	}
	for i := range n.partitions {
		n.partitions[i].counted = true
	}
	return true
}

func (c *counts) restore(b []byte) bool {
	if len(b) == 0 || b[0] != countsFormat {
		return false
	}
	b, ok := b[1:], true
	next := func() int64 {
		v, w := binary.Varint(b)
		if w <= 0 {
			ok, b = false, nil
			return 0
		}
		b = b[w:]
		return v
	}
	for db := range object.DBCount {
		c.expires[db].Store(next())
		keys := next()
		c.keys[db].Store(keys)
		if keys == 0 {
			continue
		}
		for s := range object.SlotCount {
			v := next()
			keys -= v
			c.slots[db][s].Store(int32(v))
		}
		ok = ok && keys == 0
	}
	return ok && len(b) == 0
}

// countClearsLocked takes what a batch cleared of a database out of the counts. It looks at all rows of the database in the
// partition, with the mutex held.
func (p *partition) countClearsLocked(clears []dynamo.Clear) {
	for i := range clears {
		if err := p.uncountLocked(&clears[i]); err != nil {
			p.node.log.Error("keys of a cleared database are still counted", "db", clears[i].DB, "error", err)
		}
	}
}

func (p *partition) uncountLocked(c *dynamo.Clear) error {
	var bad error
	for slot := c.First; slot < c.First+1<<p.node.slotShift && bad == nil; slot++ {
		if p.counted && p.node.counts.slots[c.DB][slot].Load() == 0 {
			continue
		}
		lo, hi := object.AppendScanKey(nil, slot, c.DB, 0), object.AppendDatabaseKey(nil, slot, c.DB+1)
		err := p.node.store.Scan(lo, hi, func(key, row []byte) bool {
			var before, after object.KeyState
			rk, err := object.ParseRowKey(key)
			if err == nil && len(rk.Sub) == 0 {
				err = before.Row.DecodeRow(row)
			}
			if bad = err; err != nil {
				return false
			}
			if len(rk.Sub) > 0 || !p.countsLocked(key) {
				return true
			}
			after.Row, before.Database, after.Database = before.Row, c.Before, c.After
			p.node.counts.move(slot, c.DB, dynamo.PresenceOf(&before), dynamo.PresenceOf(&after))
			return true
		})
		if err != nil {
			return err
		}
	}
	return bad
}
