package main

import (
	"fmt"
	"strings"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// reach counts the partitions by how many of their home replicas are alive.
func (p *ringPage) reach(lists [][]object.NodeID, alive map[object.NodeID]bool) {
	for _, list := range lists {
		up := 0
		for _, id := range list {
			up += b2i(alive[id])
		}
		p.Whole += b2i(up == len(list))
		p.Quorum += b2i(up > len(list)/2)
		p.Minority += b2i(up > 0 && up <= len(list)/2)
		p.Dead += b2i(up == 0)
	}
}

// conclude says what is left of a change when the ring is stable. It is over when all nodes that are alive have said of this ring that
// they have nothing to clear.
func (p *ringPage) conclude() {
	if p.Stage != ring.Stable.String() {
		return
	}
	p.Cleared = true
	for i := range p.Members {
		l := &p.Members[i]
		if !l.Alive {
			continue
		}
		p.Clearing += l.clearing(p.Epoch)
		if l.MovesEpoch != p.Epoch || l.PartitionsLeft > 0 || l.Leaving {
			p.Cleared = false
		}
	}
}

// clearing is how many partitions a member has to clear, as far as it has said it of that epoch.
func (l *ringLine) clearing(epoch uint64) int {
	if l.MovesEpoch != epoch {
		return 0
	}
	return int(l.PartitionsLeft)
}

// clearingText says what is left to be done while the ring is stable.
func (p *ringPage) clearingText() string {
	var who, silent []string
	for i := range p.Members {
		l := &p.Members[i]
		switch {
		case !l.Alive:
		case l.clearing(p.Epoch) > 0:
			who = append(who, fmt.Sprintf("%s %s", l.ID, l.moves()))
		case l.Leaving:
			who = append(who, l.ID+" leaves once it keeps nothing for others")
		case l.MovesEpoch > p.Epoch:
			who = append(who, fmt.Sprintf("%s is at epoch %d already", l.ID, l.MovesEpoch))
		case l.Adopted > 0 && l.Adopted < p.Epoch:
			who = append(who, fmt.Sprintf("%s is at epoch %d", l.ID, l.Adopted))
		case l.MovesEpoch < p.Epoch:
			silent = append(silent, l.ID)
		}
	}
	switch {
	case p.Cleared:
		return "the ring is settled, and nothing is left to be cleared"
	case p.Clearing > 0:
		return fmt.Sprintf("the ring is settled; %d partitions are still to be cleared from nodes that held them before: %s", p.Clearing, strings.Join(who, ", "))
	case len(who) > 0:
		return "the ring is settled; not done yet: " + strings.Join(who, ", ")
	}
	return "the ring is settled; not known yet is what is left to be cleared from " + strings.Join(silent, ", ")
}
