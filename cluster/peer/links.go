package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Links are a node's connections to all other members.
type Links struct {
	self     object.NodeID
	inc      object.Incarnation
	cluster  atomic.Pointer[lineage]
	listener net.Listener
	dialer   func(ctx context.Context, addr string) (net.Conn, error)
	tls      *identity // nil: plain
	handler  Handler
	limits   Limits
	log      *slog.Logger

	start  time.Time
	ctx    context.Context // done when closing
	cancel context.CancelFunc
	owned  sync.WaitGroup // every goroutine

	links   atomic.Pointer[map[object.NodeID]*link] // replaced, never changed
	refused [refusalEnd]atomic.Uint64
	crowds  atomic.Int64 // links that are crowded
	shaking atomic.Int64 // accepted connections in their handshake
	packers sync.Pool    // of *packer

	mu       sync.Mutex
	closed   bool
	accepted map[net.Conn]struct{}
	grumbled [refusalEnd]grumble

	news    chan struct{} // something is in changed
	newsMu  sync.Mutex    // taken under a link's lock
	changed []*link       // links whose state the handler may not know yet
}

// New begins to listen. The peers come with SetPeers.
func New(o Options) (*Links, error) {
	if o.Self == 0 || o.Listener == nil || o.Handler == nil {
		return nil, errors.New("peer: Self, Listener and Handler are required")
	}
	l := &Links{
		self: o.Self, inc: o.Incarnation, listener: o.Listener, dialer: o.Dial, handler: o.Handler,
		limits: o.Limits.withDefaults(), log: o.Logger, start: time.Now(),
		news: make(chan struct{}, 1), accepted: make(map[net.Conn]struct{}),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.dialer == nil {
		l.dialer = dialTCP
	}
	if o.TLS != nil {
		id, err := newIdentity(o.TLS, o.Self)
		if err != nil {
			return nil, err
		}
		l.tls = id
	}
	l.cluster.Store(&lineage{now: o.Cluster, before: o.Former})
	l.links.Store(&map[object.NodeID]*link{})
	l.ctx, l.cancel = context.WithCancel(context.Background())
	for _, f := range []func(){l.accept, l.watch, l.tell} {
		l.owned.Go(f)
	}
	return l, nil
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// lineage is the cluster that the node is in, and the one that was continued by it, of which some may not know yet.
type lineage struct{ now, before ClusterID }

// admits reports whether who says hello for a cluster may be let in. The zero ClusterID stands for a node that waits to be told
// which one it joins: as a peer it is known by its id. For the cluster of before only those may who were taken along; the others are told
// that they were not.
func (l lineage) admits(c ClusterID, survivor bool) Refusal {
	zero := ClusterID{}
	switch {
	case c == l.now || c == zero || l.now == zero:
		return 0
	case c != l.before || l.before == zero:
		return RefusedCluster
	case !survivor:
		return RefusedLeft
	}
	return 0
}

func (l *Links) lineage() lineage {
	if p := l.cluster.Load(); p != nil {
		return *p
	}
	return lineage{}
}

// SetCluster says which cluster the node is in from now on. Connections stay; peers that know only the cluster of before are let in
// still, if they are marked Former.
func (l *Links) SetCluster(c ClusterID) {
	if before := l.lineage(); before.now != c {
		l.cluster.Store(&lineage{now: c, before: before.now})
	}
}

// SetPeers says who the other members are. Links to new ones begin to connect, links to others end (a handler that takes one
// to be up is told Down), and those whose address changed connect anew. It does not wait. REQUIRES: one call at a time.
func (l *Links) SetPeers(peers []Peer) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	before := *l.links.Load()
	links := make(map[object.NodeID]*link, len(peers))
	for _, p := range peers {
		if p.ID == l.self || p.ID == 0 {
			continue
		}
		k := before[p.ID]
		if k == nil {
			k = newLink(l, p)
			k.survivor.Store(p.Former)
			l.owned.Go(k.run)
		}
		links[p.ID] = k
	}
	l.links.Store(&links)
	l.mu.Unlock()
	for id, k := range before {
		if links[id] == nil {
			k.remove()
		}
	}
	for _, p := range peers {
		if k := links[p.ID]; k != nil {
			k.survivor.Store(p.Former)
			k.setAddr(p.Addr)
		}
	}
}

// Send hands m over for writing to a peer, or drops it: when there is no connection to it, or too much waits for it. It
// never blocks on the network and calls nobody back, so it may be called under a lock. m must not change any more. What was
// taken (true) may still be lost, when the connection breaks; it is never sent twice.
func (l *Links) Send(to object.NodeID, m wire.Message) bool {
	k := (*l.links.Load())[to]
	return k != nil && k.send(m)
}

// Crowded reports whether so much waits for a peer that nothing more should be begun that needs it: from three quarters of what
// may wait until half of it is written. For 0 it says whether any peer is such. It never blocks.
func (l *Links) Crowded(to object.NodeID) bool {
	if to == 0 || l.crowds.Load() == 0 {
		return l.crowds.Load() > 0
	}
	k := (*l.links.Load())[to]
	return k != nil && k.crowded.Load()
}

// Close ends all connections and waits for all goroutines, calls of the handler included. What waits to be written is
// lost. The handler is told nothing any more.
func (l *Links) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		l.owned.Wait()
		return nil
	}
	l.closed = true
	accepted := slices.Collect(maps.Keys(l.accepted))
	l.mu.Unlock()
	l.cancel()
	err := l.listener.Close()
	for _, conn := range accepted {
		_ = conn.Close()
	}
	for _, k := range *l.links.Load() {
		k.remove()
	}
	l.owned.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("peer: close listener: %w", err)
	}
	return nil
}

// now is the time since the links began, never 0.
func (l *Links) now() time.Duration { return time.Since(l.start) + 1 }

// report has the handler told what became of k. It is called under k's lock.
func (l *Links) report(k *link) {
	l.newsMu.Lock()
	l.changed = append(l.changed, k)
	l.newsMu.Unlock()
	poke(l.news)
}

// tell is the goroutine that calls the handler's Up and Down.
func (l *Links) tell() {
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.news:
		}
		l.newsMu.Lock()
		changed := l.changed
		l.changed = nil
		l.newsMu.Unlock()
		for _, k := range changed {
			down, up, why := k.unsaid()
			if down {
				l.log.Info("peer down", "peer", k.name(), "why", why)
				l.handler.Down(k.id)
			}
			if up {
				l.log.Info("peer up", "peer", k.name())
				l.handler.Up(k.id)
			}
		}
	}
}
