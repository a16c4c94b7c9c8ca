package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// repairLate compares what a replica answered after the client did not need it any more. Where it is apart from this node's
// rows both take over what they lack; nobody waits.
func (p *Partition) repairLate(op *operation, i int, states []object.KeyState) {
	if op.phase != lingering || op.sent != nil {
		return // all replicas are being sent the rows
	}
	defer p.finishLingering(op)
	k := len(op.read.Keys)
	answered := op.digests[op.self*k:][:k]
	if len(op.final) > 0 {
		answered = op.final
	}
	if slices.Equal(op.digests[i*k:][:k], answered) {
		return
	}
	reads := readSetOf(op.read)
	refs := reads.Keys
	x := &p.local
	defer x.Release()
	if i >= op.homes || op.from == fromHints {
		return // hints go home by themselves
	}
	if err := p.loadView(x, &p.bufs, op.slot, &reads, fromData); err != nil {
		p.event(Event{Kind: EventCorrupt, Ref: refs[0], Err: err})
		return
	}
	var rows []wire.Row
	for j := range x.View.Keys {
		k := &x.View.Keys[j]
		its := op.digests[i*len(refs)+j]
		if k.Digest(p.secret) == its {
			continue
		}
		lost, err := false, error(nil)
		if states != nil {
			lost, err = k.Merge(&states[j])
		}
		if err != nil {
			p.event(Event{Kind: EventCorrupt, Peer: op.ids[i], Ref: refs[j], Err: err})
			continue
		}
		p.conflict(lost, refs[j])
		p.putDatabase(refs[j].DB, k.Database)
		p.putKey(keyWrite{op.slot, refs[j], k, p.bufs.before[j], p.bufs.had[j]}, nil, 0)
		if k.Digest(p.secret) == its {
			continue // the replica was ahead
		}
		rows = appendKeyRows(rows, refs[j], k, nil)
		rows = appendDatabaseRow(rows, refs[j].DB, k.Database)
	}
	if len(rows) == 0 {
		return
	}
	p.stats.Repairs++
	p.send(op.ids[i], &wire.Write{
		Header: p.header(op.id, 0), Slot: op.slot, Reason: wire.ReasonRepair, Rows: rows,
	})
}
