//go:build blackbox

package moves

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/chaos"
	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	workersEach    = 4                    // of each kind
	pace           = 5 * time.Millisecond // between two operations of a worker
	mostComplaints = 20
)

// crew is all workers of a ring, and what they found wrong.
type crew struct {
	t         *testing.T
	nodes     atomic.Pointer[[]*harness.Node] // that workers turn to
	known     atomic.Pointer[[]*harness.Node] // that may be named to them
	metronome chaos.Metronome
	stop      func() // may be called again

	// gate is held for reading during an operation, so that who holds it for writing finds the workers at rest.
	gate    sync.RWMutex
	workers []*worker

	mu          sync.Mutex
	ledgers     []*chaos.Ledger // all there ever were
	counters    []*chaos.Counter
	stales      int // since begin
	lost        int
	complaining int
	noted       int
}

// newCrew starts the workers: they end with the test.
func newCrew(t *testing.T, seed uint64, nodes []*harness.Node) *crew {
	w := &crew{t: t}
	w.use(nodes)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	w.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(w.stop)
	for i := range workersEach * int(kinds) {
		o := &worker{
			crew: w, id: i, kind: kind(i % int(kinds)), at: i / int(kinds), rng: rand.New(rand.NewPCG(seed, uint64(i))),
			conns: map[*harness.Node]*harness.Conn{}, owner: map[string]*harness.Node{}, avoid: map[*harness.Node]time.Time{},
		}
		for range ownKeys {
			o.ledgers = append(o.ledgers, w.newLedger(o.name("r")))
		}
		for range counters {
			c := &chaos.Counter{Key: o.name("c")}
			o.counters, w.counters = append(o.counters, c), append(w.counters, c)
		}
		w.workers = append(w.workers, o)
	}
	for _, o := range w.workers {
		running.Go(func() { o.run(ctx) })
	}
	running.Go(func() { w.metronome.Run(ctx) })
	return w
}

// use names the nodes that workers turn to. Those of before may be named to them all the same.
func (w *crew) use(nodes []*harness.Node) {
	known := append([]*harness.Node{}, nodes...)
	if old := w.known.Load(); old != nil {
		known = append(known, *old...)
	}
	nodes = append([]*harness.Node{}, nodes...)
	w.known.Store(&known)
	w.nodes.Store(&nodes)
}

func (w *crew) at() []*harness.Node { return *w.nodes.Load() }

// meet makes a node known that workers do not turn to by themselves.
func (w *crew) meet(n *harness.Node) {
	known := append([]*harness.Node{n}, *w.known.Load()...)
	w.known.Store(&known)
}

// find is the node with a cluster face at an address, nil if there is none.
func (w *crew) find(addr string) *harness.Node {
	for _, n := range *w.known.Load() {
		if n.Clients == addr {
			return n
		}
	}
	return nil
}

// note logs one of the first failures.
func (w *crew) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noted++; w.noted <= mostComplaints {
		w.t.Logf("%s: %s", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
	}
}

func (w *crew) stale(err error) { w.complain(&w.stales, err) }

func (w *crew) complain(counter *int, err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	*counter++
	if w.complaining++; w.complaining <= mostComplaints {
		w.t.Errorf("%s: %v", time.Now().Format("15:04:05.000"), err)
	}
}

func (w *crew) newLedger(key string) *chaos.Ledger {
	l := chaos.NewLedger(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledgers = append(w.ledgers, l)
	return l
}

func (w *crew) anyLedger(rng *rand.Rand) *chaos.Ledger {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledgers[rng.IntN(len(w.ledgers))]
}

// begin has the workers count anew.
func (w *crew) begin() {
	w.gate.Lock()
	defer w.gate.Unlock()
	for _, o := range w.workers {
		o.tally = Tally{}
	}
	w.metronome.Begin()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stales, w.lost = 0, 0
}

// end is what workers met since begin, by kind, and what they found stale.
func (w *crew) end() (met [kinds]Tally, stale int) {
	w.gate.Lock()
	defer w.gate.Unlock()
	for _, o := range w.workers {
		met[o.kind].Add(o.tally)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return met, w.stales
}

// settle reads every key of the crew from every node while the workers rest: at QUORUM, and at ALL. It returns how many showed
// less than was acknowledged.
func (w *crew) settle(nodes []*harness.Node) int {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.mu.Lock()
	ledgers, counters := w.ledgers, w.counters
	w.lost = 0
	w.mu.Unlock()
	for _, n := range nodes {
		c := harness.Dial(w.t, n.Forward)
		for _, level := range []string{"QUORUM", "ALL"} {
			read := func(key string, judge func(seen uint64) error) {
				seen, err := eventually(c, "AT", level, "GET", key)
				if err == nil {
					err = judge(seen)
				}
				if err != nil {
					w.complain(&w.lost, fmt.Errorf("afterwards, at %s from %s: %w", level, n.Forward, err))
				}
			}
			for _, l := range ledgers {
				read(l.Key, func(seen uint64) error { return l.Judge(l.Floor(), seen) })
			}
			for _, k := range counters {
				read(k.Key, func(seen uint64) error { return k.Judge(k.Floor(), seen) })
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// settleWithin is how long a level may not be had when nothing is wrong any more.
const settleWithin = 20 * time.Second

// eventually repeats a read until it is answered.
func eventually(c *harness.Conn, args ...string) (uint64, error) {
	for end := time.Now().Add(settleWithin); ; <-time.After(50 * time.Millisecond) {
		reply := []byte(c.Do(args...))
		if chaos.OutcomeOf(reply) == chaos.OK {
			return chaos.Number(reply)
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("%v: %q", args, reply)
		}
	}
}
