package sim

import (
	"slices"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// writeVerb draws something that every key of its class takes.
func (w *world) writeVerb(key int, r rng) verb {
	switch w.plan.keys[key].class {
	case classCounter:
		return verbIncr
	case classSiblings:
		return verbPut
	case classHash:
		return oneOf(r, verbHSet, verbSet)
	}
	return oneOf(r, verbSet, verbSet, verbAppend)
}

// quietKey draws a key; where clients turn from one to the next, one that they are done with: nobody else reads and repairs it.
func (w *world) quietKey(r rng) int {
	if !w.plan.slides {
		return r.IntN(len(w.plan.keys))
	}
	done := w.plan.ops - min(w.plan.ops, w.opsLeft)
	return r.IntN(max(1, min(len(w.plan.keys), done*len(w.plan.keys)/w.plan.ops)))
}

// outdate cuts one home replica of a key off while something is written: by the others at QUORUM, so that it lacks what all know, or
// by itself at ONE, so that it alone has it. Then the ring changes so that what is missing, or there alone, has to move.
func (w *world) outdate(r rng, tries int) {
	key := w.quietKey(r)
	homes := w.homesOf(key)
	if len(homes) < 2 {
		return
	}
	if w.occupied() {
		if tries > 0 && w.phase == chaos {
			w.after(20*millisecond, nil, func() { w.outdate(r, tries-1) })
		}
		return
	}
	alone, at := len(homes) == 2 || r.chance(0.5), 0 // copies begin with the first
	switch {
	case r.chance(0.4):
		at = r.IntN(len(homes))
	case alone:
		at = len(homes) - 1
	}
	c, rest := homes[at], append(homes[:at:at], homes[at+1:]...)
	lasts := 40*millisecond + Time(r.Int64N(int64(150*millisecond)))
	w.staging = w.now + lasts + 300*millisecond
	w.cut(lasts, func(from, to *node) bool { return from == c || to == c })
	for _, n := range w.nodes {
		if n != c {
			n.suspect(c, w.now+lasts)
			if alone {
				c.suspect(n, w.now+lasts)
			}
		}
	}
	writer, level := rest[0], atQuorum
	if alone {
		writer, level = c, atOne
	}
	w.volley(writer, key, r, level, lasts/4, w.writeVerb(key, r), w.writeVerb(key, r))
	w.after(lasts, nil, func() {
		w.wishes = w.wishes[:0]
		for _, n := range w.nodes { // who is replaced while he is taken for dead hands nothing over
			if n != c && n.up && c.up && n.present {
				n.until[c.index], c.until[n.index] = 0, 0
				n.view(c, true)
				c.view(n, true)
			}
		}
		if alone {
			w.wish(r, c)
		} else {
			for _, i := range r.Perm(len(rest))[:r.between(1, len(rest))] {
				w.wish(r, rest[i])
			}
		}
		w.grant()
		if w.plan.rings.staged && !alone {
			w.onceMoved(w.doc.Epoch, w.now+second, func() { w.readApart(key, r, rest...) })
		}
		if r.chance(0.6) && len(w.aims) < 8 {
			slow := second / 2
			if w.plan.rings.staged {
				slow = 2 * second
			}
			for _, n := range w.nodes {
				if !w.isHome(key, n) {
					n.slowUntil = max(n.slowUntil, w.now+slow) // so that there is something to lose
				}
			}
			w.aims = append(w.aims, aim{at: momentCopied, r: r, until: w.now + second, down: 200 * millisecond})
		}
	})
}

// mumble lets most of the rows that a node sends be lost for a while.
func (w *world) mumble(n *node, lasts Time) {
	for _, to := range w.nodes {
		l := w.link(n, to)
		l.sheds = 0.7
		w.after(lasts, nil, func() { l.sheds = 0 })
	}
}

// occupied reports whether a recipe that begins with a stable ring has to wait. Two at a time leave too few nodes for any plan.
func (w *world) occupied() bool {
	return w.doc.Stage != ring.Stable || len(w.wishes) > 0 || w.staging > w.now || w.absentee() != nil
}

// wish wants nodes to go, or to be replaced, in one plan, once nothing else is going on.
func (w *world) wish(r rng, nodes ...*node) {
	var plan []ring.Change
	for _, n := range nodes {
		c := ring.Change{Kind: ring.Leave, ID: ring.NodeID(n.id)}
		if x := w.spare(r, n); x != nil && (w.plan.rings.staged || r.chance(0.6)) {
			x.appear()
			c = ring.Change{Kind: ring.Replace, ID: ring.NodeID(n.id), Member: ring.Member{Node: x.place}}
		}
		plan = append(plan, c)
	}
	w.wishes = append(w.wishes, plan)
}

// grant orders what is wished for next.
func (w *world) grant() {
	if len(w.wishes) == 0 || w.doc.Stage != ring.Stable || w.phase != chaos {
		return
	}
	c := w.wishes[0]
	w.wishes = w.wishes[1:]
	w.insist(8, c...)
}

// insist orders changes until they are carried out or have been refused often enough.
func (w *world) insist(tries int, plan ...ring.Change) {
	order := epoch.Command{Kind: epoch.CommandChange, Changes: plan, By: "wish"}
	w.ask(w.anybody(w.orders), order, func(o epoch.Outcome) {
		if o.Code != epoch.CodeOK && tries > 0 && w.phase == chaos {
			w.after(w.orders.around(40*millisecond), nil, func() { w.insist(tries-1, plan...) })
		}
	})
}

// revisit reads the keys of partitions that have moved, at each of their owners.
func (w *world) revisit(moved []ring.Partition) {
	if w.plan.emphasis != onMoves || w.phase != chaos || w.plan.faults[faultLinger].every > 0 {
		return
	}
	r := w.orders
	both := [2]quorum.Choice{atQuorum, atQuorum}
	for key := range w.plan.keys {
		p := ring.Partition(w.partitionOf(w.plan.keys[key].slot))
		for _, m := range moved {
			if m != p || len(w.plan.keys) > 8 && !r.chance(0.4) {
				continue
			}
			homes := w.homesOf(key)
			first := r.IntN(len(homes))
			for i := range homes {
				w.after(r.around(oneOf(r, 5*millisecond, 30*millisecond, 200*millisecond))*Time(i+1)/2, nil, func() {
					w.call(homes[(first+i)%len(homes)], key, r, both, nil, verbGet)
				})
			}
		}
	}
}

// halfway is a write that reaches only one of the two lists of a partition, between a new owner's copy and the next stage; or, early,
// before that copy.
type halfway struct {
	r     rng
	until Time
	early bool
}

// copiedPart is called when a node has copied a partition.
func (w *world) copiedPart(n *node, p int) {
	h := &w.halfway
	if w.phase != chaos || h.until < w.now || h.early || w.doc.Stage != ring.Copying || n.target.Epoch != w.doc.Epoch {
		return
	}
	for key := range w.plan.keys {
		if w.partitionOf(w.plan.keys[key].slot) == p {
			h.until = 0
			w.writeHalfway(n, key, h.r)
			return
		}
	}
}

// writeHalfway holds the stage up for a while by keeping the node's progress to itself.
func (w *world) writeHalfway(n *node, key int, r rng) {
	lasts := 150*millisecond + Time(r.Int64N(int64(300*millisecond)))
	n.quietUntil = w.now + lasts
	w.after(lasts+1, n, n.noteProgress)
	if r.chance(0.4) {
		w.halfNew(key, lasts, r)
	} else {
		w.halfOld(key, lasts, r)
	}
}

// halfNew brings a write to its primary and the new owners only, and has the plan aborted then.
func (w *world) halfNew(key int, lasts Time, r rng) {
	homes := w.homesOf(key)
	for _, to := range homes[1:] {
		w.loseAll(homes[0], to, lasts/2)
	}
	w.hurriedly(homes[0], key, r, w.writeVerb(key, r))
	w.after(lasts/2, nil, func() { w.tell(w.anybody(r), epoch.Command{Kind: epoch.CommandAbort}) })
	if w.plan.rings.staged {
		at := w.doc.Epoch
		w.onceMoved(at, w.now+2*lasts, func() { w.readApart(key, r, homes[0]) })
		return
	}
	for i := range Time(3) {
		w.after(lasts*(i+2)/4, nil, func() {
			for _, n := range homes {
				w.call(n, key, r, [2]quorum.Choice{atQuorum, atQuorum}, nil, verbGet)
			}
		})
	}
}

// halfOld brings a write to an old owner that goes and one other, and has it read there.
func (w *world) halfOld(key int, lasts Time, r rng) {
	homes := w.homesOf(key)
	p := ring.Partition(w.partitionOf(w.plan.keys[key].slot))
	x, next := homes[0], w.ring.Moving(p)
	for _, n := range homes {
		if !slices.Contains(next, ring.NodeID(n.id)) {
			x = n
			break
		}
	}
	for _, n := range homes {
		if n == x {
			break
		}
		x.suspect(n, w.now+lasts/3)
	}
	hears := homes[r.IntN(len(homes))]
	if w.plan.rings.staged {
		w.onceMoved(w.doc.Epoch, w.now+2*lasts, func() { w.readApart(key, r, x, hears) })
	}
	for _, id := range w.ring.Owners(p) {
		if to := w.nodeOf(object.NodeID(id)); to != x && to != hears {
			w.loseAll(x, to, lasts)
		}
	}
	w.hurriedly(x, key, r, w.writeVerb(key, r))
	for i := range Time(3) {
		w.after(lasts*(i+1)/5, nil, func() { w.call(x, key, r, [2]quorum.Choice{atQuorum, atQuorum}, nil, verbGet) })
	}
}

// loseAll loses what one node sends another, for a while.
func (w *world) loseAll(from, to *node, lasts Time) {
	if from != to {
		l := w.link(from, to)
		l.loss = 1
		w.after(lasts, nil, func() { l.loss = 0 })
	}
}

// hurriedly lets a client of its own send a command that it does not wait for long.
func (w *world) hurriedly(n *node, key int, r rng, v verb) {
	w.timeout = 40 * millisecond
	w.call(n, key, r, [2]quorum.Choice{atQuorum, atQuorum}, nil, v)
	w.timeout = 0
}
