package object

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// Digest returns a keyed 64-bit hash of the canonical state of the key: over stamps and names, counts and sums, but no
// bytes of values, for equal stamps mean equal bytes. What max(database, cleared) covers is left out, and so are local
// fields and the clock: replicas that hold the same, however much that is dead is still stored, give the same digest. A
// clear or an expiry that the database's cleared covers counts as none.
func (k *KeyState) Digest(secret Secret) uint64 {
	row := k.Row.Wire()
	if !k.Database.Before(row.Cleared) {
		row.Cleared = Stamp{}
	}
	if !k.Database.Before(row.Expiry.Stamp) {
		row.Expiry = Expiry{}
	}
	clear := MaxOf(k.Database, row.Cleared)
	row.dropCovered(clear)
	var room [digestPlain]byte
	b := room[:0]
	if !k.Database.IsZero() {
		b = appendStamp(append(b, 'd'), k.Database)
	}
	if len(row.Totals)+len(row.Seen) == 0 && row.Siblings == nil && !k.holdsElements(clear) {
		return siphash.Hash(secret.K0, secret.K1, row.appendFields(b, row.flags()))
	}
	d := digester{secret: secret, b: append(make([]byte, 0, digestRoom), b...)}
	d.fields(&row)
	for i := range k.Elements {
		if e := &k.Elements[i]; clear.Before(e.Row.Stamp) {
			d.element(e)
		}
	}
	return siphash.Hash(secret.K0, secret.K1, d.b)
}

// holdsElements reports whether an element or a tombstone is above the clear.
func (k *KeyState) holdsElements(clear Stamp) bool {
	for i := range k.Elements {
		if clear.Before(k.Elements[i].Row.Stamp) {
			return true
		}
	}
	return false
}

const (
	digestPlain = 192 // holds a database's cleared and a row without lists
	digestRoom  = 512
)

// digester gathers what is hashed in a bounded room. When that is full its hash stands for it.
type digester struct {
	secret Secret
	b      []byte
}

// room makes room for n more bytes.
func (d *digester) room(n int) {
	if len(d.b)+n <= digestRoom {
		return
	}
	h := siphash.Hash(d.secret.K0, d.secret.K1, d.b)
	d.b = binary.BigEndian.AppendUint64(d.b[:0], h)
}

// fields takes the lists of a row apart from the rest, for they can be of any length.
func (d *digester) fields(row *KeyRow) {
	plain := *row
	plain.Totals, plain.Seen, plain.Siblings = nil, nil, nil
	d.b = plain.appendFields(d.b, plain.flags())
	d.list('t', len(row.Totals))
	for i := range row.Totals {
		t := &row.Totals[i]
		d.room(totalLen)
		d.b = appendStamp(d.b, t.Name)
		d.b = binary.BigEndian.AppendUint64(d.b, t.N)
		d.b = binary.BigEndian.AppendUint64(d.b, uint64(t.Sum))
		d.b = appendStamp(d.b, t.Stamp)
	}
	d.list('s', len(row.Seen))
	for i := range row.Seen {
		s := &row.Seen[i]
		d.room(seenLen)
		d.b = appendStamp(d.b, s.Name)
		d.b = binary.BigEndian.AppendUint64(d.b, s.N)
		d.b = binary.BigEndian.AppendUint64(d.b, uint64(s.Sum))
		d.b = appendStamp(d.b, s.Stamp)
	}
	if row.Siblings != nil {
		d.siblings(row.Siblings)
	}
}

func (d *digester) siblings(s *SiblingSet) {
	d.list('v', len(s.Values))
	d.room(stampLen)
	d.b = appendStamp(d.b, s.Updated)
	for i := range s.Values {
		d.room(dotLen + stampLen)
		d.b = appendStamp(appendDot(d.b, s.Values[i].Dot), s.Values[i].Stamp)
	}
	d.list('c', len(s.Context))
	for _, dot := range s.Context {
		d.room(dotLen)
		d.b = appendDot(d.b, dot)
	}
}

// list begins a list of n entries.
func (d *digester) list(name byte, n int) {
	d.room(1 + 4)
	d.b = binary.BigEndian.AppendUint32(append(d.b, name), uint32(n))
}

func (d *digester) element(e *ElementState) {
	f := e.Row.flags()
	d.room(1 + 8 + 2 + 2*stampLen)
	d.b = binary.BigEndian.AppendUint64(append(d.b, 'e'), siphash.Hash(d.secret.K0, ^d.secret.K1, e.Sub))
	d.b = append(d.b, byte(f>>8), byte(f))
	d.b = appendStamp(d.b, e.Row.Stamp)
	d.b = appendStamp(d.b, e.Row.Replaced)
}
