package epoch

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/rondokv/rondo/cluster/ring"
)

// automatic is what plans that are made by themselves go by.
type automatic struct {
	key     string // who comes and goes
	since   Time   // that it has been the same
	refused string // key and epoch of what could not be planned
	retry   Time   // when that is tried again: who is alive matters, too
}

// lookAround takes in who is dead since when, and who comes and goes since when.
func (m *Machine) lookAround(now Time) {
	if m.doc == nil {
		return
	}
	for i := range m.doc.Members {
		id := m.doc.Members[i].ID
		alive := m.alive(id)
		k := m.known[id]
		if alive {
			if k != nil {
				k.dead = false
			}
			continue
		}
		if k == nil {
			k = m.of(id)
		}
		if !k.dead {
			k.dead, k.deadAt = true, now
		}
	}
	key := ""
	for _, c := range m.wanted(now) {
		key += fmt.Sprintf("%v %d %d;", c.Kind, c.ID, c.Member.ID)
	}
	if a := &m.automatic; a.key != key {
		a.key, a.since = key, now
	}
}

// deadFor says whether a member has been dead for so long.
func (m *Machine) deadFor(now Time, id ring.NodeID, long Time) bool {
	k := m.known[id]
	return k != nil && k.dead && now >= k.deadAt+long
}

// wanted returns the changes that a plan by itself would make: who waits joins, who wants to leave does, and who was to go
// and is dead is not waited for. In an order that does not depend on gossip's.
func (m *Machine) wanted(now Time) (changes []ring.Change) {
	for _, w := range m.view.Waiting {
		if m.doc.Member(w.ID) != nil || !presentable(&w) || len(m.doc.Members)+len(changes) >= ring.MaxNodes {
			continue
		}
		changes = append(changes, ring.Change{Kind: ring.Join, Member: w})
	}
	for i := range m.doc.Members {
		x := &m.doc.Members[i]
		switch {
		case x.Leaving && m.deadFor(now, x.ID, m.limits.GiveUp):
			changes = append(changes, ring.Change{Kind: ring.Remove, ID: x.ID})
		case x.Leaving:
		case slices.Contains(m.view.Leaving, x.ID):
			changes = append(changes, ring.Change{Kind: ring.Leave, ID: x.ID})
		case m.limits.RemoveAfter > 0 && m.deadFor(now, x.ID, m.limits.RemoveAfter):
			changes = append(changes, ring.Change{Kind: ring.Remove, ID: x.ID})
		}
	}
	slices.SortFunc(changes, func(a, b ring.Change) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Member.ID, b.Member.ID))
	})
	return slices.CompactFunc(changes, func(a, b ring.Change) bool {
		return a.Kind == b.Kind && a.ID == b.ID && a.Member.ID == b.Member.ID
	})
}

// refusedFor is for how many times StableFor a plan that was refused is not tried again.
const refusedFor = 6

// presentable says whether a document may hold the member: who may not must not keep others out.
func presentable(x *ring.Member) bool {
	ok := x.ID != 0 && x.Weight <= ring.MaxWeight
	for _, s := range []string{x.Rack, x.DC, x.Client, x.Forward, x.Peer, x.Gossip} {
		ok = ok && len(s) <= ring.MaxText && utf8.ValidString(s)
	}
	return ok
}

// plan proposes a plan for who comes and goes, once that has been the same for long enough. What cannot go is left out, the
// removals first: the rest need not wait for it.
func (m *Machine) plan(now Time) {
	a := &m.automatic
	changes := m.wanted(now)
	key := fmt.Sprintf("%d %s", m.doc.Epoch, a.key)
	if len(changes) == 0 || now < a.since+m.limits.StableFor || a.refused == key && now < a.retry {
		return
	}
	if m.conduct.wait = ring.Barrier(m.doc, m.fact); m.conduct.wait != nil {
		return
	}
	tried := 0
	for _, last := range []ring.ChangeKind{ring.Remove, ring.Leave, ring.Join} {
		changes = slices.DeleteFunc(changes, func(c ring.Change) bool { return c.Kind > last })
		if len(changes) == 0 || len(changes) == tried {
			continue
		}
		tried = len(changes)
		p, why := m.tryPlan(changes)
		if p != nil {
			m.propose(now, p)
			return
		}
		m.event(Event{Kind: EventRefused, Epoch: m.doc.Epoch, Stage: m.doc.Stage, Text: why})
	}
	a.refused, a.retry = key, now+refusedFor*m.limits.StableFor
}

// tryPlan makes the document of a plan, or says why there is none: one that has to wait for a copy by a dead node from the
// beginning would keep two lists of owners for as long.
func (m *Machine) tryPlan(changes []ring.Change) (next *ring.Document, why string) {
	p, err := m.doc.Propose(changes, m.planOptions(Command{By: "auto"}))
	if err != nil {
		return nil, err.Error()
	}
	for i := range p.Nodes {
		if x := &p.Nodes[i]; x.In > 0 && !m.alive(x.ID) {
			return nil, fmt.Sprintf("node %016x is dead and would have to copy", x.ID)
		}
	}
	return p.Next, ""
}

// hopeless says whether a plan waits for a copy by a node that is dead for long, and is not to wait any more.
func (m *Machine) hopeless(now Time, w *ring.Wait) bool {
	if !m.auto || m.doc.Stage != ring.Copying || w.For != ring.WaitCopy && w.For != ring.WaitNew {
		return false
	}
	return slices.ContainsFunc(w.Nodes, func(id ring.NodeID) bool { return m.deadFor(now, id, m.limits.GiveUp) })
}
