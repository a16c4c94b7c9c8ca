package object

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// MaxSiblings is how many live siblings a writer may leave; merges are exempt.
const MaxSiblings = 64

// ErrSiblings is what a command answers that makes no sense where concurrent values are kept: an increment.
var ErrSiblings = errors.New("object: the keyspace keeps siblings")

// Dot names one write among siblings: the seq-th of an actor. An actor is named by the stamp of its first write of the
// row (its birth), which carries node and incarnation.
type Dot struct {
	Actor Stamp
	Seq   uint64 // from 1; 0 stands for a plain value, left from a time without siblings, that has the actor's stamp
}

func (d Dot) compare(e Dot) int {
	if c := d.Actor.Compare(e.Actor); c != 0 {
		return c
	}
	switch {
	case d.Seq < e.Seq:
		return -1
	case d.Seq > e.Seq:
		return 1
	}
	return 0
}

// Sibling is one of several values that no later write has seen.
type Sibling struct {
	Dot   Dot
	Stamp Stamp
	Bytes []byte
}

// SiblingSet is a dotted version vector set (Preguiça et al., "Dotted Version Vectors", 2010; Almeida et al., "Scalable and
// Accurate Causality Tracking for Eventually Consistent Stores", 2014). It is shared between rows: never changed in place.
//
// Invariant: Context covers the dot of every value.
type SiblingSet struct {
	Context []Dot     // for each actor the last of its writes that is known, sorted by actor
	Values  []Sibling // sorted by dot
	Updated Stamp     // of the latest update, also one that left no value: nothing older may let the context go
}

// covers reports whether the sorted context holds dot or a later one of its actor.
func covers(context []Dot, dot Dot) bool {
	i, ok := findActor(context, dot.Actor)
	return ok && context[i].Seq >= dot.Seq
}

func findActor(context []Dot, actor Stamp) (int, bool) {
	return slices.BinarySearchFunc(context, actor, func(d Dot, a Stamp) int { return d.Actor.Compare(a) })
}

// joined returns a new context that covers what either covers.
func joined(a, b []Dot) []Dot {
	out := make([]Dot, 0, len(a)+len(b)+1)
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].Actor.Compare(b[0].Actor); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, Dot{Actor: a[0].Actor, Seq: max(a[0].Seq, b[0].Seq)})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func (s *SiblingSet) find(dot Dot) (int, bool) {
	return slices.BinarySearchFunc(s.Values, dot, func(v Sibling, d Dot) int { return v.Dot.compare(d) })
}

// shown returns the index of the live value with the greatest stamp, -1 for none.
func (s *SiblingSet) shown(clear Stamp) int {
	best := -1
	for i := range s.Values {
		if clear.Before(s.Values[i].Stamp) && (best < 0 || s.Values[best].Stamp.Before(s.Values[i].Stamp)) {
			best = i
		}
	}
	return best
}

// latest returns the greatest stamp in the set.
func (s *SiblingSet) latest() Stamp {
	v := s.Updated
	for i := range s.Context {
		v = MaxOf(v, s.Context[i].Actor)
	}
	for i := range s.Values {
		v = MaxOf(v, s.Values[i].Stamp)
	}
	return v
}

// above returns the set less the values that clear covers; the context stays, so that they do not come back.
func (s *SiblingSet) above(clear Stamp) *SiblingSet {
	live := 0
	for i := range s.Values {
		if clear.Before(s.Values[i].Stamp) {
			live++
		}
	}
	if live == len(s.Values) {
		return s
	}
	out := &SiblingSet{Context: s.Context, Updated: s.Updated}
	for i := range s.Values {
		if clear.Before(s.Values[i].Stamp) {
			out.Values = append(out.Values, s.Values[i])
		}
	}
	return out
}

// merge keeps what both hold, and what one holds and the other's context does not cover.
func (s *SiblingSet) merge(in *SiblingSet) *SiblingSet {
	out := &SiblingSet{Context: joined(s.Context, in.Context), Updated: MaxOf(s.Updated, in.Updated)}
	a, b := s.Values, in.Values
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || (len(a) > 0 && a[0].Dot.compare(b[0].Dot) < 0):
			if !covers(in.Context, a[0].Dot) {
				out.Values = append(out.Values, a[0])
			}
			a = a[1:]
		case len(a) == 0 || a[0].Dot.compare(b[0].Dot) > 0:
			if !covers(s.Context, b[0].Dot) {
				out.Values = append(out.Values, b[0])
			}
			b = b[1:]
		default:
			out.Values = append(out.Values, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// compatible reports two values under one dot: no correct writer makes them.
func (s *SiblingSet) compatible(in *SiblingSet) error {
	for i := range in.Values {
		v := &in.Values[i]
		j, ok := s.find(v.Dot)
		if ok && (s.Values[j].Stamp != v.Stamp || !bytes.Equal(s.Values[j].Bytes, v.Bytes)) {
			return fmt.Errorf("%w: two siblings %d of %v", ErrCorrupt, v.Dot.Seq, v.Dot.Actor)
		}
	}
	return nil
}

func (r *KeyRow) mergeSiblings(in *SiblingSet) {
	if in == nil || in == r.Siblings {
		return
	}
	if r.Siblings == nil {
		r.Siblings = in
		if _, ok := findActor(in.Context, r.Own); ok {
			r.Own = Stamp{}
		}
		return
	}
	if !r.Own.IsZero() {
		if i, ok := findActor(in.Context, r.Own); ok && !covers(r.Siblings.Context, in.Context[i]) {
			r.Own = Stamp{} // this node forgot writes of its own: it must not go on under that name
		}
	}
	r.Siblings = r.Siblings.merge(in)
}

// updateSiblings makes one update stamped s: what the writer had seen goes (what its context covers, or the value of dot
// shown), and a new value, if any, gets the next dot of this node's actor.
func (r *KeyRow) updateSiblings(c *Change, shown Dot, s Stamp) {
	was := r.Siblings
	if was == nil {
		was = &SiblingSet{}
	}
	next := &SiblingSet{Context: joined(was.Context, c.Context), Updated: MaxOf(was.Updated, s)}
	next.Context = slices.DeleteFunc(next.Context, func(d Dot) bool { return d.Seq == 0 }) // plain values are no actors
	for i := range was.Values {
		if w := &was.Values[i]; w.Dot != shown && !covers(c.Context, w.Dot) {
			next.Values = append(next.Values, *w)
		}
	}
	if c.PutSibling {
		dot := r.nextDot(was.Context, next.Context, s)
		if i, ok := findActor(next.Context, dot.Actor); ok {
			next.Context[i] = dot
		} else {
			next.Context = slices.Insert(next.Context, i, dot)
		}
		i, _ := next.find(dot)
		next.Values = slices.Insert(next.Values, i, Sibling{Dot: dot, Stamp: s, Bytes: c.Bytes})
	}
	if len(next.Context) > 0 {
		r.Siblings = next
	}
}

// nextDot continues this node's actor while its row knows all of that actor's writes, and else begins a new one.
func (r *KeyRow) nextDot(was, now []Dot, s Stamp) Dot {
	if r.Own.Node == s.Node && r.Own.Inc == s.Inc {
		if i, ok := findActor(was, r.Own); ok && covers(was, now[mustFind(now, r.Own)]) {
			return Dot{Actor: r.Own, Seq: was[i].Seq + 1}
		}
	}
	r.Own = s
	return Dot{Actor: s, Seq: 1}
}

// mustFind returns the place of an actor that a join of its context holds.
func mustFind(context []Dot, actor Stamp) int {
	i, _ := findActor(context, actor)
	return i
}
