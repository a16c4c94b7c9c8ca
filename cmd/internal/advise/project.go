package advise

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
)

const (
	growWindow = 2 * 60 * 1000 // milliseconds for which load must have been measured before nodes are asked for because of it
	// ShrinkWindow is the same before nodes are let go: a little less than what a meter remembers, which is never quite its five
	// minutes.
	ShrinkWindow = 9 * 30 * 1000
	// overloadShare of operations refused is more than a burst leaves behind.
	overloadShare = 0.01
)

// member is a member, or one that might join, with what it can hold and do.
type member struct {
	*Member
	domain domain
	room   float64 // bytes that its store may come to; 0 not known
	cores  float64 // that are its own: those of its machine are shared by all nodes on it
	skew   float64 // how much more it stores than its share
}

// domain is what fails at once.
type domain struct{ dc, rack, node string }

// class is nodes whose loss comes to the same.
type class struct {
	domain domain
	weight uint32
}

func (m *member) class() class {
	c := class{m.domain, m.Weight}
	c.domain.node = "" // one rack of one is like another
	return c
}

// group is nodes among which the same copies are spread: those of one datacenter if each has its own N, else all.
type group struct {
	dc     string // if each has its own
	perDC  bool
	parts  int       // groups that there are
	copies int       // as asked for
	nodes  []*member // members that do not leave, by id
	now    outcome
}

// groupMembers makes the groups, and works out what each member has to itself.
func groupMembers(f *Facts) []*group {
	var groups []*group
	if len(f.PerDC) == 0 {
		groups = append(groups, &group{copies: f.Replicas})
	}
	for _, dc := range slices.Sorted(maps.Keys(f.PerDC)) {
		groups = append(groups, &group{dc: dc, perDC: true, copies: f.PerDC[dc]})
	}
	onDisk, onMachine := map[uint64]float64{}, map[uint64]float64{}
	for i := range f.Members {
		if m := &f.Members[i]; m.known() {
			onDisk[m.FileSystem]++
			onMachine[m.Machine] += float64(m.Cores)
		}
	}
	for i := range f.Members {
		m := &member{Member: &f.Members[i], skew: 1}
		if m.Leaving {
			continue
		}
		m.domain = domain{dc: m.DC, rack: m.Rack}
		if m.Rack == "" {
			m.domain.node = m.ID
		}
		if m.known() {
			m.own(onDisk[m.FileSystem], onMachine[m.Machine])
		}
		for _, g := range groups {
			if !g.perDC || g.dc == m.DC {
				g.nodes = append(g.nodes, m)
			}
		}
	}
	for _, g := range groups {
		g.parts = len(groups)
		g.lean()
	}
	return groups
}

// own works out what of a disk and a machine is this node's.
func (m *member) own(onDisk, onMachine float64) {
	if m.FileSystem == 0 {
		onDisk = 1
	}
	if free := float64(m.FreeBytes) - float64(m.ReserveBytes); m.FreeBytes > 0 {
		m.room = float64(m.DiskBytes) + max(0, free)/onDisk
	}
	m.cores = float64(m.Cores)
	if m.Machine != 0 && m.MachineCores > 0 && onMachine > float64(m.MachineCores) {
		m.cores *= float64(m.MachineCores) / onMachine
	}
}

// lean works out how much more than its share each node stores.
func (g *group) lean() {
	stored, share := g.data()
	for _, m := range g.nodes {
		if m.known() && m.Share > 0 && stored > 0 {
			m.skew = max(1, float64(m.DiskBytes)/(stored*m.Share/share))
		}
	}
}

// data is what the nodes that told it store, and which share of the vnodes that is.
func (g *group) data() (stored, share float64) {
	for _, m := range g.nodes {
		if m.known() {
			stored, share = stored+float64(m.DiskBytes), share+m.Share
		}
	}
	return stored, share
}

// pressure is how much of a resource is used where it is used most.
type pressure struct {
	known bool
	share float64
	node  *member
	lost  []*member // by the loss of whom; nil: as it is
}

func (p pressure) over(limit float64) bool { return p.known && p.share > limit }

// below is false as well where nothing is known.
func (p pressure) below(limit float64) bool { return p.known && p.share < limit }

func (p pressure) or(q pressure) pressure {
	if q.known && (!p.known || q.share > p.share) {
		return q
	}
	return p
}

// outcome is what the loss that hurts most would leave.
type outcome struct{ disk, cpu pressure }

// demand says by which figure processors are judged.
type demand int

const (
	average demand = iota // of the last minutes
	peak                  // their busiest ten seconds
)

// worst looks at the loss of each node and each rack. Where a member is dead, that is the loss to be looked at: what stands by for
// one is not for two.
func (g *group) worst(nodes []*member, by demand) (o outcome) {
	try := func(lost func(*member) bool) {
		var left, gone []*member
		for _, m := range nodes {
			if lost(m) {
				gone = append(gone, m)
			} else {
				left = append(left, m)
			}
		}
		if len(left) > 0 {
			p := g.project(nodes, left, gone, by)
			o.disk, o.cpu = o.disk.or(p.disk), o.cpu.or(p.cpu)
		}
	}
	dead := func(m *member) bool { return !m.Alive }
	if len(nodes) == 1 || slices.ContainsFunc(nodes, dead) {
		try(dead)
		return o
	}
	tried := map[class]bool{}
	for _, n := range nodes {
		if !tried[n.class()] {
			tried[n.class()] = true
			try(func(m *member) bool { return m == n })
		}
		if rack := (class{domain: n.domain}); n.Rack != "" && !tried[rack] {
			tried[rack] = true
			try(func(m *member) bool { return m.domain == n.domain })
		}
	}
	return o
}

