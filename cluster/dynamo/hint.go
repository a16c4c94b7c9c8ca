package dynamo

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Hints are rows under 'h' | node u64 | the row's engine key, merged by key: a thousand writes of one key are one hint.

// deposit sends the operation's rows to a fallback, which keeps them for a home replica.
func (p *Partition) deposit(now Time, op *operation, home int, node object.NodeID) {
	m := *op.sent
	m.For = op.ids[home]
	m.Acks = op.req != nil && op.tally.Counts(op.index(node))
	p.send(node, &m)
	op.deposits = append(op.deposits, deposit{home: home, node: node, due: now + p.limits.HintTimeout})
	p.wake(now + p.limits.HintTimeout)
}

// handOff sees to a hint for a home replica that did not take the rows.
func (p *Partition) handOff(now Time, op *operation, home int) {
	it := p.ring.Fallbacks(p.number)
	id, ok := p.nextFallback(&it, op)
	if !ok {
		p.keepHints(op, home)
		return
	}
	p.addFallback(op, id, home)
	p.deposit(now, op, home, id)
}

func (op *operation) hasDeposit(home int) bool {
	return slices.ContainsFunc(op.deposits, func(d deposit) bool { return d.home == home })
}

func (op *operation) dropDeposit(home int) {
	op.deposits = slices.DeleteFunc(op.deposits, func(d deposit) bool { return d.home == home })
}

// keepHints keeps the rows that an operation sent here for a home replica, within the bounds: no ack counts them.
func (p *Partition) keepHints(op *operation, home int) {
	op.covered |= 1 << home
	target := op.ids[home]
	if !p.takesHints(target, op.sent) {
		p.dropHints(target, op.sent)
		return
	}
	if err := p.mergeHints(target, op.sent); err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: target, Err: err})
	}
}

// mergeHints merges the rows of a Write into the hints for a node.
func (p *Partition) mergeHints(target object.NodeID, m *wire.Write) error {
	for i := range m.Rows {
		r := &m.Rows[i]
		key := object.AppendHintPrefix(nil, target)
		if r.Database {
			key = p.appendDatabaseKey(key, r.Ref.DB)
		} else {
			key = object.AppendRowKey(key, p.secret, m.Slot, r.Ref, r.Sub)
		}
		have, err := p.host.Get(nil, key)
		if err != nil {
			return fmt.Errorf("read hint: %w", err)
		}
		row, err := mergeRow(have, r)
		if err != nil {
			return fmt.Errorf("merge hint: %w", err)
		}
		if have == nil || !bytes.Equal(have, row) {
			p.putHint(key, have, row)
			p.stats.HintsStored++
		}
	}
	if p.hintsOf(target) == nil {
		since := m.Stamp.HLC
		if since == 0 {
			since = p.host.Now()
		}
		p.addHinted(target, since)
	}
	return nil
}

// mergeRow merges a row on the wire into the encoded row that is there, if any.
func mergeRow(have []byte, in *wire.Row) ([]byte, error) {
	if have == nil {
		return in.Bytes, nil
	}
	if len(in.Sub) > 0 {
		var a, b object.ElementRow
		return mergeEncoded(&a, &b, have, in.Bytes)
	}
	var a, b object.KeyRow
	return mergeEncoded(&a, &b, have, in.Bytes)
}

// encodedRow is a row of one kind, T itself behind its pointer.
type encodedRow[T any] interface {
	DecodeRow([]byte) error
	Merge(T) (lost bool, err error)
	AppendRow([]byte) []byte
}

// mergeEncoded merges two encoded rows of one kind. a and b are room to decode them.
func mergeEncoded[T encodedRow[T]](a, b T, have, in []byte) ([]byte, error) {
	if err := a.DecodeRow(have); err != nil {
		return nil, err
	}
	if err := b.DecodeRow(in); err != nil {
		return nil, err
	}
	if _, err := a.Merge(b); err != nil {
		return nil, err
	}
	return a.AppendRow(nil), nil
}

// replay is a batch of hints on its way home.
type replay struct {
	id     uint64
	target object.NodeID
	due    Time
	keys   [][]byte // of the hints
	rows   [][]byte // as they were sent
}

// cursor is up to where a node's hints were sent in vain.
type cursor struct {
	target object.NodeID
	key    []byte
}

// takeCursor returns the least key to go on from with a node's hints, nil for the first.
func (p *Partition) takeCursor(target object.NodeID) []byte {
	i := slices.IndexFunc(p.behind, func(c cursor) bool { return c.target == target })
	if i < 0 {
		return nil
	}
	key := append(p.behind[i].key, 0)
	p.behind = slices.Delete(p.behind, i, i+1)
	return key
}

