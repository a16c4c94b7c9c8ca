package sim

import (
	"hash/fnv"

	"github.com/rondokv/rondo/engine/object"
)

// spy looks at every row that a node stores, hints among them.
//
// I7: a stamp, a counter's name with its count, a dot, each stands for one thing, wherever and whenever it is seen. A node that
// begins anew after it forgot rows must not use a name again; two nodes never share one.
//
// I8: nothing of an operation that was answered "nothing was stored" is in a row. Values carry tokens, so they name their
// operation; clears, expiries and increments are known by their stamps.
type spy struct {
	things map[thing]uint64 // hash of what it stands for
	rows   map[rowMark]bool // rows seen before: replicas hold the same
}

type thing struct {
	key   int
	field byte
	stamp object.Stamp
	n     uint64
}

type rowMark struct {
	key, length int
	sub         byte
	crc         uint32
}

func (s *spy) start() {
	s.things, s.rows = map[thing]uint64{}, map[rowMark]bool{}
}

func (s *spy) look(w *world, n *node, writes []object.Write) {
	for i := range writes {
		wr := &writes[i]
		if wr.Row == nil {
			continue
		}
		at := wr.Key
		if at[0] == object.SpaceHint {
			at = at[object.HintPrefixLen:]
			w.totals.HintRows++
		}
		rk, err := object.ParseRowKey(at)
		if err != nil {
			w.fail("I7 unique", -1, "node %d stores a row under %x: %v", n.index, wr.Key, err)
			return
		}
		if rk.Database {
			var d object.KeyRow
			if err := d.DecodeRow(wr.Row); err != nil {
				w.fail("I7 unique", -1, "node %d stores a database row %x: %v", n.index, wr.Row, err)
				return
			}
			s.stamp(w, d.Cleared)
			continue
		}
		key := w.keyNamed(rk.Ref.Name)
		if key < 0 {
			w.fail("I7 unique", -1, "node %d stores a row of %q", n.index, rk.Ref.Name)
			return
		}
		if s.seen(key, rk.Sub, wr.Row) {
			continue
		}
		if err := s.lookAt(w, key, rk.Sub, wr.Row); err != nil {
			w.fail("I7 unique", key, "node %d stores %x: %v", n.index, wr.Row, err)
		}
	}
}

func (w *world) keyNamed(name []byte) int {
	for i := range w.plan.keys {
		if string(w.plan.keys[i].name) == string(name) {
			return i
		}
	}
	return -1
}

func (s *spy) seen(key int, sub, row []byte) bool {
	m := rowMark{key: key, length: len(row)}
	if len(sub) > 1 {
		m.sub = sub[1]
	}
	for _, b := range row[max(0, len(row)-4):] {
		m.crc = m.crc<<8 | uint32(b)
	}
	if s.rows[m] {
		return true
	}
	s.rows[m] = true
	return false
}

func (s *spy) lookAt(w *world, key int, sub, row []byte) error {
	if len(sub) > 0 {
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			return err
		}
		s.is(w, thing{key: key, field: sub[1], stamp: e.Stamp}, hashOf(e.Value, e.Replaced, b2u(e.Tombstone)))
		s.token(w, e.Value, e.Stamp)
		s.knew(w, e.Value, e.Stamp, e.Replaced)
		s.stamp(w, e.Stamp)
		return nil
	}
	var k object.KeyRow
	if err := k.DecodeRow(row); err != nil {
		return err
	}
	if v := &k.Value; v.Kind != object.ValueNone {
		s.is(w, thing{key: key, field: 'V', stamp: v.Stamp}, hashOf(v.Bytes, v.Replaced, uint64(v.Int)))
		if v.Kind == object.ValueBytes {
			s.token(w, v.Bytes, v.Stamp)
			s.knew(w, v.Bytes, v.Stamp, v.Replaced)
		} else if v.Int%tokenBase == 0 {
			s.tokenIs(w, uint64(v.Int/tokenBase), v.Stamp)
		}
	}
	if !k.Expiry.Stamp.IsZero() {
		s.is(w, thing{key: key, field: 'E', stamp: k.Expiry.Stamp}, uint64(k.Expiry.At))
		s.stamp(w, k.Expiry.Stamp)
	}
	s.stamp(w, k.Cleared)
	for _, t := range k.Totals {
		s.is(w, thing{key: key, field: 'T', stamp: t.Name, n: t.N}, hashOf(nil, t.Stamp, uint64(t.Sum)))
		s.stamp(w, t.Stamp)
	}
	if k.Siblings != nil {
		for i := range k.Siblings.Values {
			v := &k.Siblings.Values[i]
			s.is(w, thing{key: key, field: 'D', stamp: v.Dot.Actor, n: v.Dot.Seq}, hashOf(v.Bytes, v.Stamp, 0))
			s.token(w, v.Bytes, v.Stamp)
		}
	}
	return nil
}

// is checks that a name stands for what it stood for.
func (s *spy) is(w *world, t thing, hash uint64) {
	w.totals.Checks[checkUnique]++
	if was, ok := s.things[t]; ok && was != hash {
		w.fail("I7 unique", t.key, "field %c @%v n %d stands for two things", t.field, t.stamp, t.n)
	}
	s.things[t] = hash
}

// token notes under which stamp a value is stored.
func (s *spy) token(w *world, value []byte, stamp object.Stamp) {
	if token, ok := lastToken(value); ok {
		s.tokenIs(w, token, stamp)
	}
}

// knew notes what the latest form of a value says that its writer knew of.
func (s *spy) knew(w *world, value []byte, stamp, replaced object.Stamp) {
	token, ok := lastToken(value)
	if t, known := w.byToken(token); ok && known && t.rec.written[t.i] == stamp {
		t.rec.knew[t.i] = replaced
	}
}

func (s *spy) tokenIs(w *world, token uint64, stamp object.Stamp) {
	t, ok := w.byToken(token)
	if !ok {
		return
	}
	t.rec.written[t.i] = object.MaxOf(t.rec.written[t.i], stamp)
	s.belongs(w, t.rec)
}

// stamp notes that something stamped so is stored.
func (s *spy) stamp(w *world, stamp object.Stamp) {
	if id, ok := w.owner[stamp]; ok {
		s.belongs(w, w.records[id])
	}
}

func (s *spy) belongs(w *world, rec *record) {
	rec.stored = true
	if rec.outcome == refused {
		w.checkRefused(rec)
	}
}

// checkRefused is I8.
func (w *world) checkRefused(rec *record) {
	w.totals.Checks[checkRefused]++
	if rec.stored {
		w.fail("I8 refused", rec.commands[0].key, "answered that nothing was stored, but it is in a row: %v", rec)
	}
}

func hashOf(b []byte, s object.Stamp, x uint64) uint64 {
	h := fnv.New64a()
	h.Write(b)
	sum := h.Sum64()
	for _, w := range [4]uint64{uint64(s.HLC), uint64(s.Node), uint64(s.Inc), x} {
		sum = (sum ^ w) * 1099511628211
		sum ^= sum >> 31
	}
	return sum
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
