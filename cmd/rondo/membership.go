package main

import (
	"context"
	"encoding/hex"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cmd/internal/usage"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// membership puts gossip, links, the ring, the core and the front door together:
//
//	links ── Up, Down ──> gossip.ReportLink ──> Alive? ─┬─> core.PeerUp, PeerDown
//	gossip ── OnChange ─────────────────────────────────┼─> links.SetPeers
//	                                                    ├─> topology for clients
//	                                                    └─> keeper.View
//	links ── Receive ──> core ── Send ──> links
//	keeper ── Adopt ──> core.SwitchRing, then links, topology and gossip again
//
// A node that waits to be admitted has all of it but the core, the chart and the topology.
type membership struct {
	self   object.NodeID
	gossip *gossip.Gossip
	store  *engine.Store
	log    *slog.Logger
	end    func(error) // the node must stop

	keeper   *cluster.Keeper
	entry    cluster.Applicant
	early    early
	links    atomic.Pointer[peer.Links]   // nil before the links are there: nothing is sent
	core     atomic.Pointer[cluster.Node] // nil before the node is there: nothing is taken
	chart    atomic.Pointer[chart]        // nil: no ring yet
	topology atomic.Pointer[server.Topology]
	linked   atomic.Pointer[map[object.NodeID]*atomic.Bool] // its link is up. A map is never changed, but replaced
	met      atomic.Pointer[map[object.NodeID]addresses]    // as on the disk

	mu      sync.Mutex // one change at a time
	last    gossip.View
	meta    gossip.Meta            // what this node tells
	doc     *document              // as on the disk
	pending *ring.Document         // to be adopted once there is a core
	doubted map[object.NodeID]bool // taken for failed in the topology
	removed time.Time              // when it heard that it is no member any more
	news    chan struct{}          // there is one
	poke    chan struct{}          // there is a change to look at

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// chart is the ring by which this node works.
type chart struct {
	doc   *ring.Document
	ring  *ring.Ring
	lists [][]object.NodeID // that reads use
	short uint32            // of the document's hash

	lineage uint64
}

func newChart(d *ring.Document) (*chart, error) {
	r, err := d.Ring()
	if err != nil {
		return nil, err
	}
	c := &chart{doc: d, ring: r, short: newDocument(d).short, lineage: lineage(d.Cluster)}
	for p := range r.Partitions() {
		var list []object.NodeID
		for _, id := range r.PreferenceList(ring.Partition(p)) {
			list = append(list, object.NodeID(id))
		}
		c.lists = append(c.lists, list)
	}
	return c, nil
}

// member returns a member of the ring, nil for others.
func (c *chart) member(id object.NodeID) *ring.Member {
	if c == nil {
		return nil
	}
	return c.doc.Member(ring.NodeID(id))
}

var (
	_ peer.Handler          = (*membership)(nil)
	_ server.TopologySource = (*membership)(nil)
	_ cluster.Links         = (*membership)(nil)
)

// newMembership makes the topology of what is known now.
func newMembership(n *node, c *company) (*membership, error) {
	id, inc, _ := n.store.Identity()
	m := &membership{self: id, gossip: c.gossip, store: n.store, meta: c.meta, log: n.log.Logger, doc: c.doc,
		news: make(chan struct{}, 1), poke: make(chan struct{}, 1), end: func(err error) {
			select {
			case n.ended <- err:
			default: // it ends already
			}
		}}
	m.entry.Inc, m.entry.Links = inc, m
	m.met.Store(&c.met)
	m.linked.Store(&map[object.NodeID]*atomic.Bool{})
	if c.doc == nil || c.doc.phase != formed || c.gone {
		return m, nil
	}
	t, err := newChart(c.doc.Document)
	if err != nil {
		return nil, err
	}
	return m, m.place(t)
}

// place puts a chart in force for all but the core.
func (m *membership) place(c *chart) error {
	m.chart.Store(c)
	v, version := m.gossip.View(), uint64(1)
	m.link(v)
	if old := m.topology.Load(); old != nil {
		version = old.Version + 1
	}
	t, err := m.layout(v, version)
	if err != nil {
		return err
	}
	m.topology.Store(t)
	return nil
}

// link makes room for news of the links to all who are members or may become some.
func (m *membership) link(v gossip.View) {
	old := *m.linked.Load()
	linked := make(map[object.NodeID]*atomic.Bool, len(old))
	add := func(id object.NodeID) {
		if linked[id] = old[id]; linked[id] == nil {
			linked[id] = new(atomic.Bool)
			linked[id].Store(id == m.self)
		}
	}
	add(m.self)
	for _, p := range m.peers(v) {
		add(p.ID)
	}
	m.linked.Store(&linked)
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
const reportEvery = time.Second

// follow looks at changes until ctx ends.
func (m *membership) follow(ctx context.Context) {
	t := time.NewTicker(reportEvery)
	defer t.Stop()
	failures := map[object.NodeID]uint64{}
	var meter usage.Load
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
			m.mu.Lock()
			v := m.gossip.View()
			m.inform(v)
			if c := m.chart.Load(); c != nil && m.topology.Load() != nil && !maps.Equal(m.doubted, m.refused(c)) {
				m.retell(v)
			}
			m.mu.Unlock()
			if load, ok := meter.Read(time.Now()); ok {
				m.announce(func(meta *gossip.Meta) { meta.Load = load })
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

// refresh brings links, topology, core and keeper up to the newest view.
func (m *membership) refresh() {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.gossip.View()
	m.link(v)
	m.links.Load().SetPeers(m.peers(v))
	if c := m.chart.Load(); c != nil {
		m.relay(c, v)
	}
	m.last = v
	m.inform(v)
}

// relay tells clients and the core what has changed.
func (m *membership) relay(c *chart, v gossip.View) {
	m.retell(v)
	core := m.core.Load()
	for _, change := range v.Since(m.last) {
		g := &change.Member
		if g.ID == m.self || c.member(g.ID) == nil || core == nil {
			m.stranger(c, change)
			continue
		}
		if change.Kind == gossip.Updated && c.leftBehind(g) {
			m.refuse(c, g)
		}
		switch change.Kind {
		case gossip.Down:
			m.log.Warn("node down", "node", server.ClientNodeID(g.ID), "client", g.Client, "state", g.State, "doubt", g.Doubt)
			// One that says that it goes still answers what it was asked: its link tells when that is over.
			if g.State != gossip.Left || !m.isLinked(g.ID) {
				core.PeerDown(g.ID)
			}
		case gossip.Up:
			m.log.Info("node up", "node", server.ClientNodeID(g.ID), "client", g.Client)
			if m.Alive(g.ID) {
				core.PeerUp(g.ID)
			}
		case gossip.Updated:
		}
	}
}

// inform gives the keeper what gossip says.
func (m *membership) inform(v gossip.View) {
	c := m.chart.Load()
	alive := map[ring.NodeID]bool{}
	view := epoch.View{Alive: func(id ring.NodeID) bool { return alive[id] }}
	for g := range v.All() {
		if g.ID == m.self {
			continue
		}
		if m.Alive(g.ID) {
			alive[ring.NodeID(g.ID)] = true
			if g.Waiting && c.member(g.ID) == nil {
				view.Waiting = append(view.Waiting, ringMember(g))
			}
		}
		if !g.Waiting && m.isLinked(g.ID) {
			m.keeper.Newer(g.ID, ring.Epoch(g.Epoch))
		}
	}
	m.keeper.View(view)
}

// stranger names a node that gossips with this one and is no member of its ring: nothing is sent to it or taken from it. One that
// waits to be admitted is none.
func (m *membership) stranger(c *chart, g gossip.Change) {
	if g.Member.ID == m.self || g.Kind == gossip.Down || c.member(g.Member.ID) != nil {
		return
	}
	if g.Member.Waiting {
		if g.Kind == gossip.Up {
			m.log.Info("a node waits to be admitted", "gossip", g.Member.Gossip, "node", server.ClientNodeID(g.Member.ID))
		}
		return
	}
	m.refuse(c, &g.Member)
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
	t := m.Topology()
	for i := range t.Members {
		if t.Members[i].Failed {
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
	m.keeper.Close()
	m.remember()
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
