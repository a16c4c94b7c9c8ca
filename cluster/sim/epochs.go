package sim

import (
	"bytes"
	"slices"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// epochs is what is true of the ring, whatever anybody knows of it.
type epochs struct {
	doc       *ring.Document   // the newest that is decided
	docs      []*ring.Document // by epoch; 0: none
	rings     []*ring.Ring
	adoptedBy []uint64 // by epoch, a bit a node: all its partitions have worked by it
	copiedBy  []uint64 // likewise: it has copied all that it had to
	least     int      // the shortest lists so far
	alone     bool     // there was a ring of one
	lost      bool     // rows may be lost that only one node had: it is gone, or was removed with them
}

// found makes the first document.
func (w *world) found() {
	p := w.plan
	f := ring.Founding{Cluster: "73696d", Name: "sim", Replicas: p.replicas, Slots: p.slots}
	for _, m := range p.members {
		f.Members = append(f.Members, ring.Member{Node: m})
	}
	d, err := ring.Found(f)
	if err != nil {
		panic(err)
	}
	w.docs, w.rings, w.adoptedBy, w.copiedBy = make([]*ring.Document, 1), make([]*ring.Ring, 1), make([]uint64, 1), make([]uint64, 1)
	w.take(d)
	w.least = w.ring.Replicas()
}

// take makes a document the newest.
func (w *world) take(d *ring.Document) {
	r, err := d.Ring()
	if err != nil {
		w.fail("I18 epochs", -1, "the document of epoch %d has no ring: %v", d.Epoch, err)
		return
	}
	w.doc, w.ring = d, r
	w.docs, w.rings = append(w.docs, d), append(w.rings, r)
	w.adoptedBy, w.copiedBy = append(w.adoptedBy, 0), append(w.copiedBy, 0)
	w.alone = w.alone || len(d.Members) == 1
	w.least = min(w.least, r.Replicas())
	for _, p := range d.Moving {
		w.least = min(w.least, len(r.Moving(p)))
	}
}

// ringOf returns the ring of a document, which is made only once.
func (w *world) ringOf(d *ring.Document) *ring.Ring {
	if int(d.Epoch) >= len(w.rings) {
		w.fail("I18 epochs", -1, "epoch %d is adopted, and nobody has stored it", d.Epoch)
		return w.ring
	}
	return w.rings[d.Epoch]
}

// decided takes in that a node has stored a document: it is decided. I18: each epoch has one body, which names the one before,
// and a majority of the voters of that one has accepted it; and a node never goes back.
func (w *world) decided(n *node, d *ring.Document) {
	w.totals.Checks[checkEpochs]++
	if int(d.Epoch) < len(w.docs) {
		if w.docs[d.Epoch].Hash() != d.Hash() {
			w.fail("I18 epochs", -1, "node %d stores another body of epoch %d", n.index, d.Epoch)
		}
		return
	}
	before := w.doc
	if d.Epoch != before.Epoch+1 || d.Parent != before.Hash() {
		w.fail("I18 epochs", -1, "node %d stores epoch %d, which does not follow %d", n.index, d.Epoch, before.Epoch)
		return
	}
	w.trace.line(w.now, n.index, onDecide, [3]uint64{uint64(d.Epoch), uint64(d.Stage), uint64(len(d.Moving))}, func() string { return describeDocument(w, d) })
	w.checkAccepted(before, d)
	w.checkStage(before, d)
	w.checkDropped(before, d)
	w.countStage(before, d)
	w.take(d)
	for key := range w.plan.keys {
		if p := w.partitionOf(w.plan.keys[key].slot); d.Since[p] == d.Epoch {
			w.unsettle(key)
			was, is := w.rings[before.Epoch].PreferenceList(ring.Partition(p)), w.ring.PreferenceList(ring.Partition(p))
			w.keys[key].relocated = w.keys[key].relocated || !sameNodes(was, is)
		}
	}
	if d.Stage != ring.Copying && before.Stage != ring.Stable {
		w.after(1, nil, func() { w.revisit(before.Moving) })
	}
	if d.Stage == ring.Stable {
		w.after(w.orders.around(20*millisecond), nil, w.grant)
	}
}

// sameNodes reports whether two lists have the same nodes, in whatever order.
func sameNodes(a, b []ring.NodeID) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(id ring.NodeID) bool { return !slices.Contains(b, id) })
}

func (w *world) countStage(before, d *ring.Document) {
	t := &w.totals
	t.Epochs++
	switch {
	case d.Stage == ring.Copying:
		t.Begun++
	case before.Stage == ring.Reading:
		t.Finished++
		t.PartitionsMoved += uint64(len(before.Moving))
	case before.Stage == ring.Copying && d.Stage == ring.Stable:
		t.Aborted++
	}
}

