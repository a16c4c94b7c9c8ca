package main

import (
	"fmt"
	"net"
	"strconv"

	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// retell tells clients the topology anew if they would notice a difference.
func (m *membership) retell(v gossip.View) {
	t, err := m.layout(v, m.topology.Load().Version+1)
	if err != nil {
		m.log.Error("clients are told an old topology", "error", err)
	} else if !sameTopology(t, m.topology.Load()) {
		m.topology.Store(t)
	}
}

// layout is the topology of a view.
func (m *membership) layout(v gossip.View, version uint64) (*server.Topology, error) {
	c := m.chart.Load()
	members := make([]server.Member, 0, len(c.doc.Members))
	m.doubted = m.refused(c)
	for i := range c.doc.Members {
		a := m.addressesOf(&c.doc.Members[i], v)
		host, port, err := splitHostPort(a.Client)
		if err != nil {
			return nil, fmt.Errorf("client address of node %s: %w", hexID(a.ID), err)
		}
		_, peerPort, _ := splitHostPort(a.Peer) // 0 is shown where it is not known
		members = append(members, server.Member{Node: a.ID, Host: host, Port: port, PeerPort: peerPort, Failed: !m.Alive(a.ID) || m.doubted[a.ID]})
	}
	return server.NewTopology(server.View{
		Version: version, Epoch: uint64(c.doc.Epoch), Self: m.self, Members: members, Lists: c.lists,
		Owns: func(p int) bool { return c.ring.Owns(ring.Partition(p), ring.NodeID(m.self)) },
	})
}

func splitHostPort(addr string) (string, int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.Atoi(text)
	return host, port, err
}

// sameTopology says whether clients would notice no difference.
func sameTopology(a, b *server.Topology) bool {
	if a.Epoch != b.Epoch || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Members {
		x, y := &a.Members[i], &b.Members[i]
		if x.Node != y.Node || x.Host != y.Host || x.Port != y.Port || x.PeerPort != y.PeerPort || x.Failed != y.Failed {
			return false
		}
	}
	return true
}

// refused are the members that clients are not sent to although they are alive: their clocks are refused, and they could
// serve nobody. Where that is half of all who are alive, it is rather this node's own clock that is wrong.
func (m *membership) refused(c *chart) map[object.NodeID]bool {
	core := m.core.Load()
	if core == nil {
		return nil
	}
	return misdated(c.doc, m.self, m.Alive, core.Doubted)
}

func misdated(d *ring.Document, self object.NodeID, alive, doubted func(object.NodeID) bool) map[object.NodeID]bool {
	found, all := map[object.NodeID]bool{}, 1
	for i := range d.Members {
		id := object.NodeID(d.Members[i].ID)
		if id == self || !alive(id) {
			continue
		}
		all++
		if doubted(id) {
			found[id] = true
		}
	}
	if 2*len(found) >= all {
		return nil
	}
	return found
}
