package server

import (
	"errors"
	"math"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// written is the last write of a connection, for WAIT. It is kept on rings of several nodes only.
type written struct {
	key  []byte // of this struct alone; empty: there was none, or it is too long to keep
	db   uint8
	slot object.Slot
	acks int // home replicas that are known to hold it
}

// maxWaitKey is the longest key that is kept for WAIT, which would keep it for as long as the connection idles.
const maxWaitKey = 4 << 10

// noteWrites remembers the last of the calls that wrote. REQUIRES: they were finished.
func (s *session) noteWrites(calls []*cluster.Call) {
	if s.ring.alone() {
		return
	}
	for i := len(calls) - 1; i >= 0; i-- {
		c := calls[i]
		if !c.Write {
			continue
		}
		acks := s.ring.least(c.WriteLevel, c.Slot)
		var timeout *cluster.TimeoutError
		switch {
		case errors.As(c.Err, &timeout):
			acks = timeout.Acks.Have
		case c.Err != nil:
			continue // nothing was stored
		}
		w := &s.lastWrite
		w.key, w.slot, w.acks = w.key[:0], c.Slot, acks
		if keys := c.Op.Reads().Keys; len(keys) > 0 && len(keys[0].Name) <= maxWaitKey {
			w.key, w.db = append(w.key, keys[0].Name...), keys[0].DB
		}
		return
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

// waitCommand is WAIT numreplicas timeout: how many home replicas hold the connection's last write, the primary among them;
// never more than do. A node that is alone has no replicas that could acknowledge.
//
// What the write's own level proved is known. For more the key is read at a level that must meet those who hold the write: such
// a read answers once that many hold at least what it shows.
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
	w := &s.lastWrite
	switch {
	case s.ring.alone():
		return resp.Int(0)
	case want <= int64(w.acks) || len(w.key) == 0:
		return resp.Int(int64(w.acks))
	}
	homes := int(s.ring.place(w.slot).homes)
	level := max(int(min(want, int64(homes))), homes-w.acks+1)
	if w.acks < homes && level <= homes && s.confirm(level, ms) {
		w.acks = level
	}
	return resp.Int(int64(w.acks))
}

// confirm tells whether as many home replicas hold the last write. A timeout of 0 is that of any operation.
func (s *session) confirm(replicas int, ms int64) bool {
	w := &s.lastWrite
	op := command.NewWatch([]object.KeyRef{{DB: w.db, Name: w.key}})
	t := &step{body: op}
	level := cluster.Level{Level: cluster.LevelName(replicas)}
	if clock, ok := s.srv.node.(interface{ Time() cluster.Time }); ok && ms > 0 {
		t.call.Deadline = clock.Time() + cluster.Time(min(ms, math.MaxInt32))*cluster.Time(time.Millisecond)
	}
	t.op, t.call.Op, t.call.Slot = op, t, w.slot
	t.call.ReadLevel, t.call.WriteLevel = level, level
	s.srv.node.Start(&t.call)
	s.srv.node.Finish([]*cluster.Call{&t.call})
	s.checkPanic(t)
	return t.call.Err == nil && !t.reply.IsError()
}
