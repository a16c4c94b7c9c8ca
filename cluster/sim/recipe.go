package sim

import (
	"github.com/rondokv/rondo/cluster/quorum"
)

// Recipes are faults of several steps. What they lead to takes so many things at once, in one order, that faults which strike each
// by itself hardly ever come by: so they bring clients of their own, who act at the right instant.

// volley lets a client of its own for each verb send a command on a key to a node, a little after one another.
func (w *world) volley(n *node, key int, r rng, c quorum.Choice, spread Time, verbs ...verb) {
	at := Time(0)
	for _, v := range verbs {
		w.after(at, nil, func() { w.call(n, key, r, [2]quorum.Choice{c, c}, nil, v) })
		at += Time(r.Int64N(int64(spread) + 1))
	}
}

// call lets a client of its own send one command, or several on as many keys, and calls then once they have succeeded.
func (w *world) call(n *node, key int, r rng, levels [2]quorum.Choice, then func(), v verb, more ...command) {
	if w.phase != chaos || w.opsLeft == 0 || !n.up || len(n.parts) == 0 {
		return
	}
	w.opsLeft--
	w.guests++
	guest := &client{w: w, index: w.plan.clients + w.guests, r: r, guest: true, then: then, contexts: make([]context, len(w.plan.keys))}
	cmd := guest.draw(key, v)
	if v == verbSetEx || v == verbExpire {
		cmd.n = int64(r.between(1, 60)) // less than clocks are apart
	}
	rec := w.invoke(guest.index, n, append([]command{cmd}, more...), levels, len(more) > 0, w.patience())
	w.begin(n, rec, guest)
}

// patience is how long a recipe's client waits.
func (w *world) patience() Time {
	if w.timeout > 0 {
		return w.timeout
	}
	return w.plan.deadline
}

var (
	atQuorum = quorum.Choice{Level: quorum.Quorum}
	atOne    = quorum.Choice{Level: quorum.One}
	atAny    = quorum.Choice{Level: quorum.Any}
	sloppily = quorum.Choice{Level: quorum.Quorum, Sloppy: true}
)

// usurp makes blind writes hidden, several at once, at a primary that knows nothing of what hides them: the first of the list, of a
// clock far ahead, has writes acknowledged while the second hears nobody; then the second, to whom the first is dead, runs
// some of its own, and learns by the answers to them, which come late, in any order, or not at all, what stands above.
// Meanwhile a third may take itself for the primary as well, and write over what has come to it so far.
func (w *world) usurp(r rng) {
	key := r.IntN(len(w.plan.keys))
	homes := w.homesOf(key)
	if len(homes) < 3 {
		return
	}
	switch r.IntN(7) { // these want the same kind of run: little else, several clients' worth of lateness
	case 0:
		w.half(key, r)
		return
	case 1:
		w.fallen(key, r)
		return
	case 2:
		if len(homes) > 4 {
			w.outrun(homes, key, r)
			return
		}
	}
	fast, slow, rest := homes[0], homes[1], homes[2:]
	fast.offset, slow.offset = w.plan.skew/2, -w.plan.skew/2
	quiet, lasts := 30*millisecond+Time(r.Int64N(int64(200*millisecond))), 60*millisecond+Time(r.Int64N(int64(150*millisecond)))
	slow.suspect(fast, w.now+quiet+lasts)
	w.cut(quiet, func(_, to *node) bool { return to == slow })
	w.cut(quiet+lasts, func(from, to *node) bool { return from == slow && to == fast || from == fast && to == slow })
	w.hamper(fast, rest, quiet, r)
	first, then := w.usurpers(key, r)
	w.after(quiet/4, nil, func() { w.volley(fast, key, r, atQuorum, quiet/2, first...) })
	w.after(quiet, nil, func() {
		for _, n := range rest {
			slow.view(n, true)
		}
		w.hamper(slow, rest, lasts, r)
		w.volley(slow, key, r, atQuorum, oneOf(r, 0, millisecond, 4*millisecond), then...)
		share := 0.9
		if w.plan.keys[key].class == classHash {
			share = 0.5
		}
		if r.chance(share) {
			w.relay(slow, rest, key, lasts, r)
		}
	})
	w.after(quiet+lasts, nil, func() {
		for _, n := range homes {
			w.volley(n, key, r, atQuorum, 0, verbGet)
		}
	})
}

