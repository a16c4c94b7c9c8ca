package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Partition is the core of one partition on one node: coordinator, replica and keeper of hints. It is not safe for
// concurrent use: its driver guards it, its Host's rows of the partition and the storing of Ready.Writes with one mutex.
//
// Every call of Begin, Receive, Durable, Unreachable, Tick, SwitchRing, Move and More is one step, and each is followed by Ready.
type Partition struct {
	// What every operation of a ring of one touches comes first, in two lines of the processor's cache: there are a thousand
	// partitions, and each is cold when its turn comes.
	host       Host
	doing      doing
	step       step
	single     bool   // this node is the only home replica
	alone      bool   // the ring has no other member: nobody else holds rows or hints of the partition
	operations uint64 // Stats.Operations
	applied    uint64 // batches
	ops        table  // under way
	secret     object.Secret
	cleared    [object.DBCount]object.Stamp // of the databases, as stored

	leftover [object.DBCount]bool // rows that cleared covers may still be stored
	opts     Options
	held     queue // what waits for batches to be durable
	ready    Ready
	stats    Stats

	durable   uint64 // batches
	number    ring.Partition
	firstSlot object.Slot

	undo   undo
	ring   *ring.Ring
	since  ring.Epoch      // requests of earlier epochs are refused
	ids    []object.NodeID // the owners: the preference list, then who is on the other list only while the partition moves
	homes  []quorum.Node   // the same, for tallies
	looks  []quorum.Node   // the same as reads count them
	lead   int             // how many of them are on the preference list: coordinators and primaries
	least  int             // home replicas on the shorter list
	self   int             // this node's place among them, -1 when it has none
	limits Limits

	lastID uint64
	blind  []*operation // of those under way, the ones that may be stamped again
	timer  Time         // when Tick is due, or earlier; 0: never
	free   []*operation
	reads  int // since one asked all replicas

	hinted     []hinted        // whom hints may be kept for, ascending
	apart      []object.NodeID // whom hints were not kept for, ascending
	replays    []*replay       // batches of hints on their way home
	nextReplay Time
	behind     []cursor   // hints that were sent in vain, to go on behind
	transfer   *transfer  // nil: none
	compares   []*compare // with this node's rows
	works      []work     // what the last input brought for several operations
	workDone   int        // how many of works are done

	local  Execution // of operations that have no request
	bufs   scratch
	states []object.KeyState // scratch: rows on the wire
	refs   []object.KeyRef   // scratch: their keys
}

// step is how far the present step is.
type step struct {
	open  bool // Ready was not called yet
	kept  bool // Release was not called yet
	batch bool // it makes a batch
	some  bool // it asks for something, or holds something back
}

// doing is whose step it is.
type doing struct {
	req   *Request // of Begin
	alone *Request // that made the batch without an operation
}

// undo is what else the present step has done, so that Refused can take it back.
type undo struct {
	messages int // how many there were before the batch
	op       *operation
	move     *moved // by a transfer
	reply    *wire.WriteReply
	replyTo  object.NodeID
}

// Ready is what a step asks of its driver, in this order:
//
//  1. Writes, if any, are stored as one batch, visible to Host.Get and Host.Scan at once. When the store refuses them
//     (nothing was stored), Refused is called, and Ready again in place of this.
//  2. Messages are sent. Losing one is allowed; it never has to be sent again. What promises that something is stored is
//     among them only once it is durable.
//  3. The requests in Done are answered.
//
// All that may happen under the partition's mutex, for none of it waits. Later, without the mutex, the driver waits for the
// batch to be as durable as the policy says and then steps Durable. A batch whose commit fails stops the node.
//
// The slices, and the keys and rows of Writes, are the core's again at the next step; messages and requests are the receiver's for
// good.
type Ready struct {
	Writes   []object.Write
	Counts   []Count // what Writes mean for the number of keys
	Clears   []Clear // the databases that Writes clear
	Hints    []HintChange
	Batch    uint64 // the number of the batch that Writes make; 0 when there are none
	Messages []Envelope
	Done     []*Request
	Events   []Event
	More     bool // call More before anything else: the input has more to it than fits in one batch
}

