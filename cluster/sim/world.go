package sim

import (
	"fmt"
	"runtime/debug"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// phase is how far a run has come.
type phase uint8

const (
	chaos   phase = iota // clients work, faults strike
	healing              // faults are over; until nothing is under way
	reading              // each key is read at ALL
	over
)

// world is one run.
type world struct {
	seed   uint64
	plan   *plan
	ring   *ring.Ring // of the newest document
	secret object.Secret

	now    Time
	seq    uint64
	queue  events
	handed uint64 // events so far
	phase  phase

	nodes   []*node
	links   []link // from*len(nodes)+to
	bursts  int    // of loss, at present
	ahead   Time   // by how much all wall clocks were moved on at the end
	network rng
	disk    rng
	encoder wire.Encoder

	epochs
	operator

	clients []*client
	guests  int // clients of recipes so far
	opsLeft int
	crashed bool // a node that had something; to stop when all was handed over is no crash
	final   *finale

	history
	spy    spy
	trace  trace
	totals Totals

	violation *Violation
}

const (
	maxEvents = 3_000_000 // a run has some tens of thousands
	wallStart = 1_700_000_000_000
)

// Run runs one seed.
func Run(seed uint64, c Config) (res Result) {
	w := newWorld(seed, c)
	defer func() {
		if p := recover(); p != nil {
			w.violation = &Violation{Invariant: "panic", Detail: fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
		if err := w.trace.close(); err != nil && w.violation == nil {
			w.violation = &Violation{Invariant: "trace", Detail: err.Error()}
		}
		w.collect()
		res = Result{Seed: seed, Violation: w.violation, Totals: w.totals, Trace: w.trace.hash, Plan: w.plan.String()}
	}()
	w.start()
	w.loop()
	return res
}

func newWorld(seed uint64, c Config) *world {
	w := &world{seed: seed, plan: drawPlanOf(seed, c), network: newRNG(seed, drawNetwork), disk: newRNG(seed, drawDisk)}
	w.trace = newTrace(c.Trace)
	w.opsLeft = w.plan.ops
	w.totals.Runs = 1
	w.totals.Profiles[w.plan.profile]++
	return w
}

func (w *world) start() {
	p := w.plan
	w.found()
	draw := newRNG(w.seed, drawEnd)
	w.secret = object.Secret{K0: draw.Uint64(), K1: draw.Uint64()}
	w.history.start(w)
	w.spy.start()
	everybody := append(p.members[:len(p.members):len(p.members)], p.spares...)
	w.links = make([]link, len(everybody)*len(everybody))
	for i := range everybody {
		w.nodes = append(w.nodes, newNode(w, i, everybody[i]))
	}
	for _, n := range w.nodes[:len(p.members)] {
		n.saved.doc = w.doc
		n.appear()
	}
	w.scheduleFaults()
	w.scheduleOrders()
	for i := range p.clients {
		c := newClient(w, i)
		w.clients = append(w.clients, c)
		w.after(c.think(), nil, c.next)
	}
	w.trace.line(w.now, -1, onPhase, [3]uint64{w.seed, uint64(p.profile), 0}, p.String)
}

// after lets do happen in a while; with a node, in its present life and not while it is paused.
func (w *world) after(in Time, n *node, do func()) {
	e := event{at: w.now + in, node: n, do: do}
	if n != nil {
		e.life = n.life
	}
	w.push(e)
}

func (w *world) push(e event) {
	w.seq++
	e.seq = w.seq
	w.queue.push(e)
}

func (w *world) loop() {
	for len(w.queue) > 0 && w.violation == nil && w.phase != over {
		e := w.queue.pop()
		w.now = e.at
		if w.handed++; w.handed > maxEvents {
			w.fail("I12 answers", -1, "the run does not end: %d events, virtual time %d ms", w.handed, w.now/millisecond)
			return
		}
		if n := e.node; n != nil {
			if !n.up || e.life != 0 && e.life != n.life {
				continue
			}
			if n.pausedUntil > w.now {
				n.backlog = append(n.backlog, e)
				continue
			}
		}
		e.do()
	}
}

// fail notes the first violation, which ends the run.
func (w *world) fail(invariant string, key int, format string, args ...any) {
	if w.violation != nil {
		return
	}
	w.violation = &Violation{Invariant: invariant, Detail: fmt.Sprintf(format, args...)}
	if key >= 0 {
		w.violation.Detail = fmt.Sprintf("key %s: %s", w.plan.keys[key].name, w.violation.Detail)
		w.violation.History = w.history.of(key)
	}
}

func (w *world) partitionOf(s object.Slot) int { return int(w.ring.PartitionOf(ring.Slot(s))) }

// homesOf returns the home replicas of a key, in the order of the list.
func (w *world) homesOf(key int) (homes []*node) {
	for _, id := range w.ring.Lookup(ring.Slot(w.plan.keys[key].slot)) {
		homes = append(homes, w.nodeOf(object.NodeID(id)))
	}
	return homes
}

func (w *world) nodeOf(id object.NodeID) *node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}
