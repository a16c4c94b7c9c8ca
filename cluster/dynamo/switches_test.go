package dynamo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
)

// TestSwitchesEndNothing has operations under way at every point of a planned change: all nodes live, no message is lost, and each
// node goes from epoch to epoch at any moment that the barriers allow. However messages, syncs, copies and switches come in
// between, every operation is answered as if the ring had stood still: no TIMEOUT, no UNAVAILABLE, no error, and every INCR counts
// once. But where the primary moves there may be two for a moment: a blind write that one of them hides from the other ends as
// TIMEOUT when nobody can tell whether it was seen.
func TestSwitchesEndNothing(t *testing.T) {
	moves := []struct{ name, from, to string }{
		{"join", "abc", "abd"},
		{"join first", "abc", "dab"},
		{"join in the middle", "abc", "adb"},
		{"another order", "abc", "cab"},
		{"leave", "abcd", "bcd"},
		{"replace the primary", "abc", "dbc"},
		{"replace all", "abc", "def"},
		{"grow from one", "a", "abc"},
		{"shrink to another", "abc", "d"},
		{"grow to five", "abc", "abcde"},
		{"two of three", "abc", "cde"},
	}
	seeds := 150
	if testing.Short() {
		seeds = 20
	}
	for _, m := range moves {
		t.Run(m.name, func(t *testing.T) {
			ended, unclear := 0, 0
			for seed := range uint64(seeds) {
				w := newSwitches(t, m.from, m.to, seed)
				w.play()
				ended, unclear = ended+len(w.s.requests), unclear+w.unclear
				if t.Failed() {
					return
				}
			}
			t.Logf("%d operations, %d hidden by another primary's", ended, unclear)
		})
	}
}

// switches is one schedule. Clients begin operations at any member, also at those that do not own the partition.
type switches struct {
	t        *testing.T
	s        *stage
	r        *rand.Rand
	from, to string
	seed     uint64
	late     []*actor            // have not adopted the present epoch
	parked   map[*actor][]letter // of a later epoch than a node's: its driver keeps them until it is there
	incs     map[string]int
	begun    int
	epochs   int // of the plan that are left
	unclear  int // operations of which nobody can say whether another primary's hid them rightly
	hidden   int // answers of replicas that say so of what they were sent
}

const switchNodes = 7

func newSwitches(t *testing.T, from, to string, seed uint64) *switches {
	t.Helper()
	s, err := newStageOf(fmt.Sprintf("cluster nodes=%d replicas=%d repair-one-in=%d", switchNodes, len(from), 1+seed%8))
	if err != nil {
		t.Fatal(err)
	}
	w := &switches{
		t: t, s: s, r: rand.New(rand.NewPCG(seed, 77)), from: from, to: to, seed: seed,
		parked: map[*actor][]letter{}, incs: map[string]int{}, epochs: 3,
	}
	if from != "abc"[:min(3, len(from))] {
		w.run("plan stable " + from)
		w.run("adopt all")
	}
	s.holds = []rule{{}} // every message waits for its turn
	for _, a := range s.nodes {
		a.slow = w.r.IntN(3) == 0
	}
	return w
}

func (w *switches) run(line string) {
	w.t.Helper()
	if err := w.s.run(line); err != nil {
		w.fail("%s: %v", line, err)
	}
}

func (w *switches) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("seed %d: %s\n%s", w.seed, fmt.Sprintf(format, args...), w.s.out.String())
}

// play takes the partition from list to list, with operations under way, and demands that they all end well.
func (w *switches) play() {
	w.t.Helper()
	for w.epochs > 0 || len(w.late) > 0 {
		w.act()
	}
	for range 1000 {
		for len(w.s.held) > 0 {
			w.deliver(0)
		}
		for _, a := range w.s.nodes {
			w.sync(a)
		}
		if len(w.s.held) == 0 {
			w.s.pass(Millisecond)
		}
		if w.check() == 0 {
			break
		}
	}
	if n := w.check(); n > 0 {
		w.fail("%d operations have no answer", n)
	}
	w.s.holds = nil
	for _, a := range w.s.nodes {
		a.slow = false
	}
	for _, key := range []string{"n0", "n1"} {
		p, err := w.s.begin(w.s.nodes[w.r.IntN(switchNodes)], "GET "+key)
		if err != nil {
			w.fail("%v", err)
		}
		w.s.pass(500 * Millisecond)
		want := fmt.Sprint(w.incs[key])
		if w.incs[key] == 0 {
			want = "nil"
		}
		if p.result != want {
			w.fail("%s is %s after %s increments", key, p.result, want)
		}
	}
}

