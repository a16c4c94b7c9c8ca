package ring

import (
	"cmp"
	"math/bits"
	"slices"
)

// claim is one party to a division.
type claim struct {
	weight uint64
	cap    int // at most so much
	held   int // has it now; wins ties
	got    int
	rest   uint64 // of the division, for the largest remainders
	full   bool
}

// divide gives out total in proportion to weight, nobody above its cap, what
// the capped leave to the others in proportion again; rounded by largest
// remainders, ties to who is furthest above its rounded-down share now, then to
// the first.
//
// REQUIRES: the caps add up to total or more.
func divide(total int, claims []claim) {
	left := total
	for capped := true; capped; {
		capped = false
		var sum uint64
		for i := range claims {
			if !claims[i].full {
				sum += claims[i].weight
			}
		}
		now := left
		for i := range claims {
			c := &claims[i]
			if c.full {
				continue
			}
			hi, lo := bits.Mul64(c.weight, uint64(now))
			q, r := bits.Div64(hi, lo, sum)
			c.got, c.rest = int(q), r
			if c.got > c.cap || c.got == c.cap && r > 0 {
				c.got, c.full, capped = c.cap, true, true
				left -= c.cap
			}
		}
	}
	order := make([]int, 0, len(claims))
	for i, c := range claims {
		if !c.full {
			order = append(order, i)
			left -= c.got
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(claims[j].rest, claims[i].rest), cmp.Compare(claims[j].held-claims[j].got, claims[i].held-claims[i].got))
	})
	for _, i := range order[:left] {
		claims[i].got++
	}
}

// quotas divides all vnodes between datacenters, a datacenter's between its
// racks, a rack's between its nodes. Dividing top down keeps the rounded quotas
// of a rack's nodes within the rack's cap.
func (l *layout) quotas(held func(NodeID) int) {
	total := l.parts * l.n
	nodes := make([]claim, len(l.members))
	var sum uint64
	for i, m := range l.members {
		nodes[i] = claim{weight: uint64(m.Weight), cap: l.parts}
		if held != nil {
			nodes[i].held = held(m.ID)
		}
		sum += uint64(m.Weight)
	}
	l.tame(nodes, total)
	for r := range l.racks {
		d := &l.racks[r]
		for _, i := range d.members {
			d.weight += nodes[i].weight
			d.held += nodes[i].held
		}
		d.cap = min(d.nodes, l.rackLimit) * l.parts
	}
	for k := range l.dcs {
		d := &l.dcs[k]
		for _, r := range d.members {
			d.weight += l.racks[r].weight
			d.held += l.racks[r].held
			d.cap += l.racks[r].cap
		}
		d.cap = min(d.cap, l.dcLimit*l.parts)
	}

	split(total, l.dcs, all(len(l.dcs)))
	l.quota = make([]int, len(l.members))
	for _, dc := range l.dcs {
		split(dc.quota, l.racks, dc.members)
		for _, r := range dc.members {
			l.divideRack(l.racks[r], nodes)
		}
	}
	l.relaxQuotas(func(w uint64) int { return int(w * uint64(total) / sum) })
}

// relaxQuotas notes what by weight would get more than its cap.
func (l *layout) relaxQuotas(byWeight func(weight uint64) int) {
	for _, dc := range l.dcs {
		var weight uint64
		for _, r := range dc.members {
			rack := l.racks[r]
			var w uint64
			for _, i := range rack.members {
				w += uint64(l.members[i].Weight)
			}
			weight += w
			if want := byWeight(w); want > rack.quota && rack.quota == rack.cap && rack.nodes > 1 {
				l.relaxed = append(l.relaxed, Relaxation{Reason: RackCapped, DC: rack.dc, Rack: rack.rack, Wanted: want, Got: rack.quota})
			}
		}
		if want := byWeight(weight); want > dc.quota && dc.quota == dc.cap && dc.nodes > 1 {
			l.relaxed = append(l.relaxed, Relaxation{Reason: DCCapped, DC: dc.dc, Wanted: want, Got: dc.quota})
		}
	}
	for i, m := range l.members {
		if want := byWeight(uint64(m.Weight)); want > l.parts && l.quota[i] == l.parts {
			l.relaxed = append(l.relaxed, Relaxation{Reason: NodeCapped, Node: m.ID, Wanted: want, Got: l.parts})
		}
	}
}

// tame lowers the weights of nodes that by weight would hold a partition twice
// to that of one turn, so that their excess goes to all nodes and not to the
// neighbours in the rack only. Weights come out scaled up, all alike.
func (l *layout) tame(nodes []claim, total int) {
	trial := slices.Clone(nodes)
	divide(total, trial)
	var free uint64
	turns := total
	for _, c := range trial {
		if c.full {
			turns -= l.parts
		} else {
			free += c.weight
		}
	}
	for i := range nodes {
		switch {
		case free == 0 || turns == 0:
			nodes[i].weight = uint64(b2i(trial[i].full))*uint64(l.parts)*1_000_000 + uint64(b2i(!trial[i].full))
		case trial[i].full:
			nodes[i].weight = free * uint64(l.parts)
		default:
			nodes[i].weight *= uint64(turns)
		}
	}
}

func (l *layout) divideRack(rack domain, nodes []claim) {
	claims := make([]claim, len(rack.members))
	for k, i := range rack.members {
		claims[k] = nodes[i]
	}
	divide(rack.quota, claims)
	for k, i := range rack.members {
		l.quota[i] = claims[k].got
	}
}

// split divides total between some of the domains.
func split(total int, domains []domain, which []int) {
	claims := make([]claim, len(which))
	for k, i := range which {
		d := domains[i]
		claims[k] = claim{weight: d.weight, cap: d.cap, held: d.held}
	}
	divide(total, claims)
	for k, i := range which {
		domains[i].quota = claims[k].got
	}
}

func all(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}