// replayHints sends the next hints of every node that is back.
func (p *Partition) replayHints(now Time) {
	if p.retargetHints() {
		p.nextReplay = now + nextBatchPause
		return
	}
	for i := 0; i < len(p.hinted); {
		target := p.hinted[i].node
		sending := slices.ContainsFunc(p.replays, func(r *replay) bool { return r.target == target })
		if sending || !p.host.Alive(target) || p.sendHints(now, target, p.takeCursor(target)) {
			i++
			continue
		}
		p.hinted = slices.Delete(p.hinted, i, i+1)
	}
}

// readHints reads a batch of a node's hints, of one slot, from a key on.
func (p *Partition) readHints(target object.NodeID, from []byte) (*replay, *wire.Write, error) {
	lo, hi := p.hintRange(target)
	if from != nil {
		lo = from
	}
	b, m := &replay{target: target}, &wire.Write{Reason: wire.ReasonHint}
	size := 0
	var bad error
	err := p.host.Scan(lo, hi, func(key, row []byte) bool {
		k, err := object.ParseRowKey(bytes.Clone(key[object.HintPrefixLen:]))
		if err != nil {
			bad = err
			return false
		}
		if len(b.keys) > 0 && (k.Slot != m.Slot || len(b.keys) == p.limits.ReplayRows || size > p.limits.ReplayBytes) {
			return false
		}
		m.Slot = k.Slot
		row = bytes.Clone(row)
		b.keys, b.rows = append(b.keys, bytes.Clone(key)), append(b.rows, row)
		m.Rows = append(m.Rows, wire.Row{Ref: k.Ref, Sub: k.Sub, Database: k.Database, Bytes: row})
		size += len(row)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read hints: %w", err)
	}
	return b, m, nil
}

// sendHints sends a batch of a node's hints, from a key on; false when there are none at all.
func (p *Partition) sendHints(now Time, target object.NodeID, from []byte) bool {
	b, m, err := p.readHints(target, from)
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: target, Err: err})
		return true
	}
	if len(b.keys) == 0 {
		return from != nil && p.sendHints(now, target, nil)
	}
	p.lastID++
	b.id, b.due = p.lastID, now+p.limits.ReplayTimeout
	p.replays = append(p.replays, b)
	p.wake(b.due)
	m.Header = p.header(b.id, uint32(p.limits.ReplayTimeout/Millisecond))
	p.send(target, m)
	return true
}

// replayed takes the answer to a batch of hints: those that came home and were not added to since go. It reports whether
// the answer was one.
func (p *Partition) replayed(now Time, from object.NodeID, m *wire.WriteReply) bool {
	i := slices.IndexFunc(p.replays, func(r *replay) bool { return r.id == m.ID && r.target == from })
	if i < 0 {
		return false
	}
	b := p.replays[i]
	if m.Status != wire.StatusOK {
		// Sent again when it is due, but first those behind it: the target may not be able to take one of these for long.
		p.behind = append(slices.DeleteFunc(p.behind, func(c cursor) bool { return c.target == from }), cursor{from, b.keys[len(b.keys)-1]})
		return true
	}
	p.replays = slices.Delete(p.replays, i, i+1)
	for j, key := range b.keys {
		row, err := p.host.Get(nil, key)
		if err == nil && bytes.Equal(row, b.rows[j]) {
			p.putHint(key, row, nil)
			p.stats.HintsReplayed++
		}
	}
	if h := p.hintsOf(from); h != nil {
		h.since = p.host.Now() // it takes them
	}
	p.nextReplay = now + nextBatchPause
	return true
}

// findHints fills in for whom hints are kept, after a start.
func (p *Partition) findHints() error {
	p.hinted = p.hinted[:0]
	lo := []byte{object.SpaceHint}
	for {
		var target object.NodeID
		found := false
		err := p.host.Scan(lo, []byte{object.SpaceHint + 1}, func(key, _ []byte) bool {
			target, found = object.ParseHintPrefix(key)
			return false
		})
		if err != nil {
			return fmt.Errorf("read hints: %w", err)
		}
		if !found {
			return nil
		}
		if err := p.findHintsOf(target); err != nil {
			return err
		}
		if target+1 == 0 {
			return nil
		}
		lo = object.AppendHintPrefix(nil, target+1)
	}
}

// hintRange returns between which engine keys the partition's hints for a node lie.
func (p *Partition) hintRange(target object.NodeID) (lo, hi []byte) {
	lo = object.AppendSlotKey(object.AppendHintPrefix(nil, target), uint16(p.firstSlot))
	hi = object.AppendSlotKey(object.AppendHintPrefix(nil, target), uint16(p.firstSlot)+uint16(p.ring.SlotsPerPartition()))
	return lo, hi
}

// findHintsOf looks for hints for a node. Since when it takes none is not known any more: the first hint says about when.
func (p *Partition) findHintsOf(target object.NodeID) error {
	lo, hi := p.hintRange(target)
	return p.host.Scan(lo, hi, func(key, row []byte) bool {
		since := hintedAt(key, row)
		if since == 0 {
			since = p.host.Now()
		}
		p.addHinted(target, since)
		return false
	})
}
