package dynamo

import "github.com/rondokv/rondo/cluster/quorum"

// While a partition is being copied a read looks at its new owners as well: what it shows must be on a majority of them too when
// reads move there. One that has not begun to copy need not be sent anything, for it will copy from a majority of the old owners,
// and what a majority of them holds is on one of those. But only if they hold it before it begins:
//
//	e  says that it has not begun, to a read of a and b
//	e  begins, copies from {b, c}, and is done with it
//	b  takes a write of a's that reached nobody else, and says to the read that it has what a has
//	   counted, a and b are a majority of the old owners that holds it; and e has copied, without it
//
// So what a node says of that counts only when it was asked after all others had answered: it is asked twice.

// notCopied takes node i's word that it has not begun to copy.
func (p *Partition) notCopied(now Time, op *operation, i int) {
	op.answered |= 1 << i
	op.exempt |= 1 << i
	if op.phase != gathering {
		return
	}
	if op.confirms {
		p.looked(now, op, i)
		return
	}
	p.confirm(now, op)
}

// confirm asks those once more that have not begun to copy, when all else that the level needs is there.
func (p *Partition) confirm(now Time, op *operation) {
	if op.exempt == 0 || op.confirms || op.phase != gathering {
		return
	}
	probe := op.tally
	for i := range op.nodes {
		if op.exempt>>i&1 != 0 {
			probe.Ack(i)
		}
	}
	if probe.Verdict() != quorum.Won {
		return
	}
	// Under another id, so that no answer to the first question passes for one to the second.
	p.ops.remove(op.id)
	p.lastID++
	op.id, op.confirms = p.lastID, true
	p.ops.add(op)
	m := *op.read
	m.ID = op.id
	op.read = &m
	again := op.exempt
	op.answered &^= again
	op.asked, op.askedFirst, op.exempt = op.answered, 0, 0
	for i := range op.nodes {
		if again>>i&1 != 0 {
			p.ask(op, i)
		}
	}
}
