package epoch

import (
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/ring"
)

// maxAhead bounds the nodes of which is kept that they know a newer document.
const maxAhead = 16

// catch is the catching up with newer documents: one question at a time.
type catch struct {
	from  ring.NodeID // who is asked; 0: nobody
	until Time
	ahead []ahead // who else knows more, the newest word last
	seen  ring.Epoch
}

type ahead struct {
	node  ring.NodeID
	epoch ring.Epoch
}

// epoch is that of the newest document known: 0 for none. A node that waits to be admitted counts what it has seen and was
// not named in.
func (m *Machine) epoch() ring.Epoch {
	if m.doc == nil {
		return m.catch.seen
	}
	return m.doc.Epoch
}

// Newer takes in that a node knows the document of an epoch: a header named it, or gossip.
func (m *Machine) Newer(now Time, from ring.NodeID, epoch ring.Epoch) {
	if epoch <= m.epoch() || from == m.self || from == 0 {
		return
	}
	c := &m.catch
	c.ahead = slices.DeleteFunc(c.ahead, func(a ahead) bool { return a.node == from })
	if len(c.ahead) == maxAhead {
		c.ahead = slices.Delete(c.ahead, 0, 1)
	}
	c.ahead = append(c.ahead, ahead{from, epoch})
	if c.from == 0 {
		m.ask(now, from)
	}
}

func (m *Machine) ask(now Time, node ring.NodeID) {
	m.catch.from, m.catch.until = node, now+m.limits.FetchTimeout
	m.send(node, appendWant(nil, m.cluster(), m.epoch()+1))
}

// fetchAgain asks another node when the one that was asked is silent. Each word is good for one question: who still knows
// more will say so again.
func (m *Machine) fetchAgain(now Time) {
	if c := &m.catch; c.from != 0 && now >= c.until {
		m.fetchMore(now, c.from)
	}
}

// fetchMore ends the question to a node and goes on with the newest word of another that is still news.
func (m *Machine) fetchMore(now Time, asked ring.NodeID) {
	c := &m.catch
	c.from = 0
	c.ahead = slices.DeleteFunc(c.ahead, func(a ahead) bool { return a.node == asked || a.epoch <= m.epoch() })
	if n := len(c.ahead); n > 0 {
		m.ask(now, c.ahead[n-1].node)
	}
}

// receiveWant answers with the document if it is as new as asked for, else with the epoch.
func (m *Machine) receiveWant(from ring.NodeID, w want) {
	if m.doc != nil && m.doc.Epoch >= w.epoch {
		m.send(from, appendDocument(nil, m.encoded))
		return
	}
	m.send(from, m.heard())
}

// receiveDocument takes in a document that another node says was decided.
func (m *Machine) receiveDocument(now Time, from ring.NodeID, encoded []byte) error {
	if m.catch.from == from {
		defer m.fetchMore(now, from)
	}
	d, err := ring.DecodeDocument(encoded)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if m.doc == nil {
		if d.Member(m.self) == nil {
			m.catch.seen = max(m.catch.seen, d.Epoch)
			return nil
		}
		m.store(now, d, slices.Clone(encoded))
		return nil
	}
	switch {
	case d.Cluster != m.doc.Cluster:
		return fmt.Errorf("%w: document of %.40q", ErrForeign, d.Cluster)
	case d.Epoch < m.doc.Epoch:
		return nil
	case d.Epoch == m.doc.Epoch && d.Hash() != m.hash, d.Epoch == m.doc.Epoch+1 && d.Parent != m.hash:
		m.conflict(from, fmt.Sprintf("has a document of epoch %d with hash %v, which follows %v; ours of epoch %d has %v", d.Epoch, d.Hash(), d.Parent, m.doc.Epoch, m.hash))
		return fmt.Errorf("%w: epoch %d", ErrConflict, d.Epoch)
	case d.Epoch == m.doc.Epoch:
		return nil
	}
	m.store(now, d, slices.Clone(encoded))
	return nil
}
