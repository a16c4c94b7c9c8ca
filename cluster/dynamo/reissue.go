package dynamo

import (
	"bytes"
	"math"
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// againPause is how long an operation waits for a later one to be stamped above what hides both.
const againPause = 5 * Millisecond

// hidden handles a replica's answer that a greater stamp of another writer hides what was written: not an ack, and the rows
// that hide it are with it.
//
// An operation that looked gathered everything that a quorum acked before it, so what hides it came at the same time: it
// is not run again, and the replica does not count. A blind one may have begun after that other write was acked, by a
// node whose clock is ahead. It is stamped again above it: else it would be acked and never seen. But only if who wrote that had
// certainly not seen the operation: while another node took this one for dead it may have run operations on top of it, and
// stamped again the operation would take those back. When nobody can tell, the replica does not count.
func (p *Partition) hidden(now Time, op *operation, i int, m *wire.WriteReply) {
	again, err := p.hiddenAnew(op, m)
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: op.ids[i], Err: err})
	}
	if !again {
		p.counted(now, op, op.fail(i))
		return
	}
	p.reissue(now, op)
}

// hiddenAnew takes over what hides an operation, and reports whether it is to be stamped again above that.
func (p *Partition) hiddenAnew(op *operation, m *wire.WriteReply) (again bool, err error) {
	if op.req == nil || !op.blind || op.phase != awaiting || int(op.attempt-op.carried) >= p.limits.Reissues {
		return false, p.mergeRows(op.slot, m.Rows)
	}
	above, unseen, err := p.hiders(op, m)
	if err != nil {
		return false, err
	}
	if !unseen {
		p.stats.Unclear++
		return false, p.mergeRows(op.slot, m.Rows)
	}
	if op.above == nil {
		op.above = make([]object.KeyState, len(above))
	}
	for j := range above {
		if _, err := op.above[j].Merge(&above[j]); err != nil {
			return false, err
		}
	}
	return true, nil
}

// hiders returns the rows that hide an operation, by key, and whether all of them were written by those who had certainly not
// seen it.
func (p *Partition) hiders(op *operation, m *wire.WriteReply) (above []object.KeyState, unseen bool, err error) {
	above, err = keyStates(nil, op.reads.Keys, m.Rows)
	if err != nil {
		return nil, false, err
	}
	sent, err := keyStates(nil, op.reads.Keys, op.sent.Rows)
	if err != nil {
		return nil, false, err
	}
	for j := range above {
		if !above[j].Unseen(&sent[j].Row, sent[j].Elements, op.sent.Stamp, op.sent.Last, op.first) {
			return above, false, nil
		}
	}
	return above, true, nil
}

// reissue merges what hides a blind operation into this node's rows and stamps its mutation again above all of it, as it
// is, without evaluating again.
//
// But not where a later operation of this primary has written the key: it must not be overtaken, for its client may have
// been told that it came after. There the operation waits for acks of the row as it is then. When what hides it hides the
// later one too, that one is stamped again, if its client still waits; else nobody can promise anything.
func (p *Partition) reissue(now Time, op *operation) {
	r := op.req
	if r == nil || op.phase != awaiting {
		return
	}
	reads := op.readsAbove()
	if err := p.loadView(&r.exec, &r.steps, r.Slot, &reads, op.from); err != nil {
		p.counted(now, op, quorum.Lost)
		return
	}
	keys := r.exec.View.Keys
	sent, err := keyStates(nil, op.reads.Keys, op.sent.Rows)
	if err != nil {
		p.counted(now, op, quorum.Lost)
		return
	}
	for i := range keys {
		// Another primary's operation on top of this one may have been stored here since.
		if op.overtaker(i) == 0 && !keys[i].Unseen(&sent[i].Row, sent[i].Elements, op.sent.Stamp, op.sent.Last, op.first) {
			p.stats.Unclear++
			p.counted(now, op, quorum.Lost)
			return
		}
	}
	for i := range keys {
		lost, err := keys[i].Merge(&op.above[i])
		if err != nil {
			p.event(Event{Kind: EventCorrupt, Ref: op.reads.Keys[i], Err: err})
			p.counted(now, op, quorum.Lost)
			return
		}
		p.conflict(lost, op.reads.Keys[i])
		if later := op.overtaker(i); later == overtakenUnseen || later != 0 && !p.ownShows(&keys[i]) {
			p.awaitLater(now, op, later)
			return
		}
	}
	hlc, ok := p.host.Tick(r.exec.latest(), op.ticks)
	if !ok {
		p.counted(now, op, quorum.Lost)
		return
	}
	p.stats.Reissues++
	op.attempt++
	op.stamp = object.Stamp{HLC: hlc, Node: p.opts.ID, Inc: p.opts.Inc}
	r.exec.again(op.stamp, func(key int) bool { return op.overtaker(key) == 0 })
	send := make([]bool, len(keys))
	for i := range send {
		send[i] = true
	}
	p.undo.op = op
	if err := p.require(op, op.choice, true); err != nil {
		panic("dynamo: a level that could be met cannot be met: " + err.Error())
	}
	rows := p.storeView(op, keys, send)
	p.sendRows(now, op, wire.ReasonClient, rows, send)
}

