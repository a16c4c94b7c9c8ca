//go:build blackbox

package crash

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// Bounds of the moment of a kill after the writers began.
const (
	killFrom = 100 * time.Millisecond
	killTo   = 1500 * time.Millisecond
)

// maxComplaints is how many keys are described before the test only counts.
const maxComplaints = 10

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(harness.Number(t, "SEED", int(rand.Uint32()), int(rand.Uint32())))
	t.Logf("SEED=%d", s)
	return s
}

// TestKillLosesNothing is the promise: under every durability, what was
// acknowledged survives kill -9.
func TestKillLosesNothing(t *testing.T) {
	var soak time.Duration
	if text := os.Getenv("SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("SOAK: %v", err)
		}
		soak = d / 3
	}
	for _, durability := range []string{"always", "everysec", "no"} {
		t.Run(durability, func(t *testing.T) {
			k := newKiller(t, durability)
			rounds := harness.Number(t, "CRASH_ROUNDS", 20, 2)
			begin := time.Now()
			for i := 0; soak == 0 && i < rounds || time.Since(begin) < soak; i++ {
				k.round()
			}
			k.cleanStop()
			k.report()
		})
	}
}

// killer is one node, its writers and what came of them.
type killer struct {
	t          *testing.T
	durability string
	node       *harness.Node
	rng        *rand.Rand
	writers    []*writer
	acks       atomic.Int64
	loaded     time.Duration // time under load
	ready      []time.Duration
	lost       int
	foreign    int
	torn       int
	complaints int
	inc        string // the incarnation that INFO told last
}

func newKiller(t *testing.T, durability string) *killer {
	s := seed(t)
	k := &killer{t: t, durability: durability, rng: rand.New(rand.NewPCG(s, 100))}
	k.node = harness.StartRondo(t, harness.Options{Durability: durability})
	for id := range writers {
		k.writers = append(k.writers, newWriter(id, s, &k.acks))
	}
	return k
}

// round writes, kills at a random moment, starts again and compares.
func (k *killer) round() {
	k.t.Helper()
	before := k.acks.Load()
	errs := make([]error, len(k.writers))
	var wg sync.WaitGroup
	begin := time.Now()
	for i, w := range k.writers {
		wg.Go(func() { errs[i] = w.run(k.node.Clients) })
	}
	select {
	case <-time.After(killFrom + time.Duration(k.rng.Int64N(int64(killTo-killFrom)))):
	case <-k.node.Exited():
		k.t.Fatalf("the node ended by itself:\n%s", k.node.LogTail())
	}
	k.node.Kill()
	k.loaded += time.Since(begin)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			k.t.Errorf("writer %d: %v", i, err)
		}
	}
	if k.acks.Load() == before {
		k.t.Errorf("no write was acknowledged within %v: nothing was tested", time.Since(begin))
	}
	k.restart()
	k.compare()
}

func (k *killer) restart() {
	k.t.Helper()
	begin := time.Now()
	k.node.Start()
	k.ready = append(k.ready, time.Since(begin))
}

// compare looks at every key and takes what it finds for what must stay.
func (k *killer) compare() {
	k.t.Helper()
	c := harness.Dial(k.t, k.node.Clients)
	defer func() { _ = c.Close() }()
	if inc := info(c, "incarnation"); inc == "" || inc == k.inc {
		k.t.Errorf("incarnation after a restart is %q, before it was %q", inc, k.inc)
	} else {
		k.inc = inc
	}
	present := 0
	for _, w := range k.writers {
		present += k.compareWriter(c, w)
	}
	var all Counter
	for _, w := range k.writers {
		all.Acked += w.shared.Acked
		all.Sent += w.shared.Sent
	}
	n := getInt(k.t, c, sharedCounter)
	k.judge(all.Check(n), sharedCounter, "shows %d, acknowledged %d, sent %d", n, all.Acked, all.Sent)
	present += exists(n)
	// Which writer's unknown increments happened cannot be told: count on.
	for _, w := range k.writers {
		w.shared = Counter{}
	}
	k.writers[0].shared = Counter{Acked: n, Sent: n}

	if size := dbSize(k.t, c); size != int64(present) {
		k.t.Errorf("DBSIZE is %d, %d keys are there", size, present)
	}
}

func exists(counter int64) int {
	if counter == 0 {
		return 0
	}
	return 1
}

func (k *killer) compareWriter(c *harness.Conn, w *writer) (present int) {
	k.t.Helper()
	keys := w.ledger.Keys()
	seen := readKeys(k.t, c, keys)
	for _, key := range keys {
		l := seen[key]
		if l.err != nil {
			k.judge(Foreign, key, "%v", l.err)
			continue
		}
		k.judge(w.ledger.Check(key, l.state), key, "shows: %v; %s", l.state, w.ledger.Describe(key))
		if !l.state.Absent {
			present++
		}
	}
	for n := range pairsAWriter {
		a, b := w.pairKeys(n)
		if la, lb := seen[a], seen[b]; la.err == nil && lb.err == nil && la.state != lb.state {
			k.torn++
			k.t.Errorf("transaction in part: %s %v, %s %v", a, la.state, b, lb.state)
		}
	}
	for _, key := range keys {
		if seen[key].err == nil {
			w.ledger.Settle(key, seen[key].state)
		}
	}
	n := getInt(k.t, c, w.ownCounter())
	k.judge(w.own.Check(n), w.ownCounter(), "shows %d, acknowledged %d, sent %d", n, w.own.Acked, w.own.Sent)
	w.own = Counter{Acked: n, Sent: n}
	return present + exists(n)
}

// judge counts a verdict and describes the first bad ones.
func (k *killer) judge(v Verdict, key, format string, args ...any) {
	k.t.Helper()
	switch v {
	case Kept:
		return
	case Lost:
		k.lost++
	case Foreign:
		k.foreign++
	}
	if k.complaints++; k.complaints <= maxComplaints {
		k.t.Errorf("%s: %s "+format, append([]any{key, v}, args...)...)
	} else {
		k.t.Fail()
	}
}

// cleanStop ends the node politely: exit code 0, and all is there afterwards,
// without counting and without a word of recovery.
func (k *killer) cleanStop() {
	k.t.Helper()
	k.node.Stop()
	k.node.Start()
	c := harness.Dial(k.t, k.node.Clients)
	if reply := c.Do("DBSIZE"); strings.HasPrefix(reply, "-") {
		k.t.Errorf("DBSIZE at once after a clean stop: %q", reply)
	}
	_ = c.Close()
	k.compare()
}

func (k *killer) report() {
	slices.Sort(k.ready)
	acked := k.acks.Load()
	k.t.Logf("durability %-8s  rounds %d  kills %d  writes acked %d (%.0f/s)  lost %d  foreign %d  torn transactions %d  restart to ready: median %v, max %v",
		k.durability, len(k.ready), len(k.ready), acked, float64(acked)/k.loaded.Seconds(), k.lost, k.foreign, k.torn,
		k.ready[len(k.ready)/2].Round(time.Millisecond), k.ready[len(k.ready)-1].Round(time.Millisecond))
}
