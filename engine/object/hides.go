package object

// Hides reports whether something that a blind operation, stamped writer to writer.Tick(ticks-1), wrote in the rows in and
// ins does not show in k, where those rows were merged, because another (node, incarnation) had written above it there: a
// value, a clear of the key or the database, an increment, a sibling or an element that its clear did not reach. An expiry
// alone hides nothing. The operation is then stamped again, above k.Latest.
func (k *KeyState) Hides(in *KeyRow, ins []ElementState, writer Stamp, ticks int) bool {
	o := author{writer, writer.Tick(max(ticks, 1) - 1).HLC}
	clear := MaxOf(k.Database, k.Row.Cleared)
	wroteValue, wroteClear := o.wrote(in.Value.Stamp), o.cleared(in.Cleared)
	if wroteValue && (o.hiddenBy(in.Value.Stamp, k.Row.Value.Stamp) || o.hiddenBy(in.Value.Stamp, clear)) {
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
