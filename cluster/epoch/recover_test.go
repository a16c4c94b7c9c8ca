package epoch

import (
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

func TestRecovery(t *testing.T) {
	w := newWorld(t, 15, 5)
	w.wait(3 * Second)
	o := w.command(w.node(3), Command{Kind: CommandRecover, Survivors: []ring.NodeID{1, 2, 3, 4, 5}, Cluster: "aabb"})
	if !strings.Contains(o.Text, "can still decide") {
		t.Fatalf("%+v", o)
	}
	for _, id := range []ring.NodeID{1, 2, 4} {
		w.node(id).crash()
	}
	w.join(6)
	w.wait(Minute)
	if e := w.newest(oldCluster).Epoch; e != 1 {
		t.Fatalf("two of five voters have decided epoch %d", e)
	}
	o = w.command(w.node(3), Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.SetWeight, ID: 3, Weight: 2}}})
	if o.Err() == nil {
		t.Fatalf("%+v", o)
	}
	const next = "ffeeddccbbaa99887766554433221100"
	if o := w.command(w.node(3), Command{Kind: CommandRecover, Survivors: []ring.NodeID{3}, Cluster: next}); o.Code != CodeRefused {
		t.Fatalf("node 5 is alive and given up: %+v", o)
	}
	if o := w.command(w.node(3), Command{Kind: CommandRecover, Survivors: []ring.NodeID{1, 3, 5}, Cluster: next}); o.Code != CodeRefused {
		t.Fatalf("node 1 is silent: %+v", o)
	}
	if o := w.command(w.node(3), Command{Kind: CommandRecover, Survivors: []ring.NodeID{3, 5}, Cluster: next}); o.Err() != nil {
		t.Fatalf("%+v", o)
	}
	w.run(2*Minute, "it goes on", w.membersOf(next, 3, 5, 6))
	if s := w.node(3).m.Status(); len(s.HandOut) > 0 {
		t.Errorf("%+v", s)
	}
	for _, id := range []ring.NodeID{1, 2, 4} {
		w.node(id).start()
	}
	w.wait(Minute)
	for _, id := range []ring.NodeID{1, 2, 4} {
		if c := w.node(id).m.Document().Cluster; c != oldCluster {
			t.Errorf("node %d was given up and is in the new lineage", id)
		}
	}
	if !w.membersOf(next, 3, 5, 6)() {
		t.Error("they have disturbed the new lineage")
	}
}

// Where it is ordered need not be a voter afterwards, nor are words safe.
func TestRecoveryOverABadNetwork(t *testing.T) {
	const next = "ffeeddccbbaa99887766554433221100"
	for seed := range uint64(20) {
		w := newWorld(t, seed, 5)
		w.wait(3 * Second)
		w.loss, w.double, w.slowest = 0.3, 0.3, 500*Millisecond
		for _, id := range []ring.NodeID{1, 2, 4} {
			w.node(id).crash()
		}
		w.wait(3 * Second)
		n := w.node([]ring.NodeID{3, 5}[seed%2])
		if o := w.command(n, Command{Kind: CommandRecover, Survivors: []ring.NodeID{3, 5}, Cluster: next}); o.Err() != nil {
			t.Fatalf("%+v", o)
		}
		w.run(2*Minute, "it goes on", w.membersOf(next, 3, 5))
		w.run(Minute, "all are told", func() bool { return len(n.m.Status().HandOut) == 0 })
	}
}

// A plan that would need copies by a dead node is not begun by itself.
func TestNoPlanForTheDead(t *testing.T) {
	w := newWorld(t, 21, 5)
	w.wait(3 * Second)
	w.node(5).crash()
	w.node(2).leaves = true
	w.wait(3 * Minute)
	if w.newest(oldCluster).Epoch != 1 || w.counts["plan refused"] == 0 {
		t.Fatalf("%v", w.counts)
	}
	w.node(5).start()
	w.run(3*Minute, "node 2 is gone", w.members(1, 3, 4, 5))
}

// A survivor knows a newer document than the one where the recovery is ordered.
func TestRecoveryTakesTheNewest(t *testing.T) {
	w := newWorld(t, 16, 5)
	w.wait(3 * Second)
	w.node(5).crash()
	w.join(6)
	w.run(60*Second, "node 6 is in", func() bool { return w.newest(oldCluster).Epoch == 4 })
	w.wait(3 * Second)
	for _, id := range []ring.NodeID{1, 2, 3} {
		w.node(id).crash()
	}
	w.mute = true
	w.node(5).start()
	const next = "ffeeddccbbaa99887766554433221100"
	o := w.command(w.node(5), Command{Kind: CommandRecover, Survivors: []ring.NodeID{4, 5, 6}, Cluster: next})
	if o.Err() != nil {
		t.Fatalf("%+v", o)
	}
	w.run(2*Minute, "it goes on", w.membersOf(next, 4, 5, 6))
	if d := w.documents[next][5]; d == nil || d.Parent != w.documents[oldCluster][4].Hash() {
		t.Error("not from the newest document")
	}
}

// A new lineage is for its survivors.
func TestALineageOfOthers(t *testing.T) {
	w := newWorld(t, 24, 5)
	d, err := ring.Recover(w.newest(oldCluster), []ring.NodeID{3, 5}, "aabb")
	if err != nil {
		t.Fatal(err)
	}
	body := appendLineage(nil, oldCluster, mustEncode(t, d))
	if err := w.node(1).m.Receive(w.now, 3, body); err == nil {
		t.Error("taken by who is given up")
	}
	if err := w.node(5).m.Receive(w.now, 3, body); err != nil || w.node(5).m.Document().Cluster != "aabb" {
		t.Error(err)
	}
}
