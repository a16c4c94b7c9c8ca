package sim

import "github.com/rondokv/rondo/engine/object"

// checkSiblings is I6. A value that was acknowledged by enough replicas to be seen shows, unless some write superseded it: one
// that was given a context in which it was, or, without a context, one at whose evaluation it was what GET shows. Once a write
// that superseded it is acknowledged by enough replicas to be seen, it never shows again. All by tokens: the checker knows
// nothing of dots.
func (w *world) checkSiblings(rec *record, i int) {
	c, saw, b := &rec.commands[i], &rec.results[i].saw, &rec.before[i]
	k := &w.keys[c.key]
	w.totals.Checks[checkSiblings]++
	shows := map[uint64]bool{}
	for _, token := range saw.siblings {
		t, ok := w.byToken(token)
		if !ok || t.command().key != c.key || t.command().verb != verbPut || t.rec.outcome == refused {
			w.fail("I6 siblings", c.key, "%x shows, which nobody wrote: %v", token, rec)
			return
		}
		shows[token] = true
		if t.rec.written[t.i].Before(b.floor.acked.cleared) {
			w.fail("I3 revived", c.key, "%x shows, which was flushed at %v: %v", token, b.floor.acked.cleared, rec)
		}
	}
	superseded := map[uint64]bool{}
	var flushed object.Stamp
	for _, t := range k.touched {
		if t.rec.outcome == refused || t.command().verb.reads() {
			continue
		}
		for _, token := range t.rec.gone[t.i] {
			superseded[token] = true
		}
		if t.command().verb == verbFlush {
			for _, s := range t.rec.evaluations {
				flushed = object.MaxOf(flushed, s)
			}
		}
		if t.rec == rec || !w.mustShow(t, rec, b) {
			continue
		}
		for _, token := range t.rec.results[t.i].gone {
			if shows[token] {
				w.fail("I6 siblings", c.key, "%x shows, which %v had superseded: %v", token, t.rec, rec)
			}
		}
	}
	for _, t := range k.touched {
		if token := t.command().token; t.command().verb == verbPut && t.rec != rec && w.mustShow(t, rec, b) && !shows[token] && !superseded[token] &&
			flushed.Before(t.rec.at(t.i)) {
			w.fail("I6 siblings", c.key, "%x does not show, and nobody superseded it: %v", token, rec)
		}
	}
}

// mustShow reports whether what a command wrote must be in what rec sees.
func (w *world) mustShow(t touch, rec *record, b *before) bool {
	if t.rec.outcome != succeeded || !t.rec.results[t.i].applied || t.rec.finished >= rec.invoked {
		return false
	}
	if rec.client < 0 && !w.lost {
		return true
	}
	return b.need > 0 && w.writeNeed(t.rec, t.command().key)+b.need > w.keys[t.command().key].replicas
}
