package sim

import (
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
)

// homesNeeded returns how many home replicas of a key have for certain answered when an operation at that level has succeeded:
// 0 where fallbacks may have stood in, or hints count. An operation may run on another node than its client's, so of the levels
// of one datacenter the smallest counts. A level that the ring cannot satisfy promises nothing: nobody gets it.
func (w *world) homesNeeded(c quorum.Choice, write bool, key int) int {
	if w.keys[key].moved {
		return w.majorityAsked(c, key)
	}
	need := w.homesAsked(c, write, key)
	if need > w.keys[key].replicas {
		return 0
	}
	return need
}

// majorityAsked is for keys whose owners change: whatever the lists are, levels of majorities promise that each meets the next. Less
// than that promises nothing until the end.
func (w *world) majorityAsked(c quorum.Choice, key int) int {
	switch c.Level {
	case quorum.Quorum, quorum.All, quorum.EachQuorum:
		if !c.Sloppy {
			return w.majority(key)
		}
	}
	return 0
}

func (w *world) homesAsked(c quorum.Choice, write bool, key int) int {
	n := w.keys[key].replicas
	if c.Sloppy {
		return 0
	}
	switch c.Level {
	case quorum.Any:
		if write {
			return 0
		}
		return 1
	case quorum.Quorum:
		return quorum.Majority(n)
	case quorum.All:
		return n
	case quorum.LocalOne:
		return 1
	case quorum.LocalQuorum, quorum.EachQuorum:
		least, sum := n, 0
		for _, count := range w.homesByDC(key) {
			least, sum = min(least, quorum.Majority(count)), sum+quorum.Majority(count)
		}
		if c.Level == quorum.EachQuorum {
			return sum
		}
		return least
	}
	return int(c.Level)
}

// homesByDC counts a key's home replicas in each datacenter that has any.
func (w *world) homesByDC(key int) (counts []int) {
	var names []string
	for _, n := range w.homesOf(key) {
		at := -1
		for i := range names {
			if names[i] == n.dc {
				at = i
			}
		}
		if at < 0 {
			names, counts, at = append(names, n.dc), append(counts, 0), len(names)
		}
		counts[at]++
	}
	return counts
}

func (w *world) majority(key int) int { return quorum.Majority(w.keys[key].replicas) }

// writeNeed returns how many home replicas hold what the operation wrote, once it has succeeded.
func (w *world) writeNeed(rec *record, key int) int { return w.homesNeeded(rec.levels[1], true, key) }

// readNeed returns from how many home replicas the operation has seen the key. An operation that writes at QUORUM or above looks at
// QUORUM at least, and sloppily only if it writes so too.
func (w *world) readNeed(rec *record, key int) int {
	if rec.blind() {
		return 0
	}
	choice, n := rec.levels[0], w.keys[key].replicas
	if w.keys[key].moved {
		n = 2 * ring.MaxReplicas // so that no number is a majority
	}
	sloppier := choice.Sloppy && !rec.levels[1].Sloppy
	if rec.write && rec.levels[1].Level.Majority(n) && (sloppier || !choice.Level.Majority(n)) {
		choice = quorum.Choice{Level: quorum.Quorum, Sloppy: rec.levels[1].Sloppy}
	}
	return w.homesNeeded(choice, false, key)
}

// possible reports whether every level of an operation can be satisfied on this ring, wherever it runs.
func (w *world) possible(rec *record) bool {
	key := rec.commands[0].key
	if w.plan.rings.changes {
		return w.alwaysPossible(rec)
	}
	dcs := map[string]bool{}
	for _, n := range w.homesOf(key) {
		dcs[n.dc] = true
	}
	ring := w.ring.Members()
	for _, c := range rec.levels {
		switch c.Level {
		case quorum.LocalOne, quorum.LocalQuorum, quorum.EachQuorum:
			if everyDC := countDCs(ring); ring[0].DC == "" || len(dcs) < everyDC {
				return false
			}
		case quorum.Any, quorum.Quorum, quorum.All:
		default:
			if int(c.Level) > w.keys[key].replicas {
				return false
			}
		}
	}
	return true
}

// alwaysPossible is possible on rings that change: on the smallest that there was.
func (w *world) alwaysPossible(rec *record) bool {
	for _, c := range rec.levels {
		switch c.Level {
		case quorum.LocalOne, quorum.LocalQuorum, quorum.EachQuorum:
			return false // it depends on who is there
		case quorum.Any, quorum.Quorum, quorum.All:
		default:
			if int(c.Level) > w.least {
				return false
			}
		}
	}
	return true
}

func countDCs(members []ring.Node) int {
	names := map[string]bool{}
	for i := range members {
		names[members[i].DC] = true
	}
	return len(names)
}
