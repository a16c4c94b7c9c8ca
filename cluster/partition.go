package cluster

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// partition drives the core of one partition. It is the unit of locking.
//
// What every operation touches comes first, in one line of the processor's cache.
type partition struct {
	mu   sync.Mutex
	node *Node
	core *dynamo.Partition // guarded by mu; nil, and fixed, when the partition is not served

	present object.HLC    // guarded by mu: the present of the step under way
	durable atomic.Uint64 // how many batches may be answered
	waiting atomic.Int32  // readers that wait for durable to rise
	holds   atomic.Bool   // the core holds something until batches are durable
	failed  atomic.Bool   // a commit failed: what is visible may not be durable

	// guarded by mu:
	alone   bool // the ring by which core works has one member
	moving  bool // the mover looks after it
	counted bool // all its keys are in the counts

	ticking    atomic.Bool  // a goroutine of its own gives the core its tick
	timer      atomic.Int64 // when the core wants a tick, a dynamo.Time; 0: never
	wake       sync.Cond    // on mu
	number     int          // fixed
	unreadable error        // why the partition is not served. Set before the node runs, as core is

	// guarded by mu:
	told      uint64 // up to where the core knows batches to be durable
	countedTo []byte // while they are being counted: keys below this are in
	reads     uint32 // that asked other nodes
	answers   uint32 // to them

	// The size is a multiple of a line's: partitions lie next to each other, and each begins one.
}

// stored is a batch that the store has taken and that is not known to be durable yet.
type stored struct {
	part   *partition
	commit object.Commit
	batch  uint64
}

