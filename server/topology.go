package server

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/rondokv/rondo/engine/object"
)

// Topology is the ring as clients of the cluster face see it: one value a version (epoch and liveness), immutable. It says
// which node serves a slot, what this node is to it, and is spelled in three ways: CLUSTER SLOTS, SHARDS and NODES.
//
// Invariant: every slot is in exactly one run of one living member, runs of a member ascend, and every host is one that
// clients can dial.
type Topology struct {
	Version uint64 // grows with every change of epoch or liveness, as this node sees them
	Epoch   uint64
	Self    string // id of the member that answers
	Members []Member
	// Replicas is the length of the longest preference list: the effective N.
	Replicas int

	self   int32
	shift  uint // slot>>shift is the partition
	places []place
	served int // slots of which a home replica is alive
	spell  spellings
}

// Member is a node of the ring as clients know it.
type Member struct {
	Node     object.NodeID
	ID       string // 40 hex digits, see ClientNodeID; empty: made of Node
	Host     string // never empty, never a wildcard
	Port     int    // where cluster clients connect
	PeerPort int    // the cport of CLUSTER NODES
	Failed   bool   // not reachable: it has no slots
	Slots    []SlotRun
}

// SlotRun is the slots First..Last, both among them.
type SlotRun struct{ First, Last object.Slot }

// place is one partition as this node sees it; members by index, -1 for none.
type place struct {
	serves int32 // the primary; while no home replica is alive, the first living fallback
	other  int32 // a living home replica that is not this node: first places first
	home   bool  // this node is a home replica, or about to be one, or was one just now
	alive  uint8 // home replicas alive
	homes  uint8
}

// TopologySource gives the present topology. Called by any goroutine, for every batch of commands: it must be cheap and
// never block.
type TopologySource interface {
	Topology() *Topology
}

// View is what a topology is made of.
type View struct {
	Version uint64 // at least 1, greater than that of any view before
	Epoch   uint64
	Self    object.NodeID
	Members []Member // Slots are not looked at
	// Lists are the preference lists by partition, first places first. Their number is a power of two.
	Lists [][]object.NodeID
	// Owns says of a partition that this node holds it without being on its list, as while it moves: such a node serves, too. Nodes
	// learn of the next list one after the other, and would else send a client back and forth until all have. nil: none.
	Owns func(partition int) bool
}

// NewTopology is the topology of a view: a pure function of it.
func NewTopology(v View) (*Topology, error) {
	t := &Topology{Version: v.Version, Epoch: v.Epoch, Members: slices.Clone(v.Members), self: -1}
	index := make(map[object.NodeID]int32, len(v.Members))
	for i := range t.Members {
		m := &t.Members[i]
		if m.ID == "" {
			m.ID = ClientNodeID(m.Node)
		}
		if m.Host == "" || m.Port <= 0 {
			return nil, fmt.Errorf("topology: member %s has no address that clients can dial", m.ID)
		}
		if _, twice := index[m.Node]; twice {
			return nil, fmt.Errorf("topology: member %s is there twice", m.ID)
		}
		m.Slots = nil
		index[m.Node] = int32(i)
		if m.Node == v.Self {
			t.self, t.Self, m.Failed = int32(i), m.ID, false
		}
	}
	n := len(v.Lists)
	switch {
	case v.Version == 0:
		return nil, errors.New("topology: a version must be greater than 0")
	case t.self < 0:
		return nil, errors.New("topology: this node is no member")
	case n == 0 || n&(n-1) != 0 || n > object.SlotCount:
		return nil, fmt.Errorf("topology: %d partitions, want a power of two up to %d", n, object.SlotCount)
	}
	t.shift = uint(bits.TrailingZeros(object.SlotCount) - bits.TrailingZeros(uint(n)))
	if err := t.lay(v.Lists, index); err != nil {
		return nil, err
	}
	for p := range t.places {
		t.places[p].home = t.places[p].home || v.Owns != nil && v.Owns(p)
	}
	return t, nil
}

