package gossip

import (
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/rondokv/rondo/engine/object"
)

// network is a network in memory, for tests in virtual time (testing/synctest): packets take a millisecond, streams are pipes, and
// directions between two addresses can be cut.
type network struct {
	mu    sync.Mutex
	hosts map[string]*host
	port  uint16
	cuts  map[[2]string]bool
	drop  func() bool // nil: nothing is lost

	packets, bytes int
}

func newNetwork() *network { return &network{hosts: map[string]*host{}, cuts: map[[2]string]bool{}} }

func (n *network) listen(bind netip.AddrPort, _ *log.Logger) (memberlist.NodeAwareTransport, uint16, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	port := bind.Port()
	if port == 0 {
		n.port++
		port = 1000 + n.port
	}
	h := &host{net: n, at: netip.AddrPortFrom(bind.Addr(), port), packets: make(chan *memberlist.Packet, 4096), streams: make(chan net.Conn, 64)}
	if n.hosts[h.at.String()] != nil {
		return nil, 0, fmt.Errorf("%s is in use", h.at)
	}
	n.hosts[h.at.String()] = h
	return h, port, nil
}

// cut stops what goes from one address to another; "*" is every address. It does not stop the other direction.
func (n *network) cut(from, to string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[[2]string{from, to}] = on
}

func (n *network) blockedLocked(from, to string) bool {
	return n.cuts[[2]string{from, to}] || n.cuts[[2]string{"*", to}] || n.cuts[[2]string{from, "*"}]
}

type host struct {
	net     *network
	at      netip.AddrPort
	packets chan *memberlist.Packet
	streams chan net.Conn
	mu      sync.Mutex
	conns   []net.Conn
}

var errUnreachable = errors.New("unreachable")

func (h *host) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return h.at.Addr().AsSlice(), int(h.at.Port()), nil
}

func (h *host) WriteTo(b []byte, addr string) (time.Time, error) {
	return h.WriteToAddress(b, memberlist.Address{Addr: addr})
}

func (h *host) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.net.packets, h.net.bytes = h.net.packets+1, h.net.bytes+len(b)
	to := h.net.hosts[a.Addr]
	lost := to == nil || h.net.hosts[h.at.String()] != h || h.net.blockedLocked(h.at.String(), a.Addr) || h.net.drop != nil && h.net.drop()
	if !lost {
		p := &memberlist.Packet{Buf: append([]byte(nil), b...), From: net.UDPAddrFromAddrPort(h.at)}
		time.AfterFunc(time.Millisecond, func() {
			p.Timestamp = time.Now()
			select {
			case to.packets <- p:
			default:
			}
		})
	}
	return time.Now(), nil
}

func (h *host) PacketCh() <-chan *memberlist.Packet { return h.packets }
func (h *host) StreamCh() <-chan net.Conn           { return h.streams }

func (h *host) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return h.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (h *host) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	h.net.mu.Lock()
	to := h.net.hosts[a.Addr]
	from := h.at.String()
	cut := h.net.blockedLocked(from, a.Addr) || h.net.blockedLocked(a.Addr, from) || h.net.hosts[from] != h
	h.net.mu.Unlock()
	if cut {
		time.Sleep(timeout) // what a cut costs the dialler
		return nil, errUnreachable
	}
	if to == nil {
		return nil, errUnreachable
	}
	mine, theirs := net.Pipe()
	h.keep(mine)
	to.keep(theirs)
	select {
	case to.streams <- pipeEnd{theirs, net.TCPAddrFromAddrPort(h.at)}:
		return pipeEnd{mine, net.TCPAddrFromAddrPort(to.at)}, nil
	default:
		return nil, errUnreachable
	}
}

type pipeEnd struct {
	net.Conn
	remote net.Addr
}

func (p pipeEnd) RemoteAddr() net.Addr { return p.remote }

func (h *host) keep(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, c)
}

