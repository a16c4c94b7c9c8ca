package dynamo

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

const (
	// maxCompares is how many nodes may compare their rows with this node's at once.
	maxCompares = 4
	// compareKeeps is how long a tree is kept for the next question about it.
	compareKeeps = 10_000 * Millisecond
)

// compare is another node's comparison of its rows with this node's. Each has a tree of its own, which is of rows as they were
// after its first question: a copy must find whatever was here when it began.
type compare struct {
	asker  object.NodeID
	inc    object.Incarnation
	begun  uint64 // the id of the first question
	scan   treeScan
	header wire.Header // of the question that waits for the tree
	open   *merkle.Question
	until  Time
}

// receiveCompare answers a question about the hash tree of this node's rows, once there is one.
func (p *Partition) receiveCompare(now Time, from object.NodeID, m *wire.Compare) {
	q, err := merkle.DecodeQuestion(m.Body)
	switch {
	case p.self < 0:
		p.stats.Refused++
		p.reject(from, m, wire.StatusNotHome)
		return
	case err != nil || q.Shape != p.shape():
		p.stats.Refused++
		p.reject(from, m, wire.StatusError)
		return
	}
	i := slices.IndexFunc(p.compares, func(c *compare) bool { return c.asker == from })
	if q.Level == 0 && (i < 0 || p.compares[i].begun != m.ID || p.compares[i].inc != m.Asker) {
		c := &compare{asker: from, inc: m.Asker, begun: m.ID}
		switch {
		case i >= 0:
			p.compares[i] = c
		case len(p.compares) == maxCompares:
			p.reject(from, m, wire.StatusOverloaded)
			return
		default:
			i = len(p.compares)
			p.compares = append(p.compares, c)
		}
	}
	if i < 0 || p.compares[i].inc != m.Asker {
		p.reject(from, m, wire.StatusExpired) // the tree is gone: begin again
		return
	}
	c := p.compares[i]
	again := c.open != nil && c.header.ID == m.ID
	c.header, c.open, c.until = m.Header, &q, now+compareKeeps
	if c.scan.done {
		p.answerCompare(c)
		p.wake(c.until)
		return
	}
	if again {
		p.reject(from, m, wire.StatusOverloaded) // not yet
	}
	p.wake(now)
}

// answerCompare answers the question that waits.
func (p *Partition) answerCompare(c *compare) {
	m := &wire.Compared{Header: p.reply(&c.header)}
	r, err := c.scan.tree.Answer(c.open)
	if err != nil {
		m.Status = wire.StatusError
	} else {
		m.Body = merkle.AppendReply(nil, &r)
	}
	c.open = nil
	p.sendDurable(c.asker, m)
}

// tickCompares goes on with the first tree that is asked about and not done, and lets go those that nobody asks about.
func (p *Partition) tickCompares(now Time) {
	p.compares = slices.DeleteFunc(p.compares, func(c *compare) bool { return c.until <= now })
	for _, c := range p.compares {
		if c.scan.done {
			continue
		}
		if err := p.scanSome(&c.scan); err != nil {
			p.event(Event{Kind: EventCorrupt, Err: err})
			p.send(c.asker, &wire.Compared{Header: p.reply(&c.header), Status: wire.StatusUnable})
			c.until = now
		} else if c.scan.done {
			p.answerCompare(c)
		}
		return
	}
}

// wakeCompares lets the next tick come when a comparison needs it.
func (p *Partition) wakeCompares() {
	for _, c := range p.compares {
		if !c.scan.done {
			p.wake(1) // at once
		}
		p.wake(c.until)
	}
}

// receiveFetch answers with a page of this node's rows.
func (p *Partition) receiveFetch(from object.NodeID, m *wire.Fetch) {
	lo, hi := p.bounds()
	switch {
	case p.self < 0:
		p.stats.Refused++
		p.reject(from, m, wire.StatusNotHome)
		return
	case bytes.Compare(m.From, lo) < 0 || bytes.Compare(m.To, hi) > 0 || bytes.Compare(m.From, m.To) >= 0:
		p.stats.Refused++
		p.reject(from, m, wire.StatusError)
		return
	}
	reply, size, err := p.page(m)
	if err != nil {
		p.unable(from, m, object.KeyRef{}, err)
		return
	}
	p.stats.MovedOut += uint64(len(reply.Rows))
	p.stats.MovedBytesOut += uint64(size)
	p.sendDurable(from, reply)
}

// page reads the rows that a Fetch asks for, at least one if there is any.
func (p *Partition) page(m *wire.Fetch) (*wire.Fetched, int, error) {
	reply := &wire.Fetched{Header: p.reply(&m.Header)}
	limit := min(int(m.Limit), stepBytes)
	size, seen := 0, 0
	var bad error
	err := p.host.Scan(m.From, m.To, func(key, row []byte) bool {
		if seen > 0 && (seen == stepRows || size >= limit) {
			reply.Next = bytes.Clone(key)
			return false
		}
		seen++
		k, err := object.ParseRowKey(bytes.Clone(key))
		if err == nil {
			row, err = sentRow(&k, row)
		}
		if bad = err; bad != nil {
			return false
		}
		if row != nil {
			size += len(key) + len(row)
			reply.Rows = append(reply.Rows, wire.KeyedRow{
				Slot: k.Slot, Row: wire.Row{Ref: k.Ref, Sub: k.Sub, Database: k.Database, Bytes: row},
			})
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read a page of rows: %w", err)
	}
	return reply, size, nil
}

// sentRow returns a stored row as it is sent, without its local fields; nil for one that holds nothing else.
func sentRow(k *object.RowKey, row []byte) ([]byte, error) {
	if len(k.Sub) > 0 {
		var e object.ElementRow
		return bytes.Clone(row), e.DecodeRow(row)
	}
	var r object.KeyRow
	if err := r.DecodeRow(row); err != nil {
		return nil, err
	}
	switch {
	case r.IsZero():
		return nil, nil
	case r.LocalFree():
		return bytes.Clone(row), nil
	}
	return r.AppendWireRow(nil), nil
}
