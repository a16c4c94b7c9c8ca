package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// network is connections in memory, in virtual time, through relays that can lose or hold what goes from one node to another.
type network struct {
	mu        sync.Mutex
	changed   *sync.Cond
	listeners map[string]*listener
	lossy     map[path]bool // bytes vanish
	stuck     map[path]bool // bytes wait
	hang      map[path]bool // connections are not made
	dials     map[path]int
	conns     map[net.Conn]struct{} // ends that relays hold
}

type path struct{ from, to object.NodeID }

func newNetwork() *network {
	n := &network{
		listeners: make(map[string]*listener), lossy: make(map[path]bool), stuck: make(map[path]bool), hang: make(map[path]bool), dials: make(map[path]int),
		conns: make(map[net.Conn]struct{}),
	}
	n.changed = sync.NewCond(&n.mu)
	return n
}

// set changes what happens to bytes on a path.
func (n *network) set(kind map[path]bool, from, to object.NodeID, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	kind[path{from, to}] = on
	n.changed.Broadcast()
}

// sever breaks all connections.
func (n *network) sever() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
}

func address(id object.NodeID) string { return fmt.Sprintf("node-%d", id) }

func (n *network) listen(id object.NodeID) net.Listener {
	l := &listener{id: id, incoming: make(chan net.Conn), done: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[address(id)] = l
	return l
}

func (n *network) dialer(from object.NodeID) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		n.mu.Lock()
		l := n.listeners[addr]
		if l == nil {
			n.mu.Unlock()
			return nil, errors.New("no such address")
		}
		n.dials[path{from, l.id}]++
		dead := n.hang[path{from, l.id}] || n.lossy[path{from, l.id}] || n.lossy[path{l.id, from}]
		n.mu.Unlock()
		if dead {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		near, nearRelay := net.Pipe()
		farRelay, far := net.Pipe()
		select {
		case l.incoming <- far:
		case <-l.done:
			return nil, errors.New("connection refused")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		n.mu.Lock()
		n.conns[nearRelay], n.conns[farRelay] = struct{}{}, struct{}{}
		n.mu.Unlock()
		go n.relay(path{from, l.id}, nearRelay, farRelay)
		go n.relay(path{l.id, from}, farRelay, nearRelay)
		return near, nil
	}
}

func (n *network) relay(p path, from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		size, err := from.Read(buf)
		n.mu.Lock()
		for n.stuck[p] {
			n.changed.Wait()
		}
		lossy := n.lossy[p]
		n.mu.Unlock()
		if size > 0 && !lossy {
			if _, werr := to.Write(buf[:size]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			_ = from.Close()
			_ = to.Close()
			n.mu.Lock()
			delete(n.conns, from)
			n.mu.Unlock()
			return
		}
	}
}

type listener struct {
	id       object.NodeID
	incoming chan net.Conn
	done     chan struct{}
	once     sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: address(l.id), Net: "memory"} }

// node is a Handler that remembers.
type node struct {
	id    object.NodeID
	links *Links

	mu     sync.Mutex
	got    []wire.Message
	events []string // "up 2", "down 2"
	hold   chan struct{}
	more   chan struct{} // something came
}

func (n *node) Receive(from object.NodeID, ms []wire.Message) {
	n.mu.Lock()
	n.got = append(n.got, ms...)
	hold := n.hold
	n.mu.Unlock()
	n.poke()
	if hold != nil {
		<-hold
	}
}

func (n *node) Up(id object.NodeID)   { n.event("up", id) }
func (n *node) Down(id object.NodeID) { n.event("down", id) }

func (n *node) event(what string, id object.NodeID) {
	n.mu.Lock()
	n.events = append(n.events, fmt.Sprint(what, " ", uint64(id)))
	n.mu.Unlock()
	n.poke()
}

func (n *node) poke() {
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// take returns the events since the last call.
func (n *node) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := fmt.Sprint(n.events)
	n.events = nil
	return e
}

func (n *node) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.got)
}

// await waits until holds is true; something has to come for it to be looked at again.
func (n *node) await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !holds() {
		select {
		case <-n.more:
		case <-limit.C:
			t.Fatalf("node %d: waited in vain for %s; events %s, %d messages, %+v", n.id, what, n.take(), n.count(), n.links.Stats())
		}
	}
}

// has says whether the events up to now end with e.
func (n *node) has(e string) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.events) > 0 && n.events[len(n.events)-1] == e
	}
}

func newNode(t testing.TB, o Options) *node {
	t.Helper()
	n := &node{id: o.Self, more: make(chan struct{}, 1)}
	o.Handler = n
	if o.Incarnation == 0 {
		o.Incarnation = 1
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	n.links = start(t, o)
	return n
}

// inMemory starts nodes 1 to n on a network in memory, all peers of each other and up.
func inMemory(t *testing.T, n int, limits Limits) (*network, []*node) {
	t.Helper()
	net := newNetwork()
	var nodes []*node
	var peers []Peer
	for id := object.NodeID(1); id <= object.NodeID(n); id++ {
		nodes = append(nodes, newNode(t, Options{Self: id, Listener: net.listen(id), Dial: net.dialer(id), Limits: limits}))
		peers = append(peers, Peer{ID: id, Addr: address(id)})
	}
	t.Cleanup(func() { // before the nodes close
		net.mu.Lock()
		clear(net.stuck)
		net.changed.Broadcast()
		net.mu.Unlock()
	})
	for _, node := range nodes {
		node.links.SetPeers(peers)
	}
	synctest.Wait()
	for _, node := range nodes {
		for _, s := range node.links.Stats() {
			if !s.Up {
				t.Fatalf("node %d: %+v", node.id, s)
			}
		}
		node.take()
	}
	return net, nodes
}

// request returns a Read of n bytes or so.
func request(id uint64, budget uint32, n int) *wire.Read {
	return &wire.Read{Header: wire.Header{ID: id, Asker: 1, Budget: budget}, Keys: []wire.KeyRead{{Ref: object.KeyRef{Name: make([]byte, n)}}}}
}
