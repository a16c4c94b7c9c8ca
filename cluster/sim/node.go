package sim

import (
	"errors"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
)

// node is one virtual node: the product's core over a store in memory and a clock that may be wrong.
type node struct {
	w      *world
	index  int
	id     object.NodeID
	dc     string
	random rng

	// What a crash leaves.
	store   *memstore.Store
	ceiling object.HLC
	inc     object.Incarnation
	saved   saved

	place   ring.Node
	present bool // it has been started once
	gone    bool // for good, its disk with it
	stopped bool // it is no member any more, and has noticed
	departs bool // it wants to leave

	membership
	dynamo.Pace
	hints       int // bytes of those in the store
	up          bool
	life        uint32
	clock       *hlc.Clock
	parts       []*dynamo.Partition
	timers      []Time // by partition: when Tick is due; 0: not
	calls       []*call
	pausedUntil Time
	lastPause   Time // when the last pause ended
	backlog     []event
	doom        *doom

	disk
	wallClock
	detector
}

// doom is a crash that waits for the node to store something, so that it hits when there is something to lose.
type doom struct {
	r                  rng
	until, down, after Time
}

// wallClock is how wrong a node's clocks are.
type wallClock struct {
	offset Time // of the wall clock
	rate   Time // parts per million that both are fast
	origin Time // of the monotonic clock, so that nobody confuses two nodes' deadlines
	since  Time // when it read origin
}

// steady makes the clocks right from now on; the monotonic one goes on from where it is.
func (n *node) steady() {
	n.origin, n.since = n.time(), n.w.now
	n.rate, n.offset = 0, 0
}

func newNode(w *world, index int, m ring.Node) *node {
	n := &node{w: w, index: index, id: object.NodeID(m.ID), dc: m.DC, place: m, store: memstore.New(), random: newRNG(w.seed, drawNode+uint64(index))}
	n.origin = Time(n.random.Int64N(int64(1000 * second)))
	if s := w.plan.skew; s > 0 {
		n.offset = Time(n.random.Int64N(int64(s))) - s/2
	}
	if r := w.plan.rate; r > 0 {
		n.rate = Time(n.random.IntN(2*r+1) - r)
	}
	n.detector.init(n)
	return n
}

// time is the node's monotonic clock.
func (n *node) time() Time {
	passed := n.w.now - n.since
	return n.origin + passed + passed*n.rate/1e6
}

// virtual returns when the node's monotonic clock reads t, or a little later.
func (n *node) virtual(t Time) Time { return n.since + (t-n.origin)*1e6/(1e6+n.rate) + 1 }

func (n *node) wall() time.Time {
	t := n.w.now + n.w.now*n.rate/1e6 + n.offset + n.w.ahead
	return time.UnixMilli(wallStart + int64(t/millisecond)).Add(time.Duration(t % millisecond))
}

// start begins a life: from the rows that the store still holds, a new incarnation and the durable ceiling.
func (n *node) start() {
	w := n.w
	n.up, n.dead = true, 0
	n.life++
	start := n.wall().UnixMilli()
	n.inc = max(n.inc+1, object.Incarnation(start)<<16|object.Incarnation(n.random.IntN(1<<16)))
	n.clock = hlc.New(hlc.Options{
		Now: n.wall, Monotonic: func() time.Duration { return time.Duration(n.time()) },
		Ceiling: n.ceiling, Raise: n.raise, MaxDrift: time.Duration(w.plan.maxDrift),
	})
	n.makeRoom()
	n.countHints()
	n.Pace = dynamo.Pace{}
	n.parts, n.timers, n.durable = n.parts[:0], nil, nil
	w.trace.line(w.now, n.index, onStart, [3]uint64{uint64(n.inc), uint64(n.ceiling), 0}, nil)
	n.startPart()
	w.after(w.disk.around(400*millisecond), n, n.keepRoom)
}

// countHints counts what is left of the hints after a crash.
func (n *node) countHints() {
	n.hints = 0
	err := n.store.Scan([]byte{object.SpaceHint}, []byte{object.SpaceHint + 1}, func(key, row []byte) bool {
		n.hints += len(key) + len(row)
		return true
	})
	if err != nil {
		panic(err)
	}
}

// raise makes the ceiling durable: the simulated disk of node state is never slow, but see keepRoom.
func (n *node) raise(ceiling object.HLC) error {
	n.ceiling = ceiling
	return nil
}

// keepRoom is the background task that raises the ceiling in time, unless the disk is slow.
func (n *node) keepRoom() {
	if n.slowUntil <= n.w.now {
		n.mustMakeRoom(hlc.Low)
	}
	n.w.after(400*millisecond, n, n.keepRoom)
}

// makeRoom is what a driver does before a step, where it may wait; on a slow disk it goes on without.
func (n *node) makeRoom() {
	if n.slowUntil <= n.w.now && !n.clock.HasRoom(n.clock.Physical()) {
		n.mustMakeRoom(hlc.Margin)
	}
}

