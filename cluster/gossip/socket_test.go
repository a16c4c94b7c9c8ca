package gossip

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

// The same on real sockets: what the network in memory cannot show. Runs at the same time as the others of its kind, since
// memberlist knows only real time here.

func TestSockets(t *testing.T) {
	t.Parallel()
	key := slices.Repeat([]byte{7}, keyBytes)
	keyed := func(id int, seeds ...string) Options {
		o := options(id, seeds...)
		o.Keys = [][]byte{key}
		return o
	}
	a := run(t, nil, keyed(1))
	b := run(t, nil, keyed(2, strings.Replace(a.Address(), "127.0.0.1", "localhost", 1)))
	c := run(t, nil, keyed(3, a.Address(), b.Address()))
	for _, x := range []*node{a, b, c} {
		x.await("all", all(3))
	}
	other := options(4, a.Address())
	other.ClusterID = "another"
	other.Keys = [][]byte{key}
	d := run(t, nil, other)
	wrong := options(5, a.Address())
	wrong.Keys = [][]byte{make([]byte, keyBytes)}
	e := run(t, nil, wrong)
	copied := keyed(3, a.Address())
	copied.Incarnation += 1000
	f := run(t, nil, copied)
	f.awaitFailure([]*node{a, b, c})

	if err := b.Leave(context.Background()); err != nil {
		t.Error(err)
	}
	_ = b.Close()
	a.await("2 left", is(2, Left))
	_ = c.Close()
	t.Logf("killed: known after %v", a.await("3 dead", is(3, Dead)))
	back := keyed(3, a.Address())
	back.Bind, back.Incarnation = c.Address(), back.Incarnation+1000
	run(t, nil, back)
	t.Logf("restarted: known after %v", a.await("3 back", is(3, Alive)))
	if got := kinds(a.history(3)); !slices.Equal(got, []ChangeKind{Up, Down, Up}) {
		t.Errorf("told %v", got)
	}
	if d.View().Len() != 1 || e.View().Len() != 1 || a.View().Len() != 3 {
		t.Errorf("clusters mixed\n%s\n%s\n%s", a.picture(), d.picture(), e.picture())
	}
}

func TestSocketsDetection(t *testing.T) {
	t.Parallel()
	nodes := cluster(t, nil, 5)
	_ = nodes[4].Close()
	begin := time.Now()
	for _, x := range nodes[:4] {
		x.await("5 dead", is(5, Dead))
		t.Logf("node %v: after %v", x.ID(), time.Since(begin).Round(time.Millisecond))
	}
}

// cutter drops packets and dials to some addresses on a real transport.
type cutter struct {
	*transport
	mu  sync.Mutex
	cut map[string]bool
}

func (c *cutter) isCut(addr string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut[addr]
}

func (c *cutter) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	if c.isCut(a.Addr) {
		return time.Now(), nil
	}
	return c.transport.WriteToAddress(b, a)
}

func (c *cutter) DialAddressTimeout(a memberlist.Address, d time.Duration) (net.Conn, error) {
	if c.isCut(a.Addr) {
		return nil, errUnreachable
	}
	return c.transport.DialAddressTimeout(a, d)
}

// Deafness on real sockets: the others' packets to node 3 are dropped, its own arrive.
func TestSocketsDeaf(t *testing.T) {
	t.Parallel()
	var cutters []*cutter
	start3 := func(o Options) *node {
		x := &node{t: t, news: make(chan struct{}, 1)}
		o.OnChange = func(v View) { signal(x.news) }
		var err error
		x.Gossip, err = start(o, func(bind netip.AddrPort, l *log.Logger) (memberlist.NodeAwareTransport, uint16, error) {
			tr, err := newTransport(bind, l)
			if err != nil {
				return nil, 0, err
			}
			c := &cutter{transport: tr, cut: map[string]bool{}}
			cutters = append(cutters, c)
			return c, tr.port(), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = x.Close() })
		return x
	}
	a := start3(options(1))
	b := start3(options(2, a.Address()))
	c := start3(options(3, a.Address()))
	for _, x := range []*node{a, b, c} {
		x.await("all", all(3))
	}
	for _, k := range cutters[:2] {
		k.mu.Lock()
		k.cut[c.Address()] = true
		k.mu.Unlock()
	}
	t.Logf("deaf: known after %v", a.await("3 dead", is(3, Dead)))
	m := options(3).Meta
	m.Epoch = 99
	_ = c.Update(m)
	a.await("the deaf one's update", func(v View) bool { y, _ := v.Get(3); return y.Epoch == 99 })
	if a.Alive(3) {
		t.Error("brought back by a packet of its own")
	}
}

