package dynamo

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// A SLOPPY read at a fallback that holds no hint for the key says "absent": of other fallbacks only those that hold one
// count (StatusNoHint), of this node itself it is not asked.
func TestFallbackWithoutAHintKnowsNothing(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	c.write(c.node(1), opSet("k", "v"))
	c.deliver(anything)
	d := c.node(4)
	d.dead = map[object.NodeID]bool{1: true, 2: true, 3: true}
	one := quorum.Choice{Level: quorum.One, Sloppy: true}
	r := c.begin(d, opGet("k"), false, one, one)
	if r.Finished && r.Err == nil {
		t.Fatalf("a node that knows nothing of k answers %q", r.Op.(*trialOp).reply)
	}
}

// An ack of hints is taken from anybody who knows the batch's number: the hint is let go though the target has nothing.
func TestHintsAreAckedByTheirTarget(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a := c.node(1)
	a.dead[3] = true
	c.write(a, opSet("k", "v"))
	c.deliver(anything)
	a.dead[3] = false
	c.pass(5)
	var sent *wire.Write
	for _, d := range c.mail {
		if w, ok := d.m.(*wire.Write); ok && w.Reason == wire.ReasonHint {
			sent = w
		}
	}
	if sent == nil {
		t.Fatal("no hint was sent home")
	}
	ack := &wire.WriteReply{Header: wire.Header{Epoch: 1, HLC: a.last, ID: sent.ID, Asker: a.inc}}
	a.step(func(p *Partition) { p.Receive(c.now, 2, ack) })
	for key := range a.rows {
		if key[0] == object.SpaceHint {
			return
		}
	}
	t.Fatal("an ack of node 2 let the hint for node 3 go")
}

// ANY is refused although fallbacks are alive: the one that is asked sees another before itself and may not pass it on.
//
// All homes are dead. Of the fallbacks 4, 5, 6, node 6 does not hear 4 and passes a SET at ANY to 5, which does hear 4.
func TestAnyAtAFallbackThatIsNotTheFirst(t *testing.T) {
	c := newTrial(t, 6, 3, Limits{})
	for _, n := range c.nodes {
		n.dead = map[object.NodeID]bool{1: true, 2: true, 3: true}
	}
	sixth := c.node(6)
	sixth.dead[4] = true
	least := quorum.Choice{Level: quorum.Any}
	r := c.begin(sixth, opSet("k", "v"), true, least, least)
	survives(t, func() { c.deliver(amid(5, 6)) })
	if !r.Finished || r.Err != nil {
		t.Fatalf("a SET at ANY with three live nodes: finished %v, %v", r.Finished, r.Err)
	}
}

// Hints of a database's clear are not looked at when a fallback reads its hints: what was flushed shows.
func TestHintedFlush(t *testing.T) {
	c := newTrial(t, 4, 3, Limits{})
	d := c.node(4)
	d.dead = map[object.NodeID]bool{1: true, 2: true, 3: true}
	sloppy := quorum.Choice{Level: quorum.One, Sloppy: true}
	r := c.begin(d, opSet("k", "v"), true, sloppy, sloppy)
	if !slices.Contains(d.answers, r) {
		t.Fatal("the schedule does not fit")
	}
	c.pass(1)
	rows := appendDatabaseRow(nil, 0, object.Stamp{HLC: d.Now() + 1, Node: 1, Inc: 100})
	m := &wire.Write{Header: wire.Header{Epoch: 1, HLC: d.Now() + 1, ID: 5, Asker: 100}, Reason: wire.ReasonClient, For: 2, Rows: rows}
	d.step(func(p *Partition) { p.Receive(c.now, 1, m) })
	r = c.begin(d, opGet("k"), false, sloppy, sloppy)
	if r.Err == nil && r.Op.(*trialOp).reply != "nil" {
		t.Fatalf("after FLUSHDB: %q", r.Op.(*trialOp).reply)
	}
}

// A hint that its target cannot take holds up all hints behind it for ever: the replay begins at the first each time.
func TestOneBadRowHoldsUpNoHints(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{ReplayRows: 1})
	a, third := c.node(1), c.node(3)
	a.dead[3] = true
	for i := range 4 {
		c.write(a, opSet(fmt.Sprintf("k%d", i), "v"))
		c.deliver(anything)
	}
	var hints []string
	for key := range a.rows {
		if key[0] == object.SpaceHint {
			hints = append(hints, key)
		}
	}
	slices.Sort(hints)
	data := hints[0][9:]
	third.rows[data] = []byte("cannot be read")
	a.dead[3] = false
	for range 300 {
		c.pass(20)
		c.deliver(anything)
	}
	for _, key := range hints[1:] {
		if third.rows[key[9:]] == nil {
			t.Fatal("the hints behind a row that cannot be read never come home")
		}
	}
}

// ANY is refused by a fallback that hears a home replica which the node that passed the operation on does not: it may not
// pass it on again, but it could keep it.
func TestAnyAtAFallbackThatHearsAHome(t *testing.T) {
	c := newTrial(t, 6, 3, Limits{})
	c.node(6).dead = map[object.NodeID]bool{1: true, 2: true, 3: true, 5: true}
	least := quorum.Choice{Level: quorum.Any}
	r := c.begin(c.node(6), opSet("k", "v"), true, least, least)
	survives(t, func() { c.deliver(amid(4, 6)) })
	c.deliver(anything)
	if !r.Finished || r.Err != nil {
		t.Fatalf("a SET at ANY: finished %v, %v", r.Finished, r.Err)
	}
}