// readsAbove is what the operation reads, and beside that the elements that hide it: this node may have newer ones of them by now.
func (op *operation) readsAbove() object.ReadSet {
	reads := op.reads
	for i := range op.above {
		for _, e := range op.above[i].Elements {
			if !slices.ContainsFunc(reads.Elements, func(r object.ElementRef) bool {
				return r.Key == i && (len(r.Sub) == 0 || bytes.Equal(r.Sub, e.Sub))
			}) {
				reads.Elements = append(reads.Elements[:len(reads.Elements):len(reads.Elements)], object.ElementRef{Key: i, Sub: e.Sub})
			}
		}
	}
	return reads
}

// overtaker returns the later operation of this primary that wrote the operation's key, 0 for none.
func (op *operation) overtaker(key int) uint64 {
	if op.overtaken == nil {
		return 0
	}
	return op.overtaken[key]
}

// overtakenUnseen stands for a later operation that looked and was not shown the earlier one, since what it gathered hid that:
// it does not cover it.
const overtakenUnseen = math.MaxUint64

// shows says of each key whether what this node wrote last is what an operation sees.
func (p *Partition) shows(keys []object.KeyState) []bool {
	shown := make([]bool, len(keys))
	for i := range keys {
		shown[i] = p.ownShows(&keys[i])
	}
	return shown
}

// overtake marks the keys that op has written in the blind operations before it that may have to be stamped again.
func (p *Partition) overtake(op *operation, shown []bool) {
	for _, before := range p.blind {
		if before == op {
			continue
		}
		for i, ref := range before.reads.Keys {
			key, writes := op.writes(before.slot, ref)
			if !writes {
				continue
			}
			if before.overtaken == nil {
				before.overtaken = make([]uint64, len(before.reads.Keys))
			}
			if before.overtaken[i] == overtakenUnseen && shown != nil {
				continue // what looked and came later saw no more of it
			}
			before.overtaken[i] = op.id
			if key >= 0 && shown != nil && !shown[key] {
				before.overtaken[i] = overtakenUnseen
			}
		}
	}
}

// settled lets go of an operation that will not be stamped again.
func (p *Partition) settled(op *operation) {
	if i := slices.Index(p.blind, op); i >= 0 {
		p.blind = slices.Delete(p.blind, i, i+1)
	}
}

// writes reports whether the operation, evaluated, writes a key, as which of its own, or clears its database (-1).
func (op *operation) writes(slot object.Slot, ref object.KeyRef) (key int, writes bool) {
	if op.reads.Flush.Has(ref.DB) {
		return -1, true
	}
	if slot != op.slot {
		return -1, false
	}
	for i := range op.reads.Keys {
		if op.req.exec.wrote(i) && sameRef(ref, op.reads.Keys[i]) {
			return i, true
		}
	}
	return -1, false
}

// ownShows reports whether what this node wrote last in a key is above what others did: its value, or its clear.
func (p *Partition) ownShows(k *object.KeyState) bool {
	value, clear := k.Row.Value.Stamp, object.MaxOf(k.Database, k.Row.Cleared)
	if value.Before(clear) {
		return clear.Node == p.opts.ID && (clear.Inc == p.opts.Inc || clear.Inc == p.opts.Inc-1)
	}
	return value.Node == p.opts.ID && value.Inc == p.opts.Inc
}

// awaitLater is for an operation that a later one covers when both are hidden. The later one is told by a replica as well,
// or has been. Once it is above, this one is sent again as the rows then are.
func (p *Partition) awaitLater(now Time, op *operation, id uint64) {
	later := p.find(id)
	if later == nil || later.req == nil || !later.blind || later.phase != awaiting || int(later.attempt-later.carried) >= p.limits.Reissues {
		p.counted(now, op, quorum.Lost)
		return
	}
	op.again, op.againAt = true, now+againPause
	p.wake(op.againAt)
}