// begin steps the core with a call. In a ring of one it is Finished then. again says that nothing was done because the clock's
// ceiling was in the way.
func (p *partition) begin(c *Call, now dynamo.Time, present object.HLC) (again bool) {
	if p.core == nil {
		c.Err = p.unreadable
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now == 0 && !p.alone { // the ring has grown since the call was looked at
		if now = p.node.Time(); c.open {
			c.Deadline += now
		}
	}
	c.part, c.several = p, !p.alone
	r := &c.Request
	if c.several {
		r = c.send()
	}
	p.present = present
	p.core.Begin(now, r)
	c.pending = !r.Finished // before what the step lets out can finish it
	again = r.Err != nil && r.Finished && errors.Is(r.Err, dynamo.ErrClockCeiling)
	if !p.core.Quiet() {
		c.stored = p.readyLocked(now, c.stored)
		if c.pending && r.Finished && len(c.errand.done) == 0 {
			c.pending = false // the store refused what the step wrote: that ends the call here, and nobody wakes it
		}
	}
	c.Finished, c.Err, c.Seq = r.Finished, r.Err, r.Seq
	return again
}

// tickLocked gives the core its tick.
func (p *partition) tickLocked(now dynamo.Time, batches []stored) []stored {
	p.present = p.node.clock.Physical()
	p.core.Tick(now)
	return p.readyLocked(now, batches)
}

// hurry has the core end what is due. It reports whether the errand is finished; else the core has its answer and will never look at
// what it was about again, but holds the answer until a batch is durable.
func (p *partition) hurry(e *errand) bool {
	p.mu.Lock()
	batches := p.tickLocked(p.node.Time(), nil)
	p.mu.Unlock()
	p.node.settlers.hand(batches)
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// late is what is known of an operation that this node could not make durable by the deadline.
func (p *partition) late() error {
	homes := len(p.node.ring.Load().PreferenceList(ring.Partition(p.number)))
	return &dynamo.TimeoutError{Acks: quorum.Count{Need: 1, Of: homes}}
}

// readyLocked does what the core's step asks for, and adds the batches that it stored to those whose durability the caller
// is to wait for, without the mutex.
func (p *partition) readyLocked(now dynamo.Time, batches []stored) []stored {
	for {
		r := p.core.Ready()
		if len(r.Writes) > 0 {
			commit, err := p.node.store.Apply(r.Writes)
			if err != nil {
				p.core.Refused(fmt.Errorf("store: %w", err))
				r = p.core.Ready()
			} else {
				batches = append(batches, stored{p, commit, r.Batch})
				p.countLocked(r.Counts)
				p.countClearsLocked(r.Clears)
				p.node.hints.countLocked(p.number, r.Hints)
			}
		}
		p.tellLocked(r)
		more := r.More
		p.core.Release()
		if !more {
			break
		}
		p.core.More(now)
	}
	if p.core.Holds() {
		batches = p.freeLocked(now, batches)
	}
	if !p.alone {
		p.setTimerLocked()
	}
	if p.moving {
		p.node.mover.poke()
	}
	return batches
}

// tellLocked sends the messages of a step, wakes the calls that it has finished and reports its events.
func (p *partition) tellLocked(r *dynamo.Ready) {
	for _, e := range r.Messages {
		p.node.links.Send(e.To, e.Message) // a message that is not sent is one that was lost
	}
	for _, done := range r.Done {
		done.Owner.(*errand).wake()
	}
	for i := range r.Events {
		p.node.event(p, &r.Events[i])
	}
}

// freeLocked tells the core what is durable, while it holds anything until then.
func (p *partition) freeLocked(now dynamo.Time, batches []stored) []stored {
	p.holds.Store(true) // before durable is read: settled goes the other way about
	if p.told == p.durable.Load() {
		return batches
	}
	p.told = p.durable.Load()
	p.core.Durable(now, p.told)
	batches = p.readyLocked(now, batches)
	p.holds.Store(p.core.Holds())
	return batches
}

// setTimerLocked takes note of when the core wants a tick.
func (p *partition) setTimerLocked() {
	at, ok := p.core.NextTimer()
	if !ok {
		at = 0
	}
	if p.timer.Load() != int64(at) {
		p.timer.Store(int64(at))
	}
}

// clearedLocked returns the cleared of a database; zero, which lets nothing go, where it is not known.
func (p *partition) clearedLocked(db uint8) object.Stamp {
	if p.core == nil {
		return object.Stamp{}
	}
	return p.core.Cleared(db)
}

// eachLocked calls fn with every partition that is served, its mutex held.
func (n *Node) eachLocked(fn func(*partition)) {
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		p.mu.Lock()
		fn(p)
		p.mu.Unlock()
	}
}

// settle waits for batches that no client waits for, and logs what says that they failed.
func (n *Node) settle(batches []stored, failed string) {
	if err := settleAll(batches); err != nil {
		n.log.Error(failed, "error", err)
	}
}

// settleAll waits for the batches, and for those that came of their being durable.
func settleAll(batches []stored) error {
	var first error
	var at instant // one for all: they are settled one after the other
	for i := 0; i < len(batches); i++ {
		b := batches[i]
		if err := b.commit.Wait(); err != nil {
			b.part.fail()
			if first == nil {
				first = err
			}
			continue
		}
		batches = b.part.settledAt(&at, b.batch, batches)
	}
	return first
}

// settled says that batch seq, and so every one before it, is as durable as the policy says. A store makes the batches of
// a partition durable in the order in which it took them. It adds the batches that the core makes of that to those given.
//
// The mutex is taken only when somebody waits: for a read that needs the batch, or in the core.
func (p *partition) settled(seq uint64, batches []stored) []stored {
	var at instant
	return p.settledAt(&at, seq, batches)
}

// settledAt is settled at an instant, which it finds out when it needs it and does not have it.
func (p *partition) settledAt(at *instant, seq uint64, batches []stored) []stored {
	for {
		d := p.durable.Load()
		if d >= seq || p.durable.CompareAndSwap(d, seq) {
			break
		}
	}
	if p.waiting.Load() > 0 || p.holds.Load() {
		p.mu.Lock()
		if p.holds.Load() {
			if at.present == 0 {
				*at = p.node.instant()
			}
			p.present = at.present
			batches = p.freeLocked(at.now, batches)
		}
		p.wake.Broadcast()
		p.mu.Unlock()
	}
	return batches
}

// fail wakes all readers: their replies would show what may not be durable.
func (p *partition) fail() {
	p.failed.Store(true)
	p.mu.Lock()
	p.wake.Broadcast()
	p.mu.Unlock()
}

// awaitUntil returns nil once batch seq may be answered, an error when it never may or not before the deadline.
func (p *partition) awaitUntil(seq uint64, deadline dynamo.Time) error {
	if p.durable.Load() >= seq {
		return nil
	}
	late := false // guarded by mu
	timer := time.AfterFunc(time.Duration(deadline-p.node.Time()), func() {
		p.mu.Lock()
		late = true
		p.wake.Broadcast()
		p.mu.Unlock()
	})
	defer timer.Stop()
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.durable.Load() < seq && !p.failed.Load() && !late {
		p.wake.Wait()
	}
	switch {
	case p.durable.Load() >= seq:
		return nil
	case p.failed.Load():
		return ErrNotDurable
	}
	return p.late()
}

// await returns once batch seq may be answered; false when it never may.
func (p *partition) await(seq uint64) bool {
	if p.durable.Load() >= seq {
		return true
	}
	p.waiting.Add(1)
	p.mu.Lock()
	for p.durable.Load() < seq && !p.failed.Load() {
		p.wake.Wait()
	}
	p.mu.Unlock()
	p.waiting.Add(-1)
	return p.durable.Load() >= seq
}
