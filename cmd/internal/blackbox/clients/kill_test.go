//go:build blackbox

package clients

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// How long the parts of a round last.
const (
	steadyFor   = 6 * time.Second
	killedFor   = 5 * time.Second
	downFor     = 6 * time.Second
	evenWithin  = 60 * time.Second
	shareWindow = 6 // samples, one a second
	afterFor    = 8 * time.Second
)

// The phases of a round, as reports name them.
const (
	steady = "steady"
	killed = "killed" // from the kill on
	down   = "down"   // when clients have had time to notice, until the node answers again
	back   = "back"   // from then on until every client gives the node its part
	after  = "after"
)

// ringClient is a client under load.
type ringClient struct {
	name    string
	options string // that had to be set
	face    Face
	workers int
	needs   func() bool // nil: nothing but Go
	start   startLoad
}

func ringClients(node modules, face Face) []ringClient {
	names := map[string][2]string{
		"go-redis": {"go-redis Client", "go-redis ClusterClient"}, "rueidis": {"rueidis single", "rueidis"}, "ioredis": {"ioredis", "ioredis Cluster"},
		"node-redis": {"node-redis", "node-redis cluster"}, "redis-py": {"redis-py Redis", "redis-py RedisCluster"}, "redigo": {"redigo Pool", ""},
	}
	var clients []ringClient
	for _, c := range []ringClient{
		{name: "go-redis", workers: 8, start: goLoad(loadGoRedis)},
		{name: "rueidis", workers: 8, start: goLoad(loadRueidis(false)), options: "DisableCache"},
		{name: "rueidis", workers: 8, start: goLoad(loadRueidis(true)), options: "DisableCache, ToRetryable"},
		{name: "redigo", workers: 4, start: goLoad(loadRedigo)},
		{name: "ioredis", workers: 8, needs: hasNode, start: nodeLoad(node, "ioredis")},
		{name: "node-redis", workers: 8, needs: hasNode, start: nodeLoad(node, "node-redis")},
		// One thread, so one connection a node: what is told once a connection is told least often.
		{name: "redis-py", workers: 1, needs: hasPython, start: pythonLoad},
		{name: "redis-py", workers: 1, needs: hasPython, start: pythonLoad, options: "reinitialize_steps=1"},
	} {
		if c.face = face; face == Forward && c.options == "reinitialize_steps=1" {
			continue
		}
		if c.name = names[c.name][map[Face]int{Forward: 0, Cluster: 1}[face]]; c.name != "" {
			clients = append(clients, c)
		}
	}
	return clients
}

// running is a load that runs.
type running struct {
	ringClient
	suffix string
	load   string // name of the load: no two have the same
	ledger Ledger
	stop   func()
	loses  bool          // the only node that it knows is the one that is killed
	evenAt time.Duration // after the return, when the part was first even; 0: never
	part   float64       // of the returned node's at the end
	calls  int           // that the part is of
}

// begin starts a load of each client at the address of its face.
func begin(t *testing.T, clients []ringClient, suffix string, node *harness.Node) (loads []*running) {
	t.Helper()
	keys, rate := EvenKeys(), harness.Number(t, "CLIENTS_RATE", 200, 100)
	for _, c := range clients {
		if c.needs != nil && !c.needs() && os.Getenv("REQUIRE_TOOLS") != "1" {
			t.Logf("SKIPPED: %s, for what it needs is not installed", c.name)
			continue
		}
		l := &running{ringClient: c, suffix: suffix, load: strings.Join(strings.Fields(c.name+suffix+" "+c.options), " ")}
		l.ledger.Enter(steady)
		addr := map[Face]string{Forward: node.Forward, Cluster: node.Clients}[c.face]
		l.stop = c.start(t, addr, c.face, Load{Name: l.load, Keys: keys, Workers: c.workers, Rate: rate, Options: c.options}, &l.ledger)
		loads = append(loads, l)
	}
	return loads
}

func enter(loads []*running, phase string) {
	for _, l := range loads {
		l.ledger.Enter(phase)
	}
}

// watcher counts what the nodes of a ring show with MONITOR.
type watcher struct {
	t      *testing.T
	ring   *harness.Ring
	shares *Shares

	reading sync.WaitGroup
	mu      sync.Mutex
	conns   []*harness.Conn
}

func watch(t *testing.T, ring *harness.Ring) *watcher {
	w := &watcher{t: t, ring: ring, shares: NewShares()}
	for i := range ring.Nodes {
		w.node(i)
	}
	t.Cleanup(w.close)
	return w
}

// node begins to count at one node, until it ends.
func (w *watcher) node(i int) {
	w.t.Helper()
	c, err := harness.Connect(w.ring.Nodes[i].Forward)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.Send(harness.AppendCommand(nil, "MONITOR")); err != nil {
		w.t.Fatal(err)
	}
	c.Timeout = time.Hour
	w.mu.Lock()
	w.conns = append(w.conns, c)
	w.mu.Unlock()
	w.reading.Go(func() {
		for {
			line, err := c.Receive()
			if err != nil {
				return
			}
			w.shares.Note(i, len(w.ring.Nodes), string(line))
		}
	})
}

func (w *watcher) close() {
	w.mu.Lock()
	for _, c := range w.conns {
		_ = c.Close() // its node may have ended
	}
	w.mu.Unlock()
	w.reading.Wait()
}

