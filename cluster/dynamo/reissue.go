package dynamo

import (
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
// node whose clock is ahead. It is stamped again above it: else it would be acked and never seen.
func (p *Partition) hidden(now Time, op *operation, i int, m *wire.WriteReply) {
	if op.req == nil || !op.blind || op.phase != awaiting || int(op.attempt) >= p.limits.Reissues {
		if err := p.mergeRows(op.slot, m.Rows); err != nil {
			p.event(Event{Kind: EventCorrupt, Peer: op.ids[i], Err: err})
		}
		p.counted(now, op, op.tally.Fail(i))
		return
	}
	above, err := keyStates(nil, op.reads.Keys, m.Rows)
	if err == nil && op.above == nil {
		op.above = make([]object.KeyState, len(op.reads.Keys))
	}
	for j := range above {
		if err == nil {
			_, err = op.above[j].Merge(&above[j])
		}
	}
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: op.ids[i], Err: err})
		p.counted(now, op, op.tally.Fail(i))
		return
	}
	p.reissue(now, op)
}

// reissue merges what hides a blind operation into this node's rows and stamps its mutation again above all of it, as it
// is, without evaluating again.
//
// But only where it is the newest on this node's own row: a later operation of this primary must not be overtaken, for its
// client may have been told that it came after. Where a later one covers it, the operation waits for acks of the row as
// it is then. When what hides it hides the later one too, that one is stamped again, if its client still waits; else nobody
// can promise anything.
func (p *Partition) reissue(now Time, op *operation) {
	r, above := op.req, op.above
	if err := p.loadView(&r.exec, &r.steps, r.Slot, &op.reads, op.from); err != nil {
		p.counted(now, op, quorum.Lost)
		return
	}
	keys := r.exec.View.Keys
	newest := make([]bool, len(keys))
	for i := range keys {
		newest[i] = p.isNewest(op, i, &keys[i])
	}
	for i := range above {
		mine := keys[i].Row.Value.Stamp
		lost, err := keys[i].Merge(&above[i])
		if err != nil {
			p.event(Event{Kind: EventCorrupt, Ref: op.reads.Keys[i], Err: err})
			p.counted(now, op, quorum.Lost)
			return
		}
		p.conflict(lost, op.reads.Keys[i])
		if newest[i] || keys[i].Row.Value.Stamp == mine && object.MaxOf(keys[i].Database, keys[i].Row.Cleared).Before(mine) {
			continue
		}
		p.coveredByHidden(now, op, mine)
		return
	}
	hlc, ok := p.host.Tick(r.exec.latest(), op.ticks)
	if !ok {
		p.counted(now, op, quorum.Lost)
		return
	}
	p.stats.Reissues++
	op.attempt++
	op.stamp = object.Stamp{HLC: hlc, Node: p.opts.ID, Inc: p.opts.Inc}
	r.exec.again(op.stamp, newest)
	send := make([]bool, len(keys))
	for i := range send {
		send[i] = true
	}
	p.step.op = op
	if err := p.require(op, op.choice, true); err != nil {
		panic("dynamo: a level that could be met cannot be met: " + err.Error())
	}
	rows := p.storeView(op, keys, send)
	p.sendRows(now, op, wire.ReasonClient, rows, send)
}

// isNewest reports whether the operation's last write of key i is what this node's own row holds.
func (p *Partition) isNewest(op *operation, i int, k *object.KeyState) bool {
	changes := op.req.exec.mutation.Changes
	for j := len(changes) - 1; j >= 0; j-- {
		if c := &changes[j]; c.Key == i && c.SetValue {
			s := op.stamp.Tick(c.Tick)
			return k.Row.Value.Stamp == s || k.Row.Cleared == s // cleared: it was stamped after its own expiry
		}
	}
	return false
}

// coveredByHidden is for an operation that a later one of this primary, stamped newest, covers, when both are hidden.
func (p *Partition) coveredByHidden(now Time, op *operation, newest object.Stamp) {
	for _, later := range p.ops {
		if later == op || later.req == nil || !later.blind || later.phase != awaiting || int(later.attempt) >= p.limits.Reissues {
			continue
		}
		if d := newest.HLC - later.stamp.HLC; later.stamp.HLC > newest.HLC || int(d) >= later.ticks || newest.Inc != p.opts.Inc {
			continue
		}
		// The later one is told by a replica as well, or has been. Once it is above, this one is sent again as the rows
		// then are.
		op.again, op.againAt = true, now+againPause
		return
	}
	p.counted(now, op, quorum.Lost)
}
