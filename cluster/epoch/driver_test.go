package epoch

import (
	"strings"

	"github.com/rondokv/rondo/cluster/ring"
)

// lingers is for how long the driver of a node that is removed carries messages.
const lingers = 2 * Second

func (n *node) start() {
	w := n.w
	n.life++
	n.disk.inc++
	n.up, n.busy, n.effects, n.dead, n.progress, n.outcomes = true, false, nil, false, Progress{}, map[uint64]Outcome{}
	o := Options{Self: n.id, Inc: n.disk.inc, Register: n.disk.register, Auto: w.auto, Seed: w.rng.Uint64(), Limits: w.limits}
	if n.disk.document != nil {
		d, err := ring.DecodeDocument(n.disk.document)
		if err != nil {
			w.fatalf("node %d: %v", n.id, err)
		}
		o.Document = d
		n.works(d)
	}
	m, err := New(w.now, o)
	if err != nil {
		w.fatalf("node %d starts: %v", n.id, err)
	}
	n.m = m
	w.logf("node %d starts", n.id)
	n.do(func() {})
	n.tick()
}

func (n *node) crash() {
	n.w.logf("node %d crashes", n.id)
	n.w.counts["crashes"]++
	n.up, n.life = false, n.life+1
}

// later does something unless the node has crashed meanwhile.
func (n *node) later(d Time, do func()) {
	life := n.life
	n.w.in(d, func() {
		if n.up && n.life == life {
			do()
		}
	})
}

func (n *node) tick() {
	at, _ := n.m.NextTimer()
	n.later(max(at-n.w.now, Millisecond), func() {
		n.do(func() { n.m.Tick(n.w.now) })
		n.tick()
	})
}

// do is one step and what it brings about.
func (n *node) do(step func()) {
	if n.dead {
		return
	}
	step()
	rd := n.m.Ready()
	if rd.Empty() {
		return
	}
	for _, e := range rd.Events {
		n.w.logf("node %d: %v epoch %d %s", n.id, e.Kind, e.Epoch, e.Text)
		n.w.counts[e.Kind.String()]++
		if e.Kind == EventProposed && !strings.HasPrefix(e.Text, "again") {
			// With a vote of its own only it is decided in the same step.
			if d := n.w.documents[n.m.doc.Cluster][e.Epoch-1]; d != nil {
				n.w.checkBarrier(d, e.Stage, e.Text)
				n.checkLive(d, e.Stage)
			}
		}
	}
	n.effects = append(n.effects, rd)
	n.effect()
}

// effect does what the Readies ask for, one after the other.
func (n *node) effect() {
	if n.busy || len(n.effects) == 0 {
		return
	}
	rd := n.effects[0]
	n.effects = n.effects[1:]
	n.busy = true
	after := func() {
		n.busy = false
		n.act(rd)
		n.effect()
	}
	if rd.Save == nil {
		after()
		return
	}
	n.later(n.w.up(n.w.sync), func() {
		if rd.Save.Document != nil {
			n.disk.document = mustEncode(n.w.t, rd.Save.Document)
			n.w.note(rd.Save.Document)
			if e := rd.Save.Document.Epoch; e <= n.stored {
				n.w.fatalf("node %d goes from epoch %d to %d", n.id, n.stored, e)
			}
			n.stored = rd.Save.Document.Epoch
		}
		n.disk.register = rd.Save.Register
		after()
		if n.w.chance(n.w.dies) && n.up {
			n.crash()
			n.w.in(n.w.up(300*Millisecond), func() {
				if !n.up {
					n.start()
				}
			})
		}
	})
}

func (n *node) act(rd Ready) {
	for _, e := range rd.Messages {
		n.w.send(n.id, e)
	}
	for _, o := range rd.Outcomes {
		if _, twice := n.outcomes[o.ID]; twice {
			n.w.fatalf("node %d: command %d has two outcomes", n.id, o.ID)
		}
		n.outcomes[o.ID] = o
		n.w.logf("node %d: outcome of %d: %v %s", n.id, o.ID, o.Code, o.Text)
	}
	n.events = append(n.events, rd.Events...)
	if d := rd.Adopt; d != nil {
		n.later(n.w.up(n.w.sync), func() {
			n.works(d)
			n.do(func() { n.m.Adopted(n.w.now, d.Epoch) })
		})
	}
	for _, e := range rd.Events {
		if e.Kind == EventRemoved {
			n.later(lingers, func() { n.dead = true })
		}
		if e.Kind == EventConflict {
			n.w.fatalf("node %d: conflict: %s", n.id, e.Text)
		}
	}
}

// works: all partitions work by the document now. What there is to copy or to clear takes a while.
func (n *node) works(d *ring.Document) {
	n.adopted[d.Hash()] = true
	n.last = d.Epoch
	x := d.Member(n.id)
	if x == nil {
		return
	}
	say := func(p Progress) func() {
		return func() {
			if n.last != d.Epoch || n.stuck {
				return
			}
			if p.Copied != 0 {
				n.copied[d.Hash()] = true
			}
			n.progress.Copied, n.progress.Empty = max(n.progress.Copied, p.Copied), p.Empty
			n.do(func() { n.m.Progress(n.w.now, n.progress) })
		}
	}
	switch {
	case d.Stage == ring.Copying:
		n.later(n.w.up(n.w.copyFor), say(Progress{Copied: d.Epoch}))
	case d.Stage == ring.Stable && x.Leaving:
		n.later(n.w.up(n.w.copyFor), say(Progress{Empty: d.Epoch}))
	}
}
