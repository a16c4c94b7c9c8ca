//go:build blackbox

package moves

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// scene is a ring with keys in it and a crew at work.
type scene struct {
	*harness.Ring
	t       *testing.T
	crew    *crew
	bulk    bulk
	options harness.Options // of nodes to come
	limit   int             // transfer.rate, bytes a second
	base    float64         // processors that the nodes are kept busy by the crew alone
	rows    []Row
}

// newScene starts a ring whose nodes copy no faster than limit bytes a second.
func newScene(t *testing.T, size, keys, limit int, flags ...string) *scene {
	t.Helper()
	seed := uint64(harness.Number(t, "SEED", int(time.Now().UnixNano()%1e6), 1))
	t.Logf("SEED=%d", seed)
	o := harness.Options{Flags: append([]string{
		"--transfer.rate", fmt.Sprint(limit), "--memory.limit", "1gb", "--cache.rows", "64mb", "--cache.blocks", "64mb",
	}, flags...)}
	s := &scene{Ring: harness.StartRing(t, size, o), t: t, bulk: bulk{keys}, options: o, limit: limit}
	began := time.Now()
	s.bulk.load(t, s.Nodes)
	t.Logf("%d keys were loaded in %v", keys, time.Since(began).Round(10*time.Millisecond))
	s.crew = newCrew(t, seed, s.Nodes)
	t.Cleanup(func() { t.Logf("\n%s", Table(s.rows)) })
	return s
}

// cpu is what the nodes that run have had of processors.
func (s *scene) cpu(more ...*harness.Node) (sum time.Duration) {
	for _, n := range append(slices.Clone(s.Nodes), more...) {
		if n.Running() {
			sum += n.CPU()
		}
	}
	return sum
}

// steady measures the load without a change, to compare with.
func (s *scene) steady(d time.Duration) {
	s.t.Helper()
	s.crew.begin()
	before, began := s.cpu(), time.Now()
	<-time.After(d)
	s.base = float64(s.cpu()-before) / float64(time.Since(began))
	met, stale := s.crew.end()
	s.rows = append(s.rows, Row{Change: fmt.Sprintf("none, %.0f%% of a CPU", 100*s.base), Took: time.Since(began), Forward: met[forward], Cluster: met[cluster], Stale: stale})
	s.faultless(&s.rows[len(s.rows)-1], 0)
}

// change measures what happens while run changes the ring, and reads everything afterwards.
func (s *scene) change(name string, run func(*Row)) *Row {
	s.t.Helper()
	before := placementOf(s.t, s.alive())
	s.crew.begin()
	began, disk, early := time.Now(), s.longestSync(), s.early()
	row := Row{Change: name, Limit: float64(s.limit)}
	run(&row)
	row.Took = time.Since(began)
	met, stale := s.crew.end()
	row.Forward, row.Cluster, row.Stale = met[forward], met[cluster], stale
	if early = s.early() - early; early > 0 {
		s.t.Logf("%s: %.0f operations of unknown outcome ended before their deadline", name, early)
	}
	late := s.crew.metronome.Late()
	if late > stall {
		row.Stalled = fmt.Sprintf("processors were late by %v", late.Round(time.Millisecond))
	}
	if sync := s.longestSync(); sync > max(disk, stall) {
		row.Stalled = fmt.Sprintf("a disk took %v to sync", sync.Round(time.Millisecond))
	}
	after := placementOf(s.t, s.alive())
	row.Copied, row.Bound = before.Copied(after), before.Bound(after)
	row.Rows = row.Copied * s.bulk.keys / len(after)
	if row.Copied > row.Bound {
		s.t.Errorf("%s: %d copies of partitions moved where %d are enough", name, row.Copied, row.Bound)
	}
	began = time.Now()
	row.Lost = s.bulk.check(s.t, s.running()) + s.crew.settle(s.running())
	s.t.Logf("%s: forward faces: %s", name, &row.Forward)
	s.t.Logf("%s: cluster faces: %s", name, &row.Cluster)
	s.t.Logf("%s: the machine was late by up to %v; all keys were read in %v", name, late.Round(time.Millisecond), time.Since(began).Round(10*time.Millisecond))
	s.rows = append(s.rows, row)
	return &s.rows[len(s.rows)-1]
}

// stall is how long the machine may hold up an operation, which has 800 ms, without being to blame.
const stall = 250 * time.Millisecond

// longestSync is the longest that a disk has taken since the nodes started.
func (s *scene) longestSync() (longest time.Duration) {
	for _, n := range s.running() {
		seconds, err := n.Metric("rondo_store_sync_longest_seconds", "")
		if err != nil {
			s.t.Error(err)
		}
		longest = max(longest, time.Duration(seconds*float64(time.Second)))
	}
	return longest
}

// early is how many operations of unknown outcome ended before their deadline, for too many replicas had failed or refused: of a
// TIMEOUT it tells that nothing was too slow.
func (s *scene) early() (sum float64) {
	for _, n := range s.running() {
		count, err := n.Metric("rondo_core_lost_total", "")
		if err != nil {
			s.t.Error(err)
		}
		sum += count
	}
	return sum
}

