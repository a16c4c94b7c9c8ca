package cluster

import (
	"sync"
	"sync/atomic"

	"github.com/rondokv/rondo/engine/object"
)

// partition is the unit of locking.
type partition struct {
	mu sync.Mutex

	unreadable error // why the partition is not served; set before the node runs

	// guarded by mu:
	cleared   [object.DBCount]object.Stamp // of the databases
	leftover  [object.DBCount]bool         // rows that cleared covers may still be stored
	applied   uint64                       // how many batches the store has taken
	counted   bool                         // all its keys are in the counts
	countedTo []byte                       // while they are being counted: keys below this are in

	durable atomic.Uint64 // how many of the applied batches may be answered
	waiting atomic.Int32  // readers that wait for durable to rise
	wake    sync.Cond     // on mu
	failed  atomic.Bool   // a commit failed: what is visible may not be durable
}

// settle waits for the commit of batch seq and says what came of it to those who wait for the batch.
func (p *partition) settle(c object.Commit, seq uint64) error {
	if err := c.Wait(); err != nil {
		p.fail()
		return err
	}
	p.settled(seq)
	return nil
}

// settled says that batch seq, and so every one before it, is as durable as the policy says. A store makes the batches of
// a partition durable in the order in which it took them.
func (p *partition) settled(seq uint64) {
	for {
		d := p.durable.Load()
		if d >= seq || p.durable.CompareAndSwap(d, seq) {
			break
		}
	}
	if p.waiting.Load() > 0 {
		p.mu.Lock()
		p.wake.Broadcast()
		p.mu.Unlock()
	}
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
