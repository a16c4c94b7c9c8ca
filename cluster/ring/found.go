package ring

import (
	"cmp"
	"encoding/json"
	"math/bits"
	"slices"
)

// Found makes the first document: a pure function of its arguments, whatever the order of founders and members.
func Found(f Founding) (*Document, error) {
	d := &Document{
		Version: DocumentVersion, Cluster: f.Cluster, Name: f.Name, Founders: slices.Sorted(slices.Values(f.Founders)), Epoch: 1,
		Replicas: f.Replicas, PerDC: f.PerDC, Slots: cmp.Or(f.Slots, DefaultSlotsPerPartition),
		Members: slices.Clone(f.Members), Rules: json.RawMessage(canonical(f.Rules)),
	}
	if len(f.PerDC) > 0 {
		d.Replicas = total(f.PerDC)
	}
	slices.SortFunc(d.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	r, err := Build(d.nodes(), d.options())
	if err != nil {
		return nil, err
	}
	d.Lists = r.indexes()
	d.Since = slices.Repeat(Epochs{1}, len(d.Lists))
	d.Voters = elect(nil, d.Members)
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

// nodes are the members that placement may use.
func (d *Document) nodes() (ns []Node) {
	for i := range d.Members {
		if !d.Members[i].Leaving {
			ns = append(ns, d.Members[i].Node)
		}
	}
	return ns
}

func (d *Document) options() Options {
	return Options{Replicas: d.Replicas, PerDC: d.PerDC, SlotsPerPartition: d.Slots}
}

// indexes returns the ring's lists as a document has them.
func (r *Ring) indexes() [][]uint16 {
	lists := make([][]uint16, r.Partitions())
	for p := range lists {
		lists[p] = r.table[p*r.n : (p+1)*r.n : (p+1)*r.n]
	}
	return lists
}

// Ring returns the document's ring.
func (d *Document) Ring() (*Ring, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	read, other := slices.Clone(d.Lists), d.Pending
	if d.Stage == Reading {
		other = make([][]uint16, len(d.Moving))
		for k, p := range d.Moving {
			read[p], other[k] = d.Pending[k], d.Lists[p]
		}
	}
	r := &Ring{epoch: d.Epoch, slots: d.Slots, shift: uint(bits.TrailingZeros(uint(d.Slots))), n: len(read[0])}
	for i := range d.Members {
		r.members = append(r.members, d.Members[i].Node)
	}
	r.table = make([]uint16, 0, len(read)*r.n)
	for _, list := range read {
		r.table = append(r.table, list...)
	}
	r.lists = make([]NodeID, len(r.table))
	for at, i := range r.table {
		r.lists[at] = r.members[i].ID
	}
	if l, err := newLayout(d.nodes(), d.options(), nil); err == nil {
		r.relaxed = l.relaxed
	}
	r.change = d.transition(r, other)
	return r, nil
}

// transition fills in what moves. The other lists are in the order of d.Moving.
func (d *Document) transition(r *Ring, other [][]uint16) *transition {
	t := &transition{stage: d.Stage, byDC: len(d.PerDC) > 0 || d.Plan != nil && len(d.Plan.PerDC) > 0, since: d.Since, index: other}
	r.change = t
	if d.Stage == Stable {
		return t
	}
	t.lossy = d.Plan.AcceptLoss
	t.at = slices.Repeat([]int32{-1}, len(d.Lists))
	for k, p := range d.Moving {
		t.at[p] = int32(k)
		list := d.ids(other[k])
		both := slices.Clone(r.PreferenceList(p))
		for _, id := range list {
			if !slices.Contains(both, id) {
				both = append(both, id)
			}
		}
		t.lists, t.both = append(t.lists, list), append(t.both, both)
		if d.Stage == Copying {
			t.copy = append(t.copy, copiers(r.PreferenceList(p), list, r.dcs(), t.lossy))
		}
	}
	return t
}

// ids turns indexes into ids.
func (d *Document) ids(list []uint16) []NodeID {
	ids := make([]NodeID, len(list))
	for k, i := range list {
		ids[k] = d.Members[i].ID
	}
	return ids
}
