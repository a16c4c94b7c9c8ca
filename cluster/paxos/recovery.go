package paxos

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// RecoveryGap is how many epoch numbers a recovery leaves out. What the lost voters may have decided after the last document
// that is known lies in the gap, so a number never names a document of each lineage.
const RecoveryGap = 1 << 16

// The bounds of a Recovery.
const (
	MaxReason  = 1024 // bytes
	MaxLost    = 1024 // nodes
	maxCluster = 16
)

// ClusterID names a cluster for its whole life: random, never zero.
type ClusterID [maxCluster]byte

// ErrRecovery: a recovery that cannot be. It is wrapped.
var ErrRecovery = errors.New("paxos: bad recovery")

// Recovery is the record with which an operator begins a new lineage when a majority of voters is gone for good. Nothing
// proves that the lost voters have not decided another document meanwhile, and nothing here is decided by a majority: so it
// is another cluster that begins, with another id, to which the nodes of the old one do not talk.
//
// The document that carries it names New.Voters; they decide the epoch after it as ever.
type Recovery struct {
	Old, New ClusterID
	Known    uint64   // the last epoch of the old lineage that the survivor knows
	Parent   Hash     // of that epoch's document
	By       NodeID   // the survivor on which it was ordered
	AtMillis uint64   // by its wall clock, since 1970; for people
	Voters   []NodeID // of the new lineage, sorted; each has said that it lives and has adopted nothing later than Known
	Lost     []NodeID // members given up, sorted: their ids are never admitted again
	Reason   string   // the operator's, UTF-8
}

// Epoch returns the number of the first document of the new lineage.
func (r Recovery) Epoch() uint64 { return r.Known + RecoveryGap }

// Check says what is wrong with a recovery of the cluster whose last known document names the voters old. It does not know
// who lives: that a majority of them is in Lost is what the operator swears. Survivors that make a majority do not recover,
// they propose.
func (r Recovery) Check(old []NodeID) error {
	if err := r.check(); err != nil {
		return err
	}
	gone := 0
	for _, v := range old {
		if slices.Contains(r.Lost, v) {
			gone++
		}
	}
	if len(old) == 0 || len(old)-gone > len(old)/2 {
		return fmt.Errorf("%w: %d of %d voters are given up, the others can still decide", ErrRecovery, gone, len(old))
	}
	return nil
}

func (r Recovery) check() error {
	switch {
	case r.Old == ClusterID{} || r.New == ClusterID{} || r.Old == r.New:
		return fmt.Errorf("%w: from cluster %x to cluster %x", ErrRecovery, r.Old, r.New)
	case r.Known == 0 || r.Known > r.Known+RecoveryGap || r.By == 0:
		return fmt.Errorf("%w: after epoch %d by node %x", ErrRecovery, r.Known, uint64(r.By))
	case len(r.Voters) == 0 || len(r.Voters) > MaxVoters || !ascending(r.Voters):
		return fmt.Errorf("%w: voters %x", ErrRecovery, r.Voters)
	case len(r.Lost) == 0 || len(r.Lost) > MaxLost || !ascending(r.Lost):
		return fmt.Errorf("%w: lost %x", ErrRecovery, r.Lost)
	case len(r.Reason) == 0 || len(r.Reason) > MaxReason || !utf8.ValidString(r.Reason):
		return fmt.Errorf("%w: a reason of %d bytes", ErrRecovery, len(r.Reason))
	case slices.Contains(r.Lost, r.By):
		return fmt.Errorf("%w: node %x is given up by itself", ErrRecovery, uint64(r.By))
	}
	for _, v := range r.Voters {
		if slices.Contains(r.Lost, v) {
			return fmt.Errorf("%w: node %x is lost and votes", ErrRecovery, uint64(v))
		}
	}
	return nil
}

// ascending reports whether ids are sorted, each once, none of them 0.
func ascending(ids []NodeID) bool {
	last := NodeID(0)
	for _, id := range ids {
		if id <= last {
			return false
		}
		last = id
	}
	return true
}
