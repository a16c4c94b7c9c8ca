package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server"
)

// nodesPage is /admin/nodes. Durations have their unit in the name.
type nodesPage struct {
	Self  string     `json:"self"`
	State string     `json:"state"` // alone, forming: ..., formed
	Epoch uint64     `json:"epoch"`
	Nodes []nodeLine `json:"nodes"`
}

// nodeLine is one node as the asked one sees it.
type nodeLine struct {
	ID          string  `json:"id"`
	ClientID    string  `json:"client_id"` // as CLUSTER NODES has it
	Self        bool    `json:"self,omitempty"`
	Member      bool    `json:"member"` // of the ring
	State       string  `json:"state"`
	Doubt       string  `json:"doubt"`
	Incarnation uint64  `json:"incarnation"`
	Heard       string  `json:"last_heard,omitempty"`
	HeardAgo    int64   `json:"last_heard_ms_ago"` // -1: never
	RTT         float64 `json:"rtt_ms"`
	Falls       int     `json:"falls"`
	HeldUntil   string  `json:"held_until,omitempty"`
	Epoch       uint64  `json:"epoch"`
	RingHash    string  `json:"ring_hash"`
	Client      string  `json:"client"`
	Forward     string  `json:"forward,omitempty"`
	Peer        string  `json:"peer"`
	Gossip      string  `json:"gossip"`
	Rack        string  `json:"rack,omitempty"`
	DC          string  `json:"dc,omitempty"`
	Weight      uint32  `json:"weight"`
	Vnodes      int     `json:"vnodes"`
	Slots       int     `json:"slots"` // of which it is primary now
	Load        float64 `json:"load"`  // share of what it can do
	Link        string  `json:"link"`  // up, down; empty for the node itself
	LinkRTT     float64 `json:"link_rtt_ms"`
	Queued      int     `json:"link_queued_bytes"`
}

// ringPage is /admin/ring.
type ringPage struct {
	State      string     `json:"state"`
	Epoch      uint64     `json:"epoch"`
	Hash       string     `json:"hash"`
	Cluster    string     `json:"cluster"` // its id
	Name       string     `json:"name"`
	Founders   []string   `json:"founders"`
	Configured int        `json:"replicas_configured"`
	Replicas   int        `json:"replicas"`
	Partitions int        `json:"partitions"`
	Slots      int        `json:"slots_per_partition"`
	Whole      int        `json:"partitions_whole"`    // all home replicas are alive
	Quorum     int        `json:"partitions_quorum"`   // a majority is, or all are
	Minority   int        `json:"partitions_minority"` // some are, but no majority: QUORUM is refused
	Dead       int        `json:"partitions_dead"`     // none is
	Relaxed    []string   `json:"relaxed,omitempty"`   // what could not be had as asked
	Members    []ringLine `json:"members"`

	Stage     string     `json:"stage"`
	Conductor string     `json:"conductor,omitempty"`
	Voters    []string   `json:"voters,omitempty"`
	Auto      bool       `json:"auto"`              // the asked node makes plans by itself
	PlanBy    string     `json:"plan_by,omitempty"` // who made the plan that is carried out
	Moves     int        `json:"moves,omitempty"`   // its vnodes
	Bound     int        `json:"bound,omitempty"`   // what no plan could go below
	Moving    int        `json:"moving,omitempty"`  // partitions
	Wait      string     `json:"wait,omitempty"`    // what the next epoch waits for
	Waiting   []ringLine `json:"waiting,omitempty"` // nodes that wait to be admitted
	Rate      float64    `json:"rate_bytes"`        // a second, lately, of the asked node
	ETA       float64    `json:"eta_seconds"`       // of the asked node; -1: not known
	Clearing  int        `json:"clearing"`          // partitions that are still stored where they do not belong any more, once the ring is stable
	Cleared   bool       `json:"cleared"`           // the ring is stable, and nothing is left to be cleared or handed over by nodes that are alive
}

type ringLine struct {
	ID      string  `json:"id"`
	Client  string  `json:"client"`
	Alive   bool    `json:"alive"`
	Weight  uint32  `json:"weight"`
	Rack    string  `json:"rack,omitempty"`
	DC      string  `json:"dc,omitempty"`
	Vnodes  int     `json:"vnodes"`
	Share   float64 `json:"share"` // of all vnodes
	Firsts  int     `json:"first_places"`
	Primary int     `json:"primary_slots"` // now

	Leaving        bool   `json:"leaving,omitempty"`
	Adopted        uint64 `json:"adopted,omitempty"` // epoch
	PartitionsDone uint32 `json:"partitions_done,omitempty"`
	PartitionsLeft uint32 `json:"partitions_left,omitempty"`
	BytesDone      uint64 `json:"bytes_done,omitempty"`
	BytesLeft      uint64 `json:"bytes_left,omitempty"`
	MovesEpoch     uint64 `json:"moves_epoch,omitempty"` // that these figures are about
}