func (n *node) mustMakeRoom(low time.Duration) {
	if err := n.clock.MakeRoom(low); err != nil {
		panic(err)
	}
}

// crash ends a life. A drawn prefix of the batches that were not synced survives.
func (n *node) crash(r rng, down Time) {
	keep := 0
	if r.chance(0.5) {
		keep = r.IntN(n.store.Unsynced() + 1)
	}
	if !n.up {
		return
	}
	n.die(keep, down)
}

// die ends a life. Of the batches that were not synced the first so many survive.
func (n *node) die(keep int, down Time) {
	w := n.w
	w.totals.Crashes++
	w.crashed = w.crashed || !n.stopped || len(n.calls) > 0 || n.storesAny()
	lost := n.store.Unsynced() - keep
	w.totals.BatchesLost += uint64(lost)
	w.trace.line(w.now, n.index, onCrash, [3]uint64{uint64(lost), uint64(keep), uint64(down)}, nil)
	n.store = n.store.Crash(keep)
	w.addStats(n)
	n.stopPart()
	n.up = false
	n.parts = n.parts[:0]
	n.disk.forget()
	n.backlog, n.pausedUntil = nil, 0
	calls := n.calls
	n.calls = nil
	for _, c := range calls {
		c.broken()
	}
	w.after(max(down, millisecond), nil, func() {
		if n.mayStart() {
			n.start()
		}
	})
}

// mayStart reports whether the node is down and can be started again.
func (n *node) mayStart() bool { return !n.up && n.present && !n.gone && !n.stopped }

// pause stops the node for a while; then everything that waited happens at once.
func (n *node) pause(lasts Time) {
	if !n.up || n.pausedUntil > n.w.now {
		return
	}
	n.pausedUntil = n.w.now + lasts
	life := n.life
	n.w.after(lasts, nil, func() {
		if n.life == life {
			n.resume()
		}
	})
}

func (n *node) resume() {
	n.pausedUntil, n.lastPause = 0, n.w.now
	for _, e := range n.backlog {
		e.at = n.w.now
		n.w.push(e)
	}
	n.backlog = nil
}

// step is one step of a partition's core and what it asks for.
func (n *node) step(p int, do func(*dynamo.Partition)) {
	part := n.parts[p]
	do(part)
	for n.ready(p) {
		part.More(n.time())
	}
	n.arm(p)
	n.watchTransfer(p)
	if n.w.plan.release {
		part.Release()
	}
}

var errFull = errors.New("sim: the disk is full")

// ready does what the core asks for. It reports whether there is more to the step.
func (n *node) ready(p int) (more bool) {
	w, part := n.w, n.parts[p]
	r := part.Ready()
	var newer *dynamo.Event
	if len(r.Writes) > 0 && n.full() {
		w.totals.Refused++
		w.trace.line(w.now, n.index, onRefuse, [3]uint64{uint64(len(r.Writes)), 0, 0}, nil)
		part.Refused(errFull)
		if r = part.Ready(); len(r.Writes) > 0 {
			w.fail("I8 refused", -1, "node %d: %d writes after the store refused them", n.index, len(r.Writes))
		}
	}
	if len(r.Writes) > 0 {
		n.apply(p, r.Batch, r.Writes)
		for i := range r.Hints {
			n.hints += r.Hints[i].Bytes
		}
		n.meetDoom()
	}
	for _, e := range r.Messages {
		w.send(n, e)
	}
	for i := range r.Events {
		switch e := &r.Events[i]; e.Kind {
		case dynamo.EventCorrupt:
			w.fail("I7 unique", -1, "node %d: corrupt %s from %016x: %v", n.index, e.Ref.Name, uint64(e.Peer), e.Err)
		case dynamo.EventDrift:
			w.totals.Drifts++
		case dynamo.EventNewer:
			newer = e
		}
	}
	more = r.More
	if newer != nil {
		n.newer(newer.Peer, newer.Epoch)
	}
	for _, req := range r.Done {
		n.done(req)
	}
	return more
}

// meetDoom lets the node crash soon after this step.
func (n *node) meetDoom() {
	d := n.doom
	if d == nil {
		return
	}
	n.doom = nil
	if d.until >= n.w.now {
		n.w.after(d.after, n, func() {
			if n.w.phase == chaos {
				n.crash(d.r, d.down)
			}
		})
	}
}

// arm lets Tick be called when the core wants it, a little late.
func (n *node) arm(p int) {
	t, ok := n.parts[p].NextTimer()
	if !ok {
		return
	}
	due := max(n.virtual(t), n.w.now+20*microsecond)
	if n.timers[p] != 0 && n.timers[p] <= due {
		return
	}
	n.timers[p] = due
	n.w.after(due-n.w.now, n, func() {
		if n.timers[p] != due {
			return // an earlier one was armed since
		}
		n.timers[p] = 0
		n.w.trace.line(n.w.now, n.index, onTick, [3]uint64{uint64(p), 0, 0}, nil)
		n.step(p, func(part *dynamo.Partition) { part.Tick(n.time()) })
	})
}
