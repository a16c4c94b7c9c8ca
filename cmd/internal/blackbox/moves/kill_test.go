//go:build blackbox

package moves

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// downFor is how long a node is away that is killed and comes back.
const downFor = 3 * time.Second

// TestKillMidMove kills, in the middle of a join, a node that is copied from, the one that copies, and the one that leads.
func TestKillMidMove(t *testing.T) {
	for _, c := range []struct {
		name  string
		short bool
		kill  func(*scene, *harness.Node)
	}{
		{"source", true, (*scene).killSource},
		{"target", true, (*scene).killTarget},
		{"conductor", false, (*scene).killConductor},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && !c.short {
				t.Skip("not in a short run")
			}
			s := newScene(t, 3, harness.Number(t, "MOVES_KEYS_KILLED", 100_000, 20_000), 512<<10, "--rebalance", "manual")
			was, err := statusOf(s.alive())
			if err != nil {
				t.Fatal(err)
			}
			row := s.change("kill -9 of the "+c.name, func(*Row) {
				n := s.join("fourth")
				s.admit(n)
				n.Await()
				await(t, s.alive(), changeWithin, "in the middle of copying", func(st *status) bool {
					m := st.of(n)
					return st.Stage == "copying" && m != nil && m.PartitionsDone > 0 && m.PartitionsDone*4 >= m.PartitionsDone+m.PartitionsLeft
				})
				c.kill(s, n)
				s.Nodes = append(s.Nodes, n)
				s.crew.use(s.Nodes)
				s.settled(was.Epoch, s.Nodes)
			})
			s.kept(row)
		})
	}
}

// killSource kills an old owner, which stays away until the move is over.
func (s *scene) killSource(target *harness.Node) {
	s.killed(s.other(false))
	s.over(target)
	s.back(s.dead())
}

// killConductor is killSource, but of the one that proposes.
func (s *scene) killConductor(target *harness.Node) {
	s.killed(s.other(true))
	s.over(target)
	s.back(s.dead())
}

// killTarget kills the node that copies, which comes back.
func (s *scene) killTarget(target *harness.Node) {
	s.killed(target)
	<-time.After(downFor)
	s.back(target)
}

// other is a member that is or is not the conductor.
func (s *scene) other(conductor bool) *harness.Node {
	st, err := statusOf(s.alive())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range s.Nodes {
		if m := st.of(n); m != nil && (m.ID == st.Conductor) == conductor {
			return n
		}
	}
	s.t.Fatalf("no node to kill: %s", &st)
	return nil
}

func (s *scene) dead() *harness.Node {
	for _, n := range s.Nodes {
		if !n.Running() {
			return n
		}
	}
	s.t.Fatal("all nodes run")
	return nil
}

func (s *scene) killed(n *harness.Node) {
	if st, err := statusOf(s.alive()); err == nil {
		s.t.Logf("kill -9 of %s: %s", n.Clients, &st)
	}
	n.Kill()
}

func (s *scene) back(n *harness.Node) {
	n.Start()
	s.t.Logf("%s is back", n.Clients)
}

// over waits until the target of a move has all of it, with a node away.
func (s *scene) over(target *harness.Node) {
	began := time.Now()
	st := await(s.t, s.alive(), changeWithin, "over", func(st *status) bool { return st.Stage == "stable" && st.of(target) != nil })
	s.t.Logf("over %v after the kill: %s", time.Since(began).Round(10*time.Millisecond), &st)
}

// TestReplace kills a node for good and has a new one take its places.
func TestReplace(t *testing.T) {
	s := newScene(t, 3, harness.Number(t, "MOVES_KEYS_KILLED", 100_000, 20_000), 8<<20, "--rebalance", "manual")
	was, err := statusOf(s.alive())
	if err != nil {
		t.Fatal(err)
	}
	var heir *harness.Node
	row := s.change("a dead one is replaced", func(*Row) {
		dead := s.Nodes[2]
		dead.Kill()
		heir = s.join("heir")
		s.awaitWaiting(heir)
		await(t, s.alive(), time.Minute, "aware of the death", func(st *status) bool { m := st.of(dead); return m != nil && !m.Alive })
		s.order("node", "replace", dead.Clients, heir.Clients)
		heir.Await()
		s.Nodes = []*harness.Node{s.Nodes[0], s.Nodes[1], heir}
		s.settled(was.Epoch, s.Nodes)
		s.crew.use(s.Nodes)
	})
	s.kept(row)
	held := s.rowsEach()
	if held[heir.Clients] < s.bulk.keys {
		t.Errorf("the heir holds %d rows of %d", held[heir.Clients], s.bulk.keys)
	}
}

// TestWeights has a node of weight 2 join two of weight 1, which keep two copies: it holds every key.
func TestWeights(t *testing.T) {
	s := newScene(t, 2, harness.Number(t, "MOVES_KEYS_KILLED", 100_000, 20_000), 8<<20, "--replicas", "2")
	was, err := statusOf(s.alive())
	if err != nil {
		t.Fatal(err)
	}
	weight := equal(s.Nodes)
	row := s.change("weights become 1:1:2", func(*Row) {
		n := s.join("heavy", "--weight", "2")
		weight[n.Clients] = 2
		s.comes(n, was.Epoch)
	})
	s.faultless(row, 0)
	s.kept(row)
	for what, held := range map[string]map[string]int{"partitions": placementOf(t, s.alive()).Held(), "rows": s.rowsEach()} {
		row.Uneven = Uneven(held, weight)
		if row.Uneven > evenWithin {
			t.Errorf("%s are off their weights by %.1f%%: %v", what, 100*row.Uneven, held)
		}
		t.Logf("%s by node: %v", what, held)
	}
}
