package dynamo

import (
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Receive takes a peer's message. The message is this node's for good, but may be shared: it is not changed.
//
// Messages may be lost, delayed, reordered and repeated, but a Pass must not come twice: it would run twice. Links over TCP
// that never send again see to that.
func (p *Partition) Receive(now Time, from object.NodeID, m wire.Message) {
	p.beginStep()
	h := m.Head()
	if err := p.host.Observe(h.HLC); err != nil {
		p.stats.Refused++
		p.event(Event{Kind: EventDrift, Peer: from, Err: err})
		p.reject(from, m, wire.StatusDrift)
		return
	}
	if e := ring.Epoch(h.Epoch); (e < p.since || e > p.ring.Epoch()) && isRequest(m) {
		p.stats.Fenced++
		p.reject(from, m, wire.StatusEpoch)
		return
	}
	if slot, ok := slotOf(m); ok && p.ring.PartitionOf(ring.Slot(slot)) != p.number {
		p.stats.Refused++
		p.reject(from, m, wire.StatusNotHome)
		return
	}
	switch m := m.(type) {
	case *wire.Read:
		p.receiveRead(from, m)
	case *wire.ReadReply:
		p.receiveReadReply(now, from, m)
	case *wire.Write:
		p.receiveWrite(now, from, m)
	case *wire.WriteReply:
		p.receiveWriteReply(now, from, m)
	case *wire.Pass:
		p.receivePass(now, from, m)
	case *wire.PassReply:
		p.receivePassReply(now, from, m)
	default:
		p.receiveTransfer(now, from, m)
	}
}

// receiveTransfer takes what moving a partition takes.
func (p *Partition) receiveTransfer(now Time, from object.NodeID, m wire.Message) {
	switch m := m.(type) {
	case *wire.Compare:
		p.receiveCompare(now, from, m)
	case *wire.Compared:
		p.receiveCompared(now, from, m)
	case *wire.Fetch:
		p.receiveFetch(from, m)
	case *wire.Fetched:
		p.receiveFetched(now, from, m)
	}
}

// slotOf returns the slot that a request is for.
func slotOf(m wire.Message) (object.Slot, bool) {
	switch m := m.(type) {
	case *wire.Read:
		return m.Slot, true
	case *wire.Write:
		return m.Slot, true
	case *wire.Pass:
		return m.Slot, true
	}
	return 0, false
}

// isRequest reports whether m asks for something. What answers holds whatever the epoch: rows that were stored durably stay
// so, and what was gathered for an operation in an earlier epoch finds it gone.
func isRequest(m wire.Message) bool {
	switch m.(type) {
	case *wire.Read, *wire.Write, *wire.Pass, *wire.Compare, *wire.Fetch:
		return true
	}
	return false
}

// outdated reports whether a refusal says that this node is behind: it will be told of the newer ring, and what is under way goes
// on then.
func (p *Partition) outdated(from object.NodeID, h *wire.Header, s wire.Status) bool {
	if s != wire.StatusEpoch || ring.Epoch(h.Epoch) <= p.ring.Epoch() {
		return false
	}
	p.event(Event{Kind: EventNewer, Peer: from, Epoch: ring.Epoch(h.Epoch)})
	return true
}

// reject answers a request that is not looked at. A reply that is not looked at counts as none.
func (p *Partition) reject(from object.NodeID, m wire.Message, s wire.Status) {
	switch m := m.(type) {
	case *wire.Read:
		p.send(from, &wire.ReadReply{Header: p.reply(&m.Header), Status: s})
	case *wire.Write:
		p.send(from, &wire.WriteReply{Header: p.reply(&m.Header), Status: s, Attempt: m.Attempt})
	case *wire.Pass:
		p.send(from, &wire.PassReply{Header: p.reply(&m.Header), Status: s})
	case *wire.Compare:
		p.send(from, &wire.Compared{Header: p.reply(&m.Header), Status: s})
	case *wire.Fetch:
		p.send(from, &wire.Fetched{Header: p.reply(&m.Header), Status: s})
	}
}

func (p *Partition) header(id uint64, budget uint32) wire.Header {
	return wire.Header{
		Partition: uint16(p.number), Epoch: uint64(p.ring.Epoch()), HLC: p.host.Now(), ID: id, Asker: p.opts.Inc, Budget: budget,
	}
}

// reply returns the header of the answer to a request.
func (p *Partition) reply(to *wire.Header) wire.Header {
	h := p.header(to.ID, 0)
	h.Asker = to.Asker
	return h
}

func (p *Partition) send(to object.NodeID, m wire.Message) {
	p.step.some = true
	p.ready.Messages = append(p.ready.Messages, Envelope{To: to, Message: m})
}

// sendDurable sends m once all that this node has stored is durable: what it says of rows must outlive a crash.
func (p *Partition) sendDurable(to object.NodeID, m wire.Message) {
	p.release(p.applied, held{message: Envelope{To: to, Message: m}})
}

func (p *Partition) event(e Event) {
	if e.Kind == EventCorrupt {
		p.stats.Corrupt++
	}
	p.step.some = true
	p.ready.Events = append(p.ready.Events, e)
}

func (p *Partition) conflict(lost bool, ref object.KeyRef) {
	if lost {
		p.stats.Conflicts++
		p.event(Event{Kind: EventConflict, Ref: ref})
	}
}

// receiveRead answers with what differs from the asker's.
func (p *Partition) receiveRead(from object.NodeID, m *wire.Read) {
	src := fromData
	if m.Hints {
		src = fromHints
	}
	if src == fromData && (p.self < 0 || p.looks[p.self].Of == 0) {
		p.stats.Refused++
		p.reject(from, m, wire.StatusNotHome)
		return
	}
	if src == fromData && p.awaitsCopy() {
		p.reject(from, m, wire.StatusNotCopied)
		return
	}
	// What it takes for the usual answer, that all is the same, comes in one piece.
	room := new(struct {
		wire.ReadReply
		same [1]byte
	})
	reply := &room.ReadReply
	reply.Header = p.reply(&m.Header)
	reads := readSetOf(m)
	refs := reads.Keys
	x := &p.local
	if err := p.loadView(x, &p.bufs, m.Slot, &reads, src); err != nil {
		p.unable(from, m, refs[0], err)
		return
	}
	keys := x.View.Keys
	for i := range keys {
		if m.Compare && keys[i].Digest(p.secret) == m.Keys[i].Digest {
			if reply.Same == nil {
				if reply.Same = room.same[:]; len(keys) > 8 {
					reply.Same = make([]byte, (len(keys)+7)/8)
				}
			}
			reply.Same[i/8] |= 1 << (i % 8)
			continue
		}
		reply.Rows = appendKeyRows(reply.Rows, refs[i], &keys[i], nil)
		reply.Rows = appendDatabaseRow(reply.Rows, refs[i].DB, keys[i].Database)
	}
	if m.Hints && !holdsSome(&x.View) {
		reply.Status, reply.Rows, reply.Same = wire.StatusNoHint, nil, nil
	}
	x.Release()
	p.sendDurable(from, reply)
}

func (p *Partition) unable(from object.NodeID, m wire.Message, ref object.KeyRef, err error) {
	p.stats.Refused++
	p.event(Event{Kind: EventCorrupt, Ref: ref, Err: err})
	p.reject(from, m, wire.StatusUnable)
}

// readSetOf returns what a Read asks for.
func readSetOf(m *wire.Read) object.ReadSet {
	reads := object.ReadSet{Keys: make([]object.KeyRef, len(m.Keys))}
	for i := range m.Keys {
		k := &m.Keys[i]
		reads.Keys[i] = k.Ref
		if k.Whole {
			reads.Elements = append(reads.Elements, object.ElementRef{Key: i})
		}
		for _, sub := range k.Elements {
			reads.Elements = append(reads.Elements, object.ElementRef{Key: i, Sub: sub})
		}
	}
	return reads
}

// receiveWrite merges whole rows into this node's own, or keeps them for another.
func (p *Partition) receiveWrite(now Time, from object.NodeID, m *wire.Write) {
	reply := &wire.WriteReply{Header: p.reply(&m.Header), Attempt: m.Attempt}
	p.undo.reply, p.undo.replyTo = reply, from
	var err error
	switch {
	case m.For != 0 && m.For != p.opts.ID:
		if !p.takesHints(m.For, m) {
			if m.Acks {
				p.stats.HintsRefused++
				p.reject(from, m, wire.StatusFull)
				return
			}
			p.dropHints(m.For, m)
			break
		}
		err = p.mergeHints(m.For, m)
	case p.self < 0:
		p.stats.Refused++
		p.reject(from, m, wire.StatusNotHome)
		return
	default:
		err = p.mergeWrite(m, reply)
	}
	if err != nil {
		p.unmerge()
		p.unable(from, m, object.KeyRef{}, err)
		return
	}
	if m.Reason != wire.ReasonRepair {
		p.sendDurable(from, reply)
	}
}

// mergeWrite merges the rows of a Write, and tells what hides them.
func (p *Partition) mergeWrite(m *wire.Write, reply *wire.WriteReply) error {
	reads := p.rowRefs(m.Rows)
	x := &p.local
	defer x.Release()
	states, err := p.mergeKeys(x, m.Slot, &reads, m)
	if err != nil {
		return err
	}
	if !m.Tell {
		return nil
	}
	for i, ref := range reads.Keys {
		k := &x.View.Keys[i]
		if !k.Hides(&states[i].Row, states[i].Elements, m.Stamp, m.Last) {
			continue
		}
		reply.Status = wire.StatusHidden
		reply.Rows = appendKeyRows(reply.Rows, ref, k, nil)
		reply.Rows = appendDatabaseRow(reply.Rows, ref.DB, k.Database)
	}
	return nil
}

// mergeRows merges whole rows into this node's own.
func (p *Partition) mergeRows(slot object.Slot, rows []wire.Row) error {
	if p.self < 0 {
		return nil
	}
	reads := p.rowRefs(rows)
	x := &p.local
	defer x.Release()
	_, err := p.mergeKeys(x, slot, &reads, &wire.Write{Rows: rows})
	if err != nil {
		p.unmerge()
	}
	return err
}

// mergeKeys loads the keys of rows, merges the rows into them and adds what changed to the batch. It returns the rows as
// states, in the order of the keys.
func (p *Partition) mergeKeys(x *Execution, slot object.Slot, reads *object.ReadSet, m *wire.Write) ([]object.KeyState, error) {
	rows := m.Rows
	states, err := keyStates(p.states[:0], reads.Keys, rows)
	p.states = states
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if r := &rows[i]; r.Database {
			var d object.KeyRow
			if err := d.DecodeRow(r.Bytes); err != nil {
				return nil, err
			}
			p.putDatabase(r.Ref.DB, d.Cleared)
		}
	}
	if err := p.loadView(x, &p.bufs, slot, reads, fromData); err != nil {
		return nil, err
	}
	buf := p.bufs.out[:0]
	for i := range x.View.Keys {
		k := &x.View.Keys[i]
		// An element may outlive the clear of an operation that must not be hidden.
		if c := states[i].Row.Cleared; m.Tell && k.Row.HasElements && c.Node == m.Stamp.Node && c.HLC >= m.Stamp.HLC && c.HLC <= m.Last {
			if err := p.loadWhole(k, slot, reads.Keys[i], fromData); err != nil {
				return nil, err
			}
		}
		lost, err := k.Merge(&states[i])
		if err != nil {
			return nil, fmt.Errorf("merge key: %w", err)
		}
		p.conflict(lost, reads.Keys[i])
		buf = p.putKey(keyWrite{slot, reads.Keys[i], k, p.bufs.before[i], p.bufs.had[i]}, buf, 0)
	}
	p.bufs.out = buf
	return states, nil
}

