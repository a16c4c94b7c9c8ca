package object

import (
	"bytes"
	"fmt"
)

// Merge takes over what in has that r has not: field by field the greater stamp wins, and totals and seen entries go by
// the greater N. The outcome does not depend on the order in which rows are merged, nor on how often.
//
// lost reports that one of the two values is gone though the other's writer had not seen it: a concurrent write was
// overruled. The error is ErrCorrupt: two different fields carry one stamp, which no correct writer makes; r is then
// unchanged.
func (r *KeyRow) Merge(in *KeyRow) (lost bool, err error) {
	if err := r.compatible(in); err != nil {
		return false, err
	}
	r.Cleared = MaxOf(r.Cleared, in.Cleared)
	if r.Expiry.Stamp.Before(in.Expiry.Stamp) {
		r.Expiry = in.Expiry
	}
	winner, loser := &r.Value, &in.Value
	if r.Value.Stamp.Before(in.Value.Stamp) {
		winner, loser = loser, winner
	}
	// A value that a clear covers was not lost to the other value.
	lost = winner.Stamp != loser.Stamp && winner.Replaced.Before(loser.Stamp) && r.Cleared.Before(loser.Stamp)
	r.Value = *winner
	r.mergeTotals(in.Totals)
	r.mergeSeen(in.Seen)
	r.dropCovered(r.Cleared)
	return lost, nil
}

func (r *KeyRow) compatible(in *KeyRow) error {
	v, w := &r.Value, &in.Value
	if v.Stamp == w.Stamp && (v.Kind != w.Kind || v.Int != w.Int || v.Replaced != w.Replaced || !bytes.Equal(v.Bytes, w.Bytes)) {
		return fmt.Errorf("%w: two values stamped %v", ErrCorrupt, v.Stamp)
	}
	if r.Expiry.Stamp == in.Expiry.Stamp && r.Expiry.At != in.Expiry.At {
		return fmt.Errorf("%w: two expiries stamped %v", ErrCorrupt, r.Expiry.Stamp)
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

// putSeen adds s to the sorted entries unless a greater N is there.
func putSeen(ss []Seen, s Seen) []Seen {
	i, ok := findSeen(ss, s.Name)
	switch {
	case !ok:
		ss = append(ss, Seen{})
		copy(ss[i+1:], ss[i:])
		ss[i] = s
	case ss[i].N < s.N:
		ss[i] = s
	}
	return ss
}
