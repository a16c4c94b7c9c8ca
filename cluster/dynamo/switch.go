package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// SwitchRing is the step that takes the partition into a later epoch. Where its lists or stage change, what is under way goes
// on by the new ones: what has stored nothing is begun again, what waits for acks sends its rows to the owners of now.
func (p *Partition) SwitchRing(now Time, r *ring.Ring) {
	p.beginStep()
	before := p.ring.Epoch()
	if r.Epoch() <= before {
		return
	}
	p.setRing(r)
	if p.since <= before {
		// What a peer of a later epoch refused waits for this one, whatever has changed in it.
		p.forEach(work{kind: workSwitch}, func(op *operation) bool { return op.fenced })
		p.doWork(now)
		return
	}
	p.apart = slices.DeleteFunc(p.apart, func(id object.NodeID) bool { return !p.owns(id) })
	p.replays = nil // they name the epoch before: they go again
	p.beginTransfer(true)
	p.forEach(work{kind: workSwitch}, nil)
	if len(p.hinted) > 0 {
		p.works = append(p.works, work{kind: workReplay})
	}
	p.doWork(now)
}

// switchOperation takes an operation into the ring of now.
func (p *Partition) switchOperation(now Time, op *operation) {
	switch op.phase {
	case passed:
		if op.fenced {
			p.beginAgain(now, op)
		}
	case gathering:
		p.beginAgain(now, op)
	case awaiting:
		p.carryOver(now, op)
	case lingering:
		p.settleLingering(op)
	}
}

// beginAgain begins an operation once more of which nothing was stored.
func (p *Partition) beginAgain(now Time, op *operation) {
	r := op.req
	op.req = nil
	p.forget(op)
	p.operations-- // it was counted when it was begun
	p.begin(now, r)
}

// carryOver lets an operation whose rows were stored and sent wait for the owners of now: those that have acked count, the
// others are sent the same rows. It does so, too, at a node that owns nothing any more: that one does not count.
func (p *Partition) carryOver(now Time, op *operation) {
	if op.from == fromHints {
		// What stood in for owners that could not be reached has no part in it any more, or a new one.
		p.timeout(op)
		p.settleLingering(op)
		return
	}
	old := *op
	anew := p.countsAnew(op)
	p.adoptOwners(op)
	if err := p.restart(op, &old); err != nil {
		p.timeout(op) // the lists of now can never meet its level
		p.settleLingering(op)
		return
	}
	if op.self < 0 {
		// Whoever stamps it again must store it.
		op.blind, op.again = false, false
		p.settled(op)
	}
	m := *op.sent
	m.Header = p.header(op.id, op.budget(now))
	op.sent = &m
	if anew {
		op.attempt, op.carried = op.attempt+1, op.carried+1
		m.Attempt = op.attempt
	}
	for i, id := range op.ids {
		j := slices.Index(old.ids[:old.homes], id)
		switch {
		case !anew && j >= 0 && old.tally.Acked(j):
			op.ack(i)
		case i == op.self:
			// It could not store what it shows, or was no owner in between, and what it had stored may have been cleared.
			if j < 0 || old.tally.Failed(j) {
				op.fail(i)
			}
		case !p.host.Alive(id):
			op.fail(i)
			if m.Reason == wire.ReasonClient && op.covered>>i&1 == 0 {
				p.keepHints(op, i)
			}
		default:
			p.send(id, op.sent)
		}
	}
	verdict := op.verdict(op.tally.Verdict(), op.shown.Verdict())
	if anew && verdict == quorum.Pending && op.self >= 0 {
		p.ownWhenDurable(now, held{op: op.id, phase: awaiting, attempt: op.attempt})
		return
	}
	p.counted(now, op, verdict)
}

