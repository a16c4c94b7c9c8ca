package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// runWrite coordinates an operation that may write, at the primary.
func (p *Partition) runWrite(now Time, r *Request, reads *object.ReadSet, from source) {
	op := p.newOperation(r)
	op.reads, op.from, op.blind = *reads, from, reads.Blind
	if err := p.beginWrite(now, op); err != nil {
		p.recycle(op)
		p.refuse(r, err)
	}
}

// beginWrite makes sure that enough nodes are alive, and gathers what the operation looks at. The error says that nothing was
// stored and that the operation is not under way.
func (p *Partition) beginWrite(now Time, op *operation) error {
	r := op.req
	p.joinFallbacks(op)
	if err := p.requireNow(op, r.WriteLevel, true); err != nil {
		return err
	}
	if op.from == fromHints && !p.host.HintRoom() {
		return p.hintsFull(op)
	}
	if op.blind {
		if err := p.loadView(&r.exec, &r.steps, r.Slot, &op.reads, op.from); err != nil {
			return err
		}
		p.execute(now, op)
		return nil
	}
	return p.beginGather(now, op, gatherLevel(r, p.least))
}

// gatherLevel is at which level an operation looks before it writes: a write that a quorum acks must have seen what one
// acked before.
func gatherLevel(r *Request, homes int) quorum.Choice {
	sloppier := r.ReadLevel.Sloppy && !r.WriteLevel.Sloppy
	if r.WriteLevel.Level.Majority(homes) && (sloppier || !r.ReadLevel.Level.Majority(homes)) {
		return quorum.Choice{Level: quorum.Quorum, Sloppy: r.WriteLevel.Sloppy}
	}
	return r.ReadLevel
}

// execute evaluates the operation on this node's rows of this instant and what was gathered, stores what changes, sends whole
// rows to all home replicas, and answers once the level is met. All of it is one step: nothing comes in between.
func (p *Partition) execute(now Time, op *operation) {
	r := op.req
	p.undo.op = op
	if op.gathered != nil {
		p.stats.Differing++
	}
	if op.read != nil {
		if err := p.reload(op); err != nil {
			p.drop(op, err)
			return
		}
	}
	var shown []bool
	if op.read != nil && len(p.blind) > 0 {
		shown = p.shows(r.exec.View.Keys)
	}
	stamp, err := p.evaluate(r, &op.reads)
	if err != nil {
		p.drop(op, err)
		return
	}
	wrote := stamp.Node != 0
	op.stamp, op.first, op.ticks = stamp, stamp, max(op.reads.Ticks, 1)
	send := p.unconfirmed(op, r.exec.View.Keys)
	if !slices.Contains(send, true) && op.reads.Flush == 0 {
		batch := p.applied
		if op.read != nil {
			batch = 0 // a quorum holds what it saw durably
		}
		if op.gathered != nil {
			p.storeView(op, r.exec.View.Keys, send) // others know more than this node
		}
		p.answer(r, nil, batch)
		p.linger(op)
		return
	}
	if err := sendable(r.exec.View.Keys); err != nil {
		p.drop(op, err)
		return
	}
	if !wrote {
		if err := p.remember(); err != nil {
			p.drop(op, err)
			return
		}
	}
	choice, reason := r.WriteLevel, wire.ReasonClient
	switch {
	case !wrote:
		p.stats.WriteBacks++
		choice, reason, op.blind = op.choice, wire.ReasonWriteBack, false
	case op.choice != r.WriteLevel && p.showsMore(op, send):
		if err := op.shown.Start(quorum.Requirement{Choice: op.choice, Local: p.localDC(r), Nodes: op.nodes}); err != nil {
			p.drop(op, err)
			return
		}
		op.both, op.shownChoice = true, op.choice
	}
	if !wrote || !op.blind {
		// The tally has counted the gather, and nodes may have died since.
		if err := p.requireNow(op, choice, wrote); err != nil {
			p.drop(op, err)
			return
		}
	}
	if wrote {
		p.overtake(op, shown)
		if op.blind {
			p.blind = append(p.blind, op)
		}
	}
	rows := p.storeView(op, r.exec.View.Keys, send)
	p.list(op)
	op.phase = awaiting
	p.sendRows(now, op, reason, rows, send)
}

// sendable reports rows that no message can carry: they would be stored here and nowhere else.
func sendable(keys []object.KeyState) error {
	size, n := 0, 0
	for i := range keys {
		n += 1 + len(keys[i].Elements)
		size += keys[i].Row.EncodedLen()
		for j := range keys[i].Elements {
			size += keys[i].Elements[j].Row.EncodedLen()
		}
	}
	if size > maxSendBytes || n > wire.MaxRows/2 {
		return ErrTooLarge
	}
	return nil
}