// adminRoutes adds the pages behind rondo admin.
func (n *node) adminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin/nodes", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, n.nodesPage()) })
	mux.HandleFunc("GET /admin/ring", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, n.ringPage(r.Context())) })
	mux.HandleFunc("POST /admin/order", n.takeOrder)
	n.adviseRoute(mux)
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // who asked has gone
}

// stateAlone is the state of a node that has no ring and cannot be joined.
const stateAlone = "alone"

// progress says how far the ring is.
func (n *node) progress() (state string, m *membership) {
	if n.company == nil {
		return stateAlone, nil
	}
	if m := n.company.feed.to.Load(); m != nil && m.chart.Load() != nil {
		return "formed", m
	}
	if n.company.gone {
		return "removed", nil
	}
	if n.company.joining {
		return "waiting to be admitted", nil
	}
	return "forming", nil
}

func (n *node) nodesPage() nodesPage {
	id, inc, _ := n.store.Identity()
	p := nodesPage{Self: hexID(id)}
	var m *membership
	p.State, m = n.progress()
	if n.company == nil {
		p.Epoch = firstEpoch
		p.Nodes = []nodeLine{{
			ID: p.Self, ClientID: server.ClientNodeID(id), Self: true, Member: true, State: gossip.Alive.String(), Doubt: gossip.NoDoubt.String(),
			Incarnation: uint64(inc), Epoch: firstEpoch, Client: n.advertise, Forward: n.forward, Weight: 1, Slots: object.SlotCount,
		}}
		return p
	}
	links := map[object.NodeID]peer.LinkStats{}
	var c *chart
	if m != nil {
		c = m.chart.Load()
		p.Epoch = uint64(m.chart.Load().doc.Epoch)
		for _, s := range m.links.Load().Stats() {
			links[s.ID] = s
		}
	}
	now := time.Now()
	for g := range n.company.gossip.View().All() {
		line := gossipLine(g, now)
		line.Self = g.ID == id
		line.Link = linkState(links, g.ID)
		line.LinkRTT, line.Queued = milliseconds(links[g.ID].Latency), links[g.ID].Queued
		if m != nil {
			line.Member = c.member(g.ID) != nil
			line.Vnodes, _ = c.holds(g.ID)
			line.Slots = primarySlots(m.Topology(), g.ID)
		}
		p.Nodes = append(p.Nodes, line)
	}
	if m != nil {
		p.Nodes = append(p.Nodes, m.unheard(links)...)
	}
	return p
}

// unheard are the members that gossip has not heard of since the start.
func (m *membership) unheard(links map[object.NodeID]peer.LinkStats) (lines []nodeLine) {
	v := m.gossip.View()
	c := m.chart.Load()
	for i := range c.doc.Members {
		d := &c.doc.Members[i]
		a := m.addressesOf(d, v)
		if _, ok := v.Get(a.ID); ok {
			continue
		}
		vnodes, _ := c.holds(a.ID)
		lines = append(lines, nodeLine{
			ID: hexID(a.ID), ClientID: server.ClientNodeID(a.ID), Member: true, State: "unknown", Doubt: gossip.NoDoubt.String(), HeardAgo: -1,
			Client: a.Client, Forward: a.Forward, Peer: a.Peer, Gossip: a.Gossip, Rack: d.Rack, DC: d.DC, Weight: d.Weight,
			Vnodes: vnodes, Link: linkState(links, a.ID),
		})
	}
	return lines
}

