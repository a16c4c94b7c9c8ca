package dynamo

import (
	"errors"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// hintsAt returns how many hints a party keeps.
func (n *party) hintsAt() (hints int) {
	for key := range n.rows {
		if key[0] == object.SpaceHint {
			hints++
		}
	}
	return hints
}

// third cuts node 3 off, in the eyes of all.
func (c *trial) third(dead bool) {
	for _, n := range c.nodes {
		n.dead[3] = dead
	}
}

// TestHintWindow: a node that has taken no hints for as long as the window gets no more of them, and once it has taken those that
// there are it gets new ones.
func TestHintWindow(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{HintWindow: 100 * Millisecond})
	a := c.node(1)
	c.third(true)
	set := func(key string) {
		r := c.write(a, opSet(key, "v"))
		c.deliver(anything)
		c.done(r, "OK")
	}
	set("first")
	c.pass(90)
	set("second")
	c.pass(30)
	set("late")
	if got := a.hintsAt(); got != 2 {
		t.Fatalf("%d hints, want those of the window, 2", got)
	}
	s := a.p.Stats()
	if s.HintsDropped != 1 || s.Apart != 1 || len(a.p.Apart()) != 1 || a.p.Apart()[0] != 3 {
		t.Fatalf("dropped %d, partitions apart %d, nodes %v", s.HintsDropped, s.Apart, a.p.Apart())
	}
	c.third(false)
	for range 300 {
		c.pass(1)
		c.deliver(anything)
	}
	if got := a.hintsAt(); got != 0 {
		t.Fatalf("%d hints did not go home", got)
	}
	c.third(true)
	set("again")
	if got := a.hintsAt(); got != 1 {
		t.Fatalf("%d hints after the node was back, want 1", got)
	}
}

// TestHintBytes: where there is no room for hints they are dropped, but for those that an ack would count: these are refused, so
// that the write gets no answer that promises them.
func TestHintBytes(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	a, d := c.node(1), c.node(4)
	c.third(true)
	for _, n := range c.nodes {
		n.hintsFull = true
	}
	r := c.write(a, opSet("k", "v"))
	c.deliver(anything)
	c.done(r, "OK")
	c.pass(2000)
	c.deliver(anything)
	if a.hintsAt()+d.hintsAt() != 0 || d.p.Stats().HintsDropped != 1 {
		t.Fatalf("%d and %d hints, dropped %d", a.hintsAt(), d.hintsAt(), d.p.Stats().HintsDropped)
	}

	// Both home replicas besides a are dead: at SLOPPY two of three need a fallback's hint.
	for _, n := range c.nodes {
		n.dead[2] = true
	}
	sloppy := quorum.Choice{Level: quorum.Quorum, Sloppy: true}
	r = c.begin(a, opSet("k", "w"), true, sloppy, sloppy)
	c.deliver(anything)
	c.pass(2000)
	if !r.Finished || r.Err == nil {
		t.Fatalf("a SLOPPY write that no hint holds: finished %v, %v", r.Finished, r.Err)
	}
	if d.p.Stats().HintsRefused == 0 {
		t.Error("no hint was refused")
	}

	// No home replica is alive: the fallback would have the only copies.
	for _, n := range c.nodes {
		n.dead[1] = true
	}
	least := quorum.Choice{Level: quorum.Any}
	r = c.begin(d, opSet("k", "x"), true, least, least)
	c.deliver(anything)
	var unavailable *quorum.UnavailableError
	if !errors.As(r.Err, &unavailable) || d.hintsAt() != 0 {
		t.Fatalf("ANY without room for its hints: %v, %d hints", r.Err, d.hintsAt())
	}
	d.hintsFull = false
	r = c.begin(d, opSet("k", "x"), true, least, least)
	c.deliver(anything)
	if r.Err != nil || d.hintsAt() != 3 {
		t.Fatalf("ANY: %v, %d hints", r.Err, d.hintsAt())
	}
}

// TestCountedHintOutlivesTheWindow: past the window a hint that an ack counts is kept all the same.
func TestCountedHintOutlivesTheWindow(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{HintWindow: 100 * Millisecond})
	a, d := c.node(1), c.node(4)
	c.third(true)
	for _, n := range c.nodes {
		n.dead[2] = true
	}
	sloppy := quorum.Choice{Level: quorum.Quorum, Sloppy: true}
	for _, key := range []string{"k", "l"} {
		r := c.begin(a, opSet(key, "v"), true, sloppy, sloppy)
		c.deliver(anything)
		if !r.Finished || r.Err != nil {
			t.Fatalf("SET %s: finished %v, %v", key, r.Finished, r.Err)
		}
		c.pass(500)
		c.deliver(anything)
	}
	if got := d.hintsAt() + c.node(5).hintsAt(); got != 4 {
		t.Fatalf("%d hints at the fallbacks, want 4", got)
	}
}
