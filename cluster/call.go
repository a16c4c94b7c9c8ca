package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/engine/object"
)

// Call is one operation on its way through a node. Set Op, Slot and Write, then Start it; a finished Call can be Reset and
// used again.
type Call struct {
	Op    dynamo.Op
	Slot  object.Slot
	Write bool // may change rows: it gets a stamp

	// Err is set by Start or Finish: the operation failed and its reply is void.
	Err error

	exec   dynamo.Execution
	before []presence // of the keys of a write, before it
	keys   []byte     // scratch: engine keys
	rows   []byte     // scratch: rows as read; what the operation saw points into it until Reset
	out    []byte     // scratch: keys and rows to store
	writes []object.Write
	part   *partition
	commit object.Commit
	seq    uint64 // the batch that must be durable before the reply; 0 for none
}

// Reset makes the call ready for another operation, keeping its scratch room.
func (c *Call) Reset() {
	c.exec.Release()
	if cap(c.rows) > maxIdleScratch {
		c.rows = nil
	}
	if cap(c.out) > maxIdleScratch {
		c.out = nil
	}
	clear(c.writes)
	c.Op, c.Err, c.part, c.commit, c.seq = nil, nil, nil, nil, 0
}

// maxIdleScratch is how many bytes of each kind an idle call keeps.
const maxIdleScratch = 4 << 10

// presence is what the counts know of a row.
type presence struct {
	had     bool // the store has a row
	stored  bool // it counts as a key
	expires bool // a key with an expiry
}

func presenceOf(k *object.KeyState) presence {
	stored := k.Row.Stored(k.Database)
	return presence{stored: stored, expires: stored && k.ExpiresEver()}
}

// Start runs the operation as far as it goes without waiting: when it returns its place in the order is fixed and what it
// wrote is visible. The reply may be sent after Finish only.
func (n *Node) Start(c *Call) {
	present := n.clock.Physical()
	if c.Write && !n.clock.HasRoom(present) {
		if c.Err = n.clock.MakeRoom(hlc.Margin); c.Err != nil {
			return
		}
	}
	p := n.partitionOf(c.Slot)
	for {
		again, err := n.step(p, c, present)
		if !again {
			c.Err = err
			return
		}
		// The goroutine slept for so long that the ceiling came near.
		if c.Err = n.clock.MakeRoom(hlc.Margin); c.Err != nil {
			return
		}
		present = n.clock.Physical()
	}
}

// step loads, evaluates and stores. again asks for the same once the clock has room.
func (n *Node) step(p *partition, c *Call, present object.HLC) (again bool, err error) {
	reads := c.Op.Reads()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := n.loadLocked(p, c, reads.Keys); err != nil {
		return false, err
	}
	if !c.Write {
		stamp := object.Stamp{HLC: max(present, n.clock.Latest())}
		c.exec.Step(c.Op, stamp, rand.Uint64())
		c.part, c.seq = p, p.applied
		return false, nil
	}
	first, ok := n.clock.Tick(present, max(reads.Ticks, 1))
	if !ok {
		return true, nil
	}
	stamp := object.Stamp{HLC: first, Node: n.id, Inc: n.inc}
	c.part, c.seq = p, p.applied
	if !c.exec.Step(c.Op, stamp, rand.Uint64()) {
		return false, nil
	}
	return false, n.storeLocked(p, c, reads.Keys, first+object.HLC(max(reads.Ticks, 1)-1))
}

func (n *Node) loadLocked(p *partition, c *Call, refs []object.KeyRef) error {
	if p.unreadable != nil {
		return p.unreadable
	}
	c.exec.Begin(len(refs))
	c.before = c.before[:0]
	room := c.rows[:0]
	for i, ref := range refs {
		k := &c.exec.View.Keys[i]
		c.keys = object.AppendRowKey(c.keys[:0], n.secret, c.Slot, ref, nil)
		row, err := n.store.Get(room, c.keys)
		if err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		if row != nil {
			switch {
			case cap(row) == cap(room):
				room = row[len(row):] // what is left of it
			case i == 0:
				c.rows = row[:0] // there was no room: keep what was made for the next operation
				room = row[len(row):]
			}
			if err := k.Row.DecodeRow(row); err != nil {
				return fmt.Errorf("read key: %w", err)
			}
		}
		k.Database = p.cleared[ref.DB]
		if c.Write {
			was := presenceOf(k)
			was.had = row != nil
			c.before = append(c.before, was)
		}
	}
	return nil
}

// storeLocked hands the changed rows to the store as one batch. latest is the operation's last stamp, and, the ring having
// one node, the watermark for dead rows.
func (n *Node) storeLocked(p *partition, c *Call, refs []object.KeyRef, latest object.HLC) error {
	writes, buf := c.writes[:0], c.out[:0]
	for i := range refs {
		k := &c.exec.View.Keys[i]
		if !k.Dirty() {
			continue
		}
		if k.Row.Collect(k.Database, latest) {
			if c.before[i].had {
				start := len(buf)
				buf = object.AppendRowKey(buf, n.secret, c.Slot, refs[i], nil)
				writes = append(writes, object.Write{Key: buf[start:]})
			}
			continue
		}
		start := len(buf)
		buf = slices.Grow(buf, object.RowKeyLen(refs[i])+k.Row.EncodedLen())
		buf = object.AppendRowKey(buf, n.secret, c.Slot, refs[i], nil)
		end := len(buf)
		buf = k.Row.AppendRow(buf)
		writes = append(writes, object.Write{Key: buf[start:end:end], Row: buf[end:]})
	}
	c.writes, c.out = writes, buf
	if len(writes) == 0 {
		return nil
	}
	commit, err := n.store.Apply(writes)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	p.applied++
	c.commit, c.seq = commit, p.applied
	n.countWritesLocked(p, c, refs)
	return nil
}

// Finish waits until each of the calls may be answered: its own writes, and the writes that it saw, are as durable as the
// policy says. Failures are left in Err.
//
// All commits come before all reads: were each waited for in the order of the calls, two pipelines that read what the other
// writes later on would wait for each other for ever.
func (n *Node) Finish(calls []*Call) {
	for _, c := range calls {
		if c.commit == nil {
			continue
		}
		if err := c.part.settle(c.commit, c.seq); err != nil {
			c.Err = fmt.Errorf("commit: %w", err)
		}
		c.commit = nil
	}
	for _, c := range calls {
		if c.Err == nil && c.part != nil && !c.part.await(c.seq) {
			c.Err = ErrNotDurable
		}
	}
}
