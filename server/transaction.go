package server

import (
	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// transaction is the state of MULTI and WATCH on one connection.
type transaction struct {
	open   bool
	failed bool // a command could not be queued: EXEC aborts
	writes bool
	queue  []queued
	bytes  int64 // of what is queued and watched

	watched []command.Watched // of one slot
	slot    object.Slot       // of watched
}

type queued struct {
	e    *entry
	args [][]byte
}

// close forgets the queue and the watches.
func (t *transaction) close() { *t = transaction{} }

func (s *session) showTransaction() {
	n := int32(-1)
	if s.tx.open {
		n = int32(len(s.tx.queue))
	}
	s.shownTx.Store(n)
	s.shownW.Store(int32(len(s.tx.watched)))
}

// hold counts bytes that the transaction keeps and cuts the client that keeps too many.
func (s *session) holdInTransaction(args [][]byte) {
	for _, a := range args {
		s.tx.bytes += int64(len(a)) + 64
	}
	if s.tx.bytes > s.srv.live.Load().QueryBufferLimit {
		s.srv.totals.cutQuery.Add(1)
		why := "transaction over client-query-buffer-limit"
		s.wire.cutReason.Store(&why)
		s.leaving = true
	}
}

// enqueue keeps a command for EXEC.
func (s *session) enqueue(e *entry, args [][]byte) {
	if e.parse[s.face] != nil && !s.oneSlot(e, args) && (s.face == clusterFace || e.scatter == scatterNone) {
		s.reject(e, args, resp.ErrCrossSlot)
		return
	}
	if e.parse[s.face] != nil && s.sendsElsewhere() {
		if slot, any := (queued{e, args}).firstSlot(); any {
			if to := s.redirect(slot, false); to != "" {
				s.srv.totals.moved.Add(1)
				s.reject(e, args, to)
				return
			}
		}
	}
	if !s.tx.failed { // what will not run need not be kept
		s.tx.queue = append(s.tx.queue, queued{e, args})
		s.tx.writes = s.tx.writes || e.write
		s.holdInTransaction(args)
		s.showTransaction()
	}
	t := s.pipe.push(nil, args)
	t.reply = resp.Queued()
	t.silent = s.reply != replyOn
	s.skipped()
}

// oneSlot tells whether all keys of a command are of one slot, by the protocol's table: the arguments are looked at only
// when EXEC runs them.
func (s *session) oneSlot(e *entry, args [][]byte) bool {
	refs, ok := e.cmd.AppendKeyRefs(nil, args)
	if !ok || len(refs) == 0 {
		return true
	}
	slot := command.Slot(args[refs[0].Pos])
	for _, r := range refs[1:] {
		if command.Slot(args[r.Pos]) != slot {
			return false
		}
	}
	return true
}

// firstSlot is the slot of the first key that the protocol's table names; any is false when there is none.
func (q queued) firstSlot() (slot object.Slot, any bool) {
	refs, ok := q.e.cmd.AppendKeyRefs(nil, q.args)
	if !ok || len(refs) == 0 {
		return 0, false
	}
	return command.Slot(q.args[refs[0].Pos]), true
}

func multiCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	if s.tx.open {
		return resp.ErrNestedMulti.Value()
	}
	s.tx.open = true
	s.showTransaction()
	return resp.OK()
}

func discardCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	if !s.tx.open {
		return resp.ErrDiscardNoMulti.Value()
	}
	s.tx.close()
	s.showTransaction()
	return resp.OK()
}

func unwatchCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	s.tx.watched = nil
	s.showTransaction()
	return resp.OK()
}

// watchCommand remembers the versions of keys. All keys that a connection watches are of one slot: EXEC must compare them
// in the step that runs the transaction.
func watchCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	if s.tx.open {
		return resp.ErrWatchInMulti.Value()
	}
	keys := make([]object.KeyRef, 0, len(args)-1)
	for _, name := range args[1:] {
		keys = append(keys, object.KeyRef{DB: s.db, Name: name})
	}
	op := command.NewWatch(keys)
	slot, one := slotOf(op)
	if !one || len(s.tx.watched) > 0 && slot != s.tx.slot {
		return resp.ErrCrossSlot.Value()
	}
	if s.sendsElsewhere() {
		if to := s.redirect(slot, false); to != "" {
			s.srv.totals.moved.Add(1)
			return to.Value()
		}
	}
	reply := s.runNow(op, op, slot)
	if reply.IsError() {
		return reply
	}
	watched, ok := op.Versions(reply)
	if !ok {
		return errBadReply.Value()
	}
	s.tx.watched = append(s.tx.watched, watched...)
	s.tx.slot = slot
	s.holdInTransaction(args)
	s.showTransaction()
	return resp.OK()
}

// runNow runs one read and waits for it.
func (s *session) runNow(op command.Op, body bodyAppender, slot object.Slot) resp.Value {
	t := &step{body: body}
	s.ready(t, op, slot, false)
	s.srv.node.Start(&t.call)
	s.srv.node.Finish([]*cluster.Call{&t.call})
	s.checkPanic(t)
	s.srv.levels[indexRead][t.level].add(1, s.srv.nanos()-s.pipe.since)
	if t.call.Err != nil {
		reply, _ := s.failed(t.call.Err, indexRead, t.level)
		return reply
	}
	return t.reply
}
