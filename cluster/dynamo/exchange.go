package dynamo

import (
	"bytes"
	"slices"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

const (
	// maxAsks is how many questions of an exchange may be under way.
	maxAsks = 8
	// askTries is how often a question is sent until the exchange is given up.
	askTries = 4
	// movePause is how long a transfer waits after something went wrong.
	movePause = 500 * Millisecond
	// wholeSlot: where no more rows than this differ, a slot's rows are gone through from end to end.
	wholeSlot = stepRows
)

// exchange is a comparison of this node's rows with a peer's. What is done about what differs is the transfer's:
//
//	scan own rows ──> walk both trees ──> go through the pieces that differ, page by page ──> ended
type exchange struct {
	peer   object.NodeID
	scan   treeScan
	walk   merkle.Walk
	walks  bool // walk was begun
	leaves []merkle.Difference
	pieces []piece // of leaves that are being gone through
	asks   []*ask
}

// piece is a range of engine keys whose rows are to be gone through.
type piece struct {
	from, to []byte
	rows     int // about how many there are
	// When clearing: the last key row that was looked at, and up to where the peer's version clears its elements.
	key   []byte
	clear object.Stamp
}

// ask is a question of an exchange that is under way.
type ask struct {
	id    uint64
	m     wire.Message
	tries int
	due   Time
	piece piece  // of a Fetch
	end   []byte // when clearing: up to where a page may go, or the key row that is asked for
	about askKind
}

type askKind uint8

const (
	askTree   askKind = iota + 1 // Compare
	askPage                      // Fetch of a piece
	askKey                       // Fetch of the key row that a piece's first element belongs to
	askClears                    // Fetch of a database row
	askPush                      // Write of rows that the peer lacks
)

// ask sends a question and waits for its answer.
func (p *Partition) askPeer(now Time, x *exchange, a *ask, m func(wire.Header) wire.Message) {
	p.lastID++
	a.id, a.tries, a.due = p.lastID, 1, now+p.limits.ReplayTimeout
	a.m = m(p.header(a.id, uint32(p.limits.ReplayTimeout/Millisecond)))
	x.asks = append(x.asks, a)
	p.send(x.peer, a.m)
	p.wake(a.due)
}

func (p *Partition) askFetch(now Time, x *exchange, a *ask, from, to []byte) {
	p.askPeer(now, x, a, func(h wire.Header) wire.Message {
		return &wire.Fetch{Header: h, From: from, To: to, Limit: stepBytes}
	})
}

// answered takes the question that an answer is for off the list; nil when there is none.
func (p *Partition) answered(from object.NodeID, h *wire.Header, about ...askKind) *ask {
	t := p.transfer
	if t == nil || t.x == nil || t.x.peer != from || h.Asker != p.opts.Inc {
		return nil
	}
	i := slices.IndexFunc(t.x.asks, func(a *ask) bool { return a.id == h.ID && slices.Contains(about, a.about) })
	if i < 0 {
		return nil
	}
	a := t.x.asks[i]
	t.x.asks = slices.Delete(t.x.asks, i, i+1)
	return a
}

// goOn takes the exchange one piece of work further. It reports whether the exchange has ended.
func (p *Partition) goOn(now Time, t *transfer) (ended bool) {
	x := t.x
	switch {
	case !x.scan.done:
		if err := p.scanSome(&x.scan); err != nil {
			p.event(Event{Kind: EventCorrupt, Err: err})
			p.giveUp(now, t)
		}
		return false
	case !x.walks:
		x.walks = true
		x.walk = merkle.Begin(p.shape(), uint32(p.host.Random()))
	}
	if !x.walk.Ended() {
		if len(x.asks) == 0 {
			p.askTree(now, t)
		}
		return false
	}
	for len(x.pieces) < maxAsks && len(x.leaves) > 0 {
		p.cut(t)
	}
	switch {
	case len(x.asks) >= maxAsks || t.does.waits(x):
	case len(x.pieces) > 0:
		next := x.pieces[0]
		x.pieces = x.pieces[1:]
		t.does.page(p, now, t, next)
	default:
		return len(x.asks) == 0 && len(x.leaves) == 0
	}
	return false
}

// askTree asks the next question of the walk.
func (p *Partition) askTree(now Time, t *transfer) {
	t.begun = true
	q, ok := t.x.walk.Next(t.x.scan.tree)
	if !ok {
		return
	}
	p.askPeer(now, t.x, &ask{about: askTree}, func(h wire.Header) wire.Message {
		return &wire.Compare{Header: h, Body: merkle.AppendQuestion(nil, &q)}
	})
}

// receiveCompared goes on with the walk.
func (p *Partition) receiveCompared(now Time, from object.NodeID, m *wire.Compared) {
	t := p.transfer
	a := p.answered(from, &m.Header, askTree)
	if a == nil {
		return
	}
	if m.Status != wire.StatusOK {
		p.refusedBy(now, t, &m.Header, m.Status, a)
		return
	}
	r, err := merkle.DecodeReply(m.Body)
	if err == nil {
		err = t.x.walk.Step(t.x.scan.tree, &r)
	}
	if err != nil {
		p.giveUp(now, t)
		return
	}
	for _, d := range t.x.walk.Take() {
		if t.does.wants(&d) {
			t.x.leaves = append(t.x.leaves, d)
		}
	}
}

// cut makes pieces of the leaves of the next slot, or slots, that differ.
func (p *Partition) cut(t *transfer) {
	x, shape := t.x, p.shape()
	first := uint16(p.firstSlot)
	slot := shape.Range(x.leaves[0].Leaf).Slot
	n, rows := 0, 0
	for n < len(x.leaves) && shape.Range(x.leaves[n].Leaf).Slot == slot {
		rows += int(max(x.leaves[n].Mine.Rows, x.leaves[n].Theirs.Rows))
		n++
	}
	perSlot := shape.Leaves() / shape.Slots()
	if n*2 >= perSlot || rows+p.rowsIn(x, slot) <= wholeSlot {
		x.leaves = x.leaves[n:]
		next := piece{from: object.AppendSlotKey(nil, first+slot), to: object.AppendSlotKey(nil, first+slot+1), rows: rows}
		if i := len(x.pieces) - 1; i >= 0 && bytes.Equal(x.pieces[i].to, next.from) && x.pieces[i].rows+rows <= stepRows {
			x.pieces[i].to, x.pieces[i].rows = next.to, x.pieces[i].rows+rows
			return
		}
		x.pieces = append(x.pieces, next)
		return
	}
	r := shape.Range(x.leaves[0].Leaf)
	x.leaves = x.leaves[1:]
	lo, hi := r.Places()
	for db := range uint8(object.DBCount) {
		from := object.AppendScanKey(nil, object.Slot(first+slot), db, lo)
		if r.Databases() {
			from = object.AppendDatabaseKey(nil, object.Slot(first+slot), db)
		}
		x.pieces = append(x.pieces, piece{from: from, to: object.AppendScanKey(nil, object.Slot(first+slot), db, hi+1)})
	}
}

// rowsIn returns how many rows this node had in a slot when it was scanned.
func (p *Partition) rowsIn(x *exchange, slot uint16) (n int) {
	shape := p.shape()
	perSlot := shape.Leaves() / shape.Slots()
	for l := range perSlot {
		_, rows := x.scan.tree.Leaf(merkle.Leaf(int(slot)*perSlot + l))
		n += rows
	}
	return n
}

// receiveFetched takes a page.
func (p *Partition) receiveFetched(now Time, from object.NodeID, m *wire.Fetched) {
	t := p.transfer
	a := p.answered(from, &m.Header, askPage, askKey, askClears)
	if a == nil {
		return
	}
	if m.Status != wire.StatusOK {
		p.refusedBy(now, t, &m.Header, m.Status, a)
		return
	}
	asked := a.m.(*wire.Fetch)
	if !p.fits(asked, m) {
		p.stats.Refused++
		p.giveUp(now, t)
		return
	}
	t.does.took(p, now, t, a, m)
}

// fits reports whether a page holds what was asked for: rows of the range in the order of their keys.
func (p *Partition) fits(asked *wire.Fetch, m *wire.Fetched) bool {
	last := asked.From
	var key []byte
	for i := range m.Rows {
		r := &m.Rows[i]
		key = p.keyOf(nil, r)
		if c := bytes.Compare(key, last); c < 0 || c == 0 && i > 0 || bytes.Compare(key, asked.To) >= 0 {
			return false
		}
		last = key
	}
	if len(m.Next) == 0 {
		return true
	}
	return bytes.Compare(m.Next, last) > 0 && bytes.Compare(m.Next, asked.To) < 0
}

// keyOf appends the engine key of a row on the wire.
func (p *Partition) keyOf(dst []byte, r *wire.KeyedRow) []byte {
	if r.Database {
		return p.appendDatabaseKey(dst, r.Ref.DB)
	}
	return object.AppendRowKey(dst, p.secret, r.Slot, r.Ref, r.Sub)
}

// refusedBy is for an answer that is a refusal. Where this node is behind, it waits for the ring that it will be given.
func (p *Partition) refusedBy(now Time, t *transfer, h *wire.Header, s wire.Status, a *ask) {
	switch {
	case p.outdated(t.x.peer, h, s):
		t.x.asks = append(t.x.asks, a)
	case a.about == askTree && s == wire.StatusOverloaded:
		a.tries, a.due = 1, now+p.limits.ReplayTimeout
		t.x.asks = append(t.x.asks, a)
		p.wake(a.due)
	default:
		p.giveUp(now, t)
	}
}

// giveUp ends an exchange that cannot go on. After a pause another one begins, with another peer if there is one.
func (p *Partition) giveUp(now Time, t *transfer) {
	t.last, t.x = t.x.peer, nil
	p.pauseMove(now, t)
}

func (p *Partition) pauseMove(now Time, t *transfer) {
	t.paused = now + movePause
	p.wake(t.paused)
}

// tickTransfer sends questions again that were not answered, and ends a pause.
func (p *Partition) tickTransfer(now Time) {
	t := p.transfer
	if t.paused != 0 && t.paused <= now {
		t.paused = 0
	}
	if t.x == nil {
		return
	}
	for _, a := range t.x.asks {
		switch {
		case a.due > now:
		case a.about == askPush:
			a.tries = askTries // the next exchange tells whether it came
		case a.tries == askTries:
			p.giveUp(now, t)
			return
		default:
			a.tries++
			a.due = now + p.limits.ReplayTimeout
			p.send(t.x.peer, a.m)
		}
	}
	t.x.asks = slices.DeleteFunc(t.x.asks, func(a *ask) bool { return a.about == askPush && a.due <= now })
}

// wakeTransfer lets the next tick come when a transfer needs it.
func (p *Partition) wakeTransfer() {
	t := p.transfer
	if t.paused != 0 {
		p.wake(t.paused)
	}
	if t.x != nil {
		for _, a := range t.x.asks {
			p.wake(a.due)
		}
	}
}
