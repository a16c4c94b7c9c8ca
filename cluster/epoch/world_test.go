package epoch

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

// A world is a few machines over a network that loses, doubles and delays, on disks that forget what was not synced.
type world struct {
	t     testing.TB
	rng   *rand.Rand
	now   Time
	seq   int
	queue events
	nodes []*node // by id

	loss, double float64
	slowest      Time // of a message
	sync         Time // of a save, at most
	copyFor      Time // at most
	blind        float64
	dies         float64 // right after a save and what it let go
	mute         bool    // gossip does not name epochs
	cut          func(a, b ring.NodeID) bool
	limits       Limits
	auto         bool

	documents map[string]map[ring.Epoch]*ring.Document // by lineage: the first that anybody stored
	counts    map[string]int
	log       []string
}

type node struct {
	w     *world
	id    ring.NodeID
	m     *Machine
	life  int // 0: never started
	up    bool
	stuck bool // never done with copying

	disk struct {
		document []byte
		register []byte
		inc      uint64
	}
	effects []Ready // in order
	busy    bool
	leaves  bool
	dead    bool // its driver stopped: removed, or a conflict

	// What is true of it, for ever.
	adopted  map[ring.Hash]bool
	copied   map[ring.Hash]bool
	last     ring.Epoch // adopted
	stored   ring.Epoch
	progress Progress
	outcomes map[uint64]Outcome
	events   []Event
}

type event struct {
	at  Time
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	x := old[len(old)-1]
	*e = old[:len(old)-1]
	return x
}

const oldCluster = "00112233445566778899aabbccddeeff"

func newWorld(t testing.TB, seed uint64, founders int) *world {
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), slowest: 20 * Millisecond, sync: 10 * Millisecond, copyFor: 2 * Second,
		auto: true, documents: map[string]map[ring.Epoch]*ring.Document{}, counts: map[string]int{},
	}
	f := ring.Founding{Cluster: oldCluster, Name: "t", Replicas: 3, Slots: 2048}
	for i := range founders {
		f.Members = append(f.Members, member(ring.NodeID(i+1)))
	}
	d, err := ring.Found(f)
	if err != nil {
		t.Fatal(err)
	}
	encoded := mustEncode(t, d)
	for i := range founders {
		n := w.add(ring.NodeID(i + 1))
		n.disk.document = encoded
		n.start()
	}
	w.note(d)
	w.every(Second, w.gossip)
	return w
}

func member(id ring.NodeID) ring.Member {
	return ring.Member{Node: ring.Node{ID: id, Weight: 1}}
}

func mustEncode(t testing.TB, d *ring.Document) []byte {
	t.Helper()
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) add(id ring.NodeID) *node {
	n := &node{w: w, id: id, adopted: map[ring.Hash]bool{}, copied: map[ring.Hash]bool{}, outcomes: map[uint64]Outcome{}}
	w.nodes = append(w.nodes, n)
	slices.SortFunc(w.nodes, func(a, b *node) int { return int(a.id) - int(b.id) })
	return n
}

func (w *world) node(id ring.NodeID) *node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

// join adds a node that waits to be admitted.
func (w *world) join(ids ...ring.NodeID) {
	for _, id := range ids {
		w.add(id).start()
	}
}

func (w *world) in(d Time, do func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now + d, w.seq, do})
}

func (w *world) every(d Time, do func()) {
	w.in(d, func() { do(); w.every(d, do) })
}

func (w *world) up(to Time) Time { return Time(w.rng.Int64N(int64(to))) + 1 }

func (w *world) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

func (w *world) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%8.3f ", float64(w.now)/1e9)+fmt.Sprintf(format, args...))
}

func (w *world) fatalf(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(w.log[max(0, len(w.log)-60):], "\n"))
}

