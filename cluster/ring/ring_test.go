package ring

import (
	"errors"
	"slices"
	"testing"
)

// nodes makes count members with ids from first, in racks r0, r1, ... in turn.
func nodes(first, count, racks int, weights ...uint32) []Node {
	ms := make([]Node, count)
	for i := range ms {
		ms[i] = Node{ID: NodeID(first + i), Weight: 1}
		if racks > 0 {
			ms[i].Rack = string(rune('A' + (first-1+i)%racks))
		}
		if len(weights) > 0 {
			ms[i].Weight = weights[i%len(weights)]
		}
	}
	return ms
}

func build(t testing.TB, ms []Node, o Options) *Ring {
	t.Helper()
	r, err := Build(ms, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLookupAndPrimary(t *testing.T) {
	r := build(t, nodes(1, 6, 3), Options{Replicas: 3})
	if r.Partitions() != 1024 || r.Epoch() != 1 || r.PartitionOf(16383) != 1023 || r.PartitionOf(16) != 1 {
		t.Fatalf("partitions %d, epoch %d, slot 16 in %d", r.Partitions(), r.Epoch(), r.PartitionOf(16))
	}
	list := r.Lookup(100)
	if !slices.Equal(list, r.PreferenceList(6)) || len(list) != 3 {
		t.Fatalf("list %v", list)
	}
	got, ok := r.Primary(6, func(id NodeID) bool { return id != list[0] })
	if !ok || got != list[1] {
		t.Errorf("with %d dead the primary is %d, want %d", list[0], got, list[1])
	}
	if _, ok := r.Primary(6, func(NodeID) bool { return false }); ok {
		t.Error("a primary though nobody lives")
	}
}

func TestFallbacksAreTheNextOwners(t *testing.T) {
	r := build(t, nodes(1, 12, 4), Options{Replicas: 3})
	for p := range r.Partitions() {
		seen := slices.Clone(r.PreferenceList(Partition(p)))
		var want []NodeID
		for d := 1; d < r.Partitions(); d++ {
			for _, id := range r.PreferenceList(Partition((p + d) % r.Partitions())) {
				if !slices.Contains(seen, id) {
					seen, want = append(seen, id), append(want, id)
				}
			}
		}
		var got []NodeID
		it := r.Fallbacks(Partition(p))
		for id, ok := it.Next(); ok; id, ok = it.Next() {
			got = append(got, id)
		}
		if !slices.Equal(got, want) || len(got) != 9 {
			t.Fatalf("partition %d: fallbacks %v, want %v", p, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		it := r.Fallbacks(1023)
		for _, ok := it.Next(); ok; _, ok = it.Next() {
		}
	}); n != 0 {
		t.Errorf("walking fallbacks allocates %v times", n)
	}
}

func TestRelaxed(t *testing.T) {
	dcs := append(nodes(1, 3, 0), nodes(4, 3, 0)...)
	for i := range dcs {
		dcs[i].DC = []string{"east", "west"}[i/3]
	}
	big := nodes(1, 6, 0)
	for i := range big {
		big[i].DC = []string{"east", "east", "east", "east", "north", "west"}[i]
	}
	for _, c := range []struct {
		name    string
		members []Node
		want    []string
	}{
		{"nothing", nodes(1, 6, 3), nil},
		{"two nodes", nodes(1, 2, 0), []string{"few-nodes: 2 of 3"}},
		{"two racks", nodes(1, 6, 2), []string{"few-racks: 2 of 3"}},
		{"one rack", nodes(1, 6, 1), []string{"few-racks: 1 of 3"}},
		{"two datacenters", dcs, []string{"few-datacenters: 2 of 3"}},
		{"a giant", nodes(1, 5, 0, 96, 1, 1, 1, 1), []string{"node-capped: node 0000000000000001 gets 1024 vnodes instead of 2949"}},
		{"a big datacenter", big, []string{`datacenter-capped: dc "east" gets 1024 vnodes instead of 2048`}},
		{"a giant of two", nodes(1, 2, 0, 50, 1), []string{"few-nodes: 2 of 3", "node-capped: node 0000000000000001 gets 1024 vnodes instead of 2007"}},
		{"a big rack", nodes(1, 7, 3), []string{`rack-capped: dc "" rack "A" gets 1024 vnodes instead of 1316`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, x := range build(t, c.members, Options{Replicas: 3}).Relaxed() {
				got = append(got, x.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("relaxed %q, want %q", got, c.want)
			}
			// A ring that grows or shrinks to these members says the same.
			plan, err := Rebuild(build(t, nodes(1, 5, 5), Options{Replicas: 3}), c.members, Options{Replicas: 3})
			if err != nil {
				t.Fatal(err)
			}
			got = got[:0]
			for _, x := range plan.Ring.Relaxed() {
				got = append(got, x.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("relaxed after a plan %q, want %q", got, c.want)
			}
		})
	}
}

func TestBadArguments(t *testing.T) {
	ok := nodes(1, 3, 0)
	for _, c := range []struct {
		name    string
		members []Node
		o       Options
		want    error
	}{
		{"no members", nil, Options{Replicas: 3}, ErrNoMembers},
		{"twice", append(nodes(1, 1, 0), ok...), Options{Replicas: 3}, ErrMembers},
		{"no weight", nodes(1, 3, 0, 0), Options{Replicas: 3}, ErrMembers},
		{"too many", nodes(1, MaxNodes+1, 0), Options{Replicas: 3}, ErrMembers},
		{"N 0", ok, Options{}, ErrOptions},
		{"N 17", ok, Options{Replicas: 17}, ErrOptions},
		{"12 slots", ok, Options{Replicas: 3, SlotsPerPartition: 12}, ErrOptions},
		{"negative slots", ok, Options{Replicas: 3, SlotsPerPartition: -16}, ErrOptions},
	} {
		if _, err := Build(c.members, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	r := build(t, ok, Options{Replicas: 3})
	if _, err := Rebuild(r, ok, Options{Replicas: 3, SlotsPerPartition: 8}); !errors.Is(err, ErrPartitions) {
		t.Errorf("other partitions: %v", err)
	}
}

func TestLoad(t *testing.T) {
	r := build(t, nodes(1, 5, 0), Options{Replicas: 3})
	lists := make([][]NodeID, r.Partitions())
	for p := range lists {
		lists[p] = slices.Clone(r.PreferenceList(Partition(p)))
	}
	same, err := Load(7, 16, r.Members(), lists)
	if err != nil || same.Epoch() != 7 || !slices.Equal(same.table, r.table) {
		t.Fatalf("loaded: %v", err)
	}
	lists[9][2] = lists[9][0]
	if _, err := Load(7, 16, r.Members(), lists); !errors.Is(err, ErrLists) {
		t.Errorf("a node twice: %v", err)
	}
	lists[9] = lists[9][:2]
	if _, err := Load(7, 16, r.Members(), lists); !errors.Is(err, ErrLists) {
		t.Errorf("a short list: %v", err)
	}
}