// awaitEven waits until each client sent its even part to a node in the last seconds.
func (w *watcher) awaitEven(loads []*running, node int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	samples := map[*running][][]int{}
	for began := time.Now(); time.Since(began) < evenWithin+time.Second; <-tick.C {
		missing := false
		for _, l := range loads {
			s := append(samples[l], w.shares.Of(l.load, len(w.ring.Nodes)))
			samples[l] = s
			if l.evenAt > 0 {
				continue
			}
			missing = true
			if len(s) <= shareWindow {
				continue
			}
			part, total := Between(s[len(s)-1-shareWindow], s[len(s)-1], node)
			if total >= partitions/2 && Even(part, len(w.ring.Nodes)) {
				l.evenAt = max(time.Since(began)-shareWindow*time.Second, time.Second)
			}
		}
		if !missing {
			return
		}
	}
}

// awaitPass waits until the nodes have run as many commands of each cluster client as name every key once: over less the
// keys' nodes are not even.
func (w *watcher) awaitPass(loads []*running, before map[*running][]int) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < evenWithin; <-tick.C {
		if !slices.ContainsFunc(loads, func(l *running) bool {
			_, total := Between(before[l], w.shares.Of(l.load, len(w.ring.Nodes)), 0)
			return l.face == Cluster && total < 2*partitions
		}) {
			return
		}
	}
}

// killRound kills a node under load and starts it again.
func killRound(t *testing.T, ring *harness.Ring, loads []*running, node int) {
	w := watch(t, ring)
	lasting(steadyFor)
	enter(loads, killed)
	ring.Nodes[node].Kill()
	lasting(killedFor)
	enter(loads, down)
	lasting(downFor)
	ring.Nodes[node].Start()
	w.node(node)
	enter(loads, back)
	if loads[0].face == Cluster {
		w.awaitEven(loads, node)
	} else {
		awaitCalls(loads)
	}
	enter(loads, after)
	before := map[*running][]int{}
	for _, l := range loads {
		before[l] = w.shares.Of(l.load, len(ring.Nodes))
	}
	lasting(afterFor)
	w.awaitPass(loads, before)
	for _, l := range loads {
		l.part, l.calls = Between(before[l], w.shares.Of(l.load, len(ring.Nodes)), node)
		l.stop()
	}
}

// lasting lets the load run on.
func lasting(d time.Duration) { <-time.After(d) }

// awaitCalls waits until calls of each client succeed again.
func awaitCalls(loads []*running) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < evenWithin; <-tick.C {
		missing := false
		for _, l := range loads {
			if l.evenAt > 0 {
				continue
			}
			missing = true
			if r := l.ledger.Of(back); r.Calls-r.Failed() > 20 {
				l.evenAt = time.Since(began)
			}
		}
		if !missing {
			return
		}
	}
}

// judge prints what a round showed and fails for what may not be.
func judge(t *testing.T, nodes int, loads []*running) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n| client | version | options set | calls | errors after the kill | longest call | errors after the return | longest call | its part then |\n|%s\n",
		strings.Repeat("---|", 9))
	for _, l := range loads {
		all, gone, returned := l.ledger.Of(steady, killed, down, back, after), l.ledger.Of(killed, down), l.ledger.Of(back, after)
		part := fmt.Sprintf("served within %.1f s", l.evenAt.Seconds())
		if l.face == Cluster {
			part = fmt.Sprintf("%.1f %% of %d, even within %.0f s", 100*l.part, l.calls, l.evenAt.Seconds())
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %.0f ms | %s | %.0f ms | %s |\n", l.name+l.suffix, all.Version, cmp.Or(l.options, "none"), all.Calls,
			gone.ErrorText(), gone.LongestMs, returned.ErrorText(), returned.LongestMs, part)
		l.judge(t, nodes)
	}
	t.Log(b.String())
}

// judge fails for what one client may not show.
func (l *running) judge(t *testing.T, nodes int) {
	t.Helper()
	before, gone, end := l.ledger.Of(steady), l.ledger.Of(down), l.ledger.Of(after)
	if before.Calls == 0 || before.Failed() > 0 {
		t.Errorf("%s before anything failed: %d calls, %s", l.load, before.Calls, before.ErrorText())
	}
	if wrong := l.ledger.Of(steady, killed, down, back, after).Wrong; len(wrong) > 0 {
		t.Errorf("%s: %d replies that cannot be: %q", l.load, len(wrong), wrong[:min(5, len(wrong))])
	}
	if !l.loses && (gone.Calls < before.Calls/3 || gone.Refused()*100 > gone.Calls) && !hampered(l.name, gone) {
		t.Errorf("%s does not work without the node: %d calls, %s", l.load, gone.Calls, gone.ErrorText())
	}
	if end.Calls < before.Calls/2 || end.Refused()*100 > end.Calls {
		t.Errorf("%s does not work as before: %d calls, %s", l.load, end.Calls, end.ErrorText())
	}
	if l.evenAt == 0 || l.evenAt > evenWithin {
		t.Errorf("%s: not as before within %v after the return", l.load, evenWithin)
	}
	if l.face == Cluster && !Even(l.part, nodes) {
		t.Errorf("%s: the returned node gets %.1f %%", l.load, 100*l.part)
	}
}
