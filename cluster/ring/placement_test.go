package ring

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// broken returns what is wrong with a table, by its own plain counting.
func broken(r *Ring, o Options) error {
	holds, firsts := map[NodeID]int{}, map[NodeID]int{}
	for _, id := range r.lists {
		holds[id]++
	}
	// Told what the nodes hold, ties of rounding are theirs: quotas are exact.
	l, err := newLayout(r.members, o, func(id NodeID) int { return holds[id] })
	if err != nil {
		return err
	}
	for p := range r.Partitions() {
		racks, dcs := map[int]int{}, map[int]int{}
		list := r.PreferenceList(Partition(p))
		firsts[list[0]]++
		for k, id := range list {
			if slices.Contains(list[:k], id) {
				return fmt.Errorf("partition %d: %v", p, list)
			}
			i, _ := find(r.members, id)
			racks[l.rackOf[i]]++
			dcs[l.dcOf[i]]++
			if racks[l.rackOf[i]] > l.rackLimit || dcs[l.dcOf[i]] > l.dcLimit {
				return fmt.Errorf("partition %d: %v breaks a rack or datacenter", p, list)
			}
		}
	}
	for i, m := range r.members {
		if holds[m.ID] != l.quota[i] {
			return fmt.Errorf("node %d holds %d, quota %d", m.ID, holds[m.ID], l.quota[i])
		}
		if q := holds[m.ID]; firsts[m.ID] < q/r.n || firsts[m.ID] > ceil(q, r.n) {
			return fmt.Errorf("node %d is first %d times with %d vnodes", m.ID, firsts[m.ID], q)
		}
	}
	return nil
}

// TestMovement prints what membership changes cost. The bounds on time are wide:
// they are for the quick and the slow machine alike.
func TestMovement(t *testing.T) {
	without := func(ms []Node, ids ...NodeID) []Node {
		return slices.DeleteFunc(slices.Clone(ms), func(m Node) bool { return slices.Contains(ids, m.ID) })
	}
	weighted := func(n int) []Node { return nodes(1, n, 3, 1, 1, 1, 1, 1, 1, 2, 2, 2) }
	for _, c := range []struct {
		name     string
		slots    int
		old, new []Node
		exact    int // moves, when known by heart
	}{
		{"6 -> 7, 3 racks", 16, nodes(1, 6, 3), nodes(1, 7, 3), 341},
		{"6 -> 9, 3 racks", 16, nodes(1, 6, 3), nodes(1, 9, 3), 1023},
		{"9 -> 8, 3 racks", 16, nodes(1, 9, 3), without(nodes(1, 9, 3), 9), 341},
		{"6 -> 7, no racks", 16, nodes(1, 6, 0), nodes(1, 7, 0), 438},
		{"7 -> 6, no racks", 16, nodes(1, 7, 0), nodes(1, 6, 0), 0},
		{"3 -> 4, no racks", 16, nodes(1, 3, 0), nodes(1, 4, 0), 768},
		{"1 -> 3", 16, nodes(1, 1, 0), nodes(1, 3, 0), 2048},
		{"5 replaced", 16, nodes(1, 9, 3), append(without(nodes(1, 9, 3), 5), Node{ID: 50, Weight: 1, Rack: "B"}), 0},
		{"12 -> 10, 4 racks", 16, nodes(1, 12, 4), without(nodes(1, 12, 4), 3, 8), 0},
		{"9 -> 12, 1:1:2", 16, weighted(9), weighted(12), 0},
		{"weights 1:1:1 to 1:1:2", 16, nodes(1, 9, 0), nodes(1, 9, 0, 1, 1, 2), 0},
		{"100 -> 101, 5 racks", 4, nodes(1, 100, 5), nodes(1, 101, 5), 0},
		{"100 -> 90, 5 racks", 4, nodes(1, 100, 5), nodes(1, 90, 5), 0},
		{"100 -> 110, 1:1:2", 4, nodes(1, 100, 0, 1, 1, 2), nodes(1, 110, 0, 1, 1, 2), 0},
		{"300 -> 301, 3 racks", 1, nodes(1, 300, 3), nodes(1, 301, 3), 0},
		{"300 -> 270, 10 racks", 1, nodes(1, 300, 10), nodes(1, 270, 10), 0},
		{"150 -> 300, 10 racks", 1, nodes(1, 150, 10), nodes(1, 300, 10), 0},
	} {
		o := Options{Replicas: 3, SlotsPerPartition: c.slots}
		begin := time.Now()
		old := build(t, c.old, o)
		built := time.Since(begin)
		begin = time.Now()
		plan, err := Rebuild(old, c.new, o)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		took := time.Since(begin)
		verdict := "quotas exact, no rack broken"
		for _, r := range []*Ring{old, plan.Ring} {
			if err := broken(r, o); err != nil {
				verdict = err.Error()
				t.Errorf("%s: %v", c.name, err)
			}
		}
		t.Logf("%-24s moved %5d of %5d (bound), build %5.1f ms, rebuild %5.1f ms, %s", c.name, plan.Moves, plan.LowerBound,
			built.Seconds()*1000, took.Seconds()*1000, verdict)
		if c.exact > 0 && plan.Moves != c.exact || plan.Moves > plan.LowerBound+plan.LowerBound/50 {
			t.Errorf("%s: moved %d, bound %d, want %d", c.name, plan.Moves, plan.LowerBound, c.exact)
		}
		if took > 10*time.Second {
			t.Errorf("%s: rebuild took %v", c.name, took)
		}
	}
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
		moves := 0
		for p := range r.Partitions() {
			for _, id := range plan.Ring.PreferenceList(Partition(p)) {
				moves += b2i(!r.Holds(Partition(p), id))
			}
		}
		if moves != plan.Moves || moves < plan.LowerBound {
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
