package server

import (
	"bytes"
	"errors"
	"math"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// written is a write of a connection, for WAIT.
type written struct {
	keys []object.KeyRef // empty: they are too many or too long to keep
	name []byte          // room for the keys' names
	slot object.Slot
	acks int // home replicas that are known to hold it
}

// writes are the last writes of a connection. They are kept on rings of several nodes only.
type writes struct {
	last []written // a ring of at most waitWrites
	next int       // where the next one goes, once there are so many
	// forgotten: since the last WAIT there were more; each of those is on floor home replicas at least.
	forgotten bool
	floor     int
	// waited: WAIT has spoken of all of them, and the next write begins anew.
	waited bool
}

// Bounds of what is kept for WAIT, which stays for as long as the connection does.
const (
	waitWrites = 16
	waitKeys   = 16
	waitNames  = 1 << 10
)

// noteWrites remembers the calls that wrote. REQUIRES: they were finished.
func (s *session) noteWrites(calls []*cluster.Call) {
	if s.ring.alone() {
		return
	}
	for _, c := range calls {
		if !c.Write {
			continue
		}
		acks := s.ring.least(c.WriteLevel, c.Slot)
		var timeout *cluster.TimeoutError
		switch {
		case errors.As(c.Err, &timeout) && acks > 0:
			acks = timeout.Acks.Have
		case timeout != nil:
		case c.Err != nil:
			continue // nothing was stored
		}
		s.writes.note(c.Slot, c.Op.Reads().Keys, acks)
	}
}

// note adds a write. One of the very keys of one before takes its place: whoever holds the later holds the earlier.
func (w *writes) note(slot object.Slot, keys []object.KeyRef, acks int) {
	if w.waited {
		w.last, w.next, w.waited = w.last[:0], 0, false
	}
	at := -1
	for i := range w.last {
		if old := &w.last[i]; old.slot == slot && old.of(keys) {
			at = i
			break
		}
	}
	switch {
	case at >= 0:
	case len(w.last) < waitWrites:
		at = len(w.last)
		w.last = append(w.last, written{})
	default:
		at = w.next
		w.next = (w.next + 1) % waitWrites
		if old := &w.last[at]; !w.forgotten || old.acks < w.floor {
			w.floor = old.acks
		}
		w.forgotten = true
	}
	w.last[at].set(slot, keys, acks)
}

func (w *written) of(keys []object.KeyRef) bool {
	if len(keys) == 0 || len(keys) != len(w.keys) {
		return false
	}
	for i := range keys {
		if keys[i].DB != w.keys[i].DB || !bytes.Equal(keys[i].Name, w.keys[i].Name) {
			return false
		}
	}
	return true
}

func (w *written) set(slot object.Slot, keys []object.KeyRef, acks int) {
	w.slot, w.acks, w.keys, w.name = slot, acks, w.keys[:0], w.name[:0]
	size := 0
	for i := range keys {
		size += len(keys[i].Name)
	}
	if len(keys) > waitKeys || size > waitNames {
		return
	}
	if cap(w.name) < size {
		w.name = make([]byte, 0, size)
	}
	for i := range keys {
		from := len(w.name)
		w.name = append(w.name, keys[i].Name...)
		w.keys = append(w.keys, object.KeyRef{DB: keys[i].DB, Name: w.name[from:]})
	}
}

// least is how many home replicas hold what was acknowledged at a level, at least.
func (t *Topology) least(l cluster.Level, slot object.Slot) int {
	n := int(t.place(slot).homes)
	switch {
	case l.Sloppy || l.Level == cluster.LevelAny:
		return 0 // hints may have counted
	case l.Level == cluster.LevelQuorum || l.Level == cluster.LevelEachQuorum:
		return n/2 + 1
	case l.Level == cluster.LevelAll:
		return n
	case l.Level <= cluster.MaxReplicas:
		return int(l.Level)
	}
	return 1
}

// waitCommand is WAIT numreplicas timeout: how many home replicas hold what the connection has written since its last WAIT, or,
// when that is nothing, before; the primaries are among them, and it is never more than do. A node that is alone has no replicas
// that could acknowledge.
//
// What the writes' own levels proved is known. For more the keys are read at a level that must meet those who hold the write:
// such a read answers once that many hold at least what it shows.
func waitCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	want, ok := resp.ParseInt(args[1])
	if !ok {
		return resp.ErrNotInteger.Value()
	}
	ms, ok := resp.ParseInt(args[2])
	switch {
	case !ok:
		return resp.ErrTimeoutNotInt.Value()
	case ms < 0:
		return resp.ErrTimeoutNeg.Value()
	}
	w := &s.writes
	if s.ring.alone() || len(w.last) == 0 {
		return resp.Int(0)
	}
	s.confirm(want, ms)
	acks := math.MaxInt
	for i := range w.last {
		acks = min(acks, w.last[i].acks)
	}
	if w.forgotten {
		acks = min(acks, w.floor)
	}
	w.forgotten, w.waited = false, true
	return resp.Int(int64(acks))
}

// confirm finds out whether as many home replicas hold the last writes. A timeout of 0 is that of any operation.
func (s *session) confirm(want, ms int64) {
	var deadline cluster.Time
	if clock, ok := s.srv.node.(interface{ Time() cluster.Time }); ok && ms > 0 {
		deadline = clock.Time() + cluster.Time(min(ms, math.MaxInt32))*cluster.Time(time.Millisecond)
	}
	var steps []*step
	var calls []*cluster.Call
	var of []*written
	for i := range s.writes.last {
		w := &s.writes.last[i]
		homes := int(s.ring.place(w.slot).homes)
		level := max(int(min(want, int64(homes))), homes-w.acks+1)
		if want <= int64(w.acks) || w.acks >= homes || level > homes || len(w.keys) == 0 {
			continue
		}
		op := command.NewWatch(w.keys)
		t := &step{body: op, op: op}
		t.call.Op, t.call.Slot, t.call.Deadline = t, w.slot, deadline
		t.call.ReadLevel.Level = cluster.LevelName(level)
		t.call.WriteLevel = t.call.ReadLevel
		s.srv.node.Start(&t.call)
		steps, calls, of = append(steps, t), append(calls, &t.call), append(of, w)
	}
	s.srv.node.Finish(calls)
	for i, t := range steps {
		s.checkPanic(t)
		if t.call.Err == nil && !t.reply.IsError() {
			of[i].acks = int(t.call.ReadLevel.Level)
		}
	}
}