// checkAccepted is of I18: the voters that decide are those of the document before, and what they accepted is on their disks.
func (w *world) checkAccepted(before, d *ring.Document) {
	value, err := d.Encode()
	if err != nil {
		w.fail("I18 epochs", -1, "the document of epoch %d has no bytes: %v", d.Epoch, err)
		return
	}
	have := 0
	for _, v := range before.Voters {
		s := &w.nodeOf(object.NodeID(v)).saved
		if s.doc != nil && s.doc.Epoch >= d.Epoch {
			have++
		} else if st, err := paxos.DecodeState(s.register); err == nil && st.Epoch == uint64(d.Epoch) && bytes.Equal(st.Value, value) {
			have++
		}
	}
	if have <= len(before.Voters)/2 {
		w.fail("I18 epochs", -1, "epoch %d is decided, and %d of %d voters have accepted it", d.Epoch, have, len(before.Voters))
	}
}

// checkSaid is of I18: what a voter says that it has promised or accepted is on its disk.
func (w *world) checkSaid(n *node, body []byte) {
	const version, register = 1, 1 // as package epoch frames it
	if len(body) < 2 || body[0] != version || body[1] != register {
		return
	}
	m, err := paxos.DecodeMessage(body[2:])
	if err != nil || m.Kind != paxos.Promise && m.Kind != paxos.Accepted || n.saved.doc == nil || uint64(n.saved.doc.Epoch) >= m.Epoch {
		return
	}
	w.totals.Checks[checkEpochs]++
	s, err := paxos.DecodeState(n.saved.register)
	if err != nil || s.Epoch != m.Epoch || s.Promised.Less(m.Ballot) || m.Kind == paxos.Accepted && s.Accepted.Less(m.Ballot) {
		w.fail("I18 epochs", -1, "node %d says %v %v of epoch %d, and its disk does not know", n.index, m.Kind, m.Ballot, m.Epoch)
	}
}

// checkProposal is of I19: a proposer makes no step before every member that it takes for alive has adopted the epoch before.
func (w *world) checkProposal(n *node, e *epoch.Event) {
	if int(e.Epoch) != len(w.docs) || n.epoch()+1 != e.Epoch || len(e.Text) > 5 && e.Text[:5] == "again" {
		return
	}
	before := w.docs[e.Epoch-1]
	if before.Stage == ring.Copying && e.Stage == ring.Stable {
		return // given up, which may be at any time
	}
	w.totals.Checks[checkStages]++
	for i := range before.Members {
		x := w.nodeOf(object.NodeID(before.Members[i].ID))
		if x == n || n.lookMask>>x.index&1 == 0 && n.alive(x) {
			if w.adoptedBy[before.Epoch]>>x.index&1 == 0 {
				w.fail("I19 stages", -1, "node %d proposes epoch %d, %v, and node %d, which lives, has not adopted the one before", n.index, e.Epoch, e.Stage, x.index)
			}
		}
	}
}

// checkStage is I19, the barriers, by what is true and not by what anybody was told: a plan goes on only when a majority of the old
// and of the new owners of each partition works by the stage before, and reads move only when the new owners have copied.
func (w *world) checkStage(before, d *ring.Document) {
	if before.Stage == ring.Stable || before.Stage == ring.Copying && d.Stage == ring.Stable {
		return
	}
	w.totals.Checks[checkStages]++
	adopted, copied := w.adoptedBy[before.Epoch], w.copiedBy[before.Epoch]
	has := func(mask uint64, id ring.NodeID) bool { return mask>>w.nodeOf(object.NodeID(id)).index&1 != 0 }
	r := w.rings[before.Epoch]
	for _, p := range before.Moving {
		for _, list := range [][]ring.NodeID{r.PreferenceList(p), r.Moving(p)} {
			have := 0
			for _, id := range list {
				if has(adopted, id) {
					have++
				}
			}
			if have <= len(list)/2 {
				w.fail("I19 stages", -1, "epoch %d begins when %d of %d owners of partition %d have adopted the one before", d.Epoch, have, len(list), p)
			}
		}
		for _, id := range r.Copiers(p) {
			if before.Stage == ring.Copying && !has(copied, id) {
				w.fail("I19 stages", -1, "epoch %d begins before node %s has copied partition %d", d.Epoch, nodeName(w, object.NodeID(id)), p)
			}
		}
	}
}

// checkDropped looks at who is no member any more: who had said that nothing is left must have nothing left, and what others had
// is lost with them.
func (w *world) checkDropped(before, d *ring.Document) {
	for i := range before.Members {
		m := &before.Members[i]
		if d.Member(m.ID) != nil {
			continue
		}
		n := w.nodeOf(object.NodeID(m.ID))
		if n.gone || !n.up || !m.Leaving || n.progress.Empty != before.Epoch {
			w.lost = w.lost || n.storesAny()
			continue
		}
		w.totals.Checks[checkCleared]++
		if n.storesAny() {
			w.fail("I20 cleared", -1, "node %d leaves with rows or hints", n.index)
		}
	}
}

// storesAny reports whether a node stores rows or hints.
func (n *node) storesAny() (some bool) {
	err := n.store.Scan(nil, []byte{0xff}, func(key, _ []byte) bool {
		some = key[0] == object.SpaceHint || key[0] != object.SpaceHint && n.isRow(key)
		return !some
	})
	if err != nil {
		panic(err)
	}
	return some
}

