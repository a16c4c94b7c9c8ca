package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
)

// town is a ring of nodes in one process. Messages go through the bytes of package wire.
type town struct {
	t     *testing.T
	nodes []RingNode
	roads []*road
	down  []atomic.Bool // by node: nobody hears it, it hears nobody
}

// road is what is on its way to one node.
type road struct {
	mu    sync.Mutex
	mail  map[object.NodeID][]wire.Message
	order []object.NodeID
	ready chan struct{}
}

type gate struct {
	town *town
	from int
}

func (g gate) Send(to object.NodeID, m wire.Message) bool {
	from := object.NodeID(g.from + 1)
	if g.town.down[g.from].Load() || g.town.down[to-1].Load() {
		return false
	}
	m, err := wire.Decode(wire.AppendFrame(nil, m))
	if err != nil {
		panic(err)
	}
	r := g.town.roads[to-1]
	r.mu.Lock()
	if len(r.mail[from]) == 0 {
		r.order = append(r.order, from)
	}
	r.mail[from] = append(r.mail[from], m)
	r.mu.Unlock()
	select {
	case r.ready <- struct{}{}:
	default:
	}
	return true
}

func newTown(t *testing.T, nodes, replicas int) *town {
	c := &town{t: t, down: make([]atomic.Bool, nodes)}
	members := make([]ring.Node, nodes)
	for i := range members {
		members[i] = ring.Node{ID: ring.NodeID(i + 1), Weight: 1}
	}
	r, err := ring.Build(members, ring.Options{Replicas: replicas, SlotsPerPartition: 512})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var carriers sync.WaitGroup
	for i := range nodes {
		c.roads = append(c.roads, &road{mail: map[object.NodeID][]wire.Message{}, ready: make(chan struct{}, 1)})
		n, err := NewNode(Options{
			Store: memstore.WithLock(memstore.New()), ID: object.NodeID(i + 1), Inc: object.Incarnation(100 + i), Secret: object.Secret{K0: 1, K1: 2},
			SlotsPerPartition: 512, RaiseCeiling: func(object.HLC) error { return nil }, Ring: r, Links: gate{c, i},
			Alive: func(id object.NodeID) bool { return !c.down[id-1].Load() && !c.down[i].Load() },
			Parse: func(_ object.Slot, body []byte) (dynamo.PassedOp, error) { return parseTownOp(string(body)), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, RingNode{n})
	}
	for i, r := range c.roads {
		carriers.Add(1)
		go func() {
			defer carriers.Done()
			for {
				select {
				case <-stop:
					return
				case <-r.ready:
				}
				for {
					r.mu.Lock()
					if len(r.order) == 0 {
						r.mu.Unlock()
						break
					}
					from := r.order[0]
					ms := r.mail[from]
					r.order, r.mail[from] = r.order[1:], nil
					r.mu.Unlock()
					c.nodes[i].Receive(from, ms)
				}
			}
		}()
	}
	t.Cleanup(func() {
		close(stop)
		carriers.Wait()
		for _, n := range c.nodes {
			n.Close()
		}
	})
	return c
}

type townOp struct {
	verb, key, value string
	reply            string
}

func parseTownOp(text string) *townOp {
	f := append(strings.Fields(strings.TrimPrefix(text, "\x01")), "", "")
	return &townOp{verb: f[0], key: f[1], value: f[2]}
}

func (o *townOp) Reads() object.ReadSet {
	return object.ReadSet{Keys: []object.KeyRef{{Name: []byte(o.key)}}, Blind: o.verb == "SET"}
}

func (o *townOp) Eval(_ *object.Input, v *object.View, m *object.Mutation) {
	text, _ := v.Keys[0].Text()
	switch o.verb {
	case "GET":
		o.reply = string(text.AppendTo(nil))
	case "SET":
		o.reply = "OK"
		m.Set(0, []byte(o.value), 0)
	case "INCR":
		m.Add(0, 1)
		o.reply = fmt.Sprint(text.Int + 1)
	}
}

func (o *townOp) AppendBody(dst []byte) []byte {
	return append(dst, "\x01"+o.verb+" "+o.key+" "+o.value...)
}
func (o *townOp) AppendReply(dst []byte) []byte { return append(dst, o.reply...) }
func (o *townOp) TakeReply(b []byte)            { o.reply = string(b) }

func (c *town) run(node int, text string, level quorum.Level) (string, error) {
	o := parseTownOp(text)
	call := &Call{Request: dynamo.Request{Op: o, Slot: slotOf(o.key), Write: o.verb != "GET", ReadLevel: Level{Level: level}, WriteLevel: Level{Level: level}}}
	c.nodes[node].Start(call)
	c.nodes[node].Finish([]*Call{call})
	return o.reply, call.Err
}

func (c *town) must(node int, text string, level quorum.Level, want string) {
	c.t.Helper()
	if got, err := c.run(node, text, level); err != nil || got != want {
		c.t.Fatalf("node %d: %s: %q, %v, want %q", node, text, got, err, want)
	}
}

func TestRingOfSeveral(t *testing.T) {
	c := newTown(t, 5, 3)
	for i := range c.nodes {
		for k := range 20 {
			c.must(i, fmt.Sprintf("SET key%d v%d.%d", k, k, i), quorum.Quorum, "OK")
			c.must((i+k)%5, fmt.Sprintf("GET key%d", k), quorum.Quorum, fmt.Sprintf("v%d.%d", k, i))
		}
	}
	for _, scope := range []Scope{ScopeAll, ScopeOwn} {
		total, seen := int64(0), map[string]int{}
		for i, n := range c.nodes {
			size, err := n.Size(scope, 0)
			if err != nil {
				t.Fatal(err)
			}
			if total += size; scope == ScopeAll && size != 20 {
				t.Errorf("node %d says %d keys", i, size)
			}
			if err := n.Keys(scope, 0, func(name []byte) bool { seen[string(name)]++; return true }); err != nil {
				t.Fatal(err)
			}
		}
		times := map[Scope]int{ScopeAll: 5, ScopeOwn: 1}[scope]
		if total != int64(20*times) || len(seen) != 20 {
			t.Errorf("scope %d: %d keys in all, %d names", scope, total, len(seen))
		}
		for name, n := range seen {
			if n != times {
				t.Errorf("scope %d: %s was seen %d times", scope, name, n)
			}
		}
	}
	if err := c.nodes[3].Flush(ScopeAll, 0, Level{Level: quorum.All}); err != nil {
		t.Fatal(err)
	}
	c.must(1, "GET key3", quorum.Quorum, "")
	if size, err := c.nodes[2].Size(ScopeAll, 0); size != 0 || err != nil {
		t.Errorf("after a flush: %d keys, %v", size, err)
	}
	c.must(4, "SET key3 again", quorum.All, "OK")
	if size, err := c.nodes[2].Size(ScopeAll, 0); size != 1 || err != nil {
		t.Errorf("after a flush and a SET: %d keys, %v", size, err)
	}
	if err := c.nodes[3].Flush(ScopeAll, -1, Level{Level: quorum.All}); err != nil {
		t.Fatal(err)
	}
	if name, ok, err := c.nodes[0].RandomKey(ScopeAll, 0); ok || err != nil {
		t.Errorf("after a flush: %s %v", name, err)
	}
}

func TestIncrementsFromEverywhere(t *testing.T) {
	c := newTown(t, 5, 3)
	const each = 100
	var wg sync.WaitGroup
	var failed atomic.Int64
	for i := range c.nodes {
		for range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range each / 4 {
					if _, err := c.run(i, "INCR n", quorum.Quorum); err != nil {
						failed.Add(1)
					}
				}
			}()
		}
	}
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d increments failed", failed.Load())
	}
	c.must(2, "GET n", quorum.Quorum, fmt.Sprint(5*each))
}

