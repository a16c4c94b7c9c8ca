package gossip

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// inBubble runs a story in virtual time. Nodes are closed before the bubble ends, and the bubble does not end before every
// goroutine in it has: a goroutine of ours or of memberlist's that stays is a failure.
func inBubble(t *testing.T, story func(t *testing.T, n *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// Runs last: what Close promises of memberlist's goroutines.
		t.Cleanup(func() { time.Sleep(awarenessMax * probeInterval) })
		story(t, newNetwork())
	})
}

// kinds is the kinds of changes, in order.
func kinds(cs []Change) []ChangeKind {
	var out []ChangeKind
	for _, c := range cs {
		if c.Kind != Updated {
			out = append(out, c.Kind)
		}
	}
	return out
}

func TestLeaveIsNotDeath(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 4)
		begin := time.Now()
		if err := nodes[2].Leave(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Logf("goodbye took %v", time.Since(begin))
		if err := nodes[2].Close(); err != nil {
			t.Fatal(err)
		}
		_ = nodes[3].Close()
		for _, x := range nodes[:2] {
			x.await("3 left", is(3, Left))
			x.await("4 dead", is(4, Dead))
			if x.Alive(3) || x.Alive(4) || !x.Alive(1) || !x.Alive(2) || x.Alive(99) {
				t.Errorf("node %v: Alive disagrees with the view\n%s", x.ID(), x.picture())
			}
			if m, _ := x.View().Get(3); m.Flaps != 0 {
				t.Errorf("a leave counted as a fall: %+v", m)
			}
		}
		time.Sleep(10 * time.Minute)
		nodes[0].await("3 still left", is(3, Left))
		nodes[0].Forget(3)
		nodes[0].Forget(2) // is alive: nothing happens
		if v := nodes[0].View(); v.Len() != 3 {
			t.Errorf("forgot the wrong one\n%s", nodes[0].picture())
		}
		if err := nodes[2].Leave(context.Background()); !errors.Is(err, ErrClosed) {
			t.Errorf("Leave after Close: %v", err)
		}
	})
}

func TestRestartIsDownThenUp(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "after it was noticed": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *network) {
				nodes := cluster(t, n, 3)
				o := options(3, nodes[0].Address())
				o.Bind = nodes[2].Address()
				_ = nodes[2].Close()
				time.Sleep(pause)
				o.Incarnation += 1000
				run(t, n, o)
				for _, x := range nodes[:2] {
					took := x.await("the new life", func(v View) bool {
						m, _ := v.Get(3)
						return m.State == Alive && m.Incarnation == o.Incarnation
					})
					t.Logf("node %v saw it after %v", x.ID(), took)
					time.Sleep(time.Second)
					if got := kinds(x.history(3)); !slices.Equal(got, []ChangeKind{Up, Down, Up}) {
						t.Errorf("node %v was told %v", x.ID(), got)
					}
					if m, _ := x.View().Get(3); m.Flaps != 1 {
						t.Errorf("node %v counts %d falls", x.ID(), m.Flaps)
					}
				}
			})
		})
	}
}

func TestSeeds(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		// Everybody has the same list, with itself in it, and the first two entries are nobody.
		seeds := []string{"127.0.0.1:9", "127.0.0.9:9", "127.0.0.1:2001", "127.0.0.1:2002", "127.0.0.1:2003"}
		var nodes []*node
		for i := 1; i <= 3; i++ {
			o := options(i, seeds...)
			o.Bind = seeds[i+1]
			nodes = append(nodes, run(t, n, o))
			if i == 1 { // alone for a while: it must go on looking
				time.Sleep(3 * time.Minute)
				if nodes[0].Stats().JoinError == nil {
					t.Error("nobody answers and there is no error")
				}
			}
		}
		for _, x := range nodes {
			t.Logf("node %v after %v", x.ID(), x.await("all", all(3)))
		}
	})
}

// Two groups that never met are one later, because seeds are asked in company, too.
func TestIslandsMeet(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		o := options(1)
		o.Bind = "127.0.0.1:2001"
		run(t, n, o)
		o = options(2)
		o.Bind = "127.0.0.1:2002"
		run(t, n, o)
		n.cut("*", "127.0.0.1:2002", true)
		x := run(t, n, options(3, "127.0.0.1:2001", "127.0.0.1:2002"))
		x.await("the first", all(2))
		time.Sleep(time.Minute)
		n.cut("*", "127.0.0.1:2002", false)
		t.Logf("after %v", x.await("both", all(3)))
	})
}

