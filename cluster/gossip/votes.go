package gossip

import (
	"slices"

	"github.com/rondokv/rondo/engine/object"
)

// vote is one node's word on whom it cannot talk to among those that memberlist has up.
type vote struct {
	by      object.NodeID
	unheard []object.NodeID
}

// unheardBy returns whom a majority cannot talk to. In the case of x all others vote; one that complains of more than half
// of the others is itself what is broken, and its complaints are not counted. One vote alone never suffices.
//
// This is what makes liveness agree where links do not: with x heard by one node of five and not by three, the one would
// go on taking x for the primary of its partitions, and everything it passed to x would wait for acks in vain.
func unheardBy(votes []vote) map[object.NodeID]bool {
	count := map[object.NodeID]int{}
	for _, v := range votes {
		if 2*len(v.unheard) > len(votes)-1 {
			continue
		}
		for _, id := range v.unheard {
			if id != v.by {
				count[id]++
			}
		}
	}
	found := map[object.NodeID]bool{}
	for id, n := range count {
		voters := len(votes)
		if slices.ContainsFunc(votes, func(v vote) bool { return v.by == id }) {
			voters-- // nobody votes on itself
		}
		if n >= 2 && 2*n > voters {
			found[id] = true
		}
	}
	return found
}

// complaints is this node's own vote: bounded, and the lowest ids if there are more.
func (t *table) complaints() []object.NodeID {
	var ids []object.NodeID
	for id, e := range t.entries {
		if e.swim && !e.told.leaving && !t.foreign(e) && (e.link == linkDown || e.misses >= maxMisses && e.link != linkUp) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), maxUnheard)]
}

func (t *table) unheard() map[object.NodeID]bool {
	votes := make([]vote, 0, len(t.entries)+1)
	votes = append(votes, vote{t.self, t.complaints()})
	for id, e := range t.entries {
		if e.swim && !e.told.leaving && !t.foreign(e) { // those have no say in who is alive here
			votes = append(votes, vote{id, e.told.unheard})
		}
	}
	return unheardBy(votes)
}
