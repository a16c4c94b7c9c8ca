package sim

import (
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// moment is an instant of a ring's change at which a node may be made to crash.
type moment uint8

const (
	momentPropose moment = iota // it has begun to propose
	momentSave                  // it has saved a promise, what it accepted, or a document
	momentAdopt                 // it has adopted a document
	momentCopy                  // it copies
	momentClear                 // it clears
	momentServe                 // somebody copies, perhaps from it
	momentCopied                // it has copied all, and said so
	moments       = iota
)

var momentNames = [moments]string{"proposer", "voter", "adopter", "target", "clearer", "source", "copier"}

// aim is a crash that waits for a moment.
type aim struct {
	at          moment
	r           rng
	until, down Time
	skip        int // moments that are let go by
}

// aimAt waits for a moment, and lets the node crash whose it is.
func (w *world) aimAt(r rng, lasts Time) {
	if len(w.aims) < 8 {
		w.aims = append(w.aims, aim{
			at: moment(r.IntN(moments)), r: r, until: w.now + 2*second, down: lasts, skip: oneOf(r, 0, 0, 1, 2, 5),
		})
	}
}

// moment is called at each.
func (w *world) moment(at moment, n *node) {
	if w.phase != chaos {
		return
	}
	if at == momentCopy {
		w.moment(momentServe, n)
	}
	kept := w.aims[:0]
	for _, a := range w.aims {
		switch {
		case a.until < w.now:
		case a.at != at:
			kept = append(kept, a)
		case a.skip > 0:
			a.skip--
			kept = append(kept, a)
		default:
			w.hit(&a, n)
		}
	}
	w.aims = kept
}

// hit lets a node crash soon.
func (w *world) hit(a *aim, n *node) {
	if a.at == momentServe {
		n = w.source(a.r, n)
	}
	if n == nil || !n.up {
		return
	}
	w.totals.Interrupted[a.at]++
	in := oneOf(a.r, 1, w.plan.netMean, 2*w.plan.netMean+w.plan.syncMean)
	if a.at == momentCopied {
		in = 1 + w.plan.syncMean/8*Time(a.r.IntN(2))
	}
	w.after(in, n, func() {
		if w.phase == chaos {
			if a.at == momentCopied {
				n.die(0, a.down)
				return
			}
			n.crash(a.r, a.down)
		}
	})
}

// source returns an old owner of something that a node copies.
func (w *world) source(r rng, n *node) *node {
	for _, p := range w.doc.Moving {
		for _, id := range w.ring.Copiers(p) {
			if id == ring.NodeID(n.id) {
				list := w.ring.PreferenceList(p)
				return w.nodeOf(object.NodeID(list[r.IntN(len(list))]))
			}
		}
	}
	return nil
}

// laggard keeps a home replica in an old epoch, while all others take it for dead, though they hear it: it goes on as the primary of
// the ring that it knows. One other hears it. Its clients write there, at any stage and once more when reads have left the old list;
// what they were told is read where that other is not asked.
func (w *world) laggard(r rng, lasts Time, tries int) {
	if w.occupied() {
		if tries > 0 && w.phase == chaos {
			w.after(20*millisecond, nil, func() { w.laggard(r, lasts, tries-1) })
		}
		return
	}
	key := w.quietKey(r)
	homes := w.homesOf(key)
	if len(homes) < 3 {
		return
	}
	lasts = max(lasts, 400*millisecond)
	at := 0
	if r.chance(0.2) {
		at = r.IntN(len(homes))
	}
	n, rest := homes[at], append(homes[:at:at], homes[at+1:]...)
	n.late, w.staging = w.now+lasts, w.now+lasts+50*millisecond
	w.wish(r, n)
	for _, other := range w.nodes { // also who is to replace it
		other.suspect(n, w.now+lasts)
	}
	hears := rest[r.IntN(len(rest))]
	for _, other := range rest {
		if other != hears {
			w.loseAll(n, other, lasts)
		}
	}
	l := lagging{n: n, hears: hears, key: key, r: r, write: w.writeVerb(key, r), until: w.now + lasts}
	w.grant()
	for i := range Time(oneOf(r, 0, 1, 3)) {
		w.after(lasts*(i+2)/8, nil, func() { w.writeLate(&l, false) })
	}
	w.onceMoved(w.doc.Epoch, l.until, func() {
		for i := range Time(3) {
			w.after(5*millisecond+i*25*millisecond, nil, func() { w.writeLate(&l, true) })
		}
	})
	for i := range Time(3) {
		w.after(lasts*(i+2)/2, nil, func() {
			for _, other := range w.homesOf(key) {
				w.call(other, key, r, [2]quorum.Choice{atQuorum, atQuorum}, nil, verbGet)
			}
		})
	}
}

// lagging is a laggard at work.
type lagging struct {
	n, hears *node
	key      int
	r        rng
	write    verb
	until    Time
}

// writeLate lets a client write at the laggard, and others read once it has been answered, perhaps without who has heard of it.
func (w *world) writeLate(l *lagging, apart bool) {
	if l.n.stopped || w.now >= l.until {
		return
	}
	w.call(l.n, l.key, l.r, [2]quorum.Choice{atQuorum, atQuorum}, func() {
		if apart {
			w.readApart(l.key, l.r, l.n, l.hears)
			return
		}
		for _, other := range w.homesOf(l.key) {
			if other != l.n && other != l.hears { // who has it would repair the others
				w.readTwice(other, l.key, l.r)
			}
		}
	}, l.write)
}

// deafen lets some nodes hear nothing of the ring but what operations tell.
func (w *world) deafen(a *node, mask uint64, lasts Time) {
	var links []*link
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			if from != to && (to == a || mask>>to.index&7 == 0) {
				l := w.link(from, to)
				l.deaf++
				links = append(links, l)
			}
		}
	}
	w.after(lasts, nil, func() {
		for _, l := range links {
			l.deaf--
		}
	})
}

// rival lets two voters each take itself for the conductor, and gives each of them an order of its own, while voters crash that
// have promised something.
func (w *world) rival(r rng) {
	voters := w.doc.Voters
	if len(voters) < 3 {
		return
	}
	lasts := 100*millisecond + Time(r.Int64N(int64(300*millisecond)))
	i := 1 + r.IntN(len(voters)-1)
	a, b := w.nodeOf(object.NodeID(voters[0])), w.nodeOf(object.NodeID(voters[i]))
	for _, v := range voters[:i] {
		b.suspect(w.nodeOf(object.NodeID(v)), w.now+lasts)
	}
	for _, n := range []*node{a, b} {
		if m := w.somebody(r); m != nil && n.up {
			w.tell(n, epoch.Command{Kind: epoch.CommandChange, By: "rival", Changes: []ring.Change{
				{Kind: ring.SetWeight, ID: ring.NodeID(m.id), Weight: uint32(r.between(1, 9))},
			}})
		}
	}
	if r.chance(0.5) && len(w.aims) < 8 {
		w.aims = append(w.aims, aim{at: momentSave, r: r, until: w.now + lasts, down: 2 * millisecond, skip: r.IntN(6)})
	}
}
