package server

import (
	"runtime/debug"
	"strings"
	"time"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// serve runs the commands of a batch and writes their replies; leave ends the connection. A panic costs the connection only.
func (s *session) serve(cmds [][][]byte) (leave bool) {
	defer func() {
		if cause := recover(); cause != nil {
			s.contain(cause)
			leave = true
		}
	}()
	s.pipe.since = s.wire.readAt
	s.ring, s.single = s.srv.topology(), len(cmds) == 1
	s.refreshUser()
	for _, args := range cmds {
		if s.pipe.full() {
			s.answer()
		}
		if s.run(args); s.leaving {
			break
		}
	}
	s.answer()
	s.flush()
	s.pipe.trim()
	if s.feed != nil {
		s.startMonitor()
	}
	return s.leaving
}

// contain ends a panic: the command that was running gets an error, the connection is closed.
func (s *session) contain(cause any) {
	s.srv.panicked(cause, debug.Stack())
	s.leaving = true
	defer func() {
		if again := recover(); again != nil {
			s.srv.panicked(again, debug.Stack()) // the replies themselves are at fault: nothing more is sent
		}
	}()
	if p := &s.pipe; p.used > 0 {
		p.steps[p.used-1].reply = errInternal.Value()
		p.steps[p.used-1].parts = nil
	}
	s.answer()
	s.flush()
}

const errInternal resp.Error = "ERR internal error"

func (s *Server) panicked(cause any, stack []byte) {
	s.totals.panics.Add(1)
	s.log.Error("a command panicked; its connection is closed", "cause", cause, "stack", string(stack))
}

// run executes one command: its reply is a step of the chunk.
func (s *session) run(args [][]byte) {
	if s.reply == replySkip {
		s.reply = replySkipping
	}
	e, bad := s.resolve(args)
	switch {
	case bad != "":
		s.reject(e, args, bad)
	case e.at:
		s.runAt(e, args)
	default:
		s.execute(e, args)
	}
}

// execute runs a command that was resolved.
func (s *session) execute(e *entry, args [][]byte) {
	if s.srv.pause.on.Load() {
		s.waitPause(e)
	}
	if s.tx.open && !e.inMulti {
		s.enqueue(e, args)
		return
	}
	if e.run != nil {
		s.runHandler(e, args)
	} else {
		t := s.pipe.push(e, args)
		t.silent = s.reply != replyOn
		s.runOperation(t)
		s.skipped()
	}
	if s.srv.monitors.active() {
		s.showMonitors(e, args) // after it ran, as Redis does: SELECT shows the new database
	}
}

// resolve finds what runs a command, or why it may not run, in the order in which Redis looks.
func (s *session) resolve(args [][]byte) (*entry, resp.Error) {
	e := s.srv.table.find(args[0])
	if e == nil {
		return nil, s.notFound(args)
	}
	if len(e.subs) > 0 && len(args) > 1 {
		container := e
		if e = container.sub(args[1]); e == nil {
			return nil, s.refused(container.cmd.Subcommand(args[1]), resp.Unknown(container.cmd, args))
		}
	}
	switch {
	case !e.cmd.ArityOK(len(args)):
		return e, resp.WrongArity(e.cmd.Name)
	case !s.authed && !e.cmd.Is(resp.NoAuth):
		return e, resp.ErrNoAuth
	case e.cmd.Refused != "":
		return e, e.cmd.Refused
	case !e.serves():
		return nil, resp.Unknown(e.cmd, args)
	case s.tx.open && e.cmd.Is(resp.NoMulti) && !e.inMulti:
		return e, resp.ErrNotAllowedMulti
	case !s.rights.all() && !e.cmd.Is(resp.NoAuth):
		return e, s.mayNot(e)
	}
	return e, ""
}

// sub is the entry of a subcommand, nil when there is none.
func (e *entry) sub(name []byte) *entry {
	for _, sub := range e.subs {
		if equalFold(name, sub.cmd.Name[len(e.cmd.Name)+1:]) {
			return sub
		}
	}
	return nil
}

// notFound is the error for a command that no table has.
func (s *session) notFound(args [][]byte) resp.Error {
	if equalFold(args[0], "post") || equalFold(args[0], "host:") {
		// A browser was made to send this. As in Redis nothing of it is answered.
		s.srv.log.Warn("possible attack: HTTP on a client port; the connection is closed", "client", s.addr)
		s.leaving, s.broken = true, true
	}
	return s.refused(resp.Lookup(args[0]), resp.UnknownCommand(args))
}

// refused is what a known but refused command is told, else otherwise.
func (s *session) refused(c *resp.Command, otherwise resp.Error) resp.Error {
	switch {
	case c == nil || c.Refused == "":
		return otherwise
	case !s.authed:
		return resp.ErrNoAuth
	}
	return c.Refused
}

// reject answers a command that does not run. In MULTI the transaction is lost.
func (s *session) reject(e *entry, args [][]byte, why resp.Error) {
	if e != nil && e.cmd.Name == "exec" { // ends the transaction, whatever is wrong with it
		s.tx.close()
		s.showTransaction()
		why = resp.ExecAborted(strings.TrimPrefix(string(why), "ERR "))
	}
	if s.tx.open {
		s.tx.failed = true
	}
	if e != nil {
		e.stats.rejected.Add(1)
	}
	t := s.pipe.push(nil, args)
	t.reply = why.Value()
	t.silent = s.reply != replyOn
	s.skipped()
}

// skipped ends what CLIENT REPLY SKIP asked for.
func (s *session) skipped() {
	if s.reply == replySkipping {
		s.reply = replyOn
	}
}

// runHandler runs what is no operation on keys. Unless it is free it runs alone: after the replies of what came before,
// with a time of its own.
func (s *session) runHandler(e *entry, args [][]byte) {
	if !e.free {
		s.answer()
		s.pipe.since = s.srv.nanos()
	}
	t := s.pipe.push(e, args)
	s.lastCmd.Store(e.cmd)
	t.reply = e.run(s, e.cmd, args)
	s.pipe.held += weight(&t.reply)
	t.silent = s.reply != replyOn
	s.skipped()
	if !e.free {
		s.answer()
	}
}

// runOperation starts an operation on keys.
func (s *session) runOperation(t *step) {
	op, reply := t.e.parse[s.face](t.args, s.db)
	if op == nil {
		t.reply = reply
		if s.face == clusterFace {
			s.placesFirst(t)
		}
		return
	}
	slot, one := slotOf(op)
	switch {
	case one && s.sendsElsewhere() && s.moved(t, slot):
	case one:
		s.start(t, op, slot, t.e.write)
	case s.face == forwardFace && t.e.scatter != scatterNone:
		s.scatter(t)
	default:
		t.reply = resp.ErrCrossSlot.Value()
	}
}

// slotOf is the slot of an operation's keys; one is false when they are of several.
func slotOf(op command.Op) (slot object.Slot, one bool) {
	keys := op.Reads().Keys
	if len(keys) == 0 {
		return 0, true
	}
	slot = command.Slot(keys[0].Name)
	for i := 1; i < len(keys); i++ {
		if command.Slot(keys[i].Name) != slot {
			return slot, false
		}
	}
	return slot, true
}

// waitPause holds a command back while CLIENT PAUSE says so. What came before is answered first.
func (s *session) waitPause(e *entry) {
	write := e.write || e.cmd.Name == "exec" && s.tx.writes
	if e.cmd.Name == "client|unpause" {
		return
	}
	for {
		wait, changed := s.srv.pause.state(s.srv.nanos(), write)
		if wait <= 0 {
			return
		}
		s.answer()
		s.flush()
		timer := time.NewTimer(time.Duration(wait))
		select {
		case <-timer.C:
		case <-changed:
		case <-s.srv.closed:
			timer.Stop()
			return
		}
		timer.Stop()
		s.pipe.since = s.srv.nanos()
	}
}

// showMonitors feeds a command to those that said MONITOR.
func (s *session) showMonitors(e *entry, args [][]byte) {
	if e.cmd.Is(resp.SkipMonitor) || e.cmd.Is(resp.Admin) {
		return
	}
	s.publish(e.cmd, args)
}

func (s *session) publish(c *resp.Command, args [][]byte) {
	s.srv.monitors.publish(monitorLine(time.Now(), int(s.db), s.addr, redactArgs(c, args)))
}
