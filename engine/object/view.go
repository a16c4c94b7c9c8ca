package object

import "strconv"

// Type is the type that a key shows, in Redis's words.
type Type uint8

// The types.
const (
	TypeNone Type = iota
	TypeString
)

// String returns the word that the TYPE command answers.
func (t Type) String() string {
	if t == TypeString {
		return "string"
	}
	return "none"
}

// ReadSet is what an operation needs to see.
type ReadSet struct {
	// Keys are all the keys that the operation touches, no two equal, all of one slot. The View holds them in this order.
	Keys []KeyRef
	// Blind says that the operation writes without looking: its coordinator need not gather the rows from other
	// replicas first, and Eval does not look at the View.
	Blind bool
	// Ticks is how many stamps the operation takes, one after the other; 0 counts as 1.
	Ticks int
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
	passed   bool  // the expiry has passed at now
	dirty    bool  // changed by Apply
}

// Look sets what depends on the time: the effective clear at now. Call it after Row or Database was set.
func (k *KeyState) Look(now HLC) {
	k.Clear = k.Row.EffectiveClear(k.Database, now)
	k.passed = expiryPassed(k.Row.Expiry.At, now)
}

// Exists reports whether anything of the key is alive.
func (k *KeyState) Exists() bool { return k.Row.aliveAt(k.Clear) }

// Type returns the type that the key shows.
func (k *KeyState) Type() Type {
	if k.Exists() {
		return TypeString
	}
	return TypeNone
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

// Text returns the string that the key shows; false when it shows none.
func (k *KeyState) Text() (Text, bool) {
	r := &k.Row
	base := int64(0)
	valueAlive := r.Value.Kind != ValueNone && k.Clear.Before(r.Value.Stamp)
	if valueAlive {
		if r.Value.Kind == ValueBytes {
			return Text{Bytes: r.Value.Bytes}, true
		}
		base = r.Value.Int
	} else if !r.aliveAt(k.Clear) {
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
	return MaxOf(k.Row.Version(), k.Database)
}
