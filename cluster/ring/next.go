package ring

import (
	"fmt"
	"slices"
	"strings"
)

// Known is what the conductor knows of a member.
type Known struct {
	Alive   bool
	Adopted Epoch // its document: durable, and all its partitions work by it
	Copied  Epoch // the epoch at stage Copying for which it has copied all that it must
	Empty   Epoch // as of this epoch it owns nothing, stores nothing and keeps no hints
}

// WaitFor says what the next document waits for. Values are for ever: append only.
type WaitFor uint8

const (
	// WaitAdopt: live members have not adopted the epoch.
	WaitAdopt WaitFor = iota + 1
	// WaitOld: no majority of a partition's old owners has adopted the epoch.
	WaitOld
	// WaitNew: no majority of a partition's new owners has adopted the epoch.
	WaitNew
	// WaitCopy: new owners have not copied all they must.
	WaitCopy
	// WaitEmpty: members that leave still store something.
	WaitEmpty
)

// String says it as operators read it.
func (w WaitFor) String() string {
	names := [...]string{"nothing", "members to adopt the epoch", "a majority of old owners to adopt the epoch",
		"a majority of new owners to adopt the epoch", "new owners to copy", "leaving members to be empty"}
	if int(w) >= len(names) {
		return fmt.Sprintf("wait %d", uint8(w))
	}
	return names[w]
}

// Wait says for whom the next document waits.
type Wait struct {
	For        WaitFor
	Nodes      []NodeID // ascending: who has not done it
	Partitions int      // WaitOld, WaitNew: how many partitions lack their majority
}

func (w *Wait) String() string {
	if w.Partitions > 0 {
		return fmt.Sprintf("waits for %v, in %d partitions: %s", w.For, w.Partitions, Names(w.Nodes))
	}
	return fmt.Sprintf("waits for %v: %s", w.For, Names(w.Nodes))
}

// Names lists nodes by their ids as operators know them: 16 hex digits each.
func Names(ids []NodeID) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%016x", uint64(id))
	}
	return b.String()
}

// Next is the conductor: what follows d by itself, or what that waits for; neither when nothing is to be done. known must
// answer for every member.
func Next(d *Document, known func(NodeID) Known) (next *Document, wait *Wait) {
	r, err := d.Ring()
	if err != nil {
		return nil, nil // a document that was decoded or made here has a ring
	}
	if wait := r.barrier(known); wait != nil {
		return nil, wait
	}
	switch d.Stage {
	case Copying:
		if wait := r.uncopied(known); wait != nil {
			return nil, wait
		}
		return d.reading(), nil
	case Reading:
		done := d.follow().finished()
		done.Since = done.touched(d.Moving)
		return done, nil
	}
	return d.withoutEmpty(known)
}

// Barrier says what a document after d would have to wait for before it may be proposed: nil when every live member has
// adopted d and, where d has a plan, a majority of the old and of the new owners of each partition that moves. What Next gives
// has passed it; a plan's first document (Propose) must, Abort's and Recover's need not.
func Barrier(d *Document, known func(NodeID) Known) *Wait {
	r, err := d.Ring()
	if err != nil {
		return nil
	}
	return r.barrier(known)
}

// barrier: those who are silent are who it is for. A majority of old owners in an earlier epoch would go on serving quorum
// reads among themselves after writes have left them.
func (r *Ring) barrier(known func(NodeID) Known) *Wait {
	adopted := make(map[NodeID]bool, len(r.members))
	late := &Wait{For: WaitAdopt}
	for _, m := range r.members {
		k := known(m.ID)
		adopted[m.ID] = k.Adopted >= r.epoch
		if k.Alive && !adopted[m.ID] {
			late.Nodes = append(late.Nodes, m.ID)
		}
	}
	if len(late.Nodes) > 0 {
		return late
	}
	if r.Stage() == Stable {
		return nil
	}
	ok := func(id NodeID) bool { return adopted[id] }
	old, next := &Wait{For: WaitOld}, &Wait{For: WaitNew}
	for p := range r.Partitions() {
		other := r.Moving(Partition(p))
		if other == nil {
			continue
		}
		before, after := r.PreferenceList(Partition(p)), other
		if r.Stage() == Reading {
			before, after = after, before
		}
		if !r.change.lossy {
			old.lack(before, r.dcs(), ok)
		}
		next.lack(after, r.dcs(), ok)
	}
	for _, w := range []*Wait{old, next} {
		if w.Partitions > 0 {
			slices.Sort(w.Nodes)
			return w
		}
	}
	return nil
}

// lack notes a list that has no majority.
func (w *Wait) lack(list []NodeID, dc func(NodeID) string, ok func(NodeID) bool) {
	if majority(list, dc, ok) {
		return
	}
	w.Partitions++
	for _, id := range list {
		if !ok(id) && !slices.Contains(w.Nodes, id) {
			w.Nodes = append(w.Nodes, id)
		}
	}
}

