package object

// dropCovered lets go what a clear covers for ever. REQUIRES: clear is the database's or the key's cleared, never a
// passed expiry, which a replica may have missed being lifted.
func (r *KeyRow) dropCovered(clear Stamp) {
	if !clear.Before(r.Value.Stamp) {
		r.Value = Value{}
	}
	if r.Siblings != nil {
		r.Siblings = r.Siblings.above(clear)
	}
	live := 0
	for i := range r.Totals {
		if clear.Before(r.Totals[i].Stamp) {
			live++
		}
	}
	if live == len(r.Totals) {
		return
	}
	var kept []Total
	for _, t := range r.Totals {
		if clear.Before(t.Stamp) {
			kept = append(kept, t)
		}
	}
	r.Totals = kept
}

// CollectClear returns the stamp up to which everything of the key may go at the watermark g: its clear, or an expiry that
// has passed, when that is itself not after g; zero when it is.
func (r *KeyRow) CollectClear(database Stamp, g HLC) Stamp {
	clear := MaxOf(database, r.Cleared)
	if r.Expiry.At != 0 && r.Expiry.Stamp.HLC <= g && LastOf(r.Expiry.At) < g && database.Before(r.Expiry.Stamp) {
		clear = MaxOf(clear, expiryClear(r.Expiry.At))
	}
	if clear.HLC > g {
		return Stamp{}
	}
	return clear
}

// Collect lets go what is dead through something that is itself not after the watermark g, a pure function of the row
// and g. It reports whether the row as a whole may go: never while elements may be stored, for dead elements go before the
// clear that keeps them dead. REQUIRES: every replica of the partition has agreed on g.
func (r *KeyRow) Collect(database Stamp, g HLC) bool {
	clear := r.CollectClear(database, g)
	if clear.IsZero() && MaxOf(database, r.Cleared).HLC > g {
		return false
	}
	r.dropCovered(clear)
	r.dropSeen(g)
	r.dropContext(g)
	if r.HasElements || r.Siblings != nil || r.aliveAt(clear) || len(r.Seen) > 0 || r.Value.Stamp.HLC > g {
		return false
	}
	if !database.Before(r.Expiry.Stamp) {
		return true
	}
	// An expiry that has not passed keeps its row, and so does a PERSIST that not every replica has.
	return r.Expiry.Stamp.HLC <= g && (r.Expiry.At == 0 || LastOf(r.Expiry.At) < g)
}

// dropContext lets go the context of siblings that are all gone. The own actor goes with it, for its next write would begin
// again at one; the name of an own total stays.
func (r *KeyRow) dropContext(g HLC) {
	if r.Siblings == nil || len(r.Siblings.Values) > 0 || r.Siblings.Updated.HLC > g {
		return
	}
	r.Siblings = nil
	if _, ok := findTotal(r.Totals, r.Own); !ok {
		r.Own = Stamp{}
	}
}

// dropSeen lets go the seen entries whose totals are gone or wholly seen, and those totals with them: not before the reset
// that saw them is known everywhere, or a replica that has the total alone would bring it back.
func (r *KeyRow) dropSeen(g HLC) {
	if len(r.Seen) == 0 {
		return
	}
	var totals []Total
	var seen []Seen
	for _, t := range r.Totals {
		if i, ok := findSeen(r.Seen, t.Name); ok && r.Seen[i].N >= t.N && r.Seen[i].Stamp.HLC <= g {
			continue
		}
		totals = append(totals, t)
	}
	for _, s := range r.Seen {
		if _, ok := findTotal(totals, s.Name); ok || s.Stamp.HLC > g {
			seen = append(seen, s)
		}
	}
	r.Totals, r.Seen = totals, seen
}
