package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/engine/object"
)

// The methods of dynamo.Host.

// Get returns a row. In some runs it copies it into dst, so that a core which keeps rows beyond their time is found out.
func (n *node) Get(dst, key []byte) ([]byte, error) {
	row, err := n.store.Get(nil, key)
	if row == nil || err != nil || !n.w.plan.copyRows {
		return row, err
	}
	return append(dst, row...), nil
}

// Scan walks over rows.
func (n *node) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	return n.store.Scan(lo, hi, fn)
}

// Now reads the clock.
func (n *node) Now() object.HLC { return n.clock.Read() }

// Tick issues readings. After a crash the clock may be behind a row's stamp: what it is to be above it observes, so that the
// ceiling goes there too.
func (n *node) Tick(above object.HLC, count int) (object.HLC, bool) {
	if n.clock.Observe(above) != nil {
		return 0, false
	}
	return n.clock.Tick(n.clock.Physical(), count)
}

// Observe takes in a peer's reading, and puts a durable ceiling above it before anything that it came with is stored or answered.
func (n *node) Observe(peer object.HLC) error {
	if err := n.clock.Observe(peer); err != nil {
		return err
	}
	if n.clock.HasRoom(n.clock.Physical()) {
		return nil
	}
	return n.clock.MakeRoom(hlc.Margin)
}

// Alive is what the failure detector says.
func (n *node) Alive(id object.NodeID) bool { return n.alive(n.w.nodeOf(id)) }

// HintRoom keeps to the run's bound. Who has said that he has nothing left takes no hints any more.
func (n *node) HintRoom() bool {
	return !n.emptied() && (n.w.plan.hintBytes == 0 || n.hints < n.w.plan.hintBytes)
}

// Random returns 64 bits.
func (n *node) Random() uint64 { return n.random.Uint64() }

// Parse makes an operation of the body that AppendBody made: the number of its record, and of what the client asked for.
func (n *node) Parse(slot object.Slot, body []byte) (dynamo.PassedOp, error) {
	id, size := binary.Uvarint(body)
	if size != len(body) || id >= uint64(len(n.w.records)) {
		return nil, fmt.Errorf("sim: a body of %d bytes", len(body))
	}
	rec := n.w.records[id]
	if n.w.plan.keys[rec.commands[0].key].slot != slot {
		return nil, fmt.Errorf("sim: operation %d came for slot %d", id, slot)
	}
	return &op{w: n.w, rec: rec}, nil
}
