package server

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/ring"
	peerwire "github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// town is a ring of servers in one process: real nodes over stores in memory, whose messages go through their bytes.
type town struct {
	t       testing.TB
	ring    *ring.Ring
	servers []*rig
	nodes   []*cluster.Node
	maps    []*changing
	mail    []*mailbox
	down    []atomic.Bool
	mute    []atomic.Bool           // what is sent to a node is lost, though it is taken for alive
	full    []atomic.Bool           // much waits for a node
	broken  []atomic.Pointer[error] // what a node's store answers instead of taking writes
}

// brokenStore is a store that refuses writes while it is told an error.
type brokenStore struct {
	cluster.Store
	why *atomic.Pointer[error]
}

func (b brokenStore) Apply(ws []object.Write) (object.Commit, error) {
	if why := b.why.Load(); why != nil {
		return nil, *why
	}
	return b.Store.Apply(ws)
}

func (b brokenStore) ApplyFreeing(ws []object.Write) (object.Commit, error) { return b.Apply(ws) }

// mailbox is what is on its way to one node.
type mailbox struct {
	mu     sync.Mutex
	some   sync.Cond
	queue  []letter
	closed bool
}

type letter struct {
	from object.NodeID
	m    peerwire.Message
}

// street is the Links of one node.
type street struct {
	town *town
	from object.NodeID
}

func (s street) Send(to object.NodeID, m peerwire.Message) bool {
	if s.town.mute[to-1].Load() {
		return true
	}
	if s.town.down[s.from-1].Load() || s.town.down[to-1].Load() {
		return false
	}
	m, err := peerwire.Decode(peerwire.AppendFrame(nil, m))
	if err != nil {
		panic(err)
	}
	box := s.town.mail[to-1]
	box.mu.Lock()
	defer box.mu.Unlock()
	box.queue = append(box.queue, letter{s.from, m})
	box.some.Signal()
	return true
}

// Crowded implements cluster.Crowder.
func (s street) Crowded(to object.NodeID) bool { return to == 0 || s.town.full[to-1].Load() }

// deliver hands letters to a node until the box is closed.
func (b *mailbox) deliver(n *cluster.Node) {
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.closed {
			b.some.Wait()
		}
		queue := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, l := range queue {
			n.Receive(l.from, []peerwire.Message{l.m})
		}
	}
}

func newTown(t testing.TB, nodes, replicas int, change ...func(*Options)) *town {
	w := &town{t: t, down: make([]atomic.Bool, nodes), mute: make([]atomic.Bool, nodes), full: make([]atomic.Bool, nodes), broken: make([]atomic.Pointer[error], nodes)}
	all := make([]ring.Node, nodes)
	for i := range all {
		all[i] = ring.Node{ID: ring.NodeID(i + 1), Weight: 1}
		w.mail = append(w.mail, new(mailbox))
		w.mail[i].some.L = &w.mail[i].mu
	}
	var err error
	if w.ring, err = ring.Build(all, ring.Options{Replicas: replicas, SlotsPerPartition: 512}); err != nil {
		t.Fatal(err)
	}
	var carriers sync.WaitGroup
	for i := range nodes {
		n, err := cluster.NewNode(cluster.Options{
			Store: brokenStore{memstore.WithLock(memstore.New()), &w.broken[i]}, ID: object.NodeID(i + 1), Inc: object.Incarnation(100 + i), Secret: object.Secret{K0: 1, K1: 2},
			SlotsPerPartition: 512, RaiseCeiling: func(object.HLC) error { return nil }, Ring: w.ring, Links: street{w, object.NodeID(i + 1)},
			Alive: func(id object.NodeID) bool { return !w.down[id-1].Load() }, Parse: PassedParser(PassedOptions{StoreError: townStoreError}),
		})
		if err != nil {
			t.Fatal(err)
		}
		w.nodes = append(w.nodes, n)
	}
	t.Cleanup(func() { // after the servers have stopped
		for _, b := range w.mail {
			b.mu.Lock()
			b.closed = true
			b.some.Signal()
			b.mu.Unlock()
		}
		carriers.Wait()
		for _, n := range w.nodes {
			n.Close()
		}
	})
	for i, n := range w.nodes {
		carriers.Go(func() { w.mail[i].deliver(n) })
		w.maps = append(w.maps, new(changing))
		w.maps[i].now.Store(NewRingOfOne(1, Member{Node: object.NodeID(i + 1), Host: "127.0.0.1", Port: 1}).Topology()) // until all are there
		w.servers = append(w.servers, newRig(t, append([]func(*Options){func(o *Options) {
			o.Node, o.Topology, o.StoreError = cluster.RingNode{Node: n}, w.maps[i], townStoreError
		}}, change...)...))
	}
	w.redraw(1)
	return w
}

