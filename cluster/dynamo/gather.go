package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// runRead coordinates an operation that writes nothing.
func (p *Partition) runRead(now Time, r *Request, reads *object.ReadSet, from source) {
	op := p.newOperation(r)
	op.reads, op.from = *reads, from
	if err := p.beginGather(now, op, r.ReadLevel); err != nil {
		p.recycle(op)
		p.refuse(r, err)
	}
}

// beginGather reads this node's rows and asks as many others as the level needs. When it needs none the operation goes on
// at once.
func (p *Partition) beginGather(now Time, op *operation, choice quorum.Choice) error {
	if op.from == fromHints || choice.Sloppy {
		p.joinFallbacks(op)
	}
	err := p.requireLook(op, choice)
	if err == nil {
		err = op.tally.Check()
	}
	if err != nil {
		return err
	}
	r := op.req
	if err := p.loadView(&r.exec, &r.steps, r.Slot, &op.reads, op.from); err != nil {
		return err
	}
	if op.from == fromHints && !op.write && !holdsSome(&r.exec.View) {
		// A fallback without a hint does not know that there is nothing.
		op.tally.Fail(op.self)
		if err := op.tally.Check(); err != nil {
			return err
		}
	}
	op.phase = gathering
	// A level that this node's own rows satisfy.
	probe := op.tally
	if probe.Ack(op.self) == quorum.Won {
		op.answered = 1 << op.self
		p.gathered(now, op)
		return nil
	}
	keys := r.exec.View.Keys
	op.digests = slices.Grow(op.digests[:0], len(op.nodes)*len(keys))[:len(op.nodes)*len(keys)]
	own := op.digests[op.self*len(keys):][:len(keys)]
	for i := range keys {
		own[i] = keys[i].Digest(p.secret)
	}
	op.answered = 1 << op.self
	if err := p.remember(); err != nil {
		return err
	}
	p.list(op)
	p.askReplicas(now, op, own)
	p.ownWhenDurable(now, held{op: op.id, phase: gathering})
	return nil
}

// holdsSome reports whether there is any row in the view.
func holdsSome(v *object.View) bool {
	for i := range v.Keys {
		if !v.Keys[i].Row.IsZero() || len(v.Keys[i].Elements) > 0 {
			return true
		}
	}
	return false
}

// expiredSince reports whether a key's expiry has passed since the replicas were asked, at a time that the clock has from their
// answers, or from the wait for them. Not enough others have heard of that time: what is seen expire now they could show
// again. Then the answer waits for a write-back, which brings it to them.
func (p *Partition) expiredSince(op *operation, k *object.KeyState) bool {
	at := k.Row.Expiry.At
	return at != 0 && op.read != nil && op.read.HLC.Millis() <= at && at < p.host.Now().Millis()
}

// remember lets the clock not fall behind what it says now: others are told of this time, and this node counts as one that
// knows it, also when its wall clock is set back.
func (p *Partition) remember() error {
	if err := p.host.Observe(p.host.Now()); err != nil {
		return ErrClockCeiling
	}
	return nil
}

// joinFallbacks adds the fallbacks to the operation's nodes. At a fallback that coordinates this node is the first.
func (p *Partition) joinFallbacks(op *operation) {
	if len(op.standIn) > 0 {
		return // joined before
	}
	p.addFallbacks(op)
	if op.from == fromHints {
		op.self = op.index(p.opts.ID)
	}
}

// askReplicas sends the Read to the nearest replicas that are enough with this node, now and then to all.
func (p *Partition) askReplicas(now Time, op *operation, own []uint64) {
	refs := op.reads.Keys
	m := newRead(len(refs))
	m.Header, m.Slot, m.Compare = p.header(op.id, op.budget(now)), op.slot, true
	for i := range refs {
		m.Keys[i] = wire.KeyRead{Ref: refs[i], Digest: own[i]}
	}
	for _, e := range op.reads.Elements {
		if k := &m.Keys[e.Key]; len(e.Sub) == 0 {
			k.Whole = true
		} else {
			k.Elements = append(k.Elements, e.Sub)
		}
	}
	op.read = m
	p.reads++
	all := p.reads >= p.limits.RepairOneIn
	if all {
		p.reads = 0
	}
	probe := op.tally
	probe.Ack(op.self)
	for i := range op.nodes {
		// In the order of the list from this node on, so that the load of reads spreads over the replicas.
		if op.self < p.lead && i < p.lead {
			i = (op.self + i) % p.lead
		}
		if i == op.self || op.tally.Failed(i) || !(all && p.looksAt(op, i)) && !probe.Needs(i) {
			continue
		}
		p.ask(op, i)
		probe.Ack(i)
	}
	op.askedAt, op.askedFirst = now, op.asked
	slow := p.host.ReadBegins()
	if p.unasked(op) != 0 {
		op.speculate = now + p.patience(slow)
		p.wake(op.speculate)
	}
}

// newRead makes a Read of some keys; the usual one key comes in one piece with it.
func newRead(keys int) *wire.Read {
	if keys != 1 {
		return &wire.Read{Keys: make([]wire.KeyRead, keys)}
	}
	one := new(struct {
		wire.Read
		keys [1]wire.KeyRead
	})
	one.Keys = one.keys[:]
	return &one.Read
}

// looksAt reports whether node i is a home replica that may be read, whether or not it counts.
func (p *Partition) looksAt(op *operation, i int) bool { return i < op.homes && p.looks[i].Of != 0 }

