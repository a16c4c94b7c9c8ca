package ring

import (
	"maps"
	"slices"
)

// perDC makes one layout a datacenter, each with its own N, racks and quotas, and adds them up: quotas and lists are the sums.
// Datacenters without an N hold nothing.
func (l *layout) perDC(o Options, held func(NodeID) int) error {
	l.domains()
	l.quota = make([]int, len(l.members))
	for _, dc := range slices.Sorted(maps.Keys(o.PerDC)) {
		var here []Node
		for _, m := range l.members {
			if m.DC == dc {
				here = append(here, m)
			}
		}
		if len(here) == 0 {
			l.relaxed = append(l.relaxed, Relaxation{Reason: FewNodes, DC: dc, Wanted: o.PerDC[dc]})
			continue
		}
		in, err := newLayout(here, Options{Replicas: o.PerDC[dc], SlotsPerPartition: l.slots}, held)
		if err != nil {
			return err
		}
		l.byDC = append(l.byDC, in)
		l.n += in.n
		for i, m := range in.members {
			k, _ := find(l.members, m.ID)
			l.quota[k] = in.quota[i]
		}
		for _, x := range in.relaxed {
			x.DC = dc
			l.relaxed = append(l.relaxed, x)
		}
	}
	if len(l.byDC) == 0 {
		return ErrNoMembers
	}
	l.rackLimit, l.dcLimit = l.n, l.n // the datacenters' own limits count
	return nil
}

// became turns the members of one datacenter's layout into those of all.
func (l *layout) became(in *layout) []uint16 {
	to := make([]uint16, len(in.members))
	for i, m := range in.members {
		k, _ := find(l.members, m.ID)
		to[i] = uint16(k)
	}
	return to
}

// stack puts the datacenters' tables side by side.
func (t *table) stack() *table {
	place := 0
	for _, in := range t.byDC {
		to := t.became(in)
		for pos, i := range in.wrap().at {
			t.at[pos/in.n*t.n+place+pos%in.n] = to[i]
			t.count[to[i]]++
		}
		place += in.n
	}
	return t
}

// gather moves each datacenter by itself and puts the lists together: who stays keeps its place where the list is as long as
// before.
func (m *mover) gather(old *Ring) (bound int) {
	lists := make([][]uint16, m.parts)
	for _, in := range m.byDC {
		part, least := move(in, old)
		bound += least
		to := m.became(in)
		for pos, i := range part.at {
			lists[pos/in.n] = append(lists[pos/in.n], to[i])
		}
	}
	for p, list := range lists {
		was, places := m.home[p*m.oldN:(p+1)*m.oldN], m.at[p*m.n:(p+1)*m.n]
		for k := range places {
			places[k] = hole
		}
		at := 0
		for k, node := range was {
			if i := slices.Index(list, node); i >= 0 && node != hole {
				list = slices.Delete(list, i, i+1)
				if m.n != m.oldN {
					k = at
				}
				places[k] = node
				at++
			}
		}
		for k := range places {
			if places[k] == hole {
				places[k], list = list[0], list[1:]
			}
		}
	}
	for _, i := range m.at {
		m.count[i]++
	}
	return bound
}
