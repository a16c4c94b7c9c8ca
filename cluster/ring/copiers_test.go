package ring

import (
	"math/bits"
	"slices"
	"testing"
)

// set turns bits into the nodes of a list.
func set(list []NodeID, bits uint) (ids []NodeID) {
	for i, id := range list {
		if bits>>i&1 != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// quorums returns every majority of a list that has no smaller one in it: what holds of these holds of all.
func quorums(list []NodeID) (sets [][]NodeID) {
	for b := range uint(1) << len(list) {
		if bits.OnesCount(b) == len(list)/2+1 {
			sets = append(sets, set(list, b))
		}
	}
	return sets
}

// holders returns the least sets of a list that each of its majorities meets. A write that was acknowledged under it is on more of an
// even list, but one of an earlier plan need not be.
func holders(list []NodeID) (sets [][]NodeID) {
	for b := range uint(1) << len(list) {
		if bits.OnesCount(b) == (len(list)+1)/2 {
			sets = append(sets, set(list, b))
		}
	}
	return sets
}

// missed tries every write that all quorums of the old list meet, every choice of a majority of old owners by each
// copier, and every reading quorum of the new list, and says whether some read meets nobody that has the write. A copier that
// was an old owner may count itself in its majority.
func missed(old, next, copiers []NodeID) bool {
	for _, w := range holders(old) {
		// Copiers choose independently, so a copier can be without the write if one of its choices leaves all of w out.
		without := func(id NodeID) bool {
			if slices.Contains(w, id) {
				return false
			}
			if !slices.Contains(copiers, id) {
				return true
			}
			return slices.ContainsFunc(quorums(old), func(from []NodeID) bool {
				return !slices.ContainsFunc(from, func(x NodeID) bool { return slices.Contains(w, x) })
			})
		}
		for _, read := range quorums(next) {
			if !slices.ContainsFunc(read, func(id NodeID) bool { return !without(id) }) {
				return true
			}
		}
	}
	return false
}

// TestCopiersAreEnough tries all pairs of lists of up to 5 nodes: with the copiers no read misses a write, and with one fewer
// (or, where owners of both lists must copy, with the newcomers only) some read does.
func TestCopiersAreEnough(t *testing.T) {
	all := []NodeID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	pairs, stayers := 0, 0
	for o := 1; o <= 5; o++ {
		for n := 1; n <= 5; n++ {
			for both := 0; both <= min(o, n); both++ {
				old, next := all[:o], all[o-both:o-both+n]
				got := copiers(old, next, nil, false)
				pairs++
				if missed(old, next, got) {
					t.Errorf("%v -> %v: with %v copying a read misses a write", old, next, got)
				}
				fresh := set(next, 1<<n-1)
				fresh = slices.DeleteFunc(fresh, func(id NodeID) bool { return slices.Contains(old, id) })
				if len(got) > len(fresh) {
					stayers++
					if !missed(old, next, fresh) {
						t.Errorf("%v -> %v: %v copy, newcomers alone would do", old, next, got)
					}
				}
				if (o/2 >= n/2+1) != (len(got) == n) && both > n/2 {
					t.Errorf("%v -> %v: %v copy, the rule says otherwise", old, next, got)
				}
			}
		}
	}
	if pairs != 80 || stayers == 0 {
		t.Errorf("%d pairs, in %d owners of both lists copy: the test asks too little", pairs, stayers)
	}
	t.Logf("%d pairs of lists, owners of both lists must copy in %d", pairs, stayers)
	if !missed([]NodeID{1, 2, 3}, []NodeID{2, 3, 4}, nil) {
		t.Error("the twin does not notice that nobody copies")
	}
}

// TestCopiersByDatacenter: the same within each datacenter, for quorums of one.
func TestCopiersByDatacenter(t *testing.T) {
	dc := func(id NodeID) string { return map[bool]string{true: "east", false: "west"}[id < 10] }
	// East shrinks from 5 to 2, west stays: in all 2 + 3 are no danger, in east they are.
	old, next := []NodeID{1, 2, 3, 4, 5, 11, 12, 13}, []NodeID{1, 2, 11, 12, 13}
	if got := copiers(old, next, nil, false); len(got) != 5 {
		t.Errorf("8 -> 5: %v", got)
	}
	old, next = []NodeID{1, 2, 3, 4, 5, 11}, []NodeID{1, 2, 11, 12, 13, 14, 15}
	if got := copiers(old, next, nil, false); !slices.Equal(got, []NodeID{12, 13, 14, 15}) {
		t.Errorf("by one N: %v copy", got)
	}
	if got := copiers(old, next, dc, false); len(got) != len(next) {
		t.Errorf("by datacenter: %v copy", got)
	}
}

func TestMajority(t *testing.T) {
	dc := func(id NodeID) string { return map[bool]string{true: "east", false: "west"}[id < 10] }
	for _, c := range []struct {
		list []NodeID
		ok   []NodeID
		all  bool
		byDC bool
	}{
		{[]NodeID{1}, nil, false, false},
		{[]NodeID{1}, []NodeID{1}, true, true},
		{[]NodeID{1, 2}, []NodeID{1}, false, false},
		{[]NodeID{1, 2, 3}, []NodeID{1, 3}, true, true},
		{[]NodeID{1, 11, 2, 12, 3, 13}, []NodeID{1, 2, 3}, false, false},
		{[]NodeID{1, 11, 2, 12, 3, 13}, []NodeID{1, 2, 3, 13}, true, false},
		{[]NodeID{1, 11, 2, 12, 3, 13}, []NodeID{1, 2, 11, 13}, true, true},
		{[]NodeID{1, 11, 2, 3}, []NodeID{1, 2, 3}, true, false},
	} {
		ok := func(id NodeID) bool { return slices.Contains(c.ok, id) }
		if got := majority(c.list, nil, ok); got != c.all {
			t.Errorf("%v of %v: %t", c.ok, c.list, got)
		}
		if got := majority(c.list, dc, ok); got != c.byDC {
			t.Errorf("%v of %v by datacenter: %t", c.ok, c.list, got)
		}
	}
}
