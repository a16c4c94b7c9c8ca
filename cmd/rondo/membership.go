package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// membership puts gossip, links, the ring, the core and the front door together, once there is a ring:
//
//	links ── Up, Down ──> gossip.ReportLink ──> Alive? ─┬─> core.PeerUp, PeerDown
//	gossip ── OnChange ─────────────────────────────────┼─> links.SetPeers
//	                                                    └─> topology for clients
//	links ── Receive ──> core ── Send ──> links
type membership struct {
	self   object.NodeID
	doc    *document
	ring   *ring.Ring
	lists  [][]object.NodeID
	gossip *gossip.Gossip
	log    *slog.Logger

	links    atomic.Pointer[peer.Links]   // nil before the links are there: nothing is sent
	core     atomic.Pointer[cluster.Node] // nil before the node is there: nothing is taken
	topology atomic.Pointer[server.Topology]
	linked   map[object.NodeID]*atomic.Bool   // by member: its link is up. The map itself is never changed
	known    atomic.Pointer[[]documentMember] // with the addresses that are on the disk

	mu   sync.Mutex // one change at a time
	last gossip.View
	meta gossip.Meta // what this node tells
	save func(*document) error
	poke chan struct{} // there is a change to look at

	cancel context.CancelFunc
	done   sync.WaitGroup
}

var (
	_ peer.Handler          = (*membership)(nil)
	_ server.TopologySource = (*membership)(nil)
	_ cluster.Links         = (*membership)(nil)
)

// newMembership makes the topology of what is known now.
func newMembership(self object.NodeID, c *company, save func(*document) error, log *slog.Logger) (*membership, error) {
	r := c.ring
	m := &membership{self: self, doc: c.doc, ring: r, gossip: c.gossip, meta: c.meta, save: save, log: log, poke: make(chan struct{}, 1),
		linked: map[object.NodeID]*atomic.Bool{}}
	for i := range c.doc.Members {
		m.linked[c.doc.Members[i].ID] = new(atomic.Bool)
	}
	m.linked[self].Store(true)
	for p := range r.Partitions() {
		var list []object.NodeID
		for _, id := range r.PreferenceList(ring.Partition(p)) {
			list = append(list, object.NodeID(id))
		}
		m.lists = append(m.lists, list)
	}
	t, err := m.layout(c.gossip.View(), 1)
	if err != nil {
		return nil, err
	}
	m.topology.Store(t)
	m.known.Store(&c.doc.Members)
	return m, nil
}

// connect begins to link to the others and to follow what happens to them. The core must be there.
func (m *membership) connect(o peer.Options) error {
	o.Handler = m
	links, err := peer.New(o)
	if err != nil {
		return err
	}
	m.links.Store(links)
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.refresh()
	m.done.Go(func() { m.follow(ctx) })
	return nil
}

// reportEvery is how often gossip is told of links that did not change: one that is up saves a ping.
const reportEvery = 2 * time.Second

// follow looks at changes until ctx ends.
func (m *membership) follow(ctx context.Context) {
	t := time.NewTicker(reportEvery)
	defer t.Stop()
	failures := map[object.NodeID]uint64{}
	var meter loadMeter
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.poke:
			m.refresh()
		case <-t.C:
			for _, s := range m.links.Load().Stats() {
				if s.Up || s.Failures > failures[s.ID] {
					m.gossip.ReportLink(s.ID, s.Up)
				}
				failures[s.ID] = s.Failures
			}
			m.remember()
			if load, ok := meter.read(time.Now()); ok {
				m.meta.Load = load
				if err := m.gossip.Update(m.meta); err != nil {
					m.log.Error("the load is not told", "error", err)
				}
			}
		}
	}
}

// changed is gossip's OnChange.
func (m *membership) changed(gossip.View) {
	select {
	case m.poke <- struct{}{}:
	default: // refresh looks at the newest view anyway
	}
}

