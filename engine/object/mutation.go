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

	Clear        Clear
	SetValue     bool
	SetExpiry    bool
	Add          bool
	SetElement   bool
	DropElement  bool
	PutSibling   bool
	DropSiblings bool

	Kind     ValueKind // SetValue: ValueBytes or ValueBase
	Int      int64     // SetValue with ValueBase: the base; Add: the increment
	Bytes    []byte    // SetValue with ValueBytes, SetElement, PutSibling: given away, never changed after
	ExpireAt int64     // SetExpiry: ms since the Unix epoch, 0 for none
	Sub      []byte    // SetElement, DropElement: the element, from its type byte on; given away

	// PutSibling, DropSiblings: what the writer had seen. Without a context it had seen what GET shows.
	Context    []Dot
	HasContext bool
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

// ClearOld adds what RENAME and COPY do to their target before they fill it: all older things cleared, and the expiry.
func (m *Mutation) ClearOld(key int, at int64) {
	m.Changes = append(m.Changes, Change{Key: key, Clear: ClearOlder, SetExpiry: true, ExpireAt: at})
}

// SetElement adds a write of one element; sub begins with its type byte.
func (m *Mutation) SetElement(key int, sub, v []byte) {
	m.Changes = append(m.Changes, Change{Key: key, SetElement: true, Sub: sub, Bytes: v})
}

// DropElement adds the removal of one element.
func (m *Mutation) DropElement(key int, sub []byte) {
	m.Changes = append(m.Changes, Change{Key: key, DropElement: true, Sub: sub})
}

// PutSibling adds a write of a value beside those that the writer had not seen. The expiry is not touched: add Expire.
func (m *Mutation) PutSibling(key int, context []Dot, hasContext bool, v []byte) {
	m.Changes = append(m.Changes, Change{Key: key, PutSibling: true, Context: context, HasContext: hasContext, Bytes: v})
}

// DropSiblings adds the removal of the values that the writer had seen.
func (m *Mutation) DropSiblings(key int, context []Dot, hasContext bool) {
	m.Changes = append(m.Changes, Change{Key: key, DropSiblings: true, Context: context, HasContext: hasContext})
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
