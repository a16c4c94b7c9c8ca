package object

import (
	"bytes"
	"iter"
	"math/bits"
	"slices"
	"strconv"
)

// Type is the type that a key shows, in Redis's words.
type Type uint8

// The types.
const (
	TypeNone Type = iota
	TypeString
	TypeHash
)

// String returns the word that the TYPE command answers.
func (t Type) String() string {
	switch t {
	case TypeString:
		return "string"
	case TypeHash:
		return "hash"
	}
	return "none"
}

// ReadSet is what an operation needs to see. It is handed about by value for every command, so it is kept small.
type ReadSet struct {
	// Keys are all the keys that the operation touches, no two equal, all of one slot. The View holds them in this order.
	Keys []KeyRef
	// Elements are the elements that it must see beside the key rows.
	Elements []ElementRef
	// Blind says that the operation writes without looking: its coordinator need not gather the rows from other
	// replicas first, and Eval does not look at the View.
	Blind bool
	// Flush are databases that the operation clears, in the partition of its slot. It looks at no keys, but is above whatever
	// the replicas that its read level asks had seen.
	Flush DBSet
	// Ticks is how many stamps the operation takes, one after the other; 0 counts as 1.
	Ticks int
}

// ElementRef names one element of a key of a read set, or all of them.
type ElementRef struct {
	Key int    // index into Keys
	Sub []byte // empty for all elements
}

// DBSet is a set of databases, a bit each.
type DBSet uint16

// DBSetOf returns the set of some databases. REQUIRES: each is below DBCount.
func DBSetOf(dbs ...uint8) (s DBSet) {
	for _, db := range dbs {
		s |= 1 << db
	}
	return s
}

// Has reports whether a database is in the set.
func (s DBSet) Has(db uint8) bool { return s>>db&1 != 0 }

// All yields the databases of the set, ascending.
func (s DBSet) All() iter.Seq[uint8] {
	return func(yield func(uint8) bool) {
		for left := uint16(s); left != 0; left &= left - 1 {
			if !yield(uint8(bits.TrailingZeros16(left))) {
				return
			}
		}
	}
}

// Input is what Eval may know beside the rows.
type Input struct {
	// Stamp is the operation's own stamp; its HLC is the operation's `now`. A read's has no node.
	Stamp Stamp
	// Rand is 64 random bits.
	Rand uint64
}

// Now returns the operation's time in ms since the Unix epoch.
func (in *Input) Now() int64 { return in.Stamp.HLC.Millis() }

// View is the state of each key of a read set, in its order, at one instant.
type View struct {
	Keys []KeyState
}

// KeyState is one key as an operation sees it.
type KeyState struct {
	Row      KeyRow
	Database Stamp // the cleared of the key's database
	Clear    Stamp // the effective clear at the operation's now

	// Elements are those of the key's element rows that the operation asked for, sorted by Sub, dead ones and tombstones
	// among them. AllElements says that there are no others. Apply changes the slice in place.
	Elements    []ElementState
	AllElements bool

	passed bool // the expiry has passed at now
	dirty  bool // the key row was changed by Apply
}

// ElementState is one element as an operation sees it.
type ElementState struct {
	Sub   []byte
	Row   ElementRow
	dirty bool
}

// Dirty reports whether Apply changed the element.
func (e *ElementState) Dirty() bool { return e.dirty }

// Look sets what depends on the time: the effective clear at now. Call it after Row or Database was set.
func (k *KeyState) Look(now HLC) {
	k.Clear = k.Row.EffectiveClear(k.Database, now)
	k.passed = expiryPassed(k.Row.Expiry.At, now) && k.Database.Before(k.Row.Expiry.Stamp)
}

// Exists reports whether anything of the key is alive, as far as the elements in the view tell.
func (k *KeyState) Exists() bool {
	return k.Row.aliveAt(k.Clear) || !k.elementShown(k.Clear).IsZero()
}

// Stored reports whether the key holds something that only an expiry may hide: like KeyRow.Stored, and as far as the
// elements in the view tell.
func (k *KeyState) Stored() bool {
	clear := MaxOf(k.Database, k.Row.Cleared)
	return k.Row.aliveAt(clear) || !k.elementShown(clear).IsZero()
}

// Type returns the type that the key shows. Of two types, left by writes on two sides of a split, the one with the
// greatest stamp shows.
func (k *KeyState) Type() Type {
	text := k.textStamp()
	element := k.elementShown(k.Clear)
	switch {
	case text.IsZero() && element.IsZero():
		return TypeNone
	case element.Before(text):
		return TypeString
	}
	return TypeHash
}

// textStamp returns the greatest stamp of what makes up the key's string; zero when none is alive.
func (k *KeyState) textStamp() Stamp {
	text := k.plainShown()
	if v := k.siblingShown(); v != nil {
		text = MaxOf(text, v.Stamp)
	}
	return text
}

// plainShown returns the greatest stamp of the live value and the live totals; zero for none.
func (k *KeyState) plainShown() Stamp {
	latest := k.Row.totalsShown(k.Clear)
	if v := &k.Row.Value; v.Kind != ValueNone && k.Clear.Before(v.Stamp) {
		latest = MaxOf(latest, v.Stamp)
	}
	return latest
}

func (k *KeyState) siblingShown() *Sibling {
	if k.Row.Siblings == nil {
		return nil
	}
	if i := k.Row.Siblings.shown(k.Clear); i >= 0 {
		return &k.Row.Siblings.Values[i]
	}
	return nil
}

// elementShown returns the greatest stamp of the elements above the clear; zero for none.
func (k *KeyState) elementShown(clear Stamp) (latest Stamp) {
	for i := range k.Elements {
		if e := &k.Elements[i].Row; e.Alive(clear) {
			latest = MaxOf(latest, e.Stamp)
		}
	}
	return latest
}

