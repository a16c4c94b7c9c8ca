package epoch

import (
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
)

func TestOneJoins(t *testing.T) {
	w := newWorld(t, 1, 3)
	w.wait(3 * Second)
	w.join(4)
	from := w.now
	w.run(30*Second, "node 4 is in", w.members(1, 2, 3, 4))
	if took := w.now - from; took < 10*Second {
		t.Errorf("planned after %v s: who waits was not the same for 10 s", float64(took)/1e9)
	}
	if e := w.newest(oldCluster).Epoch; e != 4 {
		t.Errorf("epoch %d, want copying, reading, stable", e)
	}
}

func TestThreeJoinAtOnceOverABadNetwork(t *testing.T) {
	w := newWorld(t, 2, 3)
	w.loss, w.double, w.slowest = 0.2, 0.2, 300*Millisecond
	w.join(4, 5, 6)
	w.run(200*Second, "all are in", w.members(1, 2, 3, 4, 5, 6))
	if e := w.newest(oldCluster).Epoch; e != 4 {
		t.Errorf("epoch %d: not one plan", e)
	}
	if v := w.newest(oldCluster).Voters; len(v) != 5 {
		t.Errorf("voters %v", v)
	}
}

func TestOneFoundsAndGrows(t *testing.T) {
	w := newWorld(t, 3, 1)
	w.join(2, 3)
	w.run(60*Second, "three", w.members(1, 2, 3))
}

func TestLeave(t *testing.T) {
	w := newWorld(t, 4, 4)
	w.auto = false
	for _, n := range w.nodes {
		n.m.auto = false
	}
	w.wait(2 * Second)
	o := w.command(w.node(3), Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Leave, ID: 1}}, By: "me"})
	if o.Err() != nil || o.Epoch != 2 {
		t.Fatalf("%+v", o)
	}
	// By command its own conductor goes.
	w.run(60*Second, "node 1 is gone", w.members(2, 3, 4))
	w.run(10*Second, "it is told", func() bool { return w.node(1).dead })
	n := w.node(1)
	n.crash()
	n.start()
	if !n.saw(EventRemoved) {
		t.Error("started again it does not know")
	}
}

func TestLeaveByGossip(t *testing.T) {
	w := newWorld(t, 5, 4)
	w.wait(2 * Second)
	w.node(2).leaves = true
	w.run(60*Second, "node 2 is gone", w.members(1, 3, 4))
	w.run(10*Second, "it is told", func() bool { return w.node(2).dead })
}

func TestReplaceADeadOne(t *testing.T) {
	w := newWorld(t, 6, 3)
	for _, n := range w.nodes {
		n.m.auto = false
	}
	w.auto = false
	w.wait(3 * Second)
	w.node(1).crash()
	w.join(9)
	w.wait(5 * Second)
	was := w.newest(oldCluster)
	o := w.command(w.node(3), Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Replace, ID: 1, Member: member(9)}}})
	if o.Err() != nil {
		t.Fatalf("%+v", o)
	}
	w.run(60*Second, "9 is in", w.members(2, 3, 9))
	d := w.newest(oldCluster)
	for p := range d.Lists {
		for k := range d.Lists[p] {
			a, b := was.Members[was.Lists[p][k]].ID, d.Members[d.Lists[p][k]].ID
			if a != b && !(a == 1 && b == 9) {
				t.Fatalf("partition %d: %d became %d", p, a, b)
			}
		}
	}
	w.node(1).start()
	w.run(20*Second, "node 1 is told", func() bool { return w.node(1).dead })
}

func TestRemoveOfALiveOneIsRefused(t *testing.T) {
	w := newWorld(t, 7, 3)
	w.wait(3 * Second)
	o := w.command(w.node(2), Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Remove, ID: 3}}})
	if o.Code != CodeRefused {
		t.Fatalf("%+v", o)
	}
}

// A joiner that dies while it copies is given up after a while, and then is no member any more.
func TestADeadJoinerIsGivenUp(t *testing.T) {
	w := newWorld(t, 11, 3)
	for _, n := range w.nodes {
		n.m.limits.GiveUp = Minute
	}
	w.join(4)
	w.node(4).stuck = true
	w.run(30*Second, "copying", w.stage(ring.Copying))
	w.wait(Second)
	w.node(4).crash()
	w.wait(50 * Second)
	if w.newest(oldCluster).Stage != ring.Copying {
		t.Fatal("given up too early")
	}
	w.run(3*Minute, "as before", w.members(1, 2, 3))
	w.node(4).start()
	w.run(20*Second, "node 4 is told", func() bool { return w.node(4).dead })
}

func TestTheConductorDiesInEachStage(t *testing.T) {
	for _, s := range []ring.Stage{ring.Copying, ring.Reading} {
		for _, after := range []Time{0, 5 * Millisecond, 50 * Millisecond, 500 * Millisecond} {
			w := newWorld(t, 12+uint64(after), 5)
			w.join(6)
			w.run(30*Second, "the stage begins", w.stage(s))
			w.wait(after)
			dead := w.conductor()
			dead.crash()
			w.run(60*Second, "the plan is done", w.stage(ring.Stable))
			dead.start()
			w.run(60*Second, "all are in", w.members(1, 2, 3, 4, 5, 6))
		}
	}
	// Right after it has proposed, too.
	for k := range 40 {
		w := newWorld(t, 100+uint64(k), 5)
		w.join(6)
		w.run(30*Second, "a proposal", func() bool { return w.counts["proposed"] > 0 })
		w.wait(Time(k) * Millisecond)
		dead := w.conductor()
		dead.crash()
		w.run(2*Minute, "node 6 is in", func() bool { d := w.newest(oldCluster); return d.Stage == ring.Stable && d.Member(6) != nil })
		dead.start()
		w.run(60*Second, "all are in", w.members(1, 2, 3, 4, 5, 6))
	}
}

