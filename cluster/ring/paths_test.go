package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// crowd draws 3 to 24 nodes in up to 6 racks and 3 datacenters.
func crowd(r *rand.Rand) []Node {
	racks, dcs, ids := 1+r.IntN(6), 1+r.IntN(3), r.Perm(40)
	ms := make([]Node, 3+r.IntN(22))
	for i := range ms {
		ms[i] = Node{ID: NodeID(ids[i] + 1), Weight: []uint32{1, 1, 1, 2, 3, 50}[r.IntN(6)], DC: fmt.Sprint(r.IntN(dcs))}
		if racks > 1 {
			ms[i].Rack = fmt.Sprint(r.IntN(racks))
		}
	}
	return ms
}

// anyTable draws a ring that nobody would place: lists of any nodes, the first ones more often the greater skew is.
func anyTable(t *testing.T, r *rand.Rand, ms []Node, n, slots, skew int) *Ring {
	t.Helper()
	n = min(n, len(ms))
	lists := make([][]NodeID, Slots/slots)
	for p := range lists {
		order := r.Perm(len(ms))
		for i := range n {
			for range skew {
				if j := i + r.IntN(len(order)-i); order[j] < order[i] {
					order[i], order[j] = order[j], order[i]
				}
			}
			lists[p] = append(lists[p], ms[order[i]].ID)
		}
	}
	old, err := Load(1, slots, ms, lists)
	if err != nil {
		t.Fatal(err)
	}
	return old
}

// TestThereIsAlwaysAPath puts the argument of augment to the test. From whatever table the search begins, with few partitions,
// long lists and tight racks, every hole is filled and every node comes to its quota.
func TestThereIsAlwaysAPath(t *testing.T) {
	far := 0 // searches that links without a move did not settle
	for seed := range uint64(6000) {
		r := rand.New(rand.NewPCG(seed, 7))
		before, after := crowd(r), crowd(r)
		slots := Slots >> r.IntN(6)
		old := anyTable(t, r, before, 1+r.IntN(8), slots, r.IntN(4))
		o := Options{Replicas: 1 + r.IntN(8), SlotsPerPartition: slots}
		l, err := newLayout(after, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		m := newMover(l, old)
		m.keep()
		if r.IntN(2) == 0 {
			m.direct() // leaves little to search for
		}
		augment := func(pos, node int) {
			if m.search(pos, node, freeButFirst) {
				return
			}
			far++
			if !m.search(pos, node, anyLink) {
				t.Fatalf("seed %d: no path from entry %d, node %d", seed, pos, node)
			}
		}
		for pos := range m.at {
			if m.at[pos] == hole {
				augment(pos, -1)
			}
		}
		for i := range m.members {
			for m.count[i] > m.quota[i] {
				augment(-1, i)
			}
		}
		m.balance()
		if err := broken(l.ring(2, m.at), o); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if far < 100 {
		t.Errorf("only %d searches had to go far: the test asks too little", far)
	}
}
