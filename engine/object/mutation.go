package object

// Clear says what a change clears before it writes.
type Clear uint8

// The clears.
const (
	ClearNone  Clear = iota
	ClearOlder       // all that is older than the change itself: SET, RENAME onto a key
	ClearAll         // all, the change included, and the expiry: DEL
)

// Change is what one command does to one key. It is free of stamps, so that it can be stamped again, whole, above a
// write that hides it.
type Change struct {
	Key  int // index into the read set's Keys
	Tick int // which command of a transaction: ticks above the operation's stamp

	Clear     Clear
	SetValue  bool
	SetExpiry bool
	Add       bool

	Kind     ValueKind // SetValue: ValueBytes or ValueBase
	Int      int64     // SetValue with ValueBase: the base; Add: the increment
	Bytes    []byte    // SetValue with ValueBytes: given away, never changed after
	ExpireAt int64     // SetExpiry: ms since the Unix epoch, 0 for none
}

// Mutation is the list of changes of one operation, in order. The zero Mutation changes nothing.
type Mutation struct {
	Changes []Change
}

// Reset empties the mutation for another use.
func (m *Mutation) Reset() {
	clear(m.Changes)
	m.Changes = m.Changes[:0]
}

// Delete adds the removal of key.
func (m *Mutation) Delete(key int) {
	m.Changes = append(m.Changes, Change{Key: key, Clear: ClearAll})
}

// Set adds what SET does: the value, all older things cleared, and the expiry (at 0: none).
func (m *Mutation) Set(key int, v []byte, at int64) {
	c := Change{Key: key, Clear: ClearOlder, SetExpiry: true, ExpireAt: at}
	c.setText(v)
	m.Changes = append(m.Changes, c)
}

// SetKeepTTL adds what SET KEEPTTL does: the value, all older things cleared, the expiry left.
func (m *Mutation) SetKeepTTL(key int, v []byte) {
	c := Change{Key: key, Clear: ClearOlder}
	c.setText(v)
	m.Changes = append(m.Changes, c)
}

// Write adds a write of the value alone: APPEND, SETRANGE, INCRBYFLOAT.
func (m *Mutation) Write(key int, v []byte) {
	c := Change{Key: key}
	c.setText(v)
	m.Changes = append(m.Changes, c)
}

// Expire adds a write of the expiry alone: at in ms since the Unix epoch, 0 for none (PERSIST).
func (m *Mutation) Expire(key int, at int64) {
	m.Changes = append(m.Changes, Change{Key: key, SetExpiry: true, ExpireAt: at})
}

// Add adds an increment of the counter.
func (m *Mutation) Add(key int, by int64) {
	m.Changes = append(m.Changes, Change{Key: key, Add: true, Int: by})
}

func (c *Change) setText(v []byte) {
	c.SetValue = true
	if n, ok := ParseCanonical(v); ok {
		c.Kind, c.Int = ValueBase, n
		return
	}
	c.Kind, c.Bytes = ValueBytes, v
}

// ParseCanonical parses v if it is how int64s are printed: no sign but a minus, no leading zeros, no spaces.
func ParseCanonical(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > 20 {
		return 0, false
	}
	neg := v[0] == '-'
	d := v
	if neg {
		d = v[1:]
	}
	if len(d) == 0 || (d[0] == '0' && (neg || len(d) > 1)) {
		return 0, false
	}
	var n uint64
	for _, c := range d {
		if c < '0' || c > '9' || n > (1<<63)/10 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case neg && n <= 1<<63:
		return -int64(n), true
	case !neg && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}

// Apply makes change c, stamped s, on the key as it is in k, and marks it dirty. REQUIRES: s is after every stamp that
// the row holds, and k.Look(s.HLC) was called since the row last changed.
func (k *KeyState) Apply(c *Change, s Stamp) {
	if c.SetValue && c.SetExpiry && expiryPassed(c.ExpireAt, s.HLC) {
		// Stamped above its own expiry (again, or late): the value would be born after what is to hide it.
		c = &Change{Clear: ClearAll}
	}
	r := &k.Row
	k.dirty = true
	if k.passed && (c.SetExpiry || c.Clear == ClearAll) {
		// What the old expiry hid must stay hidden when the field says something else.
		r.Cleared = MaxOf(r.Cleared, expiryClear(r.Expiry.At))
	}
	forgetTTL := !c.SetExpiry && !k.passed && r.Expiry.At != 0 && !k.Exists()
	if c.SetValue || c.Clear == ClearAll {
		r.seeTotals(k.Clear)
	}
	switch c.Clear {
	case ClearAll:
		r.Cleared = s
		r.Expiry = Expiry{Stamp: s}
	case ClearOlder:
		r.Cleared = MaxOf(r.Cleared, s.Below())
	}
	if c.SetValue {
		r.Value = Value{Stamp: s, Replaced: r.Value.Stamp, Kind: c.Kind, Int: c.Int, Bytes: c.Bytes}
	}
	if c.Add {
		r.increment(c.Int, s, k.Clear)
	}
	if c.SetExpiry || forgetTTL {
		r.Expiry = Expiry{Stamp: s, At: c.ExpireAt}
	}
	k.Look(s.HLC)
	r.dropCovered(MaxOf(k.Database, r.Cleared))
}

// Dirty reports whether Apply changed the key.
func (k *KeyState) Dirty() bool { return k.dirty }

// seeTotals records that a reset saw the live totals.
func (r *KeyRow) seeTotals(clear Stamp) {
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
		seen = putSeen(seen, Seen{Name: t.Name, N: t.N, Sum: t.Sum})
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

// dropCovered lets go what a clear covers for ever. REQUIRES: clear is the database's or the key's cleared, never a
// passed expiry, which a replica may have missed being lifted.
func (r *KeyRow) dropCovered(clear Stamp) {
	if r.Value.Kind != ValueNone && !clear.Before(r.Value.Stamp) {
		r.Value = Value{}
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

// Collect lets go what is dead through something that is itself not after the watermark g, a pure function of the row
// and g. It reports whether the row as a whole may go. REQUIRES: every replica of the partition has agreed on g.
func (r *KeyRow) Collect(database Stamp, g HLC) bool {
	clear := MaxOf(database, r.Cleared)
	if r.Expiry.At != 0 && r.Expiry.Stamp.HLC <= g && LastOf(r.Expiry.At) < g && database.Before(r.Expiry.Stamp) {
		clear = MaxOf(clear, expiryClear(r.Expiry.At))
	}
	if clear.HLC > g {
		return false
	}
	r.dropCovered(clear)
	r.dropSeen(g)
	if r.aliveAt(clear) || len(r.Seen) > 0 {
		return false
	}
	// An expiry that has not passed keeps its row, unless a clear has covered it.
	return r.Expiry.At == 0 || LastOf(r.Expiry.At) < g || !database.Before(r.Expiry.Stamp)
}

// dropSeen lets go the seen entries whose totals are gone or wholly seen, and those totals with them.
func (r *KeyRow) dropSeen(g HLC) {
	if len(r.Seen) == 0 {
		return
	}
	var totals []Total
	var seen []Seen
	for _, t := range r.Totals {
		if i, ok := findSeen(r.Seen, t.Name); ok && r.Seen[i].N >= t.N && t.Stamp.HLC <= g {
			continue
		}
		totals = append(totals, t)
	}
	for _, s := range r.Seen {
		if _, ok := findTotal(totals, s.Name); ok || s.Name.HLC > g {
			seen = append(seen, s)
		}
	}
	r.Totals, r.Seen = totals, seen
}