// run goes on until the world is as wanted.
func (w *world) run(within Time, what string, until func() bool) {
	w.t.Helper()
	end := w.now + within
	for !until() {
		if w.queue[0].at > end {
			w.fatalf("not within %v s: %s", float64(within)/1e9, what)
		}
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
}

func (w *world) wait(d Time) {
	w.t.Helper()
	end := w.now + d
	w.run(d+Second, "time", func() bool { return w.queue[0].at > end })
}

// gossip tells everybody who lives, with some mistakes, and who waits.
func (w *world) gossip() {
	for _, n := range w.nodes {
		if !n.up {
			continue
		}
		alive := map[ring.NodeID]bool{}
		v := View{Alive: func(id ring.NodeID) bool { return alive[id] }}
		for _, x := range w.nodes {
			if x.up && !w.severed(n.id, x.id) && !w.overlooks(n.id, x.id) {
				alive[x.id] = true
				if x.m.Document() == nil {
					v.Waiting = append(v.Waiting, member(x.id))
				}
				if x.leaves {
					v.Leaving = append(v.Leaving, x.id)
				}
			}
		}
		n.do(func() { n.m.View(w.now, v) })
		if x := w.nodes[w.rng.IntN(len(w.nodes))]; !w.mute && x.up && alive[x.id] && x.m.Document() != nil {
			n.do(func() { n.m.Newer(w.now, x.id, x.m.Document().Epoch) })
		}
	}
}

// overlooks says whether a node takes another for dead: for a while.
func (w *world) overlooks(a, b ring.NodeID) bool {
	r := rand.New(rand.NewPCG(uint64(w.now/(30*Second)), uint64(a)<<32|uint64(b)))
	return a != b && r.Float64() < w.blind
}

func (w *world) severed(a, b ring.NodeID) bool { return a != b && w.cut != nil && w.cut(a, b) }

// send brings a message, perhaps late, twice, or not.
func (w *world) send(from ring.NodeID, e Envelope) {
	copies := 1
	if w.chance(w.double) {
		copies = 2
	}
	for range copies {
		if w.chance(w.loss) || w.severed(from, e.To) {
			continue
		}
		w.in(w.up(w.slowest), func() {
			n := w.node(e.To)
			if n == nil || !n.up || w.severed(from, e.To) {
				return
			}
			n.do(func() {
				if err := n.m.Receive(w.now, from, e.Body); err != nil {
					w.counts["refused"]++
					if errors.Is(err, ErrConflict) {
						w.fatalf("node %d: %v", n.id, err)
					}
				}
			})
		})
	}
}

// newest is the last document of a lineage.
func (w *world) newest(cluster string) *ring.Document {
	var d *ring.Document
	for _, x := range w.documents[cluster] {
		if d == nil || x.Epoch > d.Epoch {
			d = x
		}
	}
	return d
}

// members says whether the newest document is stable, has just these members, none of them leaving, and all of them adopted it.
func (w *world) members(ids ...ring.NodeID) func() bool { return w.membersOf(oldCluster, ids...) }

func (w *world) membersOf(cluster string, ids ...ring.NodeID) func() bool {
	return func() bool {
		d := w.newest(cluster)
		if d == nil || d.Stage != ring.Stable || len(d.Members) != len(ids) {
			return false
		}
		for i, x := range d.Members {
			if x.ID != ids[i] || x.Leaving || !w.node(x.ID).adopted[d.Hash()] {
				return false
			}
		}
		return true
	}
}

func (w *world) stage(s ring.Stage) func() bool {
	return func() bool { return w.newest(oldCluster).Stage == s }
}

func (w *world) conductor() *node {
	d := w.newest(oldCluster)
	for _, v := range d.Voters {
		if n := w.node(v); n.up {
			return n
		}
	}
	return nil
}

// command runs a command and returns its outcome.
func (w *world) command(n *node, c Command) Outcome {
	w.t.Helper()
	var id uint64
	n.do(func() { id = n.m.Command(w.now, c) })
	w.run(40*Second, "outcome", func() bool { _, ok := n.outcomes[id]; return ok })
	return n.outcomes[id]
}

func (n *node) saw(k EventKind) bool {
	return slices.ContainsFunc(n.events, func(e Event) bool { return e.Kind == k })
}
