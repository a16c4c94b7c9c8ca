package epoch

import (
	"fmt"

	"github.com/rondokv/rondo/cluster/ring"
)

// EventKind says what happened. Values are for ever: append only.
type EventKind uint8

// What happens.
const (
	// EventDecided: a newer document is known; Text says its stage.
	EventDecided EventKind = iota + 1
	// EventProposed: this node proposes a document; Text says which.
	EventProposed
	// EventWithdrawn: a proposal of this node was not decided in time. It still may be.
	EventWithdrawn
	// EventRefused: no plan could be made for who waits or leaves; Text says why.
	EventRefused
	// EventRemoved: this node is no member of the newest document. Serve nobody any more, and stop after some seconds: see
	// "Removed" in the package comment. It can only come back with another id. It may be said again.
	EventRemoved
	// EventConflict: see ErrConflict; Node has shown it, and Text names it. Stop.
	EventConflict
	// EventRecovered: a new lineage began here or was taken over from Node.
	EventRecovered
	// EventGaveUp: a plan is to be aborted since Node is dead and would have to copy.
	EventGaveUp
)

func (k EventKind) String() string {
	names := [...]string{"", "decided", "proposed", "withdrawn", "plan refused", "removed", "conflict", "recovered", "gave up"}
	if k == 0 || int(k) >= len(names) {
		return fmt.Sprintf("event %d", uint8(k))
	}
	return names[k]
}

// Event is for logs, but for EventRemoved and EventConflict, which the driver obeys.
type Event struct {
	Kind  EventKind
	Epoch ring.Epoch // of the document
	Stage ring.Stage // of the document
	Node  ring.NodeID
	Text  string
}
