package gossip

import (
	"fmt"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

const (
	maxRivals   = 16 // waiting to be looked at; more are dropped and come again
	rivalPings  = 3
	rivalSilent = time.Minute // between two log lines about the same pair of addresses
)

// rival is a node that was met with an id that another has.
type rival struct {
	id          object.NodeID
	addr        string // of the rival
	known       string // of the one that had the id before, which may be this node
	incarnation object.Incarnation
	settled     bool // it was taken into company, or took somebody in; to have heard of others is not enough
}

// ConflictError says that another live node uses this node's id, and has the older right to it: most likely a directory
// was copied and is served twice.
type ConflictError struct {
	ID                 object.NodeID
	Mine, Theirs       string // gossip addresses
	MineInc, TheirsInc object.Incarnation
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("gossip: node id %s is in use at %s (incarnation %d); this node at %s (incarnation %d) must not use it: was a data directory copied?",
		nodeName(e.ID), e.Theirs, e.TheirsInc, e.Mine, e.MineInc)
}

// mustGo says which of two nodes with one id gives way: the one that never had company, if the other has; between equals the
// one that started later. Both ends know the same of each other, so one goes and one stays.
func mustGo(mine, theirs rival) bool {
	if mine.settled != theirs.settled {
		return !mine.settled
	}
	if mine.incarnation != theirs.incarnation {
		return mine.incarnation > theirs.incarnation
	}
	return mine.addr > theirs.addr
}

// conflicted queues a rival. It is called with memberlist's lock held. What is heard of others from now on may be heard by a node that
// has to go, so views say Disputed until it is settled.
func (g *Gossip) conflicted(r rival) {
	g.change(func(time.Time) bool {
		g.conflicts++
		select {
		case g.rivals <- r:
		default:
			return false // it comes again
		}
		if r.id != g.id {
			return false
		}
		g.disputes++
		g.table.changed = true
		return true
	})
}

// undisputed ends a dispute that this node survived.
func (g *Gossip) undisputed() {
	g.change(func(time.Time) bool {
		g.disputes--
		g.table.changed = true
		return true
	})
}

// conflictLoop looks at rivals: reports those of others, and finds out about its own whether they live.
func (g *Gossip) conflictLoop() {
	told := map[rival]time.Time{}
	for {
		var r rival
		select {
		case r = <-g.rivals:
		case <-g.ctx.Done():
			return
		}
		if r.id == g.id {
			if g.settle(r) {
				return // disputed for ever
			}
			g.undisputed()
		}
		if now := time.Now(); now.Sub(told[r]) >= rivalSilent {
			if len(told) >= maxRivals {
				clear(told)
			}
			told[r] = now
			g.log.Warn("gossip: two addresses for one node id", "node", nodeName(r.id), "known", r.known, "other", r.addr,
				"incarnation", uint64(r.incarnation))
		}
	}
}

// settle says whether this node has to go. An address that does not answer is what is left of an earlier life of this node
// elsewhere: the others will soon know that it is dead and take the new address.
func (g *Gossip) settle(r rival) bool {
	lives := false
	for range rivalPings {
		if _, err := g.ping(r.id, r.addr); err == nil {
			lives = true
			break
		}
		if g.ctx.Err() != nil {
			return false
		}
	}
	mine := rival{addr: g.addr, incarnation: g.incarnation, settled: g.isSettled()}
	if !lives || !mustGo(mine, r) {
		return false
	}
	g.fail(&ConflictError{ID: g.id, Mine: g.addr, Theirs: r.addr, MineInc: g.incarnation, TheirsInc: r.incarnation})
	return true
}

// fail ends this node's part in the cluster.
func (g *Gossip) fail(err error) {
	g.stopMemberlist()
	g.change(func(now time.Time) bool {
		g.err = err
		close(g.failed)
		for _, e := range g.table.entries {
			g.table.sank(now, e.id)
		}
		return true
	})
	g.log.Error("gossip: stopped", "error", err)
}
