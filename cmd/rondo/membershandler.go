package main

import (
	"time"

	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// Topology implements server.TopologySource.
func (m *membership) Topology() *server.Topology { return m.topology.Load() }

// Send implements cluster.Links.
func (m *membership) Send(to object.NodeID, msg wire.Message) bool {
	links := m.links.Load()
	return links != nil && links.Send(to, msg)
}

// Crowded implements cluster.Crowder.
func (m *membership) Crowded(to object.NodeID) bool {
	links := m.links.Load()
	return links != nil && links.Crowded(to)
}

// Receive implements peer.Handler.
func (m *membership) Receive(from object.NodeID, ms []wire.Message) {
	if core := m.core.Load(); core != nil {
		core.Receive(from, ms)
		return
	}
	var requests []wire.Message
	for _, msg := range ms {
		switch r := msg.(type) {
		case *wire.Ring:
			m.keeper.Receive(from, r)
		case *wire.Read, *wire.Write, *wire.Pass:
			requests = append(requests, msg)
		}
	}
	m.entry.Receive(ms)
	if len(requests) > 0 && !m.early.keep(from, requests, time.Now()) {
		m.core.Load().Receive(from, requests)
	}
}

// isLinked says whether the link to a node works.
func (m *membership) isLinked(id object.NodeID) bool {
	up := (*m.linked.Load())[id]
	return up != nil && up.Load()
}

// Alive says whether operations may count on a member. Gossip hears of a new life before there is a link to it: what was sent in
// between would be lost.
func (m *membership) Alive(id object.NodeID) bool { return m.isLinked(id) && m.gossip.Alive(id) }

// Up implements peer.Handler.
func (m *membership) Up(id object.NodeID) {
	if up := (*m.linked.Load())[id]; up != nil {
		up.Store(true)
	}
	m.gossip.ReportLink(id, true)
	if core := m.core.Load(); core != nil && m.Alive(id) {
		core.PeerUp(id)
	}
	m.changed(gossip.View{})
}

// Down implements peer.Handler: Alive says no before the core is told.
func (m *membership) Down(id object.NodeID) {
	if up := (*m.linked.Load())[id]; up != nil {
		up.Store(false)
	}
	m.gossip.ReportLink(id, false)
	if core := m.core.Load(); core != nil {
		core.PeerDown(id)
	}
	m.changed(gossip.View{})
}
