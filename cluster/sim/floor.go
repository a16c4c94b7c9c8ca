package sim

import (
	"github.com/rondokv/rondo/engine/object"
)

// floor is a lower bound of what a key's rows hold somewhere: the greatest stamps of each field, and of a counter that is only
// ever added to what it came to.
//
// Floors make I1, I4, I9 and I11 cheap. When an operation succeeds that had acks from w home replicas, at least w of them hold
// what it wrote, or something greater: replicas merge, and never go back, for an ack is sent only once it is durable. That
// raises the floors of 1..w replicas. An operation that begins later and sees r replicas shares one with them if w + r > N; so it
// must see at least the floor of N-r+1 replicas as it was when it began. Clocks have no part in this: only the order in
// real time of one answer and another beginning, as clients see it.
//
// What a QUORUM read has shown counts like a write acknowledged by a majority, since it is answered only once a majority is
// known to hold it; so does what an operation looked at before it wrote at QUORUM, and, whatever the level at which it wrote, the keys
// that it showed and did not change. Of the keys that it changed at ONE it promises nothing, and what was read at less than
// QUORUM is held by whoever was asked.
type floor struct {
	value, expiry, cleared object.Stamp
	elements               [fields]object.Stamp
	count                  int64
}

func (f *floor) raise(g *floor) {
	f.value = object.MaxOf(f.value, g.value)
	f.expiry = object.MaxOf(f.expiry, g.expiry)
	f.cleared = object.MaxOf(f.cleared, g.cleared)
	for i := range f.elements {
		f.elements[i] = object.MaxOf(f.elements[i], g.elements[i])
	}
	f.count = max(f.count, g.count)
}

// pair keeps apart what was written and what was shown, to name what is broken.
type pair struct{ acked, shown floor }

// edges are times that a later read at QUORUM must respect, by tokens alone and no stamps: the latest beginning of an operation
// that has been acknowledged at QUORUM or above and ...
type edges struct {
	wrote   Time // ... wrote or ended the value
	cleared Time // ... ended everything of the key
	set     Time // ... left a value there that no expiry of its own ends
}

// before is what was known of a key when an operation began.
type before struct {
	need  int // home replicas that the operation will have seen
	floor pair
	// strong is what a majority was known to hold, whatever the level of the operation.
	strong pair
	edges  edges
	count  int // touches of the key until then
}

func (w *world) snapshot(rec *record, c *command) (b before) {
	k := &w.keys[c.key]
	b.strong = k.floors[w.majority(c.key)]
	b.need, b.edges, b.count = w.readNeed(rec, c.key), k.edges, len(k.touched)
	switch {
	case rec.client < 0:
		b.floor = b.strong
		if !w.lost {
			b.floor = k.floors[0] // hints are at home: all that was ever acknowledged
		}
	case b.need > 0:
		b.floor = k.floors[k.replicas-b.need+1]
	}
	return b
}

// learn raises floors and edges after a success.
func (w *world) learn(rec *record) {
	mutated := false
	for i := range rec.results {
		mutated = mutated || rec.results[i].applied
	}
	for i := range rec.commands {
		c, res := &rec.commands[i], &rec.results[i]
		k, writes, majority := &w.keys[c.key], w.writeNeed(rec, c.key), w.majority(c.key)
		if res.applied {
			left := rec.left(i)
			for n := 0; n <= writes; n++ {
				k.floors[n].acked.raise(&left)
			}
			if writes >= majority {
				k.edges.pass(rec, c)
				k.replace(rec, i)
				k.settle(rec, i)
				if res.at != 0 {
					k.ended = append(k.ended, touch{rec, i})
				}
			}
		}
		if res.looked && rec.before[i].need >= majority && (!mutated || !res.applied || writes >= majority) {
			k.lapse(rec, i)
			shown := res.saw.floor()
			for n := 0; n <= majority; n++ {
				k.floors[n].shown.raise(&shown)
			}
		}
	}
}

// left is the floor that command i leaves: the fields that it wrote.
func (r *record) left(i int) (f floor) {
	s := r.at(i)
	c := &r.commands[i]
	switch c.verb {
	case verbSet, verbSetEx, verbGetSet, verbSetNX:
		f.value, f.expiry, f.cleared = s, s, s.Below()
	case verbSetKeepTTL:
		f.value, f.cleared = s, s.Below()
	case verbAppend:
		f.value = s
	case verbDel:
		f.expiry, f.cleared = s, s
	case verbFlush:
		f.cleared = s
	case verbExpire, verbPersist:
		f.expiry = s
	case verbHSet, verbHSetBlind, verbHDel:
		f.elements[c.field-'a'] = s
	}
	return f
}

func (s *seen) floor() (f floor) {
	f.value, f.expiry, f.cleared = s.value, s.expiry, s.cleared
	for i := range s.elements {
		f.elements[i] = s.elements[i].stamp
	}
	if s.isNumber {
		f.count = s.number
	}
	return f
}

