package dynamo

import (
	"github.com/rondokv/rondo/engine/object"
)

// Time is an instant of a monotonic clock, in nanoseconds since an origin of the node's own. Deadlines are kept in it:
// unlike the hybrid clock it is never pushed ahead by a peer.
type Time int64

// Millisecond is one in Time.
const Millisecond Time = 1e6

// Host is the node that a partition's core runs on: its rows, its clock and whom it hears. The core calls it from within a
// step. No method may wait for anything but the disk's reads.
type Host interface {
	// Get returns the row under an engine key, nil when there is none. dst is empty; the row may come in its spare room
	// and is valid as long as that is not used again.
	Get(dst, key []byte) (row []byte, err error)
	// Scan calls fn with the rows of [lo, hi) in ascending order until fn returns false. key and row are valid during fn.
	Scan(lo, hi []byte, fn func(key, row []byte) bool) error

	// Now returns the hybrid clock's reading: not behind any that was issued or observed.
	Now() object.HLC
	// Tick issues n consecutive readings, above the given one and all that were issued or observed, and returns the
	// first; false when the clock's durable ceiling is in the way.
	Tick(above object.HLC, n int) (object.HLC, bool)
	// Observe takes in a peer's reading; an error when it is further ahead than clocks may drift. Rows stamped up to the
	// reading may be stored in the same step, so when it returns a durable ceiling must be above it: a node that forgot
	// how far it was pushed ahead would stamp writes below rows that it holds.
	Observe(peer object.HLC) error

	// Alive reports whether a member is thought to be reachable. One whose clock is too far ahead must not be: it is heard,
	// but all that it says is refused, and as a primary it could promise nothing.
	Alive(object.NodeID) bool
	// HintRoom reports whether the node takes more hints: those of all its partitions together are bounded.
	HintRoom() bool
	// ReadBegins, ReadTook and Speculate are Pace's, of the node.
	ReadBegins() Time
	ReadTook(Time)
	Speculate(questions int) bool
	// Random returns 64 random bits.
	Random() uint64
	// Parse makes the operation that a peer passed on from its body.
	Parse(slot object.Slot, body []byte) (PassedOp, error)
}

// Options are what a partition's core is made of.
type Options struct {
	ID     object.NodeID
	Inc    object.Incarnation
	Secret object.Secret
	DC     string // this node's datacenter
	// NoHints says that the node keeps no hints in any partition, so that a new one need not look for its own.
	NoHints bool

	Limits Limits
}

// Limits bound what a partition's core holds and how long it waits. Zero fields take the defaults.
type Limits struct {
	// InFlight is how many operations may be under way at once (default 4096); more are ErrOverloaded.
	InFlight int
	// Speculate is after how long, at the latest, a read asks the replicas that it had not needed (default 10 ms).
	Speculate Time
	// RepairOneIn is how many reads go by until one asks all replicas, so that stale ones are found (default 16).
	RepairOneIn int
	// HintTimeout is how long a fallback may take to ack a hint before the node keeps the hint itself (default 400 ms).
	HintTimeout Time
	// HintWindow is for how long hints are kept for a node that takes none (default 3 h).
	HintWindow Time
	// ReplayTimeout is how long a hint on its way home waits for its ack before it is sent again (default 1 s).
	ReplayTimeout Time
	// ReplayRows and ReplayBytes bound one batch of hints on its way home (default 128 rows, 256 KiB).
	ReplayRows, ReplayBytes int
	// Reissues is how often an operation is stamped again above what hides it (default 4).
	Reissues int
}