func TestANodeSleepsThroughManyEpochs(t *testing.T) {
	w := newWorld(t, 13, 5)
	w.wait(2 * Second)
	sleeper := w.node(5)
	sleeper.crash()
	w.join(6)
	w.run(60*Second, "node 6 is in", func() bool { return w.newest(oldCluster).Epoch == 4 })
	w.wait(3 * Second)
	w.join(7)
	w.run(60*Second, "node 7 is in", func() bool { return w.newest(oldCluster).Epoch == 7 })
	had := w.counts["epochs"]
	sleeper.start()
	w.run(10*Second, "it has caught up", w.members(1, 2, 3, 4, 5, 6, 7))
	if w.counts["epochs"] != had {
		t.Error("that needs no new epoch")
	}
}

// Halves of the nodes think that the others are dead, but talk.
func TestTwoConductors(t *testing.T) {
	for seed := range uint64(20) {
		w := newWorld(t, 20+seed, 5)
		w.blind = 0.5
		w.join(6, 7)
		w.run(4*Minute, "stable", func() bool {
			d := w.newest(oldCluster)
			return d.Epoch > 1 && d.Stage == ring.Stable && len(d.Members) > 5
		})
		w.blind = 0
		w.run(2*Minute, "all are in", w.members(1, 2, 3, 4, 5, 6, 7))
	}
}

// Both sides of a cut have a conductor; only one has a majority.
func TestACut(t *testing.T) {
	w := newWorld(t, 14, 5)
	w.wait(2 * Second)
	w.cut = func(a, b ring.NodeID) bool { return (a == 1) != (b == 1) }
	w.join(6)
	w.run(60*Second, "node 6 is in at the greater side", func() bool { return w.newest(oldCluster).Epoch >= 2 })
	if w.node(1).m.Document().Epoch != 1 {
		t.Fatal("the smaller side has decided")
	}
	w.cut = nil
	w.run(60*Second, "all are in", w.members(1, 2, 3, 4, 5, 6))
}

// The proposer dies when the others have accepted: they find out what became of it, though nobody wants anything of them.
func TestWhatWasAcceptedIsFinished(t *testing.T) {
	w := newWorld(t, 17, 3)
	w.auto = false
	for _, n := range w.nodes {
		n.m.auto = false
	}
	w.wait(2 * Second)
	n := w.node(1)
	n.do(func() {
		n.m.Command(w.now, Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.SetWeight, ID: 3, Weight: 2}}})
	})
	w.run(Second, "accepted", func() bool { return w.node(2).m.register.Unfinished() != nil })
	n.crash()
	w.run(30*Second, "decided", func() bool { return w.newest(oldCluster).Epoch > 1 })
}

// Who joins learns of it from the conductor, even when nobody else tells and words are lost.
func TestAJoinerIsTold(t *testing.T) {
	w := newWorld(t, 18, 3)
	w.mute, w.loss = true, 0.3
	w.join(4)
	w.run(Minute, "node 4 is in", w.members(1, 2, 3, 4))

	w = newWorld(t, 18, 3)
	w.mute = true
	w.join(4)
	w.run(30*Second, "decided", w.stage(ring.Copying))
	w.run(Second/4, "at once", func() bool { return w.node(4).m.Document() != nil })
}

// A register's value must follow the document, whoever proposes it.
func TestAValueThatDoesNotFollow(t *testing.T) {
	w := newWorld(t, 20, 3)
	w.wait(Second)
	m := w.node(1).m
	p, err := m.doc.Propose([]ring.Change{{Kind: ring.Join, Member: member(4)}}, ring.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b := paxos.Ballot{Round: 1 << 30, Node: 2}
	accept := func(d ring.Document) error {
		x := paxos.Message{Kind: paxos.Accept, Epoch: uint64(m.doc.Epoch) + 1, Parent: paxos.Hash(m.hash), From: 2, To: 1, Ballot: b, Value: mustEncode(t, &d)}
		return m.Receive(w.now, 2, appendPaxos(nil, x))
	}
	for _, spoil := range []func(*ring.Document){
		func(d *ring.Document) { d.Parent[0]++ },
		func(d *ring.Document) { d.Cluster = "aabb" },
		func(d *ring.Document) { d.Epoch++; d.Since = slices.Clone(d.Since); d.Since[d.Moving[0]]++ },
		func(d *ring.Document) { d.Slots = 1 },
	} {
		d := *p.Next
		spoil(&d)
		if err := accept(d); err == nil || m.register.Unfinished() != nil {
			t.Errorf("accepted: %v", err)
		}
	}
	if err := accept(*p.Next); err != nil || m.register.Unfinished() == nil {
		t.Errorf("not accepted: %v", err)
	}
}

// Who cannot reach any voter asks others, in turn.
func TestTheVotersAreSilent(t *testing.T) {
	w := newWorld(t, 23, 9)
	w.mute = true
	voters := w.newest(oldCluster).Voters
	if slices.Contains(voters, 9) || slices.Contains(voters, 8) {
		t.Fatal(voters)
	}
	w.cut = func(a, b ring.NodeID) bool {
		return a == 9 && slices.Contains(voters, b) || b == 9 && slices.Contains(voters, a)
	}
	w.wait(2 * Second)
	c := Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.SetWeight, ID: 3, Weight: 2}}}
	if o := w.command(w.node(1), c); o.Err() != nil {
		t.Fatalf("%+v", o)
	}
	w.run(30*Second, "node 9 has heard", func() bool { return w.node(9).m.Document().Epoch > 1 })
}