func (p *Partition) ask(op *operation, i int) {
	op.asked |= 1 << i
	m := op.read
	if i >= op.homes {
		hints := *m
		hints.Hints = true
		m = &hints
	}
	p.send(op.ids[i], m)
}

// unasked returns the live nodes that were not asked, a bit each.
func (p *Partition) unasked(op *operation) (nodes uint64) {
	for i := range op.nodes {
		if i != op.self && op.asked>>i&1 == 0 && !op.tally.Failed(i) && op.readable(i) {
			nodes |= 1 << i
		}
	}
	return nodes
}

// readable reports whether node i's rows count toward the level: those of a fallback at SLOPPY only, those of another
// datacenter not at the local levels.
func (op *operation) readable(i int) bool { return op.tally.Counts(i) }

// askRest asks the replicas that were left out: some were slow, failed, or differ.
func (p *Partition) askRest(op *operation) {
	op.speculate = 0
	rest := p.unasked(op)
	for i := range op.nodes {
		if rest>>i&1 != 0 {
			p.ask(op, i)
		}
	}
}

// ownWhenDurable counts this node's own rows once all that it has stored is durable.
func (p *Partition) ownWhenDurable(now Time, h held) {
	if p.applied > p.durable {
		p.hold(p.applied, h)
		return
	}
	p.ownRowsDurable(now, h.work())
}

// ownRowsDurable counts this node's own rows, as read or as stored, toward the level.
func (p *Partition) ownRowsDurable(now Time, h work) {
	op := p.find(h.op)
	if op == nil || op.phase != h.phase || op.attempt != h.attempt {
		return
	}
	switch op.phase {
	case gathering:
		p.looked(now, op, op.self)
	case awaiting:
		p.counted(now, op, op.ack(op.self))
	}
}

func (p *Partition) receiveReadReply(now Time, from object.NodeID, m *wire.ReadReply) {
	op := p.find(m.ID)
	if op == nil || op.read == nil || m.Asker != p.opts.Inc {
		return
	}
	i := op.index(from)
	if i < 0 || op.asked>>i&1 == 0 || op.answered>>i&1 != 0 {
		return
	}
	switch m.Status {
	case wire.StatusOK:
	case wire.StatusNotCopied:
		p.notCopied(now, op, i)
		return
	default:
		if !p.outdated(from, &m.Header, m.Status) {
			p.readFailed(now, op, i)
		}
		return
	}
	states, err := p.takeRows(op, i, m)
	if err != nil {
		p.event(Event{Kind: EventCorrupt, Peer: from, Ref: op.read.Keys[0].Ref, Err: err})
		p.readFailed(now, op, i)
		return
	}
	op.answered |= 1 << i
	if op.askedFirst>>i&1 != 0 {
		p.host.ReadTook(now - op.askedAt)
	}
	if op.phase != gathering {
		p.repairLate(op, i, states)
		return
	}
	if !p.looked(now, op, i) && states != nil {
		p.askRest(op)
	}
}

// looked counts the rows of node i as seen. It reports whether that was enough and the operation went on.
func (p *Partition) looked(now Time, op *operation, i int) bool {
	if op.tally.Ack(i) == quorum.Won {
		p.gathered(now, op)
		return true
	}
	p.confirm(now, op)
	return false
}

// readFailed counts a replica out while rows are being gathered.
func (p *Partition) readFailed(now Time, op *operation, i int) {
	if op.phase != gathering {
		return
	}
	verdict := op.tally.Fail(i)
	p.askRest(op)
	if verdict == quorum.Lost {
		p.refuse(op.req, &quorum.UnavailableError{Count: op.tally.Reachable()})
		p.forget(op)
	}
}

// takeRows takes over what a replica answered: how its keys digest, and while the rows are wanted what they hold. It returns
// the rows, nil when they are as this node's own were.
func (p *Partition) takeRows(op *operation, node int, m *wire.ReadReply) ([]object.KeyState, error) {
	k := len(op.read.Keys)
	own, its := op.digests[op.self*k:][:k], op.digests[node*k:][:k]
	same := func(i int) bool { return i/8 < len(m.Same) && m.Same[i/8]>>(i%8)&1 != 0 }
	all := true
	for i := range k {
		its[i] = own[i]
		all = all && same(i)
	}
	if all {
		return nil, nil
	}
	states, err := keyStates(nil, readSetOf(op.read).Keys, m.Rows)
	if err != nil {
		return nil, err
	}
	for i := range states {
		if !same(i) {
			its[i] = states[i].Digest(p.secret)
		}
	}
	if op.phase != gathering || slices.Equal(own, its) {
		return states, nil
	}
	if op.gathered == nil {
		op.gathered = make([]object.KeyState, k)
	}
	for i := range states {
		if _, err := op.gathered[i].Merge(&states[i]); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// gathered goes on once enough replicas have answered.
func (p *Partition) gathered(now Time, op *operation) {
	op.speculate = 0
	r := op.req
	straddles := slices.ContainsFunc(r.exec.View.Keys, func(k object.KeyState) bool { return p.expiredSince(op, &k) })
	if op.write || op.gathered != nil || straddles {
		p.execute(now, op)
		return
	}
	// All are as this node's own rows were.
	if _, err := p.evaluate(r, &op.reads); err != nil {
		p.drop(op, err)
		return
	}
	batch := p.applied
	if op.read != nil {
		batch = 0 // a quorum holds what it saw durably
	}
	p.answer(r, nil, batch)
	p.linger(op)
}

// drop answers with an error of an operation that stored nothing.
func (p *Partition) drop(op *operation, err error) {
	p.refuse(op.req, err)
	p.forget(op)
}
