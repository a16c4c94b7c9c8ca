package main

import (
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// remember stores where the members are when that has changed.
func (m *membership) remember() {
	c := m.chart.Load()
	if c == nil {
		return
	}
	v, old := m.gossip.View(), *m.met.Load()
	met, changed := map[object.NodeID]addresses{}, len(old) != len(c.doc.Members)
	list := make([]addresses, 0, len(c.doc.Members))
	for i := range c.doc.Members {
		a := m.addressesOf(&c.doc.Members[i], v)
		changed = changed || old[a.ID] != a
		met[a.ID], list = a, append(list, a)
	}
	if !changed {
		return
	}
	if err := saveAddresses(m.store, list); err != nil {
		m.log.Error("addresses of members are not stored", "error", err)
		return
	}
	m.met.Store(&met)
}

// addressesOf returns where a member is: as it tells, else as it was met last, else as the document has it.
func (m *membership) addressesOf(d *ring.Member, v gossip.View) addresses {
	id := object.NodeID(d.ID)
	a, ok := (*m.met.Load())[id]
	if !ok {
		a = addresses{ID: id, Client: d.Client, Forward: d.Forward, Peer: d.Peer, Gossip: d.Gossip}
	}
	if g, ok := v.Get(id); ok && g.Client != "" && g.Peer != "" {
		a.Client, a.Forward, a.Peer, a.Gossip = g.Client, g.Forward, g.Peer, g.Gossip
	}
	return a
}

// peers are the other members, who waits to become one, and who was one and does not know that it is none any more; for a node that
// waits itself, who may admit it. Those whom a recovery of the ring has left behind are none of them.
func (m *membership) peers(v gossip.View) []peer.Peer {
	var peers []peer.Peer
	c := m.chart.Load()
	if c != nil {
		for i := range c.doc.Members {
			if a := m.addressesOf(&c.doc.Members[i], v); a.ID != m.self && a.Peer != "" {
				peers = append(peers, c.peerOf(a))
			}
		}
	}
	for g := range v.All() {
		// One that says that it goes still answers clients until its link ends.
		up := g.State == gossip.Alive || g.State == gossip.Suspect || g.State == gossip.Left && m.isLinked(g.ID)
		if g.ID == m.self || !up || g.Peer == "" || c.member(g.ID) != nil {
			continue
		}
		if c.was(&g) || c != nil && g.Waiting || c == nil && !g.Waiting && g.Epoch > 0 {
			peers = append(peers, peer.Peer{ID: g.ID, Addr: g.Peer})
		}
	}
	return peers
}
