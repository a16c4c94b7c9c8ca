package ring

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const lineage = "00112233445566778899aabbccddeeff"

// founded makes a document of nodes, with addresses.
func founded(t testing.TB, ns []Node, n, slots int) *Document {
	t.Helper()
	d, err := Found(Founding{Cluster: lineage, Name: "test", Replicas: n, Slots: slots, Members: asMembers(ns)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func asMembers(ns []Node) (ms []Member) {
	for _, n := range ns {
		at := func(port int) string { return fmt.Sprintf("10.0.%d.%d:%d", n.ID/250, n.ID%250, port) }
		ms = append(ms, Member{Node: n, Client: at(6379), Forward: at(6380), Peer: at(7379), Gossip: at(7380)})
	}
	return ms
}

func propose(t testing.TB, d *Document, o PlanOptions, changes ...Change) *Proposal {
	t.Helper()
	p, err := d.Propose(changes, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func joins(ns ...Node) (cs []Change) {
	for _, m := range asMembers(ns) {
		cs = append(cs, Change{Kind: Join, Member: m})
	}
	return cs
}

// everything is known of d by who has done all.
func done(d *Document) func(NodeID) Known {
	return func(NodeID) Known { return Known{true, d.Epoch, d.Epoch, d.Epoch} }
}

// through carries the plan out.
func through(t testing.TB, d *Document) *Document {
	t.Helper()
	for d.Stage != Stable {
		next, wait := Next(d, done(d))
		if next == nil {
			t.Fatalf("epoch %d, %v: %v", d.Epoch, d.Stage, wait)
		}
		d = next
	}
	return d
}

func ringOf(t testing.TB, d *Document) *Ring {
	t.Helper()
	r, err := d.Ring()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFoundIsAFunction(t *testing.T) {
	ms := asMembers(nodes(1, 5, 3))
	a, err := Found(Founding{Cluster: lineage, Replicas: 3, Members: ms})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(ms)
	ms[1].Client = "another:1"
	b, err := Found(Founding{Cluster: lineage, Replicas: 3, Members: ms})
	if err != nil || a.Hash() != b.Hash() || a.Hash() == (Hash{}) {
		t.Errorf("another order or address, another hash: %v", err)
	}
	r := ringOf(t, a)
	if r.Stage() != Stable || r.Since(7) != 1 || r.Moving(7) != nil || r.Copiers(7) != nil || !slices.Equal(r.Owners(7), r.PreferenceList(7)) || a.Epoch != 1 {
		t.Error("the first ring is not at rest")
	}
	if plain := build(t, nodes(1, 5, 3), Options{Replicas: 3}); !slices.Equal(plain.table, r.table) {
		t.Error("not the ring that Build makes")
	}
	for name, f := range map[string]Founding{
		"no cluster": {Replicas: 3, Members: ms}, "no members": {Cluster: lineage, Replicas: 3}, "not UTF-8": {Cluster: lineage, Replicas: 3, Members: ms, Name: "\xff"},
		"node 0": {Cluster: lineage, Replicas: 1, Members: asMembers(nodes(0, 1, 0))}, "rules": {Cluster: lineage, Replicas: 1, Members: ms, Rules: []byte("{")},
		"an address": {Cluster: lineage, Replicas: 1, Members: []Member{{Node: Node{ID: 1, Weight: 1}, Peer: strings.Repeat("x", 256)}}},
	} {
		if _, err := Found(f); err == nil {
			t.Error(name)
		}
	}
}

// TestStages goes through a join and looks at what every stage says of one partition that moves.
func TestStages(t *testing.T) {
	d := founded(t, nodes(1, 3, 0), 3, 16)
	p := propose(t, d, PlanOptions{By: "auto"}, joins(Node{ID: 4})...)
	copying := p.Next
	before, during := ringOf(t, d), ringOf(t, copying)
	if p.Moves != 768 || p.Bound != 768 || p.Partitions != len(copying.Moving) || copying.Parent != d.Hash() || copying.Stage != Copying {
		t.Errorf("%d moves, bound %d, %d partitions, %v", p.Moves, p.Bound, p.Partitions, copying.Stage)
	}
	if f := p.Nodes[3]; f.ID != 4 || !f.Joins || f.Before != 0 || f.After != 768 || f.In != 768 || f.Share != 0.25 || f.Firsts != 256 {
		t.Errorf("figures of the new node: %+v", f)
	}
	moving := slices.IndexFunc(copying.Pending, func(list []uint16) bool { return slices.Contains(list, 3) })
	at := copying.Moving[moving]
	if !slices.Equal(during.PreferenceList(at), before.PreferenceList(at)) || !slices.Contains(during.Moving(at), 4) || during.Holds(at, 4) ||
		!during.Owns(at, 4) || len(during.Owners(at)) != 4 || !slices.Equal(during.Copiers(at), []NodeID{4}) || during.Since(at) != 2 {
		t.Errorf("copying: %v, moving %v, owners %v, copiers %v", during.PreferenceList(at), during.Moving(at), during.Owners(at), during.Copiers(at))
	}
	it := during.Fallbacks(at)
	if id, ok := it.Next(); ok {
		t.Errorf("node %d owns it and is a fallback", id)
	}
	reading, _ := Next(copying, done(copying))
	r := ringOf(t, reading)
	if r.Stage() != Reading || !slices.Equal(r.PreferenceList(at), during.Moving(at)) || !slices.Equal(r.Moving(at), before.PreferenceList(at)) || r.Copiers(at) != nil || r.Since(at) != 3 {
		t.Errorf("reading: %v, moving %v", r.PreferenceList(at), r.Moving(at))
	}
	stable, _ := Next(reading, done(reading))
	end := ringOf(t, stable)
	if end.Stage() != Stable || !slices.Equal(end.PreferenceList(at), r.PreferenceList(at)) || end.Moving(at) != nil || end.Since(at) != 4 || !slices.Equal(end.Owners(at), end.PreferenceList(at)) {
		t.Errorf("stable: %v, moving %v", end.PreferenceList(at), end.Moving(at))
	}
	if next, wait := Next(stable, done(stable)); next != nil || wait != nil {
		t.Errorf("after the plan: %v %v", next, wait)
	}
	for p := range before.Partitions() {
		if p := Partition(p); during.Moving(p) == nil && (end.Since(p) != 1 || !slices.Equal(end.PreferenceList(p), before.PreferenceList(p))) {
			t.Fatalf("partition %d did not move and changed", p)
		}
	}
	if _, err := copying.Propose(joins(Node{ID: 5}), PlanOptions{}); !errors.Is(err, ErrPlanned) {
		t.Errorf("a second plan: %v", err)
	}
	if _, err := reading.Abort(); !errors.Is(err, ErrStage) {
		t.Errorf("aborted while reading: %v", err)
	}
	aborted, err := copying.Abort()
	if err != nil || aborted.Stage != Stable || !reflect.DeepEqual(aborted.Lists, copying.Lists) || !aborted.Member(4).Leaving || aborted.Since[at] != 3 {
		t.Errorf("aborted: %v", err)
	}
	gone, _ := Next(aborted, done(aborted))
	if gone == nil || gone.Member(4) != nil || !slices.Equal(ringOf(t, gone).table, before.table) {
		t.Error("who was to join does not leave after an abort")
	}
}

// TestReplace: the heir takes the places of the other and nothing else moves.
func TestReplace(t *testing.T) {
	for _, alive := range []bool{true, false} {
		d := founded(t, nodes(1, 9, 3), 3, 16)
		p := propose(t, d, PlanOptions{Alive: func(id NodeID) bool { return alive || id != 5 }}, Change{Kind: Replace, ID: 5, Member: Member{Node: Node{ID: 50, Rack: "B"}}})
		if held := p.Nodes[4].Before; p.Moves != held || p.Bound != held || p.Partitions != held || p.Reordered != 0 {
			t.Errorf("%d of %d vnodes move in %d partitions, bound %d", p.Moves, held, p.Partitions, p.Bound)
		}
		end := through(t, p.Next)
		was, is := ringOf(t, d), ringOf(t, end)
		for at, id := range was.lists {
			if id == 5 {
				id = 50
			}
			if is.lists[at] != id {
				t.Fatalf("entry %d: %d became %d", at, was.lists[at], is.lists[at])
			}
		}
		if m := end.Member(5); alive != (m != nil && m.Leaving) {
			t.Errorf("alive %t, afterwards %+v", alive, m)
		}
	}
}

func TestRefusals(t *testing.T) {
	d := founded(t, nodes(1, 4, 0), 3, 1024)
	dead := func(ids ...NodeID) PlanOptions {
		return PlanOptions{Alive: func(id NodeID) bool { return !slices.Contains(ids, id) }}
	}
	leave := func(ids ...NodeID) (cs []Change) {
		for _, id := range ids {
			cs = append(cs, Change{Kind: Leave, ID: id})
		}
		return cs
	}
	for _, c := range []struct {
		name    string
		changes []Change
		o       PlanOptions
		want    error
	}{
		{"unknown node", leave(9), PlanOptions{}, ErrUnknown},
		{"everybody leaves", leave(1, 2, 3, 4), PlanOptions{}, ErrLast},
		{"joins twice", joins(Node{ID: 5}, Node{ID: 5}), PlanOptions{}, ErrChange},
		{"a member joins", joins(Node{ID: 3}), PlanOptions{}, ErrChange},
		{"node 0", joins(Node{}), PlanOptions{}, ErrChange},
		{"a live node removed", []Change{{Kind: Remove, ID: 3}}, PlanOptions{}, ErrChange},
		{"two of three owners dead", []Change{{Kind: Remove, ID: 3}, {Kind: Remove, ID: 4}}, dead(3, 4), ErrLoss},
		{"a join with two dead", joins(Node{ID: 5}), dead(3, 4), ErrLoss},
		{"N 0", []Change{{Kind: SetReplicas}}, PlanOptions{}, ErrChange},
		{"weight 0", []Change{{Kind: SetWeight, ID: 1}}, PlanOptions{}, ErrChange},
		{"the same weight", []Change{{Kind: SetWeight, ID: 1, Weight: 1}}, PlanOptions{}, ErrNothing},
		{"nothing", nil, PlanOptions{}, ErrNothing},
		{"unknown change", []Change{{Kind: 99, ID: 1}}, PlanOptions{}, ErrChange},
		{"replaced by itself", []Change{{Kind: Replace, ID: 1, Member: Member{Node: Node{ID: 1}}}}, PlanOptions{}, ErrChange},
		{"removed and joins", append([]Change{{Kind: Remove, ID: 3}}, joins(Node{ID: 3})...), dead(3), ErrChange},
		{"an address", []Change{{Kind: Join, Member: Member{Node: Node{ID: 7}, Peer: strings.Repeat("x", 256)}}}, PlanOptions{}, ErrDocument},
	} {
		if p, err := d.Propose(c.changes, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", c.name, p, err, c.want)
		}
	}
	var loss *LossError
	_, err := d.Propose([]Change{{Kind: Remove, ID: 3}, {Kind: Remove, ID: 4}}, dead(3, 4))
	if !errors.As(err, &loss) || loss.Partitions == 0 || !slices.Equal(slices.Sorted(slices.Values(loss.Dead)), []NodeID{3, 4}) {
		t.Errorf("what would be lost: %v", err)
	} else if !strings.HasSuffix(err.Error(), "(of partition "+strconv.Itoa(int(loss.First))+": "+Names(loss.Dead)+")") {
		t.Errorf("%v", err)
	}
	o := dead(3, 4)
	o.AcceptLoss = true
	end := through(t, propose(t, d, o, Change{Kind: Remove, ID: 3}, Change{Kind: Remove, ID: 4}).Next)
	if len(end.Members) != 2 || len(end.Lists[0]) != 2 {
		t.Errorf("%d members, lists of %d", len(end.Members), len(end.Lists[0]))
	}
	// One of four is dead: a majority of each partition's owners is left.
	if end := through(t, propose(t, d, dead(2), Change{Kind: Remove, ID: 2}).Next); end.Member(2) != nil || len(end.Lists[0]) != 3 {
		t.Errorf("a dead node removed: %+v", end.Members)
	}
}

// TestRecover: two of three are gone for good. The one goes on alone, in a lineage of its own, whatever stage it was at.
func TestRecover(t *testing.T) {
	first := founded(t, nodes(1, 3, 0), 3, 1024)
	copying := propose(t, first, PlanOptions{}, joins(Node{ID: 4}, Node{ID: 5})...).Next
	reading, _ := Next(copying, done(copying))
	other := strings.Repeat("ff", 16)
	for _, d := range []*Document{first, copying, reading} {
		for _, left := range [][]NodeID{{1}, {1, 2}} {
			r, err := Recover(d, left, other)
			if err != nil {
				t.Fatalf("%v: %v", d.Stage, err)
			}
			if r.Epoch != d.Epoch+1 || r.Parent != d.Hash() || r.Cluster != other || !slices.Equal(r.Voters, []NodeID{1}) {
				t.Errorf("%v: epoch %d, cluster %s, voters %v", d.Stage, r.Epoch, r.Cluster, r.Voters)
			}
			for r.Stage != Stable {
				next, wait := Next(r, func(id NodeID) Known {
					alive := slices.Contains(left, id)
					return Known{alive, r.Epoch * Epoch(b2i(alive)), r.Epoch, 0}
				})
				if next == nil {
					t.Fatalf("from %v, %v: %v", d.Stage, r.Stage, wait)
				}
				r = next
			}
			if ids := r.ids(all16(len(r.Members))); !slices.Equal(ids, left) || len(r.Lists[0]) != len(left) {
				t.Errorf("%v: members %v, lists of %d", d.Stage, ids, len(r.Lists[0]))
			}
		}
	}
	if _, err := Recover(first, []NodeID{9}, other); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := Recover(first, []NodeID{1}, lineage); !errors.Is(err, ErrChange) {
		t.Error(err)
	}
	if r, err := Recover(first, []NodeID{1, 2, 3}, other); err != nil || r.Stage != Stable || r.Epoch != 2 {
		t.Errorf("everybody survives: %v", err)
	}
}

func all16(n int) (s []uint16) {
	for i := range n {
		s = append(s, uint16(i))
	}
	return s
}

func TestVoters(t *testing.T) {
	in := func(ns []Node, were ...NodeID) []NodeID { return elect(were, asMembers(ns)) }
	dcs := nodes(1, 9, 3)
	for i := range dcs {
		dcs[i].DC = []string{"east", "east", "east", "east", "east", "east", "west", "west", "north"}[i]
	}
	for _, c := range []struct {
		name  string
		nodes []Node
		were  []NodeID
		want  []NodeID
	}{
		{"alone", nodes(1, 1, 0), nil, []NodeID{1}},
		{"two", nodes(1, 2, 0), []NodeID{1}, []NodeID{1}},
		{"three", nodes(1, 3, 0), []NodeID{1}, []NodeID{1, 2, 3}},
		{"four", nodes(1, 4, 0), []NodeID{2, 3, 4}, []NodeID{2, 3, 4}},
		{"many", nodes(1, 100, 0), nil, []NodeID{1, 2, 3, 4, 5, 6, 7}},
		{"they stay", nodes(1, 100, 0), []NodeID{20, 30, 40}, []NodeID{1, 2, 3, 4, 20, 30, 40}},
		{"racks", []Node{{ID: 1, Rack: "a"}, {ID: 2, Rack: "a"}, {ID: 3, Rack: "a"}, {ID: 4, Rack: "b"}, {ID: 5, Rack: "c"}, {ID: 6, Rack: "a"}}, nil, []NodeID{1, 2, 3, 4, 5}},
		{"racks first", []Node{{ID: 1, Rack: "a"}, {ID: 2, Rack: "a"}, {ID: 3, Rack: "b"}, {ID: 4, Rack: "c"}}, nil, []NodeID{1, 3, 4}},
		{"datacenters", dcs, nil, []NodeID{1, 2, 3, 4, 7, 8, 9}},
		{"one goes of the fullest rack", []Node{{ID: 1, Rack: "a"}, {ID: 2, Rack: "a"}, {ID: 3, Rack: "b"}, {ID: 4, Rack: "c"}}, []NodeID{1, 2, 3, 4}, []NodeID{1, 3, 4}},
	} {
		ms := asMembers(c.nodes)
		ms = append(ms, Member{Node: Node{ID: 999, Weight: 1, Rack: "far"}, Leaving: true})
		if got := elect(append(slices.Clone(c.were), 999), ms); !slices.Equal(got, c.want) {
			t.Errorf("%s, another leaves: %v, want %v", c.name, got, c.want)
		}
		if got := in(c.nodes, c.were...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
