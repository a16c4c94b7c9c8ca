package sim

import (
	"slices"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// Recipes of runs that are staged: what they need is a ring that is at rest when they begin.

// onceMoved calls do when the plan that follows an epoch, or the one that it is about, has left the stage of copying: reads are of the new list
// then, or it was aborted. Nobody waits longer than until.
func (w *world) onceMoved(at ring.Epoch, until Time, do func()) {
	switch {
	case w.phase != chaos || w.now >= until:
	case w.doc.Stage == ring.Copying || w.doc.Epoch == at:
		w.after(5*millisecond, nil, func() { w.onceMoved(at, until, do) })
	default:
		do()
	}
}

// onceCopying calls do when the next plan has begun.
func (w *world) onceCopying(until Time, do func()) {
	switch {
	case w.phase != chaos || w.now >= until:
	case w.doc.Stage != ring.Copying:
		w.after(millisecond, nil, func() { w.onceCopying(until, do) })
	default:
		do()
	}
}

// readApart lets the home replicas of a key read it, some times, without those who know more than they may: what they know has to be
// where it does not take them.
func (w *world) readApart(key int, r rng, knowing ...*node) {
	for _, at := range []Time{5 * millisecond, 30 * millisecond, 100 * millisecond, 250 * millisecond} {
		w.after(at, nil, func() {
			for _, n := range w.homesOf(key) {
				if slices.Contains(knowing, n) {
					continue
				}
				for _, k := range knowing {
					w.loseAll(n, k, 20*millisecond)
				}
				w.readTwice(n, key, r)
			}
		})
	}
}

func (w *world) readTwice(n *node, key int, r rng) {
	both := [2]quorum.Choice{atQuorum, atQuorum}
	w.call(n, key, r, both, nil, verbGet)
	w.after(10*millisecond, nil, func() { w.call(n, key, r, both, nil, verbGet) })
}

// shrink cuts one home replica off while something is written, and takes home replicas away, one at a time, until hardly any is
// left beside it; then they come back.
func (w *world) shrink(r rng) {
	key := w.quietKey(r)
	homes := w.homesOf(key)
	if w.occupied() || len(homes) < 3 {
		return
	}
	at := r.IntN(len(homes))
	c, rest := homes[at], append(homes[:at:at], homes[at+1:]...)
	lasts := 40*millisecond + Time(r.Int64N(int64(60*millisecond)))
	w.staging = w.now + lasts + 300*millisecond
	w.cut(lasts, func(from, to *node) bool { return from == c || to == c })
	for _, n := range rest {
		n.suspect(c, w.now+lasts)
	}
	w.volley(rest[0], key, r, atQuorum, lasts/4, w.writeVerb(key, r), w.writeVerb(key, r))
	w.after(lasts, nil, func() {
		least := oneOf(r, 1, 1, len(homes)-2)
		for n := len(homes) - 1; n >= least; n-- {
			w.wishes = append(w.wishes, []ring.Change{{Kind: ring.SetReplicas, Replicas: n}})
		}
		w.wishes = append(w.wishes, []ring.Change{{Kind: ring.SetReplicas, Replicas: w.plan.replicas}})
		w.grant()
	})
}

// strand leaves a write in a hint for nodes that lose their places before it comes home: one that is off the list takes them all for dead
// and writes at ANY, and all of them are replaced.
func (w *world) strand(r rng) {
	key := w.quietKey(r)
	for range 5 {
		if w.blind(key) {
			break
		}
		key = w.quietKey(r)
	}
	homes := w.homesOf(key)
	it := w.ring.Fallbacks(ring.Partition(w.partitionOf(w.plan.keys[key].slot)))
	first, ok := it.Next()
	if w.occupied() || !ok || !w.blind(key) {
		return
	}
	n := w.nodeOf(object.NodeID(first))
	lasts := 500*millisecond + Time(r.Int64N(int64(300*millisecond)))
	w.staging = w.now + lasts
	for _, other := range w.nodes {
		for _, home := range homes {
			if other == n || !slices.Contains(homes, other) && r.chance(0.2) {
				other.suspect(home, w.now+lasts)
			}
		}
	}
	w.volley(n, key, r, atAny, millisecond, verbSet)
	w.after(20*millisecond, nil, func() {
		w.wish(r, homes...)
		w.grant()
	})
}

// blind reports whether a key may be SET by who does not look first.
func (w *world) blind(key int) bool {
	return w.plan.keys[key].class == classText || w.plan.keys[key].class == classHash
}

// linger begins a plan while an operation that was answered still waits for one of its home replicas, and aborts it.
func (w *world) linger(r rng) {
	key := w.quietKey(r)
	homes := w.homesOf(key)
	if w.occupied() || len(homes) < 3 {
		return
	}
	lasts := 400 * millisecond
	w.staging = w.now + 2*lasts
	sleeps := 60*millisecond + 2*w.plan.syncMean
	for _, n := range homes {
		n.late = w.now + sleeps
	}
	w.loseAll(homes[0], homes[1+r.IntN(len(homes)-1)], lasts)
	before := 2*(w.plan.netMin+w.plan.netMean+w.plan.syncMean) + Time(r.Int64N(int64(10*millisecond)))
	w.after(max(millisecond, sleeps-before), nil, func() {
		w.call(homes[0], key, r, [2]quorum.Choice{atQuorum, atQuorum}, nil, w.writeVerb(key, r))
	})
	w.wish(r, homes[r.IntN(len(homes))])
	w.grant()
	for _, n := range w.nodes {
		if !w.isHome(key, n) && n.up {
			n.quietUntil = w.now + lasts
			w.after(lasts+1, n, n.noteProgress)
		}
	}
	for i := range Time(4) {
		w.after(lasts*(i+2)/6, nil, func() { w.tell(w.anybody(r), epoch.Command{Kind: epoch.CommandAbort}) })
	}
}

// beginsToCopy is called when a node has to copy a partition, before it does.
func (w *world) beginsToCopy(n *node, p int) {
	h := &w.halfway
	if w.phase != chaos || h.until < w.now || !h.early || w.doc.Stage != ring.Copying {
		return
	}
	for key := range w.plan.keys {
		if w.partitionOf(w.plan.keys[key].slot) == p && w.blind(key) {
			h.until = 0
			w.writeEarly(n, key, h.r)
			return
		}
	}
}

// writeEarly lets a write be read by its primary and one that gets both late, while a new owner has not begun to copy; that copies from
// others then.
func (w *world) writeEarly(n *node, key int, r rng) {
	const lasts, waits = 1200 * millisecond, 40 * millisecond
	homes := w.homesOf(key)
	if len(homes) < 3 || !w.blind(key) {
		return
	}
	p := ring.Partition(w.partitionOf(w.plan.keys[key].slot))
	x, hears := homes[0], homes[1+r.IntN(len(homes)-1)]
	n.dawdles, n.quietUntil = w.now+waits+6*millisecond+3*(w.plan.netMin+w.plan.netMean), w.now+lasts
	w.after(lasts+1, n, n.noteProgress)
	n.suspect(x, w.now+lasts)
	for _, id := range w.ring.Owners(p) {
		switch to := w.nodeOf(object.NodeID(id)); {
		case to == x:
		case slices.Contains(homes, to):
			if to != hears {
				w.loseAll(x, to, lasts)
			}
		default:
			w.link(x, to).sheds = 1
			w.after(lasts, nil, func() { w.link(x, to).sheds = 0 })
		}
	}
	late := w.link(x, hears)
	w.after(waits, nil, func() {
		late.late = 200 * millisecond
		w.hurriedly(x, key, r, verbSet)
	})
	w.after(waits+4*millisecond, nil, func() {
		late.late = 500 * millisecond
		w.timeout = lasts
		w.call(x, key, r, [2]quorum.Choice{atQuorum, atQuorum}, nil, verbGet)
		w.timeout = 0
	})
	w.after(waits+5*millisecond, nil, func() { late.late = 0 })
	w.onceMoved(w.doc.Epoch, w.now+2*lasts, func() { w.readApart(key, r, x, hears) })
}
