package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// Options are what a node is made of. Store, RaiseCeiling, ID, Inc and SlotsPerPartition must be set.
type Options struct {
	Store  Store
	Logger *slog.Logger

	ID     object.NodeID
	Inc    object.Incarnation
	Secret object.Secret

	// Ceiling is above every stamp that this node ever issued; RaiseCeiling makes a higher one durable before it returns.
	Ceiling      object.HLC
	RaiseCeiling func(object.HLC) error

	// SlotsPerPartition is a power of two, 1 to 1024.
	SlotsPerPartition int

	// Counts are what SaveCounts gave at a clean stop, nil after an unclean one: then the keys are counted again.
	Counts []byte

	// Ring is the ring that the node is a member of; nil for a ring of this node alone. Links and Alive must be set with a
	// ring of several: how messages get to the others, and who is thought to be reachable. Alive is called with mutexes
	// held, often. Parse makes the operation that a peer passed on, as the front door encoded it.
	Ring  *ring.Ring
	Links Links
	Alive func(object.NodeID) bool
	Parse func(slot object.Slot, body []byte) (dynamo.PassedOp, error)
	DC    string // of this node
	// Timeout is how long an operation may take unless its Deadline says otherwise; 0 for DefaultTimeout.
	Timeout time.Duration
	// HintWindow is for how long hints are kept for a node that takes none; 0 for 3 hours. HintBytes bounds all hints
	// together; 0 for no bound.
	HintWindow time.Duration
	HintBytes  int64
	// MaxDrift is how far ahead a peer's clock may be; 0 for hlc.DefaultMaxDrift.
	MaxDrift time.Duration

	// Keeper is what takes the node from ring to ring; nil: the ring never changes. TransferRate bounds what the node takes in
	// or hands over of partitions that move, in bytes a second; 0 for no bound.
	Keeper       *Keeper
	TransferRate int64

	// Usage tells what the node uses of its machine, for those that ask; nil: nobody is told. It is called by any goroutine.
	Usage func() Usage

	// Now is the wall clock with its monotonic reading; nil for time.Now.
	Now func() time.Time
}

// Node runs operations on the rows of its store.
type Node struct {
	store  Store
	log    *slog.Logger
	id     object.NodeID
	inc    object.Incarnation
	secret object.Secret
	clock  *hlc.Clock

	ring     atomic.Pointer[ring.Ring] // by which all partitions work; see SwitchRing
	links    Links
	alive    func(object.NodeID) bool
	parse    func(object.Slot, []byte) (dynamo.PassedOp, error)
	doubts   doubts
	timeout  dynamo.Time // of an operation
	drifts   drifts
	asks     asks
	overload overload
	// answering bounds how many questions of peers are answered at once.
	answering chan struct{}

	started    time.Time     // by the monotonic clock: the origin of Time
	alone      atomic.Bool   // the ring has one member: partitions may be ahead or behind
	crowd      chan struct{} // there was a ring of several
	settlers   settlers
	room       room
	parked     parked
	mover      mover
	rate       int64   // of the mover
	keeper     *Keeper // nil: the ring never changes
	usage      func() Usage
	slotShift  uint
	partitions []partition
	counts     counts
	hints      hintBytes
	pace       pace
	expired    atomic.Int64 // keys that the sweeper let go

	stop context.CancelFunc
	done sync.WaitGroup
}

// NewNode returns a running node. Close stops it; the store stays open.
func NewNode(o Options) (*Node, error) {
	shift, err := slotShift(o.SlotsPerPartition)
	if err != nil {
		return nil, err
	}
	if o.ID == 0 || o.Inc == 0 {
		return nil, errors.New("cluster: node id and incarnation must not be 0")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		store: o.Store, log: o.Logger, id: o.ID, inc: o.Inc, secret: o.Secret,
		clock:     hlc.New(hlc.Options{Now: o.Now, Ceiling: o.Ceiling, Raise: o.RaiseCeiling, MaxDrift: o.MaxDrift}),
		answering: make(chan struct{}, 16),
		crowd:     make(chan struct{}, 1),
		keeper:    o.Keeper,
		usage:     o.Usage,
		rate:      o.TransferRate,
		links:     o.Links, alive: o.Alive, parse: o.Parse,
		started:    time.Now(),
		slotShift:  shift,
		partitions: make([]partition, object.SlotCount>>shift),
	}
	n.settlers = newSettlers(len(n.partitions))
	n.room.init()
	if n.timeout = dynamo.Time(o.Timeout); n.timeout <= 0 {
		n.timeout = dynamo.Time(DefaultTimeout)
	}
	if n.links == nil {
		n.links = nobody{}
	}
	if n.alive == nil {
		n.alive = func(object.NodeID) bool { return false }
	}
	if err := n.openPartitions(o); err != nil {
		return nil, err
	}
	counted := n.restoreCounts(o.Counts)
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.run(func() { n.keepCeiling(ctx) })
	for i := range n.settlers {
		n.run(func() { n.settles(ctx, &n.settlers[i]) })
	}
	n.run(func() { n.sweep(ctx) })
	n.run(func() { n.clean(ctx) })
	n.run(func() { n.ticks(ctx) })
	n.run(func() { n.move(ctx) })
	if !counted {
		n.run(func() { n.countAll(ctx) })
	}
	if !n.hints.known(len(n.partitions)) {
		n.run(func() { n.countHints(ctx) })
	}
	return n, nil
}