// unmerge takes the batch of this step back.
func (p *Partition) unmerge() {
	if !p.step.batch {
		return
	}
	p.step.batch = false
	p.held.dropFrom(p.applied)
	p.applied--
	r := &p.ready
	r.Writes, r.Counts, r.Clears, r.Hints, r.Batch = r.Writes[:0], r.Counts[:0], r.Clears[:0], r.Hints[:0], 0
	if err := p.load(); err != nil {
		p.event(Event{Kind: EventCorrupt, Err: err})
	}
}

// rowRefs returns what to read of the keys of rows on the wire. It is good until the next call.
func (p *Partition) rowRefs(rows []wire.Row) object.ReadSet {
	reads := object.ReadSet{Keys: p.refs[:0]}
	for i := range rows {
		r := &rows[i]
		if r.Database {
			continue
		}
		at := slices.IndexFunc(reads.Keys, func(ref object.KeyRef) bool { return sameRef(ref, r.Ref) })
		if at < 0 {
			at = len(reads.Keys)
			reads.Keys = append(reads.Keys, r.Ref)
		}
		if len(r.Sub) > 0 {
			reads.Elements = append(reads.Elements, object.ElementRef{Key: at, Sub: r.Sub})
		}
	}
	p.refs = reads.Keys
	return reads
}

