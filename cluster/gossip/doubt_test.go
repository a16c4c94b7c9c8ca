package gossip

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// A deaf node hears nothing but is heard. In memberlist alone each of its updates brings it back to life, since an alive
// message with a greater number is all that takes.
func TestDeafNodeStaysAway(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 4)
		deaf := nodes[3]
		n.cut("*", deaf.Address(), true)
		for _, x := range nodes[:3] {
			t.Logf("node %v knew after %v", x.ID(), x.await("4 not alive", func(v View) bool { return !is(4, Alive)(v) }))
		}
		nodes[0].await("4 dead", is(4, Dead))
		revived := false
		for i := range 200 {
			m := options(4).Meta
			m.Epoch = uint64(i + 2)
			_ = deaf.Update(m)
			time.Sleep(500 * time.Millisecond)
			for _, x := range nodes[:3] {
				m, _ := x.View().Get(4)
				revived = revived || m.State == Suspect
				if x.Alive(4) {
					t.Fatalf("node %v took the deaf one for alive\n%s", x.ID(), x.picture())
				}
			}
		}
		if !revived {
			t.Error("memberlist never brought it back: this test shows nothing")
		}
		for i := 1; i <= 3; i++ {
			if deaf.Alive(object.NodeID(i)) {
				t.Errorf("the deaf node takes %d for alive", i)
			}
		}
		n.cut("*", deaf.Address(), false)
		for _, x := range nodes {
			t.Logf("node %v: back after %v", x.ID(), x.await("4 hears again", all(4)))
		}
	})
}

// A mute node hears all but is not heard.
func TestMuteNodeStaysAway(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 4)
		mute := nodes[3]
		n.cut(mute.Address(), "*", true)
		for _, x := range nodes[:3] {
			t.Logf("node %v knew after %v", x.ID(), x.await("4 dead", is(4, Dead)))
		}
		time.Sleep(20 * time.Second)
		for range 100 {
			time.Sleep(time.Second)
			for i := 1; i <= 3; i++ {
				if mute.Alive(object.NodeID(i)) {
					t.Fatalf("the mute node takes %d for alive, which cannot hear it", i)
				}
			}
		}
	})
}

// x reaches a, but not b, c and d. memberlist keeps it alive everywhere, since a answers for it. With links or without, those
// that cannot talk to x do not use it, and then neither does a.
func TestHeardByOneIsUnheard(t *testing.T) {
	for name, withLinks := range map[string]bool{"links report": true, "no links": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *network) {
				nodes := cluster(t, n, 5)
				x, a, others := nodes[4], nodes[0], nodes[1:4]
				for _, y := range others {
					n.cut(x.Address(), y.Address(), true)
					if withLinks {
						y.ReportLink(5, false)
						if y.Alive(5) {
							t.Error("alive although its link is down")
						}
					}
				}
				for _, y := range others {
					t.Logf("node %v: after %v", y.ID(), y.await("5 in doubt", is(5, Suspect)))
				}
				t.Logf("node %v: after %v", a.ID(), a.await("5 unheard", doubted(5, Unheard)))
				time.Sleep(5 * time.Minute)
				for _, y := range nodes[:4] {
					if y.Alive(5) {
						t.Errorf("node %v\n%s", y.ID(), y.picture())
					}
					for i := 1; i <= 4; i++ {
						if !y.Alive(object.NodeID(i)) {
							t.Errorf("node %v lost %d\n%s", y.ID(), i, y.picture())
						}
					}
				}
				for _, y := range others {
					n.cut(x.Address(), y.Address(), false)
					if withLinks {
						y.ReportLink(5, true)
					}
				}
				for _, y := range nodes {
					t.Logf("node %v: back after %v", y.ID(), y.await("5 back", all(5)))
				}
			})
		})
	}
}