func (e *edges) pass(rec *record, c *command) {
	switch c.verb {
	case verbSet, verbGetSet, verbSetNX:
		e.set = max(e.set, rec.invoked)
		fallthrough
	case verbSetEx, verbSetKeepTTL, verbDel, verbFlush:
		e.cleared = max(e.cleared, rec.invoked)
		fallthrough
	case verbAppend:
		e.wrote = max(e.wrote, rec.invoked)
	}
}

// settled is a write of a key's value that was acknowledged at QUORUM or above: where it was evaluated, and when it was answered.
type settled struct {
	at       object.Stamp
	finished Time
	rec      *record
	resets   bool
}

// settle notes such a write.
func (k *keyHistory) settle(rec *record, i int) {
	if v := rec.commands[i].verb; v.clears() || v == verbAppend {
		k.settled = append(k.settled, settled{at: rec.results[i].stamp, finished: rec.finished, rec: rec, resets: v.resets() && v != verbFlush})
	}
}

// overwritten is that somebody wrote over a value which he had seen: under which stamp, and when he was answered.
type overwritten struct {
	finished Time
	by       object.Stamp
}

// replace notes what an operation that looked has seen and written over.
func (k *keyHistory) replace(rec *record, i int) {
	c, res := &rec.commands[i], &rec.results[i]
	if !res.looked {
		return
	}
	note := func(token uint64) {
		if o, ok := k.replaced[token]; !ok || rec.finished < o.finished {
			k.replaced[token] = overwritten{finished: rec.finished, by: rec.at(i)}
		}
	}
	whole := c.verb == verbDel || c.verb == verbGetSet
	if token, ok := lastToken(res.saw.text); ok && (whole || c.verb == verbAppend) {
		note(token)
	}
	for f := range res.saw.elements {
		if e := &res.saw.elements[f]; e.alive && (whole || c.field == fieldName(f)) {
			note(e.token)
		}
	}
}

// below checks what an operation saw against a floor. It names the field that is behind, "" for none.
//
// A clear stands for all that it covers: a field that is gone because of it is not lost. A passed expiry is no clear here: it
// hides, the field stays.
func (s *seen) below(f *floor) string {
	switch {
	case object.MaxOf(s.value, s.cleared).Before(f.value):
		return "value below " + f.value.String()
	case s.cleared.Before(f.cleared):
		return "cleared below " + f.cleared.String()
	case s.expiry.Before(f.expiry):
		return "expiry below " + f.expiry.String()
	}
	for i := range s.elements {
		if s.which>>i&1 != 0 && object.MaxOf(s.elements[i].stamp, s.cleared).Before(f.elements[i]) {
			return "element " + string(fieldName(i)) + " below " + f.elements[i].String()
		}
	}
	return ""
}

func (w *world) checkFloors(rec *record, i int) {
	c, res, b := &rec.commands[i], &rec.results[i], &rec.before[i]
	if w.alone {
		// Alone on the ring what is dead goes at once, with its stamps. What tokens tell is checked all the same.
		return
	}
	if rec.client < 0 {
		// I1 and I11: at the end everything that was ever acknowledged, at whichever level.
		strong := &w.keys[c.key].floors[w.majority(c.key)].acked
		w.totals.Checks[checkAcked]++
		w.totals.Checks[checkWeak]++
		if field := res.saw.below(strong); field != "" {
			w.fail("I1 acked", c.key, "%s at the end: %v", field, rec)
		}
		if field := res.saw.below(&b.floor.acked); field != "" {
			w.fail("I11 weak", c.key, "%s at the end: %v", field, rec)
		}
	} else if b.need > 0 {
		w.totals.Checks[checkFresh]++
		if field := res.saw.below(&b.floor.acked); field != "" {
			w.fail("I9 fresh", c.key, "%s: %v", field, rec)
		}
	}
	if b.need == 0 {
		return
	}
	w.totals.Checks[checkMonotonic]++
	if field := res.saw.below(&b.floor.shown); field != "" {
		w.fail("I4 monotonic", c.key, "%s: %v", field, rec)
	}
	// I3 by the stamps of the operations themselves: what shows is above every clear that was acknowledged.
	w.totals.Checks[checkRevived]++
	clear := b.floor.acked.cleared
	if res.saw.present && !res.saw.isNumber && len(res.saw.siblings) == 0 && res.saw.value.Before(clear) {
		w.fail("I3 revived", c.key, "a value shows that was cleared at %v: %v", clear, rec)
	}
	for f, e := range res.saw.elements {
		if e.alive && e.stamp.Before(clear) {
			w.fail("I3 revived", c.key, "element %c shows that was cleared at %v: %v", fieldName(f), clear, rec)
		}
	}
}