// lay finds who serves what.
func (t *Topology) lay(lists [][]object.NodeID, index map[object.NodeID]int32) error {
	byPartition := make([][]int32, len(lists))
	for p, list := range lists {
		if len(list) == 0 || len(list) > 255 {
			return fmt.Errorf("topology: partition %d has %d home replicas", p, len(list))
		}
		for _, id := range list {
			i, ok := index[id]
			if !ok {
				return fmt.Errorf("topology: node %d of partition %d is no member", id, p)
			}
			byPartition[p] = append(byPartition[p], i)
		}
		t.Replicas = max(t.Replicas, len(list))
	}
	t.places = make([]place, len(lists))
	for p := range t.places {
		t.places[p] = t.placeOf(byPartition, p)
		if t.places[p].alive > 0 {
			t.served += 1 << t.shift
		}
		t.addRun(p, t.places[p].serves)
	}
	return nil
}

func (t *Topology) placeOf(lists [][]int32, p int) place {
	at := place{serves: -1, other: -1, homes: uint8(len(lists[p]))}
	for _, i := range lists[p] {
		at.home = at.home || i == t.self
		if t.Members[i].Failed {
			continue
		}
		at.alive++
		if at.serves < 0 {
			at.serves = i
		}
		if at.other < 0 && i != t.self {
			at.other = i
		}
	}
	// Nobody holds the data, but what may be kept as a hint is taken by the fallbacks: the owners of the partitions that
	// follow. The walk ends, for this node is alive; it may own nothing.
	for q := 1; q < len(lists) && at.serves < 0; q++ {
		for _, i := range lists[(p+q)%len(lists)] {
			if !t.Members[i].Failed {
				at.serves = i
				break
			}
		}
	}
	if at.serves < 0 {
		at.serves = t.self
	}
	return at
}

// addRun gives partition p to member i. REQUIRES: partitions come in order.
func (t *Topology) addRun(p int, i int32) {
	first := object.Slot(p << t.shift)
	last := first + 1<<t.shift - 1
	m := &t.Members[i]
	if n := len(m.Slots); n > 0 && m.Slots[n-1].Last+1 == first {
		m.Slots[n-1].Last = last
		return
	}
	m.Slots = append(m.Slots, SlotRun{first, last})
}

// alone tells whether this node is the only member.
func (t *Topology) alone() bool { return len(t.Members) == 1 }

// place is what a slot's partition is like.
func (t *Topology) place(slot object.Slot) *place { return &t.places[slot>>t.shift] }

func (t *Topology) member(id string) *Member {
	for i := range t.Members {
		if t.Members[i].ID == id {
			return &t.Members[i]
		}
	}
	return nil
}

// alive is how many members are reachable.
func (t *Topology) alive() (n int) {
	for i := range t.Members {
		if !t.Members[i].Failed {
			n++
		}
	}
	return n
}

// RingOfOne is the topology of a node that is alone: all slots are its own.
type RingOfOne struct{ topology *Topology }

// NewRingOfOne returns the source whose only member is self.
func NewRingOfOne(epoch uint64, self Member) *RingOfOne {
	self.Failed, self.Slots = false, []SlotRun{{0, object.SlotCount - 1}}
	if self.ID == "" {
		self.ID = ClientNodeID(self.Node)
	}
	return &RingOfOne{&Topology{
		Version: 1, Epoch: epoch, Self: self.ID, Members: []Member{self}, Replicas: 1,
		shift: 14, places: []place{{other: -1, home: true, alive: 1, homes: 1}}, served: object.SlotCount,
	}}
}

// Topology implements TopologySource.
func (r *RingOfOne) Topology() *Topology { return r.topology }

// ClientNodeID is the name that clients know a node by: 40 hex digits as Redis has them, of which the first 16 are the id
// itself.
func ClientNodeID(id object.NodeID) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	tail := sha256.Sum256(append([]byte("rondo node "), b[:]...))
	return hex.EncodeToString(b[:]) + hex.EncodeToString(tail[:12])
}
