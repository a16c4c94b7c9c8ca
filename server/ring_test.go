package server

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// ringNode is a node that is member of a ring of several: what its calls end with can be set by slot, and it notes them.
type ringNode struct {
	Node
	Keyspace

	mu     sync.Mutex
	errs   map[object.Slot]error
	seen   []string // slot kind levels
	scopes []cluster.Scope
	flush  cluster.Level
}

func (n *ringNode) fail(key string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.errs[command.Slot([]byte(key))] = err
}

func (n *ringNode) Start(c *cluster.Call) {
	n.mu.Lock()
	err := n.errs[c.Slot]
	kind := "read "
	if c.Write {
		kind = "write "
	}
	n.seen = append(n.seen, kind+c.ReadLevel.String()+" "+c.WriteLevel.String())
	n.mu.Unlock()
	if err != nil {
		c.Err = err
		return
	}
	// The node beneath is alone: it has no more than one replica to offer.
	wanted, wrote := c.ReadLevel, c.WriteLevel
	c.ReadLevel, c.WriteLevel = cluster.Level{}, cluster.Level{}
	n.Node.Start(c)
	c.ReadLevel, c.WriteLevel = wanted, wrote
}

func (n *ringNode) Finish(cs []*cluster.Call) {
	var well []*cluster.Call
	for _, c := range cs {
		if c.Err == nil {
			well = append(well, c)
		}
	}
	n.Node.Finish(well)
}

func (n *ringNode) Size(scope cluster.Scope, db uint8) (int64, error) {
	n.note(scope)
	return n.Keyspace.Size(scope, db)
}

func (n *ringNode) Flush(scope cluster.Scope, db int, level cluster.Level) error {
	n.note(scope)
	n.flush = level
	return n.Keyspace.Flush(scope, db, level)
}

func (n *ringNode) note(scope cluster.Scope) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.scopes = append(n.scopes, scope)
}

// last is what the node saw last.
func (n *ringNode) last() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.seen[len(n.seen)-1]
}

// changing is a source whose topology tests replace.
type changing struct{ now atomic.Pointer[Topology] }

func (c *changing) Topology() *Topology { return c.now.Load() }

// ringRig is a server that is node 1 of a ring.
type ringRig struct {
	*rig
	node *ringNode
	ring *changing
}

func newRingRig(t testing.TB, v View, change ...func(*Options)) *ringRig {
	t.Helper()
	r := &ringRig{ring: new(changing)}
	r.ring.now.Store(mustTopology(t, v))
	r.rig = newRig(t, append([]func(*Options){func(o *Options) {
		keys, err := keyspaceOf(o.Node)
		if err != nil {
			t.Fatal(err)
		}
		r.node = &ringNode{Node: o.Node, Keyspace: keys, errs: map[object.Slot]error{}}
		o.Node, o.Topology = r.node, r.ring
	}}, change...)...)
	return r
}

func view(n, replicas int, failed ...object.NodeID) View {
	return View{Version: 1, Epoch: 1, Self: 1, Members: members(n, failed...), Lists: lists(n, replicas)}
}

// keyOf finds a key of a partition of eight.
func keyOf(p int) string {
	for i := 0; ; i++ {
		key := "k" + strings.Repeat("x", i)
		if int(command.Slot([]byte(key)))/2048 == p {
			return key
		}
	}
}

func unavailable(have, need, of int) error {
	return &cluster.UnavailableError{Count: cluster.Count{Have: have, Need: need, Of: of}}
}

func timedOut(have, need int) error {
	return &cluster.TimeoutError{Acks: cluster.Count{Have: have, Need: need, Of: 3}}
}

