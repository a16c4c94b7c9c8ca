package quorum

import "testing"

// winners returns every set of nodes, as bits, whose acks win.
func winners(t *testing.T, c Choice, local string, list []Node) (sets []uint) {
	t.Helper()
	for set := range uint(1) << len(list) {
		var tally Tally
		if err := tally.Start(Requirement{Choice: c, Write: true, Local: local, Nodes: list}); err != nil {
			t.Fatal(err)
		}
		for i := range list {
			if set>>i&1 != 0 {
				tally.Ack(i)
			}
		}
		if tally.Verdict() == Won {
			sets = append(sets, set)
		}
	}
	if len(sets) == 0 {
		t.Fatalf("%v of %v is never won", c, list)
	}
	return sets
}

// meet says whether every set of one shares a node with every set of the other.
func meet(a, b []uint) bool {
	for _, x := range a {
		for _, y := range b {
			if x&y == 0 {
				return false
			}
		}
	}
	return true
}

func homes(n int) (list []Node) {
	for range n {
		list = append(list, Node{Of: Before})
	}
	return list
}

func TestQuorumsMeet(t *testing.T) {
	for n := 1; n <= 8; n++ {
		list := append(homes(n), nodes("b", "b")...)
		quorums := winners(t, Choice{Level: Quorum}, "", list)
		if !meet(quorums, quorums) {
			t.Errorf("N=%d: two QUORUMs share no home replica", n)
		}
		if one := winners(t, Choice{Level: One}, "", list); !meet(one, winners(t, Choice{Level: All}, "", list)) {
			t.Errorf("N=%d: ONE and ALL share no home replica", n)
		}
	}
}

// W and R replicas share one if, and only if, W+R > N.
func TestOverlap(t *testing.T) {
	for n := 1; n <= 7; n++ {
		for w := 1; w <= n; w++ {
			for r := 1; r <= n; r++ {
				got := meet(winners(t, Choice{Level: Level(w)}, "", homes(n)), winners(t, Choice{Level: Level(r)}, "", homes(n)))
				if got != (w+r > n) {
					t.Errorf("N=%d W=%d R=%d: meet %v", n, w, r, got)
				}
			}
			level := winners(t, Choice{Level: Level(w)}, "", homes(n))
			if got := meet(level, level); got != Level(w).Majority(n) {
				t.Errorf("N=%d: two %ds meet: %v, but Majority says %v", n, w, got, Level(w).Majority(n))
			}
		}
	}
}

func TestDatacentersMeet(t *testing.T) {
	for _, list := range [][]Node{
		nodes("B:x", "B:x", "B:x", "B:y", "B:y"),
		nodes("B:x", "B:y", "B:y", "B:y", "B:z", "B:z"),
	} {
		each := winners(t, Choice{Level: EachQuorum}, "", list)
		if !meet(each, winners(t, Choice{Level: Quorum}, "", list)) {
			t.Errorf("%v: EACH_QUORUM and QUORUM share nobody", list)
		}
		local := map[string][]uint{}
		for _, dc := range []string{"x", "y"} {
			local[dc] = winners(t, Choice{Level: LocalQuorum}, dc, list)
			if !meet(each, local[dc]) || !meet(local[dc], local[dc]) {
				t.Errorf("%v: LOCAL_QUORUM of %s misses EACH_QUORUM or itself", list, dc)
			}
		}
		if meet(local["x"], local["y"]) {
			t.Errorf("%v: LOCAL_QUORUMs of two datacenters meet", list)
		}
	}
}

// While a partition moves, a write at QUORUM meets the reads before it began (old list), during, and after (new list).
func TestTransitionsMeet(t *testing.T) {
	for _, list := range [][]Node{
		nodes("B", "BA", "BA", "A"),
		nodes("B", "B", "B", "A", "A", "A"),
		nodes("BA", "A", "A"),
		nodes("B", "B", "BA"),
	} {
		writes := winners(t, Choice{Level: Quorum}, "", list)
		for _, of := range []Lists{Before, After} {
			one := append([]Node(nil), list...) // the other list is not known to the reader: its nodes are nobody
			for i := range one {
				one[i].Of &= of
			}
			if reads := winners(t, Choice{Level: Quorum}, "", one); !meet(writes, reads) || !meet(reads, reads) {
				t.Errorf("%v: a write misses a read of list %d", list, of)
			}
		}
	}
}

// What sloppiness costs: two quorums that share nobody.
func TestSloppyQuorumsNeedNotMeet(t *testing.T) {
	list := nodes("B", "B", "B", "b", "b")
	sloppy := winners(t, Choice{Level: Quorum, Sloppy: true}, "", list)
	if meet(sloppy, sloppy) {
		t.Error("sloppy quorums meet: fallbacks do not count")
	}
}
