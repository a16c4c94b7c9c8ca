package ring

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// TestDocumentFigures prints how long the documents of large rings are and how long a plan takes, and holds what is promised:
// 200 KB for 100 nodes, 2 s for 300.
func TestDocumentFigures(t *testing.T) {
	racks := func(n int) []Node { return nodes(1, n, 5) }
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "nodes, plan, N = 3\tpartitions\tmoving\tmoved\tbound\tstable B\tmid-plan B\tplan ms\tencode ms\tdecode ms\t")
	for _, c := range []struct {
		nodes, slots int
		plan         string
		changes      []Change
	}{
		{100, 16, "1 joins", joins(nodes(101, 1, 5)...)},
		{100, 16, "10 join", joins(nodes(101, 10, 5)...)},
		{100, 16, "N is 4", []Change{{Kind: SetReplicas, Replicas: 4}}},
		{100, 4, "1 joins", joins(nodes(101, 1, 5)...)},
		{100, 4, "10 join", joins(nodes(101, 10, 5)...)},
		{100, 4, "N is 4", []Change{{Kind: SetReplicas, Replicas: 4}}},
		{300, 4, "1 joins", joins(nodes(301, 1, 5)...)},
		{300, 1, "1 joins", joins(nodes(301, 1, 5)...)},
		{300, 1, "30 leave", leaves(271, 30)},
		{300, 1, "1 replaced", []Change{{Kind: Replace, ID: 7, Member: Member{Node: Node{ID: 999, Rack: "B"}}}}},
	} {
		d := founded(t, racks(c.nodes), 3, c.slots)
		begin := time.Now()
		p := propose(t, d, PlanOptions{By: "auto"}, c.changes...)
		took := time.Since(begin)
		stable, err := through(t, p.Next).Encode()
		if err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		moving, err := p.Next.Encode()
		if err != nil {
			t.Fatal(err)
		}
		encoded := time.Since(begin)
		begin = time.Now()
		if _, err := DecodeDocument(moving); err != nil {
			t.Fatal(err)
		}
		decoded := time.Since(begin)
		fmt.Fprintf(w, "%d, %s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t\n", c.nodes, c.plan, len(d.Lists), p.Partitions, p.Moves, p.Bound,
			len(stable), len(moving), took.Seconds()*1000, encoded.Seconds()*1000, decoded.Seconds()*1000)
		if c.nodes <= 100 && max(len(stable), len(moving)) > 200_000 {
			t.Errorf("%d nodes, %s: %d and %d bytes", c.nodes, c.plan, len(stable), len(moving))
		}
		if 100*p.Moves > 103*p.Bound {
			t.Errorf("%d nodes, %s: %d moves, bound %d", c.nodes, c.plan, p.Moves, p.Bound)
		}
		if took > 2*time.Second {
			t.Errorf("%d nodes, %s: planned in %v", c.nodes, c.plan, took)
		}
	}
	_ = w.Flush() // into a strings.Builder, which cannot fail
	t.Logf("\n%s", b.String())
}

func leaves(first, count int) (cs []Change) {
	for i := range count {
		cs = append(cs, Change{Kind: Leave, ID: NodeID(first + i)})
	}
	return cs
}
