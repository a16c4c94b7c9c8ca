package ring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

func without(ms []Node, ids ...NodeID) []Node {
	return slices.DeleteFunc(slices.Clone(ms), func(m Node) bool { return slices.Contains(ids, m.ID) })
}

// figures are what changes of membership cost. All but the times are the same on every machine.
func figures() []figure {
	weighted := func(n int) []Node { return nodes(1, n, 3, 1, 1, 1, 1, 1, 1, 2, 2, 2) }
	replaced := append(without(nodes(1, 9, 3), 5), Node{ID: 50, Weight: 1, Rack: "B"})
	return []figure{
		{"6 -> 7, 3 racks", 16, nodes(1, 6, 3), nodes(1, 7, 3), 341, 341},
		{"6 -> 9, 3 racks", 16, nodes(1, 6, 3), nodes(1, 9, 3), 1023, 1023},
		{"9 -> 8, 3 racks", 16, nodes(1, 9, 3), nodes(1, 8, 3), 341, 341},
		{"6 -> 7, no racks", 16, nodes(1, 6, 0), nodes(1, 7, 0), 438, 438},
		{"6 -> 9, no racks", 16, nodes(1, 6, 0), nodes(1, 9, 0), 1023, 1023},
		{"9 -> 8, no racks", 16, nodes(1, 9, 0), nodes(1, 8, 0), 341, 341},
		{"7 -> 6, no racks", 16, nodes(1, 7, 0), nodes(1, 6, 0), 438, 438},
		{"3 -> 4, no racks", 16, nodes(1, 3, 0), nodes(1, 4, 0), 768, 768},
		{"1 -> 3, no racks", 16, nodes(1, 1, 0), nodes(1, 3, 0), 2048, 2048},
		{"1 of 9 replaced, 3 racks", 16, nodes(1, 9, 3), replaced, 341, 341},
		{"12 -> 10, 4 racks", 16, nodes(1, 12, 4), without(nodes(1, 12, 4), 3, 8), 534, 534},
		{"9 -> 12, weights 1:1:2, 3 racks", 16, weighted(9), weighted(12), 615, 615},
		{"9 of 1:1:1 to 1:1:2, no racks", 16, nodes(1, 9, 0), nodes(1, 9, 0, 1, 1, 2), 512, 512},
		{"100 -> 101, 5 racks", 4, nodes(1, 100, 5), nodes(1, 101, 5), 121, 121},
		{"100 -> 101, no racks", 4, nodes(1, 100, 0), nodes(1, 101, 0), 121, 121},
		{"100 -> 90, 5 racks", 4, nodes(1, 100, 5), nodes(1, 90, 5), 1220, 1220},
		{"100 -> 110, weights 1:1:2, no racks", 4, nodes(1, 100, 0, 1, 1, 2), nodes(1, 110, 0, 1, 1, 2), 1092, 1092},
		{"300 -> 301, 3 racks", 1, nodes(1, 300, 3), nodes(1, 301, 3), 162, 162},
		{"300 -> 301, no racks", 1, nodes(1, 300, 0), nodes(1, 301, 0), 163, 163},
		{"300 -> 270, 10 racks", 1, nodes(1, 300, 10), nodes(1, 270, 10), 4890, 4890},
		{"150 -> 300, 10 racks", 1, nodes(1, 150, 10), nodes(1, 300, 10), 24552, 24552},
	}
}

type figure struct {
	name         string
	slots        int // a partition
	old, new     []Node
	moved, bound int // vnodes
}

// TestFigures prints the table and holds all of it but the times: vnodes moved, what no table could go below, nodes off
// their quota (in vnodes and in first places), lists with more of one rack than the racks force upon them.
func TestFigures(t *testing.T) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "change, N = 3\tvnodes\tmoved\tbound\toff quota\tracks broken\tbuild ms\trebuild ms\t")
	for _, f := range figures() {
		o := Options{Replicas: 3, SlotsPerPartition: f.slots}
		begin := time.Now()
		old := build(t, f.old, o)
		built := time.Since(begin)
		begin = time.Now()
		plan, err := Rebuild(old, f.new, o)
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		took := time.Since(begin)
		var quotas, lists []error
		for _, r := range []*Ring{old, plan.Ring} {
			q, l := faults(r, o)
			quotas, lists = append(append(quotas, q...), unequal(r)...), append(lists, l...)
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t\n", f.name, 3*old.Partitions(), plan.Moves, plan.LowerBound,
			len(quotas), len(lists), built.Seconds()*1000, took.Seconds()*1000)
		if plan.Moves != f.moved || plan.LowerBound != f.bound {
			t.Errorf("%s: moved %d, bound %d; want %d, %d", f.name, plan.Moves, plan.LowerBound, f.moved, f.bound)
		}
		if err := errors.Join(append(quotas, lists...)...); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		if moved := countMoved(old, plan.Ring); moved != plan.Moves {
			t.Errorf("%s: the plan says that %d vnodes move, counted %d", f.name, plan.Moves, moved)
		}
	}
	_ = w.Flush() // into a strings.Builder, which cannot fail
	t.Logf("\n%s", b.String())
}

// unequal tells who in a ring without racks holds a vnode more or less than its share by weight, rounded: the quotas by
// plain arithmetic.
func unequal(r *Ring) (errs []error) {
	weight := 0
	holds := map[NodeID]int{}
	for _, m := range r.members {
		weight += int(m.Weight)
		if m.Rack != "" {
			return nil
		}
	}
	for _, id := range r.lists {
		holds[id]++
	}
	for _, m := range r.members {
		if share := len(r.lists) * int(m.Weight); holds[m.ID] < share/weight || holds[m.ID] > ceil(share, weight) {
			errs = append(errs, fmt.Errorf("node %d holds %d vnodes, its share is %.2f", m.ID, holds[m.ID], float64(share)/float64(weight)))
		}
	}
	return errs
}

// countMoved counts vnodes on nodes that did not hold their partition.
func countMoved(old, next *Ring) (n int) {
	for p := range next.Partitions() {
		for _, id := range next.PreferenceList(Partition(p)) {
			n += b2i(!old.Holds(Partition(p), id))
		}
	}
	return n
}