func TestSocketsRotateUnderTraffic(t *testing.T) {
	t.Parallel()
	old, next := slices.Repeat([]byte{1}, keyBytes), slices.Repeat([]byte{2}, keyBytes)
	var nodes []*node
	for i := 1; i <= 3; i++ {
		o := options(i)
		o.Keys = [][]byte{old}
		if i > 1 {
			o.Seeds = []string{nodes[0].Address()}
		}
		nodes = append(nodes, run(t, nil, o))
	}
	for _, x := range nodes {
		x.await("all", all(3))
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i, x := range nodes {
		wg.Go(func() {
			m := options(i + 1).Meta
			for ctx.Err() == nil {
				m.Epoch++
				_ = x.Update(m)
				_ = x.ml.UpdateNode(time.Millisecond)
			}
		})
	}
	var turn sync.WaitGroup
	for _, x := range nodes {
		turn.Go(func() {
			c, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			if err := x.RotateKey(c, next); err != nil {
				t.Error(err)
			}
		})
	}
	turn.Wait()
	stop()
	wg.Wait()
	for _, x := range nodes {
		x.await("nobody fell", all(3))
		if got := kinds(x.history(1)); len(got) != 1 || !slices.Equal(x.Keys(), []uint32{fingerprint(next)}) {
			t.Errorf("told %v, keys %x", got, x.Keys())
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	x := run(t, nil, options(1))
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range maxStreams + 10 {
		c, err := net.Dial("tcp", x.Address())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	// Streams are taken in order, so the last ones are those that are too many.
	for _, c := range conns[maxStreams:] {
		_ = c.SetReadDeadline(time.Now().Add(streamTimeout / 2))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
			t.Errorf("a stream too many was kept: %v", err)
		}
	}
	begin := time.Now()
	_ = x.Close()
	if took := time.Since(begin); took > time.Second {
		t.Errorf("Close took %v with streams open", took)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// Not parallel: nothing else of this package runs.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	nodes := cluster(t, nil, 3)
	for _, x := range nodes {
		if err := errors.Join(x.Close(), x.Close()); err != nil {
			t.Error(err)
		}
	}
	if left := goroutines("cluster/gossip."); len(left) > 0 {
		t.Errorf("Close left %d of ours:\n%s", len(left), strings.Join(left, "\n\n"))
	}
	deadline := time.Now().Add(awarenessMax * probeInterval)
	for left := goroutines("memberlist"); len(left) > 0; left = goroutines("memberlist") {
		if time.Now().After(deadline) {
			t.Fatalf("%d of memberlist's are left:\n%s", len(left), strings.Join(left, "\n\n"))
		}
		runtime.Gosched()
	}
}

// goroutines returns the stacks of those that run something of a package, the caller apart.
func goroutines(of string) []string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var found []string
	for i, s := range strings.Split(string(buf), "\n\n") {
		if i > 0 && strings.Contains(s, of) && !strings.Contains(s, "testing.tRunner(") {
			found = append(found, s)
		}
	}
	return found
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no id":             {func(o *Options) { o.ID = 0 }, "no node id"},
		"no incarnation":    {func(o *Options) { o.Incarnation = 0 }, "no incarnation"},
		"no cluster":        {func(o *Options) { o.ClusterID = "" }, "cluster id"},
		"long cluster":      {func(o *Options) { o.ClusterID = strings.Repeat("x", 256) }, "cluster id of 256 bytes"},
		"no logger":         {func(o *Options) { o.Logger = nil }, "logger"},
		"short key":         {func(o *Options) { o.Keys = [][]byte{make([]byte, 16)} }, "key 1 has 16 bytes"},
		"three keys":        {func(o *Options) { o.Keys = make([][]byte, 3) }, "3 keys"},
		"seed without port": {func(o *Options) { o.Seeds = []string{"host"} }, `seed "host"`},
		"port taken":        {func(o *Options) { o.Bind = taken.Addr().String() }, taken.Addr().String()},
		"wildcard":          {func(o *Options) { o.Bind = "0.0.0.0:0" }, "advertise"},
		"wildcard, empty":   {func(o *Options) { o.Bind = ":0" }, "advertise"},
		"advertised void":   {func(o *Options) { o.Bind, o.Advertise = ":0", "0.0.0.0:1" }, "no address to dial"},
		"bad meta":          {func(o *Options) { o.Meta.Client = "10.0.0.1" }, "client address"},
	} {
		o := options(1)
		c.change(&o)
		g, err := Start(o)
		if err == nil {
			_ = g.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want something with %q", name, err, c.want)
		}
	}
	o := options(1)
	o.Bind, o.Advertise, o.Meta.Weight = "0.0.0.0:0", "127.0.0.1:0", 0
	o.OnChange = nil
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := g.View().Get(1); !strings.HasPrefix(g.Address(), "127.0.0.1:") || strings.HasSuffix(g.Address(), ":0") || m.Weight != 1 || m.State != Alive {
		t.Errorf("%+v at %s", m, g.Address())
	}
	// A seed that is this node under another address is nobody.
	_, port, _ := net.SplitHostPort(g.Address())
	if err := g.try("127.0.0.2:" + port); !errors.Is(err, errOnlySelf) {
		t.Errorf("joined itself: %v", err)
	}
	_ = g.Close()
}
