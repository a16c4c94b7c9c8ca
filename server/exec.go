package server

import (
	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// execution is one EXEC. The queue is cut into segments: runs of operations on keys, with the commands among them that
// neither see nor change keys (PING, SELECT ...), and single other commands (INFO, DBSIZE, FLUSHALL ...). A segment's
// operations on one slot are one atomic operation of the node; on the cluster face there is one slot.
type execution struct {
	s       *session
	queue   []queued
	plans   []plan
	replies []result
	watched []command.Watched
	slot    object.Slot // of watched
}

// result is the reply to one command, and what is known of it when that is an error of the node.
type result struct {
	reply resp.Value
	known outcome
}

// plan is what becomes of one queued command: an operation, one in parts, or neither for what a handler runs.
type plan struct {
	op    command.Op
	slot  object.Slot
	db    uint8
	parts *scattered
}

// group is the operations of a segment on one slot.
type group struct {
	slot  object.Slot
	ops   []command.Op
	from  []command.Invocation // of ops
	dst   []*result            // where their replies go
	write bool
	step  step
	// settled: its replies have been taken.
	settled bool
}

func execCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	if !s.tx.open {
		return resp.ErrExecNoMulti.Value()
	}
	x := execution{s: s, queue: s.tx.queue, watched: s.tx.watched, slot: s.tx.slot}
	failed := s.tx.failed
	s.tx.close()
	s.showTransaction()
	if failed && s.face == forwardFace {
		return resp.ErrExecAbort.Value()
	}
	if failed {
		x.watched = nil // they are not compared any more
	}
	x.replies = make([]result, len(x.queue))
	if bad := x.prepare(); bad != "" {
		return bad.Value()
	}
	if failed { // a Redis of a cluster looks at the slots first
		return resp.ErrExecAbort.Value()
	}
	reply := x.run()
	x.showMonitors(c, args)
	x.account()
	return reply
}

// prepare makes the operations and finds their slots.
func (x *execution) prepare() resp.Error {
	x.plans = make([]plan, len(x.queue))
	db := x.s.db
	slots := slotSet{cluster: x.s.face == clusterFace}
	if len(x.watched) > 0 {
		slots.fix(x.slot)
	}
	for i, q := range x.queue {
		if q.e.parse[x.s.face] == nil {
			if q.e.cmd.Name == "select" {
				if to, bad := x.s.parseDB(q.args[1]); bad == "" {
					db = to
				}
			}
			continue
		}
		if bad := x.planOperation(i, db, &slots); bad != "" {
			return bad
		}
	}
	if slots.several {
		x.s.srv.totals.splitMulti.Add(1)
	}
	if slots.any && x.s.sendsElsewhere() {
		if to := x.s.redirect(slots.first, false); to != "" {
			x.s.srv.totals.moved.Add(1)
			return to
		}
	}
	return ""
}

func (x *execution) planOperation(i int, db uint8, slots *slotSet) resp.Error {
	q, p := x.queue[i], &x.plans[i]
	op, reply := q.e.parse[x.s.face](q.args, db)
	if op == nil {
		x.replies[i].reply = reply
		if slot, any := q.firstSlot(); any && x.s.face == clusterFace {
			return slots.add(slot)
		}
		return ""
	}
	slot, one := slotOf(op)
	if one {
		p.op, p.slot, p.db = op, slot, db
		return slots.add(slot)
	}
	if x.s.face == clusterFace || q.e.scatter == scatterNone {
		return resp.ErrCrossSlot
	}
	w := split(q.e, q.args)
	if bad, ok := w.parse(q.e, x.s.face, db); !ok {
		x.replies[i].reply = bad
		return ""
	}
	p.parts, p.db = w, db
	for j := range w.parts {
		if bad := slots.add(w.parts[j].slot); bad != "" {
			return bad
		}
	}
	return ""
}

// slotSet is the slots of a transaction, as far as it matters: on the cluster face, and under WATCH, there may be one.
type slotSet struct {
	cluster, fixed bool
	any, several   bool
	first          object.Slot
}

func (t *slotSet) fix(slot object.Slot) { t.fixed, t.any, t.first = true, true, slot }

func (t *slotSet) add(slot object.Slot) resp.Error {
	switch {
	case !t.any:
		t.any, t.first = true, slot
	case slot == t.first:
	case t.cluster || t.fixed:
		return resp.ErrCrossSlot
	default:
		t.several = true
	}
	return ""
}

// run runs the segments in order.
func (x *execution) run() resp.Value {
	for i := 0; i < len(x.queue); {
		end := x.segment(i)
		groups := x.groups(i, end)
		if len(x.watched) > 0 && len(groups) == 0 {
			groups = append(groups, &group{slot: x.slot})
		}
		if touched, failed := x.runGroups(groups); touched {
			return resp.NilArray()
		} else if failed.IsError() {
			return failed
		}
		x.finishSegment(i, end)
		i = end
	}
	if len(x.watched) > 0 { // an empty queue under WATCH
		if touched, failed := x.runGroups([]*group{{slot: x.slot}}); touched {
			return resp.NilArray()
		} else if failed.IsError() {
			return failed
		}
	}
	replies := make([]resp.Value, len(x.replies))
	for i := range replies {
		replies[i] = x.replies[i].reply
	}
	return resp.Array(replies...)
}

// segment returns the end of the segment that begins at i.
func (x *execution) segment(i int) int {
	for j := i; j < len(x.queue); j++ {
		if e := x.queue[j].e; e.run != nil && !e.free {
			return max(j, i+1)
		}
	}
	return len(x.queue)
}

