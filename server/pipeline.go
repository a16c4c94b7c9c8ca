package server

import (
	"runtime/debug"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// pipeline is the batch that a session is working on: operations that were started and replies that wait for them, in the
// order of the commands. It is cut into chunks: a chunk's operations share one wait, then its replies are written.
//
// Time is taken once a read and once a chunk, not once a command: at depth 16 two clock readings for each command would be
// a twentieth of its cost. What a chunk took is what each of its commands took for the client, who had to wait for all.
type pipeline struct {
	steps []*step // the first used ones are this chunk's; kept for the next
	used  int
	calls []*cluster.Call // of this chunk, started and not finished
	held  int             // bytes of replies that wait, roughly
	since int64           // srv.nanos when the chunk began: for the first of a batch when it was read
	out   []byte
}

// Bounds of a chunk.
const (
	chunkSteps = 512
	chunkBytes = 1 << 20
	// keptSteps and keptBytes are what an idle session keeps.
	keptSteps = 32
	keptBytes = 32 << 10
	// writeAt is how much is encoded before it is written.
	writeAt = 256 << 10
)

// step is one command of a chunk. It is the operation that the node runs: it keeps the reply, which is of no concern there.
type step struct {
	call     cluster.Call
	op       command.Op
	reply    resp.Value
	e        *entry
	args     [][]byte
	parts    *scattered // of a command over several slots; call is not used then
	panicked *evalPanic
	// silent: the client asked for no reply.
	silent bool
}

// Reads implements dynamo.Op.
func (t *step) Reads() object.ReadSet { return t.op.Reads() }

// Eval implements dynamo.Op. The node evaluates under a lock that others need: a panic must not leave by that way, so it
// becomes the reply here, nothing is changed, and the session ends the connection when it sees it.
func (t *step) Eval(in *object.Input, v *object.View, m *object.Mutation) {
	defer func() {
		if cause := recover(); cause != nil {
			m.Reset()
			t.panicked = &evalPanic{cause: cause, stack: debug.Stack()}
			t.reply = errInternal.Value()
		}
	}()
	t.reply = t.op.Eval(in, v, m)
}

// evalPanic is a panic of an operation's evaluation.
type evalPanic struct {
	cause any
	stack []byte
}

// push adds a step to the chunk.
func (p *pipeline) push(e *entry, args [][]byte) *step {
	if p.used == len(p.steps) {
		p.steps = append(p.steps, new(step))
	}
	t := p.steps[p.used]
	p.used++
	t.e, t.args, t.parts = e, args, nil
	return t
}

// full tells that the chunk must be answered before the next command runs.
func (p *pipeline) full() bool { return p.used >= chunkSteps || p.held >= chunkBytes }

// start runs the operation of a step on the keys of slot as far as it goes without waiting.
func (s *session) start(t *step, op command.Op, slot object.Slot, write bool) {
	t.op = op
	t.call.Op, t.call.Slot, t.call.Write = t, slot, write
	s.srv.node.Start(&t.call)
	s.pipe.calls = append(s.pipe.calls, &t.call)
	s.checkPanic(t)
	s.pipe.held += weight(&t.reply)
}

// checkPanic ends the session when the step's evaluation panicked.
func (s *session) checkPanic(t *step) {
	if t.panicked != nil {
		s.srv.panicked(t.panicked.cause, t.panicked.stack)
		t.panicked = nil
		s.leaving = true
	}
}

// weight is about how many bytes of memory a reply holds on to.
func weight(v *resp.Value) int {
	n := len(v.Str)
	for i := range v.Elems {
		n += 32 + weight(&v.Elems[i])
	}
	return n
}

// answer waits for the chunk's operations and writes its replies out, or, where little waits and more is to come, leaves
// them in out.
func (s *session) answer() {
	p := &s.pipe
	if p.used == 0 {
		return
	}
	if len(p.calls) > 0 {
		s.srv.node.Finish(p.calls)
	}
	now := s.srv.nanos()
	took := now - p.since
	for _, t := range p.steps[:p.used] {
		switch {
		case t.parts != nil:
			t.parts.collect()
			t.reply = t.parts.gather()
		case t.op != nil && t.call.Err != nil:
			t.reply = s.srv.callError(t.call.Err)
		}
		if !t.silent {
			s.emit(&t.reply)
		}
	}
	s.account(took)
	if limit := s.srv.observeFrom.Load(); limit >= 0 && took >= limit {
		s.observeSlow(took, limit)
	}
	for _, t := range p.steps[:p.used] {
		t.clear()
	}
	clear(p.calls)
	p.calls, p.used, p.held, p.since = p.calls[:0], 0, 0, now
}

// clear lets go of what the step held on to.
func (t *step) clear() {
	if t.op != nil {
		t.call.Reset()
	}
	t.op, t.reply, t.e, t.args, t.parts, t.silent = nil, resp.Value{}, nil, nil, nil, false
}

// account adds the chunk to the commands' counters, a run of equal commands at a time.
func (s *session) account(took int64) {
	p := &s.pipe
	each := took / int64(p.used)
	var commands, hits, misses int64
	for i := 0; i < p.used; {
		e, n, failed := p.steps[i].e, int64(0), int64(0)
		for ; i < p.used && p.steps[i].e == e; i++ {
			t := p.steps[i]
			n++
			if t.reply.Kind == resp.KindError {
				failed++
				s.srv.countError(t.reply.Str)
			} else if t.op != nil && !e.write {
				h, m := found(&t.reply)
				hits, misses = hits+h, misses+m
			}
		}
		if e != nil { // not what was refused or queued
			e.stats.add(n, failed, each*n, took)
			commands += n
		}
	}
	tot := &s.srv.totals
	tot.commands.Add(commands)
	if hits > 0 {
		tot.hits.Add(hits)
	}
	if misses > 0 {
		tot.misses.Add(misses)
	}
	if last := p.steps[p.used-1].e; last != nil {
		s.lastCmd.Store(last.cmd)
	}
}

// found tells by the reply of a read how many keys it found and missed; where the reply does not say, it counts as one hit.
func found(v *resp.Value) (hits, misses int64) {
	switch v.Kind {
	case resp.KindNil:
		return 0, 1
	case resp.KindArray:
		for i := range v.Elems {
			if v.Elems[i].IsNil() {
				misses++
			}
		}
		return int64(len(v.Elems)) - misses, misses
	}
	return 1, 0
}

// observeSlow tells SLOWLOG and LATENCY of a chunk over the limit: of each command when each took that long on average,
// else of the one that was likely slow, that with the most arguments.
func (s *session) observeSlow(took, limit int64) {
	var worst *step
	each := took / int64(s.pipe.used)
	for _, t := range s.pipe.steps[:s.pipe.used] {
		if t.e != nil && each >= limit {
			s.observe(t.e.cmd, t.args, time.Duration(each))
			continue
		}
		if t.e != nil && (worst == nil || len(t.args) > len(worst.args)) {
			worst = t
		}
	}
	if worst != nil {
		s.observe(worst.e.cmd, worst.args, time.Duration(took))
	}
}

// trim gives back what a large batch needed and an idle connection does not.
func (p *pipeline) trim() {
	if len(p.steps) > keptSteps {
		clear(p.steps[keptSteps:])
		p.steps = p.steps[:keptSteps:keptSteps]
	}
	if cap(p.calls) > keptSteps {
		p.calls = nil
	}
	if cap(p.out) > keptBytes {
		p.out = nil
	}
}