// One broken link of many is nobody's business but that of its two ends.
func TestOneBrokenLink(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 3)
		nodes[0].ReportLink(2, false)
		nodes[1].ReportLink(1, false)
		time.Sleep(time.Minute)
		if nodes[0].Alive(2) || nodes[1].Alive(1) || !nodes[2].Alive(1) || !nodes[2].Alive(2) {
			t.Errorf("\n%s\n%s\n%s", nodes[0].picture(), nodes[1].picture(), nodes[2].picture())
		}
		nodes[0].ReportLink(2, true)
		if !nodes[0].Alive(2) {
			t.Error("the link is back, the node is not")
		}
	})
}

// The same without reports: what 2 sends to 1 is lost, 3 answers for 2, and 1 finds out by asking.
func TestOneWayCutWithoutLinks(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 3)
		n.cut(nodes[1].Address(), nodes[0].Address(), true)
		t.Logf("after %v", nodes[0].await("2 silent", doubted(2, Silent)))
		for range 60 {
			time.Sleep(time.Second)
			if nodes[0].Alive(2) || !nodes[2].Alive(1) || !nodes[2].Alive(2) {
				t.Fatalf("\n%s\n%s", nodes[0].picture(), nodes[2].picture())
			}
		}
		nodes[0].ReportLink(2, true)
		if !nodes[0].Alive(2) {
			t.Error("the link works, which is what counts")
		}
	})
}

func TestFlappingIsHeldDown(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 4)
		away := 0
		for i := range 6 {
			nodes[0].ReportLink(4, false)
			time.Sleep(100 * time.Millisecond)
			nodes[0].ReportLink(4, true)
			if nodes[0].Alive(4) != (i < 2) {
				t.Errorf("fall %d: alive %v\n%s", i+1, nodes[0].Alive(4), nodes[0].picture())
			}
			begin := time.Now()
			nodes[0].await("4 back", is(4, Alive))
			held := time.Since(begin).Round(time.Second)
			want := []time.Duration{0, 0, 10, 20, 40, 80}[i] * time.Second
			if held != want {
				t.Errorf("fall %d: held for %v, want %v", i+1, held, want)
			}
			away += int(held / time.Second)
		}
		time.Sleep(10 * time.Minute)
		nodes[0].ReportLink(4, false)
		nodes[0].ReportLink(4, true)
		if !nodes[0].Alive(4) {
			t.Error("old falls are not forgotten")
		}
	})
}

// A node that is paused sees everybody fall: that is not their flapping.
func TestOwnPauseHoldsNobodyDown(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 4)
		for range 5 {
			for i := 2; i <= 4; i++ {
				nodes[0].ReportLink(object.NodeID(i), false)
			}
			time.Sleep(time.Second)
			for i := 2; i <= 4; i++ {
				nodes[0].ReportLink(object.NodeID(i), true)
			}
			nodes[0].await("all back at once", all(4))
			time.Sleep(time.Second)
		}
		for m := range nodes[0].View().All() {
			if m.Flaps > 0 {
				t.Errorf("%v: %d falls", m.ID, m.Flaps)
			}
		}
	})
}

// A tenth of all packets lost for ten minutes: nobody falls for good, and few fall at all.
func TestLossyNetwork(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 5)
		rng := rand.New(rand.NewPCG(1, 2))
		n.mu.Lock()
		n.drop = func() bool { return rng.IntN(10) == 0 }
		n.mu.Unlock()
		time.Sleep(10 * time.Minute)
		falls := 0
		for _, x := range nodes {
			x.mu.Lock()
			var old View
			for _, v := range x.views {
				for _, c := range v.Since(old) {
					if c.Kind == Down {
						falls++
					}
				}
				old = v
			}
			x.mu.Unlock()
			x.await("all", all(5))
		}
		t.Logf("%d falls seen by 5 nodes in 10 minutes", falls)
		if falls > 5 {
			t.Errorf("%d falls", falls)
		}
	})
}

