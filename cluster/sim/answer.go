package sim

// checkAnswer checks what one command of an operation that succeeded has seen.
func (w *world) checkAnswer(rec *record, i int) {
	c, res := &rec.commands[i], &rec.results[i]
	if !res.looked {
		return
	}
	k := &w.plan.keys[c.key]
	w.checkReal(rec, i, k)
	w.checkFloors(rec, i)
	switch k.class {
	case classCounter:
		w.checkCounter(rec, i)
	case classSiblings:
		w.checkSiblings(rec, i)
	default:
		w.checkOrder(rec, i)
	}
	w.checkExpired(rec, i)
}

// checkReal checks that what shows was written: there, by an operation that was not refused, and as it wrote it.
func (w *world) checkReal(rec *record, i int, k *keyPlan) {
	c, saw := &rec.commands[i], &rec.results[i].saw
	w.totals.Checks[checkReal]++
	if saw.present && k.class != classCounter && k.class != classSiblings {
		w.checkText(rec, c, saw)
	}
	if k.class == classCounter && saw.present && !saw.isNumber {
		w.fail("I5 counter", c.key, "no number: %v", rec)
	}
	for f := range saw.elements {
		e := &saw.elements[f]
		if !e.alive {
			continue
		}
		t, ok := w.byToken(e.token)
		if !ok || t.command().key != c.key || t.command().field != fieldName(f) || t.rec.outcome == refused {
			w.fail("I8 refused", c.key, "element %c shows what nobody wrote there: %v", fieldName(f), rec)
		}
	}
}

func (w *world) checkText(rec *record, c *command, saw *seen) {
	token, ok := lastToken(saw.text)
	t, known := w.byToken(token)
	if !ok || !known || t.command().key != c.key || t.rec.outcome == refused {
		w.fail("I8 refused", c.key, "it shows what nobody wrote there: %v", rec)
		return
	}
	if t.command().verb != verbAppend {
		if string(saw.text) != string(t.command().value(w.plan.padded)) {
			w.fail("I8 refused", c.key, "it shows what %v did not write: %v", t.rec, rec)
		}
		return
	}
	for _, text := range t.rec.texts[t.i] {
		if text == string(saw.text) {
			return
		}
	}
	w.fail("I8 refused", c.key, "it shows %q, which %v did not make: %v", saw.text, t.rec, rec)
}

// checkOrder is I9 and I3 again, by tokens and real time alone, as if stamps did not exist. Say f was acknowledged at QUORUM before
// w began, and w was acknowledged at QUORUM before a QUORUM read began. w is stamped above f, whatever the clocks, so the
// read must not show f. Every answer of an operation that looked at QUORUM counts as such a read.
//
// Of f below QUORUM nothing of the kind holds: a write of a fast clock at ONE may beat later ones for as long as it is ahead. But
// whatever f is: a w that had seen f comes after it, so once w is acknowledged at QUORUM f never shows again. (A blind f that is
// stamped again must not overtake it.)
func (w *world) checkOrder(rec *record, i int) {
	c, saw, b := &rec.commands[i], &rec.results[i].saw, &rec.before[i]
	if b.need < w.majority(c.key) {
		return
	}
	w.totals.Checks[checkFresh]++
	strong := func(t touch) bool {
		return t.rec.outcome == succeeded && w.writeNeed(t.rec, c.key) >= w.majority(c.key)
	}
	if saw.present {
		token, _ := lastToken(saw.text)
		w.checkReplaced(rec, c, token)
		w.checkPrimary(rec, c, token)
		if t, ok := w.byToken(token); ok && strong(t) {
			switch {
			case t.rec.finished < b.edges.cleared:
				w.fail("I3 revived", c.key, "it shows %v, which an acknowledged write had cleared: %v", t.rec, rec)
			case t.rec.finished < b.edges.wrote:
				w.fail("I9 fresh", c.key, "it shows %v, which an acknowledged write had replaced: %v", t.rec, rec)
			}
		}
	}
	for f := range saw.elements {
		if e := &saw.elements[f]; e.alive {
			w.checkReplaced(rec, c, e.token)
			if t, ok := w.byToken(e.token); ok && strong(t) && t.rec.finished < b.edges.cleared {
				w.fail("I3 revived", c.key, "element %c shows %v, which an acknowledged write had cleared: %v", fieldName(f), t.rec, rec)
			}
		}
	}
	if !saw.present && b.edges.set > 0 && w.plan.keys[c.key].class == classText && !w.mayBeGone(rec, i, strong) {
		w.fail("I9 fresh", c.key, "nothing shows, and nobody can have removed it: %v", rec)
	}
}

func (w *world) checkReplaced(rec *record, c *command, token uint64) {
	o, ok := w.keys[c.key].replaced[token]
	t, known := w.byToken(token)
	if !ok || !known || o.finished >= rec.invoked || untold(t, o) {
		return
	}
	w.fail("I9 fresh", c.key, "it shows %v, over which somebody wrote who had seen it, acknowledged at %d ms: %v", t.rec, o.finished/millisecond, rec)
}

// untold reports whether a blind write came to be stamped again by who could not know that another primary had meanwhile run an
// operation on top of it: the write was under way still, and neither the replica that told it hidden nor its own node's rows had
// heard of that operation, or the value would name it as replaced. Without asking everybody nobody can tell; that a value
// which was overwritten while two nodes take themselves for the primary never shows again is not promised.
func untold(t touch, o overwritten) bool {
	at := t.rec.written[t.i]
	return t.command().verb.blind() && len(t.rec.evaluations) > 0 && t.rec.evaluations[0].Tick(t.i).Before(at) && // stamped again
		at.Node != o.by.Node && (t.rec.outcome != succeeded || o.finished < t.rec.finished) && t.rec.knew[t.i].Before(o.by)
}

// checkPrimary is I16: what one node evaluated later in one life stays later, for it evaluates on its own rows, one operation after
// the other, and whoever was answered may have been told so. A blind write that is stamped again must not overtake it.
func (w *world) checkPrimary(rec *record, c *command, token uint64) {
	t, ok := w.byToken(token)
	if !ok || len(t.rec.evaluations) == 0 {
		return
	}
	w.totals.Checks[checkPrimary]++
	f := t.rec.evaluations[len(t.rec.evaluations)-1]
	if t.rec.multi {
		f = f.Tick(t.i)
	}
	for _, s := range w.keys[c.key].settled {
		if s.at.Node == f.Node && s.at.Inc == f.Inc && f.Before(s.at) && s.finished < rec.invoked {
			w.fail("I16 primary", c.key, "it shows %v, after which the same node had acknowledged %v: %v", t.rec, s.rec, rec)
			return
		}
	}
}

// mayBeGone looks for an operation that can have ended the value which the latest acknowledged SET left: a DEL or an expiry that is
// not known to be older than that SET.
func (w *world) mayBeGone(rec *record, i int, strong func(touch) bool) bool {
	c, b := &rec.commands[i], &rec.before[i]
	now := rec.results[i].stamp.HLC.Millis()
	for _, t := range w.keys[c.key].touched {
		switch t.command().verb {
		case verbDel, verbSetEx, verbExpire, verbFlush:
		default:
			continue
		}
		if t.rec == rec || t.rec.outcome == refused {
			continue
		}
		if strong(t) && t.rec.finished < b.edges.set {
			continue
		}
		if t.rec.outcome != succeeded {
			return true
		}
		if res := &t.rec.results[t.i]; res.applied && res.at < now {
			return true
		}
	}
	return false
}