// A partition that outlives memberlist's memory of the dead heals all the same.
func TestPartitionHeals(t *testing.T) {
	for name, span := range map[string]time.Duration{"short": 20 * time.Second, "long": 30 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *network) {
				// Everybody came in by a seed that is gone: nobody has anybody to ask but those that it knew.
				seed := run(t, n, options(9))
				var nodes []*node
				for i := 1; i <= 5; i++ {
					nodes = append(nodes, run(t, n, options(i, seed.Address())))
				}
				for _, x := range nodes {
					x.await("all", all(6))
				}
				_ = seed.Leave(context.Background())
				_ = seed.Close()
				nodes[4].await("the seed gone", is(9, Left))
				halves := func(on bool) {
					for _, a := range nodes[:2] {
						for _, b := range nodes[2:] {
							n.cut(a.Address(), b.Address(), on)
							n.cut(b.Address(), a.Address(), on)
						}
					}
				}
				halves(true)
				begin := time.Now()
				nodes[0].await("the other half gone", all(2))
				nodes[1].await("the other half gone", all(2))
				t.Logf("the minority knew after %v", time.Since(begin))
				nodes[4].await("the other half gone", all(3))
				t.Logf("the majority knew by %v", time.Since(begin))
				time.Sleep(span)
				halves(false)
				begin = time.Now()
				for _, x := range nodes {
					x.await("whole again", all(5))
				}
				t.Logf("healed after %v", time.Since(begin))
			})
		})
	}
}

func TestOtherClusterAndOtherKey(t *testing.T) {
	key := func(b byte) []byte { return slices.Repeat([]byte{b}, keyBytes) }
	for name, change := range map[string]func(*Options){
		"other cluster": func(o *Options) { o.ClusterID = "cluster-b" },
		"other key":     func(o *Options) { o.Keys = [][]byte{key(2)} },
		"no key":        func(o *Options) { o.Keys = nil },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, n *network) {
				o := options(1)
				o.Keys = [][]byte{key(1)}
				a := run(t, n, o)
				o = options(2, a.Address())
				o.Keys = [][]byte{key(1)}
				b := run(t, n, o)
				o = options(3, a.Address(), b.Address())
				o.Keys = [][]byte{key(1)}
				change(&o)
				c := run(t, n, o)
				b.await("the first two", all(2))
				time.Sleep(2 * time.Minute)
				for _, x := range []*node{a, b, c} {
					if v := x.View(); x == c && v.Len() != 1 || x != c && v.Len() != 2 {
						t.Errorf("node %v\n%s", x.ID(), x.picture())
					}
				}
				if err := c.Stats().JoinError; err == nil {
					t.Error("no reason told")
				} else {
					t.Log(err)
				}
			})
		})
	}
}

func TestUpdateTravels(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		nodes := cluster(t, n, 5)
		m := options(2).Meta
		m.Epoch, m.RingHash = 7, 0xfeed
		if err := nodes[1].Update(m); err != nil {
			t.Fatal(err)
		}
		for _, x := range nodes {
			took := x.await("epoch 7", func(v View) bool { y, _ := v.Get(2); return y.Epoch == 7 && y.RingHash == 0xfeed })
			// As a rule within a second; the next push/pull if every copy went elsewhere.
			if took > 2*pushPullInterval {
				t.Errorf("node %v: after %v", x.ID(), took)
			}
		}
		m.Load = 500
		_ = nodes[1].Update(m)
		begin := time.Now()
		for time.Since(begin) < time.Minute {
			time.Sleep(time.Second)
			if y, _ := nodes[0].View().Get(2); y.Load == 500 {
				break
			}
		}
		if took := time.Since(begin); took < 5*time.Second || took > 15*time.Second {
			t.Errorf("load took %v: it travels at leisure", took)
		}
		m.Rack = "bad\nrack"
		if err := nodes[1].Update(m); !errors.Is(err, ErrMeta) {
			t.Errorf("%v", err)
		}
	})
}

func TestRotateKey(t *testing.T) {
	inBubble(t, func(t *testing.T, n *network) {
		first, second, third := make([]byte, 32), slices.Repeat([]byte{2}, 32), slices.Repeat([]byte{3}, 32)
		var nodes []*node
		for i := 1; i <= 3; i++ {
			o := options(i)
			if i > 1 {
				o.Seeds = []string{nodes[0].Address()}
			}
			o.Keys = [][]byte{first}
			nodes = append(nodes, run(t, n, o))
		}
		for _, x := range nodes {
			x.await("all", all(3))
		}
		// The first alone cannot go on, and says who is missing.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		var r *RotationError
		if err := nodes[0].RotateKey(ctx, second); !errors.As(err, &r) || r.Step != "add" || !slices.Equal(r.Waiting, []object.NodeID{2, 3}) {
			t.Fatalf("%v", err)
		}
		if err := nodes[0].RotateKey(context.Background(), third); err == nil {
			t.Error("a second rotation began before the first ended")
		}
		done := make(chan error, 3)
		for _, x := range nodes {
			go func() { done <- x.RotateKey(context.Background(), second) }()
		}
		for range nodes {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		time.Sleep(5 * time.Minute)
		for _, x := range nodes {
			if k := x.Keys(); !slices.Equal(k, []uint32{fingerprint(second)}) {
				t.Errorf("keys %x", k)
			}
			if len(kinds(x.history(1)))+len(kinds(x.history(2)))+len(kinds(x.history(3))) != 3 {
				t.Errorf("somebody fell during the rotation: %v", x.history(1))
			}
		}
		o := options(4, nodes[0].Address())
		o.Keys = [][]byte{second}
		run(t, n, o).await("all", all(4))
	})
}
