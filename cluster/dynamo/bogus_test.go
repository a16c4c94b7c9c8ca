package dynamo

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// No message of a peer may end the process: replies of others, of other attempts, twice, cut short, with rows of other keys
// or of none, in every state of an operation.
func TestBogusReplies(t *testing.T) {
	for seed := range uint64(300) {
		bogus(t, seed)
	}
}

func bogus(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 27))
	c := newTrial(t, 7, []int{1, 2, 3, 5}[rnd.IntN(4)], Limits{RepairOneIn: 2, ReplayRows: 2})
	var trace []string
	defer func() {
		if e := recover(); e != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, e, strings.Join(trace[max(0, len(trace)-12):], "\n"), debug.Stack())
		}
	}()
	levels := []quorum.Level{quorum.One, quorum.Quorum, quorum.All, quorum.Any}
	level := func() quorum.Choice {
		return quorum.Choice{Level: levels[rnd.IntN(len(levels))], Sloppy: rnd.IntN(2) == 0}
	}
	var begun []*Request
	for range 200 {
		n := c.nodes[rnd.IntN(len(c.nodes))]
		key := string(rune('a' + rnd.IntN(2)))
		switch rnd.IntN(8) {
		case 0, 1:
			o := []*trialOp{opSet(key, "v"), opAppend(key, "x"), opIncr("n"), opGet(key), opGetDel(key)}[rnd.IntN(5)]
			trace = append(trace, fmt.Sprint("begin ", n.id, o.name))
			begun = append(begun, c.begin(n, o, o.name[0] != 'g' || o.name[3] == 'd', level(), level()))
		case 2:
			other := object.NodeID(rnd.IntN(len(c.nodes)) + 1)
			n.dead[other] = !n.dead[other]
			if n.dead[other] {
				trace = append(trace, fmt.Sprint("dead ", n.id, other))
				n.step(func(p *Partition) { p.Unreachable(c.now, other) })
			}
		case 3:
			c.pass(rnd.IntN(30))
		case 4:
			n.full = rnd.IntN(4) == 0
			n.lazy = rnd.IntN(3) == 0
			if !n.lazy {
				n.step(func(p *Partition) { p.Tick(c.now) })
			}
		default:
			for range 3 {
				if len(c.mail) > 0 {
					i := rnd.IntN(len(c.mail))
					d := c.mail[i]
					if rnd.IntN(4) > 0 {
						c.mail = slices.Delete(c.mail, i, i+1)
					}
					_, pass := d.m.(*wire.Pass)
					if !pass && rnd.IntN(3) == 0 {
						d = distort(rnd, c, d)
					}
					trace = append(trace, fmt.Sprintf("%d to %d: %+v", d.from, d.to, d.m))
					c.node(d.to).step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
				}
			}
		}
	}
	for _, n := range c.nodes {
		n.lazy, n.full = false, false
		n.sync()
	}
	c.mail = nil
	c.pass(2000)
	for i, r := range begun {
		answered := 0
		for _, n := range c.nodes {
			for _, a := range n.answers {
				if a == r {
					answered++
				}
			}
		}
		if !r.Finished || answered > 1 {
			t.Fatalf("seed %d: request %d, %s: finished %v, answered %d times", seed, i, r.Op.(*trialOp).name, r.Finished, answered)
		}
	}
	for _, n := range c.nodes {
		if n.p.ops.len() > 0 {
			t.Fatalf("seed %d: node %d keeps %d operations", seed, n.id, n.p.ops.len())
		}
	}
}

// distort makes another message of one.
func distort(rnd *rand.Rand, c *trial, d parcel) parcel {
	status := wire.Status(rnd.IntN(14))
	var rows []wire.Row
	for range rnd.IntN(3) {
		k := object.KeyState{Row: object.KeyRow{Cleared: object.Stamp{HLC: object.HLCOf(int64(c.now / Millisecond)), Node: 9, Inc: 9}}}
		names := []string{"a", "b", "n", "z"}
		rows = appendKeyRows(rows, keysOf(names[rnd.IntN(4)])[0], &k, nil)
		if rnd.IntN(3) == 0 {
			rows = appendDatabaseRow(rows, 0, object.Stamp{HLC: 5, Node: 9, Inc: 9})
		}
	}
	switch m := d.m.(type) {
	case *wire.ReadReply:
		m2 := *m
		m2.Status, m2.Rows, m2.Same = status, rows, nil
		if rnd.IntN(3) > 0 {
			m2.Status = wire.StatusOK
		}
		d.m = &m2
	case *wire.WriteReply:
		m2 := *m
		m2.Status, m2.Attempt, m2.Rows = status, uint8(rnd.IntN(2)), rows
		d.m = &m2
	case *wire.PassReply:
		m2 := *m
		if m2.Status = status; status == wire.StatusOK {
			m2.Body = nil
		}
		d.m = &m2
	case *wire.Write:
		m2 := *m
		m2.Rows, m2.Tell = rows, true
		if rnd.IntN(2) == 0 {
			m2.For = object.NodeID(rnd.IntN(8))
		}
		d.m = &m2
	case *wire.Read:
		m2 := *m
		m2.Hints = !m2.Hints
		m2.Keys = m2.Keys[:0]
		d.m = &m2
	}
	if rnd.IntN(2) == 0 {
		d.from = object.NodeID(rnd.IntN(len(c.nodes)) + 1)
	}
	return d
}

// A deadline far away becomes one that has passed: the budget on the wire is cut to 32 bits.
func TestFarDeadline(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	o := opSet("k", "v")
	r := &Request{Op: o, Write: true, ReadLevel: strict, WriteLevel: strict, Deadline: c.now + 1<<32*Millisecond}
	b.step(func(p *Partition) { p.Begin(c.now, r) })
	for _, d := range c.mail {
		if budget := d.m.Head().Budget; budget < 800 {
			t.Fatalf("a budget of %d ms for an operation that may take 49 days", budget)
		}
	}
}

// With one silent replica all answered operations linger until their deadline. A timer's step must not work on all of them
// when one is due: the next is due a moment later, and so on.
func TestTickWorksOnWhatIsDue(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a := c.node(1)
	for i := range 1000 {
		if i%100 == 0 {
			c.now += 10 * Millisecond
		}
		c.write(a, opSet(fmt.Sprintf("k%d", i), "v"))
		c.deliver(amid(1, 2))
		c.mail = nil
	}
	if a.p.ops.len() != 1000 {
		t.Fatal("the schedule does not fit")
	}
	c.now += 705 * Millisecond
	a.step(func(p *Partition) { p.Tick(c.now) })
	if n := cap(a.p.works); n > 500 {
		t.Fatalf("100 of 1000 operations were due, and there was work for %d", n)
	}
}

// A message for a slot of another partition is stored all the same: past that partition's mutex and counts.
func TestSlotOfAnotherPartition(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	m := *c.plant(c.node(3), 1, 0, opSet("k", "v"))
	m.Slot = ring.Slots - 1
	b.step(func(p *Partition) { p.Receive(c.now, 1, &m) })
	if len(b.rows) > 0 {
		t.Fatal("rows of another partition's slot were stored")
	}
}
