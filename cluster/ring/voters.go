package ring

import (
	"cmp"
	"slices"
)

// elect names the voters among the members: as many as MaxVoters allows and an odd number of them, since one more of an even
// number only adds to what a majority needs. Those who were voters stay as far as that goes; who comes in is from the
// datacenters, then racks, that have fewest; who goes out from those that have most. Members that leave are not elected.
func elect(were []NodeID, members []Member) []NodeID {
	var in, out []*Member
	for i := range members {
		m := &members[i]
		switch {
		case m.Leaving:
		case slices.Contains(were, m.ID):
			in = append(in, m)
		default:
			out = append(out, m)
		}
	}
	want := min(MaxVoters, len(in)+len(out))
	want -= b2i(want > 0 && want%2 == 0)
	for len(in) < want {
		k := pick(in, out, func(a, b int) bool { return a < b })
		in, out = append(in, out[k]), slices.Delete(out, k, k+1)
	}
	for len(in) > want {
		// The last of them: ids count upwards as nodes join.
		slices.Reverse(in)
		k := pick(in, in, func(a, b int) bool { return a > b })
		in = slices.Delete(in, k, k+1)
		slices.SortFunc(in, func(a, b *Member) int { return cmp.Compare(a.ID, b.ID) })
	}
	ids := make([]NodeID, len(in))
	for k, m := range in {
		ids[k] = m.ID
	}
	slices.Sort(ids)
	return ids
}

// pick returns the first of whom whose datacenter, then rack, has the best number of those in. A node without a rack is one of
// its own.
func pick(in, whom []*Member, better func(a, b int) bool) int {
	best, bestDC, bestRack := -1, 0, 0
	for k, m := range whom {
		dc, rack := 0, 0
		for _, x := range in {
			if x.DC == m.DC {
				dc++
				rack += b2i(x.Rack == m.Rack && m.Rack != "" || x.ID == m.ID)
			}
		}
		if best < 0 || better(dc, bestDC) || dc == bestDC && better(rack, bestRack) {
			best, bestDC, bestRack = k, dc, rack
		}
	}
	return best
}
