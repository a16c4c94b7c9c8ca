package dynamo

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// scratch is the room that reading and storing the rows of one operation takes.
type scratch struct {
	key    []byte
	rows   []byte // rows as read: what the operation saw points into it
	out    []byte // keys and rows to store, where nothing is sent
	before []Presence
	had    []bool // the store had a row of that key

	readOnly bool // nothing will be stored: before and had are not needed
}

// maxIdleScratch is how many bytes of each kind an idle scratch keeps.
const maxIdleScratch = 4 << 10

func (s *scratch) release() {
	if cap(s.rows) > maxIdleScratch {
		s.rows = nil
	}
	if cap(s.out) > maxIdleScratch {
		s.out = nil
	}
}

// load reads the database rows.
func (p *Partition) load() error {
	var key []byte
	for db := range object.DBCount {
		key = p.appendDatabaseKey(key[:0], uint8(db))
		row, err := p.host.Get(nil, key)
		var r object.KeyRow
		if err == nil && row != nil {
			err = r.DecodeRow(row)
		}
		if err != nil {
			// What was cleared is not known, so nothing of the partition may be shown or written.
			return fmt.Errorf("read the row of database %d: %w", db, err)
		}
		p.cleared[db], p.leftover[db] = r.Cleared, !r.Own.IsZero()
	}
	return nil
}

func (p *Partition) appendDatabaseKey(dst []byte, db uint8) []byte {
	return object.AppendDatabaseKey(dst, p.firstSlot, db)
}

// source is where rows of a key are read from.
type source uint8

const (
	fromData  source = iota // this node's own rows
	fromHints               // what the node keeps for home replicas, as one
)

// loadView reads the keys of an operation. Rows that cannot be read are an error: they are not absent.
func (p *Partition) loadView(x *Execution, s *scratch, slot object.Slot, rs *object.ReadSet, from source) error {
	x.Begin(len(rs.Keys))
	s.before, s.had = s.before[:0], s.had[:0]
	room := s.rows[:0]
	for i := range rs.Keys {
		k := &x.View.Keys[i]
		var err error
		if from == fromHints {
			err = p.loadHints(k, s, slot, rs.Keys[i])
		} else {
			room, err = p.loadKey(k, s, room, slot, rs.Keys[i], i == 0)
		}
		if err != nil {
			return err
		}
		if !s.readOnly {
			s.before = append(s.before, presenceOf(k))
		}
	}
	if len(rs.Elements) == 0 {
		return nil
	}
	return p.loadElements(x, s, slot, rs, from)
}

// loadKey reads a key row into k, in room if that is enough.
func (p *Partition) loadKey(k *object.KeyState, s *scratch, room []byte, slot object.Slot, ref object.KeyRef, first bool) ([]byte, error) {
	s.key = object.AppendRowKey(s.key[:0], p.secret, slot, ref, nil)
	row, err := p.host.Get(room, s.key)
	if err != nil {
		return room, fmt.Errorf("read key: %w", err)
	}
	if !s.readOnly {
		s.had = append(s.had, row != nil)
	}
	k.Database = p.cleared[ref.DB]
	if row == nil {
		return room, nil
	}
	switch {
	case cap(row) == cap(room):
		room = row[len(row):] // what is left of it
	case first:
		s.rows = row[:0] // there was no room: keep what was made for the next operation
		room = row[len(row):]
	}
	if err := k.Row.DecodeRow(row); err != nil {
		return room, fmt.Errorf("read key: %w", err)
	}
	return room, nil
}

// loadHints merges what the node keeps of a key for home replicas.
func (p *Partition) loadHints(k *object.KeyState, s *scratch, slot object.Slot, ref object.KeyRef) error {
	s.had = append(s.had, false)
	k.Database = p.cleared[ref.DB]
	for _, id := range p.ids {
		var in, d object.KeyState
		s.key = p.appendDatabaseKey(object.AppendHintPrefix(s.key[:0], id), ref.DB)
		if err := p.loadHint(&d, s.key); err != nil {
			return err
		}
		k.Database = object.MaxOf(k.Database, d.Row.Cleared)
		s.key = object.AppendRowKey(object.AppendHintPrefix(s.key[:0], id), p.secret, slot, ref, nil)
		if err := p.loadHint(&in, s.key); err != nil {
			return err
		}
		if _, err := k.Merge(&in); err != nil {
			return fmt.Errorf("read hint: %w", err)
		}
	}
	return nil
}

