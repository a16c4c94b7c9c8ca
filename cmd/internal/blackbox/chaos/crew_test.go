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
	followers      = 3
	registersEach  = 6
	countersEach   = 2
	pace           = 5 * time.Millisecond  // between two operations of a worker
	loosePace      = 25 * time.Millisecond // of a scribbler, whose keys are all looked for
	roamerPatience = time.Second           // then it turns to another node
	mostComplaints = 20
)

// crew is all workers of a cluster.
type crew struct {
	t          *testing.T
	workers    []*worker
	scribblers []*scribbler
	metronome  Metronome

	// gate is held for reading during an operation, so that who holds it for
	// writing finds the workers at rest.
	gate sync.RWMutex

	mu       sync.Mutex
	ledgers  []*Ledger // all there ever were
	counters []*Counter
	breaches [breaches]int // since begin
	told     int           // of all breaches
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
	add := func(k kind, via sender) *worker {
		o := &worker{crew: w, id: len(w.workers), kind: k, via: via, succeeded: time.Now()}
		w.workers = append(w.workers, o)
		return o
	}
	random := func() *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(len(w.workers)))) }
	for i := range roamers {
		rng := random()
		o := add(moving, &plain{clients: w.clients(c, forwardFace), at: i % len(c.nodes), patience: roamerPatience, rng: rng})
		o.work = newBookkeeper(o, rng).step
	}
	for range followers {
		rng := random()
		o := add(routed, &follower{clients: w.clients(c, clusterFace), rng: rng, owner: map[string]int{}, avoid: make([]time.Time, len(c.nodes))})
		o.work = newBookkeeper(o, rng).step
	}
	for i := range c.nodes {
		rng := random()
		o := add(staying, &plain{clients: w.clients(c, forwardFace), at: i, patience: AnswerWithin})
		o.work = newBookkeeper(o, rng).step
		s := &scribbler{worker: add(loose, &plain{clients: w.clients(c, forwardFace), at: i, patience: AnswerWithin})}
		s.work = s.step
		w.scribblers = append(w.scribblers, s)
	}
	for _, one := range w.workers {
		every := pace
		if one.kind == loose {
			every = loosePace
		}
		running.Go(func() { one.run(ctx, every) })
	}
	running.Go(func() { w.metronome.Run(ctx) })
	return w
}

func forwardFace(n *node) string { return n.forward }
func clusterFace(n *node) string { return n.listen }

// clients are one of each node.
func (w *crew) clients(c *cluster, face func(*node) string) []*client {
	var clients []*client
	for _, n := range c.nodes {
		clients = append(clients, &client{node: n, addr: face(n), late: func(err error) { w.wrong(Late, err) }})
	}
	return clients
}

// wrong notes a broken promise.
func (w *crew) wrong(b Breach, err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaches[b]++
	if late := w.metronome.Late(); b == Late && late > AnswerWithin/4 {
		w.t.Logf("%s: excused, for the machine was late by up to %v: %v", time.Now().Format("15:04:05.000"), late, err)
		return
	}
	if w.told++; w.told <= mostComplaints {
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
	w.metronome.Begin()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaches = [breaches]int{}
}

// restart is begin while they rest, so that the rest is no gap.
func (w *crew) restart() {
	for _, one := range w.workers {
		one.tally, one.succeeded = Tally{}, time.Now()
	}
}

// tallies are those of each worker since begin.
func (w *crew) tallies() []Tally {
	w.gate.Lock()
	defer w.gate.Unlock()
	out := make([]Tally, len(w.workers))
	for i, one := range w.workers {
		out[i] = one.tally
		out[i].pause(time.Since(one.succeeded), one.succeeded)
	}
	return out
}

// of sums up a kind.
func (w *crew) of(k kind, tallies []Tally) (sum Tally) {
	for i, t := range tallies {
		if w.workers[i].kind == k {
			sum.Add(t)
		}
	}
	return sum
}

// at is the tally of a kind that stays with a node, the i-th.
func (w *crew) at(k kind, i int, tallies []Tally) Tally {
	for j, one := range w.workers {
		if one.kind != k {
			continue
		}
		if i == 0 {
			return tallies[j]
		}
		i--
	}
	return Tally{}
}

// refusedAtAny is how many writes at ANY a node has refused so far.
func (w *crew) refusedAtAny(node int) int {
	w.gate.Lock()
	defer w.gate.Unlock()
	return w.scribblers[node].refused
}

func (w *crew) breached() [breaches]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.breaches
}