// outrun lets the ack of a hidden write's first stamp come late, when it has been stamped again above what hides it, and what was
// sent under the new stamp be lost but for one. Then those read that know of the new stamp least. REQUIRES: five homes.
func (w *world) outrun(homes []*node, key int, r rng) {
	fast, slow, near, deaf, far := homes[0], homes[1], homes[2], homes[3], homes[4]
	fast.offset, slow.offset = w.plan.skew/2, -w.plan.skew/2
	lossy := func(from, to *node, lasts Time) {
		l := w.link(from, to)
		l.loss = 1
		w.after(lasts, nil, func() { l.loss = 0 })
	}
	trip := w.plan.netMin + w.plan.netMean
	quiet, lasts := 4*trip+20*millisecond, 8*trip+120*millisecond
	lossy(fast, slow, quiet+lasts)
	lossy(fast, far, quiet+lasts)
	w.volley(fast, key, r, atQuorum, 0, verbSet)
	w.after(quiet, nil, func() {
		slow.suspect(fast, w.now+lasts)
		for _, n := range homes[2:] {
			slow.view(n, true)
		}
		lossy(slow, deaf, lasts)
		back := w.link(far, slow)
		back.late = 3*trip + 20*millisecond
		w.after(lasts, nil, func() { back.late = 0 })
		w.volley(slow, key, r, atQuorum, 0, verbSet)
		w.after(max(w.plan.netMin, 50*microsecond), nil, func() { lossy(slow, far, lasts) })
	})
	w.after(quiet+6*trip+60*millisecond, nil, func() {
		far.suspect(slow, w.now+lasts)
		far.suspect(near, w.now+lasts)
		w.volley(far, key, r, atQuorum, trip, verbGet, verbGet)
	})
}

// usurpers draws what the first and the second primary write.
func (w *world) usurpers(key int, r rng) (first, then []verb) {
	draw := func(from ...verb) verb { return from[r.IntN(len(from))] }
	if w.plan.keys[key].class == classHash {
		for range r.between(1, 2) {
			first = append(first, draw(verbHSet, verbHSet, verbSet))
		}
		then = append(then, verbSet)
		for range r.between(0, 2) {
			then = append(then, draw(verbSet, verbHSet, verbDel))
		}
		return first, then
	}
	for range r.between(1, 3) {
		first = append(first, verbSet)
	}
	then = append(then, draw(verbSet, verbSet, verbSetEx))
	for range r.between(1, 3) {
		then = append(then, draw(verbSet, verbSet, verbSetKeepTTL, verbSetEx, verbAppend, verbGetSet))
	}
	return first, then
}

// relay lets a third node take both others for dead and write twice over what it has by then.
func (w *world) relay(slow *node, rest []*node, key int, lasts Time, r rng) {
	n := rest[0]
	w.after(Time(r.Int64N(int64(lasts/3))), nil, func() {
		n.suspect(slow, w.now+lasts)
		n.suspect(w.homesOf(key)[0], w.now+lasts)
		over := []verb{verbAppend, verbAppend, verbAppend}
		if w.plan.keys[key].class == classHash {
			over = []verb{verbDel, verbHSet}
		}
		w.volley(n, key, r, atQuorum, 20*millisecond, over...)
	})
}

// hamper makes each direction between a node and some others prompt, late, unsure or dead for a while.
func (w *world) hamper(n *node, others []*node, lasts Time, r rng) {
	for _, other := range others {
		for _, l := range []*link{w.link(n, other), w.link(other, n)} {
			switch r.pick([]int{50, 25, 15, 10}) {
			case 1:
				l.late = lasts / 4
			case 2:
				l.loss = 0.5
			case 3:
				l.loss = 1
			}
			w.after(lasts, nil, func() { l.late, l.loss = 0, 0 })
		}
	}
}
