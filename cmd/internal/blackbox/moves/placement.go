package moves

// Placement is who holds what: the nodes of each partition, as its preference list has them.
type Placement [][]string

// Held is how many partitions each node holds.
func (p Placement) Held() map[string]int {
	held := map[string]int{}
	for _, list := range p {
		for _, node := range list {
			held[node]++
		}
	}
	return held
}

// Copied is how many copies of partitions another placement has on nodes that did not hold them in this one.
func (p Placement) Copied(after Placement) (n int) {
	for i, list := range after {
		before := map[string]bool{}
		for _, node := range p[i] {
			before[node] = true
		}
		for _, node := range list {
			if !before[node] {
				n++
			}
		}
	}
	return n
}

// Bound is what Copied cannot be less than for nodes to hold as many partitions as they do afterwards.
func (p Placement) Bound(after Placement) (n int) {
	before := p.Held()
	for node, held := range after.Held() {
		n += max(0, held-before[node])
	}
	return n
}

// Uneven is how far the node that is farthest off holds more or less than its weight asks for, as a part of that. What is held
// may be partitions or keys.
func Uneven(held map[string]int, weight map[string]int) (worst float64) {
	all, weights := 0, 0
	for node, w := range weight {
		all += held[node]
		weights += w
	}
	for node, w := range weight {
		due := float64(all) * float64(w) / float64(weights)
		worst = max(worst, abs(float64(held[node])-due)/due)
	}
	return worst
}

func abs(x float64) float64 { return max(x, -x) }