// project spreads the data and the work of all over those that are left. Copies are made anew where that leaves enough nodes and racks
// to hold them apart, and where there is another copy to make them of; else those that are left keep what they have.
func (g *group) project(all, left, lost []*member, by demand) (o outcome) {
	copies := min(g.copies, len(all))
	again := copies > 1 && len(left) >= copies && countDomains(left) >= min(copies, countDomains(all))
	stored, told := g.data()
	whole := g.vnodes()
	data := 0.0
	if told > 0 {
		data = stored * whole / told // of members that did not tell, as much as of the others
	}
	data *= float64(copies) / float64(max(1, min(g.copies, len(g.nodes)))) // copies that are missing come on top
	held := spread(left, copies)
	if !again { // each keeps its part of a spread over all
		part := spread(all, copies)
		for i, m := range left {
			held[i] = part[slices.Index(all, m)]
		}
	}
	work, able := g.work(by), spread(left, copies)
	for i, m := range left {
		if room := g.roomOf(m); room > 0 && stored > 0 {
			o.disk = o.disk.or(pressure{true, data * held[i] * m.skew / room, m.with(room), lost})
		}
		if m.cores > 0 && work >= 0 {
			o.cpu = o.cpu.or(pressure{true, work * able[i] / m.cores, m, lost})
		}
	}
	return o
}

func (m *member) with(room float64) *member {
	n := *m
	n.room = room
	return &n
}

func (g *group) vnodes() (share float64) {
	for _, m := range g.nodes {
		share += m.Share
	}
	return share
}

// work is the processors that all members keep busy, those that did not tell as the others; negative where nobody told.
func (g *group) work(by demand) float64 {
	busy, share := 0.0, 0.0
	for _, m := range g.nodes {
		if !m.known() || m.WindowMillis == 0 {
			continue
		}
		mille := m.BusyMille
		if by == peak {
			mille = m.PeakMille
		}
		busy, share = busy+float64(mille)/1000*float64(m.Cores), share+m.Share
	}
	if share == 0 {
		return -1
	}
	return busy * g.vnodes() / share
}

// roomOf is a member's room; for one that did not tell, what the others have for its weight.
func (g *group) roomOf(m *member) float64 {
	if m.room > 0 || m.known() {
		return m.room
	}
	return g.middle(func(m *member) float64 { return m.room / float64(m.Weight) }) * float64(m.Weight)
}

// middle is the median of a figure over the nodes that have told it.
func (g *group) middle(of func(*member) float64) float64 {
	var all []float64
	for _, m := range g.nodes {
		if v := of(m); v > 0 {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// with is the group's nodes and k more of the usual kind.
func (g *group) with(k int) []*member {
	nodes := slices.Clone(g.nodes)
	for range k {
		nodes = append(nodes, g.next(nodes))
	}
	return nodes
}

// next is a node like most, where one is needed most: in a rack of its own as long as there are fewer than copies, else where
// there is least weight.
func (g *group) next(nodes []*member) *member {
	f := &Member{Weight: uint32(max(1, g.middle(func(m *member) float64 { return float64(m.Weight) }))), Alive: true, DC: g.dc}
	n := &member{Member: f, skew: 1}
	n.room = g.middle(func(m *member) float64 { return m.room / float64(m.Weight) }) * float64(f.Weight)
	n.cores = g.middle(func(m *member) float64 { return m.cores })
	weight := map[domain]uint64{}
	dcs := map[string]uint64{}
	for _, m := range nodes {
		weight[m.domain] += uint64(m.Weight)
		dcs[m.DC] += uint64(m.Weight)
	}
	if !g.perDC && len(dcs) > 0 {
		f.DC = slices.MinFunc(slices.Sorted(maps.Keys(dcs)), func(a, b string) int { return cmp.Compare(dcs[a], dcs[b]) })
	}
	n.domain = domain{dc: f.DC, node: "new " + strconv.Itoa(len(nodes))}
	if !racked(nodes) || len(weight) < g.copies {
		return n
	}
	least := uint64(math.MaxUint64)
	for _, m := range nodes { // by id: the first of equals
		if m.DC == f.DC && m.Rack != "" && weight[m.domain] < least {
			least, f.Rack, n.domain = weight[m.domain], m.Rack, m.domain
		}
	}
	return n
}

// places says where k more nodes belong.
func (g *group) places(k int) (out []Addition) {
	nodes := slices.Clone(g.nodes)
	named := racked(nodes)
	for range k {
		n := g.next(nodes)
		nodes = append(nodes, n)
		a := Addition{Nodes: 1, Weight: n.Weight, DC: n.DC, Rack: n.Rack, NewRack: named && n.Rack == ""}
		same := func(b Addition) bool { b.Nodes = 1; return b == a }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].Nodes++
			continue
		}
		out = append(out, a)
	}
	return out
}

func racked(nodes []*member) bool {
	return slices.ContainsFunc(nodes, func(m *member) bool { return m.Rack != "" })
}

func countDomains(nodes []*member) int {
	seen := map[domain]bool{}
	for _, m := range nodes {
		seen[m.domain] = true
	}
	return len(seen)
}