func (k *KeyState) findElement(sub []byte) (int, bool) {
	return slices.BinarySearchFunc(k.Elements, sub, func(e ElementState, s []byte) int { return bytes.Compare(e.Sub, s) })
}

// Element returns the value of a live element in the view.
func (k *KeyState) Element(sub []byte) ([]byte, bool) {
	i, ok := k.findElement(sub)
	if !ok || !k.Elements[i].Row.Alive(k.Clear) {
		return nil, false
	}
	return k.Elements[i].Row.Value, true
}

// LiveSiblings returns the live concurrent values, in the order of their dots. A plain value that the key holds from a time
// without siblings comes last, under a dot of its stamp and seq 0.
func (k *KeyState) LiveSiblings() []Sibling {
	var live []Sibling
	if k.Row.Siblings != nil {
		for _, v := range k.Row.Siblings.Values {
			if k.Clear.Before(v.Stamp) {
				live = append(live, v)
			}
		}
	}
	if plain := k.plainShown(); !plain.IsZero() {
		t, _ := k.plainText()
		live = append(live, Sibling{Dot: Dot{Actor: plain}, Stamp: plain, Bytes: t.Slice()})
	}
	return live
}

// Context returns what a writer that saw LiveSiblings has seen: what it hands back to replace them.
func (k *KeyState) Context() []Dot {
	var context []Dot
	if k.Row.Siblings != nil {
		context = k.Row.Siblings.Context
	}
	if plain := k.plainShown(); !plain.IsZero() {
		return joined(context, []Dot{{Actor: plain}})
	}
	return slices.Clone(context)
}

// TooManySiblings reports whether a writer of a value with that context would leave more than MaxSiblings, and more than
// it found.
func (k *KeyState) TooManySiblings(context []Dot, hasContext bool) bool {
	if k.Row.Siblings == nil || len(k.Row.Siblings.Values) < MaxSiblings {
		return false
	}
	live := k.LiveSiblings()
	gone := 0
	for i := range live {
		if covers(context, live[i].Dot) {
			gone++
		}
	}
	if !hasContext && len(live) > 0 {
		gone = 1
	}
	return gone == 0 && len(live) >= MaxSiblings
}

// Text is a string value: an integer where the string is a canonical int64, else bytes.
type Text struct {
	IsInt bool
	Int   int64
	Bytes []byte
}

// AppendTo appends the string's bytes.
func (t Text) AppendTo(dst []byte) []byte {
	if t.IsInt {
		return strconv.AppendInt(dst, t.Int, 10)
	}
	return append(dst, t.Bytes...)
}

// Slice returns the string's bytes, which must not be changed.
func (t Text) Slice() []byte {
	if t.IsInt {
		return strconv.AppendInt(make([]byte, 0, 20), t.Int, 10)
	}
	return t.Bytes
}

// Len returns the string's length in bytes.
func (t Text) Len() int {
	if !t.IsInt {
		return len(t.Bytes)
	}
	var b [20]byte
	return len(strconv.AppendInt(b[:0], t.Int, 10))
}

// Text returns the string that the key shows; false when it shows none. Of siblings the one with the greatest stamp shows.
func (k *KeyState) Text() (Text, bool) {
	if v := k.siblingShown(); v != nil && k.plainShown().Before(v.Stamp) {
		return Text{Bytes: v.Bytes}, true
	}
	return k.plainText()
}

func (k *KeyState) plainText() (Text, bool) {
	r := &k.Row
	base := int64(0)
	if r.Value.Kind != ValueNone && k.Clear.Before(r.Value.Stamp) {
		if r.Value.Kind == ValueBytes {
			return Text{Bytes: r.Value.Bytes}, true
		}
		base = r.Value.Int
	} else if r.totalsShown(k.Clear).IsZero() {
		return Text{}, false
	}
	return Text{IsInt: true, Int: r.unseenSum(base, k.Clear)}, true
}

// ExpireAt returns when the key expires, ms since the Unix epoch; 0 when never. An expiry that has passed, or that the
// database's cleared covers, reads as none.
func (k *KeyState) ExpireAt() int64 {
	if k.passed || !k.Database.Before(k.Row.Expiry.Stamp) {
		return 0
	}
	return k.Row.Expiry.At
}

// ExpiresEver reports whether the key has an expiry, passed or not: like Row.Stored it needs no clock.
func (k *KeyState) ExpiresEver() bool {
	return k.Row.Expiry.At != 0 && k.Database.Before(k.Row.Expiry.Stamp)
}

// Version returns what WATCH compares: the latest stamp of the key or of its database; zero for a key that does not
// exist, so that expiring is a change too and clearing what was not there is none.
func (k *KeyState) Version() Stamp {
	if !k.Exists() {
		return Stamp{}
	}
	v := MaxOf(k.Row.Version(), k.Database)
	for i := range k.Elements {
		v = MaxOf(v, k.Elements[i].Row.Stamp)
	}
	return v
}

// Latest returns the greatest stamp anywhere in the state, dead things included: what a clock must be raised above.
func (k *KeyState) Latest() Stamp {
	r := &k.Row
	v := MaxOf(r.Version(), k.Database)
	for i := range r.Seen {
		v = MaxOf(v, MaxOf(r.Seen[i].Name, r.Seen[i].Stamp))
	}
	if r.Siblings != nil {
		v = MaxOf(v, r.Siblings.latest())
	}
	for i := range k.Elements {
		v = MaxOf(v, k.Elements[i].Row.Stamp)
	}
	return v
}
