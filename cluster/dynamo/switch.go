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
// others are sent the same rows.
func (p *Partition) carryOver(now Time, op *operation) {
	if op.from == fromHints || p.self < 0 {
		// This node has no part in the partition any more, or a new one.
		p.timeout(op)
		p.settleLingering(op)
		return
	}
	old := *op
	p.adoptOwners(op)
	if err := p.restart(op, &old); err != nil {
		p.timeout(op)
		p.settleLingering(op)
		return
	}
	m := *op.sent
	m.Header = p.header(op.id, op.budget(now))
	op.sent = &m
	verdict := quorum.Pending
	for i := range op.homes {
		j := slices.Index(old.ids[:old.homes], op.ids[i])
		switch {
		case i == op.self:
			verdict = op.countAgain(i, &old, j)
		case j >= 0 && (old.tally.Acked(j) || old.both && old.shown.Acked(j)):
			verdict = op.countAgain(i, &old, j)
		case op.tally.Failed(i):
			if m.Reason == wire.ReasonClient && op.covered>>i&1 == 0 {
				p.keepHints(op, i)
			}
		default:
			p.send(op.ids[i], op.sent)
		}
	}
	if verdict == quorum.Pending {
		verdict = op.verdict(op.tally.Verdict(), op.shown.Verdict())
	}
	p.counted(now, op, verdict)
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
	op.covered |= 1 << op.self
	// What was read of the owners of before says nothing by place any more.
	op.read, op.digests, op.final, op.answered, op.exempt, op.asked = nil, nil, nil, 0, 0, 0
}

// restart begins the tallies anew over the owners of now.
func (p *Partition) restart(op, old *operation) error {
	if err := p.requireNow(op, old.choice, op.stamp.Node != 0); err != nil {
		return err
	}
	if !old.both {
		return nil
	}
	return op.shown.Start(quorum.Requirement{Choice: old.shownChoice, Local: p.localDC(op.req), Nodes: op.nodes})
}

// countAgain lets node i count for what it counted for as node j of before.
func (op *operation) countAgain(i int, old *operation, j int) quorum.Verdict {
	if j < 0 {
		return quorum.Pending
	}
	if old.tally.Acked(j) {
		op.tally.Ack(i)
	}
	if old.both && old.shown.Acked(j) {
		op.shown.Ack(i)
	}
	return op.verdict(op.tally.Verdict(), op.shown.Verdict())
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
