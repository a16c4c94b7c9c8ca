package sim

import (
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// stray adds to hints that are on their way home: the nodes off a key's list take its home replicas for dead and write at
// ANY, the first of them sees one for a moment, and is written to again before the answer to its hints has come.
func (w *world) stray(r rng) {
	key := r.IntN(len(w.plan.keys))
	if w.plan.slides {
		// One that the other clients are done with, so that what is lost is missed.
		done := w.plan.ops - min(w.plan.ops, w.opsLeft)
		key = r.IntN(max(1, done*len(w.plan.keys)/w.plan.ops))
	}
	slot := w.plan.keys[key].slot
	it := w.ring.Fallbacks(ring.Partition(w.partitionOf(slot)))
	first, ok := it.Next()
	blind := w.plan.keys[key].class == classText || w.plan.keys[key].class == classHash
	if !ok || !blind {
		return
	}
	n, homes := w.nodeOf(object.NodeID(first)), w.homesOf(key)
	if len(homes) > 1 && r.chance(0.5) {
		w.disorder(homes[0], homes[1], n, key, r)
		return
	}
	away := 300 * millisecond
	for _, other := range w.nodes {
		for _, home := range homes {
			if !w.isHome(key, other) {
				other.suspect(home, w.now+away)
			}
		}
	}
	w.volley(n, key, r, atAny, millisecond, verbSet)
	seen := 5*millisecond + Time(r.Int64N(int64(20*millisecond)))
	home := homes[r.IntN(len(homes))]
	back := w.link(home, n)
	w.after(seen, n, func() {
		back.late = 30 * millisecond
		n.until[home.index] = 0
		n.view(home, true)
	})
	w.after(seen+oneOf(r, 2*millisecond, 20*millisecond, 105*millisecond), n, func() {
		n.suspect(home, w.now+away)
		w.volley(n, key, r, atAny, 10*millisecond, verbSet, verbSetKeepTTL)
	})
	w.after(seen+200*millisecond, nil, func() { back.late = 0 })
}

// disorder lets several writes of a key come to a fallback in any order, for a home replica that is thought dead; or while the answer
// to the first of them is on its way back from that one, which only the primary thinks dead.
func (w *world) disorder(primary, dead, fallback *node, key int, r rng) {
	if r.chance(0.6) {
		primary.suspect(dead, w.now+200*millisecond)
		l := w.link(dead, fallback)
		l.late = 40 * millisecond
		w.after(150*millisecond, nil, func() { l.late = 0 })
		w.volley(primary, key, r, atOne, 60*millisecond, verbSet, verbSetKeepTTL, verbSet, verbSetKeepTTL, verbSet)
		return
	}
	primary.suspect(dead, w.now+100*millisecond)
	l := w.link(primary, fallback)
	l.late = 20 * millisecond
	w.after(40*millisecond, nil, func() { l.late = 0 })
	w.volley(primary, key, r, atOne, 2*millisecond, verbSet, verbSet, verbSetKeepTTL)
}

// half shows one key and writes another at ONE, while what it shows is on its way to the others and mostly lost; the same is
// read elsewhere as soon as the answer is there.
func (w *world) half(key int, r rng) {
	other := -1
	for k := range w.plan.keys {
		if k != key && w.plan.keys[k].slot == w.plan.keys[key].slot {
			other = k
		}
	}
	if other < 0 {
		return
	}
	homes := w.homesOf(key)
	for _, n := range homes[1:] {
		l := w.link(homes[0], n)
		l.loss = 1
		w.after(millisecond, nil, func() { l.loss = 0.5 })
		w.after(60*millisecond, nil, func() { l.loss = 0 })
	}
	reread := func() {
		for _, n := range homes[1:] {
			w.volley(n, key, r, atQuorum, 0, verbGet)
		}
	}
	w.volley(homes[0], key, r, atOne, 0, verbSet)
	w.after(2*millisecond, nil, func() {
		w.call(homes[0], key, r, [2]quorum.Choice{atQuorum, atOne}, reread, verbGet, command{verb: verbSet, key: other})
	})
}

// fallen lets a primary that has missed a write look sloppily and write strictly, when the one that could tell is silent and a
// fallback has something of its own.
func (w *world) fallen(key int, r rng) {
	homes := w.homesOf(key)
	stale, next := homes[0], homes[1]
	lasts := 300 * millisecond
	stale.suspect(next, w.now+lasts)
	w.volley(stale, key, r, atOne, 0, verbSet)
	w.after(60*millisecond, nil, func() {
		w.cut(lasts, func(from, to *node) bool {
			return from == stale && w.isHome(key, to) || to == stale && w.isHome(key, from)
		})
		next.suspect(stale, w.now+lasts)
		w.call(next, key, r, [2]quorum.Choice{atQuorum, atQuorum}, func() {
			for _, v := range []verb{verbSetNX, verbPersist, verbAppend} {
				w.call(stale, key, r, [2]quorum.Choice{sloppily, atQuorum}, nil, v)
			}
		}, verbSet)
	})
}
