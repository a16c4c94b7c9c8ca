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
	write bool
	parts []part // in order of the slots' first appearance
	keys  int
}

type part struct {
	slot object.Slot
	args [][]byte
	at   []int // which keys of the whole
	step *step
	op   command.Op
	result
}

// split divides a command that is scattered into one a slot.
func split(e *entry, args [][]byte) *scattered {
	width := 1
	if e.scatter == scatterOK {
		width = 2
	}
	w := &scattered{kind: e.scatter, write: e.write}
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
	w := split(t.e, t.args)
	bad, ok := w.parse(t.e, s.face, s.db)
	if !ok {
		t.reply = bad
		return
	}
	s.srv.totals.scattered.Add(1)
	for i := range w.parts {
		p := &w.parts[i]
		p.step = &step{e: t.e, args: p.args}
		s.start(p.step, p.op, p.slot, t.e.write)
	}
	t.parts, t.level = w, w.parts[0].step.level
}

// collect takes the parts' replies from their steps. REQUIRES: they were finished.
func (w *scattered) collect(s *session) {
	for i := range w.parts {
		p := &w.parts[i]
		p.reply = p.step.reply
		if err := p.step.call.Err; err != nil {
			p.reply, p.known = s.failed(err, p.step.kind(), p.step.level)
		}
		p.step.call.Reset()
	}
}

// failure is the reply when a part failed. Of a command that writes it says what is true of the whole: a part that failed does
// not undo the others, so only when nothing at all was done may it begin as a reply that is safe to repeat.
func (w *scattered) failure() (resp.Value, bool) {
	var first, lost *part
	ok := 0
	for i := range w.parts {
		switch p := &w.parts[i]; {
		case !p.reply.IsError():
			ok++
		case p.known == unknown && lost == nil:
			lost = p
		case first == nil:
			first = p
		}
	}
	switch {
	case lost != nil && (!w.write || len(w.parts) == 1):
		return lost.reply, true
	case lost != nil:
		return resp.PartlyUnknown(ok, len(w.parts), lost.reply.Str).Value(), true
	case first != nil && (ok == 0 || !w.write):
		return first.reply, true
	case first != nil:
		return resp.Partial(ok, len(w.parts), first.reply.Str).Value(), true
	}
	return resp.Value{}, false
}

// gather makes one reply of the parts'.
func (w *scattered) gather() resp.Value {
	if bad, failed := w.failure(); failed {
		return bad
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
