package main

import (
	"fmt"
	"strings"
	"time"

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

// tellTime is how long it takes at most until the conductor has heard what a node has to clear in a new epoch: half a second until the
// node looks, a second until it reports, and some more.
const tellTime = 2500 * time.Millisecond

// conclude says what is left of a change when the ring is stable, as far as nodes that are alive have reported it. age is how long this
// node has worked by the ring.
func (p *ringPage) conclude(age time.Duration) {
	if p.Stage != ring.Stable.String() {
		return
	}
	p.Cleared = age >= tellTime
	for i := range p.Members {
		l := &p.Members[i]
		if !l.Alive {
			continue
		}
		p.Clearing += int(l.PartitionsLeft)
		if l.PartitionsLeft > 0 || l.Leaving || l.reported && l.Adopted < p.Epoch {
			p.Cleared = false
		}
	}
}

// clearingText says what is left to be done while the ring is stable.
func (p *ringPage) clearingText() string {
	var who []string
	for i := range p.Members {
		l := &p.Members[i]
		switch {
		case !l.Alive:
		case l.PartitionsLeft > 0:
			who = append(who, fmt.Sprintf("%s %s", l.ID, l.moves()))
		case l.Leaving:
			who = append(who, l.ID+" leaves once it keeps nothing for others")
		case l.reported && l.Adopted < p.Epoch:
			who = append(who, fmt.Sprintf("%s is at epoch %d", l.ID, l.Adopted))
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
	return "the ring is settled; the nodes look what they have to clear"
}
