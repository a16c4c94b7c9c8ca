package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// copying takes over what a source has and this node has not. Merging a page is all there is to it: the source has nothing
// then, in that range, that this node lacks.
type copying struct{}

func (copying) wants(d *merkle.Difference) bool { return d.Theirs.Rows > 0 }

func (copying) waits(*exchange) bool { return false }

func (copying) page(p *Partition, now Time, t *transfer, next piece) {
	p.askFetch(now, t.x, &ask{about: askPage, piece: next}, next.from, next.to)
}

func (copying) took(p *Partition, now Time, t *transfer, a *ask, m *wire.Fetched) {
	p.undo.move = &moved{t: t, now: now}
	if err := p.mergePage(m.Rows); err != nil {
		p.unmerge()
		p.event(Event{Kind: EventCorrupt, Peer: t.x.peer, Err: err})
		p.giveUp(now, t)
		return
	}
	size := 0
	for i := range m.Rows {
		size += len(m.Rows[i].Ref.Name) + len(m.Rows[i].Sub) + len(m.Rows[i].Bytes)
	}
	p.countMoved(t, len(m.Rows), size, true)
	if len(m.Next) > 0 {
		t.x.pieces = append([]piece{{from: m.Next, to: a.piece.to}}, t.x.pieces...)
	}
}

// countMoved counts rows that came in, or went.
func (p *Partition) countMoved(t *transfer, rows, size int, in bool) {
	m := p.undo.move
	m.rows, m.bytes = m.rows+uint64(rows), m.bytes+uint64(size)
	t.rows, t.bytes = t.rows+uint64(rows), t.bytes+uint64(size)
	if in {
		m.in, m.inBytes = uint64(rows), uint64(size)
		p.stats.MovedIn += uint64(rows)
		p.stats.MovedBytesIn += uint64(size)
	}
}

// mergePage merges a page of rows, which is in the order of their keys, key by key into this node's own.
func (p *Partition) mergePage(rows []wire.KeyedRow) error {
	p.bufs.out = make([]byte, 0, stepBytes/4)
	x := &p.local
	defer x.Release()
	var run []wire.Row
	for i := 0; i < len(rows); {
		run = run[:0]
		first := &rows[i]
		for i < len(rows) && rows[i].Slot == first.Slot && rows[i].Database == first.Database && sameRef(rows[i].Ref, first.Ref) {
			run = append(run, rows[i].Row)
			i++
		}
		if first.Database {
			var d object.KeyRow
			if err := d.DecodeRow(first.Bytes); err != nil {
				return err
			}
			p.putDatabase(first.Ref.DB, d.Cleared)
			continue
		}
		reads := p.rowRefs(run)
		if _, err := p.mergeKeys(x, first.Slot, &reads, &wire.Write{Rows: run}); err != nil {
			return err
		}
		// What was written is the batch's.
		p.bufs.out = p.bufs.out[len(p.bufs.out):]
	}
	return nil
}

// copyFromNext begins to copy from the next source, if it takes another one.
func (p *Partition) copyFromNext(now Time, t *transfer) {
	if p.enough(t) {
		t.done = true
		return
	}
	source, ok := p.choose(t, p.ring.PreferenceList(p.number), func(id object.NodeID) bool { return !slices.Contains(t.sources, id) })
	if !ok {
		p.pauseMove(now, t)
		return
	}
	t.begin(source)
}

// enough reports whether a majority of the old owners has been copied from. Where the loss of data was accepted, it is those
// that are left.
func (p *Partition) enough(t *transfer) bool {
	had := func(id ring.NodeID) bool {
		return id == ring.NodeID(p.opts.ID) || slices.Contains(t.sources, object.NodeID(id))
	}
	if p.ring.Enough(p.number, had) {
		return true
	}
	if !p.ring.Lossy() {
		return false
	}
	for _, id := range p.ring.PreferenceList(p.number) {
		if !had(id) && p.host.Alive(object.NodeID(id)) {
			return false
		}
	}
	return true
}

// copiedDurably is for when all that was taken over from a source is durable.
func (p *Partition) copiedDurably(t *transfer) {
	if t != p.transfer {
		return // the ring went on
	}
	t.settles = false
	t.sources = append(t.sources, t.x.peer)
	t.x, t.last = nil, 0
	t.done = p.enough(t)
}
