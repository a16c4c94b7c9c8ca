package dynamo

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// clearing offers what this node stores to an owner: it goes through its own rows wherever the trees differ, a page of its own at
// a time, asks for the peer's rows of that range, and sends what the peer would take over. When a whole exchange finds nothing of
// the kind the rows may go. Acks of what is sent only pace it: that it is there, the next exchange tells.
type clearing struct {
	databases [object.DBCount]object.Stamp // the peer's cleared of each database
	asked     bool                         // for those
	missing   bool                         // this exchange has found something that the peer lacks
}

func (*clearing) wants(d *merkle.Difference) bool { return d.Mine.Rows > 0 }

func (*clearing) waits(x *exchange) bool {
	return slices.ContainsFunc(x.asks, func(a *ask) bool { return a.about == askClears })
}

// clearWithNext begins an exchange with a live owner.
func (p *Partition) clearWithNext(now Time, t *transfer) {
	some, err := p.storesSome()
	switch {
	case err != nil:
		p.event(Event{Kind: EventCorrupt, Err: err})
		p.pauseMove(now, t)
		return
	case !some:
		p.transfer = nil
		return
	}
	peer, ok := p.choose(t, p.ring.PreferenceList(p.number), func(object.NodeID) bool { return true })
	if !ok {
		p.pauseMove(now, t)
		return
	}
	t.does = &clearing{}
	t.begin(peer)
}

// page asks for the peer's rows of the range that this node's next rows of the piece are in.
func (c *clearing) page(p *Partition, now Time, t *transfer, next piece) {
	x := t.x
	if !c.asked {
		c.asked = true // before all else: what a clear of the peer's covers it would not take over
		x.pieces = append([]piece{next}, x.pieces...)
		for db := range uint8(object.DBCount) {
			key := p.appendDatabaseKey(nil, db)
			p.askFetch(now, x, &ask{about: askClears}, key, append(bytes.Clone(key), 0))
		}
		return
	}
	first, last, err := p.ownPage(next)
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Err: err})
		p.giveUp(now, t)
		return
	}
	if first == nil {
		return // nothing of ours is there
	}
	k, err := object.ParseRowKey(first)
	if err == nil && len(k.Sub) > 0 {
		// Whether the peer would take over an element depends on its key row.
		if key := first[:len(first)-len(k.Sub)]; !bytes.Equal(key, next.key) {
			p.askFetch(now, x, &ask{about: askKey, piece: next, end: key}, key, append(bytes.Clone(key), 0))
			return
		}
	}
	end := append(last, 0)
	p.askFetch(now, x, &ask{about: askPage, piece: next, end: end}, first, end)
}

// ownPage returns the keys of the first and the last row of the next page of a piece; nil when there is none.
func (p *Partition) ownPage(next piece) (first, last []byte, err error) {
	rows, size := 0, 0
	err = p.host.Scan(next.from, next.to, func(key, row []byte) bool {
		if rows == stepRows || size >= stepBytes/2 {
			return false
		}
		if rows++; rows == 1 {
			first = bytes.Clone(key)
		}
		size += len(key) + len(row)
		last = append(last[:0], key...)
		return true
	})
	return first, last, err
}

func (c *clearing) took(p *Partition, now Time, t *transfer, a *ask, m *wire.Fetched) {
	var err error
	switch a.about {
	case askClears:
		if len(m.Rows) > 0 {
			var d object.KeyRow
			err = d.DecodeRow(m.Rows[0].Bytes)
			c.databases[m.Rows[0].Ref.DB] = d.Cleared
		}
	case askKey:
		var k object.KeyRow
		if len(m.Rows) > 0 {
			err = k.DecodeRow(m.Rows[0].Bytes)
		}
		a.piece.key, a.piece.clear = a.end, k.Cleared
		t.x.pieces = append([]piece{a.piece}, t.x.pieces...)
	default:
		err = c.compare(p, now, t, a, m)
	}
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: t.x.peer, Err: err})
		p.giveUp(now, t)
	}
}