// maxSendBytes leaves room in a frame for keys, and for the rows of databases.
const maxSendBytes = wire.MaxFrame / 2

// showsMore reports whether the answer may show rows that were not written and that are not known to be on as many replicas as
// they were read from.
func (p *Partition) showsMore(op *operation, send []bool) bool {
	if op.read == nil {
		return false
	}
	for i := range send {
		if send[i] && !op.req.exec.wrote(i) {
			return true
		}
	}
	return false
}

// requireNow starts the tally for a level and makes sure that enough nodes are alive.
func (p *Partition) requireNow(op *operation, choice quorum.Choice, write bool) error {
	if err := p.require(op, choice, write); err != nil {
		return err
	}
	return op.tally.Check()
}

// reload reads this node's rows of this instant, in place of those that were compared, and merges what was gathered.
func (p *Partition) reload(op *operation) error {
	r := op.req
	if err := p.loadView(&r.exec, &r.steps, r.Slot, &op.reads, op.from); err != nil {
		return err
	}
	for i := range op.gathered {
		lost, err := r.exec.View.Keys[i].Merge(&op.gathered[i])
		if err != nil {
			p.event(Event{Kind: EventCorrupt, Ref: op.reads.Keys[i], Err: err})
			return err
		}
		p.conflict(lost, op.reads.Keys[i])
	}
	return nil
}

// unconfirmed says of each key whether it must be sent: it changed, or what the operation saw of it is not known to be held
// by as many replicas as its level reads.
func (p *Partition) unconfirmed(op *operation, keys []object.KeyState) []bool {
	send := make([]bool, len(keys))
	if op.read == nil {
		for i := range keys {
			send[i] = changed(&keys[i])
		}
		return send
	}
	op.final = op.final[:0]
	for i := range keys {
		if p.expiredSince(op, &keys[i]) {
			send[i], op.timely = true, true
		}
		op.final = append(op.final, keys[i].Digest(p.secret))
	}
	own := op.digests[op.self*len(keys):][:len(keys)]
	for i, d := range op.final {
		if op.gathered == nil && d == own[i] || send[i] {
			continue
		}
		probe := op.tally
		probe.Restart()
		verdict := quorum.Pending
		for n := range op.nodes {
			if op.tally.Acked(n) && (op.exempt>>n&1 != 0 || op.digests[n*len(keys)+i] == d) {
				verdict = probe.Ack(n)
			}
		}
		send[i] = send[i] || verdict != quorum.Won
	}
	return send
}

func changed(k *object.KeyState) bool {
	if k.Dirty() {
		return true
	}
	for i := range k.Elements {
		if k.Elements[i].Dirty() {
			return true
		}
	}
	return false
}

// storeView adds to the batch what changed in the view, and returns the rows to send.
func (p *Partition) storeView(op *operation, keys []object.KeyState, send []bool) []wire.Row {
	r := op.req
	size, n := 0, 0
	for i := range keys {
		if send[i] || keys[i].Dirty() {
			size += object.RowKeyLen(op.reads.Keys[i]) + keys[i].Row.EncodedLen()
			n += 1 + len(keys[i].Elements)
		}
	}
	// Both the store and the messages have the rows in buf.
	buf := make([]byte, 0, size)
	rows := make([]wire.Row, 0, n)
	for i := range keys {
		k, ref := &keys[i], op.reads.Keys[i]
		var stored []byte
		if op.from == fromData {
			p.putDatabase(ref.DB, k.Database)
			at := len(p.ready.Writes)
			buf = p.putKey(keyWrite{op.slot, ref, k, r.steps.before[i], r.steps.had[i]}, buf, 0)
			if k.Dirty() && k.Row.LocalFree() {
				stored = p.ready.Writes[at].Row
			}
		}
		if !send[i] {
			continue
		}
		rows = appendKeyRows(rows, ref, k, stored)
		if op.read != nil || op.above != nil {
			rows = appendDatabaseRow(rows, ref.DB, k.Database)
		}
	}
	for db := range op.reads.Flush.All() {
		p.putDatabase(db, op.stamp)
		rows = appendDatabaseRow(rows, db, op.stamp)
	}
	if op.from == fromHints {
		p.keepCounted(op, rows)
	}
	return rows
}

