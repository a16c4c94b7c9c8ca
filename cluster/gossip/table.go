package gossip

import (
	"cmp"
	"slices"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

const (
	// maxMembers bounds the table, the dead included. Rings are of hundreds of nodes.
	maxMembers = 1024
	// forgetAfter is how long a dead or departed member stays in the view and is looked for.
	forgetAfter = 72 * time.Hour
	// maxMisses unanswered packets in a row are silence.
	maxMisses = 3
	// burst is the span in which the fall of most others is taken for a trouble of this node.
	burst = 10 * time.Second
)

type linkState uint8

const (
	linkUnknown linkState = iota
	linkUp
	linkDown
)

// entry is one member other than this node.
type entry struct {
	id   object.NodeID
	told announcement
	addr string // of its gossip, ip:port

	swim    bool      // memberlist has it up
	since   time.Time // of swim's last change
	proven  bool      // it has answered since it came up
	misses  int       // packets in a row that it did not answer
	heard   time.Time
	rtt     time.Duration
	link    linkState
	nextAsk time.Time // not before this may it be asked again

	up     bool // State would be Alive, hold-down aside
	falls  []time.Time
	held   time.Time
	state  State
	doubt  Doubt
	ups    uint32
	asking bool // a packet is under way
}

// table is what this node knows of the others. It has no lock, no clock and no I/O: every method is told the time. Results
// do not depend on map order.
type table struct {
	self    object.NodeID
	lineage uint64 // this node's
	hold    HoldDown
	entries map[object.NodeID]*entry
	changed bool // since judge last looked, by more than load and times
}

func newTable(self object.NodeID, hold HoldDown) *table {
	return &table{self: self, hold: hold, entries: map[object.NodeID]*entry{}}
}

// admits says whether memberlist may take what it heard of a member. While a life is up, an older one is a stale echo, or a
// second holder of the id. Once it is dead an older one may be the rightful holder; an echo would have to answer first.
func (t *table) admits(id object.NodeID, a *announcement) bool {
	if e := t.entries[id]; e != nil {
		return !e.swim || a.incarnation >= e.told.incarnation
	}
	return len(t.entries) < maxMembers || t.oldestGone() != nil
}

// rose notes that memberlist has a member up, or tells something new about one that was. Like the methods below it says whether
// judge has anything to look at.
func (t *table) rose(now time.Time, id object.NodeID, a announcement, addr string) bool {
	e := t.entries[id]
	if e == nil {
		if len(t.entries) >= maxMembers {
			gone := t.oldestGone()
			if gone == nil {
				return false
			}
			t.forget(gone.id)
		}
		e = &entry{id: id, since: now}
		t.entries[id] = e
	}
	restarted := a.incarnation != e.told.incarnation
	a.leaving = a.leaving || !restarted && e.told.leaving // whatever comes late
	if restarted || !e.swim {
		if e.up {
			t.fell(now, e)
		}
		e.proven, e.misses, e.nextAsk, e.since = false, 0, time.Time{}, now
		if restarted || e.link == linkUp {
			e.link = linkUnknown // one that is down stays so within a life until it is reported up
		}
	}
	t.changed = t.changed || !e.told.sameButLoad(&a) || e.addr != addr
	e.swim, e.told, e.addr = true, a, addr
	return true
}

// parting notes that a life of a member says goodbye.
func (t *table) parting(id object.NodeID, inc object.Incarnation) bool {
	e := t.entries[id]
	if e == nil || e.told.incarnation != inc || e.told.leaving {
		return false
	}
	e.told.leaving, t.changed = true, true
	return true
}

// sank notes that memberlist gave a member up, or heard it go.
func (t *table) sank(now time.Time, id object.NodeID) bool {
	e := t.entries[id]
	if e == nil || !e.swim {
		return false
	}
	e.swim, e.since = false, now
	return true
}

// answered notes that a packet of ours came back from that life of a member.
func (t *table) answered(now time.Time, id object.NodeID, inc object.Incarnation, rtt time.Duration) bool {
	e := t.entries[id]
	if e == nil || !e.swim || e.told.incarnation != inc {
		return false
	}
	news := !e.proven || e.misses > 0
	e.proven, e.misses, e.heard, e.rtt = true, 0, now, rtt
	return news
}

// missed notes that one did not.
func (t *table) missed(id object.NodeID, inc object.Incarnation) bool {
	e := t.entries[id]
	if e == nil || e.told.incarnation != inc {
		return false
	}
	e.misses = min(e.misses+1, maxMisses)
	return true
}

// reported notes what the link to a member says. What came over it is an answer, too.
func (t *table) reported(now time.Time, id object.NodeID, up bool) bool {
	e := t.entries[id]
	if e == nil {
		return false
	}
	if !up {
		news := e.link != linkDown
		e.link = linkDown
		return news
	}
	news := e.link != linkUp || e.misses > 0
	e.link, e.proven, e.misses, e.heard = linkUp, true, 0, now
	return news
}

// judge settles the state of every member and says whether anything changed since it last did, load and times aside.
// REQUIRES: a call after every other method that changes the table.
func (t *table) judge(now time.Time) bool {
	unheard := t.unheard()
	for id, e := range t.entries {
		state, _ := e.verdict(t.foreign(e), unheard[id])
		if e.up && state != Alive && state != Left {
			t.fell(now, e)
		}
		e.up = state == Alive
	}
	t.blameSelf(now)
	for id, e := range t.entries {
		state, doubt := e.verdict(t.foreign(e), unheard[id])
		e.held = t.hold.Until(e.falls)
		if state == Alive && now.Before(e.held) {
			state, doubt = Suspect, Flapping
		}
		if state == Alive && e.state != Alive {
			e.ups++
		}
		t.changed = t.changed || state != e.state || doubt != e.doubt
		e.state, e.doubt = state, doubt
	}
	changed := t.changed
	t.changed = false
	return changed
}

// foreign says whether a member is of another lineage.
func (t *table) foreign(e *entry) bool {
	return t.lineage != 0 && e.told.Lineage != 0 && e.told.Lineage != t.lineage
}

// verdict is a member's state, hold-down aside.
func (e *entry) verdict(foreign, unheard bool) (State, Doubt) {
	switch {
	case e.told.leaving:
		return Left, NoDoubt
	case !e.swim:
		return Dead, NoDoubt
	case foreign:
		return Suspect, Foreign
	case e.link == linkDown:
		return Suspect, LinkDown
	case !e.proven:
		return Suspect, Unproven
	case e.misses >= maxMisses && e.link != linkUp:
		return Suspect, Silent
	case unheard:
		return Suspect, Unheard
	}
	return Alive, NoDoubt
}

// fell notes the fall of a member that was up. A rise after it within the same life is a new one for listeners.
func (t *table) fell(now time.Time, e *entry) {
	t.changed = true
	e.up, e.state, e.doubt = false, Suspect, Unproven
	if len(e.falls) == maxFalls {
		e.falls = e.falls[1:]
	}
	e.falls = append(slices.Clip(e.falls), now)
}

// blameSelf takes back the falls of a moment in which more than half of the others fell: this node was paused or cut off.
// Holding them down would make it worse.
func (t *table) blameSelf(now time.Time) {
	recent := func(at time.Time) bool { return now.Sub(at) < burst }
	up, fell := 0, 0
	for _, e := range t.entries {
		switch {
		case !e.up && len(e.falls) > 0 && recent(e.falls[len(e.falls)-1]):
			fell++
		case e.up:
			up++
		}
	}
	if fell <= up {
		return
	}
	for _, e := range t.entries {
		e.falls = slices.DeleteFunc(slices.Clone(e.falls), recent)
	}
}

// view is what the table says, with this node itself as me.
func (t *table) view(now time.Time, me Member) View {
	members := make([]Member, 0, len(t.entries)+1)
	members = append(members, me)
	for _, e := range t.entries {
		m := Member{
			ID: e.id, Incarnation: e.told.incarnation, State: e.state, Doubt: e.doubt, Meta: e.told.Meta, Gossip: e.addr,
			LastHeard: e.heard, RTT: e.rtt, Ups: e.ups,
		}
		if n := len(e.falls); n > 0 && now.Sub(e.falls[n-1]) < t.hold.Window {
			m.Flaps = t.hold.Count(e.falls)
		}
		if now.Before(e.held) {
			m.HeldUntil = e.held
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return View{members: members}
}

// oldestGone is the member that has been dead or departed for the longest, the lowest id of several.
func (t *table) oldestGone() *entry {
	var found *entry
	for _, e := range t.entries {
		if e.swim {
			continue
		}
		if found == nil || e.since.Before(found.since) || e.since.Equal(found.since) && e.id < found.id {
			found = e
		}
	}
	return found
}

// tidy forgets who has been away for too long.
func (t *table) tidy(now time.Time) {
	for id, e := range t.entries {
		if !e.swim && now.Sub(e.since) >= forgetAfter {
			t.forget(id)
		}
	}
}

func (t *table) forget(id object.NodeID) bool {
	e := t.entries[id]
	if e == nil || e.swim {
		return false
	}
	delete(t.entries, id)
	t.changed = true
	return true
}

// others is the number of members that memberlist has up and that stay.
func (t *table) others() int {
	n := 0
	for _, e := range t.entries {
		if e.swim && !e.told.leaving {
			n++
		}
	}
	return n
}
