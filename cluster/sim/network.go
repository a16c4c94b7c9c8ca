package sim

import (
	"bytes"
	"fmt"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// link is one direction between two nodes.
type link struct {
	cuts   int     // that stop it, at present
	deaf   int     // that stop what is about the ring
	flying int     // messages under way
	late   Time    // by how much more messages are late
	loss   float64 // a share that is lost, beside that of all links
	sheds  float64 // a share of what carries rows that is lost
}

func (w *world) link(from, to *node) *link { return &w.links[from.index*len(w.nodes)+to.index] }

// parcel is a message under way: as a value, or as its frame.
type parcel struct {
	from, to *node
	message  wire.Message
	frame    []byte // in runs over bytes, and to see whether a value changes
}

func (w *world) send(from *node, e dynamo.Envelope) {
	to := w.nodeOf(e.To)
	kind := e.Message.Kind()
	w.totals.Messages[kind]++
	if to == nil || to == from {
		w.fail("I12 answers", -1, "node %d sends a %v to %016x", from.index, kind, uint64(e.To))
		return
	}
	id := e.Message.Head().ID
	w.trace.line(w.now, from.index, onSend, [3]uint64{uint64(kind), id, uint64(to.index)}, func() string { return describe(e.Message, to) })
	p := parcel{from: from, to: to, message: e.Message}
	if w.plan.codec || w.plan.frozen {
		frame, err := w.encoder.AppendFrame(nil, e.Message)
		if err != nil {
			w.fail("I12 answers", -1, "node %d sends a %v that has no bytes: %v", from.index, kind, err)
			return
		}
		p.frame = frame
	}
	loss := w.plan.loss
	if w.bursts > 0 {
		loss = 0.3
	}
	loss = max(loss, w.link(from, to).loss)
	if kind == wire.KindWrite {
		loss = max(loss, w.link(from, to).sheds)
	}
	draw, again := w.network.Float64(), w.network.Float64()
	deaf := kind == wire.KindRing && w.link(from, to).deaf > 0
	if w.phase == chaos && (w.link(from, to).cuts > 0 || draw < loss || deaf) || to.gone {
		w.totals.Lost++
		w.trace.line(w.now, to.index, onLost, [3]uint64{uint64(kind), id, uint64(from.index)}, nil)
		if w.plan.profile == ProfileChaos && from.refused(to) {
			w.after(w.plan.netMean, from, func() { from.unreachable(to) })
		}
		return
	}
	w.fly(p)
	if w.phase == chaos && again < w.plan.repeat && kind != wire.KindPass {
		w.totals.Faults[faultRepeat]++
		w.fly(p)
	}
}

// fly lets a message arrive after a while.
func (w *world) fly(p parcel) {
	in := w.plan.netMin + w.network.around(w.plan.netMean)
	if draw := w.network.Float64(); w.phase == chaos && draw < w.plan.tail {
		w.totals.Faults[faultTail]++
		in += w.network.around(w.plan.tailMean)
	}
	l := w.link(p.from, p.to)
	if l.late > 0 && w.phase == chaos {
		in += w.network.around(l.late)
	}
	counts := p.message.Kind() != wire.KindRing // nodes never stop telling each other of the ring
	if counts {
		l.flying++
	}
	w.push(event{at: w.now + in, do: func() {
		if counts {
			l.flying--
		}
		// The receiver may have started anew since: it must see that replies are not meant for it.
		w.push(event{at: w.now, node: p.to, do: func() { w.deliver(p) }})
	}})
}

func (w *world) deliver(p parcel) {
	m := p.message
	head := m.Head()
	w.trace.line(w.now, p.to.index, onDeliver, [3]uint64{uint64(m.Kind()), head.ID, uint64(p.from.index)}, nil)
	if w.plan.frozen {
		w.totals.Checks[checkFrozen]++
		if frame, err := w.encoder.AppendFrame(nil, m); err != nil || !bytes.Equal(frame, p.frame) {
			w.fail("I13 frozen", -1, "a %v from node %d to node %d changed after it was sent", m.Kind(), p.from.index, p.to.index)
			return
		}
	}
	if w.plan.codec {
		var err error
		if m, err = wire.Decode(bytes.Clone(p.frame)); err != nil {
			w.fail("I12 answers", -1, "a %v from node %d cannot be read: %v", p.message.Kind(), p.from.index, err)
			return
		}
	}
	number := int(head.Partition)
	if p.to.receiveRing(p.from, m) {
		return
	}
	if number >= len(p.to.parts) {
		w.fail("I12 answers", -1, "a %v from node %d for partition %d", m.Kind(), p.from.index, number)
		return
	}
	p.to.receive(p.from, number, m)
}

// receive hands a message to the core.
func (n *node) receive(from *node, p int, m wire.Message) {
	if kindNeedsRoom(m) {
		n.makeRoom()
	}
	n.step(p, func(part *dynamo.Partition) { part.Receive(n.time(), from.id, m) })
}

// kindNeedsRoom reports whether a driver makes sure that the clock has room before it hands m to the core: only an operation
// that is to run here takes a stamp at once.
func kindNeedsRoom(m wire.Message) bool {
	pass, ok := m.(*wire.Pass)
	return ok && pass.Write
}

// flying counts messages under way.
func (w *world) flying() (n int) {
	for i := range w.links {
		n += w.links[i].flying
	}
	return n
}

// describe tells people what a message says.
func describe(m wire.Message, to *node) string {
	h := m.Head()
	text := fmt.Sprintf("%v %x -> n%d epoch %d", m.Kind(), h.ID, to.index, h.Epoch)
	switch m := m.(type) {
	case *wire.Read:
		text += fmt.Sprintf(" %d keys", len(m.Keys))
	case *wire.ReadReply:
		text += fmt.Sprintf(" %v same %x", m.Status, m.Same) + describeRows(m.Rows)
	case *wire.Write:
		text += fmt.Sprintf(" %v attempt %d tell %t stamp %v for %x", m.Reason, m.Attempt, m.Tell, m.Stamp, uint64(m.For)) + describeRows(m.Rows)
	case *wire.WriteReply:
		text += fmt.Sprintf(" %v attempt %d", m.Status, m.Attempt) + describeRows(m.Rows)
	case *wire.Pass:
		text += fmt.Sprintf(" op %x", m.Body)
	case *wire.PassReply:
		text += fmt.Sprintf(" %v", m.Status)
	case *wire.Ring:
		text += describeRing(m.Body)
	case *wire.Compared:
		text += fmt.Sprintf(" %v", m.Status)
	case *wire.Fetched:
		text += fmt.Sprintf(" %v %d rows", m.Status, len(m.Rows))
	}
	return text
}

func describeRows(rows []wire.Row) (text string) {
	for i := range rows {
		r := &rows[i]
		text += fmt.Sprintf(" [%s%s %s]", r.Ref.Name, subName(r.Sub), describeRow(len(r.Sub) > 0, r.Bytes))
	}
	return text
}

func subName(sub []byte) string {
	if len(sub) == 0 {
		return ""
	}
	return "." + string(sub[1:])
}

// describeRow tells people what a row holds.
func describeRow(element bool, row []byte) string {
	if len(row) == 0 {
		return "none"
	}
	if element {
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s tombstone %t @%v", e.Value, e.Tombstone, e.Stamp)
	}
	var k object.KeyRow
	if err := k.DecodeRow(row); err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%s%d @%v cleared %v", clip(k.Value.Bytes), k.Value.Int, k.Value.Stamp, k.Cleared)
	if !k.Expiry.Stamp.IsZero() {
		text += fmt.Sprintf(" expiry %d @%v", k.Expiry.At, k.Expiry.Stamp)
	}
	for _, t := range k.Totals {
		text += fmt.Sprintf(" total %v n %d sum %d @%v", t.Name, t.N, t.Sum, t.Stamp)
	}
	for _, s := range k.Seen {
		text += fmt.Sprintf(" seen %v n %d sum %d", s.Name, s.N, s.Sum)
	}
	if k.Siblings != nil {
		text += fmt.Sprintf(" siblings %v", k.Siblings.Context)
		for _, v := range k.Siblings.Values {
			text += fmt.Sprintf(" %s %d of %v", v.Bytes, v.Dot.Seq, v.Dot.Actor)
		}
	}
	return text
}

func clip(b []byte) []byte { return b[max(0, len(b)-60):] }
