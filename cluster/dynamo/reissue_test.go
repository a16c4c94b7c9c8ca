package dynamo

import (
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// An operation that waits to be stamped again is answered meanwhile, and then stamped again without its request.
//
// N=5. A newer value of b's is at b alone. a runs SET 1 and then SET 2; b answers hidden to SET 1 first: SET 2 covers it and
// still waits, so SET 1 waits for it (again). Now c and d ack SET 1: it is answered and lingers, for e has not acked. 5 ms
// later the timer stamps it again: there is no request any more.
func TestStampedAgainAfterTheAnswer(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a, b := c.node(1), c.node(2)
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	one := c.write(a, opSet("k", "1"))
	c.deliver(between(1, 2)) // SET 1 to b alone; its answer stays in the mail
	two := c.write(a, opSet("k", "2"))
	c.deliver(between(2, 1))
	var first *wire.Write
	c.deliver(func(d parcel) bool { // SET 1 to c and d, and their acks
		w, ok := d.m.(*wire.Write)
		if ok && first == nil {
			first = w
		}
		return d.to != 5 && (ok && w == first || d.to == 1)
	})
	if !one.Finished || two.Finished {
		t.Fatalf("the schedule does not fit: finished %v, %v", one.Finished, two.Finished)
	}
	survives(t, func() { c.pass(20) })
}

// A value of another coordinator reaches the primary's own row before the answer hidden does, and is taken for a later
// one of the primary's own: the operation is not stamped again, yet acked. It is never seen.
//
// b's clock is ahead. b wrote "b", which c acked: a QUORUM. b's message to a is slow. a runs SET "a": b and c answer hidden.
// Before those answers b's message arrives at a. Own row: "b". isNewest says no, the row "still shows", so a sends the row
// of "b" around and counts the acks of that.
func TestHiddenByWhatCameMeanwhile(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(b, 2, 1000*Millisecond, opSet("k", "b"))
	late := c.plant(third, 2, 1000*Millisecond, opSet("k", "b"))
	r := c.write(a, opSet("k", "a"))
	c.deliver(between(1, 0)) // both answer hidden; the answers wait
	a.step(func(p *Partition) { p.Receive(c.now, 2, late) })
	c.deliver(anything)
	c.pass(900)
	c.deliver(anything)
	if r.Err == nil {
		if got := c.get(third, "k"); got != "a" {
			t.Fatalf("SET a was acked after SET b was; a read shows %q", got)
		}
	}
}

// A blind SET is stamped again over a later INCR of the same primary: isNewest looks at the value field alone, and an
// INCR (an EXPIRE, a PERSIST) leaves that as it was.
//
// c alone has a newer value of its own. a runs SET 5 (its ack from b is slow) and INCR, which b acks: 6. Then c's hidden
// answer to SET 5 comes: SET is stamped again, sees the increment and resets it. The client was told 6 and reads 5.
func TestStampedAgainOverALaterIncrement(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(third, 3, 1000*Millisecond, opSet("k", "c"))
	set := c.write(a, opSet("k", "5"))
	c.deliver(between(1, 0))
	var slow []parcel // both answers to SET
	for _, d := range c.mail {
		if _, ok := d.m.(*wire.WriteReply); ok {
			slow = append(slow, d)
		}
	}
	c.mail = nil
	incr := c.write(a, opIncr("k"))
	c.deliver(amid(1, 2))
	c.done(incr, "6")
	c.mail = nil
	for _, d := range slow {
		if d.from == third.id {
			a.step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
		}
	}
	c.deliver(amid(1, 2))
	if got := c.get(b, "k", 1, 2); got == "5" {
		t.Fatalf("INCR answered 6, then a read shows %s; SET: finished %v, %v", got, set.Finished, set.Err)
	}
}

// Replicas' acks of the row "as it is then" are counted even where that row is hidden: after a reissue the Write carries the
// new stamp, under which nothing was written on keys that a later operation covers, so Hides never says so.
//
// N=5. c's value "c" (stamp far ahead) was acked by c, d, e. b has an older one of its own. a: SET 1, below both; then, once
// its clock is between the two, SET 2, all of whose messages are lost. b's answer hidden comes: SET 2 covers b's value, so a
// sends the row of SET 2 for SET 1 and c, d, e ack it, though it does not show there.
func TestAckOfAHiddenRow(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a, b := c.node(1), c.node(2)
	for id := object.NodeID(3); id <= 5; id++ {
		c.plant(c.node(id), 3, 5000*Millisecond, opSet("k", "c"))
	}
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	one := c.write(a, opSet("k", "1"))
	c.deliver(between(1, 2))
	c.lose(between(1, 0))
	c.now += 200 * Millisecond
	two := c.write(a, opSet("k", "2"))
	c.lose(between(1, 0))
	c.deliver(between(2, 1)) // hidden, by b's value
	c.deliver(amid(1, 3, 4))
	if two.Finished && two.Err == nil {
		t.Fatal("the schedule does not fit")
	}
	if slices.Contains(a.answers, one) && one.Err == nil {
		if got := c.get(c.node(3), "k", 3, 4, 5); got == "c" {
			t.Fatalf("SET 1 was acked after SET c was; a read shows %q", got)
		}
	}
}

// What hides a blind write may have seen it: then it is no reason to stamp it again, which takes back what came after.
//
// a: SET 1, which b has; b's ack is slow. a hangs, b becomes primary and runs APPEND x on it: "1x", acked by b and c. c gets a's
// SET 1 late: hidden. a comes back, stamps SET 1 again and so removes the x. (The value that hides names what it replaced: SET 1.)
func TestHiddenByWhoSawIt(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	c.write(c.node(1), opSet("k", "1"))
	slow := kind[*wire.WriteReply](between(2, 1))
	c.deliver(between(1, 2))
	b.dead[1] = true
	c.pass(1)
	r := c.write(b, opAppend("k", "x"))
	c.deliver(amid(2, 3))
	c.done(r, "1x")
	c.lose(kind[*wire.Write](between(2, 1)))
	c.deliver(func(d parcel) bool { return !slow(d) && amid(1, 3)(d) }) // SET 1 to c: hidden; the new stamp to c
	c.deliver(anything)
	if got := c.get(b, "k"); got != "1x" {
		t.Fatalf("APPEND answered 1x, then a read shows %q", got)
	}
}

// A blind write is stamped again over a later FLUSHDB of the same primary: overtake looks at keys only.
//
// a: SET v, slow; b reads v at QUORUM. FLUSHDB at a is acked. Then c's hidden answer (it has a value of its own) comes: SET v is
// stamped again, above the flush.
func TestStampedAgainOverALaterFlush(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(third, 3, 100*Millisecond, opSet("k", "c"))
	c.write(a, opSet("k", "v"))
	c.deliver(between(1, 0))
	var slow []parcel
	for _, d := range c.mail {
		if d.from == third.id {
			slow = append(slow, d)
		}
	}
	c.mail = nil
	if got := c.get(b, "k", 1, 2); got != "v" {
		t.Fatalf("the schedule does not fit: %q", got)
	}
	c.now += 200 * Millisecond
	flush := &trialOp{name: "flush", read: object.ReadSet{Flush: object.DBSetOf(0)}, eval: func(*object.Input, *object.View, *object.Mutation) string { return "OK" }}
	r := c.write(a, flush)
	c.deliver(amid(1, 2))
	c.done(r, "OK")
	for _, d := range slow {
		a.step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
	}
	c.deliver(anything)
	if got := c.get(b, "k"); got != "nil" {
		t.Fatalf("a read showed v, FLUSHDB was acked, then a read shows %q", got)
	}
}

// What hides a SET are elements that the SET does not look at. One of them has been written again here by the time that the answer
// comes: what is stamped again must not put the older one in its place.
//
// b holds a field of a fast clock's; a runs SET, blind; b answers hidden, with the field. Before that is there, a newer write of the
// same field reaches a, from a clock that is further ahead.
func TestHidingElementsDoNotGoBack(t *testing.T) {
	set := func(value string) *trialOp {
		return &trialOp{
			name: "hset " + value,
			read: object.ReadSet{Keys: keysOf("k"), Elements: []object.ElementRef{{Sub: []byte("f")}}, Blind: true},
			eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
				m.SetElement(0, []byte("f"), []byte(value))
				return "OK"
			},
		}
	}
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	c.plant(b, 3, 1000*Millisecond, set("old"))
	c.write(a, opSet("k", "a"))
	c.deliver(between(1, 2)) // b's answer waits
	newer := c.plant(a, 3, 2000*Millisecond, set("new"))
	c.deliver(between(2, 1))
	fields := 0
	for key, row := range a.rows {
		var e object.ElementRow
		if key[0] == object.SpaceHint || e.DecodeRow(row) != nil {
			continue
		}
		fields++
		if e.Stamp.Before(newer.Stamp) {
			t.Errorf("the field went back to %q, stamped %v, from %v", e.Value, e.Stamp, newer.Stamp)
		}
	}
	if a.p.Stats().Reissues != 1 || fields != 1 {
		t.Fatalf("the schedule does not fit: %d re-issues, %d fields", a.p.Stats().Reissues, fields)
	}
}