// compare finds what the peer lacks of this node's rows in the range of a page, and sends it.
func (c *clearing) compare(p *Partition, now Time, t *transfer, a *ask, m *wire.Fetched) error {
	asked := a.m.(*wire.Fetch)
	end := a.end
	if len(m.Next) > 0 {
		end = m.Next
	}
	next := piece{from: end, to: a.piece.to, key: a.piece.key, clear: a.piece.clear}
	theirs := m.Rows
	var lacks []wire.KeyedRow
	var bad error
	var key []byte
	err := p.host.Scan(asked.From, end, func(own, row []byte) bool {
		own = bytes.Clone(own)
		k, err := object.ParseRowKey(own)
		if bad = err; bad != nil {
			return false
		}
		var its []byte
		for len(theirs) > 0 {
			key = p.keyOf(key[:0], &theirs[0])
			order := bytes.Compare(key, own)
			if order > 0 {
				break
			}
			if order == 0 {
				its = theirs[0].Bytes
			}
			theirs = theirs[1:]
		}
		sent, err := sentRow(&k, row)
		if bad = err; bad != nil {
			return false
		}
		lack := false
		if lack, bad = c.lacks(p, &next, own, &k, sent, its); bad != nil {
			return false
		}
		if lack {
			lacks = append(lacks, wire.KeyedRow{Slot: k.Slot, Row: wire.Row{Ref: k.Ref, Sub: k.Sub, Database: k.Database, Bytes: sent}})
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("compare rows: %w", err)
	}
	if bytes.Compare(next.from, next.to) < 0 {
		t.x.pieces = append([]piece{next}, t.x.pieces...)
	}
	p.push(now, t, lacks)
	c.missing = c.missing || len(lacks) > 0
	return nil
}

// lacks reports whether the peer would take over something of a row of this node's: its is the peer's version, if any. at is where
// the walk over the rows is: at a key row it takes note of the peer's clear.
func (c *clearing) lacks(p *Partition, at *piece, key []byte, k *object.RowKey, own, its []byte) (bool, error) {
	var theirs object.KeyState
	theirs.Database = object.MaxOf(c.databases[k.Ref.DB], p.cleared[k.Ref.DB])
	if len(k.Sub) > 0 {
		theirs.Row.Cleared = at.clear
		return p.lacksElement(&theirs, k.Sub, own, its)
	}
	if its != nil {
		if err := theirs.Row.DecodeRow(its); err != nil {
			return false, err
		}
		theirs.Row.StripLocal()
	}
	at.key, at.clear = key, theirs.Row.Cleared
	if own == nil {
		return false, nil
	}
	var mine object.KeyState
	if err := mine.Row.DecodeRow(own); err != nil {
		return false, err
	}
	if k.Database {
		return theirs.Row.Cleared.Before(mine.Row.Cleared), nil
	}
	before := theirs.Digest(p.secret)
	if _, err := theirs.Merge(&mine); err != nil {
		return false, err
	}
	at.clear = theirs.Row.Cleared
	return theirs.Digest(p.secret) != before, nil
}

func (p *Partition) lacksElement(theirs *object.KeyState, sub, own, its []byte) (bool, error) {
	for i, row := range [][]byte{its, own} {
		if row == nil {
			continue
		}
		before := theirs.Digest(p.secret)
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			return false, err
		}
		if _, err := theirs.MergeElement(sub, &e); err != nil {
			return false, err
		}
		if i == 1 {
			return theirs.Digest(p.secret) != before, nil
		}
	}
	return false, nil
}

// push sends the peer what it lacks, slot by slot.
func (p *Partition) push(now Time, t *transfer, rows []wire.KeyedRow) {
	size := 0
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Slot == rows[0].Slot {
			n++
		}
		sent := make([]wire.Row, n)
		for i := range sent {
			sent[i] = rows[i].Row
			size += len(sent[i].Ref.Name) + len(sent[i].Sub) + len(sent[i].Bytes)
		}
		slot := rows[0].Slot
		p.askPeer(now, t.x, &ask{about: askPush}, func(h wire.Header) wire.Message {
			return &wire.Write{Header: h, Slot: slot, Reason: wire.ReasonTransfer, Rows: sent}
		})
		t.rows += uint64(n)
		p.stats.MovedOut += uint64(n)
		rows = rows[n:]
	}
	t.bytes += uint64(size)
	p.stats.MovedBytesOut += uint64(size)
}

// pushed takes the answer to rows that were handed over. It reports whether it was one.
func (p *Partition) pushed(now Time, from object.NodeID, m *wire.WriteReply) bool {
	a := p.answered(from, &m.Header, askPush)
	if a == nil {
		return false
	}
	if m.Status != wire.StatusOK {
		p.refusedBy(now, p.transfer, &m.Header, m.Status, a)
	}
	return true
}

// offered is for the end of an exchange: when the peer lacked nothing this node's rows may go, else it is looked once more.
func (p *Partition) offered(now Time, t *transfer) {
	if t.does.(*clearing).missing {
		peer, scan := t.x.peer, t.x.scan
		t.does = &clearing{}
		t.begin(peer)
		t.x.scan = scan // nothing is stored here any more
		return
	}
	t.x, t.last, t.deletes = nil, 0, true
	p.deleteSome(now, t)
}

// deleteSome lets some of the rows go, those of databases last, for what they cover must not come back.
func (p *Partition) deleteSome(now Time, t *transfer) {
	p.undo.move = &moved{t: t, now: now}
	lo, hi := p.bounds()
	rows, size := 0, 0
	var databases []object.RowKey
	var bad error
	err := p.host.Scan(lo, hi, func(key, row []byte) bool {
		if rows == stepRows || size >= stepBytes {
			return false
		}
		key = bytes.Clone(key)
		k, err := object.ParseRowKey(key)
		switch {
		case err != nil:
			bad = err
			return false
		case k.Database:
			databases = append(databases, k)
			return true
		}
		rows++
		size += len(key) + len(row)
		p.deleteRow(key, &k, row)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		p.unmerge()
		p.event(Event{Kind: EventCorrupt, Err: err})
		p.pauseMove(now, t)
		return
	}
	p.countMoved(t, rows, size, false)
	if rows > 0 {
		return
	}
	for _, k := range databases {
		p.put(p.appendDatabaseKey(nil, k.Ref.DB), nil)
		p.cleared[k.Ref.DB], p.leftover[k.Ref.DB] = object.Stamp{}, false
	}
	if len(databases) == 0 {
		p.transfer = nil
	}
}

// deleteRow adds to the batch that a row goes. What cannot be read goes too: an owner has the rest.
func (p *Partition) deleteRow(key []byte, k *object.RowKey, row []byte) {
	p.put(key, nil)
	if len(k.Sub) > 0 {
		return
	}
	state := object.KeyState{Database: p.cleared[k.Ref.DB]}
	if err := state.Row.DecodeRow(row); err != nil {
		return
	}
	p.ready.Counts = append(p.ready.Counts, Count{Slot: k.Slot, DB: k.Ref.DB, Key: key, Before: presenceOf(&state)})
}
