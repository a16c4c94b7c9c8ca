package sim

import (
	"slices"

	"github.com/rondokv/rondo/engine/object"
)

// checkCounter is I5. A counter shows base + sum: the base names who reset it last. Of an increment it is known that
//
//   - it counts, if it was acknowledged by enough replicas to be seen (at the end: at all), and its stamp is above those of all
//     resets that may have happened;
//   - it does not count, if it was acknowledged at QUORUM before a reset that looked at QUORUM began, that reset was acknowledged
//     before this read began, and no other reset is stamped between the two: the reset saw it. (With another between, a blind
//     SET say, that had not seen it but cleared it, the later reset found it dead and took no note. If its node, which has not
//     heard of either, then adds to it above both clears, it comes back: the law is about what a reset saw.)
//   - it does not count either, if a reset that was acknowledged so was evaluated after it in the same life of the same node, for
//     that node's row held it;
//   - it may count in all other cases, if it was evaluated at all and not refused.
//
// So the sum lies between the increments that must count and those that may.
func (w *world) checkCounter(rec *record, i int) {
	c, res, b := &rec.commands[i], &rec.results[i], &rec.before[i]
	k, saw := &w.keys[c.key], &res.saw
	w.totals.Checks[checkCounter]++
	plan := &w.plan.keys[c.key]
	base, sum, ok := parts(saw.number)
	if !ok || sum < 0 && !plan.down {
		w.fail("I5 counter", c.key, "a negative sum: %v", rec)
	}
	if base != 0 {
		t, ok := w.byToken(base)
		if !ok || t.command().key != c.key || t.rec.outcome == refused || (t.command().verb != verbSet && t.command().verb != verbGetSet) {
			w.fail("I5 counter", c.key, "a base that nobody set: %v", rec)
			return
		}
	}
	if b.need > 0 && !plan.resets && !plan.down && !plan.expire && w.plan.flush == 0 && saw.number < b.floor.shown.count {
		w.fail("I4 monotonic", c.key, "it was %d before: %v", b.floor.shown.count, rec)
	}
	var reset object.Stamp
	for _, t := range k.touched {
		if t.rec.outcome != refused && t.command().verb.resets() {
			reset = object.MaxOf(reset, t.rec.written[t.i])
			for _, s := range t.rec.evaluations {
				reset = object.MaxOf(reset, s.Tick(t.i))
			}
		}
	}
	certain := b.need >= w.majority(c.key)
	resets, order := k.resetsBefore(rec, certain), k.resetOrder()
	must, may, lapsed := int64(0), int64(0), w.lapsed(rec, i)
	for _, t := range k.touched {
		if t.command().verb != verbIncr || t.rec == rec {
			continue
		}
		counts, can := w.increment(t, rec, b, reset)
		counts = counts && !(plan.expire && w.mayLapse(t, res))
		can = can && !resets.saw(t) && !(certain && w.seenByNext(t, order, rec)) && !lapsed.seen(t)
		// What is taken away makes the least smaller where it may count, and the most where it must.
		if n := t.command().n; counts || can && n < 0 {
			must += n
		}
		if n := t.command().n; can && n > 0 || counts && n < 0 {
			may += n
		}
	}
	if sum < must || sum > may {
		w.fail("I5 counter", c.key, "the sum is %d, not from %d to %d: %v", sum, must, may, rec)
	}
}

// lastResets is, by node and life, the latest reset that must be in what is read.
type lastResets []object.Stamp

func (k *keyHistory) resetsBefore(rec *record, certain bool) (last lastResets) {
	if !certain {
		return nil
	}
next:
	for _, s := range k.settled {
		if !s.resets || s.finished >= rec.invoked {
			continue
		}
		for i := range last {
			if last[i].Node == s.at.Node && last[i].Inc == s.at.Inc {
				last[i] = object.MaxOf(last[i], s.at)
				continue next
			}
		}
		last = append(last, s.at)
	}
	return last
}

// saw reports whether one of the resets saw an increment for certain.
func (l lastResets) saw(t touch) bool {
	if len(t.rec.evaluations) == 0 {
		return false
	}
	at := t.rec.evaluations[len(t.rec.evaluations)-1]
	for _, s := range l {
		if s.Node == at.Node && s.Inc == at.Inc && at.Before(s) {
			return true
		}
	}
	return false
}

// stamped is one stamp of a reset that may have happened.
type stamped struct {
	at object.Stamp
	by touch
}

// resetOrder returns the stamps of all resets that may have happened, in their order.
func (k *keyHistory) resetOrder() (order []stamped) {
	for _, t := range k.touched {
		if t.rec.outcome == refused || !t.command().verb.resets() {
			continue
		}
		for _, s := range t.rec.evaluations {
			if t.rec.multi {
				s = s.Tick(t.i)
			}
			order = append(order, stamped{s, t})
		}
		if s := t.rec.written[t.i]; !s.IsZero() {
			order = append(order, stamped{s, t})
		}
	}
	slices.SortFunc(order, func(a, b stamped) int { return a.at.Compare(b.at) })
	return order
}

// seenByNext reports whether the first reset above an increment saw it for certain, and must be in what rec sees.
func (w *world) seenByNext(t touch, order []stamped, rec *record) bool {
	key := t.command().key
	if t.rec.outcome != succeeded || w.writeNeed(t.rec, key) < w.majority(key) {
		return false
	}
	at := t.rec.at(t.i)
	i, _ := slices.BinarySearchFunc(order, at, func(s stamped, at object.Stamp) int { return s.at.Compare(at) })
	if i == len(order) {
		return false
	}
	x := order[i].by.rec
	return x.outcome == succeeded && order[i].by.command().verb != verbFlush && !x.blind() && x.before[order[i].by.i].need >= w.majority(key) &&
		w.writeNeed(x, key) >= w.majority(key) && x.results[order[i].by.i].applied && t.rec.finished < x.invoked && x.finished < rec.invoked
}

// increment says whether an increment must, and whether it can, be in what rec sees.
func (w *world) increment(t touch, rec *record, b *before, reset object.Stamp) (must, can bool) {
	if t.rec.outcome == refused || len(t.rec.evaluations) == 0 {
		return false, false
	}
	acked := t.rec.outcome == succeeded && t.rec.results[t.i].applied
	key := t.command().key
	writes := w.writeNeed(t.rec, key)
	if acked && t.rec.finished < rec.invoked {
		overlap := rec.client < 0 && !w.lost || b.need > 0 && writes+b.need > w.keys[key].replicas
		must = overlap && reset.Before(t.rec.at(t.i))
	}
	return must, t.rec.outcome != succeeded || acked
}
