package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// sites makes nodes in datacenters: so many in each.
func sites(first int, east, west int) []Node {
	ns := nodes(first, east+west, 3)
	for i := range ns {
		ns[i].DC = map[bool]string{true: "east", false: "west"}[i < east]
	}
	return ns
}

// uneven says where a ring with N by datacenter is not what each datacenter by itself would be: lists with another number
// of its nodes, with more of one rack than must be, nodes off their quota or off their share of first places.
func uneven(r *Ring, perDC map[string]int) (errs []error) {
	holds, firsts := map[NodeID]int{}, map[NodeID]int{}
	for p := range r.Partitions() {
		list := r.PreferenceList(Partition(p))
		firsts[list[0]]++
		in, racks := map[string]int{}, map[string]int{}
		for k, id := range list {
			i, _ := find(r.members, id)
			holds[id]++
			in[r.members[i].DC]++
			racks[r.members[i].DC+"/"+r.members[i].Rack]++
			if slices.Contains(list[:k], id) {
				errs = append(errs, fmt.Errorf("partition %d: %v", p, list))
			}
		}
		for dc, n := range perDC {
			there, rackThere := 0, map[string]bool{}
			for _, m := range r.members {
				if m.DC == dc {
					there++
					rackThere[m.Rack] = true
				}
			}
			if n = min(n, there); in[dc] != n || len(inDC(r, Partition(p), dc)) != n {
				errs = append(errs, fmt.Errorf("partition %d: %d of %d in %s", p, in[dc], n, dc))
			}
			for rack := range rackThere {
				if racks[dc+"/"+rack] > ceil(n, len(rackThere)) {
					errs = append(errs, fmt.Errorf("partition %d: %v has rack %s of %s %d times", p, list, rack, dc, racks[dc+"/"+rack]))
				}
			}
		}
	}
	for _, m := range r.members {
		if first := firsts[m.ID]; first < holds[m.ID]/r.n || first > ceil(holds[m.ID], r.n) {
			errs = append(errs, fmt.Errorf("node %d holds %d, is first %d times", m.ID, holds[m.ID], first))
		}
	}
	return errs
}

