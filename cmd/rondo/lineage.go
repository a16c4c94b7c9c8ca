package main

import (
	"encoding/binary"
	"slices"

	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/server"
)

// lineage is what gossip tells of a cluster id; 0 for none. A ring that was recovered has another one than before.
func lineage(cluster string) uint64 {
	id, err := clusterID(cluster)
	if err != nil {
		return 0
	}
	return max(binary.BigEndian.Uint64(id[:8]), 1)
}

// foreign says whether a node is of another cluster, or of this one from before it was recovered. Who waits to be admitted is of none.
func (c *chart) foreign(g *gossip.Member) bool {
	return g.Lineage != 0 && g.Lineage != c.lineage
}

// survives says whether a member is to stay one. After a recovery the others are members until the plan is done, and not talked to.
func survives(d *ring.Document, id ring.NodeID) bool {
	return d.Plan == nil || slices.ContainsFunc(d.Plan.Target, func(t ring.Target) bool { return t.ID == id })
}

// refuse names a node that gossips with this one and is not talked to, and says what is to be done about it. m.mu is held.
func (m *membership) refuse(c *chart, g *gossip.Member) {
	why := "it is no member of the ring any more, or never was one: to let it join, empty its --dir and start it with --join"
	if d := newDocument(c.doc).word().difference(word(g.RingHash)); d != "" {
		why = "it is of another ring: it has " + d
	} else if c.foreign(g) {
		why = "it is of another cluster, with the same cluster.name"
		if m.doc != nil && m.doc.former != (peer.ClusterID{}) {
			why = "it was left behind when the ring was recovered (rondo admin ring recover), and what only it has is not in the ring: " +
				"empty its --dir and start it with --join"
		}
	}
	m.log.Warn("a node is refused", "node", server.ClientNodeID(g.ID), "id", hexID(g.ID), "gossip", g.Gossip, "reason", why)
}

// leftBehind says whether a member of the ring is still in the lineage before, and is not to be taken along.
func (c *chart) leftBehind(g *gossip.Member) bool {
	return c.foreign(g) && c.member(g.ID) != nil && !survives(c.doc, ring.NodeID(g.ID))
}

// was says whether a node that is no member any more does not know that yet: it is to hear it.
func (c *chart) was(g *gossip.Member) bool {
	return c != nil && !g.Waiting && g.Epoch > 0 && g.Epoch < uint64(c.doc.Epoch) && !c.foreign(g)
}

// peerOf is a member as links know it.
func (c *chart) peerOf(a addresses) peer.Peer {
	return peer.Peer{ID: a.ID, Addr: a.Peer, Former: survives(c.doc, ring.NodeID(a.ID))}
}
