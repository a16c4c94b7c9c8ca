package epoch

import (
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/ring"
)

// known is what this node was told of a member.
type known struct {
	reported bool
	epoch    ring.Epoch // of its newest document
	adopted  ring.Epoch
	inc, seq uint64
	progress Progress
	at       Time // of its last report
	dead     bool
	deadAt   Time // since when; if dead
}

// of returns the entry of a member.
func (m *Machine) of(id ring.NodeID) *known {
	k := m.known[id]
	if k == nil {
		k = &known{}
		m.known[id] = k
	}
	return k
}

// forget drops what was known of who is no member any more, and all of it when another lineage begins.
func (m *Machine) forget(was *ring.Document) {
	if was == nil {
		return
	}
	for _, x := range was.Members {
		if was.Cluster != m.doc.Cluster || m.doc.Member(x.ID) == nil {
			delete(m.known, x.ID)
		}
	}
}

// cluster returns the id of ours, "" for a node that waits to be admitted.
func (m *Machine) cluster() string {
	if m.doc == nil {
		return ""
	}
	return m.doc.Cluster
}

func (m *Machine) alive(id ring.NodeID) bool {
	return id == m.self || m.view.Alive == nil || m.view.Alive(id)
}

// fact answers for ring.Next.
func (m *Machine) fact(id ring.NodeID) ring.Known {
	if id == m.self {
		return ring.Known{Alive: true, Adopted: m.adopted, Copied: m.progress.Copied, Empty: m.progress.Empty}
	}
	k := ring.Known{Alive: m.alive(id)}
	if x := m.known[id]; x != nil {
		k.Adopted, k.Copied, k.Empty = x.adopted, x.progress.Copied, x.progress.Empty
	}
	return k
}

// silence is after how many unanswered reports others than the voters are asked, which may all be gone.
const silence = 3

// report tells the voters how far this node is.
func (m *Machine) report(now Time) {
	if m.doc == nil || m.removed {
		return
	}
	m.seq++
	body := appendReport(nil, report{
		cluster: m.doc.Cluster, epoch: m.doc.Epoch, hash: m.hash, adopted: m.adopted, inc: m.inc, seq: m.seq, progress: m.progress,
	})
	for _, v := range m.doc.Voters {
		m.send(v, body)
	}
	if now < m.heardAt+silence*m.limits.ReportEvery {
		return
	}
	for range m.doc.Members {
		m.rotate = (m.rotate + 1) % len(m.doc.Members)
		id := m.doc.Members[m.rotate].ID
		if id != m.self && m.alive(id) && !slices.Contains(m.doc.Voters, id) {
			m.send(id, body)
			return
		}
	}
}

// receiveReport takes in how far another node is, and answers with our epoch.
func (m *Machine) receiveReport(now Time, from ring.NodeID, r report) error {
	if m.doc == nil {
		m.Newer(now, from, r.epoch)
		return nil
	}
	m.send(from, m.heard())
	if r.epoch == m.doc.Epoch && r.hash != m.hash {
		m.conflict(from, fmt.Sprintf("reports epoch %d with hash %v, ours has %v", r.epoch, r.hash, m.hash))
		return fmt.Errorf("%w: epoch %d", ErrConflict, r.epoch)
	}
	m.Newer(now, from, r.epoch)
	if m.doc.Member(from) == nil {
		return nil
	}
	k := m.of(from)
	news := r.adopted > k.adopted || r.progress.Copied > k.progress.Copied || r.progress.Empty != k.progress.Empty
	k.reported, k.at, k.epoch = true, now, max(k.epoch, r.epoch)
	k.adopted = max(k.adopted, r.adopted)
	copied := max(k.progress.Copied, r.progress.Copied)
	if r.inc > k.inc || r.inc == k.inc && r.seq > k.seq {
		k.inc, k.seq, k.progress = r.inc, r.seq, r.progress
	}
	k.progress.Copied = copied
	if news {
		m.evaluate(now)
	}
	return nil
}

// heard says which epoch this node knows.
func (m *Machine) heard() []byte {
	h := heard{cluster: m.cluster()}
	if m.doc != nil {
		h.epoch, h.hash = m.doc.Epoch, m.hash
	}
	return appendHeard(nil, h)
}

func (m *Machine) receiveHeard(now Time, from ring.NodeID, h heard) error {
	m.heardAt = now
	if m.doc != nil && h.epoch == m.doc.Epoch && h.hash != m.hash {
		m.conflict(from, fmt.Sprintf("has epoch %d with hash %v, ours has %v", h.epoch, h.hash, m.hash))
		return fmt.Errorf("%w: epoch %d", ErrConflict, h.epoch)
	}
	if r := m.recovery; r != nil && h.epoch > 0 {
		r.heard(from, h.epoch)
	}
	if l := m.lineage; l != nil && h.cluster == m.doc.Cluster {
		l.to = slices.DeleteFunc(l.to, func(id ring.NodeID) bool { return id == from })
	}
	if from == m.catch.from && h.epoch <= m.epoch() { // it was asked and knows no more
		m.fetchMore(now, from)
	}
	m.Newer(now, from, h.epoch)
	return nil
}

// part has a node that is no member any more tell all members that there is a newer document than theirs may be. Whether they are alive
// it may not hear any more.
func (m *Machine) part() {
	if !m.removed {
		return
	}
	body := m.heard()
	for i := range m.doc.Members {
		m.send(m.doc.Members[i].ID, body)
	}
}

// remind tells the members that are behind, as the conductor knows, that there is a newer document.
func (m *Machine) remind() {
	if m.doc == nil || m.removed || m.Conductor() != m.self {
		return
	}
	var body []byte
	for i := range m.doc.Members {
		id := m.doc.Members[i].ID
		if id == m.self || !m.alive(id) || m.known[id] != nil && m.known[id].epoch >= m.doc.Epoch {
			continue
		}
		if body == nil {
			body = m.heard()
		}
		m.send(id, body)
	}
}
