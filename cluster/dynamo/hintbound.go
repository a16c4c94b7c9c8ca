package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Hints are bounded by the bytes of all partitions together (Host.HintRoom), and by how long a node has taken none
// (Limits.HintWindow). Past a bound no more are kept for it, and the partition takes note that only comparing all rows will bring
// that node level.
//
// A hint that an ack counts (ANY, SLOPPY) is never dropped, for it may be all that there is of the write: past the window it is
// kept all the same, and where there is no room the write is refused.

// hinted is a node that hints are kept for.
type hinted struct {
	node object.NodeID
	// since is about when it last took hints, or, if it has not, the stamp of the first.
	since object.HLC
}

// Hinted returns whom hints may be kept for here.
func (p *Partition) Hinted() []object.NodeID {
	var nodes []object.NodeID
	for i := range p.hinted {
		nodes = append(nodes, p.hinted[i].node)
	}
	return nodes
}

// Apart returns the nodes that lack rows of the partition of which this node keeps no hint, since it was started: it takes a
// comparison of all rows to bring them level.
func (p *Partition) Apart() []object.NodeID { return slices.Clone(p.apart) }

func (p *Partition) hintsOf(target object.NodeID) *hinted {
	i := slices.IndexFunc(p.hinted, func(h hinted) bool { return h.node == target })
	if i < 0 {
		return nil
	}
	return &p.hinted[i]
}

func (p *Partition) addHinted(target object.NodeID, since object.HLC) {
	at := len(p.hinted)
	for at > 0 && p.hinted[at-1].node > target {
		at--
	}
	p.hinted = slices.Insert(p.hinted, at, hinted{target, since})
}

// takesHints reports whether a Write's rows are within the bounds of what is kept for a node.
func (p *Partition) takesHints(target object.NodeID, m *wire.Write) bool {
	if !p.host.HintRoom() {
		return false
	}
	h := p.hintsOf(target)
	return m.Acks || h == nil || Time(m.Stamp.HLC.Millis()-h.since.Millis())*Millisecond <= p.limits.HintWindow
}

// dropHints takes note that a node will lack rows.
func (p *Partition) dropHints(target object.NodeID, m *wire.Write) {
	p.stats.HintsDropped += uint64(len(m.Rows))
	p.leaveApart(target)
}

func (p *Partition) leaveApart(target object.NodeID) {
	if at, ok := slices.BinarySearch(p.apart, target); !ok {
		p.apart = slices.Insert(p.apart, at, target)
	}
}

// keepCounted keeps the rows of an operation that this node coordinates as a fallback for all home replicas: its own ack counts
// them.
func (p *Partition) keepCounted(op *operation, rows []wire.Row) {
	m := &wire.Write{Slot: op.slot, Stamp: op.stamp, Rows: rows}
	for _, id := range p.ids {
		if err := p.mergeHints(id, m); err != nil {
			p.event(Event{Kind: EventCorrupt, Peer: id, Err: err})
		}
	}
}

// hintsFull is the error of an operation whose hints would be all that there is of it, when no more are taken.
func (p *Partition) hintsFull(op *operation) error {
	p.stats.HintsRefused++
	op.tally.Fail(op.self)
	c := op.tally.Reachable()
	c.Have = min(c.Have, c.Need-1)
	return &quorum.UnavailableError{Count: c}
}

// putHint adds to the batch that a hint changes from one row to another; nil for none.
func (p *Partition) putHint(key, from, to []byte) {
	change := len(to) - len(from)
	if from == nil {
		change += len(key)
	}
	if to == nil {
		change -= len(key)
	}
	p.put(key, to)
	p.ready.Hints = append(p.ready.Hints, HintChange{Key: key, Bytes: change})
}

// lostHints returns for whom the hints among writes are, one for each.
func lostHints(writes []object.Write) (targets []object.NodeID) {
	for i := range writes {
		if target, ok := object.ParseHintPrefix(writes[i].Key); ok && writes[i].Row != nil {
			targets = append(targets, target)
		}
	}
	return targets
}

// hintedAt returns the stamp of a hint as stored; zero of one that cannot be read.
func hintedAt(key, row []byte) object.HLC {
	k, err := object.ParseRowKey(key[object.HintPrefixLen:])
	if err != nil {
		return 0
	}
	if len(k.Sub) > 0 {
		var e object.ElementRow
		if e.DecodeRow(row) != nil {
			return 0
		}
		return e.Stamp.HLC
	}
	var r object.KeyRow
	if r.DecodeRow(row) != nil {
		return 0
	}
	return object.MaxOf(r.Version(), r.Cleared).HLC
}
