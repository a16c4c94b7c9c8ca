package sim

import "github.com/rondokv/rondo/cluster/epoch"

// codes is how many ways there are for a command to end.
const codes = int(epoch.CodeElsewhere) + 1

// RingTotals are quantities of rings that change.
type RingTotals struct {
	Epochs, Begun, Finished, Aborted uint64 // plans
	Commands, Proposals, Withdrawn   uint64
	GaveUp, NodesLost, Left          uint64
	PartitionsMoved                  uint64
	Copies, Clears                   uint64 // of one partition by one node
	Moves                            uint64 // steps
	Parked                           uint64 // requests of newer epochs
	Interrupted                      [moments]uint64
	Outcomes                         [codes]uint64
}

func (t *RingTotals) add(o *RingTotals) {
	for _, x := range []struct{ to, from *uint64 }{
		{&t.Epochs, &o.Epochs}, {&t.Begun, &o.Begun}, {&t.Finished, &o.Finished}, {&t.Aborted, &o.Aborted}, {&t.Commands, &o.Commands},
		{&t.Proposals, &o.Proposals}, {&t.Withdrawn, &o.Withdrawn}, {&t.GaveUp, &o.GaveUp}, {&t.NodesLost, &o.NodesLost}, {&t.Left, &o.Left},
		{&t.PartitionsMoved, &o.PartitionsMoved}, {&t.Copies, &o.Copies}, {&t.Clears, &o.Clears}, {&t.Moves, &o.Moves}, {&t.Parked, &o.Parked},
	} {
		*x.to += *x.from
	}
	addAll(t.Interrupted[:], o.Interrupted[:])
	addAll(t.Outcomes[:], o.Outcomes[:])
}

func (t *Totals) writeRing(p *printer) {
	p.line("ring          epochs %d, plans begun %d, finished %d, aborted %d; partitions moved %d, copies %d, clears %d, steps of moves %d",
		t.Epochs, t.Begun, t.Finished, t.Aborted, t.PartitionsMoved, t.Copies, t.Clears, t.Moves)
	c := &t.Core
	p.line("              rows moved in %d, out %d (%d and %d bytes); fenced %d, parked %d; nodes lost %d, left %d",
		c.MovedIn, c.MovedOut, c.MovedBytesIn, c.MovedBytesOut, c.Fenced, t.Parked, t.NodesLost, t.Left)
	p.text("              interrupted:")
	for i, n := range t.Interrupted {
		p.text(" %s %d,", momentNames[i], n)
	}
	p.line(" proposals %d, withdrawn %d, plans given up %d", t.Proposals, t.Withdrawn, t.GaveUp)
	p.text("              commands %d:", t.Commands)
	for i, n := range t.Outcomes {
		if n > 0 {
			p.text(" %v %d,", epoch.Code(i), n)
		}
	}
	p.line("")
}
