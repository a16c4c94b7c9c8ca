package sim

import (
	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
)

// transfer is what the driver knows of one partition's copy or clearing.
type transfer struct {
	role  dynamo.TransferRole
	done  bool
	armed bool
}

// watchTransfer looks after a step what there is to be moved, and lets Move be called at the run's pace.
func (n *node) watchTransfer(p int) {
	if p >= len(n.transfers) || p >= len(n.parts) {
		return
	}
	w, t, s := n.w, &n.transfers[p], n.parts[p].Transfer()
	if t.role != s.Role || t.done != s.Done {
		was := *t
		t.role, t.done = s.Role, s.Done
		w.trace.line(w.now, n.index, onRole, [3]uint64{uint64(p), uint64(s.Role), b2u(s.Done)}, func() string { return s.Role.String() })
		switch {
		case s.Role == dynamo.TransferCopy && s.Done:
			w.totals.Copies++
			w.copiedPart(n, p)
		case s.Role == dynamo.TransferCopy && was.role != s.Role:
			w.beginsToCopy(n, p)
		case s.Role == dynamo.TransferClear && w.phase == chaos && w.plan.emphasis == onMoves && w.orders.chance(0.7):
			w.mumble(n, second) // not all that it hands over arrives
		case was.role == dynamo.TransferClear && s.Role == dynamo.TransferNone:
			w.totals.Clears++
		}
		n.noteProgress()
	}
	if s.Role == dynamo.TransferNone || s.Done || s.Busy || t.armed {
		return
	}
	t.armed = true
	in := 10*microsecond + w.disk.around(w.plan.rings.pace)
	if w.phase == chaos {
		in = max(in, n.dawdles-w.now)
	}
	w.after(in, n, func() {
		n.transfers[p].armed = false
		if s := n.parts[p].Transfer(); s.Role == dynamo.TransferNone || s.Done || s.Busy {
			return
		}
		w.trace.line(w.now, n.index, onMove, [3]uint64{uint64(p), uint64(s.Role), s.Rows}, nil)
		w.totals.Moves++
		n.step(p, func(part *dynamo.Partition) { part.Move(n.time()) })
		n.moving(p)
	})
}

// moving lets those crash that were aimed at.
func (n *node) moving(p int) {
	switch n.transfers[p].role {
	case dynamo.TransferCopy:
		n.w.moment(momentCopy, n)
	case dynamo.TransferClear:
		n.w.moment(momentClear, n)
	}
}

// noteProgress tells the machine how far this node is, as far as all its partitions work by one document.
func (n *node) noteProgress() {
	d := n.target
	if n.machine == nil || d == nil || n.switching {
		return
	}
	pr := epoch.Progress{Epoch: d.Epoch, Copied: n.progress.Copied, Empty: n.progress.Empty}
	owned, copied, empty := false, d.Stage == ring.Copying, true
	r := n.w.ringOf(d)
	for p, part := range n.parts {
		s := part.Transfer()
		owned = owned || r.Owns(ring.Partition(p), ring.NodeID(n.id))
		copied = copied && (s.Role != dynamo.TransferCopy || s.Done)
		if s.Role == dynamo.TransferCopy {
			if s.Done {
				pr.PartitionsDone++
			} else {
				pr.PartitionsLeft++
			}
		}
		empty = empty && s.Role != dynamo.TransferClear && len(part.Hinted()) == 0 && !part.Busy()
	}
	if copied {
		pr.Copied = d.Epoch
		n.w.copied(n, d)
	}
	if empty && !owned && d.Stage == ring.Stable {
		pr.Empty = d.Epoch
	}
	if pr == n.progress || n.quietUntil > n.w.now && n.w.phase == chaos {
		return
	}
	news := pr.Copied != n.progress.Copied && pr.PartitionsDone > 0
	n.progress = pr
	n.conduct(func(m *epoch.Machine) { m.Progress(n.now(), pr) })
	if news {
		n.w.moment(momentCopied, n)
	}
}

// emptied reports whether the node has said that it has nothing left, by the document that it works by.
func (n *node) emptied() bool {
	return n.target != nil && n.progress.Empty != 0 && n.progress.Empty == n.target.Epoch
}
