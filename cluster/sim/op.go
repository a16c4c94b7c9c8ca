package sim

import (
	"encoding/binary"

	"github.com/rondokv/rondo/engine/object"
)

// op is an operation as the core gets it: the one that its client sent, or what a peer made of its body.
type op struct {
	w       *world
	rec     *record
	results []result // of the last evaluation
}

// result is what one command of an operation came to.
type result struct {
	stamp   object.Stamp // of the evaluation, this command's tick; a read's has no node
	applied bool         // it changed something
	looked  bool         // saw holds what it saw
	saw     seen
	at      int64    // the expiry that it wrote
	gone    []uint64 // siblings that it superseded
}

// Reads implements dynamo.Op.
func (o *op) Reads() (rs object.ReadSet) {
	if o.rec.commands[0].verb == verbFlush {
		return object.ReadSet{Flush: object.DBSetOf(0)}
	}
	rs.Blind = true
	for i := range o.rec.commands {
		c := &o.rec.commands[i]
		k := &o.w.plan.keys[c.key]
		rs.Keys = append(rs.Keys, k.ref())
		rs.Blind = rs.Blind && c.verb.blind()
		switch {
		case k.class != classHash || c.verb == verbSet:
		case c.field != 0:
			rs.Elements = append(rs.Elements, object.ElementRef{Key: i, Sub: subOf(c.field)})
		default:
			rs.Elements = append(rs.Elements, object.ElementRef{Key: i})
		}
	}
	if o.rec.multi {
		rs.Ticks = len(o.rec.commands)
	}
	return rs
}

func subOf(field byte) []byte { return []byte{1, field} }

// Eval implements dynamo.Op.
func (o *op) Eval(in *object.Input, v *object.View, m *object.Mutation) {
	o.results = make([]result, len(o.rec.commands))
	if o.rec.commands[0].verb == verbFlush {
		for i := range o.results {
			o.results[i] = result{stamp: in.Stamp, applied: true}
		}
		o.w.evaluated(o, in.Stamp)
		return
	}
	for i := range o.rec.commands {
		c, res := &o.rec.commands[i], &o.results[i]
		k := &v.Keys[i]
		res.stamp = in.Stamp
		if o.rec.multi && in.Stamp.Node != 0 {
			res.stamp = in.Stamp.Tick(i)
			k.Look(res.stamp.HLC)
		}
		if !o.rec.blind() {
			res.looked, res.saw = true, look(k)
		}
		from := len(m.Changes)
		o.run(i, c, res, k, m)
		res.applied = len(m.Changes) > from
		if o.rec.multi {
			for j := from; j < len(m.Changes); j++ {
				m.Changes[j].Tick = i
			}
		}
	}
	o.w.evaluated(o, in.Stamp)
}

// run is the command's own meaning. k is looked at by commands that are not blind only.
func (o *op) run(i int, c *command, res *result, k *object.KeyState, m *object.Mutation) {
	now := res.stamp.HLC.Millis()
	switch c.verb {
	case verbSet:
		m.Set(i, o.value(c), 0)
	case verbSetEx:
		res.at = now + c.n
		m.Set(i, o.value(c), res.at)
	case verbSetKeepTTL:
		m.SetKeepTTL(i, o.value(c))
	case verbGetSet:
		m.Set(i, o.value(c), 0)
	case verbSetNX:
		if !k.Exists() {
			m.Set(i, o.value(c), 0)
		}
	case verbAppend:
		value := o.value(c)
		if len(res.saw.text) < 300 && !res.saw.isNumber {
			value = append(res.saw.text[:len(res.saw.text):len(res.saw.text)], value...)
		}
		m.Write(i, value)
	case verbDel:
		if k.Exists() {
			m.Delete(i)
		}
	case verbExpire:
		if k.Exists() {
			res.at = now + c.n
			m.Expire(i, res.at)
		}
	case verbPersist:
		if k.Exists() && k.ExpireAt() != 0 {
			m.Expire(i, 0)
		}
	case verbIncr:
		if !res.saw.present || res.saw.isNumber {
			m.Add(i, c.n)
		}
	default:
		o.runElements(i, c, res, k, m)
	}
}

func (o *op) runElements(i int, c *command, res *result, k *object.KeyState, m *object.Mutation) {
	switch c.verb {
	case verbHSetBlind:
		m.SetElement(i, subOf(c.field), o.value(c))
	case verbHSet:
		if k.Type() != object.TypeString {
			m.SetElement(i, subOf(c.field), o.value(c))
		}
	case verbHDel:
		if _, ok := k.Element(subOf(c.field)); ok && k.Type() == object.TypeHash {
			m.DropElement(i, subOf(c.field))
		}
	case verbPut, verbDrop:
		if c.verb == verbPut && k.TooManySiblings(c.context, c.hasContext) {
			return
		}
		res.gone = c.covers
		if t, ok := k.Text(); ok && !c.hasContext {
			if token, ok := lastToken(t.Slice()); ok {
				res.gone = []uint64{token}
			}
		}
		if c.verb == verbPut {
			m.PutSibling(i, c.context, c.hasContext, o.value(c))
		} else if k.Exists() {
			m.DropSiblings(i, c.context, c.hasContext)
		}
	}
}

// value is what a command writes; a counter's is a number, so that increments add to it.
func (o *op) value(c *command) []byte {
	if o.w.plan.keys[c.key].class == classCounter {
		return appendInt(c.token * tokenBase)
	}
	return c.value(o.w.plan.padded)
}

// AppendBody implements dynamo.PassedOp: a body is the number of the record.
func (o *op) AppendBody(dst []byte) []byte { return binary.AppendUvarint(dst, uint64(o.rec.id)) }

// AppendReply implements dynamo.PassedOp: a reply is the number of the evaluation.
func (o *op) AppendReply(dst []byte) []byte {
	o.w.replies = append(o.w.replies, o.results)
	return binary.AppendUvarint(dst, uint64(len(o.w.replies)-1))
}

// TakeReply implements dynamo.PassedOp.
func (o *op) TakeReply(reply []byte) {
	i, n := binary.Uvarint(reply)
	if n != len(reply) || i >= uint64(len(o.w.replies)) {
		o.w.fail("I12 answers", -1, "a passed operation came back with a reply of %d bytes", len(reply))
		return
	}
	o.results = o.w.replies[i]
}