// groups joins the operations of a segment by slot, in order of the slots' first appearance.
func (x *execution) groups(from, to int) []*group {
	var all []*group
	index := make(map[object.Slot]*group)
	add := func(slot object.Slot, op command.Op, from command.Invocation, write bool, dst *result) {
		g := index[slot]
		if g == nil {
			g = &group{slot: slot}
			index[slot] = g
			all = append(all, g)
		}
		g.ops, g.from, g.dst, g.write = append(g.ops, op), append(g.from, from), append(g.dst, dst), g.write || write
	}
	for i := from; i < to; i++ {
		p, q := &x.plans[i], &x.queue[i]
		from := command.Invocation{Name: q.e.cmd.Name, DB: p.db, Args: q.args}
		if p.op != nil {
			add(p.slot, p.op, from, q.e.write, &x.replies[i])
		}
		if p.parts != nil {
			for j := range p.parts.parts {
				part := &p.parts.parts[j]
				from.Args = part.args
				add(part.slot, part.op, from, q.e.write, &part.result)
			}
		}
	}
	return all
}

// runGroups runs the groups one after the other. On a ring of one all of them share one wait. touched tells that a watched key
// has changed: nothing was done then. failed is an error of the whole transaction: the versions could not be compared, or its
// only group failed. Watches are compared by the first group run.
func (x *execution) runGroups(groups []*group) (touched bool, failed resp.Value) {
	if len(groups) == 0 {
		return false, resp.Value{}
	}
	guarded := len(x.watched) > 0
	whole := guarded || len(groups) == 1 && len(groups[0].ops) == len(x.queue)
	calls := make([]*cluster.Call, 0, len(groups))
	for i, g := range groups {
		x.start(g)
		calls = append(calls, &g.step.call)
		if g.step.call.Pending() || guarded && i == 0 {
			// The next slot's turn comes when this one is done; and not at all when a watched key has changed.
			x.s.srv.node.Finish(calls)
			x.s.wait(-x.s.pipe.waits)
			x.s.noteWrites(calls)
			calls = calls[:0]
			if touched, failed = x.settle(g, whole && i == 0); touched || failed.IsError() {
				return touched, failed
			}
		}
	}
	x.s.srv.node.Finish(calls)
	x.s.noteWrites(calls)
	for _, g := range groups {
		if g.settled {
			continue
		}
		if touched, failed = x.settle(g, whole); touched || failed.IsError() {
			return touched, failed
		}
	}
	return false, resp.Value{}
}

// start begins one group's operation.
func (x *execution) start(g *group) {
	t := &g.step
	t.body = &multiBody{commands: g.from, watched: x.watched}
	x.s.ready(t, command.NewMulti(g.ops, x.watched), g.slot, g.write)
	x.watched = nil
	if x.s.srv.crowded() {
		t.call.Err = errWaiting
		return
	}
	x.s.srv.node.Start(&t.call)
	if t.call.Pending() {
		for _, c := range g.from {
			x.s.wait(argBytes(c.Args))
		}
	}
}

// settle takes what came of a group. whole: a failure is that of the transaction, for nothing else was or will be done.
func (x *execution) settle(g *group, whole bool) (touched bool, failed resp.Value) {
	g.settled = true
	t := &g.step
	x.s.checkPanic(t)
	kind := indexRead
	if g.write {
		kind = indexWrite
	}
	x.s.srv.levels[kind][t.level].add(1, x.s.srv.nanos()-x.s.pipe.since)
	if err := t.call.Err; err != nil {
		bad, known := x.s.failed(err, kind, t.level)
		if whole {
			return false, bad
		}
		for _, dst := range g.dst {
			dst.reply, dst.known = bad, known
		}
		return false, resp.Value{}
	}
	switch {
	case t.reply.IsError():
		return false, t.reply // the evaluation panicked
	case t.reply.IsNil():
		return true, resp.Value{}
	case len(t.reply.Elems) != len(g.dst):
		return false, errBadReply.Value()
	}
	for i, dst := range g.dst {
		dst.reply = t.reply.Elems[i]
	}
	return false, resp.Value{}
}

// finishSegment gathers what was scattered and runs the handlers.
func (x *execution) finishSegment(from, to int) {
	for i := from; i < to; i++ {
		q := x.queue[i]
		if x.plans[i].parts != nil {
			x.replies[i].reply = x.plans[i].parts.gather()
		}
		if q.e.run == nil {
			continue
		}
		r := &x.replies[i].reply
		*r = q.e.run(x.s, q.e.cmd, q.args)
		if r.Kind == resp.KindNone {
			*r = resp.Nil() // an array cannot leave an element out
		}
	}
}

// account counts the commands that ran. Their time is EXEC's.
func (x *execution) account() {
	for i, q := range x.queue {
		q.e.stats.calls.Add(1)
		if r := &x.replies[i].reply; r.IsError() {
			q.e.stats.failed.Add(1)
			x.s.srv.countError(r.Str)
		}
	}
	x.s.srv.totals.commands.Add(int64(len(x.queue)))
}

// showMonitors shows what EXEC ran and then EXEC, which hides itself, as Redis does.
func (x *execution) showMonitors(c *resp.Command, args [][]byte) {
	if !x.s.srv.monitors.active() {
		return
	}
	for _, q := range x.queue {
		x.s.showMonitors(q.e, q.args)
	}
	x.s.publish(c, args)
}
