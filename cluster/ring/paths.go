package ring

import "slices"

// paths gives away what direct could not: each hole and each vnode above quota
// along an augmenting path. Nothing is left afterwards.
func (m *mover) paths() {
	for pos := range m.at {
		if m.at[pos] == hole {
			m.augment(pos, -1)
		}
	}
	for i := range m.members {
		for m.count[i] > m.quota[i] {
			m.augment(-1, i)
		}
	}
}

// augment finds a path for the hole at pos, or for a vnode of node if pos is -1:
// first over links that cost no move (a vnode that moves anyway goes elsewhere, or
// an old owner gets its own back), then over any.
//
// The second search cannot fail. A table with these quotas exists (wrap makes one); what it has beyond the present table
// decomposes into paths from what is too much here to what is lacking, one from each unit too many, and each step of such a
// path is a link: within a rack, or into a rack and datacenter with room in that partition. Nor do two links of a
// shortest path spoil each other. If both change the racks of one partition, the first's node can go straight to where the
// second leads, which is shorter; the same for datacenters; and links that change no rack do not meet.
func (m *mover) augment(pos, node int) {
	if !m.search(pos, node, freeButFirst) && !m.search(pos, node, anyLink) {
		panic("ring: a vnode without an augmenting path")
	}
}

// links says over which links a search goes.
type links uint8

const (
	anyLink      links = iota
	freeButFirst       // those that cost no move, except from the root, which has to lose a vnode anyway
	freeOnly           // those that cost no move
)

// search goes breadth first from who has a vnode too many to who lacks one. A
// link a -> b is an entry of a where b fits.
func (m *mover) search(pos, node int, over links) bool {
	for i := range m.via {
		m.via[i] = -1
	}
	m.queue = m.queue[:0]
	if pos >= 0 {
		if end := m.reach(pos, -1, false); end >= 0 {
			return m.apply(end, -1)
		}
	} else {
		m.queue = append(m.queue, node)
	}
	for k := 0; k < len(m.queue); k++ {
		a := m.queue[k]
		for _, q := range m.pos[a] {
			if m.budget--; m.budget < 0 && over == freeOnly {
				return false
			}
			ownersOnly := (over == freeOnly || over == freeButFirst && a != node) && m.isHome(int(q), uint16(a))
			if end := m.reach(int(q), node, ownersOnly); end >= 0 {
				return m.apply(end, node)
			}
		}
	}
	return false
}

// reach notes everybody new who fits at pos and returns one who lacks, or -1.
func (m *mover) reach(pos, root int, ownersOnly bool) int {
	for b := range m.members {
		if b == root || m.via[b] >= 0 || ownersOnly && !m.isHome(pos, uint16(b)) || !m.fits(pos, uint16(b)) {
			continue
		}
		m.via[b] = pos
		if m.count[b] < m.quota[b] {
			return b
		}
		m.queue = append(m.queue, b)
	}
	return -1
}

// apply shifts the vnodes along the path that ends in node. Where not all links
// were searched, two may be in one partition and spoil each other; then nothing
// is changed.
func (m *mover) apply(node, root int) bool {
	type step struct {
		pos int
		was uint16
	}
	var done []step
	for node != root {
		pos := m.via[node]
		was := m.at[pos]
		if !m.fits(pos, uint16(node)) {
			for _, s := range slices.Backward(done) {
				m.put(s.pos, s.was)
			}
			return false
		}
		done = append(done, step{pos, was})
		m.put(pos, uint16(node))
		if was == hole {
			return true
		}
		node = int(was)
	}
	return true
}

// settleBudget bounds settle: pairs of an entry and a member looked at.
const settleBudget = 1 << 24

// settle takes back moves until the bound is met or the budget spent: where a
// stranger holds what an old owner held, the owner gets it back if it can pass
// one of its others, over links that cost no move, to the stranger.
func (m *mover) settle(bound int) {
	m.budget = settleBudget / len(m.members)
	over := m.moves() - bound
	for better := true; better; {
		better = false
		for pos := range m.at {
			if over <= 0 || m.budget < 0 {
				return
			}
			if !m.isHome(pos, m.at[pos]) && m.takeBack(pos) {
				over--
				better = true
			}
		}
	}
}

func (m *mover) takeBack(pos int) bool {
	p, stranger := pos/m.n, m.at[pos]
	for _, owner := range m.home[p*m.oldN : (p+1)*m.oldN] {
		if owner == hole || !m.fits(pos, owner) {
			continue
		}
		m.put(pos, owner)
		if m.count[owner] <= m.quota[owner] || m.search(-1, int(owner), freeOnly) {
			return true
		}
		m.put(pos, stranger)
	}
	return false
}
