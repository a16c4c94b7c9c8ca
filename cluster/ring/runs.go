package ring

// arrange orders the lists that are free: first places so that neighbouring partitions have one primary where that costs
// nothing (clients are told of ranges of slots), second places so that each node's partitions fall on all others evenly when it
// dies, in long runs too. Who is on a list does not change. balance has the last word on first places.
func (t *table) arrange(free func(p int) bool) {
	left := t.firstPlaces()
	parts := all(t.parts)
	for p := range t.parts {
		if !free(p) {
			left[t.at[p*t.n]]--
		}
	}
	t.choose(parts, 0, left, free)
	t.balance()
	if t.n < 3 {
		return
	}
	led := make([][]int, len(t.members))
	for p := range t.parts {
		led[t.at[p*t.n]] = append(led[t.at[p*t.n]], p)
	}
	for first, parts := range led {
		t.choose(parts, 1, t.heirs(first, parts, free), free)
	}
}

// firstPlaces is on how many lists a node is to be first: its quota by N, rounded so that the sum is right.
func (t *table) firstPlaces() []int {
	left, sum := make([]int, len(t.members)), 0
	for i, q := range t.quota {
		left[i] = q / t.n
		sum += left[i]
	}
	for rest := t.n - 1; rest > 0; rest-- {
		for i, q := range t.quota {
			if q%t.n == rest && sum < t.parts {
				left[i]++
				sum++
			}
		}
	}
	return left
}

// heirs is how many of the parts that node first leads each other is to be second on: by how often it is on their lists.
func (t *table) heirs(first int, parts []int, free func(p int) bool) []int {
	left := make([]int, len(t.members))
	for _, p := range parts {
		for _, i := range t.at[p*t.n+1 : (p+1)*t.n] {
			left[i]++
		}
	}
	for i := range left {
		left[i] = ceil(left[i], t.n-1)
	}
	for _, p := range parts {
		if !free(p) {
			left[t.at[p*t.n+1]]--
		}
	}
	return left
}

// choose fills place k of the free parts from their places k and later. A node goes on where it is in place on the part
// before and has places left; else who can go on longest is next.
func (t *table) choose(parts []int, k int, left []int, free func(p int) bool) {
	now := -1
	for at, p := range parts {
		first := p * t.n
		if !free(p) {
			now = int(t.at[first+k])
			continue
		}
		best, most := -1, 0
		for pos := first + k; pos < first+t.n; pos++ {
			i := int(t.at[pos])
			length := 0
			if left[i] > 0 {
				length = 1 + t.span(parts[at:], k, i, left[i], free)
			}
			if i == now && left[i] > 0 {
				length = t.parts + 1
			}
			if best < 0 || length > most || length == most && left[i] > left[int(t.at[best])] {
				best, most = pos, length
			}
		}
		t.at[first+k], t.at[best] = t.at[best], t.at[first+k]
		now = int(t.at[first+k])
		left[now]--
	}
}

// span is how many parts node could be in place k of, one after the other, at most.
func (t *table) span(parts []int, k, node, most int, free func(p int) bool) (n int) {
	for _, p := range parts {
		if n == most || k > 0 && n > 0 && p != parts[n-1]+1 {
			return n
		}
		list := t.at[p*t.n+k : (p+1)*t.n]
		found := false
		for j, i := range list {
			found = found || int(i) == node && (j == 0 || free(p))
		}
		if !found {
			return n
		}
		n++
	}
	return n
}
