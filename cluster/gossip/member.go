package gossip

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// State is what this node makes of a member.
type State uint8

const (
	Alive   State = iota + 1
	Suspect       // memberlist has it up, but see Doubt
	Dead
	Left // announced
)

func (s State) String() string {
	switch s {
	case Alive:
		return "alive"
	case Suspect:
		return "suspect"
	case Dead:
		return "dead"
	case Left:
		return "left"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Doubt is why a member that memberlist has up does not count as alive. The first that applies, in this order.
type Doubt uint8

const (
	NoDoubt  Doubt = iota
	Foreign        // it is of another lineage: a ring of its own, or this one from before it was recovered
	LinkDown       // this node's link to it is reported down
	Unproven       // it has not answered this node since it came up
	Silent         // it answered once, but no longer: others may still hear it
	Unheard        // a majority of the others cannot talk to it
	Flapping       // it fell too often of late: see HoldDown
)

func (d Doubt) String() string {
	switch d {
	case NoDoubt:
		return "none"
	case Foreign:
		return "foreign"
	case LinkDown:
		return "link-down"
	case Unproven:
		return "unproven"
	case Silent:
		return "silent"
	case Unheard:
		return "unheard"
	case Flapping:
		return "flapping"
	}
	return fmt.Sprintf("Doubt(%d)", uint8(d))
}

// Meta is what a node tells the others about itself. Addresses are host:port with a number for the port; the host may be a
// name. An empty address is a service that the node does not offer.
type Meta struct {
	Client  string // RESP, cluster face
	Forward string // RESP, forward face
	Peer    string

	Rack, DC string // at most 63 bytes each
	Weight   uint32 // 0 is taken as 1

	Epoch    uint64
	RingHash uint64
	Lineage  uint64 // of the cluster id: members with another one are Foreign to this node; 0: of no ring yet, or not told
	Waiting  bool   // to be admitted to the ring
	Load     uint32 // thousandths of what the node can do; travels at leisure
}

// Member is one node as this node sees it.
type Member struct {
	ID          object.NodeID
	Incarnation object.Incarnation
	State       State
	Doubt       Doubt
	Meta
	Gossip string // ip:port

	LastHeard time.Time     // the last answer to a packet of ours, or report that the link is up; zero: never
	RTT       time.Duration // of the last answer
	Flaps     int           // falls within HoldDown.Window
	HeldUntil time.Time     // Doubt is Flapping until then, or later if it falls again
	Ups       uint32        // how often it became alive
}

// View is what was known at one instant: immutable, sorted by ID, this node included.
type View struct {
	members  []Member
	disputed bool
}

// Disputed says that another node was met with this node's id and it is not known yet which of the two has to go: nothing in the view
// is to be built on until that is settled. See Gossip.Failed.
func (v View) Disputed() bool { return v.disputed }

// Len is the number of members, the dead and departed included.
func (v View) Len() int { return len(v.members) }

// All yields the members in order of ID.
func (v View) All() iter.Seq[Member] { return slices.Values(v.members) }

// Get returns one member.
func (v View) Get(id object.NodeID) (Member, bool) {
	i, ok := slices.BinarySearchFunc(v.members, id, func(m Member, id object.NodeID) int { return cmp.Compare(m.ID, id) })
	if !ok {
		return Member{}, false
	}
	return v.members[i], true
}

// ChangeKind is what happened to a member between two views.
type ChangeKind uint8

const (
	Down    ChangeKind = iota + 1 // it was alive; Member.State says what it is now
	Up                            // it is alive, and was not, or not in this life
	Updated                       // anything else but load and times; a member seen first that is not alive
)

func (k ChangeKind) String() string {
	switch k {
	case Down:
		return "down"
	case Up:
		return "up"
	case Updated:
		return "updated"
	}
	return fmt.Sprintf("ChangeKind(%d)", uint8(k))
}

// Change is one step of a member's history.
type Change struct {
	Kind   ChangeKind
	Member Member
}

// Since returns what changed from old to v, by ID; of one member Down comes before Up. A member that fell and rose in between,
// or is another incarnation, gives both, even if it is alive in both views.
func (v View) Since(old View) []Change {
	var out []Change
	i, j := 0, 0
	for i < len(old.members) || j < len(v.members) {
		switch {
		case j == len(v.members) || i < len(old.members) && old.members[i].ID < v.members[j].ID:
			if was := old.members[i]; was.State == Alive {
				was.State = Dead
				out = append(out, Change{Down, was})
			}
			i++
		case i == len(old.members) || v.members[j].ID < old.members[i].ID:
			out = appendSteps(out, Member{}, v.members[j])
			j++
		default:
			out = appendSteps(out, old.members[i], v.members[j])
			i, j = i+1, j+1
		}
	}
	return out
}

func appendSteps(out []Change, was, is Member) []Change {
	sameLife := was.Incarnation == is.Incarnation && was.Ups == is.Ups
	fell := was.State == Alive && (is.State != Alive || !sameLife)
	rose := is.State == Alive && (was.State != Alive || !sameLife)
	if fell {
		down := is
		if rose || was.Incarnation != is.Incarnation {
			down = was
			down.State, down.Doubt = Dead, NoDoubt
		}
		out = append(out, Change{Down, down})
	}
	if rose {
		out = append(out, Change{Up, is})
	}
	if !fell && !rose && was.visible() != is.visible() {
		out = append(out, Change{Updated, is})
	}
	return out
}

// visible is the member without what changes all the time.
func (m Member) visible() Member {
	m.Load, m.LastHeard, m.RTT, m.HeldUntil, m.Flaps = 0, time.Time{}, 0, time.Time{}, 0
	return m
}