// countsAnew reports whether acks that a blind operation got do not count any more. An ack says two things: that the rows are durable
// there, for ever, and that nothing hides them there, then. The second is of use as long as a majority is needed of the list by which
// the operation began, for that one meets what was acked before. A new owner says it before it has copied what hides them:
//
//	V is acked by b and c, then W begins at a, stamped below it by a clock that is behind
//	copying    d and e ack W: they lack V. Then they copy it
//	stable     a, d and e hold W, and show V
//
// This node's own rows need no second look: had they held V, W would have been stamped above it.
func (p *Partition) countsAnew(op *operation) bool {
	if !op.reads.Blind {
		return false // it has seen what was acked before
	}
	if op.basis == nil {
		op.basis = listed(op.ids, op.nodes[:op.homes], quorum.Before)
	}
	for _, of := range [...]quorum.Lists{quorum.Before, quorum.After} {
		list := listed(p.ids, p.homes, of)
		if len(list) == len(op.basis) && !slices.ContainsFunc(list, func(id object.NodeID) bool { return !slices.Contains(op.basis, id) }) {
			return false
		}
	}
	op.basis = listed(p.ids, p.homes, quorum.Before)
	return true
}

// listed returns who of some nodes is on a list.
func listed(ids []object.NodeID, nodes []quorum.Node, of quorum.Lists) (list []object.NodeID) {
	for i := range nodes {
		if nodes[i].Of&of != 0 {
			list = append(list, ids[i])
		}
	}
	return list
}

// adoptOwners puts the owners of now in place of the operation's nodes. Fallbacks that stood in do so no more: for whom they
// have not acked in time this node keeps hints.
func (p *Partition) adoptOwners(op *operation) {
	old, covered := op.ids[:op.homes], uint64(0)
	deposits := op.deposits[:0:0]
	for i, id := range p.ids {
		j := slices.Index(old, id)
		if j < 0 {
			continue
		}
		covered |= op.covered >> j & 1 << i
		for _, d := range op.deposits {
			if d.home == j {
				d.home = i
				deposits = append(deposits, d)
			}
		}
	}
	op.covered, op.deposits = covered, deposits
	op.homes, op.self = len(p.homes), p.self
	op.nodes, op.ids, op.standIn = slices.Clone(p.homes), slices.Clone(p.ids), nil
	if op.self >= 0 {
		op.covered |= 1 << op.self
	}
	// What was read of the owners of before says nothing by place any more.
	op.read, op.digests, op.final, op.answered, op.exempt, op.asked = nil, nil, nil, 0, 0, 0
}

// restart begins the tallies anew over the owners of now. Nobody has failed yet: who cannot be reached may have acked before.
func (p *Partition) restart(op, old *operation) error {
	q := quorum.Requirement{Choice: old.choice, Write: op.stamp.Node != 0, Local: p.localDC(op.req), Nodes: op.nodes}
	if err := op.tally.Start(q); err != nil {
		return err
	}
	if !old.both {
		return nil
	}
	q.Choice, q.Write = old.shownChoice, false
	return op.shown.Start(q)
}

// settleLingering ends an operation that was answered: owners that have not acked get their hints here and now.
func (p *Partition) settleLingering(op *operation) {
	if op.sent != nil && op.sent.Reason == wire.ReasonClient {
		for home, id := range op.ids[:op.homes] {
			if op.covered>>home&1 == 0 && id != p.opts.ID && slices.Contains(p.ids, id) {
				p.keepHints(op, home)
			}
		}
	}
	op.req, op.again = nil, false
	p.forget(op)
}

// owns reports whether a node is on either list.
func (p *Partition) owns(id object.NodeID) bool { return slices.Contains(p.ids, id) }

// retargetHints makes of hints for a node that is no owner any more rows of this node, if it is one, and hints for all others
// that are. It reports whether it did a batch of it; there may be more.
func (p *Partition) retargetHints() bool {
	i := slices.IndexFunc(p.hinted, func(h hinted) bool { return !p.owns(h.node) })
	if i < 0 {
		return false
	}
	b, m, err := p.readHints(p.hinted[i].node, nil)
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: p.hinted[i].node, Err: err})
		return false
	}
	if len(b.keys) == 0 {
		p.hinted = slices.Delete(p.hinted, i, i+1)
		return true
	}
	m.Reason, m.Acks = wire.ReasonTransfer, true // whether an ack counted them is not known
	for _, id := range p.ids {
		if id == p.opts.ID {
			err = p.mergeRows(m.Slot, m.Rows)
		} else {
			err = p.mergeHints(id, m)
		}
		if err != nil {
			p.unmerge()
			p.event(Event{Kind: EventCorrupt, Peer: id, Err: err})
			return false
		}
	}
	for j, key := range b.keys {
		p.putHint(key, b.rows[j], nil)
	}
	return true
}
