package dynamo

import (
	"errors"
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// passedBy is who passed an operation on; node 0 for nobody.
type passedBy struct {
	node   object.NodeID
	header wire.Header
}

// localDC returns the datacenter that LOCAL_ONE and LOCAL_QUORUM count in: that of the node whose client it is.
func (p *Partition) localDC(r *Request) string {
	if r == nil || r.from.node == 0 || p.opts.DC == "" {
		return p.opts.DC
	}
	return p.ring.DC(ring.NodeID(r.from.node))
}

// pass hands an operation to the node that is to run it.
func (p *Partition) pass(now Time, r *Request, to object.NodeID) {
	if _, ok := r.Op.(PassedOp); !ok {
		p.refuse(r, ErrNotPassable)
		return
	}
	p.stats.Passed++
	op := p.newOperation(r)
	op.phase, op.self = passed, -1
	p.list(op)
	p.passTo(now, op, to)
}

func (p *Partition) passTo(now Time, op *operation, to object.NodeID) {
	r := op.req
	op.tried, op.passedIn = append(op.tried, to), p.ring.Epoch()
	p.send(to, &wire.Pass{
		Header: p.header(op.id, op.budget(now)), Slot: r.Slot, Write: r.Write,
		ReadLevel: uint8(r.ReadLevel.Level), WriteLevel: uint8(r.WriteLevel.Level),
		Sloppy: sloppyBits(r), Body: r.Op.(PassedOp).AppendBody(nil),
	})
}

// errMoved is what a peer is told that passed an operation on to a node which does not coordinate: nothing was done.
var errMoved = errors.New("dynamo: this node does not coordinate the partition")

const (
	sloppyRead = 1 << iota
	sloppyWrite
)

func sloppyBits(r *Request) (bits uint8) {
	if r.ReadLevel.Sloppy {
		bits |= sloppyRead
	}
	if r.WriteLevel.Sloppy {
		bits |= sloppyWrite
	}
	return bits
}

// receivePass runs an operation for a peer.
func (p *Partition) receivePass(now Time, from object.NodeID, m *wire.Pass) {
	op, err := p.host.Parse(m.Slot, m.Body)
	if err != nil {
		p.send(from, &wire.PassReply{Header: p.reply(&m.Header), Status: wire.StatusError, Body: []byte(err.Error())})
		return
	}
	p.begin(now, &Request{
		Op: op, Slot: m.Slot, Write: m.Write,
		ReadLevel:  quorum.Choice{Level: quorum.Level(m.ReadLevel), Sloppy: m.Sloppy&sloppyRead != 0},
		WriteLevel: quorum.Choice{Level: quorum.Level(m.WriteLevel), Sloppy: m.Sloppy&sloppyWrite != 0},
		Deadline:   now + Time(m.Budget)*Millisecond,
		from:       passedBy{node: from, header: m.Header},
	})
}

// passReply puts what became of a request into words for the node that passed it on.
func (p *Partition) passReply(r *Request) Envelope {
	m := &wire.PassReply{Header: p.reply(&r.from.header)}
	var unavailable *quorum.UnavailableError
	var timeout *TimeoutError
	var level *quorum.LevelError
	switch err := r.Err; {
	case err == nil:
		m.Body = r.Op.(PassedOp).AppendReply(nil)
	case errors.As(err, &unavailable):
		m.Status, m.Count = wire.StatusUnavailable, wireCount(unavailable.Count)
	case errors.Is(err, errMoved):
		m.Status = wire.StatusEpoch
	case errors.As(err, &timeout):
		m.Status, m.Count = wire.StatusTimeout, wireCount(timeout.Acks)
	case errors.Is(err, ErrOverloaded), errors.Is(err, ErrClockCeiling):
		// Nothing was stored: it may be sent again.
		m.Status = wire.StatusOverloaded
	case errors.As(err, &level):
		m.Status, m.Body = wire.StatusLevel, errorWords(r.Op, err)
		m.Count = wire.Count{Need: uint8(level.Need), Have: uint8(level.Have), DC: level.DC}
	default:
		m.Status, m.Body = wire.StatusError, errorWords(r.Op, err)
	}
	return Envelope{To: r.from.node, Message: m}
}

// errorWords puts an error into the operation's own words, where it has any.
func errorWords(op Op, err error) []byte {
	if own, ok := op.(ErrorWriter); ok {
		return own.AppendError(nil, err)
	}
	return []byte(err.Error())
}

func wireCount(c quorum.Count) wire.Count {
	return wire.Count{Have: uint8(c.Have), Need: uint8(c.Need), Of: uint8(c.Of), DC: c.DC}
}

func count(c wire.Count) quorum.Count {
	return quorum.Count{Have: int(c.Have), Need: int(c.Need), Of: int(c.Of), DC: c.DC}
}

// receivePassReply answers the client of an operation that ran elsewhere.
func (p *Partition) receivePassReply(now Time, from object.NodeID, m *wire.PassReply) {
	op := p.find(m.ID)
	if op == nil || op.phase != passed || m.Asker != p.opts.Inc || !slices.Contains(op.tried, from) {
		return
	}
	if p.outdated(from, &m.Header, m.Status) {
		op.fenced = true
		return
	}
	r := op.req
	var err error
	switch m.Status {
	case wire.StatusOK:
		r.Op.(PassedOp).TakeReply(m.Body)
	case wire.StatusUnavailable:
		err = &quorum.UnavailableError{Count: count(m.Count)}
	case wire.StatusOverloaded:
		err = ErrOverloaded
	case wire.StatusTimeout:
		err = &TimeoutError{Acks: count(m.Count)}
	case wire.StatusEpoch, wire.StatusNotHome, wire.StatusDrift, wire.StatusUnable:
		// It was not run there.
		if m.Status == wire.StatusEpoch && op.passedIn < p.ring.Epoch() {
			p.beginAgain(now, op)
			return
		}
		// To this node the one that should have is as good as unreachable.
		p.forgetPassed(op)
		p.unavailable(r)
		return
	default:
		err = &RemoteError{Text: string(m.Body)}
	}
	p.forgetPassed(op)
	p.answer(r, err, 0)
}

func (p *Partition) forgetPassed(op *operation) {
	op.req = nil
	p.forget(op)
}

// passLost is for an operation whose node was found dead before it answered. A read goes to another; of a write nobody knows
// whether it ran.
func (p *Partition) passLost(now Time, op *operation) {
	r := op.req
	if r.Write {
		p.stats.Timeouts++
		p.stats.Lost++
		p.forgetPassed(op)
		p.answer(r, &TimeoutError{Acks: quorum.Count{Need: 1, Of: len(p.homes)}}, 0)
		return
	}
	for i, id := range p.ids[:p.lead] {
		if i != p.self && p.host.Alive(id) && !slices.Contains(op.tried, id) {
			p.passTo(now, op, id)
			return
		}
	}
	p.forgetPassed(op)
	p.unavailable(r)
}