// faultless fails for any command that failed, and for more connections that broke than a node took with it that left. Where the
// machine was held up itself, what came too late is excused.
func (s *scene) faultless(row *Row, broken int) {
	s.t.Helper()
	for face, t := range map[string]*Tally{"forward": &row.Forward, "cluster": &row.Cluster} {
		failed := t.Failed()
		if row.Stalled != "" && t.Late() > 0 {
			s.t.Logf("%s: %d late answers through the %s faces are excused: %s", row.Change, t.Late(), face, row.Stalled)
			failed -= t.Late()
		}
		if failed > 0 || t.Broken > broken || len(t.Calls) == 0 {
			s.t.Errorf("%s: through the %s faces: %s", row.Change, face, t)
		}
	}
}

// kept fails unless the ring kept its word.
func (s *scene) kept(row *Row) {
	s.t.Helper()
	if row.Lost > 0 || row.Stale > 0 {
		s.t.Errorf("%s: %d keys lost, %d stale reads", row.Change, row.Lost, row.Stale)
	}
}

// running are the members that run.
func (s *scene) running() (nodes []*harness.Node) {
	for _, n := range s.Nodes {
		if n.Running() {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (s *scene) alive() *harness.Node { return s.running()[0] }

// order gives the ring an order, at a node that lives.
func (s *scene) order(args ...string) []byte {
	s.t.Helper()
	out, err := s.alive().Run(append([]string{"admin"}, args...)...)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// join starts a node that waits to be admitted. The crew hears of it when the ring names it.
func (s *scene) join(name string, flags ...string) *harness.Node {
	s.t.Helper()
	o := s.options
	o.Flags = append(slices.Clone(o.Flags), flags...)
	n := s.Join(s.t, name, o)
	s.t.Cleanup(s.crew.stop) // before the node ends
	s.crew.meet(n)
	return n
}

// awaitWaiting waits until the ring knows of a node that wants in.
func (s *scene) awaitWaiting(n *harness.Node) {
	s.t.Helper()
	await(s.t, s.alive(), time.Minute, "waiting: "+n.Clients, func(st *status) bool {
		return slices.ContainsFunc(st.Waiting, func(m member) bool { return m.Client == n.Clients })
	})
}

// plan is what rondo admin ring plan --json tells.
type plan struct {
	OK      bool   `json:"ok"`
	Text    string `json:"text"`
	Figures struct {
		Moves int `json:"moves"`
		Bound int `json:"bound"`
	} `json:"figures"`
}

// admit plans to let a node in that waits, and has the plan carried out.
func (s *scene) admit(n *harness.Node) {
	s.t.Helper()
	s.awaitWaiting(n)
	var p plan
	if err := json.Unmarshal(s.order("ring", "plan", "--json"), &p); err != nil {
		s.t.Fatal(err)
	}
	if !p.OK || p.Figures.Moves == 0 || p.Figures.Moves > p.Figures.Bound {
		s.t.Errorf("the plan: %+v", p)
	}
	s.order("ring", "commit")
}

// comes waits until a node that joins is one of the ring's, and has clients use it.
func (s *scene) comes(n *harness.Node, after uint64) {
	n.Await()
	s.Nodes = append(s.Nodes, n)
	s.settled(after, s.Nodes)
	s.crew.use(s.Nodes)
}

// settled waits until nothing is under way any more and all members have the same epoch, later than one.
func (s *scene) settled(after uint64, members []*harness.Node) status {
	s.t.Helper()
	within := changeWithin + time.Duration(s.bulk.keys*len(members))*200*time.Second/time.Duration(s.limit)
	return await(s.t, members[0], within, "settled", func(st *status) bool {
		if !calm(st) || st.Epoch <= after || len(st.Members) != len(members) {
			return false
		}
		return !slices.ContainsFunc(members, func(n *harness.Node) bool { m := st.of(n); return m == nil || !m.Alive || m.Adopted != st.Epoch })
	})
}

// rowsEach stops all nodes, counts what each has on its disk, and starts them again. The crew rests.
func (s *scene) rowsEach() map[string]int {
	s.t.Helper()
	s.crew.gate.Lock()
	defer s.crew.gate.Unlock()
	for _, o := range s.crew.workers {
		o.hangUp()
	}
	held := map[string]int{}
	for _, n := range s.Nodes {
		n.Stop()
		rows, hints := rowsIn(s.t, n)
		s.t.Logf("%s holds %d rows and %d hints", n.Clients, rows, hints)
		held[n.Clients] = rows
	}
	var starting sync.WaitGroup
	errs := make([]error, len(s.Nodes))
	for i, n := range s.Nodes {
		starting.Go(func() { errs[i] = n.TryStart() })
	}
	starting.Wait()
	for i, err := range errs {
		if err != nil {
			s.t.Fatalf("%v\n%s", err, s.Nodes[i].LogTail())
		}
	}
	for _, n := range s.Nodes {
		s.AwaitWhole(s.t, n)
	}
	return held
}

// equal are weights that are all the same.
func equal(nodes []*harness.Node) map[string]int {
	weight := map[string]int{}
	for _, n := range nodes {
		weight[n.Clients] = 1
	}
	return weight
}