func (n *node) isRow(key []byte) bool {
	_, err := object.ParseRowKey(key)
	return err == nil
}

// checkLeft is for a node that stops because it is no member any more: the document that says so is decided.
func (w *world) checkLeft(n *node, at ring.Epoch) {
	if int(at) >= len(w.docs) || w.docs[at].Member(ring.NodeID(n.id)) != nil {
		w.fail("I18 epochs", -1, "node %d stops as if it were no member in epoch %d", n.index, at)
	}
}

// adopted notes that all partitions of a node work by a document. I18: its epochs ascend.
func (w *world) adopted(n *node, d *ring.Document) {
	for e := int(d.Epoch) + 1; e < len(w.adoptedBy); e++ {
		if w.adoptedBy[e]>>n.index&1 != 0 {
			w.fail("I18 epochs", -1, "node %d goes back from epoch %d to %d", n.index, e, d.Epoch)
		}
	}
	if int(d.Epoch) < len(w.adoptedBy) {
		w.adoptedBy[d.Epoch] |= 1 << n.index
	}
}

func (w *world) copied(n *node, d *ring.Document) { w.copiedBy[d.Epoch] |= 1 << n.index }

// settledRing says what the ring still has to do; "" for nothing.
func (w *world) settledRing() string {
	d := w.doc
	if d.Stage != ring.Stable {
		return "the ring is " + d.Stage.String()
	}
	for i := range d.Members {
		n := w.nodeOf(object.NodeID(d.Members[i].ID))
		switch {
		case n.gone || n.stopped:
			return "a member is gone: " + nodeName(w, n.id)
		case d.Members[i].Leaving:
			return "a member leaves: " + nodeName(w, n.id)
		case w.adoptedBy[d.Epoch]>>n.index&1 == 0:
			return nodeName(w, n.id) + " has not adopted the last epoch"
		}
	}
	if w.asking > 0 {
		return "the operator waits for an answer"
	}
	if n := len(w.waiting()); n > 0 && w.plan.rings.auto {
		return "nodes wait to be admitted"
	}
	for _, n := range w.nodes {
		if n.stopped {
			continue
		}
		if n.up && n.saved.doc != nil && d.Member(ring.NodeID(n.id)) == nil {
			return nodeName(w, n.id) + " is no member any more, and does not know"
		}
		for p := range n.transfers {
			if n.up && n.transfers[p].role != 0 {
				return nodeName(w, n.id) + " has not done: " + n.transfers[p].role.String()
			}
		}
	}
	return ""
}

// checkCleared is I20: at the end nobody stores rows of a partition that he does not own.
func (w *world) checkCleared() {
	for _, n := range w.nodes {
		if !n.up || n.stopped {
			continue
		}
		w.totals.Checks[checkCleared]++
		err := n.store.Scan(nil, []byte{object.SpaceHint}, func(key, _ []byte) bool {
			rk, err := object.ParseRowKey(key)
			if err != nil {
				return true
			}
			p := w.ring.PartitionOf(ring.Slot(rk.Slot))
			if !w.ring.Owns(p, ring.NodeID(n.id)) {
				w.fail("I20 cleared", -1, "node %d owns nothing of partition %d and stores %s", n.index, p, rk.Ref.Name)
			}
			return w.violation == nil
		})
		if err != nil {
			panic(err)
		}
	}
}

// unsettle forgets, of a key whose owners change, what replicas by number are known to hold: from now on only majorities count.
// What is under way was judged by the ring of before.
func (w *world) unsettle(key int) {
	k := &w.keys[key]
	k.moved = true
	for i := 1; i < len(k.floors); i++ {
		k.floors[i] = k.floors[w.majority(key)]
	}
	for _, t := range k.touched {
		if b := &t.rec.before[t.i]; t.rec.outcome == pending {
			b.need = w.readNeed(t.rec, key)
			if b.floor = b.strong; b.need == 0 && t.rec.client >= 0 {
				b.floor = pair{}
			}
		}
	}
}

func describeDocument(w *world, d *ring.Document) string {
	text := d.Stage.String()
	for i := range d.Members {
		text += " " + nodeName(w, object.NodeID(d.Members[i].ID))
		if d.Members[i].Leaving {
			text += "-"
		}
		if slices.Contains(d.Voters, d.Members[i].ID) {
			text += "*"
		}
	}
	if d.Plan != nil {
		for _, c := range d.Plan.Changes {
			text += "; " + c.Kind.String() + " " + nodeName(w, object.NodeID(c.ID)) + nodeName(w, object.NodeID(c.Member.ID))
		}
	}
	return text
}

func describeRing(body []byte) string {
	if len(body) > 2 && body[1] == 1 {
		if m, err := paxos.DecodeMessage(body[2:]); err == nil {
			return " " + m.Kind.String() + " " + m.Ballot.String()
		}
	}
	if len(body) > 1 {
		return " " + [...]string{"", "paxos", "want", "document", "report", "heard", "command", "answer", "lineage"}[min(int(body[1]), 8)]
	}
	return ""
}