// Envelope is a message and whom it is for.
type Envelope struct {
	To      object.NodeID
	Message wire.Message
}

// Presence is what counts of keys need to know of a row.
type Presence struct {
	Stored  bool // it counts as a key: only an expiry may hide it
	Expires bool // a key with an expiry
}

// PresenceOf tells of a key row as stored.
func PresenceOf(k *object.KeyState) Presence { return presenceOf(k) }

// Count is a key whose presence a batch may change.
type Count struct {
	Slot          object.Slot
	DB            uint8
	Key           []byte // the engine key of the key row
	Before, After Presence
}

// Clear is a database of the partition that a batch clears: up to Before it was cleared already.
type Clear struct {
	First         object.Slot // of the partition
	DB            uint8
	Before, After object.Stamp
}

// HintChange is a hint that a batch changes.
type HintChange struct {
	Key   []byte // its engine key
	Bytes int    // by how much the key and the row of all hints become more
}

// EventKind says what an Event tells.
type EventKind uint8

// The kinds of event.
const (
	// EventCorrupt: two different versions of a row carry one stamp, or a row cannot be read. It is not served.
	EventCorrupt EventKind = iota + 1
	// EventConflict: a merge let go of a write that the winner's writer had not seen.
	EventConflict
	// EventDrift: a peer's clock is too far ahead; its message was refused.
	EventDrift
	// EventNewer: a peer has refused a message for it lives in a later epoch: fetch the ring from it.
	EventNewer
)

// Event is something that an operator may want to know.
type Event struct {
	Kind  EventKind
	Peer  object.NodeID
	Epoch ring.Epoch // EventNewer
	Ref   object.KeyRef
	Err   error
}

// NewPartition returns the core of a partition. REQUIRES: the host's rows are those that were durable when the node last
// stopped.
func NewPartition(host Host, number ring.Partition, r *ring.Ring, opts Options) (*Partition, error) {
	p := &Partition{host: host, opts: opts, secret: opts.Secret, limits: opts.Limits.withDefaults(), number: number, self: -1}
	p.lastID = host.Random() >> 1
	p.setRing(r)
	p.beginTransfer(false)
	if err := p.load(); err != nil {
		return nil, err
	}
	if opts.NoHints {
		return p, nil
	}
	return p, p.findHints()
}

// setRing puts the partition into an epoch. r must have as many slots a partition as every ring before.
func (p *Partition) setRing(r *ring.Ring) {
	p.ring = r
	p.firstSlot = object.Slot(int(p.number) * r.SlotsPerPartition())
	p.alone = len(r.Members()) == 1
	p.since, p.self, p.lead = r.Since(p.number), -1, len(r.PreferenceList(p.number))
	if p.least = p.lead; len(r.Moving(p.number)) > 0 {
		p.least = min(p.lead, len(r.Moving(p.number)))
	}
	p.homes, p.ids, p.looks = nil, nil, nil
	for i, id := range r.Owners(p.number) {
		node := quorum.Node{DC: r.DC(id)}
		if i < p.lead {
			node.Of |= quorum.Before
		}
		if slices.Contains(r.Moving(p.number), id) {
			node.Of |= quorum.After
		}
		p.homes = append(p.homes, node)
		if r.Stage() == ring.Reading {
			node.Of &= quorum.Before // the old owners are not asked any more
		}
		p.looks = append(p.looks, node)
		p.ids = append(p.ids, object.NodeID(id))
		if object.NodeID(id) == p.opts.ID {
			p.self = i
		}
	}
	p.single = p.self == 0 && len(p.ids) == 1
}

// leads reports whether this node is on the preference list: it may coordinate.
func (p *Partition) leads() bool { return p.self >= 0 && p.self < p.lead }