// refresh brings links, topology and core up to the newest view.
func (m *membership) refresh() {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.gossip.View()
	m.links.Load().SetPeers(m.peers(v))
	t, err := m.layout(v, m.topology.Load().Version+1)
	if err != nil {
		m.log.Error("clients are told an old topology", "error", err)
	} else if !sameTopology(t, m.topology.Load()) {
		m.topology.Store(t)
	}
	core := m.core.Load()
	for _, c := range v.Since(m.last) {
		if c.Member.ID == m.self || m.doc.member(c.Member.ID) == nil {
			m.stranger(c)
			continue
		}
		switch c.Kind {
		case gossip.Down:
			m.log.Warn("node down", "node", server.ClientNodeID(c.Member.ID), "client", c.Member.Client, "state", c.Member.State, "doubt", c.Member.Doubt)
			// One that says that it goes still answers what it was asked: its link tells when that is over.
			if c.Member.State != gossip.Left || !m.linked[c.Member.ID].Load() {
				core.PeerDown(c.Member.ID)
			}
		case gossip.Up:
			m.log.Info("node up", "node", server.ClientNodeID(c.Member.ID), "client", c.Member.Client)
			if m.Alive(c.Member.ID) {
				core.PeerUp(c.Member.ID)
			}
		case gossip.Updated:
		}
	}
	m.last = v
}

// remember stores the members' addresses when they have changed: a node that comes back when all others have moved, one
// after the other, must find them.
func (m *membership) remember() {
	v, members := m.gossip.View(), slices.Clone(*m.known.Load())
	for i := range members {
		d := &members[i]
		if g, ok := v.Get(d.ID); ok && g.State == gossip.Alive && g.Client != "" && g.Peer != "" {
			d.Client, d.Forward, d.Peer, d.Gossip = g.Client, g.Forward, g.Peer, g.Gossip
		}
	}
	if slices.Equal(members, *m.known.Load()) {
		return
	}
	d := *m.doc
	d.Members = members
	if err := m.save(&d); err != nil {
		m.log.Error("addresses of members are not stored", "error", err)
		return
	}
	m.known.Store(&members)
}

// stranger names a node that gossips with this one and is no member of its ring: nothing is sent to it or taken from it.
func (m *membership) stranger(c gossip.Change) {
	if c.Member.ID == m.self || c.Kind == gossip.Down {
		return
	}
	why := "it is no member of the ring"
	if d := word(m.doc.Word).difference(word(c.Member.RingHash)); d != "" {
		why = "it has " + d
	}
	m.log.Warn("a node is refused", "gossip", c.Member.Gossip, "node", server.ClientNodeID(c.Member.ID), "reason", why)
}

// peers are the other members, at the addresses that they tell, else at those that they had when the ring was stored.
func (m *membership) peers(v gossip.View) []peer.Peer {
	peers := make([]peer.Peer, 0, len(m.doc.Members))
	for _, d := range m.doc.Members {
		if d.ID == m.self {
			continue
		}
		p := peer.Peer{ID: d.ID, Addr: d.Peer}
		if known, ok := v.Get(d.ID); ok && known.Peer != "" {
			p.Addr = known.Peer
		}
		peers = append(peers, p)
	}
	return peers
}

// layout is the topology of a view.
func (m *membership) layout(v gossip.View, version uint64) (*server.Topology, error) {
	members := make([]server.Member, 0, len(m.doc.Members))
	for _, d := range m.doc.Members {
		client, peerAddr := d.Client, d.Peer
		if known, ok := v.Get(d.ID); ok {
			if known.Client != "" {
				client = known.Client
			}
			if known.Peer != "" {
				peerAddr = known.Peer
			}
		}
		host, port, err := splitHostPort(client)
		if err != nil {
			return nil, fmt.Errorf("client address of node %d: %w", d.ID, err)
		}
		_, peerPort, _ := splitHostPort(peerAddr) // 0 is shown where it is not known
		members = append(members, server.Member{Node: d.ID, Host: host, Port: port, PeerPort: peerPort, Failed: !m.Alive(d.ID)})
	}
	return server.NewTopology(server.View{Version: version, Epoch: m.doc.Epoch, Self: m.self, Members: members, Lists: m.lists})
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

// settled waits until all members can be worked with, or ctx ends: the first clients are better served then.
func (m *membership) settled(ctx context.Context) {
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for !m.complete() {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (m *membership) complete() bool {
	for _, s := range m.links.Load().Stats() {
		if !m.Alive(s.ID) {
			return false
		}
	}
	for i := range m.Topology().Members {
		if m.Topology().Members[i].Failed {
			return false
		}
	}
	return true
}

// close ends the links; messages of others are not taken any more when it returns.
func (m *membership) close() error {
	links := m.links.Load()
	if links == nil {
		return nil
	}
	m.cancel()
	m.done.Wait()
	return links.Close()
}

// hexID is a node's id as people are shown it.
func hexID(id object.NodeID) string {
	var b [8]byte
	for i := range b {
		b[i] = byte(id >> (56 - 8*i))
	}
	return hex.EncodeToString(b[:])
}
