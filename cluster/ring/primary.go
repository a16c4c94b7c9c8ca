package ring

// balance evens out the first places: a node with quota q is first on q/N
// lists, rounded down or up. That is always possible (give every node 1/N of
// each of its partitions: a fractional flow with these bounds, so an integral
// one exists). While a node has too many, a path leads from it over lists
// it is first on to one that has room; each step swaps the first of one list.
func (t *table) balance() {
	firsts := make([]int, len(t.members))
	for pos := 0; pos < len(t.at); pos += t.n {
		firsts[t.at[pos]]++
	}
	t.nudge(firsts)
	b := &balancer{table: t, firsts: firsts, via: make([]int, len(t.members))}
	for i := range t.members {
		// Too many: rid of them to whom has room below its ceiling.
		for firsts[i] > ceil(t.quota[i], t.n) && b.give(i, func(j int) bool { return firsts[j] < t.quota[j]/t.n }, false) {
		}
		for firsts[i] > ceil(t.quota[i], t.n) && b.give(i, func(j int) bool { return firsts[j] < ceil(t.quota[j], t.n) }, false) {
		}
	}
	for i := range t.members {
		// Too few: from whom has more than its floor.
		for firsts[i] < t.quota[i]/t.n && b.give(i, func(j int) bool { return firsts[j] > t.quota[j]/t.n }, true) {
		}
	}
}

// nudge does the plain cases: who has too many gives to who has too few on the
// same list. Few paths are left to search for.
func (t *table) nudge(firsts []int) {
	for first := 0; first < len(t.at); first += t.n {
		a := t.at[first]
		if firsts[a] <= ceil(t.quota[a], t.n) {
			continue
		}
		best, most := -1, 0
		for pos := first + 1; pos < first+t.n; pos++ {
			i := t.at[pos]
			if lacks := t.quota[i]/t.n - firsts[i]; lacks > most {
				best, most = pos, lacks
			}
		}
		if best >= 0 {
			firsts[a]--
			firsts[t.at[best]]++
			t.at[first], t.at[best] = t.at[best], a
		}
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

type balancer struct {
	*table
	firsts []int
	via    []int // entry by which a node was reached; -1: not reached
	queue  []int
}

// give moves one first place from node i to some node that accept names, along
// a shortest path; with back from such a node to i.
func (b *balancer) give(i int, accept func(int) bool, back bool) bool {
	for k := range b.via {
		b.via[k] = -1
	}
	b.queue = append(b.queue[:0], i)
	for len(b.queue) > 0 {
		a := b.queue[0]
		b.queue = b.queue[1:]
		for first := 0; first < len(b.at); first += b.n {
			if back != (int(b.at[first]) != a) {
				continue
			}
			for pos := first + 1; pos < first+b.n; pos++ {
				next := int(b.at[pos])
				if back {
					if next != a {
						continue
					}
					next = int(b.at[first])
				}
				if next == i || b.via[next] >= 0 {
					continue
				}
				b.via[next] = pos
				if accept(next) {
					b.flip(i, next, back)
					return true
				}
				b.queue = append(b.queue, next)
			}
		}
	}
	return false
}

// flip swaps the first places along the path that ends in node.
func (b *balancer) flip(root, node int, back bool) {
	if back {
		b.firsts[root]++
		b.firsts[node]--
	} else {
		b.firsts[root]--
		b.firsts[node]++
	}
	for node != root {
		pos := b.via[node]
		first := pos - pos%b.n
		if back {
			node = int(b.at[pos])
		} else {
			node = int(b.at[first])
		}
		b.at[first], b.at[pos] = b.at[pos], b.at[first]
	}
}
