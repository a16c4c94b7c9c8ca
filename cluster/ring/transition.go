package ring

import "slices"

// transition is what a document says beyond the lists that reads use.
type transition struct {
	stage Stage
	byDC  bool // majorities are wanted in each datacenter too
	lossy bool // the plan accepts the loss of data
	since []Epoch
	at    []int32    // by partition: index into what follows, -1: it does not move. nil: none does
	index [][]uint16 // the list that reads do not use, as indexes into the members
	lists [][]NodeID // the same as ids
	both  [][]NodeID // the list that reads use and who is on the other one only
	copy  [][]NodeID // Copying: who must copy
}

func (t *transition) moves(p Partition) int {
	if t == nil || t.at == nil {
		return -1
	}
	return int(t.at[p])
}

func (t *transition) other(p Partition) []uint16 {
	if k := t.moves(p); k >= 0 {
		return t.index[k]
	}
	return nil
}

// Stage returns how far the plan of this epoch is; Stable when there is none.
func (r *Ring) Stage() Stage {
	if r.change == nil {
		return Stable
	}
	return r.change.stage
}

// Since returns the epoch in which p's lists or its stage last changed: requests of an earlier one are refused. A ring that
// was not made of a document knows no better than its own epoch.
func (r *Ring) Since(p Partition) Epoch {
	if r.change == nil {
		return r.epoch
	}
	return r.change.since[p]
}

// Moving returns the list of p that reads do not use: the new one while Copying, the old one while Reading; nil when p does
// not move. It may hold the same nodes in another order. Shared: never change it.
func (r *Ring) Moving(p Partition) []NodeID {
	if k := r.change.moves(p); k >= 0 {
		return r.change.lists[k]
	}
	return nil
}

// Owners returns the nodes on either list of p, first those that reads use. Shared: never change it.
func (r *Ring) Owners(p Partition) []NodeID {
	if k := r.change.moves(p); k >= 0 {
		return r.change.both[k]
	}
	return r.PreferenceList(p)
}

// Owns says whether id is on either list of p.
func (r *Ring) Owns(p Partition, id NodeID) bool { return slices.Contains(r.Owners(p), id) }

// Lossy says whether the plan under way accepts the loss of data: old owners that are gone are not waited for.
func (r *Ring) Lossy() bool { return r.change != nil && r.change.lossy }

// Copiers returns the new owners that must copy p from the old ones before reads may use the new list: Copying only.
// Shared: never change it.
func (r *Ring) Copiers(p Partition) []NodeID {
	if k := r.change.moves(p); k >= 0 && r.change.stage == Copying {
		return r.change.copy[k]
	}
	return nil
}

// Enough says whether the nodes that ok names are a majority of p's preference list and, where N is set by datacenter, of
// its home replicas in each datacenter as well: how many old owners a new one must copy from.
func (r *Ring) Enough(p Partition, ok func(NodeID) bool) bool {
	return majority(r.PreferenceList(p), r.dcs(), ok)
}

// dcs returns how to find a node's datacenter where majorities go by datacenter, else nil.
func (r *Ring) dcs() func(NodeID) string {
	if r.change == nil || !r.change.byDC {
		return nil
	}
	return r.DC
}

// DC returns the datacenter of a member, "" for who is none.
func (r *Ring) DC(id NodeID) string {
	if i, ok := find(r.members, id); ok {
		return r.members[i].DC
	}
	return ""
}

// majority says whether ok holds for a majority of the list and, with dc, for a majority in each datacenter on it.
func majority(list []NodeID, dc func(NodeID) string, ok func(NodeID) bool) bool {
	yes := 0
	for _, id := range list {
		yes += b2i(ok(id))
	}
	if yes <= len(list)/2 {
		return false
	}
	if dc == nil {
		return true
	}
	for i, id := range list {
		at := dc(id)
		if slices.ContainsFunc(list[:i], func(x NodeID) bool { return dc(x) == at }) {
			continue
		}
		here, yes := 0, 0
		for _, x := range list[i:] {
			if dc(x) == at {
				here++
				yes += b2i(ok(x))
			}
		}
		if yes <= here/2 {
			return false
		}
	}
	return true
}

// copiers says which owners of the new list must copy.
//
// What was acknowledged is where every majority of the old list meets it: on a majority, if under that list, but of an even list
// perhaps on half of it only, if under the one before, from which owners of both lists did not copy. Whoever was no old owner
// copies from a majority of the old owners, so has it then. An owner of both lists may lack it, as at most len(old)/2 of the old
// list do. Only where as many of them are on the new list as make a majority of it could a read miss the write;
// there all new owners copy. In a plan that accepts loss nothing is known of what the others hold, and all of them may lack it.
// The same goes for the datacenters by themselves where majorities go by datacenter.
func copiers(old, next []NodeID, dc func(NodeID) string, lossy bool) []NodeID {
	fresh := make([]NodeID, 0, len(next))
	for _, id := range next {
		if !slices.Contains(old, id) {
			fresh = append(fresh, id)
		}
	}
	if stale(old, next, lossy) {
		return next
	}
	if dc == nil {
		return fresh
	}
	for _, id := range next {
		here := func(list []NodeID) (in []NodeID) {
			for _, x := range list {
				if dc(x) == dc(id) {
					in = append(in, x)
				}
			}
			return in
		}
		if stale(here(old), here(next), lossy) {
			return next
		}
	}
	return fresh
}

// stale says whether owners of both lists that lack a write could be a majority of the new one.
func stale(old, next []NodeID, lossy bool) bool {
	stay := 0
	for _, id := range next {
		stay += b2i(slices.Contains(old, id))
	}
	lack := len(old) / 2
	if lossy {
		lack = len(old) - 1
	}
	return min(stay, lack) > len(next)/2
}
