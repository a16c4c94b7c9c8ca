package ring

import (
	"slices"
	"testing"
)

// ranges counts runs of partitions with one primary: what clients are told.
func ranges(r *Ring) (n int) {
	for p := range r.Partitions() {
		n += b2i(p == 0 || r.PreferenceList(Partition(p))[0] != r.PreferenceList(Partition(p - 1))[0])
	}
	return n
}

// TestRuns: neighbouring partitions have one primary where that costs nothing, and go on to have when nodes join and leave.
func TestRuns(t *testing.T) {
	for _, c := range []struct{ nodes, racks, built, joined, left int }{
		{3, 0, 3, 290, 160},
		{3, 3, 3, 60, 60},
		{4, 0, 40, 200, 180},
		{6, 3, 70, 100, 190},
		{9, 3, 150, 180, 260},
		{9, 0, 450, 500, 500},
	} {
		o := Options{Replicas: 3}
		r := build(t, nodes(1, c.nodes, c.racks), o)
		more, err := Rebuild(r, nodes(1, c.nodes+1, c.racks), o)
		if err != nil {
			t.Fatal(err)
		}
		fewer, err := Rebuild(more.Ring, nodes(2, c.nodes, c.racks), o)
		if err != nil {
			t.Fatal(err)
		}
		a, b, e := ranges(r), ranges(more.Ring), ranges(fewer.Ring)
		t.Logf("%d nodes, %d racks: %d ranges; one joins: %d; one leaves: %d", c.nodes, c.racks, a, b, e)
		if a > c.built || b > c.joined || e > c.left {
			t.Errorf("%d nodes, %d racks: %d, %d, %d ranges", c.nodes, c.racks, a, b, e)
		}
	}
}

// TestHeirs: the primary dies, and its partitions fall on all others that hold them, evenly, in long runs.
func TestHeirs(t *testing.T) {
	for _, n := range []int{3, 4, 5, 9} {
		r := build(t, nodes(1, n, 0), Options{Replicas: 3})
		for dead := NodeID(1); dead <= NodeID(n); dead++ {
			heirs, led := map[NodeID]int{}, 0
			for p := range r.Partitions() {
				if list := r.PreferenceList(Partition(p)); list[0] == dead {
					heirs[list[1]]++
					led++
				}
			}
			for id, got := range heirs {
				if share := float64(led) / float64(n-1); len(heirs) != n-1 || float64(got) > 2*share || n == 3 && float64(got) > share+1 {
					t.Errorf("%d nodes: of node %d's %d partitions %d fall on node %d, %d heirs", n, dead, led, got, id, len(heirs))
				}
			}
		}
	}
}

// TestRunsMoveNothing: a plan reorders only lists that change anyway, but for what balances first places.
func TestRunsMoveNothing(t *testing.T) {
	o := Options{Replicas: 3}
	r := build(t, nodes(1, 6, 3), o)
	plan, err := Rebuild(r, nodes(1, 9, 3), o)
	if err != nil {
		t.Fatal(err)
	}
	reordered := 0
	for p := range r.Partitions() {
		if _, moves := slices.BinarySearch(plan.Changed, Partition(p)); !moves && !slices.Equal(r.PreferenceList(Partition(p)), plan.Ring.PreferenceList(Partition(p))) {
			reordered++
		}
	}
	if reordered > r.Partitions()/25 {
		t.Errorf("%d lists that do not move are in another order", reordered)
	}
}
