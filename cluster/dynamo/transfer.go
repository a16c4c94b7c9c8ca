package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// TransferRole is what a node has to do for a partition that moves.
type TransferRole uint8

// The roles.
const (
	TransferNone  TransferRole = iota
	TransferCopy               // a new owner copies from the old ones
	TransferClear              // who is no owner hands over what it has, then deletes it
)

// String names the role as operators read it.
func (r TransferRole) String() string {
	return [...]string{TransferNone: "none", TransferCopy: "copy", TransferClear: "clear"}[r]
}

// TransferStatus is how far a node is with what it takes over or hands over of a partition.
type TransferStatus struct {
	Role TransferRole
	// Done: a copy is complete, and durable. It stays so as long as the partition's lists and stage do. (What is to be cleared
	// has no role any more once it is.)
	Done bool
	// Busy: it waits for an answer, for the disk, for a node that is alive, or for a pause to end. Until some later step of the
	// partition Move has nothing to do.
	Busy bool
	// Sources of Needed old owners have been copied from; where majorities go by datacenter it may take more.
	Sources, Needed int
	// Rows and Bytes were taken in, or handed over and let go, since the role began: Move is paced by how Bytes grows.
	Rows, Bytes uint64
	// LeavesLeft is how many leaves of the hash tree, of those that differ, are still to be gone through in the exchange under way.
	LeavesLeft int
}

// transfer is what this node takes over of the partition, or hands over.
type transfer struct {
	role    TransferRole
	begun   bool // to copy: something was asked, or may have been before the node started
	done    bool
	does    mover
	x       *exchange       // with whom rows are being compared, if with anybody
	last    object.NodeID   // whom it was given up with: others are tried first
	settles bool            // what was taken over is not durable yet
	sources []object.NodeID // have been copied from
	paused  Time            // nothing is begun before; 0: not
	rows    uint64
	bytes   uint64
	deletes bool // when clearing: the owners have all of it
}

// mover is what a transfer does with what an exchange finds.
type mover interface {
	// wants reports whether a leaf that differs is of interest.
	wants(*merkle.Difference) bool
	// waits reports whether no page may be asked for until what is under way was answered.
	waits(*exchange) bool
	// page asks for the next page of a piece.
	page(*Partition, Time, *transfer, piece)
	// took takes the answer to what page asked.
	took(*Partition, Time, *transfer, *ask, *wire.Fetched)
}

// beginTransfer finds out what this node has to do in the ring of now. live says that the node has been running since before
// it: then it knows that it has not begun to copy.
func (p *Partition) beginTransfer(live bool) {
	p.transfer = nil
	p.compares = nil
	switch {
	case slices.Contains(p.ring.Copiers(p.number), ring.NodeID(p.opts.ID)):
		p.transfer = &transfer{role: TransferCopy, begun: !live, does: copying{}}
	case p.self < 0:
		// Where that cannot be found out it comes to light as it is done.
		if some, err := p.storesSome(); some || err != nil {
			p.transfer = &transfer{role: TransferClear, does: &clearing{}}
		}
	}
}

// storesSome reports whether this node stores any row of the partition.
func (p *Partition) storesSome() (some bool, err error) {
	lo, hi := p.bounds()
	err = p.host.Scan(lo, hi, func([]byte, []byte) bool {
		some = true
		return false
	})
	return some, err
}

// awaitsCopy reports whether this node is on the new list only and has not begun to copy.
func (p *Partition) awaitsCopy() bool {
	t := p.transfer
	return t != nil && t.role == TransferCopy && !t.begun && !p.leads()
}

// Transfer returns what there is to be moved. A driver asks after NewPartition and SwitchRing, and around each Move.
func (p *Partition) Transfer() TransferStatus {
	t := p.transfer
	if t == nil {
		return TransferStatus{}
	}
	s := TransferStatus{Role: t.role, Done: t.done, Rows: t.rows, Bytes: t.bytes, Busy: t.settles || t.paused != 0}
	if t.role == TransferCopy {
		s.Sources, s.Needed = len(t.sources), p.sourcesNeeded()
	}
	if x := t.x; x != nil {
		s.LeavesLeft = len(x.leaves)
		more := !x.scan.done || !x.walks || !x.walk.Ended() && len(x.asks) == 0 ||
			x.walk.Ended() && len(x.asks) < maxAsks && len(x.leaves)+len(x.pieces) > 0 && !t.does.waits(x) || len(x.asks) == 0
		s.Busy = s.Busy || !more
	}
	return s
}

// sourcesNeeded returns of how many others a copy is made at least.
func (p *Partition) sourcesNeeded() int {
	list := p.ring.PreferenceList(p.number)
	n := len(list)/2 + 1
	if slices.Contains(list, ring.NodeID(p.opts.ID)) {
		n--
	}
	return n
}

// Move is the step that goes on with a copy or with clearing, by a bounded piece of work: a few hundred rows are scanned, or a
// question is sent. It does nothing when there is nothing to do.
func (p *Partition) Move(now Time) {
	p.beginStep()
	t := p.transfer
	if t == nil || t.done || t.settles || t.paused != 0 {
		return
	}
	switch {
	case t.deletes:
		p.deleteSome(now, t)
	case t.x != nil:
		if p.goOn(now, t) {
			p.exchanged(now, t)
		}
	case t.role == TransferCopy:
		p.copyFromNext(now, t)
	default:
		p.clearWithNext(now, t)
	}
}

// exchanged is for the end of an exchange: all that differed was gone through.
func (p *Partition) exchanged(now Time, t *transfer) {
	if t.role == TransferClear {
		p.offered(now, t)
		return
	}
	t.settles = true
	if p.applied > p.durable {
		p.hold(p.applied, held{copied: t})
		return
	}
	p.copiedDurably(t)
}

// begin begins an exchange with a peer.
func (t *transfer) begin(peer object.NodeID) { t.x = &exchange{peer: peer} }

// choose returns which of the candidates to turn to next: the first that is alive, but rather not the one that failed last.
func (p *Partition) choose(t *transfer, candidates []ring.NodeID, fit func(object.NodeID) bool) (object.NodeID, bool) {
	var again object.NodeID
	for _, c := range candidates {
		id := object.NodeID(c)
		switch {
		case id == p.opts.ID || !fit(id) || !p.host.Alive(id):
		case id == t.last:
			again = id
		default:
			return id, true
		}
	}
	return again, again != 0
}

// transferLost is for a peer that was found dead.
func (p *Partition) transferLost(now Time, node object.NodeID) {
	if t := p.transfer; t != nil && t.x != nil && t.x.peer == node && !t.settles {
		p.giveUp(now, t)
	}
}

// moveRefused is for a batch of a transfer that the store refused: there will be room again, or not.
func (p *Partition) moveRefused() {
	m := p.undo.move
	t := m.t
	t.rows, t.bytes = t.rows-m.rows, t.bytes-m.bytes
	p.stats.MovedIn, p.stats.MovedBytesIn = p.stats.MovedIn-m.in, p.stats.MovedBytesIn-m.inBytes
	if t.x != nil {
		p.giveUp(m.now, t)
		return
	}
	p.pauseMove(m.now, t)
}

// moved is what a step of a transfer counted, to be taken back if its batch is refused.
type moved struct {
	t           *transfer
	now         Time
	rows, bytes uint64
	in, inBytes uint64
}