// Cleared returns the cleared of a database, as stored.
func (p *Partition) Cleared(db uint8) object.Stamp { return p.cleared[db] }

// Leftover reports whether rows that the cleared of a database covers may still be stored.
func (p *Partition) Leftover(db uint8) bool { return p.leftover[db] }

// SetCleared takes over the row of a database that the driver has stored itself.
func (p *Partition) SetCleared(db uint8, cleared object.Stamp, leftover bool) {
	p.cleared[db], p.leftover[db] = cleared, leftover
}

// Batch returns the next batch's number, for one that the driver has stored itself: all batches of a partition are counted
// here, in the order in which the store took them. Never between a step and its Ready.
func (p *Partition) Batch() uint64 {
	p.applied++
	return p.applied
}

// Applied returns the number of the latest batch.
func (p *Partition) Applied() uint64 { return p.applied }

// Holds reports whether anything waits for a batch to be durable. While nothing does, a driver need not step Durable; once
// something does, it steps Durable with what is durable already, too.
func (p *Partition) Holds() bool { return p.held.len() > 0 }

// Stats returns what the partition has counted.
func (p *Partition) Stats() Stats {
	s := p.stats
	s.Operations = p.operations
	if len(p.apart) > 0 {
		s.Apart = 1
	}
	return s
}

// Busy reports whether operations, hints on their way home, or questions of a transfer are under way: whether it matters that a
// node was found dead.
func (p *Partition) Busy() bool {
	return p.ops.len() > 0 || len(p.replays) > 0 || p.transfer != nil && p.transfer.x != nil
}

// Quiet ends a step that asks for nothing and holds nothing back, as that of a read in a ring of one does; false when there
// is something to be done, and Ready says what. It looks at less memory than Ready, which for a thousand partitions counts.
func (p *Partition) Quiet() bool {
	if p.step.some || p.doing.req == nil || p.doing.req != p.doing.alone {
		return false
	}
	p.step, p.doing = step{}, doing{} // there is nothing to undo where a request ran alone and made no batch
	return true
}

// Ready ends the step. See the type.
func (p *Partition) Ready() *Ready {
	p.step.open = false
	return &p.ready
}

// Release lets go of what the last step and its Ready hold on to. A driver of many partitions calls it once it has done what
// Ready says: an idle partition would keep the last request and its rows alive. After a request of this node that ran alone
// there is little to look at.
func (p *Partition) Release() {
	if !p.step.kept {
		return
	}
	r := &p.ready
	if p.doing.req == nil || p.doing.req != p.doing.alone {
		empty(&r.Messages)
		empty(&r.Done)
		r.More = false
		p.bufs.release()
		p.states, p.refs = idle(p.states), idle(p.refs)
	}
	if r.Batch != 0 || len(r.Events) > 0 || p.doing.alone == nil {
		empty(&r.Writes)
		empty(&r.Counts)
		empty(&r.Clears)
		empty(&r.Hints)
		empty(&r.Events)
		r.Batch = 0
	}
	p.step, p.doing, p.undo = step{}, doing{}, undo{}
}

// idle empties a slice, and lets one go that has grown large.
func idle[T any](s []T) []T {
	if cap(s) > maxIdleKeys {
		return nil
	}
	clear(s[:cap(s)])
	return s[:0]
}

// maxIdleReady is for how many elements each slice of an idle Ready keeps room.
const maxIdleReady = 64

// empty keeps the room of a slice, if that is not much.
func empty[T any](s *[]T) {
	switch {
	case cap(*s) > maxIdleReady:
		*s = nil
	case len(*s) > 0:
		clear(*s)
		*s = (*s)[:0]
	}
}

// beginStep opens a step.
func (p *Partition) beginStep() {
	if p.step.open {
		panic("dynamo: a step before Ready of the one before")
	}
	p.Release()
	p.step.open, p.step.kept = true, true
}
