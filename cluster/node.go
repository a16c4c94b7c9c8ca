package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/hlc"
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

	slotShift  uint
	partitions []partition
	counts     counts
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
		clock:      hlc.New(hlc.Options{Now: o.Now, Ceiling: o.Ceiling, Raise: o.RaiseCeiling}),
		slotShift:  shift,
		partitions: make([]partition, object.SlotCount>>shift),
	}
	for i := range n.partitions {
		n.partitions[i].wake.L = &n.partitions[i].mu
	}
	n.loadCleared()
	counted := n.restoreCounts(o.Counts)
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.run(func() { n.keepCeiling(ctx) })
	n.run(func() { n.sweep(ctx) })
	n.run(func() { n.clean(ctx) })
	if !counted {
		n.run(func() { n.countAll(ctx) })
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

// loadCleared reads the database rows.
func (n *Node) loadCleared() {
	var key []byte
	for i := range n.partitions {
		for db := range object.DBCount {
			key = object.AppendDatabaseKey(key[:0], n.firstSlot(i), uint8(db))
			row, err := n.store.Get(nil, key)
			var r object.KeyRow
			if err == nil && row != nil {
				err = r.DecodeRow(row)
			}
			if err != nil {
				// What was cleared is not known, so nothing of the partition may be shown or written.
				n.partitions[i].unreadable = fmt.Errorf("read the database row of partition %d: %w", i, err)
				n.log.Error("a partition is not served", "error", n.partitions[i].unreadable)
				continue
			}
			n.partitions[i].cleared[db] = r.Cleared
			n.partitions[i].leftover[db] = !r.Own.IsZero()
		}
	}
}

// keepCeiling raises the clock's ceiling before anyone has to wait for it, while stamps are being issued.
func (n *Node) keepCeiling(ctx context.Context) {
	tick := time.NewTicker(hlc.Low / 4)
	defer tick.Stop()
	var seen object.HLC
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		latest := n.Latest()
		if latest == seen {
			continue // idle: the next write raises it
		}
		seen = latest
		if err := n.clock.MakeRoom(hlc.Low); err != nil {
			n.log.Error("clock ceiling not raised", "error", err)
		}
	}
}
