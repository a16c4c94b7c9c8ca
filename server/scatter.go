package server

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// scatterKind is how a command over several slots is split on the forward face.
type scatterKind uint8

const (
	scatterNone  scatterKind = iota
	scatterArray             // MGET: a reply an argument, gathered in order
	scatterSum               // DEL UNLINK EXISTS TOUCH: the sum
	scatterOK                // MSET: pairs, OK
)

func scatterOf(name string) scatterKind {
	switch name {
	case "mget":
		return scatterArray
	case "del", "unlink", "exists", "touch":
		return scatterSum
	case "mset":
		return scatterOK
	}
	return scatterNone
}

// scattered is a command in parts, one a slot. Each part is atomic, the whole is not.
type scattered struct {
	kind  scatterKind
	parts []part // in order of the slots' first appearance
	keys  int
	fail  func(error) resp.Value
}

type part struct {
	slot  object.Slot
	args  [][]byte
	at    []int // which keys of the whole
	step  *step
	op    command.Op
	reply resp.Value
}

// split divides a command that is scattered into one a slot.
func split(kind scatterKind, args [][]byte) *scattered {
	width := 1
	if kind == scatterOK {
		width = 2
	}
	w := &scattered{kind: kind}
	index := make(map[object.Slot]int)
	for i := 1; i+width <= len(args); i += width {
		slot := command.Slot(args[i])
		at, ok := index[slot]
		if !ok {
			at = len(w.parts)
			index[slot] = at
			w.parts = append(w.parts, part{slot: slot, args: [][]byte{args[0]}})
		}
		p := &w.parts[at]
		p.args = append(p.args, args[i:i+width]...)
		p.at = append(p.at, w.keys)
		w.keys++
	}
	return w
}

// parse makes the parts' operations. bad is the reply when one cannot be made.
func (w *scattered) parse(e *entry, f face, db uint8) (bad resp.Value, ok bool) {
	for i := range w.parts {
		p := &w.parts[i]
		if p.op, bad = e.parse[f](p.args, db); p.op == nil {
			return bad, false
		}
	}
	return bad, true
}

// scatter starts a command over several slots part by part.
func (s *session) scatter(t *step) {
	w := split(t.e.scatter, t.args)
	bad, ok := w.parse(t.e, s.face, s.db)
	if !ok {
		t.reply = bad
		return
	}
	s.srv.totals.scattered.Add(1)
	w.fail = s.srv.callError
	for i := range w.parts {
		p := &w.parts[i]
		p.step = new(step)
		s.start(p.step, p.op, p.slot, t.e.write)
	}
	t.parts = w
}

// collect takes the parts' replies from their steps. REQUIRES: they were finished.
func (w *scattered) collect() {
	for i := range w.parts {
		p := &w.parts[i]
		p.reply = p.step.reply
		if err := p.step.call.Err; err != nil {
			p.reply = w.fail(err)
		}
		p.step.call.Reset()
	}
}

// gather makes one reply of the parts'. When a part failed that is the reply, although others have been done.
func (w *scattered) gather() resp.Value {
	for i := range w.parts {
		if w.parts[i].reply.IsError() {
			return w.parts[i].reply
		}
	}
	switch w.kind {
	case scatterArray:
		elems := make([]resp.Value, w.keys)
		for i := range w.parts {
			p := &w.parts[i]
			for j, at := range p.at {
				elems[at] = p.reply.Elems[j]
			}
		}
		return resp.Array(elems...)
	case scatterSum:
		var sum int64
		for i := range w.parts {
			sum += w.parts[i].reply.Int
		}
		return resp.Int(sum)
	}
	return resp.OK()
}