func TestFailureReplies(t *testing.T) {
	r := newRingRig(t, view(3, 3))
	for _, c := range []struct {
		err              error
		cluster, forward string
	}{
		{unavailable(1, 2, 3), "-CLUSTERDOWN UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "-UNAVAILABLE need 2 of 3 home replicas, 1 reachable"},
		{timedOut(1, 2), "-TIMEOUT unknown, acks 1 of 2", ""},
		{cluster.ErrOverloaded, "-OVERLOADED the queue of operations is full, nothing was done, try again later", ""},
		{&cluster.LevelError{Level: 3, Need: 3, Have: 1}, "-ERR THREE needs 3 home replicas, the ring has 1", ""},
		{&cluster.RemoteError{Text: "MISCONF no room"}, "-MISCONF no room", ""},
		{&cluster.RemoteError{Text: "store: no room"}, "-ERR the node that ran the operation refused it: store: no room", ""},
		{cluster.ErrTooLarge, "-" + string(errTooLarge), ""},
	} {
		if c.forward == "" {
			c.forward = c.cluster
		}
		key := keyOf(0)
		r.node.fail(key, c.err)
		client := r.dial(r.cluster)
		client.want(c.cluster, "SET", key, "v")
		forward := r.dial(r.forward)
		forward.want(c.forward, "SET", key, "v")
		forward.want("OK", "MULTI")
		forward.want("QUEUED", "SET", key, "v")
		forward.want(c.forward, "EXEC")
	}
	if n := r.srv.levels[indexWrite][levelIndex(defaultLevels().Write)].unavailable.Load(); n != 3 {
		t.Errorf("%d counted as unavailable, want 3", n)
	}
}

// What a scattered command says must be true of all its parts.
func TestScatteredFailures(t *testing.T) {
	r := newRingRig(t, view(3, 3))
	a, b, c := keyOf(0), keyOf(1), keyOf(2)
	client := r.dial(r.forward)
	mset := []string{"MSET", a, "1", b, "2", c, "3"}
	client.want("OK", mset...)
	r.node.fail(b, unavailable(1, 2, 3))
	client.want("-PARTIAL done in 2 of 3 slots; UNAVAILABLE need 2 of 3 home replicas, 1 reachable", mset...)
	client.want("-UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "MGET", a, b, c)
	client.want("-UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "EXISTS", a, b, c)
	r.node.fail(c, timedOut(1, 2))
	client.want("-TIMEOUT unknown, acks 1 of 2, done in 1 of 3 slots", mset...)
	client.want("-TIMEOUT unknown, acks 1 of 2, done in 0 of 2 slots", "DEL", b, c)
	for _, key := range []string{a, b, c} {
		r.node.fail(key, unavailable(0, 2, 3))
	}
	client.want("-UNAVAILABLE need 2 of 3 home replicas, 0 reachable", mset...)
	client.want("OK", "MULTI")
	client.want("QUEUED", "SET", a, "1")
	client.want("QUEUED", "PING")
	client.want("QUEUED", "GET", b)
	client.want("[-UNAVAILABLE need 2 of 3 home replicas, 0 reachable PONG -UNAVAILABLE need 2 of 3 home replicas, 0 reachable]", "EXEC")
}

func TestMoved(t *testing.T) {
	r := newRingRig(t, view(5, 3))
	c := r.dial(r.cluster)
	mine, theirs := keyOf(0), keyOf(1) // of nodes 1 2 3 and of nodes 2 3 4
	slot := func(key string) string { return resp.Moved(uint16(command.Slot([]byte(key))), "").Error() }
	moved := "-" + slot(theirs) + "10.0.0.2:7002"
	c.want("OK", "SET", mine, "v")
	c.want(moved, "SET", theirs, "v")
	c.want(moved, "AT", "ONE", "GET", theirs)
	c.want(moved, "SET", theirs, "v", "bad syntax")
	c.want(moved, "WATCH", theirs)
	c.want("-CROSSSLOT Keys in request don't hash to the same slot", "MGET", mine, theirs)
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", mine, "v")
	c.want(moved, "SET", theirs, "v")
	c.want("-EXECABORT Transaction discarded because of previous errors.", "EXEC")
	f := r.dial(r.forward)
	f.want("OK", "SET", theirs, "v")
	f.want(`"v"`, "GET", theirs)
	if n := r.srv.totals.moved.Load(); n != 5 {
		t.Errorf("%d counted as moved, want 5", n)
	}
	// Of partition 1 nobody is left: its first living fallback is asked, and this node serves what it is that for.
	v := view(5, 3, 2, 3, 4)
	v.Version = 2
	r.ring.now.Store(mustTopology(t, v))
	c.want("-"+slot(theirs)+"10.0.0.5:7005", "SET", theirs, "v")
	v = view(5, 3, 2, 3, 4, 5)
	v.Version = 3
	r.ring.now.Store(mustTopology(t, v))
	r.node.fail(theirs, unavailable(0, 2, 3))
	c.want("-CLUSTERDOWN UNAVAILABLE need 2 of 3 home replicas, 0 reachable", "SET", theirs, "v")
}

func TestScopes(t *testing.T) {
	r := newRingRig(t, view(3, 3))
	r.dial(r.cluster).want(":0", "DBSIZE")
	r.dial(r.forward).want(":0", "DBSIZE")
	if got := r.node.scopes; len(got) != 2 || got[0] != cluster.ScopeOwn || got[1] != cluster.ScopeAll {
		t.Errorf("scopes %v", got)
	}
}

func TestWaitAlone(t *testing.T) {
	c := newRig(t).dialAny()
	c.want("OK", "SET", "k", "v")
	c.want(":0", "WAIT", "1", "10")
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", "k", "v")
	c.want("[OK]", "EXEC")
	c.want(":0", "WAIT", "-1", "10")
}

func TestWait(t *testing.T) {
	r := newRingRig(t, view(3, 3))
	c := r.dial(r.forward)
	key := keyOf(0)
	c.want(":0", "WAIT", "1", "100")
	c.want("OK", "SET", key, "v")
	c.want(":2", "WAIT", "2", "100")
	if got := r.node.last(); got != "write QUORUM QUORUM" {
		t.Errorf("what is known was asked for: %s", got)
	}
	// The third is asked for by a read of all; one is down.
	r.node.fail(key, unavailable(2, 3, 3))
	c.want(":2", "WAIT", "3", "100")
	if got := r.node.last(); got != "read THREE THREE" {
		t.Errorf("a third was looked for with %s", got)
	}
	r.node.fail(key, nil)
	c.want(":3", "WAIT", "9", "100")
	c.want("OK", "AT", "ONE", "SET", key, "v")
	c.want(":1", "WAIT", "1", "100")
	// A read of two need not meet the one that holds it.
	c.want(":3", "WAIT", "2", "100")
	if got := r.node.last(); got != "read THREE THREE" {
		t.Errorf("a second was looked for with %s", got)
	}
	c.want("OK", "AT", "ANY", "SET", key, "v")
	c.want(":0", "WAIT", "1", "100")
	r.node.fail(key, timedOut(1, 2))
	c.do("SET", key, "v")
	c.want(":1", "WAIT", "3", "100")
}

func TestClusterLinks(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Links = func() []Link {
			return []Link{{Node: 2, Inbound: true, Readable: true, Since: 5, Allocated: 7, Queued: 6}}
		}
	})
	want := `[["direction" "from" "node" "` + ClientNodeID(2) + `" "create-time" :5 "events" "r" "send-buffer-allocated" :7 "send-buffer-used" :6]]`
	r.dial(r.cluster).want(want, "CLUSTER", "LINKS")
}

func TestNodeWithoutKeyspace(t *testing.T) {
	if _, err := New(Options{Node: struct{ Node }{}}); err == nil || errors.Unwrap(err) != nil {
		t.Errorf("got %v", err)
	}
}

func TestKeyInfo(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.forward)
	c.want("OK", "SET", "k", "hello", "EX", "100")
	c.want(":1", "INCR", "n")
	c.want(":3", "INCRBY", "n", "2")
	got := show(c.do("KEYINFO", "k"))
	for _, want := range []string{`"slot" :7629`, `"state" "alive"`, `"lag" []`, `"hints" []`, `"not_answering" []`, `"type" "string"`, `"value" "string of 5 bytes"`, `"value_stamp"`, `"expire_at"`, `"expire_stamp"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if got := show(c.do("KEYINFO", "n")); !strings.Contains(got, `"increments" :2 "sum" :3`) {
		t.Errorf("a counter: %s", got)
	}
	if got := show(c.do("KEYINFO", "nosuch")); !strings.Contains(got, `"type" "none" "bytes" :0 `) {
		t.Errorf("a key that is not there: %s", got)
	}
}
