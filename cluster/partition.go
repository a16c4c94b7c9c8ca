package cluster

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// partition drives the core of one partition. It is the unit of locking.
type partition struct {
	mu   sync.Mutex
	node *Node

	// unreadable is why the partition is not served; core is nil then. Both are set before the node runs.
	unreadable error
	core       *dynamo.Partition // guarded by mu

	// guarded by mu:
	present   object.HLC                    // the present of the step under way
	told      uint64                        // up to where the core knows batches to be durable
	cleared   *[object.DBCount]object.Stamp // of the databases, as the counts know them; in a ring of several
	counted   bool                          // all its keys are in the counts
	countedTo []byte                        // while they are being counted: keys below this are in

	timer   atomic.Int64  // when the core wants a tick, a dynamo.Time; 0: never
	durable atomic.Uint64 // how many batches may be answered
	holds   atomic.Bool   // the core holds something until batches are durable
	waiting atomic.Int32  // readers that wait for durable to rise
	wake    sync.Cond     // on mu
	failed  atomic.Bool   // a commit failed: what is visible may not be durable
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
	if p.unreadable != nil {
		c.Err = p.unreadable
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present = present
	p.core.Begin(now, &c.Request)
	c.part = p
	c.pending = !c.Finished // before what the step lets out can finish it
	again = c.Finished && errors.Is(c.Err, dynamo.ErrClockCeiling)
	if !p.core.Quiet() {
		c.stored = p.readyLocked(now, c.stored)
	}
	return again
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
				if !p.node.alone {
					p.countClearsLocked(r.Writes)
				}
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
	if !p.node.alone {
		p.setTimerLocked()
	}
	return batches
}

// tellLocked sends the messages of a step, wakes the calls that it has finished and reports its events.
func (p *partition) tellLocked(r *dynamo.Ready) {
	for _, e := range r.Messages {
		p.node.links.Send(e.To, e.Message) // a message that is not sent is one that was lost
	}
	for _, done := range r.Done {
		done.Owner.(*Call).wake()
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
	p.timer.Store(int64(at))
}

// clearedLocked returns the cleared of a database; zero, which lets nothing go, where it is not known.
func (p *partition) clearedLocked(db uint8) object.Stamp {
	if p.core == nil {
		return object.Stamp{}
	}
	return p.core.Cleared(db)
}

// settle waits for the commit of batch seq and says what came of it to those who wait for the batch.
func (p *partition) settle(c object.Commit, seq uint64) error {
	if err := c.Wait(); err != nil {
		p.fail()
		return err
	}
	return settleAll(p.settled(seq, nil))
}

// settleAll waits for the batches, and for those that came of their being durable.
func settleAll(batches []stored) error {
	var first error
	for i := 0; i < len(batches); i++ {
		b := batches[i]
		if err := b.commit.Wait(); err != nil {
			b.part.fail()
			if first == nil {
				first = err
			}
			continue
		}
		batches = b.part.settled(b.batch, batches)
	}
	return first
}

// settled says that batch seq, and so every one before it, is as durable as the policy says. A store makes the batches of
// a partition durable in the order in which it took them. It adds the batches that the core makes of that to those given.
//
// The mutex is taken only when somebody waits: for a read that needs the batch, or in the core.
func (p *partition) settled(seq uint64, batches []stored) []stored {
	for {
		d := p.durable.Load()
		if d >= seq || p.durable.CompareAndSwap(d, seq) {
			break
		}
	}
	if p.waiting.Load() > 0 || p.holds.Load() {
		p.mu.Lock()
		if p.holds.Load() {
			p.present = p.node.clock.Physical()
			batches = p.freeLocked(p.node.now(), batches)
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