func TestNodeDiesAndReturns(t *testing.T) {
	c := newTown(t, 3, 3)
	c.must(0, "SET k 1", quorum.All, "OK")
	c.down[2].Store(true)
	for i := range 2 {
		c.nodes[i].PeerDown(3)
	}
	for k := range 50 {
		c.must(k%2, fmt.Sprintf("SET key%d x", k), quorum.Quorum, "OK")
	}
	var unavailable *UnavailableError
	if _, err := c.run(0, "SET k 2", quorum.All); !errors.As(err, &unavailable) {
		t.Errorf("ALL with a node down: %v", err)
	}
	if _, err := c.run(2, "SET k 3", quorum.Quorum); !errors.As(err, &unavailable) {
		t.Errorf("the minority: %v", err)
	}
	c.down[2].Store(false)
	for i := range 2 {
		c.nodes[i].PeerUp(3)
	}
	deadline := time.Now().Add(10 * time.Second)
	for k := 0; k < 50; {
		if got, err := c.run(2, fmt.Sprintf("GET key%d", k), quorum.One); err == nil && got == "x" {
			k++
		} else if time.Now().After(deadline) {
			t.Fatalf("key%d did not come home: %q %v", k, got, err)
		}
	}
	c.must(2, "GET k", quorum.Quorum, "1")
}
