package dynamo

import (
	"math"
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// phase says what an operation waits for.
type phase uint8

const (
	gathering phase = iota + 1 // replicas' rows, to evaluate on
	awaiting                   // acks, to answer
	passed                     // the answer of the node that runs it
	lingering                  // nothing: it was answered, but late replies tell whom to repair, and missing ones whom to keep hints for
)

// operation is a request under way with other nodes. It outlives its request: the client is answered when the level is
// met, the replicas that are missing then get a hint at the deadline.
//
//	             gather? ──> gathering ──Won──┐
//	Begin ──┤                                 ├─> evaluate, store, send ──> awaiting ──Won──> answer, lingering ──> gone
//	             blind ───────────────────────┘                               │  ^ └─Lost──> TIMEOUT, lingering
//	                                                                          └──┘ hidden: stamped again above what hides it
type operation struct {
	id     uint64
	req    *Request // nil once answered
	phase  phase
	listed bool
	write  bool
	from   source // where this node's own rows are: its data, or as a fallback its hints
	slot   object.Slot

	deadline  Time
	speculate Time // when to ask the replicas that were not asked; 0: never
	askedAt   Time // when replicas were asked first, and which

	askedFirst uint64
	overBudget bool // others were to be asked, and the budget was spent

	// The nodes that can answer: the home replicas in the order of the list, then fallbacks that stand in for dead ones.
	nodes   []quorum.Node
	looks   []quorum.Node // the same as a gather counts them, where that differs
	ids     []object.NodeID
	standIn []int // of node len(homes)+i: which home it stands in for
	homes   int
	self    int // this node among them, -1 when it has no part in it (any more)
	choice  quorum.Choice
	tally   quorum.Tally
	shown   quorum.Tally // while acks are counted: what the answer shows and did not write, at the level that it was read at
	both    bool         // shown counts too
	// shownChoice is the level of shown.
	shownChoice quorum.Choice
	asked       uint64 // bit by node: a request was sent

	// While gathering, and for what comes late:
	reads    object.ReadSet
	read     *wire.Read
	digests  []uint64          // by node, then by key: how each key digests there; valid where answered has the node's bit
	answered uint64            // bit by node: its rows are in gathered
	exempt   uint64            // bit by node: it said that it has not begun to copy the partition
	confirms bool              // what they say from now on counts
	gathered []object.KeyState // what the replicas answered, merged; nil while all are as this node's own

	// Once rows were sent:
	sent      *wire.Write
	attempt   uint8
	carried   uint8 // of the attempts, those that another ring made
	stamp     object.Stamp
	first     object.Stamp // of the first attempt
	ticks     int
	blind     bool
	basis     []object.NodeID // of a blind operation that saw another ring: the list whose acks say that nothing hides it
	covered   uint64          // bit by node: it holds the rows, or a hint is kept for it
	deposits  []deposit
	overtaken []uint64          // of a blind operation, by key: the later operation of this primary that wrote it; nil for none
	above     []object.KeyState // what hides a blind operation at replicas
	again     bool              // to be stamped again once a later operation is, at againAt
	againAt   Time
	expired   bool // the deadline has passed: only deposits are waited for
	fenced    bool // who it was passed on to is in a later epoch: it did not run
	passedIn  ring.Epoch
	tried     []object.NodeID // to whom it was passed on, the last is who may answer
	timely    bool            // what it saw depends on a time that those who answered have not heard of
	final     []uint64        // how each key of reads digests as answered
}

// deposit is a hint on its way to a fallback.
type deposit struct {
	home int // for whom
	node object.NodeID
	due  Time // then this node keeps the hint itself
}

// newOperation returns an operation with an id, not yet listed.
func (p *Partition) newOperation(r *Request) *operation {
	var op *operation
	if n := len(p.free); n > 0 {
		op = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		op = new(operation)
	}
	p.lastID++
	op.id, op.req, op.write, op.slot, op.deadline = p.lastID, r, r.Write, r.Slot, r.Deadline
	op.homes, op.self = len(p.homes), p.self
	op.nodes = append(op.nodes[:0], p.homes...)
	op.ids = append(op.ids[:0], p.ids...)
	return op
}

// list makes the operation findable. It is listed last: ids ascend.
func (p *Partition) list(op *operation) {
	if !op.listed {
		op.listed = true
		p.ops.add(op)
		p.wake(op.due())
	}
}

func (p *Partition) find(id uint64) *operation { return p.ops.find(id) }

// forget ends an operation.
func (p *Partition) forget(op *operation) {
	if op.listed {
		p.ops.remove(op.id)
		p.settled(op)
	}
	p.recycle(op)
}

const maxFree = 64

func (p *Partition) recycle(op *operation) {
	if len(p.free) == maxFree {
		return
	}
	clear(op.gathered)
	clear(op.deposits)
	*op = operation{
		nodes: op.nodes[:0], looks: op.looks[:0], ids: op.ids[:0], standIn: op.standIn[:0], digests: op.digests[:0], final: op.final[:0],
		deposits: op.deposits[:0], tried: op.tried[:0],
	}
	p.free = append(p.free, op)
}

// index returns which of the operation's nodes id is, -1 if none.
func (op *operation) index(id object.NodeID) int { return slices.Index(op.ids, id) }

// home returns for whom node i holds what is sent to it, itself or the home replica that it stands in for.
func (op *operation) home(i int) int {
	if i < op.homes {
		return i
	}
	return op.standIn[i-op.homes]
}

// require starts the tally for a level of who is to hold rows, with the nodes that are dead as failed.
func (p *Partition) require(op *operation, choice quorum.Choice, write bool) error {
	return p.requireOf(op, choice, write, op.nodes)
}

// requireLook is require for who is to be asked: while a partition moves and reads have left its old owners, not those.
func (p *Partition) requireLook(op *operation, choice quorum.Choice) error {
	nodes := op.nodes
	if p.ring.Stage() == ring.Reading {
		op.looks = append(op.looks[:0], nodes...)
		for i := range op.looks {
			op.looks[i].Of &= quorum.Before
		}
		nodes = op.looks
	}
	return p.requireOf(op, choice, false, nodes)
}

func (p *Partition) requireOf(op *operation, choice quorum.Choice, write bool, nodes []quorum.Node) error {
	op.choice = choice
	err := op.tally.Start(quorum.Requirement{Choice: choice, Write: write, Local: p.localDC(op.req), Nodes: nodes})
	if err != nil {
		return err
	}
	for i, id := range op.ids {
		if i != op.self && !p.host.Alive(id) {
			op.tally.Fail(i)
		}
	}
	if op.self < 0 || (op.self >= op.homes) != (op.from == fromHints) {
		panic("dynamo: an operation at a node that has no part in it")
	}
	return nil
}

// addFallbacks lets the next live nodes off the list stand in for the dead home replicas.
func (p *Partition) addFallbacks(op *operation) {
	if op.from == fromData && p.allAlive(op) {
		return // an iterator is large to make
	}
	it := p.ring.Fallbacks(p.number)
	for home := range op.homes {
		if home == p.self || p.host.Alive(op.ids[home]) && op.from == fromData {
			continue
		}
		// A fallback that coordinates is the first, whoever stands before it in the views of others.
		id, ok := p.opts.ID, true
		if op.from == fromData || len(op.standIn) > 0 {
			id, ok = p.nextFallback(&it, op)
		}
		if !ok {
			return
		}
		p.addFallback(op, id, home)
	}
}

// allAlive reports whether all home replicas are thought to be reachable.
func (p *Partition) allAlive(op *operation) bool {
	for i, id := range op.ids[:op.homes] {
		if i != op.self && !p.host.Alive(id) {
			return false
		}
	}
	return true
}

// addFallback lets a node off the list stand in for a home replica.
func (p *Partition) addFallback(op *operation, id object.NodeID, home int) {
	op.nodes = append(op.nodes, quorum.Node{DC: p.ring.DC(ring.NodeID(id)), Of: op.nodes[home].Of, Fallback: true})
	op.ids = append(op.ids, id)
	op.standIn = append(op.standIn, home)
}

// ack counts node i for what was sent, fail counts it out.
func (op *operation) ack(i int) quorum.Verdict { return op.verdict(op.tally.Ack(i), op.shown.Ack(i)) }

func (op *operation) fail(i int) quorum.Verdict {
	return op.verdict(op.tally.Fail(i), op.shown.Fail(i))
}

func (op *operation) verdict(written, shown quorum.Verdict) quorum.Verdict {
	switch {
	case !op.both || written == quorum.Lost:
		return written
	case shown == quorum.Won:
		return written
	}
	return shown
}

// acks returns how far the level that is furthest from being met is.
func (op *operation) acks() quorum.Count {
	if op.both && op.tally.Verdict() == quorum.Won {
		return op.shown.Acks()
	}
	return op.tally.Acks()
}

// last returns the reading of the operation's last stamp.
func (op *operation) last() object.HLC { return op.stamp.Tick(max(op.ticks, 1) - 1).HLC }

// budget returns how long the operation still has, in ms, at least 1.
func (op *operation) budget(now Time) uint32 {
	return uint32(min(math.MaxUint32, max(1, (op.deadline-now)/Millisecond)))
}
