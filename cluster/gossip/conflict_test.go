package gossip

import (
	"errors"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// A node that comes back under another address before its death was noticed is no duplicate: the old address does not answer.
func TestRestartElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 3)
		_ = nodes[2].Close()
		o := options(3, nodes[0].Address())
		o.Incarnation += 1000
		back := run(t, n, o)
		for _, x := range nodes[:2] {
			took := x.await("the new address", func(v View) bool {
				m, _ := v.Get(3)
				return m.State == Alive && m.Gossip == back.Address() && m.Incarnation == o.Incarnation
			})
			if took > 15*time.Second {
				t.Errorf("node %v: only after %v", x.ID(), took)
			}
		}
		if back.Err() != nil || back.Address() == nodes[2].Address() {
			t.Errorf("%v at %s", back.Err(), back.Address())
		}
	})
}

func TestSecondNodeOfAnIDIsRefused(t *testing.T) {
	for name, seed := range map[string]int{"seed is a third node": 1, "seed is the first holder": 2} {
		for later, inc := range map[string]object.Incarnation{"later": 1000, "earlier": -50 + 1<<64 - 1} {
			t.Run(name+", "+later+" incarnation", func(t *testing.T) {
				inBubble(t, func(t *testing.T, n *network) {
					nodes := cluster(t, n, 3)
					o := options(3, nodes[seed].Address())
					o.Incarnation += inc
					copied := run(t, n, o)
					copied.awaitFailure(nodes)
					var c *ConflictError
					if !errors.As(copied.Err(), &c) || c.ID != 3 || c.Theirs != nodes[2].Address() {
						t.Errorf("%v", copied.Err())
					}
					if copied.Alive(1) || !copied.Alive(3) {
						t.Error("a node that failed still sees others")
					}
					time.Sleep(time.Minute)
					for _, x := range nodes {
						if x.Err() != nil || !all(3)(x.View()) {
							t.Errorf("node %v: %v\n%s", x.ID(), x.Err(), x.picture())
						}
						if got := kinds(x.history(3)); len(got) != 1 {
							t.Errorf("node %v was told %v of node 3", x.ID(), got)
						}
					}
					if nodes[seed].Stats().Conflicts == 0 {
						t.Error("the seed did not notice")
					}
				})
			})
		}
	}
}

// Two holders of one id that each found company while the network was in two: the later one goes when it heals.
func TestSecondNodeOfAnIDAfterAPartition(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		a := cluster(t, n, 3)
		o := options(4)
		b := run(t, n, o)
		o = options(3, b.Address())
		o.Incarnation += 1000
		copied := run(t, n, o)
		b.await("company", all(2))
		copied.await("company", all(2))
		run(t, n, options(5, a[0].Address(), b.Address()))
		copied.awaitFailure(append(a, b))
		time.Sleep(time.Minute)
		for _, x := range append(a, b) {
			if x.Err() != nil || !all(5)(x.View()) {
				t.Errorf("node %v: %v\n%s", x.ID(), x.Err(), x.picture())
			}
		}
	})
}

// Until it is known which of two holders of an id has to go, views say so: what a node hears meanwhile it may hear in vain. The answer
// to its question brings news of others, before the node has failed.
func TestDisputed(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 3)
		o := options(3, nodes[0].Address())
		o.Incarnation += 1000
		copied := run(t, n, o)
		copied.awaitFailure(nodes)
		copied.mu.Lock()
		views := copied.views
		copied.mu.Unlock()
		if !copied.View().Disputed() {
			t.Error("the copy has failed, and its id is not disputed")
		}
		for _, v := range views {
			if _, heard := v.Get(1); heard && !v.Disputed() {
				t.Errorf("the copy heard of others, and its id is not disputed: %v", v.members)
			}
		}
		time.Sleep(time.Minute)
		for _, x := range nodes {
			if x.View().Disputed() {
				t.Errorf("node %v: still disputed", x.ID())
			}
		}
	})
	// A node that moved asks its former address in vain, and is not disputed then.
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 3)
		_ = nodes[2].Close()
		o := options(3, nodes[0].Address())
		o.Incarnation += 1000
		moved := run(t, n, o)
		moved.await("a dispute", View.Disputed)
		moved.await("company, undisputed", func(v View) bool { return !v.Disputed() && all(3)(v) })
	})
}
