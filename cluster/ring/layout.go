package ring

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Reason is why something is not as asked. Append only.
type Reason uint8

const (
	// FewNodes: there are fewer nodes than replicas; N is the number of nodes.
	FewNodes Reason = iota + 1
	// FewRacks: some lists have two or more nodes of one rack.
	FewRacks
	// FewDCs: there are several datacenters, but fewer than replicas.
	FewDCs
	// NodeCapped: by weight a node would hold some partition twice.
	NodeCapped
	// RackCapped: by weight a rack would hold more than the spreading allows.
	RackCapped
	// DCCapped: by weight a datacenter would hold more than the spreading allows.
	DCCapped
)

// String names the reason as operators read it.
func (r Reason) String() string {
	names := [...]string{"unknown", "few-nodes", "few-racks", "few-datacenters", "node-capped", "rack-capped", "datacenter-capped"}
	if int(r) >= len(names) {
		r = 0
	}
	return names[r]
}

// Relaxation is one wish that could not be met; where N is set by datacenter, of that datacenter. Wanted and Got are replicas for
// FewNodes, racks or datacenters for FewRacks and FewDCs (wanted, there), and
// vnodes for the caps (by weight, held).
type Relaxation struct {
	Reason      Reason
	Node        NodeID // NodeCapped
	Rack, DC    string // RackCapped, DCCapped
	Wanted, Got int
}

func (x Relaxation) String() string {
	switch x.Reason {
	case NodeCapped:
		return fmt.Sprintf("%v: node %016x gets %d vnodes instead of %d", x.Reason, x.Node, x.Got, x.Wanted)
	case RackCapped:
		return fmt.Sprintf("%v: dc %q rack %q gets %d vnodes instead of %d", x.Reason, x.DC, x.Rack, x.Got, x.Wanted)
	case DCCapped:
		return fmt.Sprintf("%v: dc %q gets %d vnodes instead of %d", x.Reason, x.DC, x.Got, x.Wanted)
	}
	in := ""
	if x.DC != "" {
		in = fmt.Sprintf(" in dc %q", x.DC)
	}
	return fmt.Sprintf("%v: %d of %d%s", x.Reason, x.Got, x.Wanted, in)
}

// layout is what a table must satisfy: who there is, how often at most a rack or
// datacenter may be on one list, and the exact quotas.
type layout struct {
	members   []Node
	slots     int // per partition
	parts     int
	n         int // effective N
	racks     []domain
	dcs       []domain
	rackOf    []int // of a member
	dcOf      []int
	rackLimit int // nodes of one rack on one list
	dcLimit   int
	quota     []int
	relaxed   []Relaxation
	byDC      []*layout // where N is set by datacenter: one a datacenter, which is placed by itself
}

// domain is a rack or a datacenter: what fails together.
type domain struct {
	dc, rack string
	members  []int // a rack's nodes, a datacenter's racks
	nodes    int
	weight   uint64
	held     int // vnodes in the old table
	cap      int // vnodes it may hold
	quota    int
}

// newLayout checks the arguments and computes limits and quotas. held gives the
// vnodes that a node has now: those who hold more win ties of rounding, so that
// nothing moves for a tie's sake. It may be nil.
func newLayout(members []Node, o Options, held func(NodeID) int) (*layout, error) {
	l := &layout{members: slices.Clone(members), slots: cmp.Or(o.SlotsPerPartition, DefaultSlotsPerPartition)}
	if err := l.check(o); err != nil {
		return nil, err
	}
	l.parts = Slots / l.slots
	if len(o.PerDC) > 0 {
		return l, l.perDC(o, held)
	}
	l.n = min(o.Replicas, len(members))
	if l.n < o.Replicas {
		l.relaxed = append(l.relaxed, Relaxation{Reason: FewNodes, Wanted: o.Replicas, Got: l.n})
	}
	l.domains()
	l.limits()
	l.quotas(held)
	return l, nil
}

func (l *layout) check(o Options) error {
	slices.SortFunc(l.members, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	switch {
	case len(l.members) == 0:
		return ErrNoMembers
	case len(l.members) > MaxNodes:
		return fmt.Errorf("%w: %d nodes, at most %d", ErrMembers, len(l.members), MaxNodes)
	case l.slots < 1 || l.slots > Slots || bits.OnesCount(uint(l.slots)) != 1:
		return fmt.Errorf("%w: %d slots per partition, want a power of two up to %d", ErrOptions, l.slots, Slots)
	}
	if err := checkReplicas(cmp.Or(o.Replicas, total(o.PerDC)), o.PerDC); err != nil {
		return err
	}
	for i, m := range l.members {
		if m.Weight < 1 || m.Weight > MaxWeight {
			return fmt.Errorf("%w: node %016x has weight %d, want 1..%d", ErrMembers, m.ID, m.Weight, MaxWeight)
		}
		if i > 0 && l.members[i-1].ID == m.ID {
			return fmt.Errorf("%w: node %016x is there twice", ErrMembers, m.ID)
		}
	}
	return nil
}

// order returns the members sorted by datacenter, rack and id, nodes without a
// rack last in their datacenter.
func (l *layout) order() []int {
	order := make([]int, len(l.members))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := l.members[i], l.members[j]
		return cmp.Or(cmp.Compare(a.DC, b.DC), cmp.Compare(b2i(a.Rack == ""), b2i(b.Rack == "")),
			cmp.Compare(a.Rack, b.Rack), cmp.Compare(a.ID, b.ID))
	})
	return order
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (l *layout) domains() {
	l.rackOf, l.dcOf = make([]int, len(l.members)), make([]int, len(l.members))
	for k, i := range l.order() {
		m := l.members[i]
		newDC := k == 0 || l.dcs[len(l.dcs)-1].dc != m.DC
		if newDC {
			l.dcs = append(l.dcs, domain{dc: m.DC})
		}
		dc := &l.dcs[len(l.dcs)-1]
		if newDC || m.Rack == "" || l.racks[len(l.racks)-1].rack != m.Rack {
			dc.members = append(dc.members, len(l.racks))
			l.racks = append(l.racks, domain{dc: m.DC, rack: m.Rack})
		}
		rack := &l.racks[len(l.racks)-1]
		rack.members = append(rack.members, i)
		rack.nodes++
		dc.nodes++
		l.rackOf[i], l.dcOf[i] = len(l.racks)-1, len(l.dcs)-1
	}
}

// limits finds the tightest limits under which a list of N can be had at all:
// the datacenters first, then the racks under the datacenters' limit.
func (l *layout) limits() {
	// places is the length of the longest list under the limits.
	places := func() (sum int) {
		for _, dc := range l.dcs {
			in := 0
			for _, r := range dc.members {
				in += min(l.rackLimit, l.racks[r].nodes)
			}
			sum += min(l.dcLimit, in)
		}
		return sum
	}
	l.rackLimit, l.dcLimit = l.n, 1
	for places() < l.n {
		l.dcLimit++
	}
	for l.rackLimit = 1; places() < l.n; {
		l.rackLimit++
	}
	if l.rackLimit > 1 {
		l.relaxed = append(l.relaxed, Relaxation{Reason: FewRacks, Wanted: l.n, Got: len(l.racks)})
	}
	if l.dcLimit > 1 && len(l.dcs) > 1 {
		l.relaxed = append(l.relaxed, Relaxation{Reason: FewDCs, Wanted: l.n, Got: len(l.dcs)})
	}
}
