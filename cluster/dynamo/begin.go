package dynamo

import (
	"errors"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// Begin starts a client's operation, or starts one again that ended with ErrClockCeiling. The core holds on to r until it is
// Finished.
func (p *Partition) Begin(now Time, r *Request) {
	p.beginStep()
	p.doing.req = r
	r.Finished, r.Err, r.Seq = false, nil, 0
	p.begin(now, r)
}

func (p *Partition) begin(now Time, r *Request) {
	p.operations++
	if p.overloaded() {
		p.stats.Overloaded++
		p.answer(r, ErrOverloaded, 0)
		return
	}
	reads := r.Op.Reads()
	if p.single {
		p.runAlone(r, &reads)
		return
	}
	if !r.Write && p.leads() {
		p.runRead(now, r, &reads, fromData)
		return
	}
	first := p.coordinator(r)
	switch {
	case r.Write && p.leads() && (first == p.self || r.from.node != 0):
		p.runWrite(now, r, &reads, fromData)
	case first >= 0 && r.from.node == 0:
		p.pass(now, r, p.ids[first])
	case first >= 0 && r.Write && p.self < 0 && reads.Blind && takesFallbacks(r) && reads.Flush == 0:
		// The peer hears no home replica. This node does, and keeps hints for the others.
		p.runWrite(now, r, &reads, fromHints)
	case first >= 0:
		// A peer took this node for one that coordinates, or it was one when this was passed on. Were it passed on again, two
		// nodes with different views could play ball with it.
		p.refuse(r, errMoved)
	default:
		p.beginWithoutHomes(now, r, &reads)
	}
}

// overloaded reports whether too many clients wait, or too many operations linger for replicas that are silent.
func (p *Partition) overloaded() bool {
	if n := p.ops.len(); n == 0 || n < p.limits.InFlight {
		return false
	}
	waiting := 0
	for _, e := range p.ops.entries {
		if e.op != nil && e.op.req != nil {
			waiting++
		}
	}
	return waiting >= p.limits.InFlight || p.ops.len() >= maxLingering*p.limits.InFlight
}

// maxLingering is how many operations there may be, answered ones among them, for each that may wait.
const maxLingering = 8

// coordinator returns which home replica is to run an operation, -1 when none is alive: of a write the primary, but at the local
// levels the first in the client's datacenter, so that nobody waits for another one; of a read the first in this node's.
func (p *Partition) coordinator(r *Request) int {
	dc := p.opts.DC
	if r.Write {
		if l := r.WriteLevel.Level; l != quorum.LocalOne && l != quorum.LocalQuorum {
			dc = ""
		} else {
			dc = p.localDC(r)
		}
	}
	if dc != "" {
		for i, id := range p.ids[:p.lead] {
			if p.homes[i].DC == dc && (i == p.self || p.host.Alive(id)) {
				return i
			}
		}
	}
	for i, id := range p.ids[:p.lead] {
		if i == p.self || p.host.Alive(id) {
			return i
		}
	}
	return -1
}

// takesFallbacks reports whether a write may be answered when only fallbacks have it.
func takesFallbacks(r *Request) bool { return r.WriteLevel.Sloppy || r.WriteLevel.Level == quorum.Any }

// beginWithoutHomes is for when no home replica is alive: the first live fallback takes blind writes at ANY or SLOPPY, and
// answers SLOPPY reads from its hints. All else needs a home replica.
func (p *Partition) beginWithoutHomes(now Time, r *Request, reads *object.ReadSet) {
	allowed := r.ReadLevel.Sloppy
	if r.Write {
		allowed = reads.Blind && reads.Flush == 0 && takesFallbacks(r)
	}
	if !allowed || p.self >= 0 && r.from.node != 0 {
		p.unavailable(r)
		return
	}
	it := p.ring.Fallbacks(p.number)
	id, ok := p.nextFallback(&it, nil)
	if r.from.node != 0 {
		id, ok = p.opts.ID, true // for the one who passed it on this node is the first
	}
	switch {
	case !ok:
		p.unavailable(r)
	case id == p.opts.ID && r.Write:
		p.runWrite(now, r, reads, fromHints)
	case id == p.opts.ID:
		p.runRead(now, r, reads, fromHints)
	default:
		p.pass(now, r, id)
	}
}

// nextFallback returns the next live node off the list that has no part in op yet; with op nil this node is one too.
func (p *Partition) nextFallback(it *ring.FallbackIter, op *operation) (object.NodeID, bool) {
	for {
		next, ok := it.Next()
		if !ok {
			return 0, false
		}
		id := object.NodeID(next)
		switch {
		case id == p.opts.ID:
			if op == nil || op.from == fromHints && op.index(id) < 0 {
				return id, true
			}
		case p.host.Alive(id) && (op == nil || op.index(id) < 0):
			return id, true
		}
	}
}

// unavailable answers that too few nodes are alive. Nothing was stored.
func (p *Partition) unavailable(r *Request) {
	choice, nodes := r.ReadLevel, p.looks
	if r.Write {
		choice, nodes = r.WriteLevel, p.homes
	}
	var t quorum.Tally
	err := t.Start(quorum.Requirement{Choice: choice, Write: r.Write, Local: p.localDC(r), Nodes: nodes})
	for i := range p.homes {
		if i != p.self && !p.host.Alive(p.ids[i]) {
			t.Fail(i)
		}
	}
	if err == nil {
		err = &quorum.UnavailableError{Count: t.Reachable()}
	}
	p.refuse(r, err)
}

// refuse answers with an error of an operation of which nothing was stored.
func (p *Partition) refuse(r *Request, err error) {
	var unavailable *quorum.UnavailableError
	if errors.As(err, &unavailable) {
		p.stats.Unavailable++
	}
	p.answer(r, err, 0)
}

// runAlone runs an operation of a partition that has one home replica, this node.
func (p *Partition) runAlone(r *Request, reads *object.ReadSet) {
	choice := r.ReadLevel
	if r.Write {
		choice = r.WriteLevel
	}
	if choice.Level > quorum.One && choice.Level < quorum.Any || choice.Level > quorum.All {
		// Ones that may ask for more than there is.
		var t quorum.Tally
		if err := t.Start(quorum.Requirement{Choice: choice, Write: r.Write, Local: p.localDC(r), Nodes: p.homes}); err != nil {
			p.refuse(r, err)
			return
		}
	}
	p.doing.alone = r
	s := &r.steps
	s.readOnly = !r.Write
	err := p.loadView(&r.exec, s, r.Slot, reads, fromData)
	s.readOnly = false
	if err != nil {
		p.refuse(r, err)
		return
	}
	stamp, err := p.evaluate(r, reads)
	if err != nil {
		p.refuse(r, err)
		return
	}
	if stamp.Node != 0 {
		buf := s.out[:0]
		g := object.HLC(0)
		if p.alone {
			g = stamp.HLC + object.HLC(max(reads.Ticks, 1)-1) // all the replicas there are have seen this
		}
		for i := range reads.Keys {
			buf = p.putKey(keyWrite{r.Slot, reads.Keys[i], &r.exec.View.Keys[i], s.before[i], s.had[i]}, buf, g)
		}
		s.out = buf
		for db := range reads.Flush.All() {
			p.putDatabase(db, stamp)
		}
	}
	p.answer(r, nil, p.applied)
}

// evaluate runs the operation on the view of its request. Of one that writes it returns the stamp, which has a node only if
// anything changed.
func (p *Partition) evaluate(r *Request, reads *object.ReadSet) (object.Stamp, error) {
	if !r.Write {
		r.exec.Step(r.Op, object.Stamp{HLC: p.host.Now()}, p.host.Random())
		return object.Stamp{}, nil
	}
	hlc, ok := p.host.Tick(r.exec.latest(), max(reads.Ticks, 1))
	if !ok {
		return object.Stamp{}, ErrClockCeiling
	}
	stamp := object.Stamp{HLC: hlc, Node: p.opts.ID, Inc: p.opts.Inc}
	if !r.exec.Step(r.Op, stamp, p.host.Random()) && reads.Flush == 0 {
		return object.Stamp{}, nil
	}
	return stamp, nil
}

// answer finishes a request: with err, or with the reply that it holds once batch is durable.
func (p *Partition) answer(r *Request, err error, batch uint64) {
	r.Err = err
	switch {
	case p.doing.req == r:
		r.Finished, r.Seq = true, batch
	case r.from.node != 0:
		p.release(batch, held{message: p.passReply(r)})
	default:
		p.release(batch, held{request: r})
	}
}

// release lets h out once batch is durable: at once, or when Durable says so.
func (p *Partition) release(batch uint64, h held) {
	if batch > p.durable {
		p.hold(batch, h)
		return
	}
	p.letOut(h)
}

// hold keeps h back until batch is durable.
func (p *Partition) hold(batch uint64, h held) {
	h.batch = batch
	p.step.some = true
	p.held.push(h)
}

func (p *Partition) letOut(h held) {
	if h.message.Message != nil {
		p.send(h.message.To, h.message.Message)
	}
	if h.copied != nil {
		p.copiedDurably(h.copied)
	}
	if h.request != nil {
		h.request.Finished = true
		p.step.some = true
		p.ready.Done = append(p.ready.Done, h.request)
	}
}
