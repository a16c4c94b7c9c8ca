package dynamo

import (
	"fmt"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// As TestHiddenByWhoSawIt, but what has seen the operation is on the primary's own row by now, and not in the answer hidden: that carries
// another value, whose writer had not seen it.
//
// N=5. c alone has a value of its own, a little ahead. a: SET 1; b has it, c's answer is slow. Later b, to whom 4 passed it on, runs
// an operation on it, acked by 4 and 5, and stored at a too. Then c's answer comes: SET 1 must not be stamped above that.
func TestOwnRowMayHaveSeenIt(t *testing.T) {
	expire := &trialOp{name: "expire", read: object.ReadSet{Keys: keysOf("k")}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		if showText(&v.Keys[0]) != "nil" {
			m.Expire(0, 1e9)
		}
		return showText(&v.Keys[0])
	}}
	show := &trialOp{name: "show", read: object.ReadSet{Keys: keysOf("k")}, eval: func(_ *object.Input, v *object.View, _ *object.Mutation) string {
		return fmt.Sprint(showText(&v.Keys[0]), " until ", v.Keys[0].ExpireAt())
	}}
	for _, try := range []struct {
		op     *trialOp
		reply  string
		not    string // what a read must not show then
		reason string
	}{
		{opAppend("k", "x"), "1x", "1 until 0", "the x is gone"},
		{opIncr("k"), "2", "1 until 0", "the increment is gone"},
		{expire, "1", "1 until 0", "the expiry is gone"},
	} {
		t.Run(try.op.name, func(t *testing.T) {
			c := newTrial(t, 5, 5, Limits{})
			a, b, fourth := c.node(1), c.node(2), c.node(4)
			c.plant(c.node(3), 3, 100*Millisecond, opSet("k", "c"))
			c.write(a, opSet("k", "1"))
			c.deliver(between(1, 2))
			c.deliver(between(1, 3))
			slow := c.mail
			c.mail = nil
			c.now += 200 * Millisecond
			b.dead[3], fourth.dead[1] = true, true
			r := c.write(fourth, try.op)
			c.deliver(amid(2, 4, 5))
			c.done(r, try.reply)
			c.deliver(between(2, 1))
			b.dead[3], fourth.dead[1] = false, false
			for _, d := range slow {
				if d.from == 3 {
					a.step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
				}
			}
			c.deliver(anything)
			all := quorum.Choice{Level: quorum.All}
			r = c.begin(b, show, false, all, all)
			c.deliver(anything)
			if got := r.Op.(*trialOp).reply; r.Err != nil || got == try.not {
				t.Fatalf("%s answered %s, then a read shows %s, %v: %s", try.op.name, try.reply, got, r.Err, try.reason)
			}
		})
	}
}

// An operation that looked goes over a pending blind write without having seen it: what it gathered hid that write. The blind
// one is then acked as "covered by a later one", though nobody ever saw it.
//
// b and c hold "b", acked, of a clock that is ahead. a: SET a, below it; the answers are slow. a: APPEND x finds "b" at b: "bx". Now the
// answers hidden come: the key was written by a later operation of a's, whose row shows, so acks of that count for SET a. One Redis
// would have: b, a, ax or b, bx, a.
func TestOvertakenUnseen(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	c.plant(third, 2, 100*Millisecond, opSet("k", "b"))
	set := c.write(a, opSet("k", "a"))
	c.deliver(between(1, 2)) // hidden
	c.deliver(between(1, 3)) // hidden
	slow := c.mail
	c.mail = nil
	r := c.write(a, opAppend("k", "x"))
	c.deliver(anything)
	if !r.Finished || r.Err != nil {
		t.Fatal("the schedule does not fit")
	}
	c.mail = append(c.mail, slow...)
	c.deliver(anything)
	c.pass(900)
	c.deliver(anything)
	if !set.Finished {
		t.Fatal("SET is not finished")
	}
	got := c.get(b, "k")
	if reply := r.Op.(*trialOp).reply; set.Err == nil && got == "bx" {
		t.Fatalf("SET b was acked, then SET a began and was acked, APPEND x beside it answered %q, and a read shows %q", reply, got)
	}
}

// As TestOvertakenUnseen, with one more operation on top: APPEND y sees "bx", this node's own, and so passes for one that saw SET a. What was not
// seen once stays so, unless a blind write covers it all.
func TestOvertakenUnseenForGood(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	c.plant(third, 2, 100*Millisecond, opSet("k", "b"))
	set := c.write(a, opSet("k", "a"))
	c.deliver(between(1, 2)) // hidden
	c.deliver(between(1, 3)) // hidden
	slow := c.mail
	c.mail = nil
	c.write(a, opAppend("k", "x"))
	c.deliver(anything)
	c.write(a, opAppend("k", "y"))
	c.deliver(anything)
	c.mail = append(c.mail, slow...)
	c.deliver(anything)
	c.pass(900)
	c.deliver(anything)
	if !set.Finished {
		t.Fatal("SET is not finished")
	}
	if got := c.get(b, "k"); set.Err == nil && got == "bxy" {
		t.Fatalf("SET a, begun after SET b was acked, was acked and a read shows %q", got)
	}
}

// More ticks than a message can say: the replica takes what the operation wrote in later ones for somebody else's, and does
// not tell that it is hidden.
func TestManyTicks(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a := c.node(1)
	for id := object.NodeID(2); id <= 3; id++ {
		c.plant(c.node(id), 2, 5000*Millisecond, opSet("k", "b"))
	}
	const ticks = 1<<16 + 100
	long := &trialOp{name: "long", read: object.ReadSet{Keys: keysOf("k"), Blind: true, Ticks: ticks},
		eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
			m.Set(0, []byte("a"), 0)
			m.Changes[0].Tick = ticks - 1
			return "OK"
		}}
	r := c.write(a, long)
	c.deliver(anything)
	if r.Finished && r.Err != nil {
		return // refused
	}
	if got := c.get(c.node(3), "k"); got != "a" {
		t.Fatalf("acked after SET b was; a read shows %q", got)
	}
}
