package advise

import "slices"

// spread is which share of all copies each node gets, in proportion to weight as far as that goes: a node holds no key twice, and a
// rack no more copies than it must.
func spread(nodes []*member, copies int) []float64 {
	copies = max(1, min(copies, len(nodes)))
	var order []domain
	at := map[domain][]int{}
	for i, m := range nodes {
		if at[m.domain] == nil {
			order = append(order, m.domain)
		}
		at[m.domain] = append(at[m.domain], i)
	}
	weights, caps := make([]float64, len(order)), make([]float64, len(order))
	each := (copies + len(order) - 1) / len(order)
	sum := 0.0
	for d, where := range order {
		for _, i := range at[where] {
			weights[d] += float64(nodes[i].Weight)
		}
		caps[d] = float64(min(each, len(at[where]))) / float64(copies)
		sum += caps[d]
	}
	if sum < 1-1e-9 { // some racks have too few nodes for their part
		for d, where := range order {
			caps[d] = float64(min(copies, len(at[where]))) / float64(copies)
		}
	}
	out := make([]float64, len(nodes))
	for d, share := range pour(1, weights, caps) {
		members := at[order[d]]
		w, c := make([]float64, len(members)), make([]float64, len(members))
		for k, i := range members {
			w[k], c[k] = float64(nodes[i].Weight), 1/float64(copies)
		}
		for k, got := range pour(share, w, c) {
			out[members[k]] = got
		}
	}
	return out
}

// pour gives out total in proportion to the weights, to nobody more than its cap. What is above all caps together is lost.
func pour(total float64, weights, caps []float64) []float64 {
	got := make([]float64, len(weights))
	full := make([]bool, len(weights))
	for {
		sum, left := 0.0, total
		for i, w := range weights {
			if full[i] {
				left -= caps[i]
			} else {
				sum += w
			}
		}
		again := false
		for i, w := range weights {
			if full[i] {
				continue
			}
			if got[i] = left * w / sum; got[i] > caps[i] {
				got[i], full[i], again = caps[i], true, true
			}
		}
		if !again || !slices.Contains(full, false) {
			return got
		}
	}
}