// uncopied says who has to copy yet.
func (r *Ring) uncopied(known func(NodeID) Known) *Wait {
	must := make(map[NodeID]bool)
	for p := range r.Partitions() {
		for _, id := range r.Copiers(Partition(p)) {
			must[id] = true
		}
	}
	w := &Wait{For: WaitCopy}
	for _, m := range r.members {
		if must[m.ID] && known(m.ID).Copied != r.epoch {
			w.Nodes = append(w.Nodes, m.ID)
		}
	}
	if len(w.Nodes) > 0 {
		return w
	}
	return nil
}

// follow is the document of the next epoch, with nothing changed yet.
func (d *Document) follow() *Document {
	next := *d
	next.Epoch, next.Parent = d.Epoch+1, d.Hash()
	return &next
}

func (d *Document) reading() *Document {
	next := d.follow()
	next.Stage = Reading
	next.Since = next.touched(next.Moving)
	return next
}

// withoutEmpty drops the members that leave and have nothing left.
func (d *Document) withoutEmpty(known func(NodeID) Known) (*Document, *Wait) {
	w := &Wait{For: WaitEmpty}
	var stay []Member
	for _, m := range d.Members {
		if m.Leaving {
			if known(m.ID).Empty == d.Epoch {
				continue
			}
			w.Nodes = append(w.Nodes, m.ID)
		}
		stay = append(stay, m)
	}
	switch {
	case len(stay) == len(d.Members) && len(w.Nodes) == 0:
		return nil, nil
	case len(stay) == len(d.Members):
		return nil, w
	}
	next := d.follow()
	next.Members = stay
	next.Lists = moveIndexes(d.Lists, d.Members, stay)
	next.Voters = elect(d.Voters, stay)
	return next, nil
}

// Abort makes the document that gives the plan up: the old lists, and who was to join leaves again once it stores nothing.
// Only at stage Copying: after it the new owners alone may hold what was read.
func (d *Document) Abort() (*Document, error) {
	if d.Stage != Copying {
		return nil, fmt.Errorf("%w: only a plan that is copying can be aborted, it is %v", ErrStage, d.Stage)
	}
	next := d.follow()
	next.Stage, next.Moving, next.Pending, next.Plan = Stable, nil, nil, nil
	next.Since = next.touched(d.Moving)
	next.Members = slices.Clone(d.Members)
	for i := range next.Members {
		next.Members[i].Leaving = next.Members[i].Leaving || d.joins(&next.Members[i])
	}
	next.Voters = elect(d.Voters, next.Members)
	return next, nil
}

// joins says whether m is a member because of the plan.
func (d *Document) joins(m *Member) bool {
	return slices.ContainsFunc(d.Plan.Changes, func(c Change) bool {
		return (c.Kind == Join || c.Kind == Replace) && c.Member.ID == m.ID
	})
}

// Recover makes the first document of a new lineage when a majority of the voters is gone for good: everybody but the
// survivors is removed, and what only they held is lost. cluster is the new lineage's id. The survivors vote; the others are
// members until the plan is done, since their places are handed on in the usual stages, but nobody waits for them. A plan that is
// copying is given up, one that is reading is finished: who it removes is removed, though it be alive by now.
func Recover(d *Document, survivors []NodeID, cluster string) (*Document, error) {
	base := d
	var err error
	switch d.Stage {
	case Copying:
		if base, err = d.Abort(); err != nil {
			return nil, err
		}
	case Reading:
		base = d.follow().finished()
		base.Since = base.touched(d.Moving)
	}
	var changes []Change
	for _, id := range survivors {
		if d.Member(id) == nil {
			return nil, fmt.Errorf("%w: node %016x", ErrUnknown, id)
		}
	}
	for i := range base.Members {
		if id := base.Members[i].ID; !slices.Contains(survivors, id) {
			changes = append(changes, Change{Kind: Remove, ID: id})
		}
	}
	if cluster == d.Cluster {
		return nil, fmt.Errorf("%w: a new lineage needs another id", ErrChange)
	}
	next := base.follow()
	if len(changes) > 0 {
		p, err := base.Propose(changes, PlanOptions{AcceptLoss: true, By: "recover", Alive: func(id NodeID) bool { return slices.Contains(survivors, id) }})
		if err != nil {
			return nil, err
		}
		next = p.Next
	}
	next.Cluster, next.Epoch, next.Parent = cluster, d.Epoch+1, d.Hash()
	next.Since = next.touched(next.Moving)
	for p, since := range next.Since {
		next.Since[p] = min(since, next.Epoch)
	}
	var left []Member
	for _, m := range next.Members {
		if slices.Contains(survivors, m.ID) {
			left = append(left, m)
		}
	}
	next.Voters = elect(d.Voters, left)
	if err := next.check(); err != nil {
		return nil, err
	}
	return next, nil
}
