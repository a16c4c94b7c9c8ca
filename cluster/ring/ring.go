package ring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

const (
	// Slots is the number of slots, Redis Cluster's.
	Slots = 16384
	// MaxNodes bounds a ring's members.
	MaxNodes = 1024
	// MaxReplicas bounds N.
	MaxReplicas = 16
	// MaxWeight bounds a node's weight.
	MaxWeight = 1_000_000
	// DefaultSlotsPerPartition makes 1024 partitions.
	DefaultSlotsPerPartition = 16
)

// Errors of arguments; test with errors.Is.
var (
	ErrNoMembers  = errors.New("ring: no members")
	ErrMembers    = errors.New("ring: bad members")
	ErrOptions    = errors.New("ring: bad options")
	ErrLists      = errors.New("ring: bad preference lists")
	ErrPartitions = errors.New("ring: slots per partition are fixed for the life of a ring")
)

type (
	// Slot is 0..16383.
	Slot uint16
	// Partition is a run of contiguous slots, 0..Ring.Partitions()-1.
	Partition uint16
	// NodeID names a node for ever.
	NodeID uint64
	// Epoch numbers rings, from 1.
	Epoch uint64
)

// Node is a member as placement sees it.
type Node struct {
	ID     NodeID `json:"id"`
	Weight uint32 `json:"weight"`         // share of the data relative to the others, 1..MaxWeight
	Rack   string `json:"rack,omitempty"` // empty: a rack of its own. Racks of two datacenters differ, whatever their names
	DC     string `json:"dc,omitempty"`   // empty is a datacenter like any other
}

// Options of a placement.
type Options struct {
	Replicas int // N, 1..MaxReplicas; fewer when there are fewer nodes
	// PerDC is N by datacenter, each of which then places its own; Replicas must be their sum or 0. Datacenters that it does
	// not name hold nothing. Empty: one N, spread over the datacenters.
	PerDC             map[string]int
	SlotsPerPartition int // a power of two, 1..Slots; 0 means the default (Build) or the old ring's (Rebuild)
}

// Ring is the immutable placement of one epoch. Safe for any number of readers.
type Ring struct {
	epoch   Epoch
	slots   int // per partition
	shift   uint
	n       int // effective N
	members []Node
	table   []uint16 // n entries a partition: indexes into members
	lists   []NodeID // the same as ids, to hand out
	relaxed []Relaxation
	change  *transition // nil: nothing is known but the lists
}

// Epoch returns the ring's number.
func (r *Ring) Epoch() Epoch { return r.epoch }

// Replicas returns the effective N: the length of every preference list.
func (r *Ring) Replicas() int { return r.n }

// SlotsPerPartition returns the size of a partition.
func (r *Ring) SlotsPerPartition() int { return r.slots }

// Partitions returns how many partitions there are.
func (r *Ring) Partitions() int { return Slots / r.slots }

// Members returns all nodes in order of id. The slice is shared: never change it.
func (r *Ring) Members() []Node { return r.members }

// Relaxed tells which wishes of the members and options could not be met.
// Shared: never change it.
func (r *Ring) Relaxed() []Relaxation { return r.relaxed }

// PartitionOf returns the partition of a slot, which must be below Slots.
func (r *Ring) PartitionOf(s Slot) Partition { return Partition(s >> r.shift) }

// PreferenceList returns the home replicas of p, the first place first: the list
// that reads use, so while p moves the old one or, from Reading on, the new one.
// The slice is shared: never change it.
func (r *Ring) PreferenceList(p Partition) []NodeID {
	at := int(p) * r.n
	return r.lists[at : at+r.n : at+r.n]
}

// Lookup returns the preference list of a slot.
func (r *Ring) Lookup(s Slot) []NodeID { return r.PreferenceList(r.PartitionOf(s)) }

// Primary returns the first node of p's preference list that is alive; false
// when none is. alive is called at most N times.
func (r *Ring) Primary(p Partition, alive func(NodeID) bool) (NodeID, bool) {
	for _, id := range r.PreferenceList(p) {
		if alive(id) {
			return id, true
		}
	}
	return 0, false
}

// Holds says whether id is on p's preference list.
func (r *Ring) Holds(p Partition, id NodeID) bool {
	return slices.Contains(r.PreferenceList(p), id)
}

// FallbackIter walks the fallbacks of one partition. It is a value of a few
// cache lines; walking allocates nothing.
type FallbackIter struct {
	ring *Ring
	at   int // next entry of the table
	todo int // entries not looked at yet
	left int // nodes not seen yet
	seen [MaxNodes / 64]uint64
}

// Fallbacks returns the nodes that are on no list of p, each once: those that the
// lists that reads use name for partitions p+1, p+2, ... in order, wrapping around. Nodes that hold nothing
// are not among them.
func (r *Ring) Fallbacks(p Partition) FallbackIter {
	it := FallbackIter{ring: r, at: int(p) * r.n, todo: len(r.table), left: len(r.members)}
	for range r.n {
		it.take()
	}
	for _, node := range r.change.other(p) {
		it.see(int(node))
	}
	return it
}

// take consumes one entry and says whether its node was new.
func (it *FallbackIter) take() (node int, fresh bool) {
	node = int(it.ring.table[it.at])
	it.todo--
	if it.at++; it.at == len(it.ring.table) {
		it.at = 0
	}
	return node, it.see(node)
}

// see notes a node and says whether it is new.
func (it *FallbackIter) see(node int) bool {
	bit := uint64(1) << (node % 64)
	if it.seen[node/64]&bit != 0 {
		return false
	}
	it.seen[node/64] |= bit
	it.left--
	return true
}

// Next returns the next fallback, false when there are no more.
func (it *FallbackIter) Next() (NodeID, bool) {
	for it.left > 0 && it.todo > 0 {
		if node, fresh := it.take(); fresh {
			return it.ring.members[node].ID, true
		}
	}
	return 0, false
}

// Load makes the ring of a table that was placed before, by any version of the
// placement: it checks that it is a table (each partition with one list of
// distinct members, all equally long), not that it is a good one.
func Load(epoch Epoch, slotsPerPartition int, members []Node, lists [][]NodeID) (*Ring, error) {
	if slotsPerPartition == 0 || len(lists) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrLists)
	}
	l, err := newLayout(members, Options{Replicas: max(1, len(lists[0])), SlotsPerPartition: slotsPerPartition}, nil)
	if err != nil {
		return nil, err
	}
	if len(lists) != l.parts {
		return nil, fmt.Errorf("%w: %d of %d partitions", ErrLists, len(lists), l.parts)
	}
	table := make([]uint16, 0, l.parts*l.n)
	for p, list := range lists {
		if len(list) != l.n {
			return nil, fmt.Errorf("%w: partition %d has %d nodes, not %d", ErrLists, p, len(list), l.n)
		}
		for k, id := range list {
			i, ok := find(l.members, id)
			if !ok || slices.Contains(list[:k], id) {
				return nil, fmt.Errorf("%w: partition %d, node %016x", ErrLists, p, id)
			}
			table = append(table, uint16(i))
		}
	}
	return l.ring(epoch, table), nil
}

func find(members []Node, id NodeID) (int, bool) {
	return slices.BinarySearchFunc(members, id, func(m Node, id NodeID) int { return cmp.Compare(m.ID, id) })
}