// TestPerDC: each datacenter places its own N, and changes in one move nothing in the other.
func TestPerDC(t *testing.T) {
	perDC := map[string]int{"east": 3, "west": 2}
	o := Options{PerDC: perDC}
	r := build(t, sites(1, 6, 3), o)
	if r.Replicas() != 5 {
		t.Errorf("N = %d", r.Replicas())
	}
	if err := errors.Join(uneven(r, perDC)...); err != nil {
		t.Error(err)
	}
	more := append(sites(1, 6, 3), Node{ID: 10, Weight: 1, Rack: "A", DC: "east"})
	plan, err := Rebuild(r, more, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(uneven(plan.Ring, perDC)...); err != nil {
		t.Error(err)
	}
	alone, err := Rebuild(build(t, nodes(1, 6, 3), Options{Replicas: 3}), nodes(1, 7, 3), Options{Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	if plan.Moves != alone.Moves || plan.LowerBound != alone.LowerBound || countMoved(r, plan.Ring) != plan.Moves {
		t.Errorf("%d moves, bound %d; east by itself %d", plan.Moves, plan.LowerBound, alone.Moves)
	}
	for p := range r.Partitions() {
		was, is := inDC(r, Partition(p), "west"), inDC(plan.Ring, Partition(p), "west")
		if slices.Sort(was); !slices.Equal(was, slices.Sorted(slices.Values(is))) {
			t.Fatalf("partition %d moves in west: %v to %v", p, was, is)
		}
	}
	for name, o := range map[string]Options{
		"another sum": {Replicas: 4, PerDC: perDC}, "nothing": {PerDC: map[string]int{"east": 0}}, "too many": {PerDC: map[string]int{"east": 9, "west": 8}},
	} {
		if _, err := Build(more, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Build(more, Options{PerDC: map[string]int{"north": 1}}); !errors.Is(err, ErrNoMembers) {
		t.Errorf("nobody there: %v", err)
	}
	few := build(t, sites(1, 2, 3), Options{PerDC: map[string]int{"east": 3, "west": 1, "north": 1}})
	var told []string
	for _, x := range few.Relaxed() {
		told = append(told, x.String())
	}
	if want := []string{`few-nodes: 2 of 3 in dc "east"`, `few-nodes: 0 of 1 in dc "north"`}; !slices.Equal(told, want) {
		t.Errorf("relaxed %q", told)
	}
}

// TestPerDCAnyChange: from any such ring to any other, also from and to one N for all.
func TestPerDCAnyChange(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 5))
		options := func() (Options, map[string]int) {
			if r.IntN(4) == 0 {
				return Options{Replicas: 1 + r.IntN(5), SlotsPerPartition: 256}, nil
			}
			perDC := map[string]int{"east": 1 + r.IntN(3), "west": 1 + r.IntN(3)}
			return Options{PerDC: perDC, SlotsPerPartition: 256}, perDC
		}
		o, perDC := options()
		ring := build(t, sites(1+r.IntN(4), 1+r.IntN(6), 1+r.IntN(6)), o)
		for range 3 {
			if perDC != nil {
				if err := errors.Join(uneven(ring, perDC)...); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			o, perDC = options()
			plan, err := Rebuild(ring, sites(1+r.IntN(4), 1+r.IntN(6), 1+r.IntN(6)), o)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if moved := countMoved(ring, plan.Ring); moved != plan.Moves || moved < plan.LowerBound {
				t.Fatalf("seed %d: %d moves, counted %d, bound %d", seed, plan.Moves, moved, plan.LowerBound)
			}
			ring = plan.Ring
		}
	}
}

// TestPerDCBarrier: majorities are wanted in each datacenter, so that a LOCAL_QUORUM of one that is cut off is never behind.
func TestPerDCBarrier(t *testing.T) {
	d, err := Found(Founding{Cluster: lineage, PerDC: map[string]int{"east": 3, "west": 3}, Slots: 1024, Members: asMembers(sites(1, 3, 3))})
	if err != nil {
		t.Fatal(err)
	}
	p := propose(t, d, PlanOptions{}, joins(Node{ID: 9, DC: "east"})...)
	silent := func(ids ...NodeID) func(NodeID) Known {
		return func(id NodeID) Known {
			if slices.Contains(ids, id) {
				return Known{}
			}
			return Known{true, p.Next.Epoch, p.Next.Epoch, 0}
		}
	}
	if next, _ := Next(p.Next, silent(4)); next == nil {
		t.Error("one of three in west is silent")
	}
	if next, wait := Next(p.Next, silent(4, 5)); next != nil || wait.For != WaitOld {
		t.Errorf("a majority of west is silent: %v", wait)
	}
	// All of west dead: four of six would be a majority of the old owners, were there no datacenters.
	if _, err := d.Propose(joins(Node{ID: 9, DC: "east"}), PlanOptions{Alive: func(id NodeID) bool { return id != 4 && id != 5 }}); !errors.Is(err, ErrLoss) {
		t.Errorf("planned without west: %v", err)
	}
	end := through(t, p.Next)
	if err := errors.Join(uneven(ringOf(t, end), end.PerDC)...); err != nil {
		t.Error(err)
	}
	back := propose(t, end, PlanOptions{}, Change{Kind: SetReplicas, Replicas: 2}).Next
	if end := through(t, back); len(end.Lists[0]) != 2 || end.PerDC != nil {
		t.Errorf("back to one N: lists of %d", len(end.Lists[0]))
	}
}

// inDC is the home replicas of p in a datacenter: those on the list that reads use.
func inDC(r *Ring, p Partition, dc string) (ids []NodeID) {
	for at := int(p) * r.n; at < int(p+1)*r.n; at++ {
		if m := &r.members[r.table[at]]; m.DC == dc {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
