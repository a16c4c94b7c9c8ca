package engine

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// commitGroup makes batches durable together. A batch is applied without a sync: its record waits in the log writer's
// memory. Whoever first waits for a batch leads: it writes one empty record with a sync, which takes everything before it
// along, while those who come meanwhile wait for the next turn.
//
// Invariant: a ticket is drawn after the batch was applied, so a record written after applied was read as n stands behind
// the records of all tickets up to n, in the same log or in a later one; a log is written out whole when it is closed.
type commitGroup struct {
	db    *pebble.DB
	latch *latch

	applied atomic.Uint64 // tickets drawn
	synced  atomic.Uint64 // all tickets up to it are as durable as the policy says

	mu      sync.Mutex
	turn    sync.Cond // on mu: a leader has finished
	leading bool      // under mu
}

func newCommitGroup(db *pebble.DB, l *latch) *commitGroup {
	g := &commitGroup{db: db, latch: l}
	g.turn.L = &g.mu
	return g
}

// join draws the ticket of a batch that has been applied.
func (g *commitGroup) join() (ticket uint64) { return g.applied.Add(1) }

// wait returns once the ticket's batch is durable, or with the error that stopped the store.
func (g *commitGroup) wait(ticket uint64) error {
	if g.synced.Load() >= ticket {
		return g.latch.err()
	}
	g.mu.Lock()
	for g.leading && g.synced.Load() < ticket {
		g.turn.Wait()
	}
	if g.synced.Load() >= ticket {
		g.mu.Unlock()
		return g.latch.err()
	}
	g.leading = true
	g.mu.Unlock()

	err := g.lead()

	g.mu.Lock()
	g.leading = false
	g.mu.Unlock()
	g.turn.Broadcast()
	return err
}

func (g *commitGroup) lead() error {
	if err := g.latch.err(); err != nil {
		return err
	}
	// Connections that are ready to run get to apply their writes first: the larger the group, the cheaper each.
	runtime.Gosched()
	cover := g.applied.Load()
	b := g.db.NewBatch()
	if err := errors.Join(b.LogData(nil, nil), b.Commit(pebble.Sync), b.Close()); err != nil {
		return g.latch.fail("commit", err)
	}
	if err := g.latch.err(); err != nil {
		return err
	}
	g.synced.Store(cover)
	return nil
}