// loadHint reads the key row of one hint, if there is any.
func (p *Partition) loadHint(k *object.KeyState, key []byte) error {
	row, err := p.host.Get(nil, key)
	if err == nil && row != nil {
		err = k.Row.DecodeRow(row)
	}
	if err != nil {
		return fmt.Errorf("read hint: %w", err)
	}
	return nil
}

// loadElements reads the elements that the operation looks at.
func (p *Partition) loadElements(x *Execution, s *scratch, slot object.Slot, rs *object.ReadSet, from source) error {
	for _, e := range rs.Elements {
		if len(e.Sub) == 0 {
			if err := p.loadWhole(&x.View.Keys[e.Key], slot, rs.Keys[e.Key], from); err != nil {
				return err
			}
		}
	}
	for _, e := range rs.Elements {
		k := &x.View.Keys[e.Key]
		if k.AllElements {
			continue
		}
		if err := p.loadElement(k, s, slot, rs.Keys[e.Key], e.Sub, from); err != nil {
			return err
		}
	}
	return nil
}

func (p *Partition) loadElement(k *object.KeyState, s *scratch, slot object.Slot, ref object.KeyRef, sub []byte, from source) error {
	get := func() error {
		s.key = object.AppendRowKey(s.key, p.secret, slot, ref, sub)
		row, err := p.host.Get(nil, s.key)
		if err != nil || row == nil {
			return err
		}
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			return err
		}
		_, err = k.MergeElement(sub, &e)
		return err
	}
	s.key = s.key[:0]
	if from == fromData {
		if err := get(); err != nil {
			return fmt.Errorf("read element: %w", err)
		}
		k.Settle()
		return nil
	}
	for _, id := range p.ids {
		s.key = object.AppendHintPrefix(s.key[:0], id)
		if err := get(); err != nil {
			return fmt.Errorf("read hint: %w", err)
		}
	}
	return nil
}

// loadWhole reads all elements of a key.
func (p *Partition) loadWhole(k *object.KeyState, slot object.Slot, ref object.KeyRef, from source) error {
	scan := func(prefix []byte) error {
		lo := object.AppendRowKey(prefix, p.secret, slot, ref, []byte{0})
		hi := append(bytes.Clone(lo[:len(lo)-1]), 0xff)
		var bad error
		err := p.host.Scan(lo, hi, func(key, row []byte) bool {
			var e object.ElementRow
			if bad = e.DecodeRow(bytes.Clone(row)); bad == nil {
				_, bad = k.MergeElement(bytes.Clone(key[len(lo)-1:]), &e)
			}
			return bad == nil
		})
		if err == nil {
			err = bad
		}
		return err
	}
	k.AllElements = true
	if from == fromData {
		if err := scan(nil); err != nil {
			return fmt.Errorf("read elements: %w", err)
		}
		k.Settle()
		return nil
	}
	for _, id := range p.ids {
		if err := scan(object.AppendHintPrefix(nil, id)); err != nil {
			return fmt.Errorf("read hint: %w", err)
		}
	}
	return nil
}

func presenceOf(k *object.KeyState) Presence {
	stored := k.Row.Stored(k.Database)
	return Presence{Stored: stored, Expires: stored && k.ExpiresEver()}
}

// put adds a write to the step's batch. key and row are the batch's for good.
func (p *Partition) put(key, row []byte) {
	if !p.step.batch {
		p.step.batch, p.undo.messages = true, len(p.ready.Messages)
		p.applied++
		p.ready.Batch = p.applied
	}
	p.step.some = true
	p.ready.Writes = append(p.ready.Writes, object.Write{Key: key, Row: row})
}

// keyWrite is what storing one key needs.
type keyWrite struct {
	slot   object.Slot
	ref    object.KeyRef
	k      *object.KeyState
	before Presence
	had    bool
}

// putKey adds the dirty rows of a key to the batch, written to the spare room of buf, which it returns.
func (p *Partition) putKey(w keyWrite, buf []byte, g object.HLC) []byte {
	if w.k.Dirty() {
		start := len(buf)
		if g != 0 && w.k.Row.Collect(w.k.Database, g) && !w.k.Row.HasElements {
			if !w.had {
				return buf
			}
			buf = object.AppendRowKey(buf, p.secret, w.slot, w.ref, nil)
			p.put(buf[start:len(buf):len(buf)], nil)
			p.count(w, buf[start:])
		} else {
			buf = slices.Grow(buf, object.RowKeyLen(w.ref)+w.k.Row.EncodedLen())
			start = len(buf)
			buf = object.AppendRowKey(buf, p.secret, w.slot, w.ref, nil)
			end := len(buf)
			buf = w.k.Row.AppendRow(buf)
			p.put(buf[start:end:end], buf[end:len(buf):len(buf)])
			p.count(w, buf[start:end:end])
		}
	}
	for i := range w.k.Elements {
		e := &w.k.Elements[i]
		if !e.Dirty() {
			continue
		}
		key := object.AppendRowKey(nil, p.secret, w.slot, w.ref, e.Sub)
		p.put(key, e.Row.AppendRow(nil))
	}
	return buf
}

