package ring

import (
	"fmt"
	"slices"
)

// Plan says what a Rebuild moves.
type Plan struct {
	Ring *Ring // of the next epoch
	// Moves is how many vnodes are on a node that did not hold their partition.
	Moves int
	// LowerBound is what no table with these quotas and limits can go below: the
	// vnodes that nodes lack to their quotas, or the entries that no old owner may
	// fill and those that racks must win from others, whichever is more.
	LowerBound int
	// Changed lists the partitions in which a vnode moves, ascending.
	Changed []Partition
}

// Rebuild places the ring that follows old for other members or another N,
// moving few vnodes. Deterministic in old and the set of members. The old ring
// is not changed.
func Rebuild(old *Ring, members []Node, o Options) (*Plan, error) {
	if o.SlotsPerPartition != 0 && o.SlotsPerPartition != old.slots {
		return nil, fmt.Errorf("%w: %d, not %d", ErrPartitions, old.slots, o.SlotsPerPartition)
	}
	o.SlotsPerPartition = old.slots
	l, err := newLayout(members, o, old.held())
	if err != nil {
		return nil, err
	}

	m, bound := move(l, old)
	m.arrange(m.changed)

	plan := &Plan{Ring: l.ring(old.epoch+1, m.at), Moves: m.moves(), LowerBound: bound}
	for p := range l.parts {
		if slices.ContainsFunc(m.at[p*l.n:(p+1)*l.n], func(i uint16) bool { return !m.isHome(p*l.n, i) }) {
			plan.Changed = append(plan.Changed, Partition(p))
		}
	}
	return plan, nil
}

// changed says whether p's list has others than before: its order may change too.
func (m *mover) changed(p int) bool {
	was := m.home[p*m.oldN : (p+1)*m.oldN]
	return m.n != m.oldN || slices.ContainsFunc(m.at[p*m.n:(p+1)*m.n], func(i uint16) bool { return !slices.Contains(was, i) })
}

// move fills a table for the layout, in no order within a list but that who stays keeps its place.
func move(l *layout, old *Ring) (m *mover, bound int) {
	m = newMover(l, old)
	if len(l.byDC) > 0 {
		return m, m.gather(old)
	}
	bound = m.lowerBound()
	m.keep()
	bound = max(bound, m.holes()+m.displaced())
	m.direct()
	m.paths()
	if m.moves() > bound {
		m.settle(bound)
	}
	return m, bound
}

// lowerBound is Plan.LowerBound of a Rebuild that is not made.
func lowerBound(old *Ring, members []Node, o Options) (int, error) {
	l, err := newLayout(members, o, old.held())
	if err != nil {
		return 0, err
	}
	parts := l.byDC
	if len(parts) == 0 {
		parts = []*layout{l}
	}
	sum := 0
	for _, l := range parts {
		m := newMover(l, old)
		bound := m.lowerBound()
		m.keep()
		sum += max(bound, m.holes()+m.displaced())
	}
	return sum, nil
}

// held returns how many vnodes a node has.
func (r *Ring) held() func(NodeID) int {
	count := make([]int, len(r.members))
	for _, i := range r.table {
		count[i]++
	}
	return func(id NodeID) int {
		if i, ok := find(r.members, id); ok {
			return count[i]
		}
		return 0
	}
}

// mover turns the old table into one that satisfies the layout.
type mover struct {
	*table
	home  []uint16 // the old lists as members of the new ring, hole for who went; oldN entries a partition
	oldN  int
	pos   [][]int32 // entries of a member, in no order that matters
	order []int     // partitions in mixed order, so that a node's moves come from everywhere

	via   []int // search: entry by which a member was reached, -1 if not
	queue []int

	budget int // of settle's searches: links still to look at
}

func newMover(l *layout, old *Ring) *mover {
	m := &mover{
		table: &table{layout: l, at: make([]uint16, l.parts*l.n), count: make([]int, len(l.members))},
		home:  make([]uint16, len(old.table)), oldN: old.n,
		pos: make([][]int32, len(l.members)), via: make([]int, len(l.members)), order: all(l.parts),
	}
	became := make([]uint16, len(old.members))
	for i, node := range old.members {
		became[i] = hole
		if k, ok := find(l.members, node.ID); ok {
			became[i] = uint16(k)
		}
	}
	for at, i := range old.table {
		m.home[at] = became[i]
	}
	rnd, block := random(old.epoch), l.block()
	for i := l.parts/block - 1; i > 0; i-- {
		j := rnd.below(i + 1)
		for k := range block {
			a, b := i*block+k, j*block+k
			m.order[a], m.order[b] = m.order[b], m.order[a]
		}
	}
	return m
}

// isHome says whether node held the partition of entry pos in the old table.
func (m *mover) isHome(pos int, node uint16) bool {
	p := pos / m.n
	return slices.Contains(m.home[p*m.oldN:(p+1)*m.oldN], node)
}

func (m *mover) lowerBound() (lack int) {
	held := make([]int, len(m.members))
	for _, i := range m.home {
		if i != hole {
			held[i]++
		}
	}
	for i, q := range m.quota {
		lack += max(0, q-held[i])
	}
	return lack
}