func linkState(links map[object.NodeID]peer.LinkStats, id object.NodeID) string {
	s, ok := links[id]
	switch {
	case !ok:
		return ""
	case s.Up:
		return "up"
	}
	return "down"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func gossipLine(g gossip.Member, now time.Time) nodeLine {
	line := nodeLine{
		ID: hexID(g.ID), ClientID: server.ClientNodeID(g.ID), State: g.State.String(), Doubt: g.Doubt.String(), Incarnation: uint64(g.Incarnation),
		HeardAgo: -1, RTT: milliseconds(g.RTT), Falls: g.Flaps, Epoch: g.Epoch, RingHash: fmt.Sprintf("%016x", g.RingHash),
		Client: g.Client, Forward: g.Forward, Peer: g.Peer, Gossip: g.Gossip, Rack: g.Rack, DC: g.DC, Weight: g.Weight, Load: float64(g.Load) / 1000,
	}
	if !g.LastHeard.IsZero() {
		line.Heard, line.HeardAgo = g.LastHeard.UTC().Format(time.RFC3339Nano), now.Sub(g.LastHeard).Milliseconds()
	}
	if g.HeldUntil.After(now) {
		line.HeldUntil = g.HeldUntil.UTC().Format(time.RFC3339Nano)
	}
	return line
}

// holds is how many vnodes a member has, and on how many lists it is first.
func (c *chart) holds(id object.NodeID) (vnodes, firsts int) {
	for _, list := range c.lists {
		for k, home := range list {
			if home == id {
				vnodes++
				if k == 0 {
					firsts++
				}
			}
		}
	}
	return vnodes, firsts
}

// primarySlots is of how many slots a member is primary now.
func primarySlots(t *server.Topology, id object.NodeID) (n int) {
	for i := range t.Members {
		if t.Members[i].Node == id {
			for _, run := range t.Members[i].Slots {
				n += int(run.Last) - int(run.First) + 1
			}
		}
	}
	return n
}

func (n *node) ringPage(ctx context.Context) ringPage {
	state, m := n.progress()
	p := ringPage{State: state}
	if n.company != nil {
		p.Name, p.Founders, p.Configured, p.Slots = n.company.charter.name, n.company.charter.founders, n.company.charter.replicas, n.company.charter.slots
	}
	if m == nil {
		return p
	}
	c, t := m.chart.Load(), m.Topology()
	p.Epoch, p.Hash, p.Cluster, p.Configured = uint64(c.doc.Epoch), fmt.Sprintf("%08x", c.short), c.doc.Cluster, c.doc.Replicas
	p.Stage, p.Replicas, p.Partitions = c.doc.Stage.String(), c.ring.Replicas(), c.ring.Partitions()
	for _, r := range c.ring.Relaxed() {
		p.Relaxed = append(p.Relaxed, fmt.Sprint(r))
	}
	alive := map[object.NodeID]bool{}
	for i := range t.Members {
		alive[t.Members[i].Node] = !t.Members[i].Failed
	}
	p.reach(c.lists, alive)
	v := m.gossip.View()
	for i := range c.doc.Members {
		d := &c.doc.Members[i]
		a := m.addressesOf(d, v)
		vnodes, firsts := c.holds(a.ID)
		p.Members = append(p.Members, ringLine{
			ID: hexID(a.ID), Client: a.Client, Alive: alive[a.ID], Weight: d.Weight, Rack: d.Rack, DC: d.DC,
			Vnodes: vnodes, Share: float64(vnodes) / float64(p.Partitions*p.Replicas), Firsts: firsts, Primary: primarySlots(t, a.ID), Leaving: d.Leaving,
		})
	}
	m.describe(ctx, &p)
	return p
}

// statusTimeout bounds how long the conductor is waited for.
const statusTimeout = time.Second

// describe adds what is known of a change under way: by the conductor, to whom all report, or else by this node.
func (m *membership) describe(ctx context.Context, p *ringPage) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	own, err := m.keeper.Status(ctx)
	if err != nil {
		return
	}
	s := own
	if own.Conductor != ring.NodeID(m.self) {
		if o, err := m.keeper.Do(ctx, epoch.Command{Kind: epoch.CommandStatus}); err == nil && o.Status != nil {
			s = *o.Status
		}
	}
	p.Auto, p.Moving, p.Wait = own.Auto, own.Moving, s.Wait
	p.Conductor = hexID(object.NodeID(own.Conductor))
	for _, v := range own.Voters {
		p.Voters = append(p.Voters, hexID(object.NodeID(v)))
	}
	if own.Plan != nil {
		p.PlanBy, p.Moves, p.Bound = own.Plan.By, own.Plan.Moves, own.Plan.Bound
	}
	for _, x := range s.Members {
		for i := range p.Members {
			if l := &p.Members[i]; l.ID == hexID(object.NodeID(x.ID)) {
				l.Adopted, l.MovesEpoch = uint64(x.Adopted), uint64(x.Progress.Epoch)
				l.PartitionsDone, l.PartitionsLeft, l.BytesDone, l.BytesLeft = x.PartitionsDone, x.PartitionsLeft, x.BytesDone, x.BytesLeft
			}
		}
	}
	v := m.gossip.View()
	for _, id := range s.Waiting {
		if g, ok := v.Get(object.NodeID(id)); ok {
			p.Waiting = append(p.Waiting, ringLine{ID: hexID(g.ID), Client: g.Client, Alive: true, Weight: g.Weight, Rack: g.Rack, DC: g.DC})
		}
	}
	moves := m.core.Load().Moves()
	p.Rate, p.ETA = moves.Rate, etaSeconds(moves)
	p.conclude()
}

// etaSeconds is how long what is left takes; -1: not known.
func etaSeconds(m cluster.Moves) float64 {
	if m.ETA < 0 {
		return -1
	}
	return m.ETA.Seconds()
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// clientLinks is CLUSTER LINKS: a link is a connection in either direction.
func (m *membership) clientLinks() []server.Link {
	var all []server.Link
	for _, s := range m.links.Load().Stats() {
		if s.Out {
			all = append(all, server.Link{Node: s.ID, Writable: true, Allocated: int64(s.Queued), Queued: int64(s.Queued)})
		}
		if s.In {
			all = append(all, server.Link{Node: s.ID, Inbound: true, Readable: true})
		}
	}
	return all
}
