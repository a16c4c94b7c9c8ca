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
	// pending are those of calls that wait for other nodes. None ever does on a ring of one.
	pending []*step
	held    int   // bytes of replies that wait, roughly
	waits   int64 // bytes of the commands in pending, as they are in Server.waiting
	// present is the wall clock at presentOf, a chunk's since: read once for all its operations.
	present   object.HLC
	presentOf int64
	since     int64 // srv.nanos when the chunk began: for the first of a batch when it was read
	out       []byte
}

// Bounds of a chunk.
const (
	chunkSteps = 512
	chunkBytes = 1 << 20
	// keptSteps and keptBytes are what an idle session keeps.
	keptSteps = 32
	keptBytes = 32 << 10
	// maxPending bounds what a connection has under way with other nodes, and so the replies that come in unweighed.
	maxPending = 128
	// writeAt is how much is encoded before it is written.
	writeAt = 256 << 10
)

// step is one command of a chunk. It is the operation that the node runs: it keeps the reply, which is of no concern there.
// Between Start and Finish of its call the node may evaluate it on any goroutine, so op, reply and panicked are the node's.
type step struct {
	call     cluster.Call
	op       command.Op
	reply    resp.Value
	e        *entry
	args     [][]byte
	parts    *scattered   // of a command over several slots; call is not used then
	body     bodyAppender // of what is not one command
	panicked *evalPanic
	db       uint8
	level    uint8 // index of the level that it is counted at
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

// start runs the operation of a step on the keys of slot as far as it goes without waiting. REQUIRES: e and args are set.
func (s *session) start(t *step, op command.Op, slot object.Slot, write bool) {
	if len(s.pipe.pending) > 0 {
		s.keepOrder(slot, write)
	}
	s.ready(t, op, slot, write)
	if s.srv.crowded() {
		t.call.Err = errWaiting
		return
	}
	s.srv.node.Start(&t.call)
	s.pipe.calls = append(s.pipe.calls, &t.call)
	if t.call.Pending() {
		s.pipe.pending = append(s.pipe.pending, t)
		s.wait(argBytes(t.args))
		return
	}
	s.taken(t)
}

// ready sets what the node is to know of a step.
func (s *session) ready(t *step, op command.Op, slot object.Slot, write bool) {
	t.op, t.db = op, s.db
	force, index := &s.levels.force, &s.levels.index
	if s.levels.open && len(s.srv.rules) > 0 {
		levels, indexes := s.levelsFor(op.Reads().Keys, slot)
		force, index = &levels, &indexes
	}
	t.level = index[indexRead]
	if write {
		t.level = index[indexWrite]
	}
	if p := &s.pipe; p.presentOf != p.since {
		p.present, p.presentOf = s.srv.node.Present(), p.since
	}
	c := &t.call
	c.Present = s.pipe.present
	c.Op, c.Slot, c.Write = t, slot, write
	c.ReadLevel, c.WriteLevel = force.Read, force.Write
}

// keepOrder waits for what is under way on the slot, so that what a connection sends is done in the order in which it was
// sent wherever that can be seen: reads may overlap with reads. (A call that is not pending has its place in the order.)
func (s *session) keepOrder(slot object.Slot, write bool) {
	if len(s.pipe.pending) >= maxPending {
		s.settle()
		return
	}
	for _, t := range s.pipe.pending {
		if t.call.Slot == slot && (write || t.call.Write) {
			s.settle()
			return
		}
	}
}

// settle waits for all that was started.
func (s *session) settle() {
	p := &s.pipe
	if len(p.calls) == 0 {
		return
	}
	s.srv.node.Finish(p.calls)
	s.wait(-p.waits)
	p.presentOf = 0 // that may have taken long
	s.noteWrites(p.calls)
	clear(p.calls)
	p.calls = p.calls[:0]
	for _, t := range p.pending {
		s.taken(t)
	}
	clear(p.pending)
	p.pending = p.pending[:0]
}

// taken looks at what the evaluation of a step left.
func (s *session) taken(t *step) {
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
	s.settle()
	now := s.srv.nanos()
	took := now - p.since
	for _, t := range p.steps[:p.used] {
		switch {
		case t.parts != nil:
			t.parts.collect(s)
			t.reply = t.parts.gather()
		case t.op != nil && t.call.Err != nil:
			t.reply, _ = s.failed(t.call.Err, t.kind(), t.level)
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
	p.used, p.held, p.since = 0, 0, now
}

// kind is under which of the levels the step is counted.
func (t *step) kind() int {
	if t.e != nil && t.e.write {
		return indexWrite
	}
	return indexRead
}

// clear lets go of what the step held on to.
func (t *step) clear() {
	if t.op != nil {
		t.call.Reset()
	}
	t.op, t.reply, t.e, t.args, t.parts, t.body, t.silent = nil, resp.Value{}, nil, nil, nil, nil, false
	t.level = 0
}

// account adds the chunk to the commands' counters, a run of equal commands at a time.
func (s *session) account(took int64) {
	p := &s.pipe
	each := took / int64(p.used)
	var commands, hits, misses int64
	for i := 0; i < p.used; {
		e, level, n, failed := p.steps[i].e, p.steps[i].level, int64(0), int64(0)
		for ; i < p.used && p.steps[i].e == e && p.steps[i].level == level; i++ {
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
			if level != 0 {
				s.srv.levels[p.steps[i-1].kind()][level].add(n, took)
			}
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
	if cap(p.pending) > keptSteps {
		p.pending = nil
	}
	if cap(p.out) > keptBytes {
		p.out = nil
	}
}
