package dynamo

import (
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// Request is one client operation at the node whose client sent it. Set the first group and hand it to Partition.Begin; the
// core holds on to it until it is Finished. A finished Request can be Reset and used again.
type Request struct {
	Op    Op
	Slot  object.Slot
	Write bool // may change rows: it gets a stamp
	// ReadLevel and WriteLevel are what the operation needs. Of an operation that writes, ReadLevel is for what it
	// looks at first.
	ReadLevel, WriteLevel quorum.Choice
	Deadline              Time
	// Owner is the driver's: how it finds what a Request of Ready.Done belongs to.
	Owner any

	// Finished: Err and Seq are set, and unless Err is not nil the reply that Eval left in Op is valid. It may be sent
	// once the batches up to Seq are durable; a Request that Ready.Done lists needs no more waiting.
	Finished bool
	Err      error
	Seq      uint64

	exec  Execution
	steps scratch
	from  passedBy // whom to answer, of an operation that a peer passed on
}

// Errors of requests. The first three say that nothing was stored.
var (
	// ErrOverloaded: the partition has too many operations under way.
	ErrOverloaded = errors.New("dynamo: too many operations under way")
	// ErrClockCeiling: the clock has no room below its durable ceiling. Raise it and begin again.
	ErrClockCeiling = errors.New("dynamo: the clock's ceiling is in the way")
	// ErrTooLarge: the rows fit into no message between nodes.
	ErrTooLarge = errors.New("dynamo: the rows are too large to be replicated")
	// ErrNotPassable: the operation must run on another node, and cannot.
	ErrNotPassable = errors.New("dynamo: the operation cannot be passed on")
)

// TimeoutError: what was sent may still take effect, or not. Nothing says how far it got but Acks.
type TimeoutError struct {
	Acks quorum.Count
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("dynamo: unknown, acks %d of %d", e.Acks.Have, e.Acks.Need)
}

// RemoteError is an error that the node which ran the operation put into words.
type RemoteError struct {
	Text string
}

func (e *RemoteError) Error() string { return e.Text }

// Reset makes the request ready for another operation, keeping its scratch room.
func (r *Request) Reset() {
	r.exec.Release()
	r.steps.release()
	// Field by field: a whole Request is much to copy, and most of it is the room that stays. from is set in those that the
	// core makes for peers only, which nobody uses again.
	r.Op, r.Err = nil, nil
	r.Slot, r.Write, r.Deadline, r.ReadLevel, r.WriteLevel = 0, false, 0, quorum.Choice{}, quorum.Choice{}
	r.Finished, r.Seq = false, 0
}
