package object

import (
	"math"
	"math/bits"
)

// ValueKind says what a key row's value field holds.
type ValueKind uint8

// The kinds of value.
const (
	ValueNone  ValueKind = iota // never written, or dropped because a clear covers it
	ValueBytes                  // a string
	ValueBase                   // a canonical int64, which counters add to
)

// Value is the value field of a key row.
type Value struct {
	Stamp    Stamp
	Replaced Stamp // the stamp of the value that the writer saw there; zero for none
	Kind     ValueKind
	Int      int64  // ValueBase
	Bytes    []byte // ValueBytes; never changed in place
}

// Expiry is the expiry field of a key row: At in ms since the Unix epoch, 0 for none.
type Expiry struct {
	Stamp Stamp
	At    int64
}

// Total is what one counter entry of one node has added up to. Its name is the stamp of its first increment (its birth),
// which carries the node and the incarnation.
type Total struct {
	Name  Stamp
	N     uint64 // how many increments; the greater N wins a merge
	Sum   int64
	Stamp Stamp // of the latest increment
}

// Seen is what a reset (SET, DEL, any write of the value) had seen of the total of that name.
type Seen struct {
	Name  Stamp
	N     uint64
	Sum   int64
	Stamp Stamp // of the first reset that saw as much: the entry must not go before every replica has it
}

// KeyRow is the row of a key with an empty sub: fields that merge one by one, the greater stamp winning each.
//
// Totals and Seen are sorted by Name and copied on write: a KeyRow may be copied by assignment.
type KeyRow struct {
	Cleared Stamp
	Expiry  Expiry
	Value   Value
	Totals  []Total
	Seen    []Seen
	// Siblings are the concurrent values of a key whose keyspace keeps them; nil for none. Shared, so never changed in place.
	Siblings *SiblingSet

	// Own names the total that this node's next increment continues, or the actor of its next sibling. It is local: not
	// sent, not hashed, and zero in a row that came by a merge, so a node that forgot a row begins a new one.
	Own Stamp
	// HasElements says that element rows may be stored under this key. It is local too: a merge leaves the receiver's.
	HasElements bool
}

// IsZero reports whether the row holds nothing that is sent: to other replicas the same as no row.
func (r *KeyRow) IsZero() bool {
	return r.Cleared.IsZero() && r.Expiry.Stamp.IsZero() && r.Value.Stamp.IsZero() && len(r.Totals) == 0 &&
		len(r.Seen) == 0 && r.Siblings == nil
}

// LocalFree reports that the row holds no local field: its encoded bytes are what is sent.
func (r *KeyRow) LocalFree() bool { return r.Own.IsZero() && !r.HasElements }

// Wire returns the row without its local fields: what is sent and hashed.
func (r *KeyRow) Wire() KeyRow {
	w := *r
	w.Own, w.HasElements = Stamp{}, false
	return w
}

// Version returns the latest stamp in the row: what WATCH compares.
func (r *KeyRow) Version() Stamp {
	v := MaxOf(MaxOf(r.Cleared, r.Expiry.Stamp), r.Value.Stamp)
	for i := range r.Totals {
		v = MaxOf(v, r.Totals[i].Stamp)
	}
	if r.Siblings != nil {
		v = MaxOf(v, r.Siblings.Updated)
	}
	return v
}

// expiryPassed reports whether at lies in an earlier millisecond than now.
func expiryPassed(at int64, now HLC) bool { return at != 0 && now.Millis() > at }

// isExpiryClear reports whether a clear was raised by a write over an expiry that had passed.
func isExpiryClear(c Stamp) bool { return c.Node == math.MaxUint64 && c.Inc == math.MaxUint64 }

// expiryClear is the stamp that a passed expiry at clears up to: the last one of its millisecond.
func expiryClear(at int64) Stamp {
	return Stamp{HLC: LastOf(at), Node: math.MaxUint64, Inc: math.MaxUint64}
}

// EffectiveClear returns the stamp up to which everything of the key is dead at now: the latest of the database's
// cleared, the key's, and an expiry that has passed and is younger than the database's cleared.
func (r *KeyRow) EffectiveClear(database Stamp, now HLC) Stamp {
	c := MaxOf(database, r.Cleared)
	if expiryPassed(r.Expiry.At, now) && database.Before(r.Expiry.Stamp) {
		c = MaxOf(c, expiryClear(r.Expiry.At))
	}
	return c
}

// aliveAt reports whether anything of the row shows above the clear.
func (r *KeyRow) aliveAt(clear Stamp) bool {
	if r.Value.Kind != ValueNone && clear.Before(r.Value.Stamp) {
		return true
	}
	return !r.totalsShown(clear).IsZero() || (r.Siblings != nil && r.Siblings.shown(clear) >= 0)
}

// totalsShown returns the latest stamp of a total that counts above the clear; zero for none.
func (r *KeyRow) totalsShown(clear Stamp) (latest Stamp) {
	for i := range r.Totals {
		if t := &r.Totals[i]; latest.Before(t.Stamp) && r.counts(t, clear) {
			latest = t.Stamp
		}
	}
	return latest
}

// counts reports whether t is alive and holds more than resets saw of it.
func (r *KeyRow) counts(t *Total, clear Stamp) bool {
	if !clear.Before(t.Stamp) {
		return false
	}
	i, ok := findSeen(r.Seen, t.Name)
	return !ok || r.Seen[i].N < t.N
}

// Stored reports whether the row holds something that only an expiry may hide: what key counts count, so that they need
// no clock.
func (r *KeyRow) Stored(database Stamp) bool { return r.aliveAt(MaxOf(database, r.Cleared)) }

func findTotal(ts []Total, name Stamp) (int, bool) {
	for i := range ts {
		switch c := ts[i].Name.Compare(name); {
		case c == 0:
			return i, true
		case c > 0:
			return i, false
		}
	}
	return len(ts), false
}

func findSeen(ss []Seen, name Stamp) (int, bool) {
	for i := range ss {
		switch c := ss[i].Name.Compare(name); {
		case c == 0:
			return i, true
		case c > 0:
			return i, false
		}
	}
	return len(ss), false
}

// unseenSum adds up what live totals hold beyond what resets saw. The sum is exact in 128 bits and saturates once, at
// the ends of int64, so the order of the totals does not matter.
func (r *KeyRow) unseenSum(base int64, clear Stamp) int64 {
	var sum wide
	sum.add(base)
	for i := range r.Totals {
		t := &r.Totals[i]
		if !r.counts(t, clear) {
			continue
		}
		sum.add(t.Sum)
		if j, ok := findSeen(r.Seen, t.Name); ok {
			sum.sub(r.Seen[j].Sum)
		}
	}
	return sum.saturated()
}

// wide is a 128-bit two's complement integer.
type wide struct {
	hi int64
	lo uint64
}

func (w *wide) add(x int64) {
	lo, carry := bits.Add64(w.lo, uint64(x), 0)
	w.lo = lo
	w.hi += x>>63 + int64(carry)
}

func (w *wide) sub(x int64) {
	lo, borrow := bits.Sub64(w.lo, uint64(x), 0)
	w.lo = lo
	w.hi -= x>>63 + int64(borrow)
}

func (w *wide) saturated() int64 {
	switch {
	case w.hi == int64(w.lo)>>63:
		return int64(w.lo)
	case w.hi < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}
