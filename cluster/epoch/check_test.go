package epoch

import (
	"slices"

	"github.com/rondokv/rondo/cluster/ring"
)

// note checks that an epoch has one document, for ever.
func (w *world) note(d *ring.Document) {
	line := w.documents[d.Cluster]
	if line == nil {
		line = map[ring.Epoch]*ring.Document{}
		w.documents[d.Cluster] = line
	}
	if was := line[d.Epoch]; was != nil {
		if was.Hash() != d.Hash() {
			w.fatalf("epoch %d has two documents", d.Epoch)
		}
		return
	}
	line[d.Epoch] = d
	w.counts["epochs"]++
	before := line[d.Epoch-1]
	if before == nil {
		if d.Cluster == oldCluster && d.Epoch > 1 {
			w.fatalf("epoch %d is stored before %d", d.Epoch, d.Epoch-1)
		}
		return
	}
	if d.Parent != before.Hash() {
		w.fatalf("epoch %d does not follow %d", d.Epoch, d.Epoch-1)
	}
	if before.Stage == ring.Copying && d.Stage == ring.Stable {
		w.counts["aborted"]++
		return
	}
	w.checkBarrier(before, d.Stage, "")
}

// checkBarrier compares with what is true, not with what anybody was told.
func (w *world) checkBarrier(d *ring.Document, next ring.Stage, text string) {
	if d.Stage == ring.Stable || d.Stage == ring.Copying && next == ring.Stable {
		return // a plan begins, or one is aborted
	}
	h := d.Hash()
	member := func(i uint16) *node { return w.node(d.Members[i].ID) }
	for k, p := range d.Moving {
		for _, list := range [][]uint16{d.Lists[p], d.Pending[k]} {
			if d.Plan.AcceptLoss && k >= 0 && &list[0] == &d.Lists[p][0] {
				continue
			}
			have := 0
			for _, i := range list {
				if member(i).has(d) {
					have++
				}
			}
			if have <= len(list)/2 {
				w.fatalf("epoch %d to %v %s: %d of %d owners of partition %d have adopted it", d.Epoch, next, text, have, len(list), p)
			}
		}
		for _, i := range d.Pending[k] {
			if d.Stage == ring.Copying && !slices.Contains(d.Lists[p], i) && !member(i).copied[h] {
				w.fatalf("epoch %d to %v %s: node %d has not copied partition %d", d.Epoch, next, text, d.Members[i].ID, p)
			}
		}
	}
}

// has says whether the node works by d, or by one that is later still: a proposal after d is in vain then.
func (n *node) has(d *ring.Document) bool { return n.adopted[d.Hash()] || n.last > d.Epoch }

// checkLive: everybody whom the proposer takes for alive has adopted what a plan begins from, or a stage.
func (n *node) checkLive(d *ring.Document, next ring.Stage) {
	if d.Stage == ring.Copying && next == ring.Stable {
		return
	}
	for i := range d.Members {
		if id := d.Members[i].ID; n.m.alive(id) && !n.w.node(id).has(d) {
			n.w.fatalf("node %d goes from epoch %d to %v, and node %d has not adopted it", n.id, d.Epoch, next, id)
		}
	}
}