// sendRows sends rows to every home replica, or to who keeps hints for it, and begins to count the acks.
func (p *Partition) sendRows(now Time, op *operation, reason wire.Reason, rows []wire.Row, send []bool) {
	m := &wire.Write{
		Header: p.header(op.id, op.budget(now)), Slot: op.slot, Reason: reason, Attempt: op.attempt,
		Tell:  reason == wire.ReasonClient && op.choice.Level.Majority(p.least),
		Stamp: op.stamp, Last: op.last(), Rows: rows,
	}
	if op.overtaken != nil {
		// Some of the rows are of later operations: they must show as well.
		m.Stamp = op.first
	}
	op.sent, op.again = m, false
	op.covered = 1 << op.home(op.self)
	if op.from == fromHints {
		op.covered = 1<<op.homes - 1
	}
	op.deposits = op.deposits[:0]
	client := reason == wire.ReasonClient
	verdict := quorum.Pending
	for i := range op.nodes {
		switch {
		case i == op.self:
			continue
		case i >= op.homes:
			if client || op.choice.Sloppy {
				p.deposit(now, op, op.standIn[i-op.homes], op.ids[i])
			}
		case !client && p.holds(op, i, send):
			op.covered |= 1 << i
			verdict = op.ack(i)
		case op.tally.Failed(i):
			if client && op.covered>>i&1 == 0 && !op.standsIn(i) {
				p.keepHints(op, i)
			}
		default:
			p.send(op.ids[i], m)
		}
	}
	if verdict == quorum.Won {
		p.counted(now, op, verdict)
		return
	}
	p.ownWhenDurable(now, held{op: op.id, phase: awaiting, attempt: op.attempt})
}

// holds reports whether node i answered with rows that digest as the answer does, of all keys that are sent.
func (p *Partition) holds(op *operation, i int, send []bool) bool {
	if op.answered>>i&1 == 0 || op.exempt>>i&1 != 0 || op.timely {
		return false
	}
	k := len(op.final)
	for j, d := range op.final {
		if send[j] && op.digests[i*k+j] != d {
			return false
		}
	}
	return true
}

// standsIn reports whether a fallback stands in for home i.
func (op *operation) standsIn(i int) bool { return slices.Contains(op.standIn, i) }

// counted goes on after an ack or a failure of an operation whose rows were sent.
func (p *Partition) counted(now Time, op *operation, verdict quorum.Verdict) {
	if op.req != nil {
		switch verdict {
		case quorum.Won:
			p.answer(op.req, nil, 0)
			p.linger(op)
			return
		case quorum.Lost:
			p.timeout(op)
			p.linger(op)
			return
		}
	}
	p.finishLingering(op)
}

// timeout answers that nobody knows whether the operation takes effect, before its deadline: nothing can make it succeed any more.
func (p *Partition) timeout(op *operation) {
	p.stats.Timeouts++
	p.stats.Lost++
	p.answer(op.req, &TimeoutError{Acks: op.acks()}, 0)
}

// linger keeps an answered operation for what comes late, as long as that is of use.
func (p *Partition) linger(op *operation) {
	op.req, op.again = nil, false
	op.reads = object.ReadSet{} // the request's
	p.settled(op)
	if !op.listed {
		p.recycle(op)
		return
	}
	op.phase = lingering
	p.finishLingering(op)
}

// finishLingering lets an answered operation go once nothing is missing.
func (p *Partition) finishLingering(op *operation) {
	if op.phase != lingering {
		return
	}
	switch {
	case op.sent == nil:
		if op.asked&^op.answered != 0 {
			return
		}
	case op.sent.Reason == wire.ReasonClient:
		if op.covered != 1<<op.homes-1 || len(op.deposits) > 0 {
			return
		}
	}
	p.forget(op)
}

func (p *Partition) receiveWriteReply(now Time, from object.NodeID, m *wire.WriteReply) {
	if m.Asker != p.opts.Inc {
		return
	}
	if p.replayed(now, from, m) || p.pushed(now, from, m) {
		return
	}
	op := p.find(m.ID)
	if op == nil || op.sent == nil {
		return
	}
	i := op.index(from)
	if i < 0 || i == op.self || m.Attempt != op.attempt {
		return
	}
	home := op.home(i)
	switch m.Status {
	case wire.StatusOK:
		op.covered |= 1 << home
		op.dropDeposit(home)
		p.counted(now, op, op.ack(i))
	case wire.StatusHidden:
		op.covered |= 1 << home
		p.hidden(now, op, i, m)
	case wire.StatusEpoch:
		// It says nothing of the rows: they are on their way to it again since this node switched, or will be when it does. One that
		// is behind, and whose driver could not keep them until it is not, gets a hint at the deadline.
		p.outdated(from, &m.Header, m.Status)
	default:
		p.missed(now, op, i)
	}
}

// missed counts a node out that refused the rows or is not reachable any more, and sees to a hint.
func (p *Partition) missed(now Time, op *operation, i int) {
	home := op.home(i)
	verdict := op.fail(i)
	if op.sent.Reason == wire.ReasonClient && op.covered>>home&1 == 0 {
		if i >= op.homes || op.hasDeposit(home) {
			// The fallback failed too.
			op.dropDeposit(home)
			p.keepHints(op, home)
		} else {
			p.handOff(now, op, home)
		}
	}
	p.counted(now, op, verdict)
}
