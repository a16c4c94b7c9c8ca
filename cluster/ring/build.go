package ring

import "math/bits"

// hole is an entry of a table under work that nobody holds.
const hole = ^uint16(0)

// Build places the first ring, epoch 1. Deterministic in the set of members.
func Build(members []Node, o Options) (*Ring, error) {
	l, err := newLayout(members, o, nil)
	if err != nil {
		return nil, err
	}
	t := l.wrap()
	t.arrange(func(int) bool { return true })
	return l.ring(1, t.at), nil
}

func (l *layout) ring(epoch Epoch, table []uint16) *Ring {
	r := &Ring{
		epoch: epoch, slots: l.slots, shift: uint(bits.TrailingZeros(uint(l.slots))), n: l.n,
		members: l.members, table: table, relaxed: l.relaxed, lists: make([]NodeID, len(table)),
	}
	for at, i := range table {
		r.lists[at] = l.members[i].ID
	}
	return r
}

// table is a placement under work.
type table struct {
	*layout
	at    []uint16 // n entries a partition: members, or hole
	count []int    // entries of a member
}

// fits says whether node may take the place of entry pos, whoever is there now.
func (t *table) fits(pos int, node uint16) bool {
	first := pos - pos%t.n
	rack, dc := t.rackOf[node], t.dcOf[node]
	inRack, inDC := 0, 0
	for q := first; q < first+t.n; q++ {
		other := t.at[q]
		if q == pos || other == hole {
			continue
		}
		if other == node {
			return false
		}
		inRack += b2i(t.rackOf[other] == rack)
		inDC += b2i(t.dcOf[other] == dc)
	}
	return inRack < t.rackLimit && inDC < t.dcLimit
}

// wrap lays the quotas around the partitions and mixes them.
func (l *layout) wrap() *table {
	t := &table{layout: l, at: make([]uint16, l.parts*l.n), count: make([]int, len(l.members))}
	if len(l.byDC) > 0 {
		return t.stack()
	}
	v := 0
	for _, i := range l.order() {
		for range l.quota[i] {
			t.at[v%l.parts*l.n+v/l.parts] = uint16(i)
			v++
		}
		t.count[i] = l.quota[i]
	}
	rnd, block := random(1), l.block()
	for range 8 * len(t.at) / block {
		a, b := rnd.below(len(t.at)/block), rnd.below(len(t.at)/block)
		for j := range block {
			t.swap(a/t.n*t.n*block+a%t.n+j*t.n, b/t.n*t.n*block+b%t.n+j*t.n)
		}
	}
	return t
}

// block is how many neighbouring partitions are mixed as one, so that a node's partitions come in runs: few enough for each
// node to lead two blocks for each other one to take over.
func (l *layout) block() int {
	block := 1
	for block < 16 && 4*block*len(l.members)*len(l.members) <= l.parts {
		block *= 2
	}
	return block
}

// swap exchanges two entries of different partitions if both fit.
func (t *table) swap(a, b int) bool {
	if a/t.n == b/t.n || t.at[a] == t.at[b] || !t.fits(a, t.at[b]) || !t.fits(b, t.at[a]) {
		return false
	}
	t.at[a], t.at[b] = t.at[b], t.at[a]
	return true
}

// random is splitmix64 (Steele, Lea and Flood 2014): the same numbers in every
// version of Go, since nodes that compute a table must agree on it.
type random uint64

func (r *random) below(n int) int {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	hi, _ := bits.Mul64(z^z>>31, uint64(n))
	return int(hi)
}
