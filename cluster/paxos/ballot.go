package paxos

import (
	"cmp"
	"fmt"
)

// NodeID names a node for its whole life, never 0. A node that lost its disk is another node and has another one.
type NodeID uint64

// Time is an instant of a monotonic clock, in nanoseconds since an origin of the node's own.
type Time int64

// Millisecond is one in Time.
const Millisecond Time = 1e6

// Hash is that of a ring document.
type Hash [32]byte

// MaxRound is the last round of ballots. Every outbid ballot takes one, so nobody gets there but by a fault.
const MaxRound = 1<<48 - 1

// Ballot is one attempt of one proposer, and its place in the order of all attempts at a register. The zero Ballot is before
// all others and nobody's.
type Ballot struct {
	Round uint64
	Node  NodeID // the proposer
}

// Compare orders ballots totally: by round, then by node.
func (b Ballot) Compare(c Ballot) int {
	if b.Round != c.Round {
		return cmp.Compare(b.Round, c.Round)
	}
	return cmp.Compare(b.Node, c.Node)
}

// Less reports whether b comes before c.
func (b Ballot) Less(c Ballot) bool { return b.Compare(c) < 0 }

// IsZero reports whether b is no ballot.
func (b Ballot) IsZero() bool { return b == Ballot{} }

func (b Ballot) String() string { return fmt.Sprintf("%d.%x", b.Round, uint64(b.Node)) }

// valid reports whether b is zero or somebody's.
func (b Ballot) valid() bool {
	return b.IsZero() || b.Round > 0 && b.Round <= MaxRound && b.Node != 0
}
