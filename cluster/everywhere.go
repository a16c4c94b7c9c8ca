package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// RingNode is a node of a ring of several, with the operations on many slots that need the others.
//
// What it tells of the keys is what the primaries store at the time: counts and scans are no quorum reads.
type RingNode struct{ *Node }

// primary returns the primary of a slot in this node's view; false when no home replica is alive.
func (n *Node) primary(slot object.Slot) (object.NodeID, bool) {
	r := n.ring.Load()
	id, ok := r.Primary(r.PartitionOf(ring.Slot(slot)), func(id ring.NodeID) bool { return n.hears(object.NodeID(id)) })
	return object.NodeID(id), ok
}

func (n *Node) isPrimary(slot object.Slot) bool {
	id, ok := n.primary(slot)
	return ok && id == n.id
}

// Scan goes on from cursor over the slots of the scope, as Node.Scan.
func (r RingNode) Scan(scope Scope, db uint8, cursor uint64, count int, fn func(name []byte, t object.Type)) (next uint64, err error) {
	if r.alone.Load() {
		return r.Node.Scan(db, cursor, count, fn)
	}
	if scope == ScopeOwn {
		return r.scan(scanRange{db: db, cursor: cursor, end: object.SlotCount, count: count}, r.isPrimary, fn)
	}
	for left := count; left > 0; {
		slot := cursor >> object.HashBits
		to, end, err := r.run(object.Slot(slot))
		if err != nil {
			return 0, err
		}
		part := scanRange{db: db, cursor: cursor, end: end, count: left}
		take := func(name []byte, t object.Type) {
			left--
			fn(name, t)
		}
		if to == r.id {
			next, err = r.scan(part, nil, take)
		} else {
			next, err = r.askToScan(to, part, take)
		}
		if err != nil || next == 0 {
			return 0, err
		}
		cursor = next
	}
	return cursor, nil
}

// run returns who is to be asked about a slot, and up to where the slots behind it are that node's too.
func (r RingNode) run(slot object.Slot) (to object.NodeID, end uint64, err error) {
	to, ok := r.primary(slot)
	if !ok {
		return 0, 0, &UnavailableError{Count: quorum.Count{Need: 1, Of: r.ring.Load().Replicas()}}
	}
	size := uint64(r.ring.Load().SlotsPerPartition())
	for end = uint64(slot) - uint64(slot)%size + size; end < object.SlotCount; end += size {
		if id, ok := r.primary(object.Slot(end)); !ok || id != to {
			break
		}
	}
	return to, end, nil
}

// Keys calls fn with every alive key of the scope until fn returns false.
func (r RingNode) Keys(scope Scope, db uint8, fn func(name []byte) bool) error {
	more := true
	for cursor := uint64(0); ; {
		next, err := r.Scan(scope, db, cursor, keysChunk, func(name []byte, _ object.Type) { more = more && fn(name) })
		if err != nil || next == 0 || !more {
			return err
		}
		cursor = next
	}
}

// RandomKey returns an alive key of the scope: the first one from a random place on, so keys behind gaps come more often.
func (r RingNode) RandomKey(scope Scope, db uint8) (name []byte, ok bool, err error) {
	if r.alone.Load() {
		return r.Node.RandomKey(db)
	}
	take := func(k []byte) bool {
		name, ok = bytes.Clone(k), true
		return false
	}
	from := rand.Uint64N(object.SlotCount << object.HashBits)
	if _, err := r.Scan(scope, db, from, 1, func(k []byte, _ object.Type) { take(k) }); err != nil || ok {
		return name, ok, err
	}
	err = r.Keys(scope, db, take)
	return name, ok, err
}

// Size returns how many keys of a database the primaries of the scope store.
func (r RingNode) Size(scope Scope, db uint8) (int64, error) {
	if r.alone.Load() {
		return r.Node.Size(db)
	}
	if r.counts.missing.Load() > 0 {
		return 0, ErrCounting
	}
	var sum int64
	for slot := range object.Slot(object.SlotCount) {
		if r.isPrimary(slot) {
			sum += int64(r.counts.slots[db][slot].Load())
		}
	}
	if scope == ScopeOwn {
		return sum, nil
	}
	for _, m := range r.ring.Load().Members() {
		id := object.NodeID(m.ID)
		if id == r.id || !r.hears(id) {
			continue
		}
		err := r.askForCounts(id, db, func(slot object.Slot, keys int64) {
			if primary, ok := r.primary(slot); ok && primary == id {
				sum += keys
			}
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// flushWindow is how many partitions are flushed at once.
const flushWindow = 64

// Flush clears a database in every partition of the scope, all databases with db -1. Partitions are cleared one by one: of
// those done before an error what they held is gone.
func (r RingNode) Flush(scope Scope, db int, level Level) error {
	if r.alone.Load() {
		if err := r.Node.Flush(db); !errors.Is(err, errSeveral) {
			return err
		}
	}
	dbs := []uint8{uint8(max(db, 0))}
	if db < 0 {
		dbs = dbs[:0]
		for d := range uint8(object.DBCount) {
			dbs = append(dbs, d)
		}
	}
	if level.Level == 0 {
		level.Level = quorum.Quorum
	}
	var calls []*Call
	finish := func() error {
		r.Finish(calls)
		for _, c := range calls {
			if c.Err != nil {
				return fmt.Errorf("flush: %w", c.Err)
			}
		}
		calls = calls[:0]
		return nil
	}
	for i := range r.partitions {
		slot := r.firstSlot(i)
		if scope == ScopeOwn && !r.isPrimary(slot) {
			continue
		}
		c := &Call{Request: dynamo.Request{
			Op: &flushOp{dbs}, Slot: slot, Write: true, WriteLevel: level, ReadLevel: Level{Level: quorum.Quorum},
			Deadline: r.Time() + dynamo.Time(askTimeout),
		}}
		r.Start(c)
		if calls = append(calls, c); len(calls) == flushWindow {
			if err := finish(); err != nil {
				return err
			}
		}
	}
	return finish()
}

// flushOp clears databases in the partition of its slot.
type flushOp struct{ dbs []uint8 }

// bodyFlush begins the body of a passed flush: no body of the front door begins so.
const bodyFlush = 0

func (o *flushOp) Reads() object.ReadSet { return object.ReadSet{Flush: object.DBSetOf(o.dbs...)} }

func (o *flushOp) Eval(*object.Input, *object.View, *object.Mutation) {}

func (o *flushOp) AppendBody(dst []byte) []byte { return append(append(dst, bodyFlush), o.dbs...) }

func (o *flushOp) AppendReply(dst []byte) []byte { return dst }

func (o *flushOp) TakeReply([]byte) {}

var errFlushBody = errors.New("cluster: a flush of no database")

// parseFlush reads the body of a passed flush; false when it is something else's.
func parseFlush(body []byte) (dynamo.PassedOp, bool, error) {
	if len(body) == 0 || body[0] != bodyFlush {
		return nil, false, nil
	}
	dbs := bytes.Clone(body[1:])
	if len(dbs) == 0 || len(dbs) > object.DBCount {
		return nil, true, errFlushBody
	}
	for _, db := range dbs {
		if db >= object.DBCount {
			return nil, true, errFlushBody
		}
	}
	return &flushOp{dbs}, true, nil
}