// Refused takes back what the step did because the store refused its writes: nothing was stored.
func (p *Partition) Refused(err error) {
	if !p.step.batch {
		return
	}
	hints := lostHints(p.ready.Writes)
	p.unmerge()
	s := &p.undo
	switch {
	case s.reply != nil:
		s.reply.Status, s.reply.Rows = wire.StatusFull, nil
		p.send(s.replyTo, s.reply)
	case s.op != nil && s.op.req != nil && s.op.sent != nil && s.op.sent.Reason == wire.ReasonWriteBack:
		// What others hold can be shown without room here.
		p.counted(0, s.op, s.op.fail(s.op.self))
	case s.op != nil && s.op.req != nil:
		clear(p.ready.Messages[s.messages:])
		p.ready.Messages = p.ready.Messages[:s.messages]
		if s.op.attempt > 0 {
			p.timeout(s.op) // stored once, under an earlier stamp
		} else {
			p.answer(s.op.req, err, 0)
		}
		p.forget(s.op)
	case p.doing.alone != nil:
		p.answer(p.doing.alone, err, 0)
	case s.move != nil:
		p.moveRefused()
	default:
		p.stats.HintsLost += uint64(len(hints))
		for _, target := range hints {
			p.leaveApart(target)
		}
		p.nextReplay += replayPause // or hints that came home could not go: no hurry to send them again
	}
}
