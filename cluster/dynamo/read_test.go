package dynamo

import (
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// What a replica answers late is not looked at: linger empties op.reads, and takeRows goes by its length. repairLate then
// compares digests that nobody filled in: zeros, or those of the operation that used the room before.
func TestLateAnswersAreCompared(t *testing.T) {
	t.Run("same", func(t *testing.T) {
		c := newTrial(t, 3, 3, Limits{RepairOneIn: 1})
		a := c.node(1)
		c.write(a, opSet("k", "v"))
		c.deliver(anything)
		r := c.begin(a, opGet("k"), false, strict, strict)
		c.deliver(amid(1, 2))
		c.done(r, "v")
		c.deliver(anything) // c's answer: it has the same
		if n := a.p.Stats().Repairs; n != 0 {
			t.Fatalf("%d repairs of a replica that has the same", n)
		}
	})
	t.Run("stale", func(t *testing.T) {
		c := newTrial(t, 3, 3, Limits{RepairOneIn: 1})
		a, third := c.node(1), c.node(3)
		c.write(a, opSet("k", "v"))
		c.deliver(anything)
		all := quorum.Choice{Level: quorum.All}
		r := c.begin(a, opGet("k"), false, all, all) // leaves c's digest in the room of its operation
		c.deliver(anything)
		c.done(r, "v")
		clear(third.rows) // c has lost its rows
		r = c.begin(a, opGet("k"), false, strict, strict)
		c.deliver(amid(1, 2))
		c.done(r, "v")
		c.deliver(anything)
		if len(third.rows) == 0 {
			t.Fatalf("the late answer of a stale replica repaired nothing")
		}
	})
}

// A write at strict QUORUM whose connection reads at QUORUM/SLOPPY gathers from hints: gatherLevel takes any majority for
// good enough. It does not see what a strict quorum acked, and overwrites it.
//
// d keeps an old hint (v) for b. a misses APPEND x, which b and c acked. Now b is dead and c slow to answer: a's APPEND y gathers
// own "v" and d's hint "v".
func TestStrictWritesGatherStrictly(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	a, b := c.node(1), c.node(2)
	a.dead[2] = true
	r := c.write(a, opSet("k", "v")) // d gets the hint for b
	c.deliver(anything)
	c.done(r, "OK")
	a.dead[2] = false
	c.node(4).dead[2] = true // d does not replay yet
	b.dead[1] = true         // b does not hear a
	r = c.write(b, opAppend("k", "x"))
	c.deliver(amid(2, 3))
	c.pass(20)
	c.deliver(amid(2, 3))
	c.done(r, "vx")
	c.mail = nil
	c.pass(10)
	a.dead[2] = true
	r = c.begin(a, opAppend("k", "y"), true, quorum.Choice{Level: quorum.Quorum, Sloppy: true}, strict)
	slow := kind[*wire.ReadReply](between(3, 1))
	for range 5 {
		c.deliver(func(d parcel) bool { return !slow(d) && amid(1, 3, 4)(d) })
		c.pass(10)
	}
	c.deliver(amid(1, 3, 4))
	if r.Finished && r.Err == nil && r.Op.(*trialOp).reply != "vxy" {
		t.Fatalf("APPEND x was acked by a strict quorum; APPEND y at strict QUORUM answers %q", r.Op.(*trialOp).reply)
	}
}

// A write-back leaves out the database's clear that the answer depends on, when it came between the gather and the
// evaluation: storeView sends it only if the gather found something.
//
// N=5, k=v everywhere. GETDEL at a looks: all the same. Then a FLUSHDB reaches a alone. GETDEL finds nothing, and answers nil
// once a quorum acked the row of k: without the clear. Its coordinator is gone; others read v.
func TestWriteBackOfADatabaseClear(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a := c.node(1)
	c.write(a, opSet("k", "v"))
	c.deliver(anything)
	c.pass(1)
	r := c.write(a, opGetDel("k"))
	c.deliver(kind[*wire.Read](anything))
	c.plant(a, 5, 0, &trialOp{read: object.ReadSet{Flush: object.DBSetOf(0)}, eval: func(*object.Input, *object.View, *object.Mutation) string { return "OK" }})
	c.deliver(amid(1, 2, 3, 4))
	c.done(r, "nil")
	if got := c.get(c.node(2), "k", 2, 3, 4); got != "nil" {
		t.Fatalf("a QUORUM operation answered that k is absent, then a read shows %q", got)
	}
}

// What an operation read at QUORUM is answered when its own row is written at ONE: MULTI GET a, SET b with READ QUORUM
// WRITE ONE. The rows of a go out with the write, but nobody waits until a quorum has them.
//
// N=5. a's value is at node 2 alone, of a write that timed out. MULTI at node 1 answers 1, its messages are lost; a read of 3, 4, 5
// then answers nil.
func TestReadPartOfAWriteAtOne(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a := c.node(1)
	c.plant(c.node(2), 2, 0, opSet("a", "1"))
	multi := &trialOp{name: "multi", read: object.ReadSet{Keys: keysOf("a", "b"), Ticks: 2}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		m.Set(1, []byte("x"), 0)
		return showText(&v.Keys[0])
	}}
	r := c.begin(a, multi, true, strict, quorum.Choice{Level: quorum.One})
	c.deliver(kind[*wire.Read](anything))
	c.deliver(kind[*wire.ReadReply](anything))
	c.lose(between(1, 0))
	if !slices.Contains(a.answers, r) || r.Err != nil {
		return // it waits for the level that it reads at
	}
	if got := c.get(c.node(3), "a", 3, 4, 5); got != r.Op.(*trialOp).reply {
		t.Fatalf("read at QUORUM in a MULTI: %s, then: %s", r.Op.(*trialOp).reply, got)
	}
}