// redraw gives every server the map of the present.
func (w *town) redraw(version uint64) {
	w.t.Helper()
	v := View{Version: version, Epoch: 1}
	for i, r := range w.servers {
		_, port, _ := strings.Cut(r.cluster, ":")
		n, _ := strconv.Atoi(port)
		v.Members = append(v.Members, Member{Node: object.NodeID(i + 1), Host: "127.0.0.1", Port: n, PeerPort: 1, Failed: w.down[i].Load()})
	}
	for p := range w.ring.Partitions() {
		var list []object.NodeID
		for _, id := range w.ring.PreferenceList(ring.Partition(p)) {
			list = append(list, object.NodeID(id))
		}
		v.Lists = append(v.Lists, list)
	}
	for i := range w.servers {
		v.Self = object.NodeID(i + 1)
		w.maps[i].now.Store(mustTopology(w.t, v))
	}
}

// kill cuts node i off and lets the others notice.
func (w *town) kill(i int, version uint64) {
	w.down[i].Store(true)
	for j, n := range w.nodes {
		if j != i {
			n.PeerDown(object.NodeID(i + 1))
		}
	}
	w.redraw(version)
}

// A pipeline on the forward face is done in its order, wherever its keys are and whoever runs them.
func TestPipelinesOverNodes(t *testing.T) {
	w := newTown(t, 5, 3)
	var clients sync.WaitGroup
	for i, r := range w.servers {
		c := r.dial(r.forward)
		clients.Go(func() {
			for round := range 4 {
				var in []byte
				var want []string
				add := func(reply string, words ...string) {
					in, want = append(in, encode(words...)...), append(want, reply)
				}
				for j := range 30 {
					k, n := fmt.Sprintf("k%d-%d-%d", i, round, j%7), strconv.Itoa(j)
					add("OK", "SET", k, n)
					add(strconv.Quote(n), "GET", k)
					add(":"+strconv.Itoa(j+1), "INCR", k)
					add("OK", "MSET", k, "a", k+"x", "b")
					add(`["a" "b" nil]`, "MGET", k, k+"x", k+"y")
					add(":2", "EXISTS", k, k+"x", k+"y")
				}
				add("OK", "WATCH", "w"+strconv.Itoa(i))
				add("OK", "MULTI")
				add("QUEUED", "SET", "w"+strconv.Itoa(i), "1")
				add("QUEUED", "OBJECT", "ENCODING", "w"+strconv.Itoa(i))
				add(`[OK "int"]`, "EXEC")
				add("OK", "MULTI")
				for j := range 5 {
					add("QUEUED", "SET", fmt.Sprintf("m%d-%d", i, j), "1")
				}
				add("[OK OK OK OK OK]", "EXEC")
				c.send(in)
				for _, reply := range want {
					c.next(reply)
				}
			}
		})
	}
	clients.Wait()
	var own int64
	for _, r := range w.servers {
		own += r.dial(r.cluster).do("DBSIZE").Int
	}
	if all := w.servers[0].dial(w.servers[0].forward).do("DBSIZE").Int; all != own || all < 100 {
		t.Errorf("DBSIZE of all %d, of the nodes' own together %d", all, own)
	}
}

