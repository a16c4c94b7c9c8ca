//go:build blackbox

package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const (
	roamers        = 6
	registersEach  = 6
	countersEach   = 2
	pace           = 5 * time.Millisecond // between two operations of a worker
	roamerPatience = time.Second          // then it turns to another node
	mostComplaints = 20
)

// crew is all workers of a cluster.
type crew struct {
	t       *testing.T
	workers []*worker

	// gate is held for reading during an operation, so that who holds it for
	// writing finds the workers at rest.
	gate sync.RWMutex

	mu         sync.Mutex
	ledgers    []*Ledger // all there ever were
	counters   []*Counter
	complaints int
}

// newCrew starts the workers: they end with the test.
func newCrew(t *testing.T, c *cluster, seed uint64) *crew {
	w := &crew{t: t}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	for i := range roamers + len(c.nodes) {
		pinned := i - roamers
		w.workers = append(w.workers, newWorker(w, c, i, pinned, rand.New(rand.NewPCG(seed, uint64(i)))))
	}
	for _, one := range w.workers {
		running.Go(func() { one.run(ctx) })
	}
	return w
}

// wrong notes a broken promise.
func (w *crew) wrong(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.complaints++; w.complaints <= mostComplaints {
		w.t.Errorf("%s: %v", time.Now().Format("15:04:05.000"), err)
	}
}

func (w *crew) newLedger(key string) *Ledger {
	l := NewLedger(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledgers = append(w.ledgers, l)
	return l
}

func (w *crew) newCounter(key string) *Counter {
	c := &Counter{Key: key}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counters = append(w.counters, c)
	return c
}

// anyLedger is a key of anybody.
func (w *crew) anyLedger(rng *rand.Rand) *Ledger {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledgers[rng.IntN(len(w.ledgers))]
}

// begin has the workers count anew.
func (w *crew) begin() {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.restart()
}

// restart is begin while they rest, so that the rest is no gap.
func (w *crew) restart() {
	for _, one := range w.workers {
		one.tally, one.succeeded = Tally{}, time.Now()
	}
}

// tallies sums up: those that move, and by node those that stay.
func (w *crew) tallies() (moving Tally, staying []Tally) {
	w.gate.Lock()
	defer w.gate.Unlock()
	for _, one := range w.workers {
		t := one.tally
		t.Gap = max(t.Gap, time.Since(one.succeeded))
		if one.pinned >= 0 {
			staying = append(staying, t)
		} else {
			moving.Add(t)
		}
	}
	return moving, staying
}
