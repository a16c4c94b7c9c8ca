package object

import "slices"

// StripLocal empties the row's local fields.
func (r *KeyRow) StripLocal() { r.Own, r.HasElements = Stamp{}, false }

// Settle says that k is as stored: nothing in it is dirty.
func (k *KeyState) Settle() {
	k.dirty = false
	for i := range k.Elements {
		k.Elements[i].dirty = false
	}
}

// Merge takes over all that in has and k has not: the database's cleared, the key row, the elements. What changed is dirty;
// lost and the error are KeyRow.Merge's and ElementRow.Merge's. After an error k may have taken over a part. Look at k again
// afterwards.
func (k *KeyState) Merge(in *KeyState) (lost bool, err error) {
	k.Database = MaxOf(k.Database, in.Database)
	was := k.Row
	if lost, err = k.Row.Merge(&in.Row); err != nil {
		return false, err
	}
	k.dirty = k.dirty || !sameRow(&was, &k.Row)
	for i := range in.Elements {
		e := &in.Elements[i]
		gone, err := k.MergeElement(e.Sub, &e.Row)
		if err != nil {
			return false, err
		}
		lost = lost || gone
	}
	return lost, nil
}

// MergeElement takes over one element row; sub and the row's value are kept. What a clear covers is not worth taking over:
// it is dead wherever that clear is known. REQUIRES: the key row and Database were merged before.
func (k *KeyState) MergeElement(sub []byte, in *ElementRow) (lost bool, err error) {
	clear := MaxOf(k.Database, k.Row.Cleared)
	if in.IsZero() || !clear.Before(in.Stamp) {
		return false, nil
	}
	if !k.Row.HasElements {
		k.Row.HasElements, k.dirty = true, true
	}
	i, ok := k.findElement(sub)
	if !ok {
		k.Elements = slices.Insert(k.Elements, i, ElementState{Sub: sub, Row: *in, dirty: true})
		return false, nil
	}
	e := &k.Elements[i]
	was := e.Row.Stamp
	if lost, err = e.Row.Merge(in); err != nil {
		return false, err
	}
	e.dirty = e.dirty || e.Row.Stamp != was
	return lost && clear.Before(was), nil
}

// sameRow reports whether a merge left a row as it was. Values need no look: equal stamps mean equal bytes.
func sameRow(a, b *KeyRow) bool {
	return a.Cleared == b.Cleared && a.Expiry == b.Expiry && a.Value.Stamp == b.Value.Stamp && a.Own == b.Own &&
		slices.Equal(a.Totals, b.Totals) && slices.Equal(a.Seen, b.Seen) && sameSiblings(a.Siblings, b.Siblings)
}

func sameSiblings(a, b *SiblingSet) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.Updated == b.Updated && slices.Equal(a.Context, b.Context) &&
		slices.EqualFunc(a.Values, b.Values, func(v, w Sibling) bool { return v.Dot == w.Dot })
}
