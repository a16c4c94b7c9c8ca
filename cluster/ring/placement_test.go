package ring

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// broken returns what is wrong with a table.
func broken(r *Ring, o Options) error {
	quotas, lists := faults(r, o)
	return errors.Join(append(quotas, lists...)...)
}

// faults tells, by its own plain counting, of nodes with another number of vnodes or of first places than their quota says,
// and of lists with a node twice or with more of one rack or datacenter than is forced upon them.
func faults(r *Ring, o Options) (quotas, lists []error) {
	holds, firsts := map[NodeID]int{}, map[NodeID]int{}
	for _, id := range r.lists {
		holds[id]++
	}
	// Told what the nodes hold, ties of rounding are theirs: quotas are exact.
	l, err := newLayout(r.members, o, func(id NodeID) int { return holds[id] })
	if err != nil {
		return []error{err}, nil
	}
	for p := range r.Partitions() {
		racks, dcs := map[int]int{}, map[int]int{}
		list := r.PreferenceList(Partition(p))
		firsts[list[0]]++
		bad := false
		for k, id := range list {
			i, _ := find(r.members, id)
			racks[l.rackOf[i]]++
			dcs[l.dcOf[i]]++
			bad = bad || slices.Contains(list[:k], id) || racks[l.rackOf[i]] > l.rackLimit || dcs[l.dcOf[i]] > l.dcLimit
		}
		if bad {
			lists = append(lists, fmt.Errorf("partition %d: %v breaks a rack or datacenter", p, list))
		}
	}
	for i, m := range r.members {
		q, held, first := l.quota[i], holds[m.ID], firsts[m.ID]
		if held != q || first < q/r.n || first > ceil(q, r.n) {
			quotas = append(quotas, fmt.Errorf("node %d holds %d and is first %d times, quota %d", m.ID, held, first, q))
		}
	}
	return quotas, lists
}

// TestScatter: a dead node's work falls on all others, not on a few neighbours.
func TestScatter(t *testing.T) {
	r := build(t, nodes(1, 10, 0), Options{Replicas: 3})
	heirs := map[NodeID]int{}
	for p := range r.Partitions() {
		if list := r.PreferenceList(Partition(p)); list[0] == 1 {
			heirs[list[1]]++
		}
	}
	most := 0
	for _, n := range heirs {
		most = max(most, n)
	}
	if len(heirs) != 9 || most > 30 { // 102 or 103 partitions, 11.4 each on average
		t.Errorf("node 1's first places fall to %v", heirs)
	}
}

// members draws up to 14 nodes with weights, racks and datacenters.
func members(t *rapid.T) []Node {
	ids := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 20), 1, 14, rapid.ID[uint64]).Draw(t, "ids")
	racks := rapid.SampledFrom([][]string{{""}, {"a", "b", "c"}, {"a", "b", "c", "d", ""}, {"a", "b"}}).Draw(t, "racks")
	dcs := rapid.SampledFrom([][]string{{""}, {"east", "west"}, {"east", "west", "north"}}).Draw(t, "dcs")
	ms := make([]Node, len(ids))
	for i, id := range ids {
		ms[i] = Node{
			ID: NodeID(id), Weight: rapid.SampledFrom([]uint32{1, 1, 1, 2, 3, 50}).Draw(t, "weight"),
			Rack: rapid.SampledFrom(racks).Draw(t, "rack"), DC: rapid.SampledFrom(dcs).Draw(t, "dc"),
		}
	}
	return ms
}

func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{
			Replicas:          rapid.IntRange(1, 5).Draw(t, "n"),
			SlotsPerPartition: rapid.SampledFrom([]int{64, 256, 1024, 16384}).Draw(t, "slots"),
		}
		ms := members(t)
		r, err := Build(ms, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := broken(r, o); err != nil {
			t.Fatal(err)
		}
		shuffled := slices.Clone(ms)
		rand.New(rand.NewSource(1)).Shuffle(len(ms), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		again, err := Build(shuffled, o)
		if err != nil || !slices.Equal(again.table, r.table) {
			t.Fatalf("the order of members matters: %v", err)
		}
		still, err := Rebuild(r, shuffled, o)
		if err != nil || still.Moves != 0 || still.LowerBound != 0 || !slices.Equal(still.Ring.table, r.table) {
			t.Fatalf("nothing changed, yet %d vnodes move: %v", still.Moves, err)
		}

		o.Replicas = rapid.IntRange(1, 5).Draw(t, "n after")
		plan, err := Rebuild(r, members(t), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := broken(plan.Ring, o); err != nil {
			t.Fatal(err)
		}
		if moves := countMoved(r, plan.Ring); moves != plan.Moves || moves < plan.LowerBound {
			t.Fatalf("plan says %d moves, counted %d, bound %d", plan.Moves, moves, plan.LowerBound)
		}
	})
}

func BenchmarkBuild100(b *testing.B) {
	ms := nodes(1, 100, 5)
	for b.Loop() {
		build(b, ms, Options{Replicas: 3, SlotsPerPartition: 4})
	}
}

func BenchmarkRebuild6to7(b *testing.B) {
	o := Options{Replicas: 3}
	r, ms := build(b, nodes(1, 6, 3), o), nodes(1, 7, 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Rebuild(r, ms, o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	r := build(b, nodes(1, 9, 3), Options{Replicas: 3})
	alive := func(id NodeID) bool { return id != 4 }
	b.ReportAllocs()
	s := Slot(0)
	for b.Loop() {
		s = (s + 7919) % Slots
		r.Primary(r.PartitionOf(s), alive)
	}
}

func BenchmarkFallbacks(b *testing.B) {
	r := build(b, nodes(1, 9, 3), Options{Replicas: 3})
	b.ReportAllocs()
	for b.Loop() {
		it := r.Fallbacks(77)
		it.Next()
	}
}
