package server

import (
	"strconv"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// sendsElsewhere tells whether keys of this connection can be another node's business at all.
func (s *session) sendsElsewhere() bool { return s.face == clusterFace && !s.ring.alone() }

// redirect is the MOVED for a key of slot, empty when this node serves it. mayNudge: a client whose map is old may be told so
// by this command.
func (s *session) redirect(slot object.Slot, mayNudge bool) resp.Error {
	t := s.ring
	p := t.place(slot)
	switch {
	case !p.home && p.serves != t.self:
		return t.movedTo(slot, p.serves)
	case !p.home || !mayNudge || s.readOnly || s.tx.open || len(s.tx.watched) > 0:
		return ""
	}
	to, primary := p.serves, p.serves == t.self
	if primary {
		to = p.other
	}
	if to < 0 || !s.nudge.take(t.Version, s.pipe.since, primary, s.single) {
		return ""
	}
	s.srv.totals.nudges.Add(1)
	return t.movedTo(slot, to)
}

func (t *Topology) movedTo(slot object.Slot, member int32) resp.Error {
	m := &t.Members[member]
	// As Redis writes it: an IPv6 address without brackets, which clients part from the port at the last colon.
	return resp.Moved(uint16(slot), m.Host+":"+strconv.Itoa(m.Port))
}

// moved answers a step on a key that another node is to run.
func (s *session) moved(t *step, slot object.Slot) bool {
	to := s.redirect(slot, true)
	if to == "" {
		return false
	}
	s.redirected(t, to)
	return true
}

// redirected answers a step with MOVED. It did not run.
func (s *session) redirected(t *step, to resp.Error) {
	s.srv.totals.moved.Add(1)
	t.e.stats.rejected.Add(1)
	t.e, t.reply = nil, to.Value()
}

// placesFirst is for a command whose arguments are wrong: a cluster of Redis looks at the slots of its keys first.
func (s *session) placesFirst(t *step) {
	switch {
	case !s.oneSlot(t.e, t.args):
		t.reply = resp.ErrCrossSlot.Value()
	case s.sendsElsewhere():
		if slot, any := (queued{t.e, t.args}).firstSlot(); any {
			if to := s.redirect(slot, false); to != "" {
				s.redirected(t, to)
			}
		}
	}
}
