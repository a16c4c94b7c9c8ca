package sim

import (
	"slices"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// operator orders the ring's changes, from outside and seldom in time.
type operator struct {
	orders  rng
	asking  int // commands without an outcome
	aims    []aim
	wishes  [][]ring.Change // plans, one after the other
	halfway halfway
	staging Time // a recipe that has nodes taken for dead has the stage until then
	timeout Time // of the next call of a recipe, if not the run's
}

// scheduleOrders lets the operator begin.
func (w *world) scheduleOrders() {
	if w.plan.rings.changes {
		w.orders = newRNG(w.seed, drawOrders)
		w.after(w.orders.around(w.plan.rings.every), nil, w.order)
	}
}

// order is the next thing that the operator does.
func (w *world) order() {
	r := w.orders
	switch w.phase {
	case chaos:
		w.orderOne(r)
		w.after(r.around(w.plan.rings.every), nil, w.order)
	case healing:
		w.custody()
		w.after(300*millisecond, nil, w.order)
	}
}

func (w *world) orderOne(r rng) {
	g := &w.plan.rings
	if w.asking > 2 {
		return
	}
	weights := []int{30, 22, 12, 0, 0, 8, 8, 8}
	if g.loses {
		weights[3], weights[4] = 14, 10
	}
	if g.hasty {
		weights[5], weights[6], weights[7] = 0, 0, 2
	}
	if len(w.waiting()) > 0 && !g.auto && r.chance(0.7) {
		w.admit(r)
		return
	}
	if n := w.absentee(); n != nil && r.chance(0.5) {
		w.mend(r, n)
		return
	}
	switch r.pick(weights) {
	case 0:
		w.invite(r)
	case 1:
		w.dismiss(r)
	case 2:
		w.exchange(r)
	case 3:
		w.lose(r)
	case 4:
		w.expel(r)
	case 5:
		w.command(r, w.anybody(r), ring.Change{Kind: ring.SetReplicas, Replicas: oneOf(r, 1, 2, 3, 3, 3, 4, 5)})
	case 6:
		if m := w.somebody(r); m != nil {
			w.command(r, w.anybody(r), ring.Change{Kind: ring.SetWeight, ID: ring.NodeID(m.id), Weight: uint32(r.between(1, 4))})
		}
	case 7:
		w.tell(w.anybody(r), epoch.Command{Kind: epoch.CommandAbort})
	}
}

// invite starts one to three nodes that want in.
func (w *world) invite(r rng) {
	if len(w.doc.Members) > 8 {
		return
	}
	for range oneOf(r, 1, 1, 2, 3) {
		if n := w.spare(r, nil); n != nil {
			n.appear()
		}
	}
}

// spare returns a node that was never there; with a place, one at that place if there is any.
func (w *world) spare(r rng, at *node) *node {
	var fit []*node
	for _, n := range w.nodes {
		if !n.present && (at == nil || n.place.Rack == at.place.Rack && n.dc == at.dc) {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[r.IntN(len(fit))]
}

// waiting returns the nodes that want in.
func (w *world) waiting() (changes []ring.Change) {
	for _, n := range w.nodes {
		if n.up && n.saved.doc == nil && w.doc.Member(ring.NodeID(n.id)) == nil {
			changes = append(changes, ring.Change{Kind: ring.Join, Member: ring.Member{Node: n.place}})
		}
	}
	return changes
}

// admit lets in who waits, and perhaps somebody go in the same plan.
func (w *world) admit(r rng) {
	changes := w.waiting()
	if m := w.somebody(r); m != nil && r.chance(0.3) {
		changes = append(changes, ring.Change{Kind: ring.Leave, ID: ring.NodeID(m.id)})
	}
	w.command(r, w.anybody(r), changes...)
}

// dismiss lets a member go: by gossip if plans are made by themselves, else by command.
func (w *world) dismiss(r rng) {
	m := w.somebody(r)
	if m == nil || len(w.doc.Members) == 1 || len(w.doc.Members) < 4 && r.chance(0.6) {
		return
	}
	if w.plan.rings.auto && r.chance(0.7) {
		m.departs = true
		return
	}
	w.command(r, w.anybody(r), ring.Change{Kind: ring.Leave, ID: ring.NodeID(m.id)})
}

// exchange puts a new node in the place of one that lives.
func (w *world) exchange(r rng) {
	m := w.somebody(r)
	if m == nil {
		return
	}
	if n := w.spare(r, m); n != nil {
		n.appear()
		w.command(r, w.anybody(r), ring.Change{Kind: ring.Replace, ID: ring.NodeID(m.id), Member: ring.Member{Node: n.place}})
	}
}

// lose takes a node away for good, with its disk.
func (w *world) lose(r rng) {
	if m := w.somebody(r); m != nil && w.mayLose(m) {
		m.gone, w.lost = true, true
		w.totals.NodesLost++
		if m.up {
			m.die(0, 0)
		}
	}
}

// expel removes a node that is only down, or that others take for dead: it comes back and must notice.
func (w *world) expel(r rng) {
	m := w.somebody(r)
	if m == nil || !w.mayLose(m) || w.staging > w.now {
		return
	}
	m.crash(r, r.around(second))
	w.lost = true
	for _, n := range w.nodes {
		if n != m {
			n.suspect(m, w.now+second)
		}
	}
	w.command(r, w.anybody(r), ring.Change{Kind: ring.Remove, ID: ring.NodeID(m.id)})
}

// mayLose reports whether the cluster can do without a node: only one at a time may be lost, and a majority of every list, and of
// the voters of every epoch that somebody may still be in, has to stay.
func (w *world) mayLose(m *node) bool {
	if w.absentee() != nil || w.fewest() < 3 {
		return false
	}
	known := w.doc.Epoch
	for i := range w.doc.Members {
		if s := &w.nodeOf(object.NodeID(w.doc.Members[i].ID)).saved; s.doc != nil {
			known = min(known, s.doc.Epoch)
		}
	}
	for _, d := range w.docs[known:] {
		if voters := slices.DeleteFunc(slices.Clone(d.Voters), func(v ring.NodeID) bool { return v == ring.NodeID(m.id) }); len(voters) <= len(d.Voters)/2 {
			return false
		}
	}
	return true
}

// fewest is the length of the shortest list.
func (w *world) fewest() int {
	least := w.ring.Replicas()
	for _, p := range w.doc.Moving {
		least = min(least, len(w.ring.Moving(p)))
	}
	if w.doc.Plan != nil {
		least = min(least, w.doc.Plan.Replicas)
	}
	return least
}

// absentee returns a member that is gone for good. (One may also have been let in by an order that came late, after it had left.)
func (w *world) absentee() *node {
	for i := range w.doc.Members {
		if n := w.nodeOf(object.NodeID(w.doc.Members[i].ID)); n.gone || n.stopped {
			return n
		}
	}
	return nil
}

// mend removes or replaces a node that is gone.
func (w *world) mend(r rng, m *node) {
	if n := w.spare(r, m); n != nil && r.chance(0.5) {
		n.appear()
		w.command(r, w.anybody(r), ring.Change{Kind: ring.Replace, ID: ring.NodeID(m.id), Member: ring.Member{Node: n.place}})
		return
	}
	w.command(r, w.anybody(r), ring.Change{Kind: ring.Remove, ID: ring.NodeID(m.id)})
}

// custody is what the operator does once faults have ended: who is gone is removed, and a plan that waits for him is given up.
func (w *world) custody() {
	r := w.orders
	m := w.absentee()
	if m == nil || w.asking > 0 {
		return
	}
	left := func(list []ring.NodeID) int {
		return len(slices.DeleteFunc(slices.Clone(list), func(id ring.NodeID) bool { return id == ring.NodeID(m.id) }))
	}
	for _, p := range w.doc.Moving {
		list := w.ring.Moving(p)
		if w.doc.Stage == ring.Copying && (slices.Contains(w.ring.Copiers(p), ring.NodeID(m.id)) || left(list) <= len(list)/2) {
			w.tell(w.anybody(r), epoch.Command{Kind: epoch.CommandAbort})
			return
		}
	}
	if w.doc.Stage == ring.Stable {
		w.command(r, w.anybody(r), ring.Change{Kind: ring.Remove, ID: ring.NodeID(m.id)})
	}
}

// somebody returns a member that is not leaving.
func (w *world) somebody(r rng) *node {
	var fit []*node
	for i := range w.doc.Members {
		if n := w.nodeOf(object.NodeID(w.doc.Members[i].ID)); !w.doc.Members[i].Leaving && !n.gone && !n.stopped && !n.departs {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[r.IntN(len(fit))]
}

// anybody returns a node that takes commands, nil if none does.
func (w *world) anybody(r rng) *node {
	var fit []*node
	for _, n := range w.nodes {
		if n.up && n.pausedUntil <= w.now && n.epoch() > 0 {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[r.IntN(len(fit))]
}

// command asks a node for changes: shown first and then committed, or at once.
func (w *world) command(r rng, n *node, changes ...ring.Change) {
	c := epoch.Command{Kind: epoch.CommandChange, Changes: changes, By: "operator"}
	if r.chance(0.7) {
		w.tell(n, c)
		return
	}
	c.Kind = epoch.CommandPlan
	w.ask(n, c, func(o epoch.Outcome) {
		if o.Code == epoch.CodeOK {
			w.tell(n, epoch.Command{Kind: epoch.CommandCommit, By: "operator"})
		}
	})
}

func (w *world) tell(n *node, c epoch.Command) { w.ask(n, c, func(epoch.Outcome) {}) }

// ask gives a command to a node.
func (w *world) ask(n *node, c epoch.Command, then func(epoch.Outcome)) {
	if n == nil || n.machine == nil {
		return
	}
	w.trace.line(w.now, n.index, onOrder, [3]uint64{uint64(c.Kind), uint64(len(c.Changes)), 0}, func() string {
		text := ""
		for _, x := range c.Changes {
			text += " " + x.Kind.String() + " " + nodeName(w, object.NodeID(x.ID)) + " " + nodeName(w, object.NodeID(x.Member.ID))
		}
		return text
	})
	w.totals.Commands++
	w.asking++
	answered := false
	done := func() {
		if !answered {
			answered = true
			w.asking--
		}
	}
	w.after(5*second, nil, done) // the node may crash
	n.conduct(func(m *epoch.Machine) {
		n.asked[m.Command(n.now(), c)] = func(o epoch.Outcome) { done(); then(o) }
	})
}