func (n *Node) run(f func()) {
	n.done.Add(1)
	go func() {
		defer n.done.Done()
		f()
	}()
}

// Close stops the node's goroutines. No call may be under way.
func (n *Node) Close() {
	n.stop()
	n.done.Wait()
}

func slotShift(slots int) (uint, error) {
	for shift := uint(0); shift <= 10; shift++ {
		if slots == 1<<shift {
			return shift, nil
		}
	}
	return 0, fmt.Errorf("cluster: %d slots a partition: want a power of two from 1 to 1024", slots)
}

func (n *Node) partitionOf(s object.Slot) *partition { return &n.partitions[s>>n.slotShift] }

// firstSlot returns the slot that partition i begins at.
func (n *Node) firstSlot(i int) object.Slot { return object.Slot(i << n.slotShift) }

// Identity returns who writes here.
func (n *Node) Identity() (object.NodeID, object.Incarnation) { return n.id, n.inc }

// NowMillis returns the node's time in ms since the Unix epoch: what expiries are compared with.
func (n *Node) NowMillis() int64 { return n.clock.Read().Millis() }

// Latest returns the latest reading that the node has issued or seen: what a clean stop leaves as the ceiling.
func (n *Node) Latest() object.HLC { return n.clock.Latest() }

// ExpiredKeys returns how many expired keys have been let go since the start.
func (n *Node) ExpiredKeys() int64 { return n.expired.Load() }

// openPartitions makes the cores of all partitions. One whose database rows cannot be read is not served: what was cleared is
// not known, so nothing of it may be shown or written.
func (n *Node) openPartitions(o Options) error {
	r := o.Ring
	if r == nil {
		var err error
		r, err = ring.Build([]ring.Node{{ID: ring.NodeID(n.id), Weight: 1}}, ring.Options{Replicas: 1, SlotsPerPartition: o.SlotsPerPartition})
		if err != nil {
			return fmt.Errorf("build the ring of one: %w", err)
		}
	}
	if r.SlotsPerPartition() != o.SlotsPerPartition {
		return fmt.Errorf("cluster: the ring has %d slots a partition, not %d", r.SlotsPerPartition(), o.SlotsPerPartition)
	}
	n.ring.Store(r)
	n.alone.Store(len(r.Members()) == 1)
	opts := dynamo.Options{
		ID: n.id, Inc: n.inc, Secret: n.secret, DC: o.DC, NoHints: n.holdsNone(object.SpaceHint),
		Limits: dynamo.Limits{HintWindow: dynamo.Time(o.HintWindow)},
	}
	n.hints.bound = o.HintBytes
	if opts.NoHints {
		n.hints.counted.Store(int64(len(n.partitions)))
	}
	for i := range n.partitions {
		p := &n.partitions[i]
		p.node, p.number, p.wake.L, p.alone = n, i, &p.mu, n.alone.Load()
		core, err := dynamo.NewPartition(p, ring.Partition(i), r, opts)
		if err != nil {
			p.unreadable = fmt.Errorf("open partition %d: %w", i, err)
			n.log.Error("a partition is not served", "error", p.unreadable)
			continue
		}
		p.core = core
	}
	return nil
}

// holdsNone reports whether the store holds no row in a space; false when it cannot tell.
func (n *Node) holdsNone(space byte) bool {
	none := true
	err := n.store.Scan([]byte{space}, []byte{space + 1}, func(_, _ []byte) bool {
		none = false
		return false
	})
	return err == nil && none
}

func (n *Node) someUnreadable() bool {
	for i := range n.partitions {
		if n.partitions[i].unreadable != nil {
			return true
		}
	}
	return false
}

// Time returns the present in which the Deadlines of calls are kept.
func (n *Node) Time() dynamo.Time { return dynamo.Time(time.Since(n.started)) }

// now returns the Time of a step. In a ring of one no operation waits for another node, so no step needs it, and the reading
// of the clock, a thirtieth of a GET, is saved.
func (n *Node) now() dynamo.Time {
	if n.alone.Load() {
		return 0
	}
	return n.Time()
}