// How long it takes until everybody knows of a death. The figures are in docs/design/gossip.md; GOSSIP_SIZES="100 300" measures
// larger clusters.
func TestDetectionTime(t *testing.T) {
	sizes, rounds := []int{3, 5, 9}, 5
	if s := os.Getenv("GOSSIP_SIZES"); s != "" {
		sizes = nil
		for _, f := range strings.Fields(s) {
			n, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, n)
		}
	}
	for _, size := range sizes {
		var first, last, worst time.Duration
		for range rounds {
			a, b := detect(t, size)
			first, last, worst = first+a, last+b, max(worst, b)
		}
		mean := func(d time.Duration) time.Duration { return (d / time.Duration(rounds)).Round(10 * time.Millisecond) }
		t.Logf("%3d nodes: the first knew after %v, the last after %v, at worst %v", size, mean(first), mean(last), worst.Round(10*time.Millisecond))
		if mean(last) > 15*time.Second {
			t.Errorf("%d nodes: %v", size, mean(last))
		}
	}
}

// detect kills one of n nodes and returns when the first and when the last of the others had it for dead.
func detect(t *testing.T, n int) (first, last time.Duration) {
	inBubble(t, func(t *testing.T, net *network) {
		nodes := cluster(t, net, n)
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Millisecond)
		_ = nodes[n-1].Close()
		begin := time.Now()
		first = time.Hour
		for _, x := range nodes[:n-1] {
			x.await("dead", is(n, Dead))
			x.Gossip.mu.Lock()
			at := x.table.entries[object.NodeID(n)].since.Sub(begin)
			x.Gossip.mu.Unlock()
			first, last = min(first, at), max(last, at)
		}
	})
	return first, last
}

// What gossip costs when nothing happens. Links that report keep it at memberlist's own probes.
func TestIdleTraffic(t *testing.T) {
	for _, size := range []int{3, 9, 30} {
		inBubble(t, func(t *testing.T, n *network) {
			cluster(t, n, size)
			time.Sleep(30 * time.Second)
			n.mu.Lock()
			n.packets, n.bytes = 0, 0
			n.mu.Unlock()
			time.Sleep(time.Minute)
			n.mu.Lock()
			defer n.mu.Unlock()
			packets, bytes := float64(n.packets)/60/float64(size), float64(n.bytes)/60/float64(size)
			t.Logf("%2d nodes: each sends %.1f packets and %.0f bytes a second", size, packets, bytes)
			if packets > 16 || bytes > 4096 {
				t.Error("too much for doing nothing")
			}
		})
	}
}

// Nodes of another lineage are seen and not used, and have no say in who is alive: three of before a recovery would otherwise have
// the two that go on taken for unheard, by complaining of them.
func TestAnotherLineage(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		var nodes []*node
		for i := 1; i <= 5; i++ {
			o := options(i)
			if i > 1 {
				o.Seeds = []string{nodes[0].Address()}
			}
			o.Meta.Lineage = 1
			nodes = append(nodes, run(t, n, o))
		}
		for _, x := range nodes {
			x.await("all alive", all(5))
		}
		for _, x := range nodes[:2] {
			m := Meta{Weight: 1, Epoch: 2, Lineage: 2}
			if err := x.Update(m); err != nil {
				t.Fatal(err)
			}
		}
		for _, x := range nodes[:2] {
			x.await("the other of the two alive", all(2))
			x.await("4 of another lineage", doubted(4, Foreign))
		}
		for _, y := range nodes[2:] {
			y.ReportLink(1, false)
			y.ReportLink(2, false)
			y.await("three of before", all(3))
		}
		time.Sleep(5 * time.Minute)
		for i, x := range nodes[:2] {
			if !x.Alive(object.NodeID(2-i)) || x.Alive(3) || x.Alive(4) || x.Alive(5) {
				t.Errorf("node %v\n%s", x.ID(), x.picture())
			}
		}
		// One that waits to be admitted is of no lineage: nobody minds it.
		w := run(t, n, options(6, nodes[0].Address()))
		w.await("all", all(6))
		nodes[0].await("who waits", is(6, Alive))
		nodes[4].await("who waits", is(6, Alive))
	})
}
