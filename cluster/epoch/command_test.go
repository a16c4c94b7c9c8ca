package epoch

import (
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

func TestPlanShowCommit(t *testing.T) {
	w := newWorld(t, 8, 3)
	w.auto = false
	for _, n := range w.nodes {
		n.m.auto = false
	}
	w.join(4)
	w.wait(3 * Second)
	n := w.node(2)
	if o := w.command(n, Command{Kind: CommandCommit}); o.Code != CodeNothing {
		t.Fatalf("%+v", o)
	}
	changes := []ring.Change{{Kind: ring.Join, Member: member(4)}}
	o := w.command(n, Command{Kind: CommandPlan, Changes: changes})
	if o.Err() != nil || o.Figures == nil || o.Figures.Moves != o.Figures.Bound || o.Figures.Moves == 0 || len(o.Figures.Nodes) != 4 {
		t.Fatalf("%+v", o)
	}
	if w.newest(oldCluster).Epoch != 1 {
		t.Fatal("shown is not done")
	}
	if len(n.m.Status().Staged) != 1 {
		t.Fatal("nothing staged")
	}
	if o := w.command(n, Command{Kind: CommandCommit}); o.Err() != nil {
		t.Fatalf("%+v", o)
	}
	if o := w.command(w.node(3), Command{Kind: CommandPlan, Changes: changes}); o.Code != CodePlanned {
		t.Fatalf("%+v", o)
	}
	o = w.command(w.node(3), Command{Kind: CommandStatus})
	if o.Err() != nil || o.Status == nil || o.Status.Self != 1 || len(o.Status.Members) != 4 || o.Status.Plan == nil {
		t.Fatalf("%+v", o)
	}
	w.run(60*Second, "node 4 is in", w.members(1, 2, 3, 4))
}

func TestCommitAfterTheRingHasChanged(t *testing.T) {
	w := newWorld(t, 9, 3)
	w.wait(3 * Second)
	n := w.node(2)
	w.command(n, Command{Kind: CommandPlan, Changes: []ring.Change{{Kind: ring.SetWeight, ID: 3, Weight: 2}}})
	w.join(4)
	w.run(60*Second, "node 4 is in", w.members(1, 2, 3, 4))
	if o := w.command(n, Command{Kind: CommandCommit}); o.Code != CodeMoved {
		t.Fatalf("%+v", o)
	}
}

func TestAbort(t *testing.T) {
	w := newWorld(t, 10, 3)
	w.join(4)
	w.node(4).stuck = true
	w.run(30*Second, "copying", w.stage(ring.Copying))
	w.wait(10 * Second)
	if s := w.node(1).m.Status(); s.Wait == "" || len(s.WaitNodes) != 1 || s.WaitNodes[0] != 4 {
		t.Errorf("%+v", s)
	}
	was := w.documents[oldCluster][1]
	if o := w.command(w.node(3), Command{Kind: CommandAbort}); o.Err() != nil {
		t.Fatalf("%+v", o)
	}
	w.node(4).stuck = false
	d := w.newest(oldCluster)
	if d.Stage != ring.Stable || !d.Member(4).Leaving {
		t.Fatalf("stage %v", d.Stage)
	}
	w.run(60*Second, "node 4 is gone", w.members(1, 2, 3))
	for p, l := range w.newest(oldCluster).Lists {
		for k, i := range l {
			if i != was.Lists[p][k] {
				t.Fatalf("partition %d has another list than before", p)
			}
		}
	}
	if o := w.command(w.node(3), Command{Kind: CommandAbort}); o.Code != CodeRefused {
		t.Fatalf("%+v", o)
	}
}

// A sole voter decides by itself, and two commands may come to it in one step: the second follows when the document of the first is
// saved, so that no epoch is left out.
func TestTwoCommandsAtASoleVoter(t *testing.T) {
	m := newWorld(t, 11, 1).node(1).m
	m.Ready()
	var saved []ring.Epoch
	step := func(now Time) {
		rd := m.Ready()
		if rd.Save != nil && rd.Save.Document != nil {
			saved = append(saved, rd.Save.Document.Epoch)
		}
		if at, ok := m.NextTimer(); !ok || at > now+Second {
			t.Fatalf("nothing is due, at %v", now)
		}
	}
	now := Time(10 * Second)
	m.Tick(now)
	step(now)
	m.Command(now, Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Join, Member: member(2)}}})
	m.Command(now, Command{Kind: CommandAbort})
	for range 3 {
		step(now)
		m.Tick(now)
	}
	if !slices.Equal(saved, []ring.Epoch{2, 3}) {
		t.Fatalf("epochs %v were saved, want 2 and 3", saved)
	}
}

// A command that comes again, long after, is not carried out again.
func TestACommandThatComesTwice(t *testing.T) {
	w := newWorld(t, 19, 3)
	w.wait(2 * Second)
	n := w.node(1)
	text := []byte(`{"kind":4,"changes":[{"kind":"weight","id":3,"weight":2}]}`)
	body := appendPassed(nil, kindCommand, passed{1, 99, text})
	say := func() {
		n.do(func() {
			if err := n.m.Receive(w.now, 2, body); err != nil {
				t.Fatal(err)
			}
		})
	}
	say()
	w.run(30*Second, "done", func() bool { return w.newest(oldCluster).Epoch == 2 })
	w.wait(3 * Second)
	say()
	w.wait(3 * Second)
	got := n.m.conduct.answered
	if len(got) != 1 || got[0].outcome.Code != CodeOK {
		t.Fatalf("%+v", got)
	}
}

// A command reaches a second conductor when the first has carried it out and died before he said so.
func TestACommandAtTwoConductors(t *testing.T) {
	w := newWorld(t, 22, 3)
	w.auto = false
	for _, n := range w.nodes {
		n.m.auto = false
	}
	w.join(4)
	w.node(4).stuck = true
	w.wait(2 * Second)
	c := Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Join, Member: member(4)}}}
	at := func(n *node, c Command) Code {
		n.do(func() { n.m.take(w.now, order{from: 3, inc: 9, id: uint64(c.Kind), cmd: c}) })
		w.wait(2 * Second)
		for _, a := range n.m.conduct.answered {
			if a.order.id == uint64(c.Kind) {
				return a.outcome.Code
			}
		}
		return codeEnd
	}
	for id := range ring.NodeID(2) {
		if got := at(w.node(id+1), c); got != CodeOK || w.newest(oldCluster).Epoch != 2 {
			t.Fatalf("node %d: %v", id+1, got)
		}
	}
	for id := range ring.NodeID(2) {
		if got := at(w.node(id+1), Command{Kind: CommandAbort, Base: 2}); got != CodeOK || w.newest(oldCluster).Epoch != 3 {
			t.Fatalf("node %d: %v", id+1, got)
		}
	}
}
