package sim

import "github.com/rondokv/rondo/cluster/quorum"

// snatch takes a node away right after somebody was shown what it has not synced: a write of a primary with a slow disk reaches
// some of the others or none, is read, and is gone from the primary.
func (w *world) snatch(r rng) {
	key := r.IntN(len(w.plan.keys))
	homes := w.homesOf(key)
	if len(homes) < 3 || !homes[0].up {
		return
	}
	victim, rest := homes[0], homes[1:]
	lasts := 100*millisecond + Time(r.Int64N(int64(400*millisecond)))
	victim.slowUntil = max(victim.slowUntil, w.now+lasts)
	share := oneOf(r, 0.5, 0.5, 1)
	for _, n := range rest {
		if l := w.link(victim, n); r.chance(share) {
			l.loss = 1
			w.after(2*millisecond, nil, func() { l.loss = 0 })
		}
	}
	write := oneOf(r, verbSet, verbSet, verbHSet, verbGetSet)
	switch w.plan.keys[key].class {
	case classCounter:
		write = verbIncr
	case classSiblings:
		write = verbPut
	case classText:
		write = verbSet
	}
	gone := func() {
		w.after(1, victim, func() { // not within the step that has answered
			if w.phase != chaos || victim.store.Unsynced() == 0 {
				return
			}
			victim.die(0, 2*millisecond)
			// Each home replica asks another one first, and the first that asks who still has it makes it good.
			first := r.IntN(len(homes))
			for i := range homes {
				w.after(5*millisecond+Time(i)*4*millisecond, nil, func() {
					w.volley(homes[(first+i)%len(homes)], key, r, atQuorum, 0, verbGet)
				})
			}
		})
	}
	w.volley(victim, key, r, atQuorum, 0, write)
	w.after(3*millisecond+2*(w.plan.netMin+w.plan.netMean), nil, func() {
		for _, n := range homes {
			if r.chance(0.6) {
				w.call(n, key, r, [2]quorum.Choice{atQuorum, atQuorum}, gone, verbGet)
			}
		}
	})
}

// brink reads a key about when it expires by the clock of a node that is ahead, and at once at the next home replica, which asks
// another one: what has expired stays so. Now and then all crash then, and those whose wall clocks are behind are back first: their
// clocks must not be.
func (w *world) brink(r rng) {
	key := r.IntN(len(w.plan.keys))
	homes := w.homesOf(key)
	if len(homes) < 3 || w.plan.keys[key].class != classText {
		return
	}
	at := r.IntN(len(homes))
	fast, next := homes[at], homes[(at+1)%len(homes)]
	for _, n := range w.nodes {
		n.offset = -w.plan.skew / 2
	}
	fast.offset = w.plan.skew / 2
	both := [2]quorum.Choice{atQuorum, atQuorum}
	reread := func() { w.call(next, key, r, both, nil, verbGet) }
	w.call(fast, key, r, both, func() {
		k := w.keys[key].ended
		if len(k) == 0 {
			return
		}
		last := k[len(k)-1]
		left := Time(last.rec.results[last.i].at-fast.clock.Read().Millis()) * millisecond
		trip := 2 * (w.plan.netMin + w.plan.netMean)
		for i := range Time(6) {
			w.after(max(0, left-trip+i*trip/4), nil, func() { w.call(fast, key, r, both, reread, verbGet) })
		}
		if r.chance(0.4) {
			w.after(max(0, left)+4*trip+5*millisecond, nil, func() { w.restart(fast, homes, key, r) })
		}
	}, verbSetEx)
}

// restart lets all crash, without loss, and the one whose clock is ahead come back late.
func (w *world) restart(fast *node, homes []*node, key int, r rng) {
	for _, n := range w.nodes {
		down := millisecond
		if n == fast {
			down = 200 * millisecond
		}
		if n.up && w.phase == chaos {
			n.die(n.store.Unsynced(), down)
		}
	}
	for i := range Time(3) {
		w.after((4+3*i)*millisecond, nil, func() {
			for _, n := range homes {
				w.volley(n, key, r, atQuorum, 0, verbGet)
			}
		})
	}
}