func TestOneOfThreeIsDead(t *testing.T) {
	w := newTown(t, 3, 3)
	c := w.servers[0].dial(w.servers[0].forward)
	c.want("OK", "SET", "k", "v")
	c.want(":2", "WAIT", "2", "0")
	c.want(":3", "WAIT", "3", "1000")
	w.kill(2, 2)
	c.want("OK", "SET", "k", "w")
	c.want(":2", "WAIT", "3", "100")
	c.want("-UNAVAILABLE need 3 of 3 home replicas, 2 reachable", "AT", "ALL", "SET", "k", "x")
	c.want("OK", "AT", "ONE", "SET", "k", "x")
	c.want("OK", "MSET", "a", "1", "b", "2", "c", "3")
	w.kill(1, 3)
	c.want("-UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "SET", "k", "y")
	c.want("-UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "MSET", "a", "1", "b", "2", "c", "3")
	c.want("OK", "MULTI")
	c.want("QUEUED", "SET", "k", "y")
	c.want("-UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "EXEC")
	c.want("OK", "CONSISTENCY", "ANY")
	c.want("OK", "SET", "k", "z")
	c.want(`"z"`, "GET", "k")
	face := w.servers[0].dial(w.servers[0].cluster)
	face.want("-CLUSTERDOWN UNAVAILABLE need 2 of 3 home replicas, 1 reachable", "GET", "k")
}

// Who follows MOVED arrives, within the few redirections that clients make.
func TestFollowMoved(t *testing.T) {
	w := newTown(t, 5, 3)
	follow := func(addr string, words ...string) (reply resp.Value, hops int) {
		conns := map[string]*client{}
		for ; hops < 10; hops++ {
			if conns[addr] == nil {
				conns[addr] = w.servers[0].dial(addr)
			}
			reply = conns[addr].do(words...)
			if !reply.IsError() || !strings.HasPrefix(reply.Str, "MOVED ") {
				return reply, hops
			}
			addr = strings.Fields(reply.Str)[2]
		}
		return reply, hops
	}
	for version := range uint64(3) {
		for i := range 60 {
			key := "k" + strconv.Itoa(i)
			start := w.servers[i%2] // nodes 1 and 2 stay
			reply, hops := follow(start.cluster, "AT", "ONE", "SET", key, "v")
			if show(reply) != "OK" || hops > 2 {
				t.Errorf("version %d: SET %s: %s after %d redirections", version, key, show(reply), hops)
			}
			list := w.ring.Lookup(ring.Slot(command.Slot([]byte(key))))
			if id := ring.NodeID(i%2 + 1); hops == 0 && !slices.Contains(list, id) {
				t.Errorf("node %d took a key of %v", id, list)
			}
		}
		if version < 2 {
			w.kill(4-int(version), version+2)
		}
	}
}

var errTownFull = errors.New("no room in town")

func townStoreError(err error) (resp.Error, bool) {
	return resp.ErrDiskFull, errors.Is(err, errTownFull)
}

// What the store of the node that runs an operation answers reaches the client in the same words whichever node it asked.
func TestStoreErrorsOfOtherNodes(t *testing.T) {
	w := newTown(t, 5, 3)
	for i := range w.broken {
		w.broken[i].Store(&errTownFull)
	}
	for _, r := range w.servers {
		c := r.dial(r.forward)
		c.want("-"+string(resp.ErrDiskFull), "SET", "k", "v")
		c.want("-"+string(resp.ErrDiskFull), "INCR", "k")
		c.want("-ERR 5 needs 5 home replicas, the ring has 3", "AT", "5", "SET", "k", "v")
		c.want("-ERR 5 needs 5 home replicas, the ring has 3", "AT", "5", "GET", "k")
		c.want("-"+string(resp.ErrDiskFull), "MSET", "a", "1", "b", "2", "c", "3")
		c.want("OK", "MULTI")
		c.want("QUEUED", "SET", "k", "v")
		c.want("-"+string(resp.ErrDiskFull), "EXEC")
	}
	for i := range w.broken {
		w.broken[i].Store(nil)
	}
	c := w.servers[0].dial(w.servers[0].forward)
	c.want("OK", "SET", "k", "v")
	strange := errors.New("strange")
	homes, other := w.homesOf("k")
	w.broken[homes[0]].Store(&strange)
	w.servers[other].dial(w.servers[other].forward).want("-ERR the node that ran the operation refused it: store: strange", "SET", "k", "v")
}
