package ring

import (
	"cmp"
	"fmt"
	"slices"
)

// staging is a plan being made of changes.
type staging struct {
	from     *Document
	changes  []Change
	target   []Member          // by id: the members afterwards
	union    []Member          // by id: those and the members before
	heirs    map[NodeID]NodeID // who takes whose places
	replicas int
	perDC    map[string]int

	before       *Ring
	plan         *Plan
	moves, bound int
}

// staged applies the changes to the members.
func (d *Document) staged(changes []Change, o PlanOptions) (*staging, error) {
	if len(changes) > MaxChanges {
		return nil, fmt.Errorf("%w: %d changes, at most %d", ErrChange, len(changes), MaxChanges)
	}
	s := &staging{
		from: d, changes: slices.Clone(changes), target: slices.Clone(d.Members), heirs: map[NodeID]NodeID{},
		replicas: d.Replicas, perDC: d.PerDC,
	}
	for i := range s.changes {
		if err := s.apply(&s.changes[i], o); err != nil {
			return nil, err
		}
	}
	s.union = slices.Clone(d.Members)
	for _, m := range s.target {
		if was := d.Member(m.ID); was == nil {
			s.union = append(s.union, m)
		}
	}
	sortMembers(s.union)
	if len(s.union) > MaxNodes {
		return nil, fmt.Errorf("%w: %d nodes, at most %d", ErrMembers, len(s.union), MaxNodes)
	}
	return s, nil
}

