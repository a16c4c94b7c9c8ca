package epoch

import (
	"flag"
	"fmt"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

var schedules = flag.Int("schedules", 60, "how many random schedules are played")

// Whatever happens: an epoch has one document, epochs ascend on each node, and a stage begins only when its barrier held. Then
// the faults end, and all that was wanted is carried out.
func TestSchedules(t *testing.T) {
	total := map[string]int{}
	for seed := range uint64(*schedules) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := chaos(t, seed)
			for k, n := range w.counts {
				total[k] += n
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Log(total)
	if *schedules < 60 {
		return
	}
	for _, k := range []string{"epochs", "crashes", "aborted", "removed", "withdrawn", "plan refused"} {
		if total[k] < *schedules/30 {
			t.Errorf("%d times %q: the schedules are too easy", total[k], k)
		}
	}
}

// chaos plays one schedule.
func chaos(t *testing.T, seed uint64) *world {
	w := newWorld(t, seed, []int{1, 3, 3, 4, 5}[seed%5])
	r := w.rng
	w.limits = Limits{GiveUp: Minute}
	for _, n := range w.nodes {
		n.m.limits.GiveUp = Minute
	}
	w.loss, w.double, w.blind = r.Float64()*0.3, r.Float64()*0.2, []float64{0, 0.1, 0.4}[r.IntN(3)]
	w.slowest = []Time{5 * Millisecond, 200 * Millisecond, 2 * Second}[r.IntN(3)]
	w.sync = []Time{Millisecond, 100 * Millisecond, Second}[r.IntN(3)]
	w.dies = []float64{0, 0, 0.1}[r.IntN(3)]
	calm, every := false, []Time{2 * Second, 10 * Second, 40 * Second}[r.IntN(3)]
	var harm func()
	harm = func() {
		if calm {
			return
		}
		w.harm()
		w.in(w.up(every), harm)
	}
	w.in(w.up(every), harm)
	w.join(21, 22)
	w.wait(4 * Minute)

	calm, w.dies, w.loss, w.double, w.blind, w.cut, w.slowest, w.sync = true, 0, 0, 0, 0, nil, 20*Millisecond, 10*Millisecond
	for _, n := range w.nodes {
		if !n.up {
			n.start()
		}
	}
	w.run(6*Minute, "quiet", w.quiet)
	return w
}

// harm does one harmful thing, or something that an operator may want.
func (w *world) harm() {
	r := w.rng
	n := w.nodes[r.IntN(len(w.nodes))]
	switch r.IntN(7) {
	case 0, 1:
		if n.up {
			n.crash()
			n.w.in(w.up(90*Second), func() {
				if !n.up {
					n.start()
				}
			})
		}
	case 2:
		side := map[ring.NodeID]bool{}
		for _, x := range w.nodes {
			side[x.id] = r.IntN(3) == 0
		}
		oneWay := r.IntN(2) == 0
		w.cut = func(a, b ring.NodeID) bool { return side[a] && !side[b] || !oneWay && side[b] && !side[a] }
		w.in(w.up(40*Second), func() { w.cut = nil })
	case 3:
		if len(w.nodes) < 10 && r.IntN(2) == 0 {
			w.join(ring.NodeID(30 + len(w.nodes)))
		}
	case 4:
		if d := w.newest(oldCluster); len(d.Members) > 2 && d.Member(n.id) != nil && r.IntN(3) == 0 {
			n.leaves = true
		}
	case 5:
		if n.up {
			n.do(func() { n.m.Command(w.now, Command{Kind: CommandAbort}) })
		}
	case 6:
		if d := w.newest(oldCluster); n.up && n.id < 20 && d.Member(n.id) != nil {
			c := ring.Change{Kind: ring.SetWeight, ID: n.id, Weight: uint32(1 + r.IntN(3))}
			n.do(func() { n.m.Command(w.now, Command{Kind: CommandChange, Changes: []ring.Change{c}}) })
		}
	}
}

// quiet says whether all that is wanted was carried out and everybody knows it.
func (w *world) quiet() bool {
	d := w.newest(oldCluster)
	if d.Stage != ring.Stable {
		return false
	}
	for _, n := range w.nodes {
		x := d.Member(n.id)
		switch {
		case x == nil && !n.dead, x != nil && (x.Leaving || n.leaves && len(d.Members) > 1):
			return false
		case x != nil && (n.m.Document().Epoch != d.Epoch || !n.adopted[d.Hash()] || len(n.m.asked) > 0):
			return false
		}
	}
	return true
}

// Everybody takes himself for the conductor, wants something else, and dies often right after a save. What was promised and
// accepted must hold all the same.
func TestDuels(t *testing.T) {
	for seed := range uint64(150) {
		w := newWorld(t, seed, 3)
		w.auto, w.blind, w.loss, w.dies = false, 1, 0.25, 0.25
		w.slowest, w.sync = 400*Millisecond, 100*Millisecond
		for _, n := range w.nodes {
			n.m.auto = false
		}
		weight := uint32(1)
		w.every(500*Millisecond, func() {
			for _, n := range w.nodes {
				if n.up && n.m.Document().Stage == ring.Stable {
					weight++
					c := ring.Change{Kind: ring.SetWeight, ID: n.id, Weight: weight%5 + 1}
					n.do(func() {
						n.m.Command(w.now, Command{Kind: CommandChange, Changes: []ring.Change{c}, By: fmt.Sprint(n.id, weight)})
					})
				}
			}
		})
		w.wait(Minute)
		if w.counts["epochs"] < 4 {
			w.fatalf("seed %d: %v", seed, w.counts)
		}
	}
}
