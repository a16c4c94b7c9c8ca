package object

// Hides reports whether something that an operation, stamped from writer on up to the reading last, wrote in the rows in and
// ins does not show in k, where those rows were merged, because another (node, incarnation) had written above it there: a
// value, a clear of the key or the database, an increment, a sibling or an element that its clear did not reach. An expiry
// alone hides nothing, and neither does a value whose writer says that it replaced the operation's.
func (k *KeyState) Hides(in *KeyRow, ins []ElementState, writer Stamp, last HLC) bool {
	o := author{writer, max(writer.HLC, last)}
	clear := MaxOf(k.Database, k.Row.Cleared)
	wroteValue, wroteClear := o.wrote(in.Value.Stamp), o.cleared(in.Cleared)
	if wroteValue && o.hiddenBy(in.Value.Stamp, k.Row.Value.Stamp) {
		return k.Row.Value.Replaced != in.Value.Stamp
	}
	if wroteValue && o.hiddenBy(in.Value.Stamp, clear) {
		return true
	}
	if wroteClear && k.outlives(o, in.Cleared) {
		return true
	}
	for i := range ins {
		e := &ins[i]
		if !o.wrote(e.Row.Stamp) {
			continue
		}
		j, ok := k.findElement(e.Sub)
		if o.hiddenBy(e.Row.Stamp, clear) || (ok && o.hiddenBy(e.Row.Stamp, k.Elements[j].Row.Stamp)) {
			return true
		}
	}
	return false
}

// Unseen reports whether all that Hides found was written by those who had certainly not seen the operation, under no stamp
// from first on. Only then may it be stamped again above them: else it could take back what came after it. Of a clear or an
// increment nobody knows what its writer had seen.
func (k *KeyState) Unseen(in *KeyRow, ins []ElementState, writer Stamp, last HLC, first Stamp) bool {
	o := author{writer, max(writer.HLC, last)}
	clear := MaxOf(k.Database, k.Row.Cleared)
	v := &k.Row.Value
	above := func(mine, theirs, replaced Stamp) bool {
		return !o.hiddenBy(mine, theirs) || replaced.Before(first.Below())
	}
	if o.wrote(in.Value.Stamp) {
		if !above(in.Value.Stamp, v.Stamp, v.Replaced) {
			return false
		}
		// A SET clears just below itself: that clear says no more than its value.
		if o.hiddenBy(in.Value.Stamp, clear) && clear != v.Stamp.Below() {
			return false
		}
	}
	// An EXPIRE or PERSIST does not say what it saw.
	if e := k.Row.Expiry.Stamp; e != v.Stamp && !e.IsZero() && first.Before(e) && !o.wrote(e) {
		return false
	}
	if o.cleared(in.Cleared) {
		if !above(in.Cleared, v.Stamp, v.Replaced) || o.hiddenBy(in.Cleared, clear) && clear != v.Stamp.Below() {
			return false
		}
		for i := range k.Row.Totals {
			if t := &k.Row.Totals[i]; k.Row.counts(t, in.Cleared) && o.hiddenBy(in.Cleared, t.Stamp) {
				return false
			}
		}
		for i := range k.Elements {
			e := &k.Elements[i].Row
			if !above(in.Cleared, e.Stamp, e.Replaced) {
				return false
			}
		}
	}
	for i := range ins {
		mine := ins[i].Row.Stamp
		if !o.wrote(mine) {
			continue
		}
		if o.hiddenBy(mine, clear) {
			return false
		}
		if j, ok := k.findElement(ins[i].Sub); ok && !above(mine, k.Elements[j].Row.Stamp, k.Elements[j].Row.Replaced) {
			return false
		}
	}
	return true
}

// outlives reports whether something of another writer shows above the clear that o wrote, or a later clear covers it.
func (k *KeyState) outlives(o author, clear Stamp) bool {
	r := &k.Row
	if o.hiddenBy(clear, MaxOf(k.Database, r.Cleared)) || o.hiddenBy(clear, r.Value.Stamp) {
		return true
	}
	for i := range r.Totals {
		if t := &r.Totals[i]; r.counts(t, clear) && o.hiddenBy(clear, t.Stamp) {
			return true
		}
	}
	if r.Siblings != nil {
		for i := range r.Siblings.Values {
			if o.hiddenBy(clear, r.Siblings.Values[i].Stamp) {
				return true
			}
		}
	}
	for i := range k.Elements {
		if e := &k.Elements[i].Row; !e.Tombstone && o.hiddenBy(clear, e.Stamp) {
			return true
		}
	}
	return false
}

// author is the writer of one operation: its first stamp and the hlc of its last.
type author struct {
	first Stamp
	last  HLC
}

// wrote reports whether s is one of the operation's stamps.
func (o author) wrote(s Stamp) bool {
	return s.Node == o.first.Node && s.Inc == o.first.Inc && s.HLC >= o.first.HLC && s.HLC <= o.last
}

// cleared reports whether the operation wrote the clear c: at a stamp of its own, or just below one.
func (o author) cleared(c Stamp) bool {
	if o.wrote(c) {
		return true
	}
	c.Inc++
	return o.wrote(c)
}

// hiddenBy reports whether above is a later write of another (node, incarnation) than mine. What the same writer wrote later
// covers it rightly; so does the clear below such a write.
func (o author) hiddenBy(mine, above Stamp) bool {
	if !mine.Before(above) {
		return false
	}
	same := above.Node == o.first.Node && (above.Inc == o.first.Inc || above.Inc == o.first.Inc-1)
	return !same
}