// check looks at the answers that there are and returns how many operations have none.
func (w *switches) check() (open int) {
	w.t.Helper()
	w.unclear = 0
	for _, p := range w.s.requests {
		switch {
		case !p.done:
			open++
		case w.from[0] != w.to[0] && strings.HasPrefix(p.text, "SET ") && strings.HasPrefix(p.result, "TIMEOUT "):
			w.unclear++
		case strings.Contains(p.result, " "):
			w.fail("#%d %s at %s: %s", p.number, p.text, p.at.name, p.result)
		}
	}
	if w.unclear > w.hidden {
		w.fail("%d operations ended as TIMEOUT, replicas said %d times that one is hidden", w.unclear, w.hidden)
	}
	return open
}

func (w *switches) act() {
	w.t.Helper()
	switch n := w.r.IntN(100); {
	case n < 60 && len(w.s.held) > 0:
		w.deliver(w.r.IntN(len(w.s.held)))
	case n < 72 && w.begun < 150 && w.underWay() < 8:
		w.begin()
	case n < 80 && len(w.late) > 0:
		i := w.r.IntN(len(w.late))
		a := w.late[i]
		w.late = slices.Delete(w.late, i, i+1)
		w.run("adopt " + a.name)
		w.s.held = append(w.s.held, w.parked[a]...)
		delete(w.parked, a)
	case n < 84:
		w.sync(w.s.nodes[w.r.IntN(switchNodes)])
	case n < 90:
		w.run("move " + w.s.nodes[w.r.IntN(switchNodes)].name + " 1")
	case n < 93:
		w.s.pass(Millisecond)
	default:
		w.conduct()
	}
}

func (w *switches) underWay() (n int) {
	for _, p := range w.s.requests {
		if !p.done {
			n++
		}
	}
	return n
}

func (w *switches) sync(a *actor) {
	v := &visit{at: a, what: "syncs"}
	w.s.sync(v)
	w.s.print(v)
}

func (w *switches) begin() {
	w.t.Helper()
	w.begun++
	key := fmt.Sprint(w.r.IntN(2))
	text := "GET r" + key
	switch w.r.IntN(4) {
	case 0:
		text = "INCR n" + key
		w.incs["n"+key]++
	case 1, 2:
		text = fmt.Sprintf("SET r%s %d", key, w.begun)
	}
	if _, err := w.s.begin(w.s.nodes[w.r.IntN(switchNodes)], text+" within=60s"); err != nil {
		w.fail("%v", err)
	}
	w.check()
}

// deliver is the driver's rule: a request of a later epoch waits until its node is there.
func (w *switches) deliver(i int) {
	w.t.Helper()
	l := w.s.held[i]
	w.s.held = slices.Delete(w.s.held, i, i+1)
	if isRequest(l.m) && ring.Epoch(l.m.Head().Epoch) > w.s.epochs[l.to].Epoch() {
		w.parked[l.to] = append(w.parked[l.to], l)
		return
	}
	if reply, ok := l.m.(*wire.WriteReply); ok && reply.Status == wire.StatusHidden {
		w.hidden++
	}
	w.s.deliver(l)
	w.check()
}

// conduct goes on with the plan once all nodes are where it is.
func (w *switches) conduct() {
	w.t.Helper()
	if len(w.late) > 0 || w.epochs == 0 {
		return
	}
	plan := "copying " + w.from + ">" + w.to
	switch w.epochs {
	case 2:
		for _, id := range w.s.ring.Copiers(0) {
			if !w.s.nodes[id-1].p.Transfer().Done {
				return
			}
		}
		plan = "reading " + w.from + ">" + w.to
	case 1:
		plan = "stable " + w.to
	}
	w.epochs--
	w.run("plan " + plan)
	w.late = slices.Clone(w.s.nodes)
}
