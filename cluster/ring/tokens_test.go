package ring

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// What the table is compared with: consistent hashing by random tokens. Each node has so many for each unit of weight, a
// key belongs to the first N distinct nodes clockwise from its hash.
const tokensPerNode = 256

type token struct {
	at   uint64
	node int
}

// tokenRing draws the tokens of weights' nodes; those of node i depend on seed and i alone.
func tokenRing(seed uint64, weights []int) []token {
	var ts []token
	for i, w := range weights {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		for range w * tokensPerNode {
			ts = append(ts, token{r.Uint64(), i})
		}
	}
	slices.SortFunc(ts, func(a, b token) int { return cmp.Compare(a.at, b.at) })
	return ts
}

// owners appends the n nodes that hold what lies just before token k.
func owners(dst []int, ts []token, k, n int) []int {
	for ; len(dst) < n; k++ {
		if node := ts[k%len(ts)].node; !slices.Contains(dst, node) {
			dst = append(dst, node)
		}
	}
	return dst
}

// spread is the fullest and the emptiest node's share, each divided by its share by weight.
type spread struct{ fullest, emptiest float64 }

func tokenSpread(ts []token, weights []int, n int) spread {
	load, sum := make([]float64, len(weights)), 0
	var list []int
	for k := range ts {
		arc := ts[k].at - ts[(k+len(ts)-1)%len(ts)].at // the first one's wraps around zero
		list = owners(list[:0], ts, k, n)
		for _, node := range list {
			load[node] += float64(arc) / math.MaxUint64
		}
	}
	for _, w := range weights {
		sum += w
	}
	s := spread{0, math.Inf(1)}
	for i, w := range weights {
		rel := load[i] * float64(sum) / float64(n*w)
		s = spread{max(s.fullest, rel), min(s.emptiest, rel)}
	}
	return s
}

// tokenMoved is the share of all replicas that is on a node which did not hold it when the last node had no tokens.
func tokenMoved(ts []token, last, n int) (moved float64) {
	old := slices.DeleteFunc(slices.Clone(ts), func(t token) bool { return t.node == last })
	var was, is []int
	o := 0 // the first token of old that is not before ts[k]
	for k := range ts {
		for o < len(old) && old[o].at < ts[k].at {
			o++
		}
		arc := float64(ts[k].at-ts[(k+len(ts)-1)%len(ts)].at) / math.MaxUint64
		was, is = owners(was[:0], old, o, n), owners(is[:0], ts, k, n)
		for _, node := range is {
			if !slices.Contains(was, node) {
				moved += arc / float64(n)
			}
		}
	}
	return moved
}

// TestAgainstRandomTokens prints how a claimed table and random tokens compare when a node joins: what moves, and how full
// the fullest and the emptiest node are afterwards. The seeds are fixed, so the figures are the same everywhere.
func TestAgainstRandomTokens(t *testing.T) {
	const n, seeds = 3, 20
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "joins, N = 3\tideal\ttable moves\ttokens move (min-max)\ttable fullest, emptiest\ttokens fullest, emptiest\tworst of 20\tranges\t")
	for _, c := range []struct {
		name    string
		nodes   int // after
		slots   int
		weights []uint32
	}{
		{"6 -> 7", 7, 16, []uint32{1}},
		{"8 -> 9", 9, 16, []uint32{1}},
		{"8 -> 9, weights 1:1:2", 9, 16, []uint32{1, 1, 2}},
		{"100 -> 101", 101, 4, []uint32{1}},
		{"300 -> 301", 301, 1, []uint32{1}},
	} {
		after := nodes(1, c.nodes, 0, c.weights...)
		o := Options{Replicas: n, SlotsPerPartition: c.slots}
		plan, err := Rebuild(build(t, after[:c.nodes-1], o), after, o)
		if err != nil {
			t.Fatal(err)
		}
		weights, sum := make([]int, c.nodes), 0
		for i, m := range after {
			weights[i] = int(m.Weight)
			sum += weights[i]
		}
		ideal := float64(weights[c.nodes-1]) / float64(sum)
		tableMoved := float64(plan.Moves) / float64(len(plan.Ring.table))
		table := tableSpread(plan.Ring, sum)

		var moved, full, empty []float64
		for seed := range uint64(seeds) {
			ts := tokenRing(seed, weights)
			s := tokenSpread(ts, weights, n)
			moved, full, empty = append(moved, tokenMoved(ts, c.nodes-1, n)), append(full, s.fullest), append(empty, s.emptiest)
		}
		fmt.Fprintf(w, "%s\t%.2f %%\t%.2f %%\t%.2f %% (%.2f-%.2f)\t%+.2f %%, %+.2f %%\t%+.1f %%, %+.1f %%\t%+.1f %%, %+.1f %%\t%d, %d\t\n", c.name,
			100*ideal, 100*tableMoved, 100*median(moved), 100*slices.Min(moved), 100*slices.Max(moved),
			100*(table.fullest-1), 100*(table.emptiest-1), 100*(median(full)-1), 100*(median(empty)-1),
			100*(slices.Max(full)-1), 100*(slices.Min(empty)-1), plan.Ring.Partitions(), tokensPerNode*sum)

		if d := tableMoved - ideal; d > 0 || d < -float64(len(after))/float64(len(plan.Ring.table)) {
			t.Errorf("%s: the table moves %.4f, the new node's share is %.4f", c.name, tableMoved, ideal)
		}
		if d := median(moved) - ideal; d < -0.1*ideal || d > 0.1*ideal {
			t.Errorf("%s: tokens move %.4f, the new node's share is %.4f: the model is wrong", c.name, median(moved), ideal)
		}
		if most := float64(sum) / float64(len(plan.Ring.table)); table.fullest-1 > most || 1-table.emptiest > most {
			t.Errorf("%s: the table is off by more than a vnode: %+v", c.name, table)
		}
		if slices.Min(full) < table.fullest+0.01 {
			t.Errorf("%s: tokens came within 1 %% of the table: %v", c.name, slices.Min(full))
		}
	}
	_ = w.Flush() // into a strings.Builder, which cannot fail
	t.Logf("\n%s", b.String())
}

func tableSpread(r *Ring, weights int) spread {
	holds := make([]float64, len(r.members))
	for _, i := range r.table {
		holds[i]++
	}
	s := spread{0, math.Inf(1)}
	for i, m := range r.members {
		rel := holds[i] / (float64(len(r.table)) * float64(m.Weight) / float64(weights))
		s = spread{max(s.fullest, rel), min(s.emptiest, rel)}
	}
	return s
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
