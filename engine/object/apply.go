package object

import "slices"

// Apply makes change c, stamped s, on the key as it is in k, and marks what it changed dirty: the key row, or one element.
// REQUIRES: s is after every stamp in k but those of the same operation, and k.Look(s.HLC) was called since k last changed.
func (k *KeyState) Apply(c *Change, s Stamp) {
	if c.SetExpiry && expiryPassed(c.ExpireAt, s.HLC) {
		// Stamped above its own expiry (again, or late): what is to be hidden would be younger than what hides it.
		late := k.expired(c)
		c = &late
	}
	switch {
	case c.SetElement || c.DropElement:
		k.applyElement(c, s)
	case c.PutSibling || c.DropSiblings:
		k.applySiblings(c, s)
	default:
		k.applyFields(c, s)
	}
	k.Look(s.HLC)
}

// expired returns what c comes to when its expiry lies in the past: a DEL; beside live siblings one
// that has seen what is here.
func (k *KeyState) expired(c *Change) Change {
	if k.siblingShown() == nil || c.SetValue || c.Clear != ClearNone {
		return Change{Clear: ClearAll}
	}
	return Change{DropSiblings: true, HasContext: true, Context: k.Context(), SetExpiry: true}
}

func (k *KeyState) applyFields(c *Change, s Stamp) {
	r := &k.Row
	k.dirty = true
	replaced := k.replaced(r.Value.Stamp, r.Value.Replaced, s)
	forgetTTL := !c.SetExpiry && k.forgetsTTL(s)
	if c.SetExpiry || c.Clear == ClearAll {
		k.keepHidden()
	}
	if c.SetValue || c.Clear != ClearNone {
		r.seeTotals(k.Clear, s)
	}
	switch c.Clear {
	case ClearAll:
		r.Cleared = s
		r.Expiry = Expiry{Stamp: s}
	case ClearOlder:
		r.Cleared = MaxOf(r.Cleared, s.Below())
	}
	if c.SetValue {
		r.Value = Value{Stamp: s, Replaced: replaced, Kind: c.Kind, Int: c.Int, Bytes: c.Bytes}
	}
	if c.Add {
		r.increment(c.Int, s, k.Clear)
	}
	if c.SetExpiry || forgetTTL {
		r.Expiry = Expiry{Stamp: s, At: c.ExpireAt}
	}
	r.dropCovered(MaxOf(k.Database, r.Cleared))
}

// keepHidden raises cleared to an expiry that has passed: what it hid must stay hidden when the field says something else.
func (k *KeyState) keepHidden() {
	if k.passed {
		k.Row.Cleared = MaxOf(k.Row.Cleared, expiryClear(k.Row.Expiry.At))
	}
}

// forgetsTTL reports whether a write stamped s finds nothing alive but an expiry that has not passed: it then ends it. The
// expiry that the same operation wrote stays.
func (k *KeyState) forgetsTTL(s Stamp) bool {
	return k.ExpireAt() != 0 && k.Row.Expiry.Stamp.Before(s) && !k.Exists()
}

// replaced returns up to where the writer of s knows what was there: the stamp of what it replaces, or the clear above it.
func (k *KeyState) replaced(there, its, s Stamp) Stamp {
	if there == s {
		return its // an earlier change of the same operation
	}
	return MaxOf(there, MaxOf(k.Database, k.Row.Cleared))
}

// applyElement writes one element. What a clear covers stays in the view, dead.
func (k *KeyState) applyElement(c *Change, s Stamp) {
	r := &k.Row
	if k.forgetsTTL(s) {
		r.Expiry, k.dirty = Expiry{Stamp: s}, true
	}
	if !r.HasElements {
		r.HasElements, k.dirty = true, true
	}
	i, ok := k.findElement(c.Sub)
	if !ok {
		k.Elements = slices.Insert(k.Elements, i, ElementState{Sub: c.Sub})
	}
	e := &k.Elements[i]
	replaced := k.replaced(e.Row.Stamp, e.Row.Replaced, s)
	e.Row = ElementRow{Stamp: s, Replaced: replaced, Tombstone: c.DropElement}
	if c.SetElement {
		e.Row.Value = c.Bytes
	}
	e.dirty = true
}

// applySiblings makes one update among siblings. A plain value or counter that the key holds from a time without siblings
// goes when the writer had seen it.
func (k *KeyState) applySiblings(c *Change, s Stamp) {
	r := &k.Row
	k.dirty = true
	if c.SetExpiry {
		k.keepHidden()
		r.Expiry = Expiry{Stamp: s}
	} else if k.forgetsTTL(s) {
		r.Expiry = Expiry{Stamp: s}
	}
	plain := k.plainShown()
	plainSeen := covers(c.Context, Dot{Actor: plain})
	var top Dot
	if !c.HasContext {
		if v := k.siblingShown(); v != nil && plain.Before(v.Stamp) {
			top = v.Dot
		} else {
			plainSeen = true
		}
	}
	if plainSeen && !plain.IsZero() {
		r.seeTotals(k.Clear, s)
		r.Value = Value{Stamp: s, Replaced: k.replaced(r.Value.Stamp, r.Value.Replaced, s)}
	}
	r.updateSiblings(c, top, s)
	r.dropCovered(MaxOf(k.Database, r.Cleared))
}

// Dirty reports whether Apply changed the key row.
func (k *KeyState) Dirty() bool { return k.dirty }

// seeTotals records that a reset stamped s saw the live totals.
func (r *KeyRow) seeTotals(clear, s Stamp) {
	if len(r.Totals) == 0 {
		return
	}
	seen := make([]Seen, len(r.Seen), len(r.Seen)+len(r.Totals))
	copy(seen, r.Seen)
	for i := range r.Totals {
		t := &r.Totals[i]
		if !clear.Before(t.Stamp) {
			continue
		}
		seen = putSeen(seen, Seen{Name: t.Name, N: t.N, Sum: t.Sum, Stamp: s})
	}
	r.Seen = seen
	r.Own = Stamp{}
}

// increment adds to this node's own total, beginning a new one unless the present one is alive, unseen and its own, and
// has room for the sum.
func (r *KeyRow) increment(by int64, s, clear Stamp) {
	totals := make([]Total, len(r.Totals), len(r.Totals)+1)
	copy(totals, r.Totals)
	r.Totals = totals
	if !r.Own.IsZero() && r.Own.Node == s.Node && r.Own.Inc == s.Inc {
		_, seen := findSeen(r.Seen, r.Own)
		if i, ok := findTotal(totals, r.Own); ok && !seen && clear.Before(totals[i].Stamp) {
			if sum := totals[i].Sum + by; (sum > by) == (totals[i].Sum > 0) {
				totals[i] = Total{Name: r.Own, N: totals[i].N + 1, Sum: sum, Stamp: s}
				return
			}
		}
	}
	i, _ := findTotal(totals, s)
	totals = append(totals, Total{})
	copy(totals[i+1:], totals[i:])
	totals[i] = Total{Name: s, N: 1, Sum: by, Stamp: s}
	r.Totals, r.Own = totals, s
}
