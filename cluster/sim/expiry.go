package sim

import "github.com/rondokv/rondo/engine/object"

// checkExpired is I14: what a SETEX or an EXPIRE gave an end does not show after it, unless somebody may have moved the end. The
// read's own time decides, which is never behind what it saw. And by real time, I4: what one read at QUORUM has shown to be
// past stays so for all that begin later, for they share a replica that has heard of that time.
func (w *world) checkExpired(rec *record, i int) {
	c, res := &rec.commands[i], &rec.results[i]
	if !w.plan.keys[c.key].expire {
		return
	}
	saw := &res.saw
	if b := &rec.before[i]; b.need >= w.majority(c.key) && w.plan.flush == 0 {
		if at, ok := w.keys[c.key].passed[saw.expiry]; ok && at < rec.invoked {
			w.totals.Checks[checkExpiry]++
			if what := saw.until(object.Stamp{HLC: object.LastOf(saw.expireAt)}); what != "" {
				w.fail("I4 monotonic", c.key, "%s shows, which had expired at %d ms: %v", what, at/millisecond, rec)
			}
		}
	}
	if l := w.lapsed(rec, i); l.by != nil {
		w.totals.Checks[checkExpiry]++
		if what := saw.until(l.up); what != "" {
			w.fail("I14 expiry", c.key, "%s shows at %d, which had ended with %v: %v", what, res.stamp.HLC.Millis(), l.by, rec)
		}
	}
}

// until names what shows of stamps up to one, "" for nothing.
func (s *seen) until(up object.Stamp) string {
	if s.present && !s.isNumber && !up.Before(s.value) {
		return "a value"
	}
	for f := range s.elements {
		if e := &s.elements[f]; e.alive && !up.Before(e.stamp) {
			return "element " + string(fieldName(f))
		}
	}
	return ""
}

// lapse notes an expiry that an answer at QUORUM has shown to be past.
func (k *keyHistory) lapse(rec *record, i int) {
	res := &rec.results[i]
	if s := &res.saw; s.expireAt != 0 && s.expireAt < res.stamp.HLC.Millis() {
		if at, ok := k.passed[s.expiry]; !ok || rec.finished < at {
			k.passed[s.expiry] = rec.finished
		}
	}
}

// lapsed is up to which stamp everything of a key must have ended.
type lapsed struct {
	up  object.Stamp
	by  *record // nil: nothing has for certain
	key *keyHistory
	w   *world
}

// recent is of how many expiries, from the latest on, it is asked whether they were moved.
const recent = 8

// lapsed looks for the latest expiry that has passed for rec, that it must have heard of, and that nobody has moved for certain.
func (w *world) lapsed(rec *record, i int) (l lapsed) {
	c, b := &rec.commands[i], &rec.before[i]
	k := &w.keys[c.key]
	l = lapsed{key: k, w: w}
	now := rec.results[i].stamp.HLC.Millis()
	for j := len(k.ended) - 1; j >= max(0, len(k.ended)-recent); j-- {
		x := k.ended[j]
		at := x.rec.results[x.i].at
		overlap := rec.client < 0 && !w.lost || b.need > 0 && w.writeNeed(x.rec, c.key)+b.need > k.replicas
		if at >= now || x.rec.finished >= rec.invoked || !overlap {
			continue
		}
		up := object.MaxOf(x.rec.at(x.i), object.Stamp{HLC: object.LastOf(at)})
		if l.up.Before(up) && !w.moved(x, at) {
			l.up, l.by = up, x.rec
		}
	}
	return l
}

// moved reports whether somebody may have given the key another end than x did, so that what x had ended shows by right: under a
// later stamp, and before x's end or without knowing of x. Whoever comes after the end and knows of it keeps hidden what
// is, and whoever clears the key ends as much.
func (w *world) moved(x touch, at int64) bool {
	key := x.command().key
	mine := x.rec.at(x.i)
	for _, y := range w.keys[key].touched {
		if y.rec == x.rec || y.rec.outcome == refused || y.command().verb.reads() {
			continue
		}
		for _, s := range y.stamps() {
			if !mine.Before(s) {
				continue
			}
			early, knew := s.HLC.Millis() <= at, x.rec.finished < y.rec.invoked && y.rec.before[y.i].need >= w.majority(key)
			if v := y.command().verb; v.clears() && !early {
				continue
			} else if !knew || early && (v.clears() || v == verbExpire || v == verbPersist || !y.sawSome()) {
				return true
			}
		}
	}
	return false
}

// stamps returns every stamp that a command is known to have taken.
func (t touch) stamps() (all []object.Stamp) {
	for _, s := range t.rec.evaluations {
		if t.rec.multi {
			s = s.Tick(t.i)
		}
		all = append(all, s)
	}
	if s := t.rec.written[t.i]; !s.IsZero() {
		all = append(all, s)
	}
	return all
}

// sawSome reports whether the key was there for a command that has answered: else it may have ended what was left of an expiry.
func (t touch) sawSome() bool {
	if t.rec.outcome != succeeded {
		return false
	}
	s := &t.rec.results[t.i].saw
	for f := range s.elements {
		if s.elements[f].alive {
			return true
		}
	}
	return s.present
}

// seen reports whether an increment ended with the expiry, and for good: all who wrote since knew of both.
func (l *lapsed) seen(t touch) bool {
	if l.by == nil || t.rec.outcome != succeeded || l.up.Before(t.rec.at(t.i)) {
		return false
	}
	key := t.command().key
	if l.w.writeNeed(t.rec, key) < l.w.majority(key) {
		return false
	}
	for _, y := range l.key.touched {
		if y.rec == t.rec || y.rec == l.by || y.rec.outcome == refused || y.command().verb.reads() {
			continue
		}
		knew := y.rec.before[y.i].need >= l.w.majority(key) && t.rec.finished < y.rec.invoked && l.by.finished < y.rec.invoked
		for _, s := range y.stamps() {
			if !knew && (t.rec.at(t.i).Before(s) || l.up.Before(s)) {
				return false
			}
		}
	}
	return true
}

// mayLapse reports whether some expiry may have ended an increment.
func (w *world) mayLapse(t touch, res *result) bool {
	for _, x := range w.keys[t.command().key].touched {
		for _, at := range x.rec.ends[x.i] {
			if x.rec.outcome != refused && at < res.stamp.HLC.Millis() && t.rec.at(t.i).HLC.Millis() <= at {
				return true
			}
		}
	}
	return false
}