func (h *host) Shutdown() error {
	h.net.mu.Lock()
	if h.net.hosts[h.at.String()] == h {
		delete(h.net.hosts, h.at.String())
	}
	h.net.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		_ = c.Close()
	}
	return nil
}

// node is a Gossip under test. Every view that it was told is kept.
type node struct {
	*Gossip
	t     testing.TB
	mu    sync.Mutex
	views []View
	news  chan struct{}
}

func options(id int, seeds ...string) Options {
	return Options{
		ID: object.NodeID(id), Incarnation: object.Incarnation(100 + id), ClusterID: "cluster-a", Bind: "127.0.0.1:0", Seeds: seeds,
		Meta:   Meta{Client: fmt.Sprintf("10.0.0.%d:6379", id%250), Peer: fmt.Sprintf("10.0.0.%d:16379", id%250), Rack: "r", Weight: 1, Epoch: 1},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// run starts a node on a network, nil being the real one, and stops it with the test.
func run(t testing.TB, n *network, o Options) *node {
	t.Helper()
	x := &node{t: t, news: make(chan struct{}, 1)}
	o.OnChange = func(v View) {
		x.mu.Lock()
		x.views = append(x.views, v)
		x.mu.Unlock()
		signal(x.news)
	}
	var err error
	if n == nil {
		x.Gossip, err = Start(o)
	} else {
		x.Gossip, err = start(o, n.listen)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

const patience = 3 * time.Minute

// await waits until a view is as wanted, and returns how long that took.
func (x *node) await(what string, ok func(View) bool) time.Duration {
	x.t.Helper()
	begin := time.Now()
	deadline := time.After(patience)
	for {
		if v := x.View(); ok(v) {
			return time.Since(begin)
		}
		select {
		case <-x.news:
		case <-deadline:
			x.t.Fatalf("node %v: never saw: %s\n%s", x.ID(), what, x.picture())
		}
	}
}

// awaitFailure waits until a node has given way to another with its id.
func (x *node) awaitFailure(others []*node) {
	x.t.Helper()
	select {
	case <-x.Failed():
	case <-time.After(patience):
		for _, y := range others {
			x.t.Logf("node %v: %v\n%s", y.ID(), y.Err(), y.picture())
		}
		x.t.Fatalf("node %v never failed\n%s", x.ID(), x.picture())
	}
}

func (x *node) picture() string {
	s := ""
	for m := range x.View().All() {
		s += fmt.Sprintf("  %v %v %v inc %v at %s flaps %d\n", m.ID, m.State, m.Doubt, m.Incarnation, m.Gossip, m.Flaps)
	}
	return s
}

func is(id int, want State) func(View) bool {
	return func(v View) bool {
		m, ok := v.Get(object.NodeID(id))
		return ok && m.State == want
	}
}

func doubted(id int, d Doubt) func(View) bool {
	return func(v View) bool {
		m, _ := v.Get(object.NodeID(id))
		return m.State == Suspect && m.Doubt == d
	}
}

// history is all changes that a node was told of another.
func (x *node) history(id int) []Change {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []Change
	var old View
	for _, v := range x.views {
		for _, c := range v.Since(old) {
			if c.Member.ID == object.NodeID(id) {
				out = append(out, c)
			}
		}
		old = v
	}
	return out
}

// cluster starts n nodes of which all know the first, and waits until everybody sees everybody.
func cluster(t testing.TB, net *network, n int) []*node {
	t.Helper()
	nodes := []*node{run(t, net, options(1))}
	for i := 2; i <= n; i++ {
		nodes = append(nodes, run(t, net, options(i, nodes[0].Address())))
	}
	for _, x := range nodes {
		x.await("all alive", all(n))
	}
	return nodes
}

func all(n int) func(View) bool {
	return func(v View) bool {
		up := 0
		for m := range v.All() {
			if m.State == Alive {
				up++
			}
		}
		return up == n
	}
}