// A read is evaluated at a time that nobody else has heard of: the coordinator's clock when the last answer came. What it
// says is expired shows again at a slower clock.
//
// a's clock is a second ahead. It asks b one millisecond before k expires and hears of it three milliseconds later: expired. A
// read of b and c, who know a's clock as of the question, would show k. So the answer waits for a write-back, which brings b the time.
func TestExpiredStaysExpired(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	at := int64((c.now + 1000*Millisecond) / Millisecond)
	for _, n := range c.nodes {
		c.plant(n, 2, 0, &trialOp{name: "setex", read: object.ReadSet{Keys: keysOf("k"), Blind: true},
			eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
				m.Set(0, []byte("v"), at)
				return "OK"
			}})
	}
	a.skew = 1000 * Millisecond
	c.now -= Millisecond
	r := c.begin(a, opGet("k"), false, strict, strict)
	c.deliver(between(1, 2))
	c.now += 3 * Millisecond
	c.deliver(amid(1, 2)) // the answer, and the write-back that tells b the time
	if !r.Finished || r.Err != nil {
		t.Fatal("the schedule does not fit")
	}
	first := r.Op.(*trialOp).reply
	if second := c.get(b, "k", 2, 3); first == "nil" && second != "nil" {
		t.Fatalf("QUORUM reads: %s, then %s", first, second)
	}
}

// An operation that waits for the level that it read at must not wait for less than it writes at: READ TWO WRITE THREE
// on seven replicas (neither is a majority).
func TestWriteLevelIsNotLowered(t *testing.T) {
	c := newTrial(t, 7, 7, Limits{})
	a := c.node(1)
	c.plant(c.node(2), 2, 0, opSet("a", "1"))
	multi := &trialOp{name: "multi", read: object.ReadSet{Keys: keysOf("a", "b"), Ticks: 2}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		m.Set(1, []byte("x"), 0)
		return showText(&v.Keys[0])
	}}
	r := c.begin(a, multi, true, quorum.Choice{Level: quorum.Two}, quorum.Choice{Level: quorum.Three})
	c.deliver(amid(1, 2)) // of the write, too, nobody else hears
	if r.Finished && r.Err == nil {
		t.Fatal("a write at THREE was answered when two nodes had it")
	}
}

// A write at QUORUM/SLOPPY whose connection reads at strict QUORUM answers what a fallback's hint was counted for.
//
// N=3, b is dead. a's value of k is on nobody else; MULTI GET k, SET j at a: d's hint acks. Then a read of b and c shows nothing.
func TestStrictReadsAreAckedStrictly(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(a, 2, 0, opSet("k", "1"))
	a.dead[2] = true
	multi := &trialOp{name: "multi", read: object.ReadSet{Keys: keysOf("k", "j"), Ticks: 2}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		m.Set(1, []byte("x"), 0)
		return showText(&v.Keys[0])
	}}
	r := c.begin(a, multi, true, strict, quorum.Choice{Level: quorum.Quorum, Sloppy: true})
	c.deliver(kind[*wire.Read](amid(1, 3)))
	c.deliver(kind[*wire.ReadReply](amid(1, 3)))
	c.deliver(amid(1, 4)) // c does not get the rows
	if !r.Finished || r.Err != nil {
		return
	}
	c.mail = nil
	if got := c.get(third, "k", 2, 3); got != r.Op.(*trialOp).reply {
		t.Fatalf("read at strict QUORUM in a MULTI: %s, then: %s (%d)", r.Op.(*trialOp).reply, got, b.id)
	}
}

// As TestExpiredStaysExpired, of an operation that may write and finds the key expired: GETDEL answers nil and writes nothing. The replicas'
// answers to the gather must not count as knowing the time at which it was evaluated.
func TestExpiredForAWriterStaysExpired(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	at := int64((c.now + 1000*Millisecond) / Millisecond)
	for _, n := range c.nodes {
		c.plant(n, 2, 0, &trialOp{name: "setex", read: object.ReadSet{Keys: keysOf("k"), Blind: true},
			eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
				m.Set(0, []byte("v"), at)
				return "OK"
			}})
	}
	a.skew = 1000 * Millisecond
	c.now -= Millisecond
	r := c.write(a, opGetDel("k"))
	c.deliver(between(1, 2))
	c.now += 3 * Millisecond
	c.deliver(amid(1, 2))
	c.done(r, "nil")
	if second := c.get(b, "k", 2, 3); second != "nil" {
		t.Fatalf("GETDEL at QUORUM: nil, then a read: %s", second)
	}
}

// What a coordinator merged is stored and sent only if its quorum lacks it. When both others answer before this node's own
// rows are durable, a stale coordinator stays stale, and differs again at each read.
func TestStaleCoordinatorIsRepaired(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{RepairOneIn: 1})
	a := c.node(1)
	for _, id := range []object.NodeID{2, 3} {
		c.plant(c.node(id), 2, 0, opSet("k", "v"))
	}
	a.lazy = true
	c.plant(a, 2, 0, opSet("other", "v")) // not yet durable
	r := c.begin(a, opGet("k"), false, strict, strict)
	c.deliver(anything)
	c.done(r, "v")
	a.lazy = false
	a.sync()
	c.pass(900)
	if got := a.p.Stats(); len(a.rows) < 2 {
		t.Fatalf("the coordinator answered v and still does not have it: %+v", got)
	}
}
