package dynamo

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Hints are rows under 'h' | node u64 | the row's engine key, merged by key: a thousand writes of one key are one hint.

// appendHintPrefix appends what the engine keys of a node's hints begin with.
func appendHintPrefix(dst []byte, for_ object.NodeID) []byte {
	return object.AppendHintPrefix(dst, for_)
}

// deposit sends the operation's rows to a fallback, which keeps them for a home replica.
func (p *Partition) deposit(now Time, op *operation, home int, node object.NodeID) {
	m := *op.sent
	m.For = op.ids[home]
	p.send(node, &m)
	op.deposits = append(op.deposits, deposit{home: home, node: node, due: now + p.limits.HintTimeout})
	p.wake(now + p.limits.HintTimeout)
}

// handOff sees to a hint for a home replica that did not take the rows.
func (p *Partition) handOff(now Time, op *operation, home int) {
	it := p.ring.Fallbacks(p.number)
	id, ok := p.nextFallback(&it, op)
	if !ok {
		p.keepHints(op.ids[home], op.slot, op.sent.Rows)
		op.covered |= 1 << home
		return
	}
	op.nodes = append(op.nodes, fallbackNode(p.ring, id))
	op.ids = append(op.ids, id)
	op.standIn = append(op.standIn, home)
	p.deposit(now, op, home, id)
}

func (op *operation) hasDeposit(home int) bool {
	return slices.ContainsFunc(op.deposits, func(d deposit) bool { return d.home == home })
}

func (op *operation) dropDeposit(home int) {
	op.deposits = slices.DeleteFunc(op.deposits, func(d deposit) bool { return d.home == home })
}

// keepHints keeps rows here for another node.
func (p *Partition) keepHints(target object.NodeID, slot object.Slot, rows []wire.Row) {
	if err := p.mergeHints(target, slot, rows); err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: target, Err: err})
	}
}

// mergeHints merges rows into the hints for a node.
func (p *Partition) mergeHints(target object.NodeID, slot object.Slot, rows []wire.Row) error {
	for i := range rows {
		r := &rows[i]
		key := appendHintPrefix(nil, target)
		if r.Database {
			key = p.appendDatabaseKey(key, r.Ref.DB)
		} else {
			key = object.AppendRowKey(key, p.opts.Secret, slot, r.Ref, r.Sub)
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
			p.put(key, row)
			p.stats.HintsStored++
		}
	}
	if !slices.Contains(p.hinted, target) {
		p.hinted = append(p.hinted, target)
		slices.Sort(p.hinted)
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
		if err := a.DecodeRow(have); err != nil {
			return nil, err
		}
		if err := b.DecodeRow(in.Bytes); err != nil {
			return nil, err
		}
		if _, err := a.Merge(&b); err != nil {
			return nil, err
		}
		return a.AppendRow(nil), nil
	}
	var a, b object.KeyRow
	if err := a.DecodeRow(have); err != nil {
		return nil, err
	}
	if err := b.DecodeRow(in.Bytes); err != nil {
		return nil, err
	}
	if _, err := a.Merge(&b); err != nil {
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
	for i := 0; i < len(p.hinted); {
		target := p.hinted[i]
		sending := slices.ContainsFunc(p.replays, func(r *replay) bool { return r.target == target })
		if sending || !p.host.Alive(target) || p.sendHints(now, target, p.takeCursor(target)) {
			i++
			continue
		}
		p.hinted = slices.Delete(p.hinted, i, i+1)
	}
}

// sendHints sends a batch of a node's hints, from a key on; false when there are none at all.
func (p *Partition) sendHints(now Time, target object.NodeID, from []byte) bool {
	prefix := appendHintPrefix(nil, target)
	lo := object.AppendSlotKey(bytes.Clone(prefix), uint16(p.firstSlot))
	hi := object.AppendSlotKey(bytes.Clone(prefix), uint16(p.firstSlot)+uint16(p.ring.SlotsPerPartition()))
	if from != nil {
		lo = from
	}
	b := &replay{target: target, due: now + p.limits.ReplayTimeout}
	size := 0
	var slot object.Slot
	var rows []wire.Row
	var latest object.Stamp
	var bad error
	err := p.host.Scan(lo, hi, func(key, row []byte) bool {
		k, err := object.ParseRowKey(bytes.Clone(key[len(prefix):]))
		if err != nil {
			bad = err
			return false
		}
		if len(b.keys) > 0 && (k.Slot != slot || len(b.keys) == p.limits.ReplayRows || size > p.limits.ReplayBytes) {
			return false
		}
		slot = k.Slot
		row = bytes.Clone(row)
		b.keys, b.rows = append(b.keys, bytes.Clone(key)), append(b.rows, row)
		rows = append(rows, wire.Row{Ref: k.Ref, Sub: k.Sub, Database: k.Database, Bytes: row})
		size += len(row)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: target, Err: fmt.Errorf("read hints: %w", err)})
		return true
	}
	if len(rows) == 0 {
		return from != nil && p.sendHints(now, target, nil)
	}
	p.lastID++
	b.id = p.lastID
	p.replays = append(p.replays, b)
	p.wake(b.due)
	p.send(target, &wire.Write{
		Header: p.header(b.id, uint32(p.limits.ReplayTimeout/Millisecond)), Slot: slot, Reason: wire.ReasonHint, Stamp: latest, Rows: rows,
	})
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
			p.put(key, nil)
			p.stats.HintsReplayed++
		}
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
		if some, err := p.hasHints(target); err != nil {
			return err
		} else if some {
			p.hinted = append(p.hinted, target)
		}
		if target+1 == 0 {
			return nil
		}
		lo = appendHintPrefix(nil, target+1)
	}
}

func (p *Partition) hasHints(target object.NodeID) (some bool, err error) {
	prefix := appendHintPrefix(nil, target)
	lo := object.AppendSlotKey(bytes.Clone(prefix), uint16(p.firstSlot))
	hi := object.AppendSlotKey(prefix, uint16(p.firstSlot)+uint16(p.ring.SlotsPerPartition()))
	err = p.host.Scan(lo, hi, func(_, _ []byte) bool {
		some = true
		return false
	})
	return some, err
}