// keep fills the table with the old owners that may stay, in their places where
// the list is as long as before or shorter. Of too many on a list those go whose nodes are
// most above quota; of too many in a rack, where the list is not too long, the later ones.
func (m *mover) keep() {
	for pos := range m.at {
		m.at[pos] = hole
	}
	held := make([]int, len(m.members))
	for _, node := range m.home {
		if node != hole {
			held[node]++
		}
	}
	var stay []uint16
	for _, p := range m.order {
		first := p * m.n
		stay = append(stay[:0], m.home[p*m.oldN:(p+1)*m.oldN]...)
		if len(stay) > m.n {
			stay = m.thin(first, stay, held)
		}
		for k, node := range stay {
			if node != hole && m.fits(first+k, node) {
				m.put(first+k, node)
			}
		}
	}
}

// thin shortens a list to N or, where racks do not allow as many, to as many as they do: the least above quota stay, in their
// order.
func (m *mover) thin(first int, stay []uint16, held []int) []uint16 {
	stay = slices.DeleteFunc(stay, func(node uint16) bool { return node == hole })
	rank := slices.Clone(stay)
	slices.SortStableFunc(rank, func(a, b uint16) int { return held[a] - m.quota[a] - held[b] + m.quota[b] })
	places := m.at[first : first+m.n]
	n := 0
	for _, node := range rank {
		if n < m.n && m.fits(first+n, node) {
			places[n] = node
			n++
		} else {
			held[node]--
		}
	}
	stay = slices.DeleteFunc(stay, func(node uint16) bool { return !slices.Contains(places, node) })
	for k := range places {
		places[k] = hole
	}
	return stay
}

// displaced is how many old owners have to leave lists beside those that went:
// what racks lack to their quotas and cannot get by filling holes, since the
// lists with holes have them already. Each such vnode pushes another out. Only
// claimed where every old owner that is still a member was kept, else 0.
func (m *mover) displaced() (sum int) {
	lack := make([]int, len(m.racks))
	for r := range m.racks {
		lack[r] = m.racks[r].quota
	}
	kept, had := 0, 0
	for _, node := range m.home {
		had += b2i(node != hole)
	}
	inRack := make([]int, len(m.racks))
	for p := range m.parts {
		list := m.at[p*m.n : (p+1)*m.n]
		clear(inRack)
		holes := 0
		for _, node := range list {
			if node == hole {
				holes++
				continue
			}
			kept++
			inRack[m.rackOf[node]]++
			lack[m.rackOf[node]]--
		}
		if holes > 0 {
			for r := range inRack {
				lack[r] -= min(holes, m.rackLimit-inRack[r])
			}
		}
	}
	if kept < had {
		return 0
	}
	for _, n := range lack {
		sum += max(0, n)
	}
	return sum
}

func (m *mover) holes() (n int) {
	for _, i := range m.at {
		n += b2i(i == hole)
	}
	return n
}

func (m *mover) moves() (n int) {
	for pos, i := range m.at {
		n += b2i(!m.isHome(pos, i))
	}
	return n
}

// put gives entry pos to node, or to nobody.
func (m *mover) put(pos int, node uint16) {
	if was := m.at[pos]; was != hole {
		m.count[was]--
		s := m.pos[was]
		k := slices.Index(s, int32(pos))
		s[k] = s[len(s)-1]
		m.pos[was] = s[:len(s)-1]
	}
	m.at[pos] = node
	if node != hole {
		m.count[node]++
		m.pos[node] = append(m.pos[node], int32(pos))
	}
}

// excess is by how much an entry's holder is above its quota; a hole is above
// all.
func (m *mover) excess(pos int) int {
	if m.at[pos] == hole {
		return len(m.at)
	}
	return m.count[m.at[pos]] - m.quota[m.at[pos]]
}

// direct gives holes, then the vnodes of nodes above quota, to whoever lacks most
// and fits.
func (m *mover) direct() {
	m.pass(func(pos int) bool { return m.at[pos] == hole })
	m.pass(func(pos int) bool { return m.excess(pos) > 0 })
}

func (m *mover) pass(goes func(pos int) bool) {
	for _, p := range m.order {
		tried := 0 // bits of entries
		for range m.n {
			from := -1
			for k := range m.n {
				pos := p*m.n + k
				if tried>>k&1 == 0 && goes(pos) && (from < 0 || m.excess(pos) > m.excess(from)) {
					from = pos
				}
			}
			if from < 0 {
				break
			}
			tried |= 1 << (from % m.n)
			if to := m.neediest(from); to != hole {
				m.put(from, to)
			}
		}
	}
}

// neediest returns who lacks most among those that fit at pos; an old owner of
// the partition before all others. hole if nobody does.
func (m *mover) neediest(pos int) uint16 {
	best, most := hole, 0
	for i, q := range m.quota {
		lack := q - m.count[i]
		if lack <= 0 {
			continue
		}
		if m.isHome(pos, uint16(i)) {
			lack += len(m.at)
		}
		if lack > most && m.fits(pos, uint16(i)) {
			best, most = uint16(i), lack
		}
	}
	return best
}
