package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cmd/internal/advise"
	"github.com/rondokv/rondo/engine/object"
)

// advicePage is /admin/advise: what is known, and what follows from it by some limits.
type advicePage struct {
	Advice advise.Advice `json:"advice"`
	Limits advise.Limits `json:"limits"`
	Facts  advise.Facts  `json:"facts"`
}

const (
	// usageTimeout is how long a member may take to tell what it uses; all are asked within gatherTimeout, so many at once.
	usageTimeout  = time.Second
	gatherTimeout = 2 * time.Second
	askAtOnce     = 16
	// factsFor is how long facts may be told again: members are not asked oftener, however many ask for advice or metrics.
	factsFor = 5 * time.Second
)

// adviser gathers facts for whoever asks, one at a time.
type adviser struct {
	mu   sync.Mutex
	last advicePage
	at   time.Time
}

func (a *adviser) page(ctx context.Context, n *node) advicePage {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.IsZero() || time.Since(a.at) > factsFor {
		f, l := n.adviceFacts(ctx), advise.DefaultLimits()
		a.last, a.at = advicePage{Advice: advise.Give(f, l), Limits: l, Facts: f}, time.Now()
	}
	return a.last
}

// adviseRoute adds the page behind rondo admin advise.
func (n *node) adviseRoute(mux *http.ServeMux) {
	mux.HandleFunc("GET /admin/advise", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, n.adviser.page(r.Context(), n)) })
}

// adviceFacts gathers what this node knows, and asks the members for the rest.
func (n *node) adviceFacts(ctx context.Context) advise.Facts {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherTimeout) // what is gathered is for others as well
	defer cancel()
	state, m := n.progress()
	id, _, _ := n.store.Identity()
	f := advise.Facts{State: state, Self: hexID(id), Waiting: []string{}, Members: []advise.Member{}}
	core := n.company == nil || m != nil && m.core.Load() != nil
	if !core {
		if m != nil {
			f.State = "starting"
		}
		return f
	}
	if m == nil {
		f.Replicas, f.Epoch, f.Stage = n.configured, firstEpoch, ring.Stable.String()
		f.Members = []advise.Member{{ID: f.Self, Client: n.advertise, Weight: 1, Alive: true, Share: 1, Usage: n.meter.Usage()}}
		return f
	}
	f.Members = m.ringFacts(&f)
	m.planFacts(ctx, &f)
	m.askUsage(ctx, m.core.Load(), f.Members)
	return f
}

// ringFacts is what ring and gossip tell.
func (m *membership) ringFacts(f *advise.Facts) []advise.Member {
	c, v := m.chart.Load(), m.gossip.View()
	f.Replicas, f.PerDC, f.Epoch, f.Stage, f.Moving = c.doc.Replicas, c.doc.PerDC, uint64(c.doc.Epoch), c.doc.Stage.String(), len(c.doc.Moving)
	alive, vnodes, all := map[object.NodeID]bool{}, map[object.NodeID]int{}, 0
	for i := range c.doc.Members {
		id := object.NodeID(c.doc.Members[i].ID)
		alive[id] = id == m.self || m.Alive(id)
	}
	for _, homes := range c.lists {
		up := 0
		for _, id := range homes {
			vnodes[id]++
			all++
			up += b2i(alive[id])
		}
		f.NoQuorum += b2i(up <= len(homes)/2)
		f.Partial += b2i(up < len(homes))
	}
	out := make([]advise.Member, 0, len(c.doc.Members))
	for i := range c.doc.Members {
		d := &c.doc.Members[i]
		a := m.addressesOf(d, v)
		x := advise.Member{
			Node: a.ID, ID: hexID(a.ID), Client: a.Client, DC: d.DC, Rack: d.Rack, Weight: d.Weight, Leaving: d.Leaving,
			Alive: alive[a.ID], Share: float64(vnodes[a.ID]) / float64(max(all, 1)),
		}
		if g, ok := v.Get(a.ID); ok {
			x.Load = float64(g.Load) / 1000
		}
		out = append(out, x)
	}
	for g := range v.All() {
		if g.Waiting && g.State == gossip.Alive && c.member(g.ID) == nil {
			f.Waiting = append(f.Waiting, hexID(g.ID))
		}
	}
	return out
}

// planFacts is what the keeper knows of changes.
func (m *membership) planFacts(ctx context.Context, f *advise.Facts) {
	s, err := m.keeper.Status(ctx)
	if err != nil {
		f.Error = err.Error()
		return
	}
	f.Epoch, f.Stage, f.Moving, f.Staged = uint64(s.Epoch), s.Stage.String(), s.Moving, len(s.Staged)
}

// errNoTime is why a member was not asked.
var errNoTime = errors.New("there was no time left to ask it")

// askUsage asks the members that are alive for what they use.
func (m *membership) askUsage(ctx context.Context, core *cluster.Node, members []advise.Member) {
	var all sync.WaitGroup
	turn := make(chan struct{}, askAtOnce)
	for i := range members {
		x := &members[i]
		if !x.Alive {
			x.Silent = "it is down"
			continue
		}
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			x.Silent = errNoTime.Error()
			continue
		}
		all.Go(func() {
			defer func() { <-turn }()
			u, err := core.Usage(x.Node, usageTimeout)
			if err != nil {
				x.Silent = err.Error()
				return
			}
			x.Usage = u
		})
	}
	all.Wait()
}
