package object

import (
	"bytes"
	"fmt"
)

// Merge takes over what in has that r has not: field by field the greater stamp wins, totals and seen entries go by the
// greater N, siblings by what the contexts cover. The outcome does not depend on the order in which rows are merged, nor on
// how often. The local fields stay r's own.
//
// lost reports that a write is gone though the writer of what overruled it had not seen it: see lostTo. The error is
// ErrCorrupt: two different fields carry one stamp, which no correct writer makes; r is then unchanged.
func (r *KeyRow) Merge(in *KeyRow) (lost bool, err error) {
	if err := r.compatible(in); err != nil {
		return false, err
	}
	lost = r.lostTo(in) || in.lostTo(r)
	r.Cleared = MaxOf(r.Cleared, in.Cleared)
	if r.Expiry.Stamp.Before(in.Expiry.Stamp) {
		r.Expiry = in.Expiry
	}
	if r.Value.Stamp.Before(in.Value.Stamp) {
		r.Value = in.Value
	}
	r.mergeTotals(in.Totals)
	r.mergeSeen(in.Seen)
	r.mergeSiblings(in.Siblings)
	r.dropCovered(r.Cleared)
	return lost, nil
}

// lostTo reports whether merging w takes something from r that no writer of w had seen. There are two ways:
//
// A value of w overrules r's value, and what its writer knew (Replaced) ends before it. A clear that covers r's value too is
// no loss, for a clear takes what it does not know on purpose; but the clear that a SET writes just below itself is its own.
//
// An expiry passed at w, which then wrote the expiry anew over it, while r's side had lifted or moved that expiry in time.
func (r *KeyRow) lostTo(w *KeyRow) bool {
	v, c := r.Value.Stamp, w.Cleared
	if v.Before(w.Value.Stamp) && w.Value.Replaced.Before(v) &&
		(c.Before(v) || c == w.Value.Stamp.Below() || isExpiryClear(c)) {
		return true
	}
	return isExpiryClear(c) && r.Cleared.Before(c) && r.Expiry.Stamp != r.Value.Stamp && !c.Before(r.Expiry.Stamp) &&
		!r.Expiry.Stamp.IsZero() && (r.Expiry.At == 0 || c.HLC < LastOf(r.Expiry.At)) &&
		(r.HasElements || r.aliveAt(r.Cleared))
}

func (r *KeyRow) compatible(in *KeyRow) error {
	v, w := &r.Value, &in.Value
	if v.Stamp == w.Stamp && (v.Kind != w.Kind || v.Int != w.Int || v.Replaced != w.Replaced || !bytes.Equal(v.Bytes, w.Bytes)) {
		return fmt.Errorf("%w: two values stamped %v", ErrCorrupt, v.Stamp)
	}
	if r.Expiry.Stamp == in.Expiry.Stamp && r.Expiry.At != in.Expiry.At {
		return fmt.Errorf("%w: two expiries stamped %v", ErrCorrupt, r.Expiry.Stamp)
	}
	if r.Siblings != nil && in.Siblings != nil && r.Siblings != in.Siblings {
		if err := r.Siblings.compatible(in.Siblings); err != nil {
			return err
		}
	}
	for i := range in.Seen {
		s := &in.Seen[i]
		if j, ok := findSeen(r.Seen, s.Name); ok && r.Seen[j].N == s.N && r.Seen[j].Sum != s.Sum {
			return fmt.Errorf("%w: two sums of %d increments seen of %v", ErrCorrupt, s.N, s.Name)
		}
	}
	for i := range in.Totals {
		t := &in.Totals[i]
		if j, ok := findTotal(r.Totals, t.Name); ok && r.Totals[j].N == t.N && r.Totals[j] != *t {
			return fmt.Errorf("%w: two totals named %v of %d increments", ErrCorrupt, t.Name, t.N)
		}
	}
	return nil
}

func (r *KeyRow) mergeTotals(in []Total) {
	if len(in) == 0 {
		return
	}
	out := make([]Total, len(r.Totals), len(r.Totals)+len(in))
	copy(out, r.Totals)
	for _, t := range in {
		i, ok := findTotal(out, t.Name)
		switch {
		case !ok:
			out = append(out, Total{})
			copy(out[i+1:], out[i:])
			out[i] = t
		case out[i].N < t.N:
			out[i] = t
			if t.Name == r.Own {
				r.Own = Stamp{} // this node forgot increments of its own: it must not go on from here
			}
		}
	}
	r.Totals = out
}

func (r *KeyRow) mergeSeen(in []Seen) {
	if len(in) == 0 {
		return
	}
	out := make([]Seen, len(r.Seen), len(r.Seen)+len(in))
	copy(out, r.Seen)
	for _, s := range in {
		out = putSeen(out, s)
	}
	r.Seen = out
}

// putSeen adds s to the sorted entries unless a greater N is there, or as great a one of an earlier reset.
func putSeen(ss []Seen, s Seen) []Seen {
	i, ok := findSeen(ss, s.Name)
	switch {
	case !ok:
		ss = append(ss, Seen{})
		copy(ss[i+1:], ss[i:])
		ss[i] = s
	case ss[i].N < s.N || (ss[i].N == s.N && s.Stamp.Before(ss[i].Stamp)):
		ss[i] = s
	}
	return ss
}