func sortMembers(ms []Member) {
	slices.SortFunc(ms, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *staging) at(id NodeID) int {
	return slices.IndexFunc(s.target, func(m Member) bool { return m.ID == id })
}

func (s *staging) apply(c *Change, o PlanOptions) error {
	switch c.Kind {
	case Join:
		return s.join(c)
	case SetReplicas:
		return s.setReplicas(c)
	}
	i := s.at(c.ID)
	if i < 0 {
		return fmt.Errorf("%w: %v of node %016x", ErrUnknown, c.Kind, c.ID)
	}
	switch c.Kind {
	case Leave:
		s.target[i].Leaving = true
	case Remove:
		if o.Alive(c.ID) {
			return fmt.Errorf("%w: node %016x is alive: it can leave, with its data", ErrChange, c.ID)
		}
		s.target = slices.Delete(s.target, i, i+1)
	case Replace:
		return s.replace(c, i, o.Alive(c.ID))
	case SetWeight:
		if c.Weight < 1 || c.Weight > MaxWeight {
			return fmt.Errorf("%w: node %016x, weight %d, want 1..%d", ErrChange, c.ID, c.Weight, MaxWeight)
		}
		s.target[i].Weight = c.Weight
	default:
		return fmt.Errorf("%w: %v", ErrChange, c.Kind)
	}
	return nil
}

// join adds the member, or keeps one that was leaving, with its new addresses.
func (s *staging) join(c *Change) error {
	m := &c.Member
	m.Weight, m.Leaving = cmp.Or(m.Weight, 1), false
	if m.ID == 0 || m.Weight > MaxWeight {
		return fmt.Errorf("%w: node %016x joins with weight %d", ErrChange, m.ID, m.Weight)
	}
	if i := s.at(m.ID); i >= 0 {
		if !s.target[i].Leaving {
			return fmt.Errorf("%w: node %016x is a member already", ErrChange, m.ID)
		}
		if s.target[i].Rack != m.Rack || s.target[i].DC != m.DC {
			return fmt.Errorf("%w: node %016x is a member in dc %q rack %q until it has left", ErrChange, m.ID, s.target[i].DC, s.target[i].Rack)
		}
		s.target[i] = *m
		return nil
	}
	if s.from.Member(m.ID) != nil {
		return fmt.Errorf("%w: node %016x cannot be removed and join in one plan", ErrChange, m.ID)
	}
	s.target = append(s.target, *m)
	sortMembers(s.target)
	return nil
}

func (s *staging) replace(c *Change, i int, alive bool) error {
	old := s.target[i]
	if old.Leaving {
		return fmt.Errorf("%w: node %016x leaves already", ErrChange, c.ID)
	}
	c.Member.Weight = cmp.Or(c.Member.Weight, old.Weight)
	if c.Member.ID == c.ID {
		return fmt.Errorf("%w: node %016x cannot replace itself", ErrChange, c.ID)
	}
	if err := s.join(c); err != nil {
		return err
	}
	i = s.at(c.ID)
	if alive {
		s.target[i].Leaving = true
	} else {
		s.target = slices.Delete(s.target, i, i+1)
	}
	s.heirs[c.ID] = c.Member.ID
	return nil
}

func (s *staging) setReplicas(c *Change) error {
	n := c.Replicas
	if len(c.PerDC) > 0 {
		n = total(c.PerDC)
	}
	if err := checkReplicas(n, c.PerDC); err != nil {
		return fmt.Errorf("%w: %w", ErrChange, err)
	}
	s.replicas, s.perDC = n, c.PerDC
	return nil
}

// rename returns the ring with heirs in the places of others: only for Rebuild, which wants members by id.
func (r *Ring) rename(heirs map[NodeID]NodeID) *Ring {
	if len(heirs) == 0 {
		return r
	}
	out := &Ring{epoch: r.epoch, slots: r.slots, shift: r.shift, n: r.n}
	names := make([]NodeID, len(r.members))
	for i, m := range r.members {
		names[i] = m.ID
		// An heir may itself be replaced.
		for range len(heirs) {
			if to, ok := heirs[names[i]]; ok {
				names[i] = to
			}
		}
	}
	for i, m := range r.members {
		if _, gone := heirs[m.ID]; gone || !slices.Contains(names[:i], names[i]) && !slices.Contains(names[i+1:], names[i]) {
			m.ID = names[i]
			out.members = append(out.members, m)
		}
	}
	slices.SortFunc(out.members, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	out.table = make([]uint16, len(r.table))
	for at, i := range r.table {
		k, _ := find(out.members, names[i])
		out.table[at] = uint16(k)
	}
	return out
}

// countNew counts the vnodes on nodes that did not hold their partition.
func countNew(before, after *Ring) (n int) {
	for p := range after.Partitions() {
		for _, id := range after.PreferenceList(Partition(p)) {
			n += b2i(!before.Holds(Partition(p), id))
		}
	}
	return n
}

// proposal adds the figures.
func (s *staging) proposal(next *Document) *Proposal {
	after := s.plan.Ring
	pr := &Proposal{Next: next, Moves: s.moves, Bound: s.bound, Partitions: len(next.Moving), Warnings: after.Relaxed()}
	figures := make([]NodeFigure, len(s.union))
	at := func(id NodeID) *NodeFigure {
		i, _ := slices.BinarySearchFunc(s.union, id, func(m Member, id NodeID) int { return cmp.Compare(m.ID, id) })
		return &figures[i]
	}
	for i, m := range s.union {
		k := s.at(m.ID)
		figures[i] = NodeFigure{ID: m.ID, Joins: s.from.Member(m.ID) == nil, Goes: k < 0 || s.target[k].Leaving}
	}
	for p := range after.Partitions() {
		was, is := s.before.PreferenceList(Partition(p)), after.PreferenceList(Partition(p))
		at(was[0]).FirstsBefore++
		at(is[0]).Firsts++
		for _, id := range was {
			at(id).Before++
		}
		same := len(was) == len(is)
		for _, id := range is {
			f := at(id)
			f.After++
			if !slices.Contains(was, id) {
				f.In++
				same = false
			}
		}
		pr.Reordered += b2i(same && !slices.Equal(was, is))
	}
	for i := range figures {
		figures[i].Share = float64(figures[i].After) / float64(len(after.table))
	}
	pr.Nodes = figures
	return pr
}

func total(perDC map[string]int) (n int) {
	for _, k := range perDC { //lint:sorted a sum
		n += k
	}
	return n
}