func (p *Partition) count(w keyWrite, key []byte) {
	p.ready.Counts = append(p.ready.Counts, Count{Slot: w.slot, DB: w.ref.DB, Key: key, Before: w.before, After: presenceOf(w.k)})
}

// putDatabase raises the cleared of a database to what a peer knows.
func (p *Partition) putDatabase(db uint8, cleared object.Stamp) {
	if !p.cleared[db].Before(cleared) {
		return
	}
	p.ready.Clears = append(p.ready.Clears, Clear{First: p.firstSlot, DB: db, Before: p.cleared[db], After: cleared})
	p.cleared[db], p.leftover[db] = cleared, true
	row := object.KeyRow{Cleared: cleared, Own: cleared} // rows that it covers may still be stored
	p.put(p.appendDatabaseKey(nil, db), row.AppendRow(nil))
}

// appendKeyRows appends the rows of a key as they go on the wire: the key row, and the elements in the view. The key's
// name is not copied. encoded is the key row's bytes as they go on the wire, nil when they are not there yet.
func appendKeyRows(dst []wire.Row, ref object.KeyRef, k *object.KeyState, encoded []byte) []wire.Row {
	if !k.Row.IsZero() {
		if encoded == nil {
			encoded = k.Row.AppendWireRow(make([]byte, 0, k.Row.EncodedLen()))
		}
		dst = append(dst, wire.Row{Ref: ref, Bytes: encoded})
	}
	for i := range k.Elements {
		if e := &k.Elements[i]; !e.Row.IsZero() {
			dst = append(dst, wire.Row{Ref: ref, Sub: e.Sub, Bytes: e.Row.AppendRow(nil)})
		}
	}
	return dst
}

// appendDatabaseRow appends the row of a key's database when there is a clear.
func appendDatabaseRow(dst []wire.Row, db uint8, cleared object.Stamp) []wire.Row {
	if cleared.IsZero() {
		return dst
	}
	for i := range dst {
		if dst[i].Database && dst[i].Ref.DB == db {
			return dst
		}
	}
	r := object.KeyRow{Cleared: cleared}
	return append(dst, wire.Row{Ref: object.KeyRef{DB: db}, Database: true, Bytes: r.AppendRow(nil)})
}

func sameRef(a, b object.KeyRef) bool { return a.DB == b.DB && bytes.Equal(a.Name, b.Name) }

// keyStates appends the states that rows on the wire give to the keys, one for each of the refs, in their order. Rows of other
// keys are an error.
func keyStates(dst []object.KeyState, refs []object.KeyRef, rows []wire.Row) ([]object.KeyState, error) {
	states := slices.Grow(dst, len(refs))[:len(refs)]
	clear(states)
	for i := range rows {
		r := &rows[i]
		if r.Database {
			var d object.KeyRow
			if err := d.DecodeRow(r.Bytes); err != nil {
				return nil, err
			}
			for j := range refs {
				if refs[j].DB == r.Ref.DB {
					states[j].Database = object.MaxOf(states[j].Database, d.Cleared)
				}
			}
			continue
		}
		j := slices.IndexFunc(refs, func(ref object.KeyRef) bool { return sameRef(ref, r.Ref) })
		if j < 0 {
			return nil, fmt.Errorf("%w: a row of a key that was not asked for", object.ErrCorrupt)
		}
		if err := decodeInto(&states[j], r); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// decodeInto adds one row on the wire to the state of its key.
func decodeInto(k *object.KeyState, r *wire.Row) error {
	if len(r.Sub) > 0 {
		var e object.ElementRow
		if err := e.DecodeRow(r.Bytes); err != nil {
			return err
		}
		_, err := k.MergeElement(r.Sub, &e)
		return err
	}
	var in object.KeyState
	if err := in.Row.DecodeRow(r.Bytes); err != nil {
		return err
	}
	in.Row.StripLocal()
	in.Row.HasElements = k.Row.HasElements // an element row came first
	k.Row = in.Row
	return nil
}
